#include "consilia/data/model.hpp"

#include <algorithm>
#include <atomic>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "ddl.hpp"
#include "table.hpp"

namespace consilia::data {
void check_schema_name(const std::string& name) {
    const bool is_plain = !name.empty() && name.size() <= 63 && (name[0] < '0' || name[0] > '9') &&
                          std::all_of(name.begin(), name.end(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                          });
    if (!is_plain) {
        throw core::InvalidArgument("model.name",
                                    "a name of the schema must be lower-case letters, digits and `_`",
                                    {{"name", name}});
    }
}

namespace {

[[noreturn]] void throw_duplicate(const std::string& name) {
    throw core::InvalidArgument("model.duplicate", "the model has `" + name + "` already", {{"name", name}});
}

void check_history_name(const std::string& name) {
    if (!name.starts_with("history_")) return;
    throw core::InvalidArgument("model.history", "a name that begins with `history_` belongs to the history",
                                {{"name", name}});
}

[[noreturn]] void throw_column(const Column& column, const std::string& why) {
    throw core::InvalidArgument("model.column", "column `" + column.name + "` " + why,
                                {{"name", column.name}});
}

void check_default(const Column& column) {
    using core::ValueType;
    const ValueType type = column.default_value.type();
    const bool is_timed = column.type == ValueType::Timestamp || column.type == ValueType::Date;
    if (column.defaults_to_now && (!is_timed || type != ValueType::Null)) {
        throw_column(column, "cannot have the present time for its default");
    }
    const bool fits = type == ValueType::Null || type == column.type ||
                      (type == ValueType::Int64 && column.type == ValueType::Double);
    if (!fits) throw_column(column, "has a default of another type");
    if (column.is_primary_key && (type != ValueType::Null || column.type != ValueType::Int64)) {
        throw_column(column, "is a primary key: an int64 without default");
    }
}

/// The fields of a condition must be columns of the table; returns what is not.
std::string find_stranger(const core::Expression& condition, const auto& is_known) {
    for (const std::string& path : core::field_paths(condition)) {
        if (!is_known(path)) return path;
    }
    (void)core::to_text(condition);  // Refuses a value without text form: names and files need it.
    return {};
}

void check_rules(const Column& column) {
    if ((column.length_max != 0 || !column.choices.empty()) && column.type != core::ValueType::Text) {
        throw_column(column, "is no text, and has no length or choices");
    }
    if (column.length_max < 0) throw_column(column, "has a length below zero");
    const std::string stranger =
        find_stranger(column.check, [&](const std::string& path) { return path == column.name; });
    if (!stranger.empty()) throw_column(column, "has a check on another field: give it to the model");
}

}  // namespace

Model::Identity::Identity() noexcept {
    static std::atomic<std::uint64_t> newest{0};
    number = ++newest;
}

Model::Identity& Model::Identity::operator=(const Identity&) noexcept {
    number = Identity().number;
    return *this;
}

Model::Model(std::string table) : table_(std::move(table)) {
    check_schema_name(table_);
}

void Model::add_column(Column column) {
    check_schema_name(column.name);
    if (find_column(column.name) != nullptr || find_reference(column.name) != nullptr)
        throw_duplicate(column.name);
    if (column.is_primary_key && primary_key() != nullptr) throw_duplicate("a primary key");
    if (has_history_) check_history_name(column.name);
    check_default(column);
    check_rules(column);
    if (column.type == core::ValueType::Double && column.default_value.type() == core::ValueType::Int64) {
        column.default_value = static_cast<double>(column.default_value.as<std::int64_t>());
    }
    columns_.push_back(std::move(column));
    identity_ = Identity();
}

void Model::add_reference(Reference reference) {
    check_schema_name(reference.relation);
    if (find_column(reference.relation) != nullptr || find_reference(reference.relation) != nullptr) {
        throw_duplicate(reference.relation);
    }
    if (find_column(reference.column) == nullptr || reference.target == nullptr ||
        reference.target->primary_key() == nullptr) {
        throw core::InvalidArgument("model.reference",
                                    "a reference needs a column and a target with a primary key",
                                    {{"name", reference.relation}});
    }
    if (reference.on_delete == OnDelete::SetNull && !find_column(reference.column)->is_nullable) {
        throw core::InvalidArgument("model.reference",
                                    "a reference that becomes null needs a nullable column",
                                    {{"name", reference.relation}});
    }
    references_.push_back(std::move(reference));
    identity_ = Identity();
}

void Model::add_index(Index index) {
    const auto is_known = [&](std::string_view column) { return find_column(column) != nullptr; };
    for (const std::string& column : index.columns) {
        if (is_known(column.starts_with('-') ? column.substr(1) : column)) continue;
        throw core::InvalidArgument("model.index", "an index names a column that is not there",
                                    {{"name", column}});
    }
    if (const std::string stranger = find_stranger(index.where, is_known); !stranger.empty()) {
        throw core::InvalidArgument("model.index", "the condition of an index names no column of the table",
                                    {{"name", stranger}});
    }
    if (index.columns.empty()) throw core::InvalidArgument("model.index", "an index needs a column");
    if (index.is_unique && index.columns.size() == 1 && index.where.is_always_true() &&
        !index.ignores_deleted) {
        const std::string name = index.columns[0].substr(index.columns[0].starts_with('-') ? 1 : 0);
        std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) {
            return c.name == name;
        })->is_unique = true;
        return;
    }
    indexes_.push_back(std::move(index));
}

