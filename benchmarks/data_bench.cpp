// What does our layer add to the database's own time? Each case stands beside the same work on the C API of
// SQLite, on one file, with the statements of both prepared already. The raw side reads every cell and, where
// ours does, owns what it has read. `benchmarks/compare/data` states the goals.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "clinic.hpp"
#include "consilia/data/repository.hpp"
#include "consilia/data/row_set.hpp"
#include "raw_rows.hpp"

namespace consilia::bench {
namespace {

using data::field;

void begin(bool is_wanted) {
    if (is_wanted) Clinic::instance().execute("BEGIN");
}
void commit(bool is_wanted) {
    if (is_wanted) Clinic::instance().execute("COMMIT");
}

// A record by its id, as a struct: by itself, and inside one snapshot for many.
void raw_get(benchmark::State& state, bool in_snapshot) {
    const RawStatement statement(data::mapping_of<Prediction>().statements(core::SqlDialect::Sqlite).find);
    std::mt19937 random(1);
    begin(in_snapshot);
    for (auto _ : state) {
        Prediction found;
        statement.bind(0, std::int64_t{1} + static_cast<int>(random() % kPredictions));
        if (statement.step()) {
            found.id = statement.int64(0);
            found.xray_id = statement.int64(1);
            found.status = statement.text(2);
            found.diagnosis = statement.text(3);
            found.confidence = statement.number(4);
            found.created_at.microseconds = statement.int64(5);
            found.updated_at.microseconds = statement.int64(6);
            found.is_deleted = statement.int64(7) != 0;
            if (!statement.is_null(8)) found.deleted_at = {statement.int64(8)};
            if (!statement.is_null(9)) found.deleted_by = statement.int64(9);
        }
        statement.reset();
        benchmark::DoNotOptimize(found);
    }
    commit(in_snapshot);
}
void get_alone(benchmark::State& state) {
    data::Database& database = Clinic::instance().database();
    const data::Repository<Prediction> predictions(database);
    std::mt19937 random(1);
    for (auto _ : state) {
        const std::int64_t id = 1 + static_cast<int>(random() % kPredictions);
        benchmark::DoNotOptimize(predictions.find(database.autocommit(), id));
    }
}
void get_in_snapshot(benchmark::State& state) {
    const data::ReadScope session = Clinic::instance().database().read();
    const data::Repository<Prediction> predictions(Clinic::instance().database());
    std::mt19937 random(1);
    for (auto _ : state) {
        const std::int64_t id = 1 + static_cast<int>(random() % kPredictions);
        benchmark::DoNotOptimize(predictions.find(session, id));
    }
}
BENCHMARK_CAPTURE(raw_get, alone, false)->Name("Data/Get/100000/raw");
BENCHMARK(get_alone)->Name("Data/Get/100000/ours");
BENCHMARK_CAPTURE(raw_get, in_snapshot, true)->Name("Data/GetInSnapshot/100000/raw");
BENCHMARK(get_in_snapshot)->Name("Data/GetInSnapshot/100000/ours");

// A page of the list: newest first, all columns of prediction, image, patient and user.
data::Query newest() {
    return data::Query(data::mapping_of<Prediction>().model())
        .where(field(&Prediction::status) == "completed")
        .order_by("-created_at")
        .order_by("-id")
        .include("xray.patient.user")
        .include("xray.patient")
        .include("xray");
}
data::Query page_query() {
    return newest().page(1, 25);
}

constexpr std::string_view kPatientKinds = "iit";
constexpr std::string_view kXrayKinds = "iit";
constexpr std::string_view kPredictionKinds = "iittdiiinn";
constexpr std::string_view kPageKinds = "iittdiiinnitiitiit";

void raw_page(benchmark::State& state) {
    const core::SqlFragment sql = page_query().sql();
    const RawStatement statement(sql.text);
    for (auto _ : state) {
        statement.bind_all(sql.bindings);
        RawRows rows(kPageKinds, 25);
        rows.append_all(statement);
        benchmark::DoNotOptimize(rows);
    }
}
void page(benchmark::State& state) {
    const data::Query query = page_query();
    for (auto _ : state) benchmark::DoNotOptimize(query.run(Clinic::instance().database().autocommit()));
}
void page_built_anew(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(page_query().run(Clinic::instance().database().autocommit()));
    }
}
void page_json(benchmark::State& state) {
    const data::Query query = page_query();
    for (auto _ : state) {
        benchmark::DoNotOptimize(to_json(query.run(Clinic::instance().database().autocommit())));
    }
}
// Building alone: all steps, and the text and values of the statement that is known by then.
void build(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(page_query().sql());
}
BENCHMARK(raw_page)->Name("Data/PageOf25With3Joins/100000/raw");
BENCHMARK(page)->Name("Data/PageOf25With3Joins/100000/ours");
BENCHMARK(page_built_anew)->Name("Data/PageOf25With3Joins/100000/ours_built_anew");
BENCHMARK(page_json)->Name("Data/PageOf25With3Joins/100000/ours_as_json");
BENCHMARK(build)->Name("Data/BuildKnownQuery/100000/ours");

// Pages by keyset, the first and the 200th: does depth cost?
void keyset_page(benchmark::State& state) {
    data::Database& database = Clinic::instance().database();
    const data::Query first = newest().limit(25);
    data::Query query = first;
    for (std::int64_t number = 1; number < state.range(0); ++number) {
        const data::RowSet rows = query.run(database.autocommit());
        query = first.after(first.key(rows, rows.size() - 1));
    }
    for (auto _ : state) benchmark::DoNotOptimize(query.run(database.autocommit()));
}
BENCHMARK(keyset_page)->Name("Data/KeysetPage/100000")->ArgName("number")->Arg(1)->Arg(200);

// 100 patients with their 500 images and these with their 1,000 predictions. Raw once as ours, in three
// statements and grouped by their order, and once with a statement for each parent.
const char* const kPatientsSql = R"(SELECT "id", "user_id", "full_name" FROM "patients" WHERE "id" <= 100)";
const char* const kImageColumns = R"(SELECT "id", "patient_id", "sha256" FROM "xrays" WHERE "patient_id" )";
const char* const kPredictionColumns =
    R"(SELECT "id", "xray_id", "status", "diagnosis", "confidence", "created_at", "updated_at", "is_deleted", )"
    R"("deleted_at", "deleted_by" FROM "predictions" WHERE "is_deleted" = 0 AND "xray_id" )";

std::string json_of(const RawRows& rows) {
    std::string json = "[";
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (row != 0) json += ',';
        json += std::to_string(rows.int64(row, 0));
    }
    return json + ']';
}
void raw_prefetch_lists(benchmark::State& state) {
    const RawStatement patients(kPatientsSql);
    const std::string in_list = "IN (SELECT value FROM json_each(?)) ORDER BY ";
    const RawStatement xrays(kImageColumns + in_list + R"("patient_id")");
    const RawStatement predictions(kPredictionColumns + in_list + R"("xray_id")");
    for (auto _ : state) {
        begin(true);
        RawRows parents(kPatientKinds);
        parents.append_all(patients);
        const std::string parent_keys = json_of(parents);
        xrays.bind(0, parent_keys);
        RawRows images(kXrayKinds);
        images.append_all(xrays);
        const std::string image_keys = json_of(images);
        predictions.bind(0, image_keys);
        RawRows found(kPredictionKinds);
        found.append_all(predictions);
        commit(true);
        benchmark::DoNotOptimize(parents);
        benchmark::DoNotOptimize(images);
        benchmark::DoNotOptimize(found);
    }
}
void raw_prefetch_each(benchmark::State& state) {
    const RawStatement patients(kPatientsSql);
    const RawStatement xrays(std::string(kImageColumns) + "= ?");
    const RawStatement predictions(std::string(kPredictionColumns) + "= ?");
    for (auto _ : state) {
        begin(true);
        RawRows parents(kPatientKinds);
        RawRows images(kXrayKinds);
        RawRows found(kPredictionKinds);
        parents.append_all(patients);
        std::vector<std::size_t> image_ends;
        std::vector<std::size_t> prediction_ends;
        for (std::size_t row = 0; row < parents.size(); ++row) {
            xrays.bind(0, parents.int64(row, 0));
            images.append_all(xrays);
            image_ends.push_back(images.size());
        }
        for (std::size_t row = 0; row < images.size(); ++row) {
            predictions.bind(0, images.int64(row, 0));
            found.append_all(predictions);
            prediction_ends.push_back(found.size());
        }
        commit(true);
        benchmark::DoNotOptimize(image_ends);
        benchmark::DoNotOptimize(prediction_ends);
        benchmark::DoNotOptimize(found);
    }
}
void prefetch(benchmark::State& state) {
    const data::Query predictions(data::mapping_of<Prediction>().model());
    const data::Query xrays =
        data::Query(data::mapping_of<Xray>().model()).prefetch("predictions", predictions, "xray");
    const data::Query query = data::Query(data::mapping_of<Patient>().model())
                                  .where(field(&Patient::id) <= 100)
                                  .prefetch("xrays", xrays, "patient");
    for (auto _ : state) benchmark::DoNotOptimize(query.run_tree(Clinic::instance().database().read()));
}
BENCHMARK(raw_prefetch_lists)->Name("Data/Prefetch100x500x1000/100000/raw");
BENCHMARK(raw_prefetch_each)->Name("Data/Prefetch100x500x1000/100000/raw_each");
BENCHMARK(prefetch)->Name("Data/Prefetch100x500x1000/100000/ours");

