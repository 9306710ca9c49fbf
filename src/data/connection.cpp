#include "connection.hpp"

#include <dlfcn.h>
#include <link.h>

#include <SQLiteCpp/Exception.h>

#include <set>

#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

/// The columns that a constraint names, `users.username, users.role`, from SQLite's message: names of the schema only.
std::string constraint_columns(std::string_view message) {
    const std::size_t colon = message.find("constraint failed: ");
    return colon == std::string_view::npos ? std::string{} : std::string(message.substr(colon + 19));
}

[[noreturn]] void throw_constraint(int code, std::string_view message) {
    const std::string columns = constraint_columns(message);
    core::Details details;
    if (!columns.empty()) details.push_back({"columns", columns});
    switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
            throw core::Conflict("database.unique", "a row with the same `" + columns + "` exists", details);
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            throw core::Conflict("database.foreign_key", "a row refers to one that does not exist", details);
        case SQLITE_CONSTRAINT_NOTNULL:
            throw core::ValidationError("database.not_null", "`" + columns + "` must have a value", details);
        default: throw core::ValidationError("database.check", "a rule of the table is broken", details);
    }
}

}  // namespace

void throw_sqlite_error(sqlite3* handle, int code) {
    const int extended = handle == nullptr ? code : sqlite3_extended_errcode(handle);
    const std::string message = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
    const core::Details details{{"sqlite_code", extended}};
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: throw core::Unavailable("database.busy", "another writer holds the database", details);
        case SQLITE_CONSTRAINT: throw_constraint(extended, message);
        case SQLITE_FULL: throw core::StorageError("database.full", "the disk is full", details);
        case SQLITE_READONLY: throw core::StorageError("database.read_only", "the database cannot be written", details);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: throw core::StorageError("database.corrupt", "the file is not a sound database", details);
        case SQLITE_NOMEM: throw std::bad_alloc();
        default: throw core::StorageError("database.failed", "the database failed: " + message, details);
    }
}

void check_one_sqlite() {
    // Counts distinct `sqlite3_open_v2` over the loaded objects; a lookup through one object also sees what it depends
    // on, so users of the system's library all find the same.
    static const std::size_t copies = [] {
        std::vector<std::string> names;
        ::dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* data) {
                if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
                    static_cast<std::vector<std::string>*>(data)->emplace_back(info->dlpi_name);
                }
                return 0;
            },
            &names);
        std::set<void*> found{reinterpret_cast<void*>(&sqlite3_open_v2)};
        for (const std::string& name : names) {
            void* object = ::dlopen(name.c_str(), RTLD_NOLOAD | RTLD_LAZY | RTLD_LOCAL);
            if (object == nullptr) continue;
            if (void* symbol = ::dlsym(object, "sqlite3_open_v2"); symbol != nullptr) found.insert(symbol);
            ::dlclose(object);
        }
        return found.size();
    }();
    if (copies > 1) {
        throw core::Unavailable("database.two_sqlite",
                                "the process holds two copies of SQLite, which would drop each other's file locks: use the "
                                "system's shared library everywhere",
                                {{"copies", static_cast<std::int64_t>(copies)}});
    }
}

Connection::Connection(const std::string& path, const DatabaseOptions& options)
    : database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
               static_cast<int>(options.busy_timeout.count())),
      statements_max_(options.statements_max) {
    sqlite3_extended_result_codes(handle(), 1);
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");  // What was acknowledged survives a power cut.
    run("PRAGMA foreign_keys = ON");
    run("PRAGMA case_sensitive_like = ON");
    run("PRAGMA temp_store = MEMORY");
}

Connection::~Connection() {
    for (const auto& [text, statement] : statements_) sqlite3_finalize(statement);
}

sqlite3_stmt* Connection::prepare(std::string_view sql) {
    if (const auto cached = by_text_.find(sql); cached != by_text_.end()) {
        statements_.splice(statements_.begin(), statements_, cached->second);
        return cached->second->second;
    }
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, &rest);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
    if (statement == nullptr || rest != sql.data() + sql.size()) {
        sqlite3_finalize(statement);
        throw core::InvalidArgument("database.statement", "the text must be one statement");
    }
    if (statements_.size() >= statements_max_) {
        // In use at most twice at a time (a query inside a savepoint), so the oldest is never one of these.
        by_text_.erase(statements_.back().first);
        sqlite3_finalize(statements_.back().second);
        statements_.pop_back();
    }
    statements_.emplace_front(std::string(sql), statement);
    by_text_.emplace(statements_.front().first, statements_.begin());
    return statement;
}

void Connection::run(const char* sql) {
    const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
}

}  // namespace consilia::data
