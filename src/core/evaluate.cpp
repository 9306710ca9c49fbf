// The in-memory reader of expressions: SQL's three-valued logic, null standing for unknown.
#include <cmath>
#include <compare>

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"

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

[[noreturn]] void throw_type(std::string_view what, const Value& a, const Value& b) {
    throw InvalidArgument("expression.type",
                          std::string(what) + " does not work on `" + std::string(to_string(a.type())) +
                              "` and `" + std::string(to_string(b.type())) + "`",
                          {{"left", to_string(a.type())}, {"right", to_string(b.type())}});
}

/// Not a number is no value, as in SQLite.
bool is_unknown(const Value& value) noexcept {
    const double* number = value.if_as<double>();
    return value.is_null() || (number != nullptr && std::isnan(*number));
}

/// Text compares by bytes, which for UTF-8 is by code point.
std::strong_ordering compare(const Value& a, const Value& b) {
    const auto* a_int = a.if_as<std::int64_t>();
    const auto* b_int = b.if_as<std::int64_t>();
    const auto* a_double = a.if_as<double>();
    const auto* b_double = b.if_as<double>();
    if (a_int != nullptr && b_double != nullptr) return compare_exactly(*a_int, *b_double);
    if (a_double != nullptr && b_int != nullptr) return 0 <=> compare_exactly(*b_int, *a_double);
    if (a_double != nullptr && b_double != nullptr) return compare_doubles(*a_double, *b_double);
    if (a.type() != b.type()) throw_type("a comparison", a, b);
    return std::visit(
        [&](const auto& left) -> std::strong_ordering {
            using T = std::decay_t<decltype(left)>;
            if constexpr (std::is_same_v<T, std::monostate> || std::is_same_v<T, double>) {
                return std::strong_ordering::equal;  // Both were handled above.
            } else if constexpr (std::is_same_v<T, std::string>) {
                return left.compare(b.as<T>()) <=> 0;
            } else if constexpr (std::is_same_v<T, Json>) {
                return left.text.compare(b.as<T>().text) <=> 0;
            } else {
                return left <=> b.as<T>();
            }
        },
        a.variant());
}

/// The byte after the UTF-8 character that starts at `at`.
std::size_t next_character(std::string_view text, std::size_t at) noexcept {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
}

constexpr std::size_t kPatternBytesMax = 50'000;  ///< As SQLite has it.

/// SQLite's LIKE reads up to a zero byte.
std::string_view until_zero(std::string_view text) noexcept {
    return text.substr(0, text.find('\0'));
}

/// LIKE with `%`, `_` and `\`. Linear in text times pattern: on a mismatch only the last `%` is tried again.
bool is_like(std::string_view text, std::string_view pattern) noexcept {
    std::size_t t = 0;
    std::size_t p = 0;
    std::size_t retry_pattern = std::string_view::npos;
    std::size_t retry_text = 0;
    while (true) {
        if (p < pattern.size() && pattern[p] == '%') {
            retry_pattern = ++p;
            retry_text = t;
            continue;
        }
        if (t == text.size() && p == pattern.size()) return true;
        bool advanced = false;
        if (p < pattern.size() && t < text.size()) {
            const bool escaped = pattern[p] == '\\';
            const std::size_t literal = escaped ? p + 1 : p;
            if (!escaped && pattern[p] == '_') {
                t = next_character(text, t);
                ++p;
                advanced = true;
            } else if (literal < pattern.size() && pattern[literal] == text[t]) {
                p = literal + 1;
                ++t;
                advanced = true;
            }
        }
        if (advanced) continue;
        if (retry_pattern == std::string_view::npos || retry_text >= text.size()) return false;
        retry_text = next_character(text, retry_text);
        t = retry_text;
        p = retry_pattern;
    }
}

class Evaluator {
public:
    Evaluator(const FieldSource& fields, const Parameters& parameters)
        : fields_(fields), parameters_(parameters) {}

    Value value_of(const Expression& expression) const {
        switch (expression.op()) {
            case Operator::Literal:
                return expression.value();
            case Operator::Parameter:
                return parameter(expression.name());
            case Operator::Field:
                return fields_ ? fields_(expression.name()) : Value();
            case Operator::And:
                return junction(expression, false);
            case Operator::Or:
                return junction(expression, true);
            case Operator::Not: {
                const Value truth = truth_of(expression.operands()[0]);
                return truth.is_null() ? truth : Value(!truth.as<bool>());
            }
            case Operator::IsNull:
                return is_unknown(value_of(expression.operands()[0]));
            case Operator::IsNotNull:
                return !is_unknown(value_of(expression.operands()[0]));
            case Operator::In:
                return membership(expression);
            case Operator::Between:
                return between(expression);
            case Operator::Like:
                return like(expression);
            default:
                return comparison(expression);
        }
    }

