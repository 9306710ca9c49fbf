// What does our layer add to the database's own time? Each case stands beside the same work on the C API of
// SQLite, on one file (WAL, 100,000 predictions, their images, patients and users), with the statements of
// both prepared already. The raw side reads every cell and, like ours, owns what it has read.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "consilia/data/repository.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace consilia;
using data::field;

constexpr int kPredictions = 100'000;
constexpr int kPatients = 1'000;

struct User {
    std::int64_t id = 0;
    std::string username;
    static data::Mapping<User> mapping() {
        return data::Mapping<User>("users").primary_key("id", &User::id).column("username", &User::username);
    }
};
struct Patient {
    std::int64_t id = 0;
    std::int64_t user_id = 0;
    std::string full_name;
    static data::Mapping<Patient> mapping() {
        return data::Mapping<Patient>("patients")
            .primary_key("id", &Patient::id)
            .reference("user", &Patient::user_id, data::mapping_of<User>())
            .column("full_name", &Patient::full_name);
    }
};
struct Xray {
    std::int64_t id = 0;
    std::int64_t patient_id = 0;
    std::string sha256;
    static data::Mapping<Xray> mapping() {
        return data::Mapping<Xray>("xrays")
            .primary_key("id", &Xray::id)
            .reference("patient", &Xray::patient_id, data::mapping_of<Patient>())
            .column("sha256", &Xray::sha256);
    }
};
struct Prediction {
    std::int64_t id = 0;
    std::int64_t xray_id = 0;
    std::string status;
    std::string diagnosis;
    double confidence = 0;
    core::Timestamp created_at;
    core::Timestamp updated_at;
    bool is_deleted = false;
    std::optional<core::Timestamp> deleted_at;
    std::optional<std::int64_t> deleted_by;
    static data::Mapping<Prediction> mapping() {
        return data::Mapping<Prediction>("predictions")
            .primary_key("id", &Prediction::id)
            .reference("xray", &Prediction::xray_id, data::mapping_of<Xray>())
            .column("status", &Prediction::status)
            .column("diagnosis", &Prediction::diagnosis)
            .column("confidence", &Prediction::confidence)
            .timestamps(&Prediction::created_at, &Prediction::updated_at)
            .soft_delete(&Prediction::is_deleted, &Prediction::deleted_at, &Prediction::deleted_by)
            .index({"status", "is_deleted", "-created_at", "-id"});
    }
};

