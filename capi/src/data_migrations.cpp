#include "consilia/data/migrations.hpp"

#include "consilia/c/data/migrations.h"
#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::view;

static_assert(offsetof(consilia_migration_step_t, loses_data) == 56);
static_assert(offsetof(consilia_migrations_options_t, on_step_user_data) == 32);
static_assert(sizeof(consilia_rename_t) == 48 && offsetof(consilia_make_options_t, allows_data_loss) == 24);

/// Migrations and the database that they must not outlive.
struct consilia_migrations {
    std::shared_ptr<data::Database> database;
    data::Migrations migrations;
};

namespace {

std::vector<consilia_str_t> lent(const std::vector<std::string>& texts) {
    std::vector<consilia_str_t> made;
    for (const std::string& text : texts) made.push_back(borrow(text));
    return made;
}

void tell(consilia_migration_fn on_step, void* user_data, const data::MigrationStep& step) {
    const std::vector<consilia_str_t> notes = lent(step.notes);
    const std::vector<consilia_str_t> sql = lent(step.sql);
    consilia_migration_step_t told{};
    told.struct_size = sizeof told;
    told.migration = borrow(step.migration);
    told.notes = notes.data();
    told.note_count = notes.size();
    told.sql = sql.data();
    told.sql_count = sql.size();
    told.loses_data = step.loses_data ? 1 : 0;
    if (on_step(&told, user_data) != 0)
        throw core::Cancelled("migration.cancelled", "the caller's function ended the migration");
}

data::MigrationOptions migration_options(const consilia_migrations_options_t& given) {
    data::MigrationOptions options{.directory = view(given.directory)};
    if (given.on_step != nullptr) {
        options.on_step = [on_step = given.on_step, user_data = given.on_step_user_data](
                              const data::MigrationStep& step) { tell(on_step, user_data, step); };
    }
    return options;
}

data::RowSet rows_of(const std::vector<data::MigrationStep>& steps) {
    using core::ValueType;
    data::RowSet rows({{"migration", ValueType::Text},
                       {"notes", ValueType::Json},
                       {"sql", ValueType::Json},
                       {"loses_data", ValueType::Bool}});
    for (const data::MigrationStep& step : steps) {
        rows.append_bytes(ValueType::Text, step.migration);
        rows.append_bytes(ValueType::Json, consilia::capi::json_list(step.notes));
        rows.append_bytes(ValueType::Json, consilia::capi::json_list(step.sql));
        rows.append_int64(ValueType::Bool, step.loses_data ? 1 : 0);
    }
    return rows;
}

const data::Migrations& migrations_of(const consilia_migrations_t* migrations) {
    return require(migrations, "migrations").migrations;
}

/// The names that `body` gives, for a caller who may not want them.
template <class Body>
void named(consilia_row_set_t** out_rows, const Body& body) {
    if (out_rows != nullptr) *out_rows = nullptr;
    const std::vector<std::string> names = body();
    if (out_rows != nullptr) *out_rows = row_set(consilia::capi::list_of("name", names));
}

}  // namespace

extern "C" {

consilia_status_t consilia_migrations_new(consilia_database_t* database,
                                          const consilia_model_t* const* models, size_t model_count,
                                          const consilia_migrations_options_t* options,
                                          consilia_migrations_t** out_migrations,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_migrations_t*& out = cleared(out_migrations, "out_migrations");
        const auto& opened = require(database, "database").database;
        std::vector<std::shared_ptr<const data::Model>> described;
        for (const consilia_model_t* model : items(models, model_count, "models"))
            described.push_back(consilia::capi::in_use(model));
        const auto known = migration_options(copy_options(&require(options, "options")));
        out = new consilia_migrations_t{opened, data::Migrations(*opened, described, known)};
    });
}

void consilia_migrations_free(consilia_migrations_t* migrations) {
    delete migrations;
}

consilia_status_t consilia_migrations_status(const consilia_migrations_t* migrations,
                                             consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        data::RowSet rows({{"name", core::ValueType::Text},
                           {"applied_at", core::ValueType::Timestamp},
                           {"duration_ms", core::ValueType::Int64}});
        for (const data::MigrationStatus& status : migrations_of(migrations).status()) {
            rows.append_bytes(core::ValueType::Text, status.name);
            rows.append(status.applied_at ? core::Value(*status.applied_at) : core::Value());
            rows.append_int64(core::ValueType::Int64, status.duration_ms);
        }
        out = row_set(std::move(rows));
    });
}

consilia_status_t consilia_migrations_plan(const consilia_migrations_t* migrations, consilia_str_t to,
                                           consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(rows_of(migrations_of(migrations).plan(view(to))));
    });
}

consilia_status_t consilia_migrations_plan_rollback(const consilia_migrations_t* migrations,
                                                    consilia_str_t to, consilia_row_set_t** out_rows,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(rows_of(migrations_of(migrations).plan_rollback(view(to))));
    });
}

consilia_status_t consilia_migrations_migrate(const consilia_migrations_t* migrations, consilia_str_t to,
                                              consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { named(out_rows, [&] { return migrations_of(migrations).migrate(view(to)); }); });
}

consilia_status_t consilia_migrations_rollback(const consilia_migrations_t* migrations, consilia_str_t to,
                                               int32_t allows_data_loss, consilia_row_set_t** out_rows,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        named(out_rows, [&] { return migrations_of(migrations).rollback(view(to), allows_data_loss != 0); });
    });
}

consilia_status_t consilia_migrations_adopt(const consilia_migrations_t* migrations, consilia_str_t to,
                                            consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { named(out_rows, [&] { return migrations_of(migrations).adopt(view(to)); }); });
}

consilia_status_t consilia_migrations_make(const consilia_migrations_t* migrations, consilia_str_t title,
                                           const consilia_make_options_t* options,
                                           consilia_buffer_t* out_path, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_path, "out_path");
        const consilia_make_options_t known = copy_options(options);
        data::MakeOptions made{.allows_data_loss = known.allows_data_loss != 0};
        for (const consilia_rename_t& rename : items(known.renames, known.rename_count, "renames")) {
            made.renames.push_back({std::string(view(rename.table)), std::string(view(rename.column)),
                                    std::string(view(rename.to))});
        }
        const auto path = migrations_of(migrations).make(view(title), made);
        if (path) out = consilia::capi::to_buffer(path->string());
    });
}

}  // extern "C"
