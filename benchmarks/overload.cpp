// What is left of the capacity when three times as many requests come as can be served, and how fast are the
// others refused? `overload [seconds [threads]]`, 60 and 4 if not said. Batches sleep as a device would be
// waited for; requests come at random (Poisson, seeded) whether or not anything is answered. Prints one
// line of JSON: the capacity measured alone, the goodput under the load, the latency of what was admitted
// against its deadline, the time that a refusal takes, and which bounds hold. Exit status 1 where one does
// not.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/inference/dispatcher.hpp"

namespace {

using namespace consilia;
using namespace std::chrono_literals;
using inference::BatchOptions;
using inference::BatchOutcome;
using inference::Dispatcher;
using inference::DispatcherCounts;
using inference::Inputs;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchMax = 8;
constexpr std::size_t kMembers = 4;
constexpr auto kDeadline = 100ms;
constexpr unsigned kCancelledOneIn = 40;  // While it waits, and as many while they run.

/// Four members of 0.5 ms and 0.25 ms an item: 10 ms for a full batch.
std::vector<BatchOutcome> run_batch(std::span<const Inputs> batch, const BatchOptions& options) {
    std::vector<BatchOutcome> outcomes(batch.size());
    for (std::size_t member = 0; member < kMembers; ++member) {
        std::size_t left = 0;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (!outcomes[i].error && options.is_cancelled && options.is_cancelled(i)) {
                outcomes[i].error = std::make_exception_ptr(core::Cancelled("run.cancelled", "dropped"));
            }
            if (!outcomes[i].error) ++left;
        }
        if (left == 0) break;
        std::this_thread::sleep_for(500us + 250us * batch.size());
        if (options.progress) options.progress({"member", member + 1, kMembers});
    }
    return outcomes;
}

inference::BatchRunner runner() {
    inference::BatchRunner runner;
    runner.run = run_batch;
    runner.example = [] { return Inputs{}; };
    return runner;
}

/// Requests a second when full batches follow each other.
double measure_capacity() {
    Dispatcher dispatcher(runner(), {.queue_max = 4096, .batch_max = kBatchMax});
    dispatcher.warm_up();
    constexpr std::size_t kRequests = 1600;
    std::vector<std::future<inference::Diagnosis>> answers;
    answers.reserve(kRequests);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < kRequests; ++i) answers.push_back(dispatcher.submit({}));
    for (auto& answer : answers) answer.get();
    return static_cast<double>(kRequests) / std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Report {
    std::vector<double> latency_ms;  // Of what was completed.
    std::vector<double> refusal_us;
    std::vector<double> floor_us;  // To throw and catch such an error, and nothing else.
    std::uint64_t answered = 0;
    std::uint64_t in_time = 0;
};

double percentile(std::vector<double>& values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

std::stop_token stop_after_a_member(inference::Request& request) {
    std::stop_source stop;
    std::stop_token token = stop.get_token();
    request.progress = [stop = std::move(stop)](const inference::BatchProgress&) mutable {
        stop.request_stop();
    };
    return token;
}

/// What the machine does to any few microseconds: callers are interrupted whatever they call.
double time_of_a_throw_us() {
    const auto begin = Clock::now();
    try {
        throw core::Unavailable("overload.floor", "the queue is full: 256 requests wait",
                                {{"retry_after_ms", std::int64_t{1}}, {"queue_length", std::int64_t{256}}});
    } catch (const core::Unavailable&) {
        return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    }
}

/// One of several callers, with a share of the load.
void submit_load(Dispatcher& dispatcher, double per_second, Clock::time_point end, unsigned seed,
                 Report& report, std::mutex& mutex) {
    std::mt19937 random(seed);
    std::exponential_distribution<double> gap_s(per_second);
    auto next = Clock::now();
    while (next < end) {
        next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap_s(random)));
        std::this_thread::sleep_until(next);
        const auto begin = Clock::now();
        const auto done = [&report, &mutex, begin](const BatchOutcome& outcome) {
            const auto latency = Clock::now() - begin;
            const std::lock_guard lock(mutex);
            ++report.answered;
            if (outcome.error) return;
            report.latency_ms.push_back(std::chrono::duration<double, std::milli>(latency).count());
            if (latency <= kDeadline) ++report.in_time;
        };
        try {
            inference::Request request{.deadline = kDeadline};
            const unsigned draw = static_cast<unsigned>(random()) % kCancelledOneIn;
            if (draw == 0) {  // When its first member has run.
                request.stop = stop_after_a_member(request);
            }
            const inference::Ticket ticket = dispatcher.submit(std::move(request), done);
            if (draw == 1) ticket.cancel();
        } catch (const core::Unavailable&) {
            const auto took = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
            const double floor = time_of_a_throw_us();
            const std::lock_guard lock(mutex);
            report.refusal_us.push_back(took);
            report.floor_us.push_back(floor);
        }
    }
}

