#include "consilia/data/history.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/records.hpp"
#include "table.hpp"

namespace consilia::data {
namespace {

using core::quote_identifier;
using core::Value;

std::shared_ptr<const Model> history_model(const Model& model) {
    if (!model.has_history()) {
        throw core::InvalidArgument("record.no_history", "the model keeps no history",
                                    {{"model", model.table()}});
    }
    const Table table = history_of(table_of(model));
    auto made = std::make_shared<Model>(table.name);
    for (const Column& column : table.columns) made->add_column(column);
    for (const TableIndex& index : table.indexes) made->add_index({.columns = index.columns});
    return made;
}

/// After the one that the row has, even while the clock stands still.
core::Timestamp next_version(const RowSet& row, core::Timestamp now) {
    if (row.empty() || row.is_null(0, 0)) return now;
    return std::max(now, core::Timestamp{row.int64(0, 0) + 1});
}

}  // namespace

History::History(const Model& model) : model_(&model), history_(history_model(model)) {}

Query History::versions(std::int64_t id) const {
    return Query(*history_).where(core::field(model_->primary_key()->name) == id).order_by("history_id");
}

RowSet History::as_of(const Session& session, core::Timestamp at) const {
    const bool is_sqlite = session.dialect() == core::SqlDialect::Sqlite;
    const std::string key = quote_identifier(model_->primary_key()->name);
    const std::string table = quote_identifier(history_->table());
    std::string selected;
    std::vector<RowColumn> columns;
    for (const Column& column : model_->columns()) {
        selected += (selected.empty() ? "v." : ", v.") + quote_identifier(column.name);
        columns.push_back({column.name, column.type});
    }
    const std::string sql =
        "SELECT " + selected + " FROM " + table + " AS v JOIN (SELECT max(history_id) AS last FROM " + table +
        " WHERE history_at <= " + (is_sqlite ? "?" : "$1") + " GROUP BY " + key +
        ") AS newest ON v.history_id = newest.last WHERE v.history_action <> 'delete' ORDER BY v." + key;
    return session.query(sql, std::vector<Value>{at}, std::move(columns));
}

void History::restore(const Session& session, std::int64_t history_id, const core::Clock& clock) const {
    const RowSet version = Query(*history_).where(core::field("history_id") == history_id).run(session);
    if (version.empty()) {
        throw core::NotFound("record.no_version", "the history has no such version",
                             {{"model", model_->table()}, {"history_id", history_id}});
    }
    const Column& key = *model_->primary_key();
    const Value id = version.value(0, version.column_index(key.name));
    const Query row = Query(*model_).with_deleted().where(core::field(key.name) == id);
    std::vector<Assignment> values;
    for (const Column& column : model_->columns()) {
        const Value value = version.value(0, version.column_index(column.name));
        if (column.is_primary_key || (value.is_null() && !column.is_nullable)) continue;
        if (column.name == "updated_at" && column.type == core::ValueType::Timestamp) {
            const RowSet present = row.select({"updated_at"}).run(session);
            values.emplace_back(column.name, core::Term(Value(next_version(present, clock.now()))));
        } else {
            values.emplace_back(column.name, core::Term(value));
        }
    }
    if (row.update(session, values) != 0) return;
    values.emplace_back(key.name, core::Term(id));
    (void)insert(session, *model_, values);
}

}  // namespace consilia::data
