#include "consilia/core/clock.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

[[noreturn]] void throw_syntax(const char* wanted) {
    throw InvalidArgument("time.syntax", std::string("the text is not ") + wanted);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
    return a / b - (a % b < 0 ? 1 : 0);
}

/// Reads exactly `digits` digits and advances.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) noexcept {
    if (text.size() < digits) return std::nullopt;
    int number = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        number = number * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char wanted) noexcept {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Date> take_date(std::string_view& text) noexcept {
    const auto y = take_digits(text, 4);
    if (!y || !take(text, '-')) return std::nullopt;
    const auto m = take_digits(text, 2);
    if (!m || !take(text, '-')) return std::nullopt;
    const auto d = take_digits(text, 2);
    if (!d) return std::nullopt;
    const year_month_day day{std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*m)),
                             std::chrono::day(static_cast<unsigned>(*d))};
    if (!day.ok()) return std::nullopt;
    return Date{static_cast<std::int32_t>(sys_days(day).time_since_epoch().count())};
}

std::optional<std::int64_t> take_time_of_day(std::string_view& text) noexcept {
    const auto h = take_digits(text, 2);
    if (!h || *h > 23 || !take(text, ':')) return std::nullopt;
    const auto m = take_digits(text, 2);
    if (!m || *m > 59 || !take(text, ':')) return std::nullopt;
    const auto s = take_digits(text, 2);
    if (!s || *s > 59) return std::nullopt;
    std::int64_t micros = 0;
    if (take(text, '.')) {
        std::int64_t unit = kMicrosPerSecond;
        bool any = false;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            unit /= 10;  // Digits past the sixth add nothing.
            micros += (text.front() - '0') * unit;
            text.remove_prefix(1);
            any = true;
        }
        if (!any) return std::nullopt;
    }
    return ((*h * 60LL + *m) * 60LL + *s) * kMicrosPerSecond + micros;
}

/// Minutes east of UTC.
std::optional<int> take_offset(std::string_view& text) noexcept {
    if (take(text, 'Z') || take(text, 'z')) return 0;
    const bool east = take(text, '+');
    if (!east && !take(text, '-')) return std::nullopt;
    const auto h = take_digits(text, 2);
    if (!h || *h > 23) return std::nullopt;
    take(text, ':');
    const auto m = take_digits(text, 2);
    if (!m || *m > 59) return std::nullopt;
    return (east ? 1 : -1) * (*h * 60 + *m);
}

}  // namespace

Timestamp SystemClock::now() const {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

SystemClock& SystemClock::instance() noexcept {
    static SystemClock clock;
    return clock;
}

std::string to_iso8601(Date d) {
    const year_month_day day{sys_days(days(d.days))};
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(day.year()),
                                   static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
    return {text.data(), static_cast<std::size_t>(size)};
}

std::chrono::microseconds from_ms(double ms) noexcept {
    constexpr double kLimitUs = 1e15;
    const double us = ms * 1e3;
    return std::abs(us) < kLimitUs ? std::chrono::microseconds(std::llround(us))
                                   : std::chrono::microseconds::min();
}

std::string to_iso8601(Timestamp t) {
    const std::int64_t in_day = t.microseconds - floor_div(t.microseconds, kMicrosPerDay) * kMicrosPerDay;
    const std::int64_t seconds = in_day / kMicrosPerSecond;
    std::array<char, 32> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "T%02d:%02d:%02d.%06dZ", static_cast<int>(seconds / 3600),
                      static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60),
                      static_cast<int>(in_day % kMicrosPerSecond));
    return to_iso8601(date_of(t)) + std::string(text.data(), static_cast<std::size_t>(size));
}

std::optional<Timestamp> try_parse_timestamp(std::string_view text) noexcept {
    const auto date = take_date(text);
    if (!date || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
    const auto time = take_time_of_day(text);
    if (!time) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    return Timestamp{date->days * kMicrosPerDay + *time - *offset * 60LL * kMicrosPerSecond};
}

std::optional<Date> try_parse_date(std::string_view text) noexcept {
    const auto date = take_date(text);
    return text.empty() ? date : std::nullopt;
}

Timestamp parse_timestamp(std::string_view text) {
    const auto parsed = try_parse_timestamp(text);
    if (!parsed) throw_syntax("an instant like `2026-01-31T12:00:00Z`");
    return *parsed;
}

Date parse_date(std::string_view text) {
    const auto parsed = try_parse_date(text);
    if (!parsed) throw_syntax("a day like `2026-01-31`");
    return *parsed;
}

Date date_of(Timestamp t) noexcept {
    return {static_cast<std::int32_t>(floor_div(t.microseconds, kMicrosPerDay))};
}

int age_in_years(Date birth, Date today) {
    if (today < birth) throw InvalidArgument("time.range", "the day of birth is after today");
    const year_month_day from{sys_days(days(birth.days))};
    const year_month_day to{sys_days(days(today.days))};
    const int years = static_cast<int>(to.year()) - static_cast<int>(from.year());
    const bool had_birthday = std::pair(to.month(), to.day()) >= std::pair(from.month(), from.day());
    return had_birthday ? years : years - 1;
}

}  // namespace consilia::core
