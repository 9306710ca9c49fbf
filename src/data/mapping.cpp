#include "consilia/data/mapping.hpp"

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/repository.hpp"

namespace consilia::data {

MappedStatements mapped_statements(const Model& model, core::SqlDialect dialect) {
    if (model.primary_key() == nullptr) {
        throw core::InvalidArgument("model.key", "a mapped table needs a primary key",
                                    {{"model", model.table()}});
    }
    const bool is_sqlite = dialect == core::SqlDialect::Sqlite;
    const auto place = [&](std::size_t number) { return is_sqlite ? "?" : "$" + std::to_string(number); };
    const std::string table = core::quote_identifier(model.table());
    const std::string key = core::quote_identifier(model.primary_key()->name);
    std::string all;
    std::string plain;
    std::string places;
    std::string others;
    std::string other_places;
    std::string changes;
    std::size_t count = 0;  // Of the columns but the key.
    for (const Column& column : model.columns()) {
        const std::string name = core::quote_identifier(column.name);
        all += (all.empty() ? "" : ", ") + name;
        if (column.is_primary_key) continue;
        places += (places.empty() ? "" : ", ") + place(++count);
        plain += (plain.empty() ? "" : ", ") + name;
        changes += (changes.empty() ? "" : ", ") + name + " = " + place(count);
    }
    std::string all_places;
    for (std::size_t i = 1; i <= count + 1; ++i) all_places += (i == 1 ? "" : ", ") + place(i);
    // SQLite tells the new id without it, and cheaper.
    const std::string returning = is_sqlite ? "" : " RETURNING " + key;
    MappedStatements statements;
    statements.insert = "INSERT INTO " + table +
                        (count == 0 ? " DEFAULT VALUES" : " (" + plain + ") VALUES (" + places + ")") +
                        returning;
    statements.insert_keyed =
        "INSERT INTO " + table + " (" + all + ") VALUES (" + all_places + ")" + returning;
    statements.find_deleted = "SELECT " + all + " FROM " + table + " WHERE " + key + " = " + place(1);
    statements.find = statements.find_deleted;
    if (model.has_soft_delete())
        statements.find += is_sqlite ? " AND \"is_deleted\" = 0" : " AND \"is_deleted\" = FALSE";
    statements.update = "UPDATE " + table + " SET " + changes + " WHERE " + key + " = " + place(count + 1);
    statements.update_fresh = statements.update + " AND \"updated_at\" = " + place(count + 2);
    return statements;
}

namespace detail {

void throw_none(const Model& model) {
    throw core::NotFound("query.none", "no row of `" + model.table() + "` matches",
                         {{"model", model.table()}});
}

void throw_many(const Model& model) {
    throw core::Conflict("query.many", "more than one row of `" + model.table() + "` matches",
                         {{"model", model.table()}});
}

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
