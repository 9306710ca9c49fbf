#pragma once
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::test {

/// The code of the error that `action` throws.
template <class F>
std::string code_of(const F& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "nothing was thrown";
}

}  // namespace consilia::test
