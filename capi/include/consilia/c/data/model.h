#ifndef CONSILIA_C_DATA_MODEL_H
#define CONSILIA_C_DATA_MODEL_H
/* Models: tables described once, by calls or read from a live database. */
#include "consilia/c/data/database.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The description of a table. It is declared by the calls below until it is first used (by a query, a
 * repository, a reference, migrations); from then on a change is _INVALID_ARGUMENT (`model.in_use`).
 * consilia_model_free(). Threading: compatible while it is declared, safe afterwards. */
typedef struct consilia_model consilia_model_t;

/* Names of tables and columns are `[a-z_][a-z0-9_]*` (`model.name`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_new(consilia_str_t table, consilia_model_t** out_model,
                                                    consilia_error_t** out_error);
CONSILIA_C_API void consilia_model_free(consilia_model_t* model); /* NULL is allowed */

/* A column. What a row must satisfy is written into the table, so that no program can break it. */
typedef struct consilia_column {
    size_t struct_size;
    consilia_str_t name; /* required */
    int32_t type;        /* CONSILIA_TYPE_...; required, unless it is the primary key */
    int32_t is_nullable;
    int32_t is_unique;
    int32_t is_primary_key;         /* an int64 that the database gives */
    consilia_value_t default_value; /* for inserts that do not name the column; null: none */
    int32_t defaults_to_now;        /* of a timestamp or date: the time of the insert */
    int32_t reserved;               /* zero */
    int64_t length_max;             /* of a text, in code points; 0: any */
    const consilia_str_t* choices;  /* the only texts allowed; NULL: any */
    size_t choice_count;
    consilia_str_t check; /* an expression over this column that must not be false; empty: none */
} consilia_column_t;

/* Returns _OK or _INVALID_ARGUMENT (`model.name`, `model.duplicate`, `model.column`, `expression.syntax`).
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_column(consilia_model_t* model,
                                                           const consilia_column_t* column,
                                                           consilia_error_t** out_error);

/* What becomes of a row when the one that it refers to is deleted. */
enum {
    CONSILIA_ON_DELETE_RESTRICT = 0, /* the referenced row cannot be deleted */
    CONSILIA_ON_DELETE_CASCADE = 1,
    CONSILIA_ON_DELETE_SET_NULL = 2 /* the column must be nullable */
};

typedef struct consilia_reference {
    size_t struct_size;
    consilia_str_t relation; /* what paths say: `patient` in `patient.full_name`; required */
    consilia_str_t column;   /* an int64 that is declared already; empty: `{relation}_id`, added if absent */
    const consilia_model_t* target; /* NULL: the model itself */
    int32_t on_delete;              /* CONSILIA_ON_DELETE_... */
    int32_t is_nullable;            /* of a column that is added */
} consilia_reference_t;

/* Returns _OK or _INVALID_ARGUMENT (`model.reference`, `model.duplicate`, `model.name`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_reference(consilia_model_t* model,
                                                              const consilia_reference_t* reference,
                                                              consilia_error_t** out_error);

typedef struct consilia_index {
    size_t struct_size;
    const consilia_str_t* columns; /* `-` before a name: descending; required */
    size_t column_count;
    int32_t is_unique;
    int32_t ignores_deleted; /* 1: only rows that are not soft-deleted */
    consilia_str_t where;    /* a partial index: only rows for which it is true; empty: all */
} consilia_index_t;

/* Returns _OK or _INVALID_ARGUMENT (`model.index`, `expression.syntax`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_index(consilia_model_t* model,
                                                          const consilia_index_t* index,
                                                          consilia_error_t** out_error);
/* A condition over the columns of a row that must not be false (`model.check`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_check(consilia_model_t* model, consilia_str_t condition,
                                                          consilia_error_t** out_error);
/* Names a condition, with parameters, for consilia_query_scope(). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_scope(consilia_model_t* model, consilia_str_t name,
                                                          consilia_str_t condition,
                                                          consilia_error_t** out_error);
/* The text columns that consilia_query_search() looks in (`model.full_text`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_set_full_text(consilia_model_t* model,
                                                              const consilia_str_t* columns,
                                                              size_t column_count,
                                                              consilia_error_t** out_error);

enum {
    CONSILIA_TIMESTAMPS = 1,  /* `created_at`, `updated_at`: set by the repository; tells stale updates */
    CONSILIA_SOFT_DELETE = 2, /* `is_deleted`, `deleted_at`, `deleted_by`: queries hide deleted rows */
    CONSILIA_AUDIT = 4,       /* `created_by`, `updated_by`: the actor of the transaction */
    CONSILIA_HISTORY = 8      /* every change is kept in `{table}_history`; needs the primary key first */
};

/* Adds columns and behaviour that many tables share: a sum of the above. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_add_mixins(consilia_model_t* model, int32_t mixins,
                                                           consilia_error_t** out_error);

/* The table's name; borrowed from the model, empty for NULL. */
CONSILIA_C_API consilia_str_t consilia_model_table(const consilia_model_t* model);
/* A row for each column: `name`, `type`, `is_nullable`, `is_unique`, `is_primary_key`, `default_value`
 * (JSON), `length_max`, `choices` (JSON), `check`, `relation` and `target` (of a reference), `on_delete`.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_columns(const consilia_model_t* model,
                                                        consilia_row_set_t** out_rows,
                                                        consilia_error_t** out_error);
/* The statements that create the table with its indexes and history: rows of one text, `sql`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_create_sql(const consilia_model_t* model, int32_t dialect,
                                                           consilia_row_set_t** out_rows,
                                                           consilia_error_t** out_error);

/* Creates tables and indexes that are missing, in one transaction, in the order given: referenced tables
 * first. What is there already is left as it is; see consilia/c/data/migrations.h. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_create_tables(consilia_database_t* database,
                                                                 const consilia_model_t* const* models,
                                                                 size_t model_count,
                                                                 consilia_error_t** out_error);
/* Creates the full-text index of a model whose table is there, and fills it. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_create_full_text(consilia_database_t* database,
                                                                    const consilia_model_t* model,
                                                                    consilia_error_t** out_error);

/* The tables of a live database as models. consilia_schema_free(). Threading: safe. */
typedef struct consilia_schema consilia_schema_t;

/* Reads the tables of the database (of the first schema in the search path on PostgreSQL). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_schema_reflect(consilia_session_t* session,
                                                         consilia_schema_t** out_schema,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_schema_free(consilia_schema_t* schema); /* NULL is allowed */
/* Rows of one text, `table`, in their order. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_schema_tables(const consilia_schema_t* schema,
                                                        consilia_row_set_t** out_rows,
                                                        consilia_error_t** out_error);
/* What could not be described, and why: `table`, `part` (empty: the whole table), `reason`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_schema_left_out(const consilia_schema_t* schema,
                                                          consilia_row_set_t** out_rows,
                                                          consilia_error_t** out_error);
/* A model of its own handle, in use from the start. Returns _OK or _NOT_FOUND (`schema.unknown_table`).
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_schema_model(const consilia_schema_t* schema, consilia_str_t table,
                                                       consilia_model_t** out_model,
                                                       consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
