// What does a pass over a panel of full-size members take within a budget, in time and in memory? Prints one
// line of JSON; `make compare AREA=inference` runs it beside its peers.
//
//     ensemble --budget-mib 400 --passes 7 --threads 2 a.member b.member …
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "consilia/inference/engine.hpp"
#include "panel.hpp"
#include "process_memory.hpp"

namespace {

using namespace consilia;
using inference::Engine;
using inference::EngineOptions;
using nlohmann::json;

struct Arguments {
    std::uint64_t budget_bytes = 0;
    std::size_t passes = 5;
    std::size_t batch = 1;
    EngineOptions engine{};
    std::vector<std::filesystem::path> members{};
};

Arguments parse(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto value = [&] { return std::string(i + 1 < count ? words[++i] : ""); };
        if (word == "--budget-mib") {
            arguments.budget_bytes = std::stoull(value()) << 20;
        } else if (word == "--passes") {
            arguments.passes = std::stoul(value());
        } else if (word == "--batch") {
            arguments.batch = std::stoul(value());
        } else if (word == "--threads") {
            arguments.engine.threads = std::stoi(value());
        } else if (word == "--device") {
            arguments.engine.device = value();
        } else if (word == "--staging-mib") {
            arguments.engine.staging_bytes = std::stoull(value()) << 20;
        } else if (word == "--precision") {
            arguments.engine.precision = inference::parse_precision(value());
        } else if (word == "--cache") {
            arguments.engine.cache_directory = value();
        } else {
            arguments.members.emplace_back(word);
        }
    }
    arguments.engine.budget_bytes = arguments.budget_bytes;
    return arguments;
}

/// Noise of the members' shapes.
inference::Inputs noise(const Engine& engine, unsigned seed) {
    return engine.prepare([seed](const inference::Manifest& manifest) {
        const auto& side = manifest.input_shape;
        imaging::Tensor tensor{side, imaging::Layout::Chw, {}};
        tensor.values.resize(static_cast<std::size_t>(side[0] * side[1] * side[2]));
        benchmarks::fill_with_noise(tensor.values.data(), tensor.values.size(), seed);
        return std::make_shared<const imaging::Tensor>(std::move(tensor));
    });
}

std::vector<inference::BatchOutcome> run(Engine& engine, std::span<const inference::Inputs> batch) {
    auto outcomes = engine.run_batch(batch);
    for (const auto& outcome : outcomes) {
        if (outcome.error) std::rethrow_exception(outcome.error);
        for (const inference::Opinion& opinion : outcome.diagnosis.opinions) {
            if (!opinion.is_given())
                throw std::runtime_error(opinion.member_id + ": " + opinion.error_message);
        }
    }
    return outcomes;
}

/// Free bytes of another device than the host, which the runtime's caches are taken from; zero of the host.
std::uint64_t free_on_device(const Arguments& arguments) {
    if (arguments.engine.device == "cpu" || arguments.engine.device.empty()) return 0;
    return inference::Backend::load("torch")->query_device(arguments.engine.device).free_bytes;
}

json measure(const Arguments& arguments) {
    {
        // Every member once, alone: then the runtime has compiled its kernels and filled its tables, which it
        // keeps for good and any program that runs these models has.
        for (const auto& member : arguments.members) {
            EngineOptions options = arguments.engine;
            options.budget_bytes = 0;
            Engine alone({member}, options);
            const inference::Inputs input = noise(alone, 1);
            (void)run(alone, {&input, 1});
            alone.release_memory();
        }
    }
    const std::uint64_t before_bytes = benchmarks::resident_bytes();
    benchmarks::forget_peak();
    std::vector<inference::Inputs> batch;
    Engine engine(arguments.members, arguments.engine);
    for (std::size_t i = 0; i < arguments.batch; ++i)
        batch.push_back(noise(engine, static_cast<unsigned>(i + 1)));
    json result = {{"passes_ms", json::array()}};
    const std::uint64_t free_bytes = free_on_device(arguments);
    std::vector<inference::BatchOutcome> outcomes;
    std::uint64_t steady_peak_bytes = 0;
    for (std::size_t pass = 0; pass < arguments.passes + benchmarks::kWarmUpPasses; ++pass) {
        const auto begin = std::chrono::steady_clock::now();
        outcomes = run(engine, batch);
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
        if (pass < benchmarks::kWarmUpPasses) continue;
        result["passes_ms"].push_back(took.count());
        steady_peak_bytes = std::max(steady_peak_bytes, outcomes.front().diagnosis.peak_bytes);
    }
    result["steady_peak_bytes"] = steady_peak_bytes;
    result["growth_bytes"] = benchmarks::peak_resident_bytes() - before_bytes;
    result["ledger_peak_bytes"] = engine.memory().peak_bytes;
    result["plan"] = json::parse(engine.plan(arguments.batch).to_json());
    result["drawing"] = engine.plan(arguments.batch).to_text();
    if (arguments.engine.device != "cpu" && !arguments.engine.device.empty()) {
        result["device_growth_bytes"] = free_bytes - std::min(free_bytes, free_on_device(arguments));
    }
    const auto& diagnosis = outcomes.front().diagnosis;
    result["batch_size"] = engine.plan(arguments.batch).batch_size;
    for (const inference::Opinion& opinion : diagnosis.opinions) {
        result["opinions"][opinion.member_id] = opinion.probabilities;
        result["run_ms"][opinion.member_id] = opinion.run_ms;
        result["load_ms"][opinion.member_id] = opinion.load_ms;
        result["backend"] = opinion.backend;
    }
    return result;
}

}  // namespace

int main(int count, char** words) {
    try {
        std::printf("%s\n", measure(parse(count, words)).dump().c_str());
        return 0;
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "ensemble: %s\n", error.what()));
        return 1;
    }
}
