// The triggers that keep the versions of rows: in the database, so that bulk changes, trusted SQL, cascades
// and other programs are seen too.
#include "ddl.hpp"

namespace consilia::data::ddl {
namespace {

using core::quote_identifier;

/// The actor of the running transaction: a row that `Transaction::act_as` fills on SQLite, a setting of the
/// transaction on PostgreSQL.
std::string_view actor(SqlDialect dialect) noexcept {
    return dialect == SqlDialect::Sqlite ? "(SELECT \"actor\" FROM \"consilia_actor\")"
                                         : "nullif(current_setting('consilia.actor', true), '')::bigint";
}

std::string_view instant(SqlDialect dialect) noexcept {
    return dialect == SqlDialect::Sqlite ? now(core::ValueType::Timestamp, dialect) : "clock_timestamp()";
}

std::string columns_of(const Table& table, std::string_view qualifier) {
    std::string columns;
    for (const Column& column : table.columns) {
        columns += ", " + std::string(qualifier) + quote_identifier(column.name);
    }
    return columns;
}

/// The statement that writes one version; `rest` is what follows the selected values.
std::string write_version(const Table& table, SqlDialect dialect, std::string_view action,
                          std::string_view row, const std::string& rest = {}) {
    return "INSERT INTO " + quote_identifier(table.name + "_history") +
           " (\"history_action\", \"history_at\", \"history_by\"" + columns_of(table, "") + ") SELECT '" +
           std::string(action) + "', " + std::string(instant(dialect)) + ", " + std::string(actor(dialect)) +
           columns_of(table, row) + rest;
}

/// A row that gets another key ends under its old one.
std::string moved(const Table& table) {
    const std::string key = quote_identifier(table.primary_key()->name);
    return " WHERE OLD." + key + " <> NEW." + key;
}

std::string plain_trigger_name(const Table& table, std::string_view event) {
    return bounded_name(table.name + "_history_" + std::string(event));
}

std::string trigger_name(const Table& table, std::string_view event) {
    return quote_identifier(plain_trigger_name(table, event));
}

std::vector<std::string> create_sqlite(const Table& table) {
    constexpr auto kDialect = SqlDialect::Sqlite;
    const auto trigger = [&](std::string_view event, const std::string& body) {
        return "CREATE TRIGGER IF NOT EXISTS " + trigger_name(table, event) + " AFTER " + std::string(event) +
               " ON " + quote_identifier(table.name) + " FOR EACH ROW BEGIN " + body + "; END";
    };
    return {
        "CREATE TABLE IF NOT EXISTS \"consilia_actor\" (\"id\" INTEGER PRIMARY KEY CHECK (\"id\" = 1), "
        "\"actor\" INTEGER)",
        "INSERT OR IGNORE INTO \"consilia_actor\" (\"id\") VALUES (1)",
        trigger("insert", write_version(table, kDialect, "insert", "NEW.")),
        trigger("update", write_version(table, kDialect, "delete", "OLD.", moved(table)) + "; " +
                              write_version(table, kDialect, "update", "NEW.")),
        trigger("delete", write_version(table, kDialect, "delete", "OLD."))};
}

std::string function_name(const Table& table) {
    return quote_identifier(bounded_name(table.name + "_history_write"));
}

std::vector<std::string> create_postgres(const Table& table) {
    constexpr auto kDialect = SqlDialect::PostgreSql;
    const std::string name = quote_identifier(table.name);
    // TRUNCATE fires no row triggers, and ends every row.
    const std::string body =
        "BEGIN IF TG_OP = 'INSERT' THEN " + write_version(table, kDialect, "insert", "NEW.") +
        "; ELSIF TG_OP = 'UPDATE' THEN " + write_version(table, kDialect, "delete", "OLD.", moved(table)) +
        "; " + write_version(table, kDialect, "update", "NEW.") + "; ELSIF TG_OP = 'DELETE' THEN " +
        write_version(table, kDialect, "delete", "OLD.") + "; ELSE " +
        write_version(table, kDialect, "delete", "r.", " FROM " + name + " AS r") +
        "; END IF; RETURN NULL; END";
    return {"CREATE OR REPLACE FUNCTION " + function_name(table) +
                "() RETURNS trigger LANGUAGE plpgsql AS $consilia$" + body + "$consilia$",
            "CREATE OR REPLACE TRIGGER " + trigger_name(table, "change") +
                " AFTER INSERT OR UPDATE OR DELETE ON " + name + " FOR EACH ROW EXECUTE FUNCTION " +
                function_name(table) + "()",
            "CREATE OR REPLACE TRIGGER " + trigger_name(table, "truncate") + " BEFORE TRUNCATE ON " + name +
                " FOR EACH STATEMENT EXECUTE FUNCTION " + function_name(table) + "()"};
}

}  // namespace

std::vector<std::string> create_history(const Table& table, SqlDialect dialect) {
    return dialect == SqlDialect::Sqlite ? create_sqlite(table) : create_postgres(table);
}

std::vector<std::string> history_triggers(const Table& table, SqlDialect dialect) {
    if (dialect == SqlDialect::PostgreSql) {
        return {plain_trigger_name(table, "change"), plain_trigger_name(table, "truncate")};
    }
    return {plain_trigger_name(table, "insert"), plain_trigger_name(table, "update"),
            plain_trigger_name(table, "delete")};
}

std::vector<std::string> drop_history(const Table& table, SqlDialect dialect) {
    const std::string on = " ON " + quote_identifier(table.name);
    const bool is_postgres = dialect == SqlDialect::PostgreSql;
    std::vector<std::string> statements;
    for (const std::string& name : history_triggers(table, dialect)) {
        statements.push_back("DROP TRIGGER " + quote_identifier(name) + (is_postgres ? on : std::string()));
    }
    if (is_postgres) statements.push_back("DROP FUNCTION " + function_name(table) + "()");
    return statements;
}

std::string begin_history(const Table& table, SqlDialect dialect) {
    return write_version(table, dialect, "baseline", "r.", " FROM " + quote_identifier(table.name) + " AS r");
}

}  // namespace consilia::data::ddl
