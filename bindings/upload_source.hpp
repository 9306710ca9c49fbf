#pragma once
// Uploads that Python gives: paths, bytes, and functions that read.
#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include "bindings.hpp"
#include "consilia/core/error.hpp"
#include "consilia/validation/receive.hpp"

namespace consilia::bindings {

/// What `receive` and the store have in common, from keywords: everything but where a file goes and what the
/// client said of it.
validation::ReceiveOptions receive_options(const py::kwargs& given);
/// The store; `bind_uploads` binds the rest.
void bind_upload_store(py::module_& module);

/// A dense run of bytes, borrowed from a bytes-like object.
inline std::unique_ptr<py::buffer_info> dense_view(const py::object& bytes) {
    auto view = std::make_unique<py::buffer_info>(py::reinterpret_borrow<py::buffer>(bytes).request());
    if (view->ndim != 1 || view->itemsize != 1 || view->strides[0] != 1) {
        throw core::InvalidArgument("upload.source", "the bytes of an upload must be one dense run");
    }
    return view;
}

/// Fills buffers from a Python function `read(size)` that gives bytes, and none at the end. More than was
/// asked for is kept for the next time. Called without the GIL.
class PythonReader {
public:
    explicit PythonReader(py::object read) : read_(std::move(read)) {}

    std::size_t operator()(std::span<std::byte> buffer) {
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!view_ || used_ == static_cast<std::size_t>(view_->size)) {
            view_.reset();
            const py::object piece = read_(buffer.size());
            if (!PyObject_CheckBuffer(piece.ptr()))
                throw core::InvalidArgument("upload.source", "an upload is read as bytes");
            view_ = dense_view(piece);
            used_ = 0;
        }
        const std::size_t size = std::min(buffer.size(), static_cast<std::size_t>(view_->size) - used_);
        if (size != 0) std::memcpy(buffer.data(), static_cast<const std::byte*>(view_->ptr) + used_, size);
        used_ += size;
        return size;
    }

private:
    py::object read_;
    std::unique_ptr<py::buffer_info> view_;
    std::size_t used_ = 0;
};

/// An upload: a path, a bytes-like object that is borrowed for the call, or a function `read(size)`.
/// Made and destroyed with the GIL, used without it.
class PythonSource {
public:
    explicit PythonSource(const py::object& source) {
        if (py::isinstance<py::str>(source) || py::hasattr(source, "__fspath__")) {
            path_ = source.cast<std::filesystem::path>();
        } else if (PyObject_CheckBuffer(source.ptr()) != 0) {
            view_ = dense_view(source);
        } else if (PyCallable_Check(source.ptr()) != 0) {
            reader_ = std::make_unique<PythonReader>(source);
        } else {
            throw core::InvalidArgument("upload.source",
                                        "an upload must be a path, bytes or a function that reads");
        }
    }

    [[nodiscard]] validation::UploadSource get() const {
        if (reader_) {
            return validation::UploadSource::stream(
                [reader = reader_.get()](std::span<std::byte> buffer) { return (*reader)(buffer); });
        }
        if (!view_) return validation::UploadSource::file(path_);
        return validation::UploadSource::bytes(
            {static_cast<const std::byte*>(view_->ptr), static_cast<std::size_t>(view_->size)});
    }

private:
    std::unique_ptr<py::buffer_info> view_;
    std::unique_ptr<PythonReader> reader_;
    std::filesystem::path path_;
};

}  // namespace consilia::bindings
