#include "consilia/data/query.hpp"

#include <mutex>
#include <optional>

#include "consilia/core/error.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

void append(core::SqlFragment& sql, core::SqlFragment part) {
    sql.text += part.text;
    sql.bindings.insert(sql.bindings.end(), std::make_move_iterator(part.bindings.begin()),
                        std::make_move_iterator(part.bindings.end()));
}

/// A query's SELECT, made once and shared by the runs of one query object.
struct Compiled {
    core::SqlFragment sql;
    std::shared_ptr<const std::vector<RowColumn>> columns;
};

std::string assignments_sql(const Model& model, const std::vector<Assignment>& assignments,
                            std::vector<core::Value>& bindings) {
    if (assignments.empty())
        throw core::InvalidArgument("query.assignments", "an update needs something to change");
    std::string sql;
    for (const auto& [name, value] : assignments) {
        const Column* column = model.find_column(name);
        if (column == nullptr) throw_unknown(model, name);
        check_value(*column, value);
        sql += (sql.empty() ? "" : ", ") + core::quote_identifier(column->name) + " = ?";
        bindings.push_back(value);
    }
    return sql;
}

}  // namespace

std::int64_t insert(const Session& session, const Model& model, const std::vector<Assignment>& values) {
    std::string columns;
    std::string places;
    std::vector<core::Value> bindings;
    bindings.reserve(values.size());
    for (const auto& [name, value] : values) {
        const Column* column = model.find_column(name);
        if (column == nullptr) throw_unknown(model, name);
        check_value(*column, value);
        columns += (columns.empty() ? "" : ", ") + core::quote_identifier(column->name);
        places += places.empty() ? "?" : ", ?";
        bindings.push_back(value);
    }
    const std::string what =
        values.empty() ? " DEFAULT VALUES" : " (" + columns + ") VALUES (" + places + ")";
    session.execute("INSERT INTO " + core::quote_identifier(model.table()) + what, bindings);
    return session.last_insert_id();
}

struct Query::Parts {
    const Model* model = nullptr;
    core::Expression where;
    std::vector<OrderedBy> order;
    std::vector<core::Value> key;  ///< Of the row that `after` starts behind; empty: none.
    std::vector<std::string> selected;
    std::vector<std::string> included;
    std::optional<std::int64_t> limit;
    std::int64_t offset = 0;
    bool with_deleted = false;

    [[nodiscard]] core::Expression condition() const {
        if (with_deleted || !model->has_soft_delete()) return where;
        return (core::field("is_deleted") == false) && where;
    }

    /// ` WHERE …`, or nothing.
    [[nodiscard]] core::SqlFragment where_sql(Joins& joins, const core::Expression& more = {}) const {
        const core::Expression all = condition() && more;
        if (all.is_always_true()) return {};
        check_types(all, joins);
        core::SqlFragment sql =
            core::compile_sql(all, {.column = [&](std::string_view path) { return joins.column(path).sql; }});
        sql.text.insert(0, " WHERE ");
        return sql;
    }

    [[nodiscard]] std::vector<std::string> result_paths(Joins& joins) const {
        std::vector<std::string> paths = selected;
        if (paths.empty()) {
            for (const Column& column : model->columns()) paths.push_back(column.name);
        }
        for (const std::string& relation : included) {
            for (const Column& column : joins.follow(relation, relation).columns()) {
                paths.push_back(relation + '.' + column.name);
            }
        }
        return paths;
    }

    /// `SELECT {what} FROM …`, joins and condition; `what` was resolved through `joins`.
    [[nodiscard]] core::SqlFragment select_sql(const std::string& what, Joins& joins,
                                               const core::Expression& more = {}) const {
        core::SqlFragment where_part = where_sql(joins, more);
        core::SqlFragment sql{
            "SELECT " + what + " FROM " + core::quote_identifier(model->table()) + joins.text(), {}};
        append(sql, std::move(where_part));
        return sql;
    }

    Parts() = default;
    Parts(const Parts& other)  // All but what was compiled.
        : model(other.model),
          where(other.where),
          order(other.order),
          key(other.key),
          selected(other.selected),
          included(other.included),
          limit(other.limit),
          offset(other.offset),
          with_deleted(other.with_deleted) {}
    Parts& operator=(const Parts&) = delete;

