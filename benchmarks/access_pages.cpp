// What does a policy add to a page? The predictions of one patient, newest first, 25 of 110: with the
// condition written by hand, with the scope of a policy, and through a guard, which also looks the fields up.
// Each builds its query anew, as a request does.
#include <benchmark/benchmark.h>

#include "clinic.hpp"
#include "consilia/access/guard.hpp"

namespace {

using namespace consilia;
using access::Effect;
using core::field;

constexpr std::int64_t kUser = 500;

const access::Policy& policy() {
    static const access::Policy made = [] {
        access::PolicyDocument document;
        document.resources["prediction"] = {"read"};
        document.roles = {{"patient"}, {"staff"}, {"admin"}};
        document.rules = {
            {"own", Effect::Allow, "patient", "prediction:read",
             field("xray.patient.user_id") == core::parameter("principal_id")},
            {"staff", Effect::Allow, "staff", "prediction:read"},
            {"admin", Effect::Allow, "admin", "prediction:*"},
        };
        document.fields = {{"patient", "prediction:read", {"id", "status", "diagnosis", "confidence"}}};
        return access::Policy(document);
    }();
    return made;
}

data::Query page_of(const data::Query& rows) {
    return rows.order_by("-created_at").order_by("-id").page(1, 25);
}

template <class Build>
void measure(benchmark::State& state, const Build& build) {
    data::Database& database = bench::Clinic::instance().database();
    const data::Autocommit session = database.autocommit();
    std::size_t rows = 0;
    for (auto _ : state) {
        const data::RowSet page = build().run(session);
        rows = page.size();
        benchmark::DoNotOptimize(page);
    }
    if (rows != 25) state.SkipWithError("not the page that was meant");
}

const data::Model& predictions() {
    return data::mapping_of<bench::Prediction>().model();
}

void by_hand(benchmark::State& state) {
    measure(state, [] {
        return page_of(data::Query(predictions())
                           .where(field("xray.patient.user_id") == kUser)
                           .select({"id", "confidence", "diagnosis", "status"}));
    });
}

void by_scope(benchmark::State& state) {
    const access::Principal patient{kUser, {"patient"}, "pat"};
    measure(state, [&] {
        return page_of(data::Query(predictions())
                           .where(policy().scope(patient, "read", "prediction"))
                           .select({"id", "confidence", "diagnosis", "status"}));
    });
}

void by_guard(benchmark::State& state) {
    const data::ModelRepository records(
        std::shared_ptr<const data::Model>(std::shared_ptr<const data::Model>(), &predictions()));
    measure(state, [&] {
        const access::Guard guard(policy(), {kUser, {"patient"}, "pat"}, "prediction", records);
        return page_of(guard.query());
    });
}

BENCHMARK(by_hand)->Name("Access/PageOf25/by_hand");
BENCHMARK(by_scope)->Name("Access/PageOf25/by_scope");
BENCHMARK(by_guard)->Name("Access/PageOf25/by_guard");

}  // namespace
