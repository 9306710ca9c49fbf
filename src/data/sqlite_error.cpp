#include <dlfcn.h>
#include <link.h>

#include <set>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "sqlite_connection.hpp"

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

}  // namespace consilia::data
