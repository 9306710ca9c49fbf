// DICOM for Python: what a file says, its pixels as arrays, the file without its patient.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "consilia/core/error.hpp"
#include "consilia/imaging/dicom.hpp"
#include "encoded_image.hpp"

namespace consilia::bindings {
namespace {

using imaging::DeidentifyDates;
using imaging::DeidentifyOptions;
using imaging::DicomDecodeOptions;
using imaging::DicomInfo;
using imaging::ModalityValues;
using imaging::Window;
using imaging::WindowSource;

/// The bytes, then `work` on them, without the GIL.
template <class Work>
auto with_bytes(const py::object& source, const Work& work) {
    FileBytes bytes(source);
    const py::gil_scoped_release release;
    return work(bytes.get());
}

DeidentifyDates dates_of(const std::string& name) {
    if (name == "remove") return DeidentifyDates::Remove;
    if (name == "shift") return DeidentifyDates::Shift;
    throw core::InvalidArgument("dicom.dates", "`dates` is `remove` or `shift`", {{"field", "dates"}});
}

void bind_info(py::module_& module) {
    py::class_<Window>(module, "Window", "A window that a file has, in modality units.")
        .def_readonly("center", &Window::center)
        .def_readonly("width", &Window::width)
        .def_property_readonly("function", [](const Window& window) { return to_string(window.function); })
        .def_readonly("explanation", &Window::explanation, "What the file calls it; empty if it does not.")
        .def("__repr__", [](const Window& window) {
            return "<Window " + py::str(py::float_(window.center)).cast<std::string>() + " ± " +
                   py::str(py::float_(window.width / 2)).cast<std::string>() + ">";
        });
    py::class_<DicomInfo>(module, "DicomInfo", "What a file says of its image.")
        .def_readonly("transfer_syntax", &DicomInfo::transfer_syntax, "The UID of how it is written.")
        .def_readonly("transfer_syntax_name", &DicomInfo::transfer_syntax_name)
        .def_readonly("photometric_interpretation", &DicomInfo::photometric_interpretation)
        .def_readonly("width", &DicomInfo::width)
        .def_readonly("height", &DicomInfo::height)
        .def_readonly("frames", &DicomInfo::frames)
        .def_readonly("channels", &DicomInfo::channels)
        .def_readonly("bits_allocated", &DicomInfo::bits_allocated)
        .def_readonly("bits_stored", &DicomInfo::bits_stored)
        .def_readonly("is_signed", &DicomInfo::is_signed)
        .def_readonly("rescale_slope", &DicomInfo::rescale_slope)
        .def_readonly("rescale_intercept", &DicomInfo::rescale_intercept)
        .def_readonly("has_modality_lut", &DicomInfo::has_modality_lut)
        .def_readonly("has_voi_lut", &DicomInfo::has_voi_lut)
        .def_readonly("windows", &DicomInfo::windows)
        .def_readonly("has_foreign_preamble", &DicomInfo::has_foreign_preamble,
                      "The 128 bytes before the magic number are not all zero.")
        .def_readonly("has_burned_in_annotation", &DicomInfo::has_burned_in_annotation,
                      "The file says that its pixels show text about the patient.")
        .def("__repr__", [](const DicomInfo& info) {
            return "<DicomInfo " + std::to_string(info.width) + "x" + std::to_string(info.height) + " " +
                   info.transfer_syntax_name + ">";
        });
    module.def(
        "info", [](const py::object& source) { return with_bytes(source, imaging::dicom_info); },
        py::arg("image"), "Reads the header of a DICOM image: bytes, which are not copied, or a path.");
}

void bind_pixels(py::module_& module) {
    module.def(
        "decode",
        [](const py::object& source, std::optional<std::uint32_t> frame,
           std::optional<std::pair<double, double>> window, const std::string& function, std::uint32_t index,
           bool full_range) {
            DicomDecodeOptions options;
            options.frame = frame;
            options.index = index;
            if (full_range) options.source = WindowSource::FullRange;
            if (window) {
                options.source = WindowSource::Given;
                options.window = {window->first, window->second, imaging::window_function(function), {}};
            }
            return to_array(
                with_bytes(source, [&](auto bytes) { return imaging::decode_dicom(bytes, options); }));
        },
        py::arg("image"), py::kw_only(), py::arg("frame") = py::none(), py::arg("window") = py::none(),
        py::arg("function") = "linear", py::arg("index") = 0, py::arg("full_range") = false,
        "Decodes one frame to a uint8 array [H, W] or [H, W, 3].\n\n"
        "Gray goes through the modality LUT or rescale and through `window` (center and width, with "
        "`function` linear, linear_exact or sigmoid), or with `full_range` from the least to the greatest "
        "value, or as the file says: by its VOI LUT or window number `index`. More is brighter, whatever the "
        "file. `frame` counts from 0 and is needed where there are several.");
    module.def(
        "values",
        [](const py::object& source, std::optional<std::uint32_t> frame) {
            ModalityValues values = with_bytes(
                source, [&](auto bytes) { return imaging::dicom_values(bytes, {.frame = frame}); });
            std::vector<py::ssize_t> shape = {values.height, values.width};
            return array_over<float, ModalityValues>(std::move(values), std::move(shape),
                                                     [](ModalityValues& kept) { return kept.values.data(); });
        },
        py::arg("image"), py::kw_only(), py::arg("frame") = py::none(),
        "A gray frame in modality units, not windowed: a float32 array [H, W].");
}

void bind_file(py::module_& module) {
    module.def(
        "tags",
        [](const py::object& source) {
            const auto tags = with_bytes(source, [](auto bytes) { return imaging::read_tags(bytes); });
            py::dict out;
            for (const imaging::DicomTag& tag : tags) out[py::str(tag.keyword)] = py::str(tag.text);
            return out;
        },
        py::arg("image"),
        "Attributes of patient, study, series, equipment and image by keyword, as text. This is patient "
        "data: do not log it.");
    module.def(
        "deidentify",
        [](const py::object& source, const py::bytes& key, const std::string& dates, bool allow_burned_in) {
            DeidentifyOptions options;
            options.key = std::string(key);
            options.dates = dates_of(dates);
            options.allow_burned_in = allow_burned_in;
            const std::vector<std::byte> out =
                with_bytes(source, [&](auto bytes) { return imaging::deidentify(bytes, options); });
            return py::bytes(reinterpret_cast<const char*>(out.data()), out.size());
        },
        py::arg("image"), py::kw_only(), py::arg("key") = py::bytes(), py::arg("dates") = "remove",
        py::arg("allow_burned_in") = false,
        "The file without what identifies the patient, by the basic profile of PS3.15; pixel data stay byte "
        "for byte.\n\n"
        "`key`: secret of at least 16 bytes that UIDs and the shift of dates are derived from; without it "
        "nothing links the result to other files. `dates`: remove, or shift by a number of days of each "
        "patient. `allow_burned_in`: take files that say that their pixels show text.");
}

}  // namespace

void bind_dicom(py::module_& module) {
    bind_info(module);
    bind_pixels(module);
    bind_file(module);
}

}  // namespace consilia::bindings
