#pragma once
// Whole numbers of a JSON document: what is negative, broken or too large is refused, never cut.
#include <cstdint>
#include <limits>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::inference {

/// The number as a `T`. Where nlohmann's own conversion is undefined (1e97), cuts (1.5) or wraps (-1),
/// @throws InvalidArgument with this code.
template <class T, class Json>
T whole_number(const Json& value, const char* code) {
    if (!value.is_number_unsigned() ||
        value.template get<std::uint64_t>() > std::uint64_t{std::numeric_limits<T>::max()}) {
        throw core::InvalidArgument(
            code, "a whole number from 0 to " + std::to_string(std::numeric_limits<T>::max()) + " is wanted");
    }
    return value.template get<T>();
}

}  // namespace consilia::inference