    [[nodiscard]] const Compiled& compiled() const {
        std::call_once(once_, [this] { compiled_ = compile(); });
        return compiled_;
    }

    [[nodiscard]] Compiled compile() const {
        Joins joins(*model);
        std::string what;
        std::vector<RowColumn> columns;
        for (std::string& path : result_paths(joins)) {
            const Joins::Found found = joins.column(path);
            what += (what.empty() ? "" : ", ") + found.sql;
            columns.push_back({std::move(path), found.column->type});
        }
        std::string order_text;
        for (const auto& [path, is_descending] : order) {
            order_text += (order_text.empty() ? " ORDER BY " : ", ") + joins.column(path).sql;
            if (is_descending) order_text += " DESC";
        }
        const core::Expression more = key.empty() ? core::Expression() : follows(order, key, joins);
        core::SqlFragment sql = select_sql(what, joins, more);
        sql.text += order_text;
        if (limit || offset != 0) {
            sql.text += " LIMIT ? OFFSET ?";
            sql.bindings.emplace_back(limit.value_or(-1));
            sql.bindings.emplace_back(offset);
        }
        return {std::move(sql), std::make_shared<const std::vector<RowColumn>>(std::move(columns))};
    }

    /// Refuses what UPDATE and DELETE have no meaning for, and gives their condition.
    [[nodiscard]] core::SqlFragment change_condition() const {
        if (!order.empty() || limit || offset != 0) {  // A key stands on an order.
            throw core::InvalidArgument("query.unsupported",
                                        "a change by query takes no order, limit or offset");
        }
        Joins joins(*model);
        core::SqlFragment sql = where_sql(joins);
        if (joins.text().empty()) return sql;
        const std::string id = core::quote_identifier(model->primary_key()->name);
        Joins inner(*model);
        core::SqlFragment keys = select_sql(core::quote_identifier(model->table()) + '.' + id, inner);
        return {" WHERE " + id + " IN (" + keys.text + ")", std::move(keys.bindings)};
    }

private:
    mutable std::once_flag once_;
    mutable Compiled compiled_;
};

