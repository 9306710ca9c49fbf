#include "ddl.hpp"

#include <charconv>
#include <cmath>
#include <span>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"
#include "core/hex.hpp"

namespace consilia::data::ddl {
namespace {

using core::quote_identifier;
using core::Value;
using core::ValueType;

[[noreturn]] void throw_value(const char* why) {
    throw core::InvalidArgument("model.value", why);
}

std::string quoted(std::string_view text, SqlDialect dialect) {
    if (text.find('\0') != std::string_view::npos) {
        throw_value("a text with a zero byte cannot stand in a definition");
    }
    // With E, a backslash means the same whatever `standard_conforming_strings` says.
    const bool is_escaped = dialect == SqlDialect::PostgreSql && text.find('\\') != std::string_view::npos;
    std::string sql = is_escaped ? "E'" : "'";
    for (const char c : text) {
        if (c == '\'' || (is_escaped && c == '\\')) sql += c;
        sql += c;
    }
    return sql + '\'';
}

std::string blob(std::span<const std::byte> bytes, SqlDialect dialect) {
    const std::string digits = core::hex(bytes);
    return dialect == SqlDialect::Sqlite ? "x'" + digits + '\'' : "'\\x" + digits + "'::bytea";
}

std::string number(double value, SqlDialect dialect) {
    if (!std::isfinite(value)) throw_value("a number that is not finite cannot stand in a definition");
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    std::string text(buffer, end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    if (dialect == SqlDialect::PostgreSql) return '\'' + text + "'::double precision";
    return text;
}

/// Where the text of a statement has a placeholder, `$12` or `?`, gives its length; 0 elsewhere.
std::size_t placeholder_at(std::string_view text, std::size_t at, SqlDialect dialect) {
    if (dialect == SqlDialect::Sqlite) return text[at] == '?' ? 1 : 0;
    if (text[at] != '$') return 0;
    std::size_t end = at + 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    return end - at > 1 ? end - at : 0;
}

std::string with_literals(const core::SqlFragment& sql, SqlDialect dialect) {
    std::string text;
    char quote = 0;
    std::size_t next = 0;
    for (std::size_t at = 0; at < sql.text.size();) {
        const char c = sql.text[at];
        const std::size_t length = quote == 0 ? placeholder_at(sql.text, at, dialect) : 0;
        if (length == 0) {
            if (quote == 0 && (c == '\'' || c == '"')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            }
            text += c;
            ++at;
            continue;
        }
        const std::size_t place =
            dialect == SqlDialect::Sqlite ? next++ : std::stoul(sql.text.substr(at + 1, length - 1)) - 1;
        text += literal(sql.bindings.at(place), dialect);
        at += length;
    }
    return text;
}

std::string_view on_delete_sql(OnDelete action) noexcept {
    switch (action) {
        case OnDelete::Cascade:
            return " ON DELETE CASCADE";
        case OnDelete::SetNull:
            return " ON DELETE SET NULL";
        default:
            return "";
    }
}

}  // namespace

std::string literal(const Value& value, SqlDialect dialect) {
    const bool is_sqlite = dialect == SqlDialect::Sqlite;
    switch (value.type()) {
        case ValueType::Null:
            return "NULL";
        case ValueType::Bool:
            return is_sqlite ? (value.as<bool>() ? "1" : "0") : (value.as<bool>() ? "TRUE" : "FALSE");
        case ValueType::Int64:
            return std::to_string(value.as<std::int64_t>());
        case ValueType::Double:
            return number(value.as<double>(), dialect);
        case ValueType::Text:
            return quoted(value.as<std::string>(), dialect);
        case ValueType::Json:
            return quoted(value.as<core::Json>().text, dialect) + (is_sqlite ? "" : "::jsonb");
        case ValueType::Date:
            return quoted(core::to_iso8601(value.as<core::Date>()), dialect) + (is_sqlite ? "" : "::date");
        case ValueType::Timestamp:
            if (is_sqlite) return std::to_string(value.as<core::Timestamp>().microseconds);
            return quoted(core::to_iso8601(value.as<core::Timestamp>()), dialect) + "::timestamptz";
        case ValueType::Uuid: {
            const auto bytes = std::as_bytes(std::span(value.as<core::Uuid>().bytes));
            if (is_sqlite) return blob(bytes, dialect);
            return '\'' + core::hex(bytes) + "'::uuid";
        }
        case ValueType::Blob: {
            const auto& bytes = value.as<core::Blob>().bytes;
            return blob(bytes, dialect);
        }
    }
    return "NULL";
}

std::string_view type(ValueType type, SqlDialect dialect) noexcept {
    // On SQLite the last word gives the storage, the first one tells reflection what it means.
    const bool is_sqlite = dialect == SqlDialect::Sqlite;
    switch (type) {
        case ValueType::Bool:
            return is_sqlite ? "BOOLEAN INTEGER" : "boolean";
        case ValueType::Int64:
            return is_sqlite ? "INTEGER" : "bigint";
        case ValueType::Timestamp:
            return is_sqlite ? "TIMESTAMP INTEGER" : "timestamp with time zone";
        case ValueType::Double:
            return is_sqlite ? "REAL" : "double precision";
        case ValueType::Blob:
            return is_sqlite ? "BLOB" : "bytea";
        case ValueType::Uuid:
            return is_sqlite ? "UUID BLOB" : "uuid";
        case ValueType::Date:
            return is_sqlite ? "DATE TEXT" : "date";
        case ValueType::Json:
            return is_sqlite ? "JSON TEXT" : "jsonb";
        default:
            return is_sqlite ? "TEXT" : "text COLLATE \"C\"";
    }
}

std::string_view now(ValueType type, SqlDialect dialect) noexcept {
    if (dialect == SqlDialect::PostgreSql) {
        return type == ValueType::Date ? "(now() AT TIME ZONE 'UTC')::date" : "now()";
    }
    // SQLite's clock has milliseconds.
    return type == ValueType::Date
               ? "date('now')"
               : "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000";
}

std::string condition(const core::Expression& expression, SqlDialect dialect) {
    return with_literals(
        core::compile_sql(
            expression,
            {.dialect = dialect, .column = [](std::string_view path) { return quote_identifier(path); }}),
        dialect);
}

std::string default_of(const Column& column, SqlDialect dialect) {
    if (column.defaults_to_now) return '(' + std::string(now(column.type, dialect)) + ')';
    return column.default_value.is_null() ? std::string() : literal(column.default_value, dialect);
}

std::string column(const Column& column, SqlDialect dialect) {
    std::string sql = quote_identifier(column.name) + ' ' + std::string(type(column.type, dialect));
    if (column.is_primary_key) {
        // AUTOINCREMENT, as an identity does: the id of a deleted record is never given to another.
        return sql + (dialect == SqlDialect::Sqlite ? " PRIMARY KEY AUTOINCREMENT NOT NULL"
                                                    : " GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
    }
    if (!column.is_nullable) sql += " NOT NULL";
    const std::string value = default_of(column, dialect);
    return value.empty() ? sql : sql + " DEFAULT " + value;
}

std::string check(const TableCheck& check, SqlDialect dialect) {
    const std::string rule = check.length_max == 0
                                 ? condition(check.condition, dialect)
                                 : std::string(dialect == SqlDialect::Sqlite ? "length(" : "char_length(") +
                                       quote_identifier(check.column) +
                                       ") <= " + std::to_string(check.length_max);
    return "CONSTRAINT " + quote_identifier(check.name) + " CHECK (" + rule + ')';
}

std::string reference_name(std::string_view column) {
    return bounded_name(std::string(column) + "_fkey");
}

std::string reference(const TableReference& reference) {
    return "CONSTRAINT " + quote_identifier(reference_name(reference.column)) + " FOREIGN KEY (" +
           quote_identifier(reference.column) + ") REFERENCES " + quote_identifier(reference.target) + " (" +
           quote_identifier(reference.target_key) + ')' + std::string(on_delete_sql(reference.on_delete));
}

std::string create_table(const Table& table, SqlDialect dialect, CreateOptions options) {
    std::string sql = std::string("CREATE TABLE ") + (options.if_missing ? "IF NOT EXISTS " : "") +
                      quote_identifier(options.as.empty() ? std::string_view(table.name) : options.as) + " (";
    for (const Column& each : table.columns) {
        if (&each != &table.columns.front()) sql += ", ";
        sql += column(each, dialect);
    }
    for (const TableCheck& each : checks_of(table)) sql += ", " + check(each, dialect);
    for (const TableReference& each : table.references) sql += ", " + reference(each);
    return sql + ')';
}

std::string create_index(const Table& table, const TableIndex& index, SqlDialect dialect, bool if_missing) {
    std::string columns;
    for (const std::string& column : index.columns) {
        const bool is_descending = column.starts_with('-');
        if (!columns.empty()) columns += ", ";
        columns += quote_identifier(column.substr(is_descending ? 1 : 0));
        // Nulls are the least value everywhere, as SQLite and the evaluator have it.
        if (is_descending) columns += " DESC";
        if (dialect == SqlDialect::PostgreSql) columns += is_descending ? " NULLS LAST" : " NULLS FIRST";
    }
    std::string sql = std::string("CREATE ") + (index.is_unique ? "UNIQUE " : "") + "INDEX " +
                      (if_missing ? "IF NOT EXISTS " : "") + quote_identifier(index_name(table, index)) +
                      " ON " + quote_identifier(table.name) + " (" + columns + ')';
    if (!index.where.is_always_true()) sql += " WHERE " + condition(index.where, dialect);
    return sql;
}

std::string drop_index(const std::string& name) {
    return "DROP INDEX " + quote_identifier(name);
}

}  // namespace consilia::data::ddl

namespace consilia::data {

void lock_definitions(const Session& session) {
    if (session.dialect() == core::SqlDialect::Sqlite) return;
    constexpr const char* kLock =
        "SELECT pg_advisory_xact_lock(7165069354871001933)::text";  // "consili" + 'M'
    session.query(kLock);
}

}  // namespace consilia::data
