#include "core/compare.hpp"

#include <cmath>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

/// Compares an integer with a double exactly: converting either way could round.
std::strong_ordering compare_exactly(std::int64_t a, double b) noexcept {
    constexpr double kTwo63 = 9223372036854775808.0;
    if (b >= kTwo63) return std::strong_ordering::less;
    if (b < -kTwo63) return std::strong_ordering::greater;
    const double whole = std::trunc(b);
    const auto integer = static_cast<std::int64_t>(whole);
    if (a != integer) return a <=> integer;
    return b > whole   ? std::strong_ordering::less
           : b < whole ? std::strong_ordering::greater
                       : std::strong_ordering::equal;
}

std::strong_ordering compare_doubles(double a, double b) noexcept {
    return a < b   ? std::strong_ordering::less
           : a > b ? std::strong_ordering::greater
                   : std::strong_ordering::equal;
}

}  // namespace

void throw_type(std::string_view what, const Value& a, const Value& b) {
    throw InvalidArgument("expression.type",
                          std::string(what) + " does not work on `" + std::string(to_string(a.type())) +
                              "` and `" + std::string(to_string(b.type())) + "`",
                          {{"left", to_string(a.type())}, {"right", to_string(b.type())}});
}

void throw_type(std::string_view what, const Value& value) {
    throw InvalidArgument(
        "expression.type",
        std::string(what) + " does not work on `" + std::string(to_string(value.type())) + "`",
        {{"found", to_string(value.type())}});
}

bool is_unknown(const Value& value) noexcept {
    const double* number = value.if_as<double>();
    return value.is_null() || (number != nullptr && std::isnan(*number));
}

std::strong_ordering compare(const Value& a, const Value& b) {
    const auto* a_int = a.if_as<std::int64_t>();
    const auto* b_int = b.if_as<std::int64_t>();
    const auto* a_double = a.if_as<double>();
    const auto* b_double = b.if_as<double>();
    if (a_int != nullptr && b_double != nullptr) return compare_exactly(*a_int, *b_double);
    if (a_double != nullptr && b_int != nullptr) return 0 <=> compare_exactly(*b_int, *a_double);
    if (a_double != nullptr && b_double != nullptr) return compare_doubles(*a_double, *b_double);
    if (a.type() != b.type() || a.type() == ValueType::Json) throw_type("a comparison", a, b);
    return std::visit(
        [&](const auto& left) -> std::strong_ordering {
            using T = std::decay_t<decltype(left)>;
            if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, double> ||
                          std::is_same_v<T, Json>) {
                return std::strong_ordering::equal;  // All were handled above.
            } else if constexpr (std::is_same_v<T, std::string>) {
                return left.compare(b.as<T>()) <=> 0;
            } else {
                return left <=> b.as<T>();
            }
        },
        a.variant());
}

}  // namespace consilia::core
