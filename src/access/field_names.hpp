#pragma once
// Which fields a principal has: what `fields`, `redact` and `redact_rows` ask.
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "access/asking.hpp"

namespace consilia::access {

using Names = std::set<std::string, std::less<>>;

enum class Certainty : std::uint8_t {
    Certain,   ///< For every object: conditions do not allow, and always deny.
    Possible,  ///< For some object: conditions allow, and do not deny.
};

/// Whether the principal has nothing under this permission, whatever the rules say.
bool is_barred(const BoundPrincipal& bound, std::uint32_t column);
Names names_of(const BoundPrincipal& bound, std::uint32_t column, const Context& context,
               Certainty certainty);
/// Those for this object.
Names names_of(const BoundPrincipal& bound, std::uint32_t column, const core::FieldSource& object,
               const Context& context);

}  // namespace consilia::access
