#include "live.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"
#include "ddl.hpp"

namespace consilia::data {
namespace {

using core::SqlDialect;
using core::Value;
using core::ValueType;

struct NamedType {
    std::string_view name;
    ValueType type;
};

constexpr std::array kPostgresTypes{
    NamedType{"boolean", ValueType::Bool},
    NamedType{"smallint", ValueType::Int64},
    NamedType{"integer", ValueType::Int64},
    NamedType{"bigint", ValueType::Int64},
    NamedType{"real", ValueType::Double},
    NamedType{"double precision", ValueType::Double},
    NamedType{"numeric", ValueType::Double},
    NamedType{"text", ValueType::Text},
    NamedType{"text COLLATE \"C\"", ValueType::Text},
    NamedType{"character varying", ValueType::Text},
    NamedType{"character", ValueType::Text},
    NamedType{"name", ValueType::Text},
    NamedType{"bytea", ValueType::Blob},
    NamedType{"date", ValueType::Date},
    NamedType{"timestamp with time zone", ValueType::Timestamp},
    NamedType{"uuid", ValueType::Uuid},
    NamedType{"json", ValueType::Json},
    NamedType{"jsonb", ValueType::Json},
};

constexpr std::array kOurTypes{ValueType::Bool, ValueType::Int64, ValueType::Double,
                               ValueType::Text, ValueType::Blob,  ValueType::Date,
                               ValueType::Uuid, ValueType::Json,  ValueType::Timestamp};

/// By words that occur in it, as SQLite itself decides on the storage (section 3.1 of "Datatypes In SQLite").
/// A time is text there unless we have declared it: Django writes `2026-01-31 12:00:00.000000`.
constexpr std::array kSqliteWords{
    NamedType{"BOOL", ValueType::Bool},      NamedType{"DATETIME", ValueType::Text},
    NamedType{"TIMESTAMP", ValueType::Text}, NamedType{"DATE", ValueType::Date},
    NamedType{"TIME", ValueType::Text},      NamedType{"INT", ValueType::Int64},
    NamedType{"CHAR", ValueType::Text},      NamedType{"CLOB", ValueType::Text},
    NamedType{"TEXT", ValueType::Text},      NamedType{"JSON", ValueType::Json},
    NamedType{"BLOB", ValueType::Blob},      NamedType{"REAL", ValueType::Double},
    NamedType{"FLOA", ValueType::Double},    NamedType{"DOUB", ValueType::Double},
    NamedType{"DECIMAL", ValueType::Double}, NamedType{"NUMERIC", ValueType::Double},
};

/// A text literal as PostgreSQL and SQLite write it; `rest` is what follows, a cast.
std::optional<std::string> read_quoted(std::string_view sql, std::string_view& rest) {
    const bool is_escaped = sql.starts_with("E'");
    if (is_escaped) sql.remove_prefix(1);
    if (!sql.starts_with('\'')) return std::nullopt;
    std::string text;
    for (std::size_t i = 1; i < sql.size(); ++i) {
        if (sql[i] == '\'' || (is_escaped && sql[i] == '\\')) {
            if (i + 1 >= sql.size() || sql[i + 1] != sql[i]) {
                rest = sql.substr(i + 1);
                return sql[i] == '\'' ? std::optional(text) : std::nullopt;
            }
            ++i;
        }
        text += sql[i];
    }
    return std::nullopt;
}

template <class Number>
std::optional<Number> read_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

core::Blob read_hexadecimal(std::string_view digits) {
    core::Blob blob;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        unsigned byte = 0;
        std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
        blob.bytes.push_back(static_cast<std::byte>(byte));
    }
    return blob;
}

std::optional<Value> read_bytes(std::string_view digits, ValueType type) {
    core::Blob blob = read_hexadecimal(digits);
    if (type == ValueType::Blob) return blob;
    core::Uuid uuid;
    if (type != ValueType::Uuid || blob.bytes.size() != uuid.bytes.size()) return std::nullopt;
    std::transform(blob.bytes.begin(), blob.bytes.end(), uuid.bytes.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    return uuid;
}

/// PostgreSQL shows `2026-01-31 12:00:00.5+00`, in the zone of the session.
core::Timestamp read_instant(std::string text) {
    if (const std::size_t blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';
    const std::size_t zone = text.find_last_of("+-");
    if (zone != std::string::npos && text.size() - zone == 3) text += ":00";
    return core::parse_timestamp(text);
}

std::optional<Value> value_of(const std::string& text, ValueType type, SqlDialect dialect) {
    switch (type) {
        case ValueType::Text:
            return text;
        case ValueType::Json:
            return core::Json{text};
        case ValueType::Date:
            return core::parse_date(text);
        case ValueType::Timestamp:
            return read_instant(text);
        case ValueType::Uuid:
            return core::parse_uuid(text);
        case ValueType::Int64:
            if (const auto number = read_number<std::int64_t>(text)) return *number;
            return std::nullopt;
        case ValueType::Double:
            if (const auto number = read_number<double>(text)) return *number;
            return std::nullopt;
        case ValueType::Blob:
            if (dialect == SqlDialect::Sqlite || !text.starts_with("\\x")) return std::nullopt;
            return read_bytes(std::string_view(text).substr(2), type);
        default:
            return std::nullopt;
    }
}

std::optional<Value> read_plain(std::string_view sql, ValueType type, SqlDialect dialect) {
    const std::string_view first = sql.substr(0, 2);
    if (dialect == SqlDialect::Sqlite && (first == "x'" || first == "X'")) {
        return read_bytes(sql.substr(2, sql.size() - 3), type);
    }
    if (type == ValueType::Bool) {
        if (sql == "1" || sql == "true" || sql == "TRUE") return true;
        if (sql == "0" || sql == "false" || sql == "FALSE") return false;
        return std::nullopt;
    }
    std::string_view rest;
    if (const auto text = read_quoted(sql, rest)) {
        return rest.empty() || rest.starts_with("::") ? value_of(*text, type, dialect) : std::nullopt;
    }
    if (const auto number = read_number<std::int64_t>(sql)) {
        if (type == ValueType::Int64) return *number;
        if (type == ValueType::Double) return static_cast<double>(*number);
        if (type == ValueType::Timestamp && dialect == SqlDialect::Sqlite) return core::Timestamp{*number};
    }
    return type == ValueType::Double ? value_of(std::string(sql), type, dialect) : std::nullopt;
}

/// The same for every way in which a database may write a default.
std::string shown_default(const Value& value, bool is_now) {
    if (is_now) return " default now";
    if (value.is_null()) return {};
    if (const auto* json = value.if_as<core::Json>()) {
        // PostgreSQL keeps documents, not texts.
        const auto document = nlohmann::json::parse(json->text, nullptr, false);
        if (!document.is_discarded()) return " default " + document.dump();
    }
    return " default " + ddl::literal(value, SqlDialect::Sqlite);
}

std::string shown_column(std::string_view sql_type, bool is_not_null, bool is_primary_key,
                         const std::string& shown_default) {
    return std::string(sql_type) + (is_not_null ? " not null" : "") + (is_primary_key ? " primary key" : "") +
           shown_default;
}

std::string shown_index(const std::vector<std::string>& columns, bool is_unique) {
    std::string text = is_unique ? "unique (" : "(";
    for (const std::string& column : columns) text += (&column == &columns.front() ? "" : ", ") + column;
    return text + ')';
}

std::string shown_reference(const std::string& target, const std::string& key, OnDelete action) {
    constexpr std::array kActions{"", " cascade", " set null"};
    return target + '.' + key + kActions[static_cast<std::size_t>(action)];
}

/// Of the definition of a rule, what can be compared as text: all on SQLite, which keeps it. PostgreSQL
/// writes it anew: `rule_differences_postgres`.
std::string shown_rule(std::string text, SqlDialect dialect) {
    return dialect == SqlDialect::Sqlite ? std::move(text) : std::string();
}

}  // namespace

LiveTables read_live(const Session& session) {
    return session.dialect() == SqlDialect::Sqlite ? read_live_sqlite(session) : read_live_postgres(session);
}

std::optional<ValueType> value_type(std::string_view sql_type, SqlDialect dialect) {
    for (const ValueType type : kOurTypes) {
        if (sql_type == ddl::type(type, dialect)) return type;
    }
    if (dialect == SqlDialect::PostgreSql) {
        for (const NamedType& known : kPostgresTypes) {
            if (sql_type == known.name) return known.type;
        }
        return std::nullopt;
    }
    for (const NamedType& known : kSqliteWords) {
        if (sql_type.find(known.name) != std::string_view::npos) return known.type;
    }
    return std::nullopt;
}

std::optional<LiveDefault> read_default(std::string_view sql, ValueType type, SqlDialect dialect) {
    if (sql.empty() || sql == "NULL" || sql.starts_with("NULL::")) return LiveDefault{};
    const bool is_timed = type == ValueType::Timestamp || type == ValueType::Date;
    std::string_view bare = sql;
    if (bare.starts_with('(') && bare.ends_with(')') && sql != ddl::now(type, dialect)) {
        bare = bare.substr(1, bare.size() - 2);
    }
    const bool is_now = bare == ddl::now(type, dialect) ||
                        sql == "((now() AT TIME ZONE 'UTC'::text))::date" ||
                        sql == "(now() AT TIME ZONE 'UTC'::text)::date" || sql == "CURRENT_TIMESTAMP";
    if (is_timed && is_now) return LiveDefault{{}, true};
    try {
        if (auto value = read_plain(sql, type, dialect)) return LiveDefault{*std::move(value), false};
    } catch (const core::InvalidArgument&) {
        return std::nullopt;  // A literal of another form: not one of ours.
    }
    return std::nullopt;
}

Shape shape(const Table& table, SqlDialect dialect) {
    Shape shape;
    for (const Column& column : table.columns) {
        shape["column `" + column.name + '`'] =
            shown_column(ddl::type(column.type, dialect), !column.is_nullable, column.is_primary_key,
                         shown_default(column.default_value, column.defaults_to_now));
    }
    for (const TableIndex& index : table.indexes) {
        std::string text = shown_index(index.columns, index.is_unique);
        if (!index.where.is_always_true()) {
            text += shown_rule(" where " + ddl::condition(index.where, dialect), dialect);
        }
        shape["index `" + index_name(table, index) + '`'] = std::move(text);
    }
    for (const TableCheck& check : checks_of(table)) {
        const std::string sql = ddl::check(check, dialect);
        const std::size_t open = sql.find(" CHECK (") + 8;
        shape["check `" + check.name + '`'] = shown_rule(sql.substr(open, sql.size() - open - 1), dialect);
    }
    for (const TableReference& reference : table.references) {
        shape["reference `" + reference.column + '`'] =
            shown_reference(reference.target, reference.target_key, reference.on_delete);
    }
    if (table.has_history) {
        for (const std::string& name : ddl::history_triggers(table, dialect)) shape["trigger `" + name + '`'];
    }
    return shape;
}

Shape shape(const LiveTable& table, SqlDialect dialect) {
    Shape shape;
    for (const LiveColumn& column : table.columns) {
        const ValueType type = value_type(column.sql_type, dialect).value_or(ValueType::Null);
        const auto found = read_default(column.default_sql, type, dialect);
        shape["column `" + column.name + '`'] = shown_column(
            column.sql_type, column.is_not_null, column.is_primary_key,
            found ? shown_default(found->value, found->is_now) : " default " + column.default_sql);
    }
    for (const LiveIndex& index : table.indexes) {
        if (index.name == table.name + "_search")
            continue;  // Of `create_full_text`, which stands beside migrations.
        std::string text = shown_index(index.columns, index.is_unique);
        if (!index.where_sql.empty()) text += shown_rule(" where " + index.where_sql, dialect);
        shape["index `" + index.name + '`'] = std::move(text);
    }
    for (const auto& [name, text] : table.checks) shape["check `" + name + '`'] = shown_rule(text, dialect);
    for (const LiveReference& reference : table.references) {
        std::string columns;
        for (const std::string& column : reference.columns) columns += (columns.empty() ? "" : ", ") + column;
        shape["reference `" + columns + '`'] =
            shown_reference(reference.target, reference.target_columns.front(), reference.on_delete);
    }
    // Triggers of the user's own are allowed.
    for (const std::string& name : table.triggers) {
        if (name.starts_with(table.name + "_history_")) shape["trigger `" + name + '`'];
    }
    return shape;
}

std::vector<std::string> differences(const Tables& declared, const LiveTables& live, SqlDialect dialect) {
    std::vector<std::string> lines;
    for (const auto& [name, table] : declared) {
        const auto found = live.find(name);
        if (found == live.end()) {
            lines.push_back(name + ": the table is missing");
            continue;
        }
        const Shape wanted = shape(table, dialect);
        const Shape present = shape(found->second, dialect);
        for (const auto& [part, text] : wanted) {
            const auto other = present.find(part);
            if (other == present.end()) {
                lines.push_back(name + ": " + part + " is missing");
            } else if (other->second != text) {
                lines.push_back(name + ": " + part + " is `" + other->second + "`, not `" + text + '`');
            }
        }
        for (const auto& [part, text] : present) {
            if (!wanted.contains(part)) lines.push_back(name + ": " + part + " was not declared");
        }
    }
    return lines;
}

}  // namespace consilia::data
