#pragma once
#include <libpq-fe.h>

#include "consilia/core/error.hpp"

namespace consilia::data {

/// What a statement answers whose plan the server can no longer use: it was prepared for columns that have
/// changed, or is gone. To be prepared again.
class StalePlan : public core::StorageError {
public:
    StalePlan() : BasicError("database.failed", "the statement was prepared for a table that has changed") {}
};

/// Translates a failed result, or null, by its SQLSTATE. Messages and details hold names of the schema and
/// never a value: the server puts values into the details of its messages, and into some messages.
[[noreturn]] void throw_postgres_error(const PGconn* connection, const PGresult* result, bool only_reads);

}  // namespace consilia::data
