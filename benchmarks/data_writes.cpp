// What does our layer add to SQLite's own time when it writes? 10,000 predictions in one transaction, which
// is rolled back, so that each run finds the same file and no disk is waited for.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "clinic.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/repository.hpp"
#include "raw_rows.hpp"

namespace consilia::bench {
namespace {

constexpr int kInserted = 10'000;
constexpr std::int64_t kTime = 1'800'000'000'000'000;
constexpr std::array<std::string_view, 7> kColumns = {"xray_id",    "status",     "diagnosis", "confidence",
                                                      "created_at", "updated_at", "is_deleted"};
const char* const kInsert =
    R"(INSERT INTO "predictions" ("xray_id", "status", "diagnosis", "confidence", "created_at", "updated_at", )"
    R"("is_deleted") VALUES (?, ?, ?, ?, ?, ?, ?))";

Prediction sample(int number) {
    Prediction prediction;
    prediction.xray_id = 1 + number;
    prediction.status = "completed";
    prediction.diagnosis = "Viral Pneumonia";
    prediction.confidence = number / 10'001.0;
    return prediction;
}
std::vector<Prediction> samples() {
    std::vector<Prediction> made;
    for (int i = 0; i < kInserted; ++i) made.push_back(sample(i));
    return made;
}

// One record after the other, as structs that get their times and learn their ids.
void raw_insert(benchmark::State& state) {
    const Clinic& clinic = Clinic::instance();
    const RawStatement statement(data::mapping_of<Prediction>().statements(core::SqlDialect::Sqlite).insert);
    std::vector<Prediction> rows = samples();
    for (auto _ : state) {
        clinic.execute("BEGIN IMMEDIATE");
        for (Prediction& row : rows) {
            row.created_at = row.updated_at = core::SystemClock::instance().now();
            statement.bind(0, row.xray_id);
            statement.bind(1, std::string_view(row.status));
            statement.bind(2, std::string_view(row.diagnosis));
            statement.bind(3, row.confidence);
            statement.bind(4, row.created_at.microseconds);
            statement.bind(5, row.updated_at.microseconds);
            statement.bind(6, std::int64_t{row.is_deleted});
            if (!statement.run()) state.SkipWithError("insert failed");
            row.id = sqlite3_last_insert_rowid(clinic.raw());
        }
        clinic.execute("ROLLBACK");
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
void insert(benchmark::State& state) {
    data::Database& database = Clinic::instance().database();
    const data::Repository<Prediction> predictions(database);
    std::vector<Prediction> rows = samples();
    for (auto _ : state) {
        const data::Transaction transaction = database.begin();
        for (Prediction& row : rows) {
            row.id = 0;
            predictions.insert(transaction, row);
        }
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
BENCHMARK(raw_insert)->Name("Data/Insert10000/100000/raw")->Unit(benchmark::kMicrosecond);
BENCHMARK(insert)->Name("Data/Insert10000/100000/ours")->Unit(benchmark::kMicrosecond);

// In bulk: typed cells in a loop; and as values, which a caller without structs has.
void raw_bulk(benchmark::State& state) {
    const Clinic& clinic = Clinic::instance();
    const RawStatement statement(kInsert);
    for (auto _ : state) {
        clinic.execute("BEGIN IMMEDIATE");
        for (int i = 0; i < kInserted; ++i) {
            statement.bind(0, std::int64_t{1 + i});
            statement.bind(1, std::string_view("completed"));
            statement.bind(2, std::string_view("Viral Pneumonia"));
            statement.bind(3, i / 10'001.0);
            statement.bind(4, kTime + i);
            statement.bind(5, kTime + i);
            statement.bind(6, std::int64_t{0});
            if (!statement.run()) state.SkipWithError("insert failed");
        }
        clinic.execute("ROLLBACK");
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
void bulk(benchmark::State& state) {
    data::Database& database = Clinic::instance().database();
    for (auto _ : state) {
        const data::Transaction transaction = database.begin();
        int i = 0;
        transaction.copy_in("predictions", kColumns, [&](data::CellWriter& to) {
            if (i == kInserted) return false;
            to.int64(0, 1 + i);
            to.text(1, "completed");
            to.text(2, "Viral Pneumonia");
            to.number(3, i / 10'001.0);
            to.int64(4, kTime + i);
            to.int64(5, kTime + i);
            to.boolean(6, false);
            ++i;
            return true;
        });
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
void bulk_values(benchmark::State& state) {
    data::Database& database = Clinic::instance().database();
    const std::vector<std::string> columns(kColumns.begin(), kColumns.end());
    std::vector<std::vector<core::Value>> rows;
    for (int i = 0; i < kInserted; ++i) {
        const core::Timestamp time{kTime + i};
        rows.push_back({1 + i, "completed", "Viral Pneumonia", i / 10'001.0, time, time, false});
    }
    for (auto _ : state) {
        const data::Transaction transaction = database.begin();
        data::insert_many(transaction, data::mapping_of<Prediction>().model(), columns, rows);
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
BENCHMARK(raw_bulk)->Name("Data/Bulk10000/100000/raw")->Unit(benchmark::kMicrosecond);
BENCHMARK(bulk)->Name("Data/Bulk10000/100000/ours")->Unit(benchmark::kMicrosecond);
BENCHMARK(bulk_values)->Name("Data/Bulk10000/100000/ours_as_values")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace consilia::bench
