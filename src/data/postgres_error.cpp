#include "postgres_error.hpp"

#include <string>
#include <string_view>

namespace consilia::data {
namespace {

std::string_view field(const PGresult* result, int code) {
    const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
    return text == nullptr ? std::string_view{} : std::string_view(text);
}

/// `users.username, users.role` from `Key (username, role)=(…) already exists.`, in any language: what stands
/// between the first bracket and the first `)=(`.
std::string key_columns(const PGresult* result, const std::string& table) {
    const std::string_view detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    const std::size_t start = detail.find('(');
    const std::size_t end = detail.find(")=(");
    if (start == std::string_view::npos || end == std::string_view::npos || end < start) return {};
    std::string columns = table + '.';
    for (const char c : detail.substr(start + 1, end - start - 1)) {
        columns += c;
        if (c == ' ' && columns.ends_with(", ")) columns += table + '.';
    }
    return columns;
}

[[noreturn]] void throw_rule(std::string_view state, const PGresult* result) {
    const std::string table(field(result, PG_DIAG_TABLE_NAME));
    const std::string column(field(result, PG_DIAG_COLUMN_NAME));
    const std::string columns = column.empty() ? key_columns(result, table) : table + '.' + column;
    core::Details details;
    if (!columns.empty()) details.push_back({"columns", columns});
    if (const auto rule = field(result, PG_DIAG_CONSTRAINT_NAME); !rule.empty())
        details.push_back({"constraint", rule});
    if (state == "23505" || state == "23P01") {  // Unique, exclusion.
        throw core::Conflict("database.unique", "a row with the same `" + columns + "` exists", details);
    }
    if (state == "23503" || state == "23001") {
        throw core::Conflict("database.foreign_key", "a row refers to one that does not exist", details);
    }
    if (state == "23502") {
        throw core::ValidationError("database.not_null", "`" + columns + "` must have a value", details);
    }
    throw core::ValidationError("database.check", "a rule of the table is broken", details);
}

bool is_gone(std::string_view state) {
    // Connection exceptions; shut down, crashed, or starting.
    return state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03";
}

/// What went wrong with a statement's text, which is trusted and whose message therefore is shown.
[[noreturn]] void throw_statement(std::string_view state, const PGresult* result, core::Details details) {
    // The one syntax error that the parser does not find: several statements in one text.
    if (state == "42601" && field(result, PG_DIAG_SOURCE_FUNCTION) == "exec_parse_message") {
        throw core::InvalidArgument("database.statement", "the text must be one statement");
    }
    const std::string message(field(result, PG_DIAG_MESSAGE_PRIMARY));
    throw core::StorageError("database.failed", "the database failed: " + message, std::move(details));
}

}  // namespace

void throw_postgres_error(const PGconn* connection, const PGresult* result, bool only_reads) {
    const std::string_view state = field(result, PG_DIAG_SQLSTATE);
    // An error without a state is libpq's own: nothing came back.
    if (state.empty() || is_gone(state) || PQstatus(connection) != CONNECTION_OK) {
        throw core::Unavailable("database.lost", "the connection to the database is lost");
    }
    core::Details details{{"sqlstate", state}};
    if (state == "40001" || state == "40P01") {  // Serialization failure, deadlock.
        throw core::Unavailable("database.serialization",
                                "the transaction met another one: it must be run again", details);
    }
    if (state == "55P03") {
        throw core::Unavailable("database.busy", "a lock did not come free in time", details);
    }
    if (state == "57014") {
        throw core::TimedOut("database.timeout", "the statement was cancelled", details);
    }
    if (state.starts_with("23")) throw_rule(state, result);
    if (state == "25P02") {
        throw core::StorageError("database.rolled_back", "the database has rolled the transaction back");
    }
    if (state == "25006") {
        if (only_reads) throw core::InvalidArgument("database.read_scope", "a read scope only reads");
        throw core::StorageError("database.read_only", "the database cannot be written", details);
    }
    if (state == "26000" ||
        (state == "0A000" && field(result, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery")) {
        throw StalePlan();
    }
    if (state == "22021") {
        throw core::ValidationError("database.text", "a text is not valid UTF-8", details);
    }
    if (state.starts_with("22")) {
        throw core::ValidationError("database.value", "a value does not fit the type of its place", details);
    }
    if (state == "53100") throw core::StorageError("database.full", "the disk is full", details);
    if (state == "XX001" || state == "XX002") {
        throw core::StorageError("database.corrupt", "the database is damaged", details);
    }
    if (state.starts_with("42")) throw_statement(state, result, std::move(details));
    throw core::StorageError("database.failed", "the database failed: " + std::string(state), details);
}

}  // namespace consilia::data
