#pragma once
// Text and bytes of a cell of SQLite.
//
// A cell is asked for once (`sqlite3_column_value`) and then read by `sqlite3_value_*`, which costs a part of
// `sqlite3_column_*` for each question; a connection without a mutex, confined to a thread, may do that.
#include <sqlite3.h>

#include <new>
#include <string_view>

namespace consilia::data {

/// Lives until the statement moves on. @throws std::bad_alloc.
inline std::string_view sqlite_bytes(sqlite3_value* value, const void* data) {
    const int size = sqlite3_value_bytes(value);
    if (size == 0) return {"", 0};
    if (data == nullptr) throw std::bad_alloc();
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}
inline std::string_view sqlite_bytes(sqlite3_value* value) {
    return sqlite_bytes(value, sqlite3_value_blob(value));
}
/// As `sqlite_bytes`; a number as SQLite writes it.
inline std::string_view sqlite_text(sqlite3_value* value) {
    return sqlite_bytes(value, sqlite3_value_text(value));
}

}  // namespace consilia::data