    Value truth_of(const Expression& expression) const {
        Value truth = value_of(expression);
        if (!truth.is_null() && truth.type() != ValueType::Bool) {
            throw InvalidArgument(
                "expression.type",
                "a condition is `" + std::string(to_string(truth.type())) + "`, wanted `bool`",
                {{"found", to_string(truth.type())}});
        }
        return truth;
    }

private:
    const Value& parameter(const std::string& name) const {
        const auto found = parameters_.find(name);
        if (found == parameters_.end()) {
            throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                                  {{"parameter", name}});
        }
        return found->second;
    }

    /// And (`decisive` false) or Or (`decisive` true): one decisive operand decides, else one unknown makes
    /// unknown.
    Value junction(const Expression& expression, bool decisive) const {
        bool any_unknown = false;
        for (const Expression& operand : expression.operands()) {
            const Value truth = truth_of(operand);
            if (truth.is_null()) {
                any_unknown = true;
            } else if (truth.as<bool>() == decisive) {
                return decisive;
            }
        }
        return any_unknown ? Value() : Value(!decisive);
    }

    Value comparison(const Expression& expression) const {
        const Value a = value_of(expression.operands()[0]);
        const Value b = value_of(expression.operands()[1]);
        if (is_unknown(a) || is_unknown(b)) return {};
        const std::strong_ordering order = compare(a, b);
        switch (expression.op()) {
            case Operator::Equal:
                return order == 0;
            case Operator::NotEqual:
                return order != 0;
            case Operator::Less:
                return order < 0;
            case Operator::LessEqual:
                return order <= 0;
            case Operator::Greater:
                return order > 0;
            default:
                return order >= 0;
        }
    }

    Value membership(const Expression& expression) const {
        const auto operands = expression.operands();
        if (operands.size() == 1) return false;
        const Value wanted = value_of(operands[0]);
        if (is_unknown(wanted)) return {};
        bool any_unknown = false;
        for (const Expression& operand : operands.subspan(1)) {
            const Value candidate = value_of(operand);
            if (is_unknown(candidate)) {
                any_unknown = true;
            } else if (compare(wanted, candidate) == 0) {
                return true;
            }
        }
        return any_unknown ? Value() : Value(false);
    }

    /// `value >= low and value <= high`, so an unknown bound does not hide a false one.
    Value between(const Expression& expression) const {
        const Value value = value_of(expression.operands()[0]);
        const Value low = value_of(expression.operands()[1]);
        const Value high = value_of(expression.operands()[2]);
        if (is_unknown(value)) return {};
        if (!is_unknown(low) && compare(value, low) < 0) return false;
        if (!is_unknown(high) && compare(value, high) > 0) return false;
        return is_unknown(low) || is_unknown(high) ? Value() : Value(true);
    }

    Value like(const Expression& expression) const {
        const Value text = value_of(expression.operands()[0]);
        const Value pattern = value_of(expression.operands()[1]);
        if (is_unknown(text) || is_unknown(pattern)) return {};
        if (text.type() != ValueType::Text || pattern.type() != ValueType::Text)
            throw_type("`like`", text, pattern);
        const std::string& like = pattern.as<std::string>();
        if (like.size() > kPatternBytesMax) {
            throw InvalidArgument("expression.pattern_too_long", "the pattern of `like` is too long",
                                  {{"limit_bytes", static_cast<std::int64_t>(kPatternBytesMax)}});
        }
        return is_like(until_zero(text.as<std::string>()), until_zero(like));
    }

    const FieldSource& fields_;
    const Parameters& parameters_;
};

}  // namespace

Value evaluate(const Expression& expression, const FieldSource& fields, const Parameters& parameters) {
    return Evaluator(fields, parameters).value_of(expression);
}

bool matches(const Expression& expression, const FieldSource& fields, const Parameters& parameters) {
    const Value truth = Evaluator(fields, parameters).truth_of(expression);
    return !truth.is_null() && truth.as<bool>();
}

}  // namespace consilia::core