struct Clinic {
    Clinic() {
        const std::vector<const data::Model*> models = {
            &data::mapping_of<User>().model(), &data::mapping_of<Patient>().model(),
            &data::mapping_of<Xray>().model(), &data::mapping_of<Prediction>().model()};
        data::create_tables(database, models);
        core::ManualClock clock(core::Timestamp{1'700'000'000'000'000});
        data::Transaction transaction = database.begin();
        for (int i = 0; i < kPatients; ++i) {
            User user{.username = "user" + std::to_string(i)};
            Patient patient{.user_id = data::Repository<User>(database).insert(transaction, user),
                            .full_name = "Patient Number " + std::to_string(i)};
            data::Repository<Patient>(database).insert(transaction, patient);
        }
        const data::Repository<Xray> xrays(database);
        const data::Repository<Prediction> predictions(database, clock);
        for (int i = 0; i < kPredictions; ++i) {
            Xray xray{.patient_id = 1 + i * 7 % kPatients,
                      .sha256 = std::string(64, static_cast<char>('a' + i % 6))};
            Prediction prediction = sample(xrays.insert(transaction, xray));
            predictions.insert(transaction, prediction);
            clock.advance(std::chrono::milliseconds(1));
        }
        transaction.commit();
        if (sqlite3_open(path.c_str(), &raw) != SQLITE_OK) std::abort();
        for (const char* pragma :
             {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"}) {
            sqlite3_exec(raw, pragma, nullptr, nullptr, nullptr);
        }
    }
    ~Clinic() { sqlite3_close_v2(raw); }
    static Clinic& instance() {
        static Clinic clinic;
        return clinic;
    }
    static Prediction sample(std::int64_t xray_id) {
        Prediction prediction;
        prediction.xray_id = xray_id;
        prediction.status = "completed";
        prediction.diagnosis = "Viral Pneumonia";
        prediction.confidence = 0.875;
        return prediction;
    }
    sqlite3_stmt* prepare(const std::string& sql) const {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(raw, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
            SQLITE_OK) {
            throw std::runtime_error(sqlite3_errmsg(raw));
        }
        return statement;
    }

    test::TemporaryDirectory directory;
    std::string path = (directory / "clinic.db").string();
    data::Database database{"sqlite:" + path};
    sqlite3* raw = nullptr;
};

std::string text_of(sqlite3_stmt* statement, int column) {
    return {reinterpret_cast<const char*>(sqlite3_column_text(statement, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

// A record by its id, as a struct.
void raw_get(benchmark::State& state, bool in_transaction) {
    Clinic& clinic = Clinic::instance();
    sqlite3_stmt* statement =
        clinic.prepare(data::mapping_of<Prediction>().statements(core::SqlDialect::Sqlite).find);
    std::mt19937 random(1);
    if (in_transaction) sqlite3_exec(clinic.raw, "BEGIN", nullptr, nullptr, nullptr);
    for (auto _ : state) {
        Prediction found;
        sqlite3_bind_int64(statement, 1, 1 + static_cast<int>(random() % kPredictions));
        if (sqlite3_step(statement) == SQLITE_ROW) {
            found.id = sqlite3_column_int64(statement, 0);
            found.xray_id = sqlite3_column_int64(statement, 1);
            found.status = text_of(statement, 2);
            found.diagnosis = text_of(statement, 3);
            found.confidence = sqlite3_column_double(statement, 4);
            found.created_at.microseconds = sqlite3_column_int64(statement, 5);
            found.updated_at.microseconds = sqlite3_column_int64(statement, 6);
            found.is_deleted = sqlite3_column_int64(statement, 7) != 0;
            if (sqlite3_column_type(statement, 8) != SQLITE_NULL)
                found.deleted_at = {sqlite3_column_int64(statement, 8)};
            if (sqlite3_column_type(statement, 9) != SQLITE_NULL)
                found.deleted_by = sqlite3_column_int64(statement, 9);
        }
        sqlite3_reset(statement);
        benchmark::DoNotOptimize(found);
    }
    if (in_transaction) sqlite3_exec(clinic.raw, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_finalize(statement);
}

void get_in_scope(benchmark::State& state) {
    const data::ReadScope session = Clinic::instance().database.read();
    const data::Repository<Prediction> predictions(Clinic::instance().database);
    std::mt19937 random(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(predictions.get(session, 1 + static_cast<int>(random() % kPredictions)));
    }
}

void get_alone(benchmark::State& state) {
    const data::Repository<Prediction> predictions(Clinic::instance().database);
    std::mt19937 random(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(predictions.get(1 + static_cast<int>(random() % kPredictions)));
    }
}

BENCHMARK_CAPTURE(raw_get, alone, false)->Name("Data/GetByPrimaryKey/100000/raw");
BENCHMARK(get_alone)->Name("Data/GetByPrimaryKey/100000/ours");
BENCHMARK_CAPTURE(raw_get, scope, true)->Name("Data/GetByPrimaryKeyInOneSnapshot/100000/raw");
BENCHMARK(get_in_scope)->Name("Data/GetByPrimaryKeyInOneSnapshot/100000/ours");

// A page of the list: newest first, with image, patient and user.
data::Query page_query() {
    return data::Query(data::mapping_of<Prediction>().model())
        .select({"id", "status", "diagnosis", "confidence", "created_at", "xray.id", "xray.sha256",
                 "xray.patient.id", "xray.patient.full_name", "xray.patient.user.username"})
        .where(field(&Prediction::status) == "completed")
        .order_by("-created_at")
        .order_by("-id")
        .page(1, 25);
}

// The raw side keeps its cells as a program in C would: numbers in an array, texts behind one another in one
// buffer.
void raw_page(benchmark::State& state) {
    sqlite3_stmt* statement = Clinic::instance().prepare(page_query().sql().text);
    for (auto _ : state) {
        sqlite3_bind_text(statement, 1, "completed", -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, 25);
        sqlite3_bind_int64(statement, 3, 0);
        struct Cell {
            std::int64_t bits;
            std::size_t size;
        };
        std::vector<Cell> cells;
        cells.reserve(250);
        std::string texts;
        texts.reserve(4096);
        const auto text = [&](int column) {
            const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
            cells.push_back({static_cast<std::int64_t>(texts.size()), size});
            texts.append(bytes, size);
        };
        const auto number = [&](int column) {
            cells.push_back({sqlite3_column_int64(statement, column), 0});
        };
        while (sqlite3_step(statement) == SQLITE_ROW) {
            number(0);
            text(1);
            text(2);
            cells.push_back({static_cast<std::int64_t>(sqlite3_column_double(statement, 3) * 1e9), 0});
            number(4);
            number(5);
            text(6);
            number(7);
            text(8);
            text(9);
        }
        sqlite3_reset(statement);
        benchmark::DoNotOptimize(cells);
        benchmark::DoNotOptimize(texts);
    }
    sqlite3_finalize(statement);
}

void page(benchmark::State& state) {
    const data::Query query = page_query();
    for (auto _ : state) benchmark::DoNotOptimize(query.run(Clinic::instance().database.autocommit()));
}
void page_built_anew(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(page_query().run(Clinic::instance().database.autocommit()));
}
void page_json(benchmark::State& state) {
    const data::Query query = page_query();
    for (auto _ : state) {
        benchmark::DoNotOptimize(to_json(query.run(Clinic::instance().database.autocommit())));
    }
}
BENCHMARK(raw_page)->Name("Data/PageOf25With3Joins/100000/raw");
BENCHMARK(page)->Name("Data/PageOf25With3Joins/100000/ours");
BENCHMARK(page_built_anew)->Name("Data/PageOf25With3Joins/100000/ours_built_anew");
BENCHMARK(page_json)->Name("Data/PageOf25With3Joins/100000/ours_as_json");

// 1000 rows in one transaction, rolled back, so that each run finds the same file.
constexpr int kInserted = 1000;

void raw_insert(benchmark::State& state) {
    Clinic& clinic = Clinic::instance();
    sqlite3_stmt* statement =
        clinic.prepare(data::mapping_of<Prediction>().statements(core::SqlDialect::Sqlite).insert_keyed);
    const Prediction row = Clinic::sample(1);
    for (auto _ : state) {
        sqlite3_exec(clinic.raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
        for (int i = 0; i < kInserted; ++i) {
            sqlite3_bind_int64(statement, 1, row.xray_id);
            sqlite3_bind_text(statement, 2, row.status.data(), static_cast<int>(row.status.size()),
                              SQLITE_STATIC);
            sqlite3_bind_text(statement, 3, row.diagnosis.data(), static_cast<int>(row.diagnosis.size()),
                              SQLITE_STATIC);
            sqlite3_bind_double(statement, 4, row.confidence);
            const std::int64_t now = core::SystemClock::instance().now().microseconds;
            sqlite3_bind_int64(statement, 5, now);
            sqlite3_bind_int64(statement, 6, now);
            sqlite3_bind_int64(statement, 7, 0);
            sqlite3_bind_null(statement, 8);
            sqlite3_bind_null(statement, 9);
            if (sqlite3_step(statement) != SQLITE_DONE) state.SkipWithError("insert failed");
            sqlite3_reset(statement);
        }
        sqlite3_exec(clinic.raw, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
    sqlite3_finalize(statement);
}

void insert(benchmark::State& state) {
    Clinic& clinic = Clinic::instance();
    const data::Repository<Prediction> predictions(clinic.database);
    Prediction row = Clinic::sample(1);
    for (auto _ : state) {
        data::Transaction transaction = clinic.database.begin();
        for (int i = 0; i < kInserted; ++i) {
            row.id = 0;
            predictions.insert(transaction, row);
        }
    }
    state.SetItemsProcessed(state.iterations() * kInserted);
}
BENCHMARK(raw_insert)->Name("Data/Insert1000InOneTransaction/100000/raw");
BENCHMARK(insert)->Name("Data/Insert1000InOneTransaction/100000/ours");

}  // namespace
