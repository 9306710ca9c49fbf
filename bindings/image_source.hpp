#pragma once
// Images that Python gives to an engine or a dispatcher.
#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <span>

#include "bindings.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/preprocessor.hpp"
#include "consilia/inference/engine.hpp"

namespace consilia::bindings {

/// An image: a path, or a bytes-like object that is borrowed for the call.
class ImageSource {
public:
    explicit ImageSource(const py::object& source) {
        if (py::isinstance<py::str>(source) || py::hasattr(source, "__fspath__")) {
            path_ = source.cast<std::filesystem::path>();
            return;
        }
        if (!PyObject_CheckBuffer(source.ptr())) {
            throw core::InvalidArgument("engine.source", "an image must be a path or bytes");
        }
        view_ = std::make_unique<py::buffer_info>(py::reinterpret_borrow<py::buffer>(source).request());
        if (view_->ndim != 1 || view_->itemsize != 1 || view_->strides[0] != 1) {
            throw core::InvalidArgument("engine.source", "encoded bytes must be one dense run");
        }
    }
    /// Without the GIL.
    [[nodiscard]] inference::Inputs prepare(const inference::Engine& engine) const {
        return view_ ? engine.prepare(bytes()) : engine.prepare(path_, core::sha256_file(path_));
    }

    /// Without the GIL.
    [[nodiscard]] inference::Diagnosis run(inference::Engine& engine,
                                           const inference::RunOptions& options) const {
        return view_ ? engine.run(bytes(), options) : engine.run(path_, core::sha256_file(path_), options);
    }

    /// Without the GIL.
    [[nodiscard]] imaging::Image decode() const {
        if (view_) return imaging::decode(bytes());
        return imaging::decode(core::read_file(path_, imaging::PreprocessorOptions{}.max_file_bytes));
    }

private:
    [[nodiscard]] std::span<const std::byte> bytes() const {
        return {static_cast<const std::byte*>(view_->ptr), static_cast<std::size_t>(view_->size)};
    }

    std::unique_ptr<py::buffer_info> view_;
    std::filesystem::path path_;
};

}  // namespace consilia::bindings
