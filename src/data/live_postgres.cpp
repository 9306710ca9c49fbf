// PostgreSQL's catalogue. Everything is cast to text, bigint or boolean: the catalogue's own types are of no
// use here.
#include <nlohmann/json.hpp>

#include <utility>

#include "ddl.hpp"
#include "live.hpp"

namespace consilia::data {
namespace {

/// Rows of a catalogue query whose first column is a table; those of tables that are not there are skipped.
template <class F>
void each(const Session& session, std::string_view sql, LiveTables& tables, F read) {
    const RowSet rows = session.query(sql);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto table = tables.find(rows.text(i, 0));
        if (table != tables.end()) read(table->second, rows, i);
    }
}

OnDelete on_delete(std::string_view action) {
    if (action == "c") return OnDelete::Cascade;
    return action == "n" ? OnDelete::SetNull : OnDelete::Restrict;
}

void read_columns(const Session& session, LiveTables& tables) {
    each(session,
         "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), "
         "coalesce(l.collname = 'C', false), a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), "
         "EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary "
         "AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum), "
         "(CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 0 "
         "END)::bigint "
         "FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
         "AND NOT a.attisdropped AND a.attgenerated = '' JOIN pg_type AS t ON t.oid = a.atttypid "
         "LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum "
         "LEFT JOIN pg_collation AS l ON l.oid = a.attcollation "
         "WHERE c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, a.attnum",
         tables, [](LiveTable& table, const RowSet& rows, std::size_t i) {
             LiveColumn column{.name = std::string(rows.text(i, 1)),
                               .sql_type = std::string(rows.text(i, 2)),
                               .is_not_null = rows.int64(i, 4) != 0,
                               .is_primary_key = rows.int64(i, 6) != 0,
                               .default_sql = std::string(rows.text(i, 5)),
                               .length_max = rows.int64(i, 7)};
             if (column.sql_type == "text" && rows.int64(i, 3) != 0) column.sql_type += " COLLATE \"C\"";
             table.columns.push_back(std::move(column));
         });
}

void read_indexes(const Session& session, LiveTables& tables) {
    each(session,
         "SELECT c.relname::text, x.relname::text, i.indisunique, coalesce(a.attname::text, ''), "
         "(i.indoption[k.n] & 1) = 1, coalesce(pg_get_expr(i.indpred, i.indrelid), '') "
         "FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = "
         "i.indexrelid CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k(n) "
         "LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[k.n] AND a.attnum > 0 "
         "WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisprimary "
         "ORDER BY c.relname, x.relname, k.n",
         tables, [](LiveTable& table, const RowSet& rows, std::size_t i) {
             if (table.indexes.empty() || table.indexes.back().name != rows.text(i, 1)) {
                 table.indexes.push_back({.name = std::string(rows.text(i, 1)),
                                          .columns = {},
                                          .is_unique = rows.int64(i, 2) != 0,
                                          .where_sql = std::string(rows.text(i, 5))});
             }
             const std::string column(rows.text(i, 3));
             table.indexes.back().columns.push_back(rows.int64(i, 4) != 0 ? '-' + column : column);
         });
}

void read_constraints(const Session& session, LiveTables& tables) {
    each(session,
         "SELECT c.relname::text, k.conname::text, pg_get_expr(k.conbin, k.conrelid) "
         "FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid "
         "WHERE k.contype = 'c' AND k.connamespace = current_schema()::regnamespace",
         tables, [](LiveTable& table, const RowSet& rows, std::size_t i) {
             table.checks.emplace(rows.text(i, 1), rows.text(i, 2));
         });
    each(session,
         "SELECT c.relname::text, k.oid::bigint, a.attname::text, r.relname::text, b.attname::text, "
         "k.confdeltype::text FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid "
         "JOIN pg_class AS r ON r.oid = k.confrelid "
         "CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(here, there, n) "
         "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.here "
         "JOIN pg_attribute AS b ON b.attrelid = r.oid AND b.attnum = p.there "
         "WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace ORDER BY k.oid, p.n",
         tables, [last = std::int64_t{0}](LiveTable& table, const RowSet& rows, std::size_t i) mutable {
             if (std::exchange(last, rows.int64(i, 1)) != rows.int64(i, 1)) {
                 table.references.push_back({.columns = {},
                                             .target = std::string(rows.text(i, 3)),
                                             .target_columns = {},
                                             .on_delete = on_delete(rows.text(i, 5))});
             }
             table.references.back().columns.emplace_back(rows.text(i, 2));
             table.references.back().target_columns.emplace_back(rows.text(i, 4));
         });
    each(
        session,
        "SELECT c.relname::text, t.tgname::text FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid "
        "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace",
        tables, [](LiveTable& table, const RowSet& rows, std::size_t i) {
            table.triggers.emplace_back(rows.text(i, 1));
        });
}

/// The condition of one index or check, as declared and as the server has it.
struct Rule {
    std::string part;
    std::string declared;
    std::string live;
};

std::vector<Rule> rules_of(const Table& table, const LiveTable& live) {
    constexpr auto kDialect = core::SqlDialect::PostgreSql;
    std::vector<Rule> rules;
    for (const TableIndex& index : table.indexes) {
        const std::string name = index_name(table, index);
        for (const LiveIndex& found : live.indexes) {
            if (found.name != name) continue;
            if (index.where.is_always_true() && found.where_sql.empty()) continue;
            rules.push_back({"index `" + name + '`',
                             index.where.is_always_true() ? "true" : ddl::condition(index.where, kDialect),
                             found.where_sql.empty() ? "true" : found.where_sql});
        }
    }
    for (const TableCheck& check : checks_of(table)) {
        const std::string sql = ddl::check(check, kDialect);
        const auto found = live.checks.find(check.name);
        if (found == live.checks.end()) continue;
        rules.push_back({"check `" + check.name + '`', sql.substr(sql.find(" CHECK ") + 7), found->second});
    }
    return rules;
}

}  // namespace

std::vector<std::string> rule_differences_postgres(const Session& session, const Tables& declared,
                                                   const LiveTables& live) {
    std::vector<std::string> lines;
    for (const auto& [name, table] : declared) {
        const std::vector<Rule> rules = rules_of(table, live.find(name)->second);
        if (rules.empty()) continue;
        // Nothing is run, and nothing written: the planner shows each condition in its own words.
        std::string sql;
        for (const Rule& rule : rules) {
            sql += (sql.empty() ? "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT (" : ", (") +
                   rule.declared + "), (" + rule.live + ')';
        }
        const RowSet shown = session.query(sql + " FROM " + core::quote_identifier(name));
        const auto plan = nlohmann::json::parse(shown.text(0, 0));
        const auto& words = plan.at(0).at("Plan").at("Output");
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const auto& wanted = words.at(2 * i);
            const auto& present = words.at(2 * i + 1);
            if (wanted == present) continue;
            lines.push_back(name + ": " + rules[i].part + " holds where `" + present.get<std::string>() +
                            "`, not `" + wanted.get<std::string>() + '`');
        }
    }
    return lines;
}

LiveTables read_live_postgres(const Session& session) {
    LiveTables tables;
    const RowSet rows = session.query(
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') "
        "AND relnamespace = current_schema()::regnamespace");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        tables.emplace(rows.text(i, 0), LiveTable{.name = std::string(rows.text(i, 0))});
    }
    read_columns(session, tables);
    read_indexes(session, tables);
    read_constraints(session, tables);
    return tables;
}

}  // namespace consilia::data
