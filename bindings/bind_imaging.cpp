// Decoding, pipelines and PNG for Python. Arrays leave without a copy; they come in with one, into an owned
// image.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/metadata.hpp"
#include "consilia/imaging/pipeline.hpp"
#include "encoded_image.hpp"

namespace py = pybind11;

namespace consilia::bindings {
namespace {

using imaging::DecodeLimits;
using imaging::Image;
using imaging::ImageInfo;
using imaging::Pipeline;

/// A copy of a uint8 array `[H, W]`, `[H, W, 1]` or `[H, W, 3]`, whatever its strides.
Image to_image(const py::array& array) {
    const bool is_image =
        array.ndim() == 2 || (array.ndim() == 3 && (array.shape(2) == 1 || array.shape(2) == 3));
    if (!array.dtype().equal(py::dtype::of<std::uint8_t>()) || !is_image) {
        throw core::InvalidArgument("image.array",
                                    "an image must be a uint8 array of shape [H, W] or [H, W, 3]");
    }
    constexpr py::ssize_t kMaxSide = std::numeric_limits<std::int32_t>::max();
    if (array.shape(0) > kMaxSide || array.shape(1) > kMaxSide) {
        throw core::InvalidArgument("image.array", "an image must have at most 2147483647 pixels a side");
    }
    const auto dense = py::array_t<std::uint8_t, py::array::c_style>::ensure(array);
    if (!dense) throw py::error_already_set();
    Image image;
    image.height = static_cast<std::int32_t>(array.shape(0));
    image.width = static_cast<std::int32_t>(array.shape(1));
    image.channels = array.ndim() == 3 ? static_cast<std::int32_t>(array.shape(2)) : 1;
    image.pixels.assign(dense.data(), dense.data() + dense.size());
    return image;
}

/// Runs `work(image)` without the GIL, on an array as it is or on anything else decoded.
template <class Work>
auto with_image(const py::object& source, const Work& work) {
    if (py::isinstance<py::array>(source)) {
        const Image image = to_image(py::reinterpret_borrow<py::array>(source));
        const py::gil_scoped_release release;
        return work(image);
    }
    FileBytes bytes(source);
    const py::gil_scoped_release release;
    return work(imaging::decode(bytes.get()));
}

std::string document_text(const py::object& document) {
    if (py::isinstance<py::str>(document)) return document.cast<std::string>();
    return py::module_::import("json").attr("dumps")(document).cast<std::string>();
}

void bind_info(py::module_& module) {
    py::class_<ImageInfo>(module, "ImageInfo",
                          "What the header of a file says, read without decoding a pixel.")
        .def_property_readonly("format", [](const ImageInfo& info) { return to_string(info.format); })
        .def_property_readonly("media_type", [](const ImageInfo& info) { return media_type(info.format); })
        .def_property_readonly("file_extension",
                               [](const ImageInfo& info) { return file_extension(info.format); })
        .def_readonly("width", &ImageInfo::width, "Of the decoded image: with the orientation applied.")
        .def_readonly("height", &ImageInfo::height, "Of the decoded image: with the orientation applied.")
        .def_readonly("channels", &ImageInfo::channels, "Of the decoded image: 1 (gray) or 3.")
        .def_readonly("bit_depth", &ImageInfo::bit_depth, "As stored.")
        .def_readonly("has_alpha", &ImageInfo::has_alpha)
        .def_readonly("interlaced", &ImageInfo::interlaced, "Progressive JPEG or Adam7 PNG.")
        .def_readonly("orientation", &ImageInfo::orientation, "EXIF orientation of a JPEG, 1 to 8.")
        .def_readonly("scans", &ImageInfo::scans, "JPEG: number of scans found.")
        .def("__repr__", [](const ImageInfo& info) {
            return "<ImageInfo " + std::string(to_string(info.format)) + " " + std::to_string(info.width) +
                   "x" + std::to_string(info.height) + ">";
        });
}

/// What `work` returns as bytes, made without the GIL.
template <class Work>
py::bytes to_bytes(const Work& work) {
    const std::vector<std::byte> bytes = [&] {
        const py::gil_scoped_release release;
        return work();
    }();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

imaging::ImageFormat format_named(std::string_view name) {
    for (const imaging::ImageFormat format : {imaging::ImageFormat::Jpeg, imaging::ImageFormat::Png}) {
        if (name == to_string(format)) return format;
    }
    throw core::InvalidArgument("image.format", "`format` must be `jpeg` or `png`", {{"field", "format"}});
}

/// Binds `work(bytes, limits, more...)`, the limits as keywords with their defaults.
template <class... More, class Work, class... Extra>
void def_limited(py::module_& module, const char* name, Work work, const char* doc, const Extra&... extra) {
    static const DecodeLimits kDefaults;
    module.def(
        name,
        [work](const py::object& source, More... more, std::uint64_t max_pixels, std::uint32_t max_width,
               std::uint32_t max_height, std::uint64_t max_memory_bytes, std::uint32_t max_scans,
               std::uint64_t max_scan_pixels, std::uint32_t max_segments) {
            DecodeLimits limits;
            limits.max_pixels = max_pixels;
            limits.max_width = max_width;
            limits.max_height = max_height;
            limits.max_memory_bytes = max_memory_bytes;
            limits.max_scans = max_scans;
            limits.max_scan_pixels = max_scan_pixels;
            limits.max_segments = max_segments;
            FileBytes bytes(source);
            return work(bytes, limits, more...);
        },
        py::arg("image"), extra..., py::kw_only(), py::arg("max_pixels") = kDefaults.max_pixels,
        py::arg("max_width") = kDefaults.max_width, py::arg("max_height") = kDefaults.max_height,
        py::arg("max_memory_bytes") = kDefaults.max_memory_bytes, py::arg("max_scans") = kDefaults.max_scans,
        py::arg("max_scan_pixels") = kDefaults.max_scan_pixels,
        py::arg("max_segments") = kDefaults.max_segments, doc);
}

void bind_checks(py::module_& module) {
    module.def(
        "detect_format",
        [](const py::object& source) -> std::optional<std::string_view> {
            FileBytes bytes(source);
            const py::gil_scoped_release release;
            const std::optional<imaging::ImageFormat> format = imaging::detect_format(bytes.get());
            if (!format) return std::nullopt;
            return to_string(*format);
        },
        py::arg("image"), "`jpeg`, `png` or None, by the first bytes and nothing else.");
    module.def(
        "probe",
        [](const py::object& source) {
            FileBytes bytes(source);
            const py::gil_scoped_release release;
            return imaging::probe(bytes.get());
        },
        py::arg("image"), "Reads the header of a JPEG or PNG: bytes, which are not copied, or a path.");
    def_limited(
        module, "check_structure",
        [](FileBytes& bytes, const DecodeLimits& limits) {
            const py::gil_scoped_release release;
            return imaging::check_structure(bytes.get(), limits);
        },
        "Walks every segment or chunk to the end, and finds what follows it; decodes nothing.\n\n"
        "Raises:\n    ValidationError: `image.unsupported_type`, `image.too_many_pixels`, "
        "`image.too_complex`, "
        "`image.damaged`\n        or `image.trailing_data`.");
    def_limited(
        module, "verify",
        [](FileBytes& bytes, const DecodeLimits& limits) {
            const py::gil_scoped_release release;
            return imaging::verify(bytes.get(), limits);
        },
        "What lets a file in: checks the structure, and decodes to the end without keeping a pixel.\n\n"
        "Memory does not grow with the image, but for a JPEG of several scans: two bytes a sample, within "
        "the "
        "limits.\n\n"
        "Raises:\n    ValidationError: as `check_structure` and `decode`.");
}

void bind_codec(py::module_& module) {
    def_limited(
        module, "decode",
        [](FileBytes& bytes, const DecodeLimits& limits) {
            Image image = [&] {
                const py::gil_scoped_release release;
                return imaging::decode(bytes.get(), limits);
            }();
            return to_array(std::move(image));
        },
        "Decodes a JPEG or PNG (bytes or a path) to a uint8 array [H, W] or [H, W, 3], with the EXIF "
        "orientation applied.");
    module.def(
        "encode_png",
        [](const py::array& array) {
            const Image image = to_image(array);
            return to_bytes([&] { return imaging::encode_png(image); });
        },
        py::arg("pixels"), "An 8-bit PNG of a uint8 array [H, W] or [H, W, 3], which is copied.");
    module.def(
        "encode_jpeg",
        [](const py::array& array, int quality) {
            const Image image = to_image(array);
            return to_bytes([&] { return imaging::encode_jpeg(image, quality); });
        },
        py::arg("pixels"), py::arg("quality") = imaging::kJpegQuality,
        "A baseline JPEG of a uint8 array [H, W] or [H, W, 3], which is copied: without metadata, colour at "
        "full resolution.\n\n"
        "Raises:\n    InvalidArgument: `image.quality` if `quality` is not from 1 to 100.");
    def_limited(
        module, "strip_metadata",
        [](FileBytes& bytes, const DecodeLimits& limits) {
            return to_bytes([&] { return imaging::strip_metadata(bytes.get(), limits); });
        },
        "The same image without metadata, bit for bit: places, names, times, comments, profiles and second "
        "pictures go, the orientation stays.\n\n"
        "Raises:\n    ValidationError: as `check_structure`.");
    def_limited<const std::string&>(
        module, "reencode",
        [](FileBytes& bytes, const DecodeLimits& limits, const std::string& name) {
            const imaging::ImageFormat format = format_named(name);
            return to_bytes([&] { return imaging::reencode(bytes.get(), format, limits); });
        },
        "A file of the same pixels and of nothing else, as `jpeg` (quality 90) or `png`.\n\n"
        "Raises:\n    ValidationError: as `decode`.",
        py::arg("format"));
}

void bind_pipeline(py::module_& module) {
    py::class_<Pipeline>(module, "Pipeline",
                         "How an image becomes a model's input: an immutable list of steps.")
        .def(
            py::init([](const py::object& document) { return Pipeline::from_json(document_text(document)); }),
            py::arg("document"), "Reads a document: JSON text, or what `json.dumps` makes text of.")
        .def("to_json", &Pipeline::to_json, "The canonical form.")
        .def_property_readonly("hash", &Pipeline::hash,
                               "SHA-256 of the algorithm version and the canonical form.")
        .def_property_readonly("output_shape", &Pipeline::output_shape,
                               "Shape of the tensor, or None if it follows the image.")
        .def(
            "apply",
            [](const Pipeline& self, const py::object& source) {
                return to_array(
                    with_image(source, [&self](const Image& image) { return self.apply(image); }));
            },
            py::arg("image"), "All steps: a float32 array. An array of pixels is copied; bytes are not.")
        .def(
            "apply_pixels",
            [](const Pipeline& self, const py::object& source) {
                return to_array(
                    with_image(source, [&self](const Image& image) { return self.apply_pixels(image); }));
            },
            py::arg("image"), "The steps before normalize: a uint8 array, what the model sees as a picture.")
        .def(
            "__eq__", [](const Pipeline& a, const Pipeline& b) { return a == b; }, py::is_operator())
        .def("__hash__", [](const Pipeline& self) { return py::hash(py::str(self.hash())); })
        .def("__repr__", [](const Pipeline& self) { return "Pipeline('" + self.to_json() + "')"; })
        .def(py::pickle([](const Pipeline& self) { return py::str(self.to_json()); },
                        [](const py::str& text) { return Pipeline::from_json(std::string(text)); }));
}

}  // namespace

void bind_imaging(py::module_& module) {
    bind_info(module);
    bind_checks(module);
    bind_codec(module);
    bind_pipeline(module);
}

}  // namespace consilia::bindings
