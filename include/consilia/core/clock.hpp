#pragma once
// The time, injectable so that tests can move it.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::core {

/// Where the library takes the time from. Threading: safe.
class CONSILIA_API Clock {
public:
    virtual ~Clock() = default;
    /// The present instant in UTC.
    [[nodiscard]] virtual Timestamp now() const = 0;
};

/// The machine's clock.
class CONSILIA_API SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override;
    /// One instance for the process, for defaults.
    static SystemClock& instance() noexcept;
};

/// A clock that stands still until it is moved: for tests and simulations.
class CONSILIA_API ManualClock final : public Clock {
public:
    explicit ManualClock(Timestamp start) noexcept : microseconds_(start.microseconds) {}
    [[nodiscard]] Timestamp now() const override { return {microseconds_.load()}; }
    void advance(std::chrono::microseconds by) noexcept { microseconds_ += by.count(); }

private:
    std::atomic<std::int64_t> microseconds_;
};

[[nodiscard]] constexpr Timestamp operator+(Timestamp t, std::chrono::microseconds by) noexcept {
    return {t.microseconds + by.count()};
}
[[nodiscard]] constexpr Timestamp operator-(Timestamp t, std::chrono::microseconds by) noexcept {
    return {t.microseconds - by.count()};
}
[[nodiscard]] constexpr std::chrono::microseconds operator-(Timestamp a, Timestamp b) noexcept {
    return std::chrono::microseconds(a.microseconds - b.microseconds);
}

/// A time in milliseconds, rounded. What is no number or beyond 30 years becomes the least time there is,
/// which whoever gets it refuses by name.
[[nodiscard]] CONSILIA_API std::chrono::microseconds from_ms(double ms) noexcept;

/// ISO 8601 in UTC with microseconds: `2026-01-31T12:00:00.000000Z`.
CONSILIA_API std::string to_iso8601(Timestamp t);
/// `2026-01-31`.
CONSILIA_API std::string to_iso8601(Date d);
/// @throws InvalidArgument (`time.syntax`) unless the text is an ISO 8601 instant with `Z` or an offset.
CONSILIA_API Timestamp parse_timestamp(std::string_view text);
/// @throws InvalidArgument (`time.syntax`) unless the text is a day that exists, `YYYY-MM-DD`.
CONSILIA_API Date parse_date(std::string_view text);
/// As `parse_timestamp`; nothing where that would throw.
[[nodiscard]] CONSILIA_API std::optional<Timestamp> try_parse_timestamp(std::string_view text) noexcept;
/// As `parse_date`; nothing where that would throw.
[[nodiscard]] CONSILIA_API std::optional<Date> try_parse_date(std::string_view text) noexcept;

/// The UTC day of an instant.
[[nodiscard]] CONSILIA_API Date date_of(Timestamp t) noexcept;
/// Whole years from `birth` to `today`; a birthday on 29 February counts from 1 March in common years.
/// @throws InvalidArgument (`time.range`) if `birth` is after `today`.
CONSILIA_API int age_in_years(Date birth, Date today);

}  // namespace consilia::core
