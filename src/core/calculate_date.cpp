// Functions of dates and timestamps, in UTC.
#include <chrono>

#include "consilia/core/clock.hpp"
#include "core/calculate.hpp"
#include "core/compare.hpp"

namespace consilia::core {
namespace {

bool is_known(Date day) noexcept {
    return day.days >= kFirstDay && day.days <= kLastDay;
}
bool is_known(Timestamp time) noexcept {
    return time.microseconds >= kFirstMicrosecond && time.microseconds <= kLastMicrosecond;
}

std::int64_t part_of_day(Operator part, Date day) {
    using namespace std::chrono;
    const sys_days point{days(day.days)};
    const year_month_day calendar{point};
    switch (part) {
        case Operator::Year:
            return static_cast<int>(calendar.year());
        case Operator::Month:
            return static_cast<unsigned>(calendar.month());
        case Operator::Day:
            return static_cast<unsigned>(calendar.day());
        case Operator::Weekday:
            return weekday(point).iso_encoding();
        default:
            return (point - sys_days(calendar.year() / January / 1)).count() + 1;
    }
}

std::int64_t part_of_time(Operator part, Timestamp time) {
    const std::int64_t of_day = time.microseconds - date_of(time).days * kMicrosecondsPerDay;
    const std::int64_t seconds = of_day / kMicrosecondsPerSecond;
    switch (part) {
        case Operator::Hour:
            return seconds / 3600;
        case Operator::Minute:
            return seconds / 60 % 60;
        default:
            return seconds % 60;
    }
}

Value part_of(Operator part, const Value& operand) {
    const bool is_time_part = part >= Operator::Hour;
    const Date* day = operand.if_as<Date>();
    const Timestamp* time = operand.if_as<Timestamp>();
    if (time == nullptr && (day == nullptr || is_time_part)) throw_type("a part of a date", operand);
    if (time != nullptr && !is_known(*time)) return {};
    if (is_time_part) return part_of_time(part, *time);
    const Date of = day != nullptr ? *day : date_of(*time);
    return is_known(of) ? Value(part_of_day(part, of)) : Value();
}

Value add_days(Date day, std::int64_t count) {
    std::int64_t sum = 0;
    if (!is_known(day) || __builtin_add_overflow(day.days, count, &sum)) return {};
    if (sum < kFirstDay || sum > kLastDay) return {};
    return Date{static_cast<std::int32_t>(sum)};
}

Value add_seconds(Timestamp time, std::int64_t seconds) {
    Timestamp sum;
    if (!is_known(time) || __builtin_mul_overflow(seconds, kMicrosecondsPerSecond, &sum.microseconds) ||
        __builtin_add_overflow(time.microseconds, sum.microseconds, &sum.microseconds)) {
        return {};
    }
    return is_known(sum) ? Value(sum) : Value();
}

template <class From, class To>
std::pair<From, To> typed(std::span<const Value> operands) {
    const From* first = operands[0].if_as<From>();
    const To* second = operands[1].if_as<To>();
    if (first == nullptr || second == nullptr) throw_type("a function of dates", operands[0], operands[1]);
    return {*first, *second};
}

}  // namespace

Value calculate_date(Operator op, std::span<const Value> operands) {
    switch (op) {
        case Operator::DateOf: {
            const Timestamp* time = operands[0].if_as<Timestamp>();
            if (time == nullptr) throw_type("`date`", operands[0]);
            return is_known(*time) ? Value(date_of(*time)) : Value();
        }
        case Operator::AddDays: {
            const auto [day, count] = typed<Date, std::int64_t>(operands);
            return add_days(day, count);
        }
        case Operator::AddSeconds: {
            const auto [time, seconds] = typed<Timestamp, std::int64_t>(operands);
            return add_seconds(time, seconds);
        }
        case Operator::DaysBetween: {
            const auto [from, to] = typed<Date, Date>(operands);
            if (!is_known(from) || !is_known(to)) return {};
            return std::int64_t{to.days} - from.days;
        }
        case Operator::SecondsBetween: {
            const auto [from, to] = typed<Timestamp, Timestamp>(operands);
            if (!is_known(from) || !is_known(to)) return {};
            return static_cast<double>(to.microseconds - from.microseconds) / kMicrosecondsPerSecond;
        }
        default:
            return part_of(op, operands[0]);
    }
}

}  // namespace consilia::core
