#include "connection.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>

#include "consilia/core/error.hpp"
#include "sqlite_functions.hpp"

namespace consilia::data {
namespace {

/// The columns that a constraint names, `users.username, users.role`, from SQLite's message: names of the
/// schema only.
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
        default:
            throw core::ValidationError("database.check", "a rule of the table is broken", details);
    }
}

}  // namespace

void throw_sqlite_error(sqlite3* handle, int code) {
    const int extended = handle == nullptr ? code : sqlite3_extended_errcode(handle);
    const std::string message = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
    const core::Details details{{"sqlite_code", extended}};
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            throw core::Unavailable("database.busy", "another writer holds the database", details);
        case SQLITE_CONSTRAINT:
            throw_constraint(extended, message);
        case SQLITE_FULL:
            throw core::StorageError("database.full", "the disk is full", details);
        case SQLITE_READONLY:
            throw core::StorageError("database.read_only", "the database cannot be written", details);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            throw core::StorageError("database.corrupt", "the file is not a sound database", details);
        case SQLITE_NOMEM:
            throw std::bad_alloc();
        default:
            throw core::StorageError("database.failed", "the database failed: " + message, details);
    }
}

void check_one_sqlite() {
    // Copies are told apart by the address of their version text: the address of a function may be that of a
    // stub. A copy whose symbols are hidden cannot be seen. Looked at each time, because a library may have
    // come since.
    std::vector<std::string> names;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
                static_cast<std::vector<std::string>*>(data)->emplace_back(info->dlpi_name);
            }
            return 0;
        },
        &names);
    std::set<const char*> copies{sqlite3_sourceid()};
    for (const std::string& name : names) {
        void* object = ::dlopen(name.c_str(), RTLD_NOLOAD | RTLD_LAZY | RTLD_LOCAL);
        if (object == nullptr) continue;
        // A lookup through one object also sees what it depends on: users of one library all find the same.
        if (void* symbol = ::dlsym(object, "sqlite3_sourceid"); symbol != nullptr) {
            copies.insert(reinterpret_cast<const char* (*)()>(symbol)());
        }
        ::dlclose(object);
    }
    if (copies.size() > 1) {
        throw core::Unavailable(
            "database.two_sqlite",
            "the process holds two copies of SQLite, which would drop each other's file locks: use the "
            "system's shared library everywhere",
            {{"copies", static_cast<std::int64_t>(copies.size())}});
    }
}

std::uint64_t process_mark() noexcept {
    using Mark = std::atomic<std::uint64_t>;
    static_assert(Mark::is_always_lock_free);
    // A page that the kernel clears in a forked child (madvise(2), MADV_WIPEONFORK): asking it costs a load,
    // asking for the process id a system call. The page is never unmapped.
    static Mark* const page = []() -> Mark* {
        void* memory =
            ::mmap(nullptr, sizeof(Mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return nullptr;
        if (::madvise(memory, sizeof(Mark), MADV_WIPEONFORK) != 0) {
            ::munmap(memory, sizeof(Mark));
            return nullptr;
        }
        return new (memory) Mark(0);
    }();
    if (page == nullptr) return static_cast<std::uint64_t>(::getpid());
    if (const std::uint64_t mark = page->load(std::memory_order_relaxed); mark != 0) return mark;
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const std::uint64_t fresh = (now ^ (static_cast<std::uint64_t>(::getpid()) << 42)) | 1U;
    std::uint64_t mark = 0;
    return page->compare_exchange_strong(mark, fresh, std::memory_order_relaxed) ? fresh : mark;
}

Connection::Connection(const std::string& path, const DatabaseOptions& options)
    : database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
               static_cast<int>(options.busy_timeout.count())),
      statements_max_(options.statements_max) {
    sqlite3_extended_result_codes(handle(), 1);
    set_up("PRAGMA journal_mode = WAL");
    set_up("PRAGMA synchronous = FULL");  // What was acknowledged survives a power cut.
    set_up("PRAGMA foreign_keys = ON");
    set_up("PRAGMA case_sensitive_like = ON");  // As expressions have it.
    set_up("PRAGMA temp_store = MEMORY");
    set_up("PRAGMA trusted_schema = OFF");  // A file from elsewhere runs no functions of ours.
    add_functions(handle());
}

Connection::~Connection() {
    for (const CachedStatement& statement : statements_) sqlite3_finalize(statement.handle);
}

void Connection::set_up(const char* pragma) {
    const int code = sqlite3_exec(handle(), pragma, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
}

CachedStatement& Connection::prepare(std::string_view sql) {
    if (const auto found = by_text_.find(sql); found != by_text_.end() && !found->second->is_in_use) {
        if (found->second != statements_.begin()) {
            statements_.splice(statements_.begin(), statements_, found->second);
        }
        return *found->second;
    }
    return add(sql);
}

CachedStatement& Connection::add(std::string_view sql) {
    sqlite3_stmt* handle_made = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle_made, &rest);
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> made(handle_made, sqlite3_finalize);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
    if (made == nullptr || rest != sql.data() + sql.size()) {
        throw core::InvalidArgument("database.statement", "the text must be one statement");
    }
    for (auto oldest = statements_.end();
         statements_.size() >= statements_max_ && oldest != statements_.begin();) {
        --oldest;
        if (oldest->is_in_use) continue;
        // A twin of a running statement has the same text, but is not the one that is known by it.
        if (const auto known = by_text_.find(oldest->text);
            known != by_text_.end() && known->second == oldest) {
            by_text_.erase(known);
        }
        sqlite3_finalize(oldest->handle);
        oldest = statements_.erase(oldest);
    }
    statements_.push_front({.text = std::string(sql)});
    try {
        by_text_.try_emplace(statements_.front().text, statements_.begin());
    } catch (...) {
        statements_.pop_front();
        throw;
    }
    statements_.front().handle = made.release();
    return statements_.front();
}

void Connection::run(std::string_view sql) {
    const Statement statement(prepare(sql));
    const int code = sqlite3_step(statement.get());
    if (code != SQLITE_DONE && code != SQLITE_ROW) throw_sqlite_error(handle(), code);
}

}  // namespace consilia::data
