// What does a decision cost, and does it stay the same with 1,000 times the rules?
//
// `rules` rules for as many resources (at most 100, with 100 actions each) and roles of a hierarchy of three
// levels: what is asked is allowed by the lowest one. The object is a record as a program holds it: a struct.
#include <benchmark/benchmark.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "consilia/access/policy.hpp"

namespace {

using namespace consilia;
using access::Effect;
using core::Value;

struct Record {
    std::int64_t id = 1;
    std::int64_t user_id = 7;
};

/// `rules` rules beside those that are asked for.
access::PolicyDocument document_of(std::int64_t rules) {
    access::PolicyDocument document;
    document.roles = {{"person", {}}, {"staff", {"person"}}, {"admin", {"staff"}}};
    document.resources["prediction"] = {"read", "edit", "delete"};
    document.rules = {
        {"read all", Effect::Allow, "person", "prediction:read"},
        {"edit own", Effect::Allow, "person", "prediction:edit",
         core::field("xray.patient.user_id") == core::parameter("principal_id")},
    };
    const std::int64_t resources = std::max<std::int64_t>(1, rules / 100);
    std::vector<std::vector<std::string>> actions(static_cast<std::size_t>(resources));
    for (std::int64_t i = 0; i < rules; ++i) {
        const std::string action = "action" + std::to_string(i / resources);
        const std::string resource = "resource" + std::to_string(i % resources);
        actions[static_cast<std::size_t>(i % resources)].push_back(action);
        document.rules.push_back(
            {"", Effect::Allow, i % 2 == 0 ? "staff" : "person", resource + ":" + action,
             i % 4 == 0 ? core::field("owner_id") == core::parameter("principal_id") : core::Expression()});
    }
    for (std::int64_t i = 0; i < resources; ++i)
        document.resources["resource" + std::to_string(i)] =
            access::Resource(actions[static_cast<std::size_t>(i)]);
    return document;
}

struct Clinic {
    explicit Clinic(std::int64_t rules) : policy(document_of(rules)) {}

    access::Policy policy;
    access::Principal admin{7, {"admin"}, "ada"};
    Record record;
    core::FieldSource object = [this](std::string_view path) {
        return path == "xray.patient.user_id" ? Value(record.user_id) : Value();
    };
};

void by_numbers(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    const access::Subject subject = clinic.policy.subject(clinic.admin);
    const access::PermissionId read = clinic.policy.permission("read", "prediction");
    for (auto _ : state) benchmark::DoNotOptimize(clinic.policy.check(subject, read));
}

void by_names(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(clinic.policy.check(clinic.admin, "read", "prediction"));
}

void owned_by_numbers(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    const access::Subject subject = clinic.policy.subject(clinic.admin);
    const access::PermissionId edit = clinic.policy.permission("edit", "prediction");
    for (auto _ : state) benchmark::DoNotOptimize(clinic.policy.check(subject, edit, clinic.object));
}

void owned_by_names(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(clinic.policy.check(clinic.admin, "edit", "prediction", clinic.object));
}

void owned_page(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    const access::Subject subject = clinic.policy.subject(clinic.admin);
    const access::PermissionId edit = clinic.policy.permission("edit", "prediction");
    const std::vector<Record> records(25);
    const access::PageSource page = [&](std::size_t index, std::string_view) {
        return Value(records[index].user_id);
    };
    for (auto _ : state)
        benchmark::DoNotOptimize(clinic.policy.check_many(subject, edit, records.size(), page));
}

void scope(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(clinic.policy.scope(clinic.admin, "edit", "prediction"));
}

void subject(benchmark::State& state) {
    const Clinic clinic(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(clinic.policy.subject(clinic.admin));
}

void compile(benchmark::State& state) {
    const access::PolicyDocument document = document_of(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(access::Policy(document));
}

/// The floor: a decision that somebody has written into a table already, by numbers and by names.
void floor_by_numbers(benchmark::State& state) {
    const std::vector<std::uint8_t> table(static_cast<std::size_t>(state.range(0)) * 3, 1);
    std::size_t role = 2;
    std::size_t permission = 1;
    for (auto _ : state) {
        benchmark::DoNotOptimize(role);
        benchmark::DoNotOptimize(permission);
        benchmark::DoNotOptimize(table[role * static_cast<std::size_t>(state.range(0)) + permission]);
    }
}

void floor_by_names(benchmark::State& state) {
    std::unordered_map<std::string, bool> table;
    for (std::int64_t i = 0; i < state.range(0); ++i)
        table["admin:resource:action" + std::to_string(i)] = true;
    table["admin:prediction:read"] = true;
    const std::string role = "admin";
    const std::string action = "read";
    for (auto _ : state) {
        std::string key;
        key.reserve(64);
        key.append(role).append(":prediction:").append(action);
        benchmark::DoNotOptimize(table.find(key)->second);
    }
}

void sizes(benchmark::internal::Benchmark* made) {
    made->ArgName("rules")->Arg(10)->Arg(1'000)->Arg(10'000);
}

BENCHMARK(by_numbers)->Name("Access/CheckByNumbers")->Apply(sizes);
BENCHMARK(by_names)->Name("Access/CheckByNames")->Apply(sizes);
BENCHMARK(owned_by_numbers)->Name("Access/CheckOwnedByNumbers")->Apply(sizes);
BENCHMARK(owned_by_names)->Name("Access/CheckOwnedByNames")->Apply(sizes);
BENCHMARK(owned_page)->Name("Access/CheckPageOf25Owned")->Apply(sizes);
BENCHMARK(floor_by_numbers)->Name("Access/Floor/CheckByNumbers")->Apply(sizes);
BENCHMARK(floor_by_names)->Name("Access/Floor/CheckByNames")->Apply(sizes);
BENCHMARK(scope)->Name("Access/Scope")->Apply(sizes);
BENCHMARK(subject)->Name("Access/Subject")->Apply(sizes);
BENCHMARK(compile)->Name("Access/Compile")->Apply(sizes);

}  // namespace