void Model::add_scope(std::string name, Scope scope) {
    check_schema_name(name);
    if (find_scope(name) != nullptr) throw_duplicate(name);
    scopes_.emplace_back(std::move(name), std::move(scope));
}

void Model::set_full_text(std::vector<std::string> columns) {
    for (const std::string& name : columns) {
        const Column* column = find_column(name);
        if (column == nullptr || column->type != core::ValueType::Text) {
            throw core::InvalidArgument("model.full_text", "a full-text index is of text columns",
                                        {{"name", name}});
        }
    }
    full_text_ = std::move(columns);
}

const Scope* Model::find_scope(std::string_view name) const noexcept {
    const auto found =
        std::find_if(scopes_.begin(), scopes_.end(), [&](const auto& s) { return s.first == name; });
    return found == scopes_.end() ? nullptr : &found->second;
}

void Model::add_check(core::Expression condition) {
    const std::string stranger =
        find_stranger(condition, [&](std::string_view column) { return find_column(column) != nullptr; });
    if (!stranger.empty() || condition.is_always_true()) {
        throw core::InvalidArgument("model.check", "a check needs a condition over columns of the table",
                                    {{"name", stranger}});
    }
    checks_.push_back(std::move(condition));
}

void Model::keep_history() {
    if (primary_key() == nullptr) {
        throw core::InvalidArgument("model.history", "a model with history needs a primary key",
                                    {{"model", table_}});
    }
    for (const Column& column : columns_) check_history_name(column.name);
    check_schema_name(table_ + "_history");
    has_history_ = true;
}

std::shared_ptr<const Model> Model::self() const noexcept {
    return {std::shared_ptr<const Model>(), this};
}

const Column* Model::find_column(std::string_view name) const noexcept {
    const auto found =
        std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) { return c.name == name; });
    return found == columns_.end() ? nullptr : &*found;
}

const Reference* Model::find_reference(std::string_view relation) const noexcept {
    const auto found = std::find_if(references_.begin(), references_.end(),
                                    [&](const Reference& r) { return r.relation == relation; });
    return found == references_.end() ? nullptr : &*found;
}

const Column* Model::primary_key() const noexcept {
    const auto found = std::find_if(columns_.begin(), columns_.end(),
                                    [](const Column& column) { return column.is_primary_key; });
    return found == columns_.end() ? nullptr : &*found;
}

namespace {

std::vector<std::string> create_sql(const Table& table, core::SqlDialect dialect) {
    std::vector<std::string> statements;
    const auto create = [&](const Table& made) {
        statements.push_back(ddl::create_table(made, dialect, {.if_missing = true}));
        for (const TableIndex& index : made.indexes) {
            statements.push_back(ddl::create_index(made, index, dialect, true));
        }
    };
    create(table);
    if (table.has_history) {
        create(history_of(table));
        for (std::string& sql : ddl::create_history(table, dialect)) statements.push_back(std::move(sql));
    }
    return statements;
}

/// Takes out of a table that is to be created the references to tables that come later, which PostgreSQL
/// refuses, and gives the statements that add them then. A table that is there stays as it is.
std::vector<std::string> postpone_references(const Session& session, Table& table,
                                             std::span<const Model* const> later) {
    const auto is_later = [&](const TableReference& reference) {
        return std::any_of(later.begin(), later.end(),
                           [&](const Model* model) { return model->table() == reference.target; });
    };
    if (session.dialect() != core::SqlDialect::PostgreSql ||
        std::none_of(table.references.begin(), table.references.end(), is_later)) {
        return {};
    }
    const std::string name = core::quote_identifier(table.name);
    const bool is_missing =
        session.query("SELECT to_regclass($1)::text", std::vector<core::Value>{name}).is_null(0, 0);
    std::vector<std::string> postponed;
    for (const TableReference& reference : table.references) {
        if (is_missing && is_later(reference))
            postponed.push_back("ALTER TABLE " + name + " ADD " + ddl::reference(reference));
    }
    std::erase_if(table.references, is_later);
    return postponed;
}

}  // namespace

std::vector<std::string> create_sql(const Model& model, core::SqlDialect dialect) {
    return create_sql(table_of(model), dialect);
}

void create_tables(Database& database, std::span<const Model* const> models) {
    Transaction transaction = database.begin();
    lock_definitions(transaction);
    std::vector<std::string> postponed;
    for (std::size_t i = 0; i < models.size(); ++i) {
        Table table = table_of(*models[i]);
        for (std::string& sql : postpone_references(transaction, table, models.subspan(i + 1)))
            postponed.push_back(std::move(sql));
        for (const std::string& sql : create_sql(table, database.dialect())) transaction.execute(sql);
    }
    for (const std::string& sql : postponed) transaction.execute(sql);
    transaction.commit();
}

}  // namespace consilia::data
