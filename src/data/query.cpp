#include "consilia/data/query.hpp"

#include <optional>

#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

[[noreturn]] void throw_unknown(const Model& model, std::string_view path) {
    std::string known;
    for (const Column& column : model.columns()) known += (known.empty() ? "" : ", ") + column.name;
    for (const Reference& reference : model.references()) known += ", " + reference.relation + ".";
    throw core::InvalidArgument("query.unknown_field", "no field `" + std::string(path.substr(0, 100)) + "`",
                                {{"field", path.substr(0, 100)}, {"model", model.table()}, {"known", known}});
}

/// Gives paths their columns and collects the joins that these need. Identifiers come from the models alone.
class Joins {
public:
    explicit Joins(const Model& model) : model_(model) {}

    struct Found {
        const Model* model;
        const Column* column;
        std::string sql;
    };

    /// @throws InvalidArgument (`query.unknown_field`).
    Found column(std::string_view path) {
        const std::size_t dot = path.rfind('.');
        const std::string_view relation = dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
        const std::string_view name = dot == std::string_view::npos ? path : path.substr(dot + 1);
        const Model& model = follow(relation, path);
        const Column* column = model.find_column(name);
        if (column == nullptr) throw_unknown(model, path);
        return {&model, column, alias(relation) + '.' + core::quote_identifier(column->name)};
    }

    /// The model that a relation path leads to; empty: the queried one.
    const Model& follow(std::string_view relation, std::string_view path) {
        const Model* model = &model_;
        std::size_t start = 0;
        while (start < relation.size()) {
            const std::size_t dot = std::min(relation.find('.', start), relation.size());
            const Reference* reference = model->find_reference(relation.substr(start, dot - start));
            if (reference == nullptr) throw_unknown(*model, path);
            join(relation.substr(0, start == 0 ? 0 : start - 1), relation.substr(0, dot), *model, *reference);
            model = reference->target.get();
            start = dot + 1;
        }
        return *model;
    }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    [[nodiscard]] std::string alias(std::string_view relation) const {
        return core::quote_identifier(relation.empty() ? std::string_view(model_.table()) : relation);
    }

    /// A left join throughout: a missing row makes its fields null, and the logic of expressions deals with null.
    void join(std::string_view from, std::string_view to, const Model& model, const Reference& reference) {
        for (const std::string& known : joined_) {
            if (known == to) return;
        }
        joined_.emplace_back(to);
        const bool is_certain = from.empty() && !model.find_column(reference.column)->is_nullable;
        text_ += is_certain ? " JOIN " : " LEFT JOIN ";
        text_ += core::quote_identifier(reference.target->table()) + " AS " + alias(to) + " ON " + alias(to) + '.' +
                 core::quote_identifier(reference.target->primary_key()->name) + " = " + alias(from) + '.' +
                 core::quote_identifier(reference.column);
    }

    const Model& model_;
    std::vector<std::string> joined_;
    std::string text_;
};

void append(core::SqlFragment& sql, core::SqlFragment part) {
    sql.text += part.text;
    sql.bindings.insert(sql.bindings.end(), std::make_move_iterator(part.bindings.begin()),
                        std::make_move_iterator(part.bindings.end()));
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
        columns += (columns.empty() ? "" : ", ") + core::quote_identifier(column->name);
        places += places.empty() ? "?" : ", ?";
        bindings.push_back(value);
    }
    const std::string what = values.empty() ? " DEFAULT VALUES" : " (" + columns + ") VALUES (" + places + ")";
    session.execute("INSERT INTO " + core::quote_identifier(model.table()) + what, bindings);
    return session.last_insert_id();
}

struct Query::Parts {
    const Model* model = nullptr;
    core::Expression where;
    std::vector<std::pair<std::string, bool>> order;  ///< Path, descending.
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
    [[nodiscard]] core::SqlFragment where_sql(Joins& joins) const {
        const core::Expression all = condition();
        if (all.is_always_true()) return {};
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
    [[nodiscard]] core::SqlFragment select_sql(const std::string& what, Joins& joins) const {
        core::SqlFragment where_part = where_sql(joins);
        core::SqlFragment sql{"SELECT " + what + " FROM " + core::quote_identifier(model->table()) + joins.text(), {}};
        append(sql, std::move(where_part));
        return sql;
    }

    [[nodiscard]] std::pair<core::SqlFragment, std::vector<RowColumn>> compile() const {
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
        core::SqlFragment sql = select_sql(what, joins);
        sql.text += order_text;
        if (limit || offset != 0) {
            sql.text += " LIMIT ? OFFSET ?";
            sql.bindings.emplace_back(limit.value_or(-1));
            sql.bindings.emplace_back(offset);
        }
        return {std::move(sql), std::move(columns)};
    }

    /// Refuses what UPDATE and DELETE have no meaning for, and gives their condition.
    [[nodiscard]] core::SqlFragment change_condition() const {
        if (!order.empty() || limit || offset != 0) {
            throw core::InvalidArgument("query.unsupported", "a change by query takes no order, limit or offset");
        }
        Joins joins(*model);
        core::SqlFragment sql = where_sql(joins);
        if (joins.text().empty()) return sql;
        const std::string key = core::quote_identifier(model->primary_key()->name);
        Joins inner(*model);
        core::SqlFragment keys = select_sql(core::quote_identifier(model->table()) + '.' + key, inner);
        return {" WHERE " + key + " IN (" + keys.text + ")", std::move(keys.bindings)};
    }
};

Query::Query(const Model& model) {
    auto parts = std::make_shared<Parts>();
    parts->model = &model;
    parts_ = std::move(parts);
}
Query::Query(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Query::~Query() = default;

std::shared_ptr<Query::Parts> Query::copy() const { return std::make_shared<Parts>(*parts_); }

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
    parts->order.emplace_back(path, is_descending);
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

Query Query::select(const std::vector<std::string>& paths) const {
    auto parts = copy();
    for (const std::string& path : paths) (void)Joins(*parts->model).column(path);
    parts->selected = paths;
    return Query(std::move(parts));
}

Query Query::include(std::string_view relation) const {
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
    auto [sql, columns] = parts_->compile();
    return session.query(sql.text, sql.bindings, std::move(columns));
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

std::int64_t Query::update(const Session& session, const std::vector<Assignment>& assignments) const {
    if (assignments.empty()) throw core::InvalidArgument("query.assignments", "an update needs something to change");
    core::SqlFragment sql{"UPDATE " + core::quote_identifier(parts_->model->table()) + " SET ", {}};
    for (std::size_t i = 0; i < assignments.size(); ++i) {
        const auto& [name, value] = assignments[i];
        const Column* column = parts_->model->find_column(name);
        if (column == nullptr) throw_unknown(*parts_->model, name);
        sql.text += (i == 0 ? "" : ", ") + core::quote_identifier(column->name) + " = ?";
        sql.bindings.push_back(value);
    }
    append(sql, parts_->change_condition());
    return session.execute(sql.text, sql.bindings);
}

std::int64_t Query::remove(const Session& session) const {
    core::SqlFragment sql{"DELETE FROM " + core::quote_identifier(parts_->model->table()), {}};
    append(sql, parts_->change_condition());
    return session.execute(sql.text, sql.bindings);
}

core::SqlFragment Query::sql() const { return parts_->compile().first; }

const Model& Query::model() const noexcept { return *parts_->model; }

}  // namespace consilia::data
