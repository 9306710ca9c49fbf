// Decoding, pipelines and PNG for Python. Arrays leave without a copy; they come in with one, into an owned
// image.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/pipeline.hpp"

namespace py = pybind11;

namespace consilia::bindings {
namespace {

using imaging::DecodeLimits;
using imaging::Image;
using imaging::ImageInfo;
using imaging::Pipeline;
using imaging::Tensor;

/// An array over what `owner` holds at `data`; the array keeps the owner alive.
template <class T, class Owner>
py::array_t<T> array_over(Owner owner, std::vector<py::ssize_t> shape, T* (*data)(Owner&)) {
    auto kept = std::make_unique<Owner>(std::move(owner));
    T* first = data(*kept);
    py::capsule base(kept.get(), [](void* pointer) { delete static_cast<Owner*>(pointer); });
    (void)kept.release();
    return py::array_t<T>(std::move(shape), first, base);
}

py::array_t<std::uint8_t> to_array(Image image) {
    std::vector<py::ssize_t> shape = {image.height, image.width};
    if (image.channels != 1) shape.push_back(image.channels);
    return array_over<std::uint8_t, Image>(std::move(image), std::move(shape),
                                           [](Image& kept) { return kept.pixels.data(); });
}

py::array_t<float> to_array(Tensor tensor) {
    std::vector<py::ssize_t> shape(tensor.shape.begin(), tensor.shape.end());
    return array_over<float, Tensor>(std::move(tensor), std::move(shape),
                                     [](Tensor& kept) { return kept.values.data(); });
}

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

/// The bytes of a file: borrowed from a bytes-like object, or read from a path.
class FileBytes {
public:
    explicit FileBytes(const py::object& source) {
        if (py::isinstance<py::str>(source) || py::hasattr(source, "__fspath__")) {
            path_ = source.cast<std::filesystem::path>();
            return;
        }
        if (!PyObject_CheckBuffer(source.ptr())) {
            throw core::InvalidArgument("image.source", "an image must be bytes, a path or a uint8 array");
        }
        view_ = std::make_unique<py::buffer_info>(py::reinterpret_borrow<py::buffer>(source).request());
        if (view_->ndim != 1 || view_->itemsize != 1 || view_->strides[0] != 1) {
            throw core::InvalidArgument("image.source", "encoded bytes must be one dense run");
        }
    }

    /// Reads the file where it is a path. Called without the GIL.
    std::span<const std::byte> get() {
        if (view_) return {static_cast<const std::byte*>(view_->ptr), static_cast<std::size_t>(view_->size)};
        read_ = core::read_file(path_, kMaxFileBytes);
        return read_;
    }

private:
    static constexpr std::uint64_t kMaxFileBytes = 1ULL << 30;
    std::unique_ptr<py::buffer_info> view_;
    std::filesystem::path path_;
    std::vector<std::byte> read_;
};

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

void bind_codec(py::module_& module) {
    static const DecodeLimits kDefaults;
    module.def(
        "probe",
        [](const py::object& source) {
            FileBytes bytes(source);
            const py::gil_scoped_release release;
            return imaging::probe(bytes.get());
        },
        py::arg("image"), "Reads the header of a JPEG or PNG: bytes, which are not copied, or a path.");
    module.def(
        "decode",
        [](const py::object& source, std::uint64_t max_pixels, std::uint32_t max_width,
           std::uint32_t max_height, std::uint64_t max_memory_bytes) {
            DecodeLimits limits;
            limits.max_pixels = max_pixels;
            limits.max_width = max_width;
            limits.max_height = max_height;
            limits.max_memory_bytes = max_memory_bytes;
            FileBytes bytes(source);
            Image image = [&] {
                const py::gil_scoped_release release;
                return imaging::decode(bytes.get(), limits);
            }();
            return to_array(std::move(image));
        },
        py::arg("image"), py::kw_only(), py::arg("max_pixels") = kDefaults.max_pixels,
        py::arg("max_width") = kDefaults.max_width, py::arg("max_height") = kDefaults.max_height,
        py::arg("max_memory_bytes") = kDefaults.max_memory_bytes,
        "Decodes a JPEG or PNG (bytes or a path) to a uint8 array [H, W] or [H, W, 3], with the EXIF "
        "orientation applied.");
    module.def(
        "encode_png",
        [](const py::array& array) {
            const Image image = to_image(array);
            const std::vector<std::byte> png = [&] {
                const py::gil_scoped_release release;
                return imaging::encode_png(image);
            }();
            return py::bytes(reinterpret_cast<const char*>(png.data()), png.size());
        },
        py::arg("pixels"), "An 8-bit PNG of a uint8 array [H, W] or [H, W, 3], which is copied.");
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
    bind_codec(module);
    bind_pipeline(module);
}

}  // namespace consilia::bindings