json times_of(std::vector<double>& times_us) {
    return {{"count", times_us.size()},
            {"median_us", percentile(times_us, 0.5)},
            {"p99_us", percentile(times_us, 0.99)},
            {"p999_us", percentile(times_us, 0.999)},
            {"max_us", percentile(times_us, 1)}};
}

int overload(std::chrono::seconds time, unsigned threads) {
    const double capacity = measure_capacity();
    Report report;
    std::mutex mutex;
    DispatcherCounts counts;
    double seconds = 0;
    {
        Dispatcher dispatcher(runner(), {.batch_max = kBatchMax});
        dispatcher.warm_up();
        const auto begin = Clock::now();
        {
            std::vector<std::jthread> callers;
            for (unsigned i = 0; i < threads; ++i) {
                callers.emplace_back([&, i] {
                    submit_load(dispatcher, 3 * capacity / threads, begin + time, i + 1, report, mutex);
                });
            }
        }
        dispatcher.stop(inference::StopMode::Drain);
        seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        counts = dispatcher.counts();
    }
    const double goodput = static_cast<double>(report.in_time) / seconds;
    const double latency_ms = percentile(report.latency_ms, 0.99);
    const double refusal_us = percentile(report.refusal_us, 0.999);
    const double deadline_ms = std::chrono::duration<double, std::milli>(kDeadline).count();
    const double in_time = static_cast<double>(report.in_time);
    const double due = static_cast<double>(counts.completed + counts.timed_out);
    const json bounds = {{"goodput", goodput >= 0.95 * capacity},
                         {"deadlines", in_time >= 0.99 * due},  // Of what was admitted and not cancelled.
                         {"refusals", refusal_us < 1000},
                         {"nothing_left", counts.queued + counts.running == 0 && counts.queued_bytes == 0 &&
                                              counts.admitted == counts.completed + counts.failed +
                                                                     counts.cancelled + counts.timed_out &&
                                              counts.admitted == report.answered}};
    const json result = {{"capacity_per_s", capacity},
                         {"submitted_per_s", static_cast<double>(counts.submitted) / seconds},
                         {"seconds", seconds},
                         {"threads", threads},
                         {"goodput_per_s", goodput},
                         {"admitted", counts.admitted},
                         {"completed", counts.completed},
                         {"completed_late", counts.completed_late},
                         {"timed_out", counts.timed_out},
                         {"cancelled", counts.cancelled},
                         {"latency_p99_ms", latency_ms},
                         {"deadline_ms", deadline_ms},
                         {"refused", times_of(report.refusal_us)},
                         {"floor", times_of(report.floor_us)},
                         {"holds", bounds}};
    std::printf("%s\n", result.dump().c_str());
    return std::all_of(bounds.begin(), bounds.end(), [](const json& bound) { return bound.get<bool>(); }) ? 0
                                                                                                          : 1;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const long seconds = count > 1 ? std::stol(arguments[1]) : 60;
        const unsigned long threads = count > 2 ? std::stoul(arguments[2]) : 4;
        return overload(std::chrono::seconds(seconds), static_cast<unsigned>(threads));
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "overload: %s\n", error.what()));
        return 2;
    }
}
