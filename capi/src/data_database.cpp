#include "consilia/c/data/database.h"

#include <chrono>

#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::enumerator;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::session_of;
using consilia::capi::transaction_of;
using consilia::capi::values_of;
using consilia::capi::view;

static_assert(offsetof(consilia_database_options_t, without_prepared) == 32);
static_assert(offsetof(consilia_retry_options_t, wait_max_ms) == 24);
static_assert(sizeof(consilia_statement_t) == 48);
static_assert(static_cast<int>(core::SqlDialect::PostgreSql) == CONSILIA_DIALECT_POSTGRESQL);
static_assert(static_cast<int>(data::Isolation::Serializable) == CONSILIA_SERIALIZABLE);

namespace {

std::chrono::milliseconds milliseconds(int64_t given, std::chrono::milliseconds otherwise) {
    return given == 0 ? otherwise : std::chrono::milliseconds(given);
}

data::DatabaseOptions database_options(const consilia_database_options_t* given) {
    const consilia_database_options_t known = copy_options(given);
    data::DatabaseOptions options;
    if (known.connections_max != 0) options.connections_max = known.connections_max;
    if (known.statements_max != 0) options.statements_max = known.statements_max;
    options.busy_timeout = milliseconds(known.busy_timeout_ms, options.busy_timeout);
    options.idle_check_after =
        milliseconds(std::max(known.idle_check_after_ms, std::int64_t{-1}), options.idle_check_after);
    options.prepared_statements = known.without_prepared == 0;
    return options;
}

data::RetryOptions retry_options(const consilia_retry_options_t* given) {
    const consilia_retry_options_t known = copy_options(given);
    data::RetryOptions options;
    if (known.attempts_max != 0) options.attempts_max = known.attempts_max;
    options.wait_min = milliseconds(known.wait_min_ms, options.wait_min);
    options.wait_max = milliseconds(known.wait_max_ms, options.wait_max);
    options.isolation = enumerator(known.isolation, data::Isolation::Serializable, "isolation");
    return options;
}

const std::shared_ptr<data::Database>& database_of(consilia_database_t* database) {
    return require(database, "database").database;
}

/// One that the caller began, and may end.
data::Transaction& own_transaction_of(consilia_session_t* session) {
    data::Transaction& transaction = transaction_of(session);
    if (!session->own) {
        throw core::InvalidArgument("database.transaction",
                                    "the transaction ends with the function that it was lent to");
    }
    return transaction;
}

/// What a caller's function reports, as the exception that it was.
void rethrow(consilia_status_t status, consilia_error_t* reported) {
    if (status == CONSILIA_OK) {
        consilia_error_free(reported);
    } else if (reported == nullptr) {
        throw core::Cancelled("database.cancelled", "the caller's function ended the transaction");
    } else {
        consilia::capi::throw_reported(reported);
    }
}

}  // namespace

extern "C" {

consilia_status_t consilia_database_open(consilia_str_t url, const consilia_database_options_t* options,
                                         consilia_database_t** out_database, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_database_t*& out = cleared(out_database, "out_database");
        out = new consilia_database_t{std::make_shared<data::Database>(view(url), database_options(options))};
    });
}

void consilia_database_free(consilia_database_t* database) {
    delete database;
}

int32_t consilia_database_dialect(const consilia_database_t* database) {
    return database == nullptr ? CONSILIA_DIALECT_SQLITE
                               : static_cast<int32_t>(database->database->dialect());
}

consilia_status_t consilia_database_begin(consilia_database_t* database,
                                          const consilia_transaction_options_t* options,
                                          consilia_session_t** out_session, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_session_t*& out = cleared(out_session, "out_session");
        const data::TransactionOptions known{
            enumerator(copy_options(options).isolation, data::Isolation::Serializable, "isolation")};
        const auto& opened = database_of(database);
        out = new consilia_session_t(opened, opened->begin(known));
    });
}

consilia_status_t consilia_database_read(consilia_database_t* database, consilia_session_t** out_session,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_session_t*& out = cleared(out_session, "out_session");
        const auto& opened = database_of(database);
        out = new consilia_session_t(opened, opened->read());
    });
}

