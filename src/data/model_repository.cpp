#include "consilia/data/model_repository.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/repository.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

bool has_columns(const Model& model, const std::array<const char*, 2>& names, core::ValueType type) {
    return std::ranges::all_of(names, [&](const char* name) {
        const Column* column = model.find_column(name);
        return column != nullptr && column->type == type;
    });
}

/// Where one column of the rows goes.
struct Target {
    const Column* column;
    const ColumnData* cells;
};

[[noreturn]] void throw_type(const Column& column, core::ValueType found) {
    throw core::InvalidArgument(
        "query.type",
        "column `" + column.name + "` takes `" + std::string(to_string(column.type)) + "`, not `" +
            std::string(to_string(found)) + "`",
        {{"column", column.name}, {"found", to_string(found)}, {"wanted", to_string(column.type)}});
}

/// Binds one cell. Text and identifiers are borrowed: `uuid` holds the latter.
void write_cell(CellWriter& to, int place, const Target& target, std::size_t row, core::Uuid& uuid) {
    const ColumnData& cells = *target.cells;
    const core::ValueType found = cells.type(row);
    if (found == core::ValueType::Null) return to.null(place);
    if (found != target.column->type) {
        if (found != core::ValueType::Int64 || target.column->type != core::ValueType::Double)
            throw_type(*target.column, found);
        return to.number(place, static_cast<double>(cells.int64(row)));
    }
    switch (found) {
        case core::ValueType::Bool:
            return to.boolean(place, cells.int64(row) != 0);
        case core::ValueType::Int64:
            return to.int64(place, cells.int64(row));
        case core::ValueType::Double:
            return to.number(place, cells.number(row));
        case core::ValueType::Date:
            return to.date(place, cells.date(row));
        case core::ValueType::Timestamp:
            return to.timestamp(place, {cells.int64(row)});
        case core::ValueType::Text:
            return to.text(place, cells.bytes(row));
        case core::ValueType::Json:
            return to.json(place, cells.bytes(row));
        case core::ValueType::Blob:
            return to.bytes(place, std::as_bytes(std::span(cells.bytes(row))));
        case core::ValueType::Uuid:
            uuid = cells.uuid(row);
            return to.uuid(place, uuid);
        case core::ValueType::Null:
            break;
    }
}

bool names(std::span<const Assignment> values, std::string_view name) {
    return std::ranges::any_of(values, [&](const Assignment& value) { return value.name == name; });
}

}  // namespace

ModelRepository::ModelRepository(std::shared_ptr<const Model> model, const core::Clock& clock)
    : model_(std::move(model)),
      clock_(clock),
      has_timestamps_(has_columns(*model_, {"created_at", "updated_at"}, core::ValueType::Timestamp)),
      has_audit_(has_columns(*model_, {"created_by", "updated_by"}, core::ValueType::Int64)) {
    if (model_->primary_key() == nullptr) {
        throw core::InvalidArgument("model.key", "records need a primary key", {{"model", model_->table()}});
    }
    auto columns = std::make_shared<std::vector<RowColumn>>();
    std::string list;
    for (const Column& column : model_->columns()) {
        list += (list.empty() ? "SELECT " : ", ") + core::quote_identifier(column.name);
        columns->push_back({column.name, column.type});
    }
    columns_ = std::move(columns);
    const std::string select = list + " FROM " + core::quote_identifier(model_->table()) + " WHERE " +
                               core::quote_identifier(model_->primary_key()->name) + " = ";
    for (const core::SqlDialect dialect : {core::SqlDialect::Sqlite, core::SqlDialect::PostgreSql}) {
        const auto at = static_cast<std::size_t>(dialect);
        const bool is_sqlite = dialect == core::SqlDialect::Sqlite;
        find_deleted_sql_[at] = select + (is_sqlite ? "?" : "$1");
        find_sql_[at] = find_deleted_sql_[at];
        if (model_->has_soft_delete())
            find_sql_[at] += is_sqlite ? " AND \"is_deleted\" = 0" : " AND NOT \"is_deleted\"";
    }
}

RowSet ModelRepository::find(const Session& session, std::int64_t id) const {
    const core::Value key(id);
    return session.query(find_sql_[static_cast<std::size_t>(session.dialect())], std::span(&key, 1),
                         columns_);
}

RowSet ModelRepository::find_with_deleted(const Session& session, std::int64_t id) const {
    const core::Value key(id);
    return session.query(find_deleted_sql_[static_cast<std::size_t>(session.dialect())], std::span(&key, 1),
                         columns_);
}

RowSet ModelRepository::get(const Session& session, std::int64_t id) const {
    RowSet row = find(session, id);
    if (row.empty()) detail::throw_record_missing(*model_, id);
    return row;
}

/// What a new row gets from the repository where it is not given: its times, and who acts.
std::vector<std::pair<std::string, core::Value>> ModelRepository::marks(const Session& session) const {
    std::vector<std::pair<std::string, core::Value>> marks;
    if (has_timestamps_) {
        const core::Value now(clock_.now());
        marks.insert(marks.end(), {{"created_at", now}, {"updated_at", now}});
    }
    if (const auto actor = audited_actor(session)) {
        const core::Value by(*actor);
        marks.insert(marks.end(), {{"created_by", by}, {"updated_by", by}});
    }
    return marks;
}

