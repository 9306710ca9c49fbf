#include "access/witness_hints.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "consilia/core/clock.hpp"

namespace consilia::access {

namespace {

using core::Value;
using core::ValueType;

constexpr std::size_t kMaxHints = 200;
constexpr std::size_t kMaxTextBytes = 200;
constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::int64_t kMicrosecondsPerDay = 86'400 * kMicrosecondsPerSecond;
constexpr std::int32_t kPlainDay = 20'454;    // 2026-01-01
constexpr std::int64_t kDaysMax = 1'000'000;  // Farther apart than the years 1 to 9999 are rarely meant.

std::vector<std::int64_t> integers_in(const std::vector<Value>& literals) {
    std::vector<std::int64_t> integers;
    for (const Value& literal : literals) {
        if (const auto* integer = literal.if_as<std::int64_t>()) integers.push_back(*integer);
        const auto* real = literal.if_as<double>();
        if (real != nullptr && std::abs(*real) < 1e15) integers.push_back(static_cast<std::int64_t>(*real));
    }
    return integers;
}

// A text that the pattern of `like` matches.
std::string matching(std::string_view pattern, std::string_view run) {
    std::string text;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '%') {
            text += run;
        } else if (pattern[i] == '_') {
            text += 'x';
        } else {
            if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
            text += pattern[i];
        }
    }
    return text;
}

void add_texts(const std::vector<Value>& literals, std::vector<Value>& values) {
    for (const Value& literal : literals) {
        const std::string* text = literal.if_as<std::string>();
        if (text == nullptr) continue;
        for (std::string made :
             {*text, *text + "x", "x" + *text, " " + *text, matching(*text, ""), matching(*text, "x")})
            values.emplace_back(std::move(made));
        const std::vector<Value> one{literal};
        values.push_back(core::calculate(core::Operator::Upper, one));
        values.push_back(core::calculate(core::Operator::Lower, one));
        for (const Value& other : literals) {
            const std::string* end = other.if_as<std::string>();
            if (end != nullptr && end != text) values.emplace_back(*text + *end);
        }
    }
    for (const std::int64_t length : integers_in(literals)) {
        for (std::int64_t size = std::max<std::int64_t>(length - 1, 0); size <= length + 1; ++size) {
            if (size <= static_cast<std::int64_t>(kMaxTextBytes))
                values.emplace_back(std::string(static_cast<std::size_t>(size), 'x'));
        }
    }
}

void add_numbers(const std::vector<Value>& literals, std::vector<Value>& values) {
    const std::vector<std::int64_t> integers = integers_in(literals);
    const auto add = [&](std::int64_t number) {
        if (std::abs(number) < (std::int64_t{1} << 50)) values.emplace_back(number);
    };
    for (const std::int64_t a : integers) {
        for (const std::int64_t near : {a - 1, a, a + 1, -a}) add(near);
        for (const std::int64_t b : integers) {
            for (const std::int64_t near : {a + b, a + b + 1, a - b, a - b - 1, a - b + 1}) add(near);
            if (std::abs(a) < 1'000'000 && std::abs(b) < 1'000'000) add(a * b);
            if (b != 0) add(a / b);
            if (b != 0) add(a / b + 1);
        }
    }
    for (const std::int64_t small : {-1, 0, 1}) add(small);
}

template <class Add>
void for_each_day(const std::vector<Value>& literals, const Add& add) {
    std::vector<std::int64_t> bases{kPlainDay};
    for (const Value& literal : literals) {
        if (const auto* date = literal.if_as<core::Date>()) bases.push_back(date->days);
        if (const auto* at = literal.if_as<core::Timestamp>()) bases.push_back(core::date_of(*at).days);
    }
    const std::vector<std::int64_t> integers = integers_in(literals);
    for (const std::int64_t base : bases) {
        for (const std::int64_t near : {base - 1, base, base + 1}) add(near);
        for (const std::int64_t days : integers) {
            if (std::abs(days) > kDaysMax) continue;
            for (const std::int64_t near : {days - 1, days, days + 1}) {
                add(base + near);
                add(base - near);
            }
        }
    }
    // Years, months and days of the month that are literals: 2026-01-01 moved there.
    for (const std::int64_t number : integers) {
        if (number >= 1 && number <= 366) add(kPlainDay + number - 1);
        if (number >= 1 && number <= 12) add(kPlainDay + (number - 1) * 31);
        if (number >= 1 && number <= 9999)
            add(kPlainDay +
                static_cast<std::int64_t>(std::floor(static_cast<double>(number - 2026) * 365.2425)) + 2);
    }
}

void add_dates(const std::vector<Value>& literals, std::vector<Value>& values) {
    for_each_day(literals,
                 [&](std::int64_t day) { values.emplace_back(core::Date{static_cast<std::int32_t>(day)}); });
}

void add_timestamps(const std::vector<Value>& literals, std::vector<Value>& values) {
    const auto add = [&](std::int64_t at) { values.emplace_back(core::Timestamp{at}); };
    std::vector<std::int64_t> bases{kPlainDay * kMicrosecondsPerDay};
    for (const Value& literal : literals) {
        if (const auto* at = literal.if_as<core::Timestamp>()) bases.push_back(at->microseconds);
    }
    for (const std::int64_t base : bases) {
        for (const std::int64_t seconds : integers_in(literals)) {
            if (std::abs(seconds) > kDaysMax * 86'400) continue;
            for (const std::int64_t near : {seconds - 1, seconds, seconds + 1}) {
                add(base + near * kMicrosecondsPerSecond);
                add(base - near * kMicrosecondsPerSecond);
            }
            if (seconds >= 0 && seconds < 24) add(base + seconds * 3'600 * kMicrosecondsPerSecond);
            if (seconds >= 0 && seconds < 60) add(base + seconds * 60 * kMicrosecondsPerSecond);
        }
    }
    for_each_day(literals, [&](std::int64_t day) { add(day * kMicrosecondsPerDay); });
}

// Documents with one of the literals at the path that the keys and positions among them make.
void add_documents(const std::vector<Value>& literals, std::vector<Value>& values) {
    for (std::size_t length = 1; length <= std::min<std::size_t>(literals.size(), 4); ++length) {
        for (const Value& leaf : literals) {
            nlohmann::json document = nlohmann::json::parse(core::to_json(leaf));
            for (std::size_t i = length; i-- > 0;) {
                const std::string* key = literals[i].if_as<std::string>();
                document =
                    key != nullptr ? nlohmann::json{{*key, document}} : nlohmann::json::array({document});
            }
            values.emplace_back(core::Json{document.dump()});
        }
    }
}

}  // namespace

void add_hints(const WitnessTerm& term, ValueType type, std::vector<Value>& values) {
    if (term.hints.empty() && !term.is_variable()) return;
    std::vector<Value> made;
    switch (type) {
        case ValueType::Text:
            add_texts(term.hints, made);
            break;
        case ValueType::Null:
        case ValueType::Double:
            if (!term.hints.empty()) add_numbers(term.hints, made);
            break;
        case ValueType::Date:
            if (!term.hints.empty()) add_dates(term.hints, made);
            break;
        case ValueType::Timestamp:
            if (!term.hints.empty()) add_timestamps(term.hints, made);
            break;
        case ValueType::Json:
            add_documents(term.hints, made);
            break;
        default:
            break;
    }
    if (made.size() > kMaxHints) made.resize(kMaxHints);
    for (Value& value : made) values.push_back(std::move(value));
}

}  // namespace consilia::access
