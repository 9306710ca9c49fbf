#pragma once
// Encoded images on their way in, and arrays of numbers on their way out without a copy.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::bindings {

/// An array over what `owner` holds at `data`; the array keeps the owner alive.
template <class T, class Owner>
py::array_t<T> array_over(Owner owner, std::vector<py::ssize_t> shape, T* (*data)(Owner&)) {
    auto kept = std::make_unique<Owner>(std::move(owner));
    T* first = data(*kept);
    py::capsule base(kept.get(), [](void* pointer) { delete static_cast<Owner*>(pointer); });
    (void)kept.release();
    return py::array_t<T>(std::move(shape), first, base);
}

inline py::array_t<std::uint8_t> to_array(imaging::Image image) {
    std::vector<py::ssize_t> shape = {image.height, image.width};
    if (image.channels != 1) shape.push_back(image.channels);
    return array_over<std::uint8_t, imaging::Image>(std::move(image), std::move(shape),
                                                    [](imaging::Image& kept) { return kept.pixels.data(); });
}

inline py::array_t<float> to_array(imaging::Tensor tensor) {
    std::vector<py::ssize_t> shape(tensor.shape.begin(), tensor.shape.end());
    return array_over<float, imaging::Tensor>(std::move(tensor), std::move(shape),
                                              [](imaging::Tensor& kept) { return kept.values.data(); });
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

}  // namespace consilia::bindings
