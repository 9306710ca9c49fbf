#include "consilia/inference/drift.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

void add(DriftMonitor& monitor, std::initializer_list<double> values) {
    for (const double value : values) monitor.add("x", value);
}

DriftMonitor& with_reference(DriftMonitor& monitor) {
    monitor.declare("x");
    add(monitor, {0.1, 0.2, 0.8});
    monitor.end_reference("x");
    return monitor;
}

TEST(DriftMonitor, TheIndexIsThatOfTheFormula) {
    DriftMonitor monitor({.bins = 2});
    with_reference(monitor);
    EXPECT_EQ(monitor.statistics("x").psi, 0.0);
    add(monitor, {0.9, 0.9, 0.1});
    const double p = 2.5 / 4;
    const double q = 1.5 / 4;
    const DriftStatistics statistics = monitor.statistics("x");
    EXPECT_NEAR(statistics.psi, 2 * (q - p) * std::log(q / p), 1e-15);
    EXPECT_NEAR(statistics.reference_mean, 1.1 / 3, 1e-15);
    EXPECT_NEAR(statistics.window_mean, 1.9 / 3, 1e-15);
    EXPECT_EQ(statistics.window_count, 3U);
}

TEST(DriftMonitor, AFullWindowIsJudgedUntilTheNextIsFull) {
    DriftMonitor monitor({.bins = 2, .window_size = 2});
    with_reference(monitor);
    add(monitor, {0.9, 0.9, 0.1});
    EXPECT_EQ(monitor.statistics("x").window_count, 2U);
    EXPECT_DOUBLE_EQ(monitor.statistics("x").window_mean, 0.9);
    add(monitor, {0.1});
    EXPECT_DOUBLE_EQ(monitor.statistics("x").window_mean, 0.1);
}

TEST(DriftMonitor, ValuesOutsideTheRangeCountInTheOutermostBins) {
    DriftMonitor monitor({.bins = 2});
    with_reference(monitor);
    add(monitor, {-5.0, 0.4, 7.0});
    EXPECT_EQ(monitor.statistics("x").psi, 0.0);
}

TEST(DriftMonitor, GoesOnFromItsJsonWhereItWas) {
    DriftMonitor monitor({.bins = 4, .window_size = 2});
    with_reference(monitor);
    add(monitor, {0.9, 0.9, 0.1});
    DriftMonitor copy;
    copy.read_json(monitor.to_json());
    EXPECT_EQ(copy.to_json(), monitor.to_json());
    add(copy, {0.1});
    EXPECT_DOUBLE_EQ(copy.statistics("x").window_mean, 0.1);
    const std::string before = copy.to_json();
    EXPECT_THROW(copy.read_json("{}"), core::InvalidArgument);
    EXPECT_EQ(copy.to_json(), before);
}

TEST(DriftMonitor, MergedCountsAreThoseOfOneMonitor) {
    DriftMonitor one({.bins = 4});
    DriftMonitor other({.bins = 4});
    with_reference(one);
    with_reference(other);
    add(one, {0.25});
    add(other, {0.5, 0.75});
    one.merge(other);
    EXPECT_EQ(one.statistics("x").reference_count, 6U);
    EXPECT_EQ(one.statistics("x").window_count, 3U);
    EXPECT_DOUBLE_EQ(one.statistics("x").window_mean, 0.5);
    EXPECT_THROW(one.merge(one), core::InvalidArgument);
    EXPECT_THROW(one.merge(DriftMonitor({.bins = 8})), core::InvalidArgument);
    EXPECT_THROW(one.merge(DriftMonitor({.bins = 4})), core::InvalidArgument);
}

TEST(DriftMonitor, LosesNoValueOfManyThreads) {
    DriftMonitor monitor({.window_size = 1'000'000});
    with_reference(monitor);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int at = 0; at < 10'000; ++at) monitor.add("x", 0.5);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(monitor.statistics("x").window_count, 40'000U);
}

TEST(DriftMonitor, RefusesWhatItCannotCount) {
    EXPECT_THROW(DriftMonitor({.bins = 1}), core::InvalidArgument);
    EXPECT_THROW(DriftMonitor({.window_size = 0}), core::InvalidArgument);
    DriftMonitor monitor({.max_series = 1});
    EXPECT_THROW(monitor.add("x", 0), core::NotFound);
    EXPECT_THROW(monitor.declare("x", 1, 1), core::InvalidArgument);
    monitor.declare("x");
    EXPECT_THROW(monitor.end_reference("x"), core::InvalidArgument);
    EXPECT_THROW(monitor.declare("x"), core::Conflict);
    EXPECT_THROW(monitor.declare("y"), core::ResourceExhausted);
    EXPECT_THROW(monitor.add("x", std::numeric_limits<double>::infinity()), core::InvalidArgument);
}

TEST(DriftMonitor, AReferenceEndsByItselfWhereItsSizeIsGiven) {
    DriftMonitor monitor({.bins = 2, .window_size = 2, .reference_size = 3});
    monitor.declare("x");
    monitor.declare("y");
    add(monitor, {0.1, 0.2, 0.8, 0.9});
    DriftMonitor copy;
    copy.read_json(monitor.to_json());
    for (const DriftMonitor* each : {&monitor, &copy}) {
        EXPECT_EQ(each->statistics("x").reference_count, 3U);
        EXPECT_EQ(each->statistics("x").window_count, 1U);
    }
    copy.add("y", 0.1);
    copy.end_references();
    copy.add("y", 0.9);
    EXPECT_EQ(copy.statistics("y").reference_count, 1U);
    EXPECT_EQ(copy.statistics("y").window_count, 1U);
}

}  // namespace
}  // namespace consilia::inference