Query::Query(const Model& model) {
    auto parts = std::make_shared<Parts>();
    parts->model = &model;
    parts_ = std::move(parts);
}
Query::Query(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Query::~Query() = default;

std::shared_ptr<Query::Parts> Query::copy() const {
    return std::make_shared<Parts>(*parts_);
}

Query Query::where(const core::Expression& condition, const core::Parameters& parameters) const {
    auto parts = copy();
    parts->where = parts->where && core::bind(condition, parameters);
    return Query(std::move(parts));
}

Query Query::exclude(const core::Expression& condition, const core::Parameters& parameters) const {
    return where(!condition, parameters);
}

Query Query::order_by(std::string_view path) const {
    auto parts = copy();
    const bool is_descending = path.starts_with('-');
    if (is_descending) path.remove_prefix(1);
    (void)Joins(*parts->model).column(path);
    parts->order.push_back({std::string(path), is_descending});
    return Query(std::move(parts));
}

Query Query::limit(std::int64_t rows) const {
    if (rows < 0) throw core::InvalidArgument("query.limit", "a limit must not be negative");
    auto parts = copy();
    parts->limit = rows;
    return Query(std::move(parts));
}

Query Query::offset(std::int64_t rows) const {
    if (rows < 0) throw core::InvalidArgument("query.offset", "an offset must not be negative");
    auto parts = copy();
    parts->offset = rows;
    return Query(std::move(parts));
}

Query Query::page(std::int64_t number, std::int64_t size) const {
    if (number < 1 || size < 1 || number > (std::int64_t{1} << 40) / size) {
        throw core::InvalidArgument("query.page", "a page has a number and a size of at least 1",
                                    {{"page", number}, {"page_size", size}});
    }
    return limit(size).offset((number - 1) * size);
}

Query Query::after(std::span<const core::Value> key) const {
    const auto& order = parts_->order;
    const Column* primary_key = parts_->model->primary_key();
    if (order.empty() || primary_key == nullptr || order.back().path != primary_key->name ||
        key.size() != order.size()) {
        throw core::InvalidArgument(
            "query.keyset",
            "`after` needs an order that ends with the primary key, and a value for each column");
    }
    Joins joins(*parts_->model);
    for (std::size_t i = 0; i < key.size(); ++i) check_value(*joins.column(order[i].path).column, key[i]);
    auto parts = copy();
    parts->key.assign(key.begin(), key.end());
    return Query(std::move(parts));
}

std::vector<core::Value> Query::key(const RowSet& rows, std::size_t row) const {
    std::vector<core::Value> key;
    for (const OrderedBy& by : parts_->order) key.push_back(rows.value(row, rows.column_index(by.path)));
    return key;
}

Query Query::select(const std::vector<std::string>& paths) const {
    auto parts = copy();
    for (const std::string& path : paths) (void)Joins(*parts->model).column(path);
    parts->selected = paths;
    return Query(std::move(parts));
}

Query Query::include(std::string_view relation) const {
    if (relation.empty()) throw_unknown(*parts_->model, relation);
    auto parts = copy();
    (void)Joins(*parts->model).follow(relation, relation);
    parts->included.emplace_back(relation);
    return Query(std::move(parts));
}

Query Query::with_deleted() const {
    auto parts = copy();
    parts->with_deleted = true;
    return Query(std::move(parts));
}

RowSet Query::run(const Session& session) const {
    const Compiled& compiled = parts_->compiled();
    return session.query(compiled.sql.text, compiled.sql.bindings, compiled.columns);
}

void Query::each(const Session& session, ReadCells read) const {
    if (!parts_->selected.empty() || !parts_->included.empty()) {
        throw core::InvalidArgument("query.unsupported",
                                    "objects are read from a query that selects and includes nothing");
    }
    const core::SqlFragment& sql = parts_->compiled().sql;
    session.run(
        sql.text,
        [&](CellWriter& to) {
            for (std::size_t i = 0; i < sql.bindings.size(); ++i)
                to.value(static_cast<int>(i), sql.bindings[i]);
        },
        read);
}

std::int64_t Query::count(const Session& session) const {
    Joins joins(*parts_->model);
    const core::SqlFragment sql = parts_->select_sql("count(*)", joins);
    return session.query(sql.text, sql.bindings).int64(0, 0);
}

bool Query::exists(const Session& session) const {
    Joins joins(*parts_->model);
    core::SqlFragment sql = parts_->select_sql("1", joins);
    sql.text += " LIMIT 1";
    return !session.query(sql.text, sql.bindings).empty();
}

RowSet Query::count_by(const Session& session, std::string_view path) const {
    Joins joins(*parts_->model);
    const Joins::Found found = joins.column(path);
    core::SqlFragment sql = parts_->select_sql(found.sql + ", count(*)", joins);
    sql.text += " GROUP BY 1 ORDER BY 2 DESC, 1";
    return session.query(sql.text, sql.bindings,
                         {{std::string(path), found.column->type}, {"count", core::ValueType::Int64}});
}

core::SqlFragment Query::update_sql(const std::vector<Assignment>& assignments) const {
    core::SqlFragment sql{"UPDATE " + core::quote_identifier(parts_->model->table()) + " SET ", {}};
    sql.text += assignments_sql(*parts_->model, assignments, sql.bindings);
    append(sql, parts_->change_condition());
    return sql;
}

std::int64_t Query::update(const Session& session, const std::vector<Assignment>& assignments) const {
    const core::SqlFragment sql = update_sql(assignments);
    return session.execute(sql.text, sql.bindings);
}

RowSet Query::update_returning(const Session& session, const std::vector<Assignment>& assignments,
                               const std::vector<std::string>& paths) const {
    core::SqlFragment sql = update_sql(assignments);
    std::vector<RowColumn> columns;
    for (const std::string& path : paths) {
        const Column* column = parts_->model->find_column(path);
        if (column == nullptr) throw_unknown(*parts_->model, path);
        sql.text += (columns.empty() ? " RETURNING " : ", ") + core::quote_identifier(column->name);
        columns.push_back({column->name, column->type});
    }
    return session.query(sql.text, sql.bindings, std::move(columns));
}

std::int64_t Query::remove(const Session& session) const {
    core::SqlFragment sql{"DELETE FROM " + core::quote_identifier(parts_->model->table()), {}};
    append(sql, parts_->change_condition());
    return session.execute(sql.text, sql.bindings);
}

core::SqlFragment Query::sql() const {
    return parts_->compiled().sql;
}

const Model& Query::model() const noexcept {
    return *parts_->model;
}

}  // namespace consilia::data