consilia_status_t consilia_database_autocommit(consilia_database_t* database,
                                               consilia_session_t** out_session,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_session_t*& out = cleared(out_session, "out_session");
        const auto& opened = database_of(database);
        out = new consilia_session_t(opened, opened->autocommit());
    });
}

consilia_status_t consilia_database_transact(consilia_database_t* database, consilia_transaction_fn body,
                                             void* user_data, const consilia_retry_options_t* options,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const auto run = [&](data::Transaction& transaction) {
            consilia_session_t lent(transaction);
            consilia_error_t* error = nullptr;
            const consilia_status_t status = body(&lent, &error, user_data);
            rethrow(status, error);
        };
        if (body == nullptr) throw core::InvalidArgument("c_api.null", "`body` is null");
        const std::shared_ptr<data::Database> opened =
            database_of(database);  // The body may free the handle.
        opened->transact(run, retry_options(options));
    });
}

void consilia_session_free(consilia_session_t* session) {
    if (session != nullptr && session->own) delete session;  // A lent one belongs to its lender.
}

consilia_status_t consilia_session_commit(consilia_session_t* session, consilia_error_t** out_error) {
    return guard(out_error, [&] { own_transaction_of(session).commit(); });
}

consilia_status_t consilia_session_rollback(consilia_session_t* session, consilia_error_t** out_error) {
    return guard(out_error, [&] { own_transaction_of(session).rollback(); });
}

consilia_status_t consilia_session_begin_savepoint(consilia_session_t* session,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] { transaction_of(session).begin_savepoint(); });
}

consilia_status_t consilia_session_release_savepoint(consilia_session_t* session,
                                                     consilia_error_t** out_error) {
    return guard(out_error, [&] { transaction_of(session).release_savepoint(); });
}

consilia_status_t consilia_session_undo_savepoint(consilia_session_t* session, consilia_error_t** out_error) {
    return guard(out_error, [&] { transaction_of(session).undo_savepoint(); });
}

consilia_status_t consilia_session_act_as(consilia_session_t* session, int64_t actor,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] { transaction_of(session).act_as(actor); });
}

consilia_status_t consilia_session_on_commit(consilia_session_t* session, consilia_commit_fn action,
                                             void* user_data, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (action == nullptr) throw core::InvalidArgument("c_api.null", "`action` is null");
        transaction_of(session).on_commit([action, user_data] { action(user_data); });
    });
}

consilia_status_t consilia_session_query(consilia_session_t* session, consilia_str_t sql,
                                         const consilia_value_t* values, size_t value_count,
                                         consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(session_of(session).query(view(sql), values_of(values, value_count)));
    });
}

consilia_status_t consilia_session_execute(consilia_session_t* session, consilia_str_t sql,
                                           const consilia_value_t* values, size_t value_count,
                                           int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_count != nullptr) *out_count = 0;
        const int64_t count = session_of(session).execute(view(sql), values_of(values, value_count));
        if (out_count != nullptr) *out_count = count;
    });
}

consilia_status_t consilia_session_query_all(consilia_session_t* session,
                                             const consilia_statement_t* statements, size_t statement_count,
                                             consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const std::span<consilia_row_set_t*> out(
            statement_count == 0 ? nullptr : &require(out_rows, "out_rows"), statement_count);
        for (consilia_row_set_t*& rows : out) rows = nullptr;
        std::vector<std::vector<core::Value>> values;
        std::vector<data::Statement> made;
        values.reserve(statement_count);
        for (const consilia_statement_t& given : items(statements, statement_count, "statements")) {
            values.push_back(values_of(given.values, given.value_count));
            made.push_back({view(given.sql), values.back(),
                            std::make_shared<const std::vector<data::RowColumn>>(
                                consilia::capi::columns_of(given.columns, given.column_count))});
        }
        std::vector<std::unique_ptr<consilia_row_set_t>> found;
        for (data::RowSet& rows : session_of(session).query_all(made))
            found.emplace_back(row_set(std::move(rows)));
        for (size_t i = 0; i < out.size(); ++i) out[i] = found[i].release();
    });
}

}  // extern "C"
