// What the database says about how it runs a query.
#include <algorithm>

#include "consilia/data/query.hpp"
#include "query_run.hpp"

namespace consilia::data {
namespace {

/// The word behind `what` in a line, without quotes.
std::string word_behind(std::string_view line, std::string_view what) {
    line.remove_prefix(line.find(what) + what.size());
    if (line.starts_with('"')) line.remove_prefix(1);
    return std::string(line.substr(0, line.find_first_of("\" ")));
}

void add_once(std::vector<std::string>& names, std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

QueryPlan sqlite_plan(const RowSet& rows) {
    QueryPlan plan;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string_view line = rows.text(row, rows.column_index("detail"));
        plan.text += std::string(line) + '\n';
        const bool is_full = line.starts_with("SCAN ") && line.find("INDEX") == std::string_view::npos &&
                             line.find("CONSTANT ROW") == std::string_view::npos &&
                             line.find("VIRTUAL TABLE") == std::string_view::npos;
        if (is_full) add_once(plan.full_scans, word_behind(line, "SCAN "));
    }
    return plan;
}

QueryPlan postgres_plan(const RowSet& rows) {
    QueryPlan plan;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string_view line = rows.text(row, 0);
        plan.text += std::string(line) + '\n';
        if (line.find("Seq Scan on ") != std::string_view::npos) {
            add_once(plan.full_scans, word_behind(line, "Seq Scan on "));
        }
    }
    return plan;
}

}  // namespace

QueryPlan Query::explain(const Session& session) const {
    const core::SqlDialect dialect = dialect_of(session);
    const Runnable made = runnable(last_, dialect);
    const bool is_sqlite = dialect == core::SqlDialect::Sqlite;
    const RowSet rows = session.query(
        (is_sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + std::string(made.text()), made.values);
    return is_sqlite ? sqlite_plan(rows) : postgres_plan(rows);
}

}  // namespace consilia::data
