#ifndef CONSILIA_C_DATA_MIGRATIONS_H
#define CONSILIA_C_DATA_MIGRATIONS_H
/* Migrations: numbered files that bring a database from one form of the models to the next, and back. */
#include "consilia/c/data/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The migrations of a database (docs/migrations.md). Everything that reads the database answers _CONFLICT
 * where files and database do not belong together: `migration.changed`, `migration.missing`,
 * `migration.order`, and `migration.drift` with the differences in its details. consilia_migrations_free().
 * Threading: safe. */
typedef struct consilia_migrations consilia_migrations_t;

/* One change that a migration makes; borrowed for the call. */
typedef struct consilia_migration_step {
    size_t struct_size;
    consilia_str_t migration;    /* `0002_add_notes` */
    const consilia_str_t* notes; /* what changes, for people */
    size_t note_count;
    const consilia_str_t* sql; /* what the database runs, in order */
    size_t sql_count;
    int32_t loses_data;
    int32_t reserved; /* zero */
} consilia_migration_step_t;

/* Called before each step runs, on the thread that migrates, inside the migration's transaction. Return
 * non-zero to roll the migration back: _CANCELLED (`migration.cancelled`). */
typedef int32_t (*consilia_migration_fn)(const consilia_migration_step_t* step, void* user_data);

typedef struct consilia_migrations_options {
    size_t struct_size;
    consilia_str_t directory; /* of the files; required */
    consilia_migration_fn on_step;
    void* on_step_user_data; /* handed back to `on_step`, never read */
} consilia_migrations_options_t;

/* Returns _OK or _INVALID_ARGUMENT (`migration.directory`, `model.duplicate`, `model.reference`). @since 0.1
 */
CONSILIA_C_API consilia_status_t consilia_migrations_new(consilia_database_t* database,
                                                         const consilia_model_t* const* models,
                                                         size_t model_count,
                                                         const consilia_migrations_options_t* options,
                                                         consilia_migrations_t** out_migrations,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_migrations_free(consilia_migrations_t* migrations); /* NULL is allowed */

/* All migrations in their order: `name`, `applied_at` (null: not yet), `duration_ms`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_status(const consilia_migrations_t* migrations,
                                                            consilia_row_set_t** out_rows,
                                                            consilia_error_t** out_error);
/* What consilia_migrations_migrate() would do; nothing is changed. Rows of `migration`, `notes` (JSON),
 * `sql` (JSON), `loses_data`. `to`: the last migration; empty: all. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_plan(const consilia_migrations_t* migrations,
                                                          consilia_str_t to, consilia_row_set_t** out_rows,
                                                          consilia_error_t** out_error);
/* What consilia_migrations_rollback() would do. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_plan_rollback(const consilia_migrations_t* migrations,
                                                                   consilia_str_t to,
                                                                   consilia_row_set_t** out_rows,
                                                                   consilia_error_t** out_error);
/* Applies what has not been applied, up to `to` (empty: all), and gives the names of what this call applied:
 * rows of one text, `name`. Any number of processes may call it at once. Returns also _NOT_FOUND
 * (`migration.unknown`) and _CONFLICT (`migration.foreign_key`). `out_rows` may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_migrate(const consilia_migrations_t* migrations,
                                                             consilia_str_t to, consilia_row_set_t** out_rows,
                                                             consilia_error_t** out_error);
/* Undoes the newest migrations until `to` is the newest one (empty: all are undone). Returns _CONFLICT
 * (`migration.data_loss`) naming what would be lost, unless `allows_data_loss` is 1. `out_rows` may be NULL.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_rollback(const consilia_migrations_t* migrations,
                                                              consilia_str_t to, int32_t allows_data_loss,
                                                              consilia_row_set_t** out_rows,
                                                              consilia_error_t** out_error);
/* Marks migrations up to `to` (empty: all) as applied without running them: for tables that were there
 * before. `out_rows` may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_adopt(const consilia_migrations_t* migrations,
                                                           consilia_str_t to, consilia_row_set_t** out_rows,
                                                           consilia_error_t** out_error);

/* A name that changed, which no comparison could tell from one dropped and one added. Frozen. */
typedef struct consilia_rename {
    consilia_str_t table;  /* as it is in the models, for a column; as it was, for a table */
    consilia_str_t column; /* as it was; empty: the table itself */
    consilia_str_t to;
} consilia_rename_t;

typedef struct consilia_make_options {
    size_t struct_size;
    const consilia_rename_t* renames;
    size_t rename_count;
    int32_t allows_data_loss; /* 1: tables and columns may be dropped, and types narrowed */
    int32_t reserved;         /* zero */
} consilia_make_options_t;

/* Writes the next file: what leads from the files to the models. `title` is `[a-z0-9_]+`; `options` may be
 * NULL. `out_path` is its path, empty if the models are what the files give. Returns _OK, _INVALID_ARGUMENT
 * (`migration.title`, `migration.rename`, `migration.type`, `migration.key`) or _CONFLICT
 * (`migration.data_loss`, `file.exists`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_migrations_make(const consilia_migrations_t* migrations,
                                                          consilia_str_t title,
                                                          const consilia_make_options_t* options,
                                                          consilia_buffer_t* out_path,
                                                          consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
