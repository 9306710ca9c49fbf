#pragma once
// The functions that compiled expressions call on SQLite.
#include <sqlite3.h>

namespace consilia::data {

/// Gives a connection what `core::sqlite_functions` names. A schema cannot call them.
/// @throws StorageError (`database.failed`).
void add_functions(sqlite3* handle);

}  // namespace consilia::data