ModelRepository::Inserted ModelRepository::insert(const Session& session,
                                                  std::vector<Assignment> values) const {
    Inserted inserted;
    for (auto& [name, mark] : marks(session)) {
        if (name == "created_at") inserted.at = mark.as<core::Timestamp>();
        if (!names(values, name)) values.emplace_back(std::move(name), std::move(mark));
    }
    inserted.id = data::insert(session, *model_, values);
    return inserted;
}

std::int64_t ModelRepository::insert_all(const Session& session, const RowSet& rows) const {
    std::vector<Target> targets;
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < rows.columns().size(); ++i) {
        targets.push_back({&column(rows.columns()[i].name), &rows.column(i)});
        names.emplace_back(targets.back().column->name);
    }
    const std::size_t given = names.size();
    const auto own = marks(session);
    std::vector<const core::Value*> values;
    for (const auto& [name, mark] : own) {
        if (std::ranges::find(names, name) != names.end()) continue;
        names.emplace_back(name);
        values.push_back(&mark);
    }
    std::vector<core::Uuid> uuids(given);
    std::size_t row = 0;
    return session.copy_in(model_->table(), names, [&](CellWriter& to) {
        if (row == rows.size()) return false;
        for (std::size_t i = 0; i < given; ++i)
            write_cell(to, static_cast<int>(i), targets[i], row, uuids[i]);
        for (std::size_t i = given; i < names.size(); ++i) to.value(static_cast<int>(i), *values[i - given]);
        ++row;
        return true;
    });
}

std::int64_t ModelRepository::upsert_all(const Session& session, const RowSet& rows,
                                         UpsertOptions options) const {
    std::vector<std::string> names;
    for (const RowColumn& column : rows.columns()) names.push_back(column.name);
    std::vector<core::Value> own;
    for (auto& [name, mark] : marks(session)) {
        const bool is_of_change = name.starts_with("updated_");
        if (is_of_change && !options.update.empty() &&
            std::ranges::find(options.update, name) == options.update.end())
            options.update.push_back(name);
        if (std::ranges::find(names, name) != names.end()) continue;
        names.push_back(std::move(name));
        own.push_back(std::move(mark));
    }
    std::vector<std::vector<core::Value>> values(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t i = 0; i < rows.columns().size(); ++i) values[row].push_back(rows.value(row, i));
        values[row].insert(values[row].end(), own.begin(), own.end());
    }
    return upsert_many(session, *model_, names, values, options);
}

std::optional<core::Timestamp> ModelRepository::update(const Session& session, std::int64_t id,
                                                       std::vector<Assignment> changes,
                                                       std::optional<core::Timestamp> version) const {
    Query rows = with_key(id);
    std::optional<core::Timestamp> updated_at;
    if (has_timestamps_) {
        if (version) rows = rows.where(core::field("updated_at") == *version);
        updated_at = next_version(version.value_or(core::Timestamp{}));
        changes.emplace_back("updated_at", *updated_at);
    }
    if (const auto actor = audited_actor(session)) changes.emplace_back("updated_by", core::Value(*actor));
    if (rows.update(session, changes) != 0) return updated_at;
    if (version && with_key(id).with_deleted().exists(session)) detail::throw_record_stale(*model_, id);
    detail::throw_record_missing(*model_, id);
}

void ModelRepository::soft_delete(const Session& session, std::int64_t id,
                                  std::optional<std::int64_t> by) const {
    mark(session, id, true, by ? by : session.actor());
}

void ModelRepository::restore(const Session& session, std::int64_t id) const {
    mark(session, id, false, std::nullopt);
}

void ModelRepository::remove(const Session& session, std::int64_t id) const {
    if (with_key(id).with_deleted().remove(session) == 0) detail::throw_record_missing(*model_, id);
}

Query ModelRepository::with_key(std::int64_t id) const {
    return query().where(core::field(model_->primary_key()->name) == id);
}

core::Timestamp ModelRepository::next_version(core::Timestamp before) const {
    return std::max(clock_.now(), core::Timestamp{before.microseconds + 1});  // Grows while the clock stands.
}

std::optional<std::int64_t> ModelRepository::audited_actor(const Session& session) const {
    return has_audit_ ? session.actor() : std::nullopt;
}

void ModelRepository::mark(const Session& session, std::int64_t id, bool is_deleted,
                           std::optional<std::int64_t> by) const {
    if (!model_->has_soft_delete()) {
        throw core::InvalidArgument("record.no_soft_delete", "the model has no soft delete",
                                    {{"model", model_->table()}});
    }
    const RowSet row = find_with_deleted(session, id);
    if (row.empty()) detail::throw_record_missing(*model_, id);
    std::vector<Assignment> changes = {{"is_deleted", core::Value(is_deleted)}};
    if (model_->find_column("deleted_at") != nullptr)
        changes.emplace_back("deleted_at", is_deleted ? core::Value(clock_.now()) : core::Value());
    if (model_->find_column("deleted_by") != nullptr)
        changes.emplace_back("deleted_by", by ? core::Value(*by) : core::Value());
    if (has_timestamps_) {
        const core::Timestamp before{row.int64(0, row.column_index("updated_at"))};
        changes.emplace_back("updated_at", next_version(before));
    }
    if (const auto actor = audited_actor(session)) changes.emplace_back("updated_by", core::Value(*actor));
    const Query rows = with_key(id).with_deleted().where(core::field("is_deleted") == !is_deleted);
    if (rows.update(session, changes) == 0) detail::throw_record_missing(*model_, id);
}

const Column& ModelRepository::column(std::string_view name) const {
    const Column* column = model_->find_column(name);
    if (column == nullptr) throw_unknown(*model_, name);
    return *column;
}

}  // namespace consilia::data
