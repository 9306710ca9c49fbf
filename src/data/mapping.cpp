#include "consilia/data/mapping.hpp"

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/repository.hpp"

namespace consilia::data {

MappedStatements mapped_statements(const Model& model) {
    if (model.primary_key() == nullptr) {
        throw core::InvalidArgument("model.key", "a mapped table needs a primary key",
                                    {{"model", model.table()}});
    }
    const std::string table = core::quote_identifier(model.table());
    const std::string by_key = " WHERE " + core::quote_identifier(model.primary_key()->name) + " = ?";
    std::string columns;
    std::string places;
    std::string changes;
    for (const Column& column : model.columns()) {
        const std::string name = core::quote_identifier(column.name);
        columns += (columns.empty() ? "" : ", ") + name;
        places += places.empty() ? "?" : ", ?";
        if (!column.is_primary_key) changes += (changes.empty() ? "" : ", ") + name + " = ?";
    }
    MappedStatements statements;
    statements.insert = "INSERT INTO " + table + " (" + columns + ") VALUES (" + places + ")";
    statements.find_deleted = "SELECT " + columns + " FROM " + table + by_key;
    statements.find = statements.find_deleted + (model.has_soft_delete() ? " AND \"is_deleted\" = 0" : "");
    statements.update = "UPDATE " + table + " SET " + changes + by_key;
    statements.update_fresh = statements.update + " AND \"updated_at\" = ?";
    return statements;
}

namespace detail {

void throw_record_missing(const Model& model, std::int64_t id) {
    throw core::NotFound("record.not_found", "no row " + std::to_string(id) + " in `" + model.table() + "`",
                         {{"model", model.table()}, {"id", id}});
}

void throw_record_stale(const Model& model, std::int64_t id) {
    throw core::Conflict("record.stale",
                         "row " + std::to_string(id) + " of `" + model.table() + "` was changed meanwhile",
                         {{"model", model.table()}, {"id", id}});
}

}  // namespace detail
}  // namespace consilia::data
