#include "access/witness_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "access/witness_hints.hpp"
#include "consilia/core/clock.hpp"
#include "core/compare.hpp"

namespace consilia::access {

namespace {

using core::Value;
using core::ValueType;
using Values = std::vector<Value>;
using Limit = std::optional<Value>;  // Empty: there is no literal on this side.

constexpr std::int64_t kMicrosecondsPerDay = 86'400'000'000;
// The first and the last day that `core::Date` is read and written as text with: years 1 to 9999.
constexpr std::int64_t kFirstDay = -719'162;
constexpr std::int64_t kLastDay = 2'932'896;
constexpr std::int64_t kPlainDay = 20'454;  // 2026-01-01: where no literal says anything.

bool is_less(const Value& a, const Value& b) {
    return core::compare(a, b) < 0;
}

struct Integers {
    std::int64_t first;
    std::int64_t last;
    std::int64_t plain;  // Where there is no limit.
    std::int64_t step;   // A distance that people read easily.
};

// Up to `count` integers strictly between the limits, as far apart as `step` if they fit.
std::vector<std::int64_t> integers_between(std::optional<std::int64_t> low, std::optional<std::int64_t> high,
                                           std::size_t count, const Integers& kind) {
    std::vector<std::int64_t> found;
    const auto steps_up = [&](std::int64_t from, std::int64_t step, std::int64_t last) {
        for (std::int64_t at = from; found.size() < count && at <= last - step;) found.push_back(at += step);
    };
    if (!low && !high) {
        steps_up(kind.plain, kind.step, kind.last);
        return found;
    }
    if (!low) {
        for (std::int64_t at = *high; found.size() < count && at >= kind.first + kind.step;)
            found.push_back(at -= kind.step);
        for (std::int64_t at = found.empty() ? *high : found.back(); found.size() < count && at > kind.first;)
            found.push_back(--at);
        return found;
    }
    if (high == kind.first) return found;
    const std::int64_t last = high ? *high - 1 : kind.last;
    steps_up(*low, kind.step, last);
    if (found.size() == count || kind.step == 1) return found;
    found.clear();
    steps_up(*low, 1, last);
    return found;
}

template <class Wrap>
Values wrapped(const std::vector<std::int64_t>& integers, const Wrap& wrap) {
    Values values;
    for (const std::int64_t integer : integers) values.push_back(wrap(integer));
    return values;
}

template <class T, class Number, class Wrap>
Values discrete_between(const Limit& low, const Limit& high, std::size_t count, const Integers& kind,
                        const Number& number, const Wrap& wrap) {
    const auto limit = [&](const Limit& value) {
        return value ? std::optional<std::int64_t>(number(value->as<T>())) : std::nullopt;
    };
    return wrapped(integers_between(limit(low), limit(high), count, kind), wrap);
}

// ---- numbers

constexpr Integers kWhole{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                          0, 1};

// The greatest integer that is not above (`up`: the least that is not below) the number, within int64.
std::optional<std::int64_t> whole(const Value& number, bool up) {
    if (const auto* integer = number.if_as<std::int64_t>()) return *integer;
    const double real = number.as<double>();
    const double rounded = up ? std::ceil(real) : std::floor(real);
    if (rounded < -0x1p63 || rounded >= 0x1p63) return std::nullopt;
    return static_cast<std::int64_t>(rounded);
}

double real_of(const Value& number) {
    const auto* integer = number.if_as<std::int64_t>();
    return integer != nullptr ? static_cast<double>(*integer) : number.as<double>();
}

// Integers strictly between two numbers.
Values whole_between(const Limit& low, const Limit& high, std::size_t count) {
    std::optional<std::int64_t> from;
    std::optional<std::int64_t> to;
    if (low) {
        from = whole(*low, false);
        if (!from && real_of(*low) > 0) return {};
        if (!from) from = kWhole.first;  // Below every integer.
    }
    if (high) {
        to = whole(*high, true);
        if (!to && real_of(*high) < 0) return {};
        if (!to && low) to = kWhole.last;
    }
    Values values =
        wrapped(integers_between(from, to, count, kWhole), [](std::int64_t i) { return Value(i); });
    std::erase_if(values, [&](const Value& value) {
        return (low && !is_less(*low, value)) || (high && !is_less(value, *high));
    });
    return values;
}

// Doubles strictly between two numbers, at equal distances.
Values reals_between(const Limit& low, const Limit& high, std::size_t count) {
    Values values;
    const double from = low ? real_of(*low) : real_of(*high) - static_cast<double>(count) - 0.5;
    const double to = high ? real_of(*high) : from + static_cast<double>(count) + 0.5;
    for (std::size_t i = 1; i <= count; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(count + 1);
        Value value(low && !high   ? from + static_cast<double>(i) - 0.5
                    : !low && high ? from + static_cast<double>(i)
                                   : from * (1 - share) + to * share);
        const Value& before = values.empty() ? (low ? *low : value) : values.back();
        if ((low || !values.empty()) && !is_less(before, value)) continue;
        if (high && !is_less(value, *high)) continue;
        values.push_back(std::move(value));
    }
    if (values.empty() && low) {  // Neighbours, or numbers too large for fractions.
        const double next = std::nextafter(real_of(*low), std::numeric_limits<double>::infinity());
        if (is_less(*low, next) && (!high || is_less(next, *high))) values.emplace_back(next);
    }
    return values;
}

struct NumberNeeds {
    std::size_t count = 0;
    bool has_integer_terms = false;  // Some term may hold integers only,
    bool has_real_terms = false;     // some any number.
};

// Where both kinds meet, every order of integers and fractions must fit.
Values numbers_between(const Limit& low, const Limit& high, const NumberNeeds& needs) {
    Values values = whole_between(low, high, needs.count);
    if (!needs.has_real_terms) return values;
    std::sort(values.begin(), values.end(), is_less);
    if (!needs.has_integer_terms && values.size() >= needs.count) return values;
    if (values.empty()) return reals_between(low, high, needs.count);
    Values all = values;
    for (std::size_t i = 0; i <= values.size(); ++i) {
        const Limit from = i == 0 ? low : Limit(values[i - 1]);
        const Limit to = i == values.size() ? high : Limit(values[i]);
        for (Value& value : reals_between(from, to, needs.count)) all.push_back(std::move(value));
    }
    return all;
}

// ---- text and bytes, by the order of their bytes

// `count` ascending texts that come after `low`, and before `high` if there is one.
template <class String, class Char>
std::vector<String> strings_after(const String& low, const String* high, std::size_t count, Char first,
                                  Char last) {
    std::vector<String> found;
    if (high != nullptr && high->size() > low.size() && std::equal(low.begin(), low.end(), high->begin())) {
        const auto next = static_cast<unsigned char>((*high)[low.size()]);
        if (next == 0) return found;  // Only runs of zero bytes lie between; no text is made of them.
        const auto below =
            static_cast<unsigned char>(std::min<unsigned>(next - 1U, static_cast<unsigned char>(last)));
        for (String text = low; found.size() < count;) {
            text.push_back(static_cast<Char>(below));
            found.push_back(text);
        }
        return found;
    }
    for (String stem = low; found.size() < count; stem.push_back(last)) {
        for (Char c = first; c < last && found.size() < count;
             c = static_cast<Char>(static_cast<unsigned char>(c) + 1)) {
            String text = stem;
            text.push_back(c);
            found.push_back(std::move(text));
        }
    }
    return found;
}

Values texts_between(const Limit& low, const Limit& high, std::size_t count) {
    Values values;
    if (!low) return values;  // The empty text is the least, and always a literal.
    const std::string* end = high ? &high->as<std::string>() : nullptr;
    for (std::string& text : strings_after(low->as<std::string>(), end, count, 'a', 'z'))
        values.emplace_back(std::move(text));
    return values;
}

Values blobs_between(const Limit& low, const Limit& high, std::size_t count) {
    Values values;
    if (!low) return values;
    const std::vector<std::byte>* end = high ? &high->as<core::Blob>().bytes : nullptr;
    for (auto& bytes : strings_after(low->as<core::Blob>().bytes, end, count, std::byte{1}, std::byte{0xFF}))
        values.emplace_back(core::Blob{std::move(bytes)});
    return values;
}

Values uuids_between(const Limit& low, const Limit& high, std::size_t count) {
    Values values;
    if (!low) return values;  // The zero one is the least, and always a literal.
    core::Uuid at = low->as<core::Uuid>();
    while (values.size() < count) {
        std::size_t i = at.bytes.size();
        while (i > 0 && ++at.bytes[i - 1] == 0) --i;
        if (i == 0 || (high && !(at < high->as<core::Uuid>()))) break;
        values.emplace_back(at);
    }
    return values;
}

Values between(ValueType type, const Limit& low, const Limit& high, const NumberNeeds& needs) {
    switch (type) {
        case ValueType::Text:
            return texts_between(low, high, needs.count);
        case ValueType::Blob:
            return blobs_between(low, high, needs.count);
        case ValueType::Uuid:
            return uuids_between(low, high, needs.count);
        case ValueType::Date:
            return discrete_between<core::Date>(
                low, high, needs.count, {kFirstDay, kLastDay, kPlainDay, 1},
                [](core::Date date) { return date.days; },
                [](std::int64_t days) { return Value(core::Date{static_cast<std::int32_t>(days)}); });
        case ValueType::Timestamp:
            return discrete_between<core::Timestamp>(
                low, high, needs.count,
                {kFirstDay * kMicrosecondsPerDay, (kLastDay + 1) * kMicrosecondsPerDay - 1,
                 kPlainDay * kMicrosecondsPerDay, kMicrosecondsPerDay},
                [](core::Timestamp at) { return at.microseconds; },
                [](std::int64_t at) { return Value(core::Timestamp{at}); });
        default:
            return numbers_between(low, high, needs);
    }
}

// The least value of types that have one.
void add_least(ValueType type, Values& literals) {
    if (type == ValueType::Text) literals.emplace_back(std::string());
    if (type == ValueType::Blob) literals.emplace_back(core::Blob{});
    if (type == ValueType::Uuid) literals.emplace_back(core::Uuid{});
}

void sort_distinct(Values& values) {
    std::sort(values.begin(), values.end(), is_less);
    const auto same = [](const Value& a, const Value& b) { return core::compare(a, b) == 0; };
    values.erase(std::unique(values.begin(), values.end(), same), values.end());
}

std::vector<Candidate> all_of(std::initializer_list<Value> values) {
    std::vector<Candidate> candidates;
    for (const Value& value : values) candidates.push_back({value, true});
    return candidates;
}

}  // namespace

std::vector<Candidate> candidates_of(const WitnessFormula& formula, std::uint32_t number) {
    const WitnessComponent& component = formula.components[number];
    if (component.terms == 0) return {};
    if (component.type == ValueType::Bool) return all_of({false, true});
    NumberNeeds needs;
    needs.count = component.terms;
    Values literals = component.constants;
    for (const WitnessTerm& term : formula.terms) {
        if (term.component != number || term.is_constant()) continue;
        const bool is_integer = term.declared == ValueType::Int64;
        needs.has_integer_terms |= is_integer;
        needs.has_real_terms |= !is_integer;
        add_hints(term, component.type, literals);
    }
    std::erase_if(literals, core::is_unknown);
    if (component.type == ValueType::Json) {
        std::vector<Candidate> documents{{core::Json{"{}"}, true}};
        for (const Value& hint : literals) documents.push_back({hint, true});
        return documents;
    }
    add_least(component.type, literals);
    sort_distinct(literals);

    std::vector<Candidate> candidates;
    const auto add_gap = [&](const Limit& low, const Limit& high) {
        for (Value& value : between(component.type, low, high, needs))
            candidates.push_back({std::move(value), false});
    };
    for (const Value& literal : literals) candidates.push_back({literal, true});
    for (std::size_t i = literals.size() + 1; i-- > 0;) {
        const Limit low = i == 0 ? Limit() : Limit(literals[i - 1]);
        const Limit high = i == literals.size() ? Limit() : Limit(literals[i]);
        add_gap(low, high);
        // Without an order it is enough that values differ from the literals and from each other.
        const bool has_enough = candidates.size() >= literals.size() + needs.count;
        if (!component.uses_order && has_enough) break;
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return is_less(a.value, b.value); });
    return candidates;
}

Value as_declared(const Value& candidate, ValueType declared) {
    if (declared == ValueType::Int64 && candidate.type() == ValueType::Double) {
        const double real = candidate.as<double>();
        const auto integer = whole(candidate, false);
        return integer && std::floor(real) == real ? Value(*integer) : Value();
    }
    const auto* integer = candidate.if_as<std::int64_t>();
    if (declared == ValueType::Double && integer != nullptr)
        return core::is_exact_double(*integer) ? Value(static_cast<double>(*integer)) : Value();
    return candidate;
}

}  // namespace consilia::access
