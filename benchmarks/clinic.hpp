#pragma once
// The records that the measurements of the data layer work on, and their models; see clinic/sqlite.sql.
#include <sqlite3.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

#include "consilia/data/mapping.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::bench {

constexpr int kPatients = 1'000;
constexpr int kPredictions = 100'000;

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
            .soft_delete(&Prediction::is_deleted, &Prediction::deleted_at, &Prediction::deleted_by);
    }
};

/// The file that `CONSILIA_CLINIC` names, so that other programs measure on the same; else one of its own,
/// made now. `database` and `raw`, a connection of the C API, are set up alike. Threading: confined.
class Clinic {
public:
    static Clinic& instance() {
        static Clinic clinic;
        return clinic;
    }
    ~Clinic() { sqlite3_close_v2(raw_); }
    Clinic(const Clinic&) = delete;
    Clinic& operator=(const Clinic&) = delete;

    [[nodiscard]] data::Database& database() noexcept { return *database_; }
    [[nodiscard]] sqlite3* raw() const noexcept { return raw_; }
    void execute(const char* sql) const {
        if (sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
    }
    [[nodiscard]] sqlite3_stmt* prepare(const std::string& sql) const {
        sqlite3_stmt* statement = nullptr;
        const int code =
            sqlite3_prepare_v3(raw_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) fail();
        return statement;
    }

private:
    Clinic() {
        const char* shared = std::getenv("CONSILIA_CLINIC");
        const std::string path = shared != nullptr ? shared : (directory_ / "clinic.db").string();
        const bool is_there = std::filesystem::exists(path);
        // Without SQLite's own mutex, as a program that knows its threads would open it, and as ours is.
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(path.c_str(), &raw_, flags, nullptr) != SQLITE_OK) fail();
        execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
        if (!is_there) {
            std::ifstream file(CONSILIA_CLINIC_SQL);
            const std::string sql{std::istreambuf_iterator<char>(file), {}};
            execute(("BEGIN;" + sql + "COMMIT").c_str());
        }
        database_.emplace("sqlite:" + path);
    }
    [[noreturn]] void fail() const { throw std::runtime_error(sqlite3_errmsg(raw_)); }

    test::TemporaryDirectory directory_;
    sqlite3* raw_ = nullptr;
    std::optional<data::Database> database_;
};

}  // namespace consilia::bench
