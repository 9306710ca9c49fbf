// Estimates of how long batches take.
#include "inference/service_times.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace consilia::inference {
namespace {

TEST(ServiceTimes, KnowsNothingBeforeItIsToldAnything) {
    const ServiceTimes times(4);
    EXPECT_EQ(times.expected_ms(3), 0);
    EXPECT_EQ(times.margin_ms(10, 100), 0);
    EXPECT_FALSE(times.is_measured());
}

TEST(ServiceTimes, TakesAPredictionUntilSomethingWasMeasured) {
    ServiceTimes times(4);
    times.predict(1, 10);
    times.predict(4, 16);
    EXPECT_EQ(times.expected_ms(4), 16);
    times.record(1, 20);
    EXPECT_EQ(times.expected_ms(1), 20);
    EXPECT_EQ(times.expected_ms(4), 32) << "predictions are wrong by a factor of two";
    EXPECT_EQ(times.predicted_ms(4), 16);
}

TEST(ServiceTimes, TakesNoPredictionThatIsNoTime) {
    ServiceTimes times(1);
    for (const double ms : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
        times.predict(1, ms);
    EXPECT_EQ(times.expected_ms(1), 0);
}

TEST(ServiceTimes, GoesTowardsWhatIsMeasuredByAnEighth) {
    ServiceTimes times(1);
    times.record(1, 80);
    times.record(1, 160);
    EXPECT_DOUBLE_EQ(times.expected_ms(1), 90);
    // A quarter of the relative error, four times; the mean's own error is a fifteenth of the variance.
    EXPECT_DOUBLE_EQ(times.margin_ms(0, 1), 4 * 0.25);
    EXPECT_DOUBLE_EQ(times.margin_ms(1, 0), 4 * 0.25 * std::sqrt(1.0 / 15));
}

TEST(ServiceTimes, CountsAnOutlierAsFourTimesTheMean) {
    ServiceTimes times(1);
    times.record(1, 10);
    times.record(1, 10'000);
    EXPECT_DOUBLE_EQ(times.expected_ms(1), 10 + 30.0 / 8);
}

TEST(ServiceTimes, ReadsSizesThatWereNotMeasuredOffThoseThatWere) {
    ServiceTimes times(8);
    times.record(2, 20);
    EXPECT_DOUBLE_EQ(times.expected_ms(1), 20) << "smaller: not faster";
    EXPECT_DOUBLE_EQ(times.expected_ms(8), 80) << "larger: in proportion";
    times.record(6, 40);
    EXPECT_DOUBLE_EQ(times.expected_ms(4), 30) << "between: on the line";
}

TEST(ServiceTimes, HasNoMarginWhereTimesAreSteady) {
    ServiceTimes times(1);
    for (int i = 0; i < 50; ++i) times.record(1, 10);
    EXPECT_EQ(times.margin_ms(10, 100), 0);
}

TEST(ServiceTimes, RemembersTheWorstHiccupAndForgetsItSlowly) {
    ServiceTimes times(1);
    for (int i = 0; i < 50; ++i) times.record(1, 10);
    EXPECT_EQ(times.hiccup_ms(), 0);
    times.record(1, 30);
    EXPECT_DOUBLE_EQ(times.hiccup_ms(), 20);
    for (int i = 0; i < 256; ++i) times.record(1, times.expected_ms(1));
    EXPECT_NEAR(times.hiccup_ms(), 20 / std::exp(1), 0.1);
}

TEST(ServiceTimes, ComesDownAgainAfterASlowSpell) {
    ServiceTimes times(1);
    for (int i = 0; i < 20; ++i) times.record(1, 100);
    for (int i = 0; i < 60; ++i) times.record(1, 10);
    EXPECT_NEAR(times.expected_ms(1), 10, 0.1);
}

}  // namespace
}  // namespace consilia::inference
