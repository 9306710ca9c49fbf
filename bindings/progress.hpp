#pragma once
// A Python function that is told how far a run is, and may stop it.
#include <pybind11/pybind11.h>

#include <exception>
#include <utility>

#include "bindings.hpp"

namespace consilia::bindings {

/// Calls a Python function between steps; what it raises stops the run and is raised from there.
class PythonProgress {
public:
    explicit PythonProgress(py::object call) : call_(std::move(call)) {}

    [[nodiscard]] bool is_wanted() const noexcept { return !call_.is_none(); }
    /// Without the GIL. Whether to go on: the function returned neither False nor anything like it but None.
    template <class... Arguments>
    bool report(const Arguments&... arguments) {
        const py::gil_scoped_acquire gil;
        try {
            const py::object answer = call_(arguments...);
            return answer.is_none() || answer.template cast<bool>();
        } catch (...) {
            raised_ = std::current_exception();
            return false;
        }
    }
    /// `run` without the GIL. Raises what the function raised, if it did.
    template <class Run>
    auto while_running(const Run& run) const {
        try {
            const py::gil_scoped_release release;
            return run();
        } catch (...) {
            if (raised_) std::rethrow_exception(raised_);
            throw;
        }
    }

private:
    py::object call_;
    std::exception_ptr raised_;
};

}  // namespace consilia::bindings
