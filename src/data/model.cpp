#include "consilia/data/model.hpp"

#include <algorithm>
#include <atomic>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::data {
namespace {

void check_name(const std::string& name) {
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

[[noreturn]] void throw_duplicate(const std::string& name) {
    throw core::InvalidArgument("model.duplicate", "the model has `" + name + "` already", {{"name", name}});
}

std::string_view storage_of(core::ValueType type) noexcept {
    switch (type) {
        case core::ValueType::Bool:
        case core::ValueType::Int64:
        case core::ValueType::Timestamp:
            return "INTEGER";
        case core::ValueType::Double:
            return "REAL";
        case core::ValueType::Blob:
        case core::ValueType::Uuid:
            return "BLOB";
        default:
            return "TEXT";
    }
}

std::string create_table_sql(const Model& model) {
    std::string sql = "CREATE TABLE IF NOT EXISTS " + core::quote_identifier(model.table()) + " (";
    bool is_first = true;
    for (const Column& column : model.columns()) {
        if (!std::exchange(is_first, false)) sql += ", ";
        sql += core::quote_identifier(column.name);
        sql += ' ';
        sql += storage_of(column.type);
        // AUTOINCREMENT: the id of a deleted record is never given to another.
        if (column.is_primary_key) sql += " PRIMARY KEY AUTOINCREMENT";
        if (!column.is_nullable) sql += " NOT NULL";
        if (column.is_unique) sql += " UNIQUE";
    }
    for (const Reference& reference : model.references()) {
        sql += ", FOREIGN KEY (" + core::quote_identifier(reference.column) + ") REFERENCES " +
               core::quote_identifier(reference.target->table()) + " (" +
               core::quote_identifier(reference.target->primary_key()->name) + ")";
    }
    return sql + ")";
}

std::string create_index_sql(const Model& model, const Index& index) {
    std::string name = model.table();
    std::string columns;
    for (const std::string& column : index.columns) {
        const bool is_descending = column.starts_with('-');
        const std::string plain = column.substr(is_descending ? 1 : 0);
        name += '_' + plain;
        if (!columns.empty()) columns += ", ";
        columns += core::quote_identifier(plain) + (is_descending ? " DESC" : "");
    }
    std::string sql = std::string("CREATE ") + (index.is_unique ? "UNIQUE " : "") + "INDEX IF NOT EXISTS " +
                      core::quote_identifier(name + "_idx") + " ON " + core::quote_identifier(model.table()) +
                      " (" + columns + ")";
    if (index.where.is_always_true()) return sql;
    const core::SqlFragment where = core::compile_sql(
        index.where, {.column = [](std::string_view path) { return core::quote_identifier(path); }});
    if (!where.bindings.empty()) {
        throw core::InvalidArgument("model.index",
                                    "the condition of a partial index may only compare with true, false "
                                    "and null");
    }
    return sql + " WHERE " + where.text;
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
    check_name(table_);
}

void Model::add_column(Column column) {
    check_name(column.name);
    if (find_column(column.name) != nullptr || find_reference(column.name) != nullptr)
        throw_duplicate(column.name);
    columns_.push_back(std::move(column));
    identity_ = Identity();
}

void Model::add_reference(Reference reference) {
    check_name(reference.relation);
    if (find_column(reference.relation) != nullptr || find_reference(reference.relation) != nullptr) {
        throw_duplicate(reference.relation);
    }
    if (find_column(reference.column) == nullptr || reference.target == nullptr ||
        reference.target->primary_key() == nullptr) {
        throw core::InvalidArgument("model.reference",
                                    "a reference needs a column and a target with a primary key",
                                    {{"name", reference.relation}});
    }
    references_.push_back(std::move(reference));
    identity_ = Identity();
}

void Model::add_index(Index index) {
    for (const std::string& column : index.columns) {
        if (find_column(column.starts_with('-') ? column.substr(1) : column) == nullptr) {
            throw core::InvalidArgument("model.index", "an index names a column that is not there",
                                        {{"name", column}});
        }
    }
    indexes_.push_back(std::move(index));
}

void Model::add_scope(std::string name, Scope scope) {
    check_name(name);
    if (find_scope(name) != nullptr) throw_duplicate(name);
    scopes_.emplace_back(std::move(name), std::move(scope));
}

void Model::set_full_text(std::vector<std::string> columns) {
    for (const std::string& name : columns) {
        const Column* column = find_column(name);
        if (column == nullptr || column->type != core::ValueType::Text) {
            throw core::InvalidArgument("model.full_text", "a full-text index is of text columns", {{"name", name}});
        }
    }
    full_text_ = std::move(columns);
}

const Scope* Model::find_scope(std::string_view name) const noexcept {
    const auto found = std::find_if(scopes_.begin(), scopes_.end(), [&](const auto& s) { return s.first == name; });
    return found == scopes_.end() ? nullptr : &found->second;
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

void create_tables(Database& database, std::span<const Model* const> models) {
    Transaction transaction = database.begin();
    for (const Model* model : models) {
        transaction.execute(create_table_sql(*model));
        for (const Index& index : model->indexes()) transaction.execute(create_index_sql(*model, index));
    }
    transaction.commit();
}

}  // namespace consilia::data
