// Booleans, numbers, dates and identifiers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "consilia/core/clock.hpp"
#include "consilia/core/text.hpp"
#include "consilia/core/uuid.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {
namespace {

template <class T>
Input made(InputKind kind, T Input::*member, T value) {
    Input input;
    input.kind = kind;
    input.*member = value;
    return input;
}

/// A plus sign is what people write; `from_chars` does not take it.
template <class T>
std::optional<T> parsed(std::string_view text) {
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<bool> truth_of(std::string_view text) {
    std::string lower(text.substr(0, 5));
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (text.size() > 5) return std::nullopt;
    if (lower == "true" || lower == "on" || lower == "1" || lower == "yes") return true;
    if (lower == "false" || lower == "off" || lower == "0" || lower == "no") return false;
    return std::nullopt;
}

/// The whole number that a double is.
std::optional<std::int64_t> whole(double number) {
    constexpr double kLimit = 9007199254740992.0;  // 2^53: beyond, a double is not one integer
    if (!(std::abs(number) <= kLimit) || std::trunc(number) != number) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

}  // namespace

std::optional<std::string_view> FormCheck::spelled(const FieldPlan& plan, const Input& given) const {
    const bool is_text_in_json = !reader_.has_rich_types() && plan.field->kind >= FieldKind::Date;
    if (given.kind != InputKind::Text || (is_strict_ && !is_text_in_json)) return std::nullopt;
    return is_strict_ ? given.text : core::trimmed(given.text);
}

template <class T>
bool FormCheck::is_within(const FieldPlan& plan, T value, const Step& at) {
    if (const T* least = plan.field->minimum.if_as<T>(); least != nullptr && value < *least) {
        fail(plan, at, "too_small", {{"limit", *least}});
        return false;
    }
    if (const T* most = plan.field->maximum.if_as<T>(); most != nullptr && value > *most) {
        fail(plan, at, "too_large", {{"limit", *most}});
        return false;
    }
    return true;
}

Input FormCheck::check_boolean(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind == InputKind::Boolean) return given;
    if (!is_strict_ && given.kind == InputKind::Integer && (given.integer == 0 || given.integer == 1))
        return made(InputKind::Boolean, &Input::boolean, given.integer == 1);
    const auto text = spelled(plan, given);
    if (!text) return fail_type(plan, at, given);
    if (text->empty()) return blank(plan, at);
    const auto value = truth_of(*text);
    if (!value) return fail(plan, at, "boolean");
    return made(InputKind::Boolean, &Input::boolean, *value);
}

Input FormCheck::check_integer(const FieldPlan& plan, const Input& given, const Step& at) {
    Input clean = given;
    if (given.kind != InputKind::Integer) {
        std::optional<std::int64_t> value;
        if (const auto text = spelled(plan, given)) {
            if (text->empty()) return blank(plan, at);
            value = parsed<std::int64_t>(*text);
        } else if (!is_strict_ && given.kind == InputKind::Number) {
            value = whole(given.number);
        } else {
            return fail_type(plan, at, given);
        }
        if (!value) return fail(plan, at, "integer");
        clean = made(InputKind::Integer, &Input::integer, *value);
    }
    if (!is_within(plan, clean.integer, at)) return {};
    const auto& choices = plan.integer_choices;
    if (!choices.empty() && std::ranges::find(choices, clean.integer) == choices.end())
        return fail(plan, at, "choice", {{"choices", plan.choices}});
    return clean;
}

Input FormCheck::check_number(const FieldPlan& plan, const Input& given, const Step& at) {
    Input clean = given;
    if (given.kind == InputKind::Integer) {
        clean = made(InputKind::Number, &Input::number, static_cast<double>(given.integer));
    } else if (given.kind != InputKind::Number) {
        const auto text = spelled(plan, given);
        if (!text) return fail_type(plan, at, given);
        if (text->empty()) return blank(plan, at);
        const auto value = parsed<double>(*text);
        if (!value) return fail(plan, at, "number");
        clean = made(InputKind::Number, &Input::number, *value);
    }
    if (!std::isfinite(clean.number)) return fail(plan, at, "not_finite");
    return is_within(plan, clean.number, at) ? clean : Input{};
}

Input FormCheck::check_date(const FieldPlan& plan, const Input& given, const Step& at) {
    Input clean = given;
    if (given.kind != InputKind::Date) {
        const auto text = spelled(plan, given);
        if (!text) return fail_type(plan, at, given);
        if (text->empty()) return blank(plan, at);
        const auto value = core::try_parse_date(*text);
        if (!value) return fail(plan, at, "date");
        clean = made(InputKind::Date, &Input::date, *value);
    }
    return is_within(plan, clean.date, at) ? clean : Input{};
}

Input FormCheck::check_timestamp(const FieldPlan& plan, const Input& given, const Step& at) {
    Input clean = given;
    if (given.kind != InputKind::Timestamp) {
        const auto text = spelled(plan, given);
        if (!text) return fail_type(plan, at, given);
        if (text->empty()) return blank(plan, at);
        const auto value = core::try_parse_timestamp(*text);
        if (!value) return fail(plan, at, "timestamp");
        clean = made(InputKind::Timestamp, &Input::timestamp, *value);
    }
    return is_within(plan, clean.timestamp, at) ? clean : Input{};
}

Input FormCheck::check_uuid(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind == InputKind::Uuid) return given;
    const auto text = spelled(plan, given);
    if (!text) return fail_type(plan, at, given);
    if (text->empty()) return blank(plan, at);
    const auto value = core::try_parse_uuid(*text);
    if (!value) return fail(plan, at, "uuid");
    return made(InputKind::Uuid, &Input::uuid, *value);
}

}  // namespace consilia::validation
