#include "consilia/data/mapping.hpp"

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/repository.hpp"

namespace consilia::data {

MappedStatements mapped_statements(const Model& model, core::SqlDialect dialect) {
    const Column* key = model.primary_key();
    if (key == nullptr) {
        throw core::InvalidArgument("model.key", "a mapped table needs a primary key",
                                    {{"model", model.table()}});
    }
    const bool is_sqlite = dialect == core::SqlDialect::Sqlite;
    const auto place = [&](std::size_t number) { return is_sqlite ? "?" : '$' + std::to_string(number); };
    const auto listed = [](const std::string& list, const std::string& item) {
        return list.empty() ? item : list + ", " + item;
    };
    const std::string table = core::quote_identifier(model.table());
    const std::string key_name = core::quote_identifier(key->name);
    std::string columns;
    std::string places;
    std::string others;
    std::string other_places;
    std::string changes;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < model.columns().size(); ++i) {
        const std::string name = core::quote_identifier(model.columns()[i].name);
        columns = listed(columns, name);
        places = listed(places, place(i + 1));
        if (model.columns()[i].is_primary_key) continue;
        others = listed(others, name);
        other_places = listed(other_places, place(++changed));
        changes = listed(changes, name + " = " + place(changed));
    }
    MappedStatements statements;
    statements.insert =
        "INSERT INTO " + table +
        (changed == 0 ? " DEFAULT VALUES" : " (" + others + ") VALUES (" + other_places + ")");
    if (!is_sqlite) statements.insert += " RETURNING " + key_name;
    statements.insert_keyed = "INSERT INTO " + table + " (" + columns + ") VALUES (" + places + ")";
    statements.find_deleted =
        "SELECT " + columns + " FROM " + table + " WHERE " + key_name + " = " + place(1);
    statements.find = statements.find_deleted;
    if (model.has_soft_delete())
        statements.find += is_sqlite ? " AND \"is_deleted\" = 0" : " AND NOT \"is_deleted\"";
    statements.update =
        "UPDATE " + table + " SET " + changes + " WHERE " + key_name + " = " + place(changed + 1);
    statements.update_fresh = statements.update + " AND \"updated_at\" = " + place(changed + 2);
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
