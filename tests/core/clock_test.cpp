#include "consilia/core/clock.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <cstdlib>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

using namespace std::chrono_literals;

TEST(Clock, AManualOneMovesOnlyWhenItIsMoved) {
    ManualClock clock({100});
    EXPECT_EQ(clock.now(), Timestamp{100});
    clock.advance(2s);
    EXPECT_EQ(clock.now(), Timestamp{2'000'100});
    EXPECT_EQ(clock.now() - Timestamp{100}, 2s);
    EXPECT_EQ(Timestamp{5} + 3us, Timestamp{8});
    EXPECT_EQ(Timestamp{5} - 3us, Timestamp{2});
}

TEST(Time, IsWrittenInUtcWithMicroseconds) {
    EXPECT_EQ(to_iso8601(Timestamp{0}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(to_iso8601(Timestamp{-1}), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(to_iso8601(Date{-1}), "1969-12-31");
    EXPECT_EQ(to_iso8601(parse_date("2024-02-29")), "2024-02-29");
}

TEST(Time, IsReadWithAnyOffset) {
    const Timestamp noon = parse_timestamp("2026-01-31T12:00:00Z");
    EXPECT_EQ(to_iso8601(noon), "2026-01-31T12:00:00.000000Z");
    EXPECT_EQ(parse_timestamp("2026-01-31 14:00:00+02:00"), noon);
    EXPECT_EQ(parse_timestamp("2026-01-31T06:30:00-0530"), noon);
    EXPECT_EQ(parse_timestamp("2026-02-01T00:00:00+12:00"), noon);
    EXPECT_EQ(parse_timestamp("2026-01-31T12:00:00.5Z") - noon, 500ms);
    EXPECT_EQ(parse_timestamp("2026-01-31T12:00:00.1234569Z") - noon, 123'456us)
        << "digits past the sixth are cut";
}

TEST(Time, RefusesWhatIsNoTime) {
    for (const char* bad :
         {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
          "2026-01-31T12:00:60Z", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00.Z", "2026-1-31T12:00:00Z",
          "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00+24:00", " 2026-01-31T12:00:00Z"}) {
        EXPECT_THROW((void)parse_timestamp(bad), InvalidArgument) << bad;
    }
    for (const char* bad : {"", "2025-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32",
                            "26-01-01", "2026/01/01", "2026-01-01x", "-026-01-01"}) {
        EXPECT_THROW((void)parse_date(bad), InvalidArgument) << bad;
    }
}

// Goal: writing and reading are inverse. Method: every 97th day of years 0 to 9999 and instants in and beside
// each.
TEST(Time, IsReadAsItIsWritten) {
    const std::int32_t last = parse_date("9999-12-31").days;
    for (std::int32_t day = parse_date("0000-01-01").days; day <= last; day += 97) {
        ASSERT_EQ(parse_date(to_iso8601(Date{day})), Date{day});
        const Timestamp t{day * 86'400'000'000LL + std::abs(day) % 86'400 * 1'000'000LL + 7};
        ASSERT_EQ(parse_timestamp(to_iso8601(t)), t);
        ASSERT_EQ(date_of({day * 86'400'000'000LL}), Date{day});
        ASSERT_EQ(date_of({day * 86'400'000'000LL - 1}), Date{day - 1});
    }
}

TEST(Clock, MillisecondsAreRoundedAndWhatIsNoTimeIsTheLeast) {
    using std::chrono::microseconds;
    EXPECT_EQ(from_ms(1.5), microseconds(1500));
    EXPECT_EQ(from_ms(-0.0006), microseconds(-1));
    EXPECT_EQ(from_ms(1e11), microseconds(100'000'000'000'000));
    for (const double ms : {1e12, -1e12, std::nan(""), HUGE_VAL}) EXPECT_EQ(from_ms(ms), microseconds::min());
}

TEST(Age, CountsBirthdays) {
    const auto age = [](const char* birth, const char* today) {
        return age_in_years(parse_date(birth), parse_date(today));
    };
    EXPECT_EQ(age("2000-06-15", "2026-06-14"), 25);
    EXPECT_EQ(age("2000-06-15", "2026-06-15"), 26);
    EXPECT_EQ(age("2026-01-31", "2026-01-31"), 0);
    EXPECT_EQ(age("2004-02-29", "2026-02-28"), 21);
    EXPECT_EQ(age("2004-02-29", "2026-03-01"), 22);
    EXPECT_EQ(age("2004-02-29", "2028-02-29"), 24);
    EXPECT_THROW((void)age("2026-02-01", "2026-01-31"), InvalidArgument);
}

}  // namespace
}  // namespace consilia::core