// All predictions, every cell looked at, none kept.
void raw_stream(benchmark::State& state) {
    const RawStatement statement(
        data::Query(data::mapping_of<Prediction>().model()).with_deleted().sql().text);
    for (auto _ : state) {
        std::int64_t sum = 0;
        double confidence = 0;
        while (statement.step()) {
            for (const int column : {0, 1, 5, 6, 7}) sum += statement.int64(column);
            for (const int column : {2, 3}) sum += static_cast<std::int64_t>(statement.text(column).size());
            confidence += statement.number(4);
            for (const int column : {8, 9}) sum += statement.is_null(column) ? 0 : statement.int64(column);
        }
        statement.reset();
        benchmark::DoNotOptimize(sum);
        benchmark::DoNotOptimize(confidence);
    }
}
void stream(benchmark::State& state) {
    const data::Query query = data::Query(data::mapping_of<Prediction>().model()).with_deleted();
    for (auto _ : state) {
        std::int64_t sum = 0;
        double confidence = 0;
        query.each(Clinic::instance().database().autocommit(), [&](const data::CellReader& row) {
            for (const int column : {0, 1, 5, 6, 7}) sum += row.int64(column);
            for (const int column : {2, 3}) sum += static_cast<std::int64_t>(row.text(column).size());
            confidence += row.number(4);
            for (const int column : {8, 9}) sum += row.is_null(column) ? 0 : row.int64(column);
        });
        benchmark::DoNotOptimize(sum);
        benchmark::DoNotOptimize(confidence);
    }
}
void held(benchmark::State& state) {
    const data::Query query = data::Query(data::mapping_of<Prediction>().model()).with_deleted();
    for (auto _ : state) benchmark::DoNotOptimize(query.run(Clinic::instance().database().autocommit()));
}
BENCHMARK(raw_stream)->Name("Data/Stream/100000/raw");
BENCHMARK(stream)->Name("Data/Stream/100000/ours");
BENCHMARK(held)->Name("Data/Stream/100000/ours_held");

}  // namespace
}  // namespace consilia::bench
