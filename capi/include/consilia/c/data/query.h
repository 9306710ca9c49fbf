#ifndef CONSILIA_C_DATA_QUERY_H
#define CONSILIA_C_DATA_QUERY_H
/* Queries over a model: each step gives a new query, every value is bound. */
#include "consilia/c/data/repository.h"
#include "consilia/c/data/row_tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of a model, narrowed, ordered and calculated. Immutable: a step gives a new query and leaves the one
 * that it was made from, which may be freed at once. Fields are dotted paths across references:
 * `xray.patient.user_id`; an unknown one is _INVALID_ARGUMENT (`query.unknown_field`). Conditions and values
 * are texts of expressions (docs/expressions.md); `:name` in them is a parameter. Types are checked when the
 * query runs (`query.type`). consilia_query_free(). Threading: safe; sessions are confined. */
typedef struct consilia_query consilia_query_t;

/* All rows of a model that are not soft-deleted. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_model_query(const consilia_model_t* model,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_query_free(consilia_query_t* query); /* NULL is allowed */
/* Keeps the rows for which the condition is true. Returns _OK or _INVALID_ARGUMENT (`expression.syntax` with
 * the place, `query.aggregate`, `query.window`, `query.too_long`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_where(const consilia_query_t* query, consilia_str_t condition,
                                                      const consilia_parameter_t* parameters,
                                                      size_t parameter_count, consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
/* Keeps the rows for which the condition is false. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_exclude(const consilia_query_t* query,
                                                        consilia_str_t condition,
                                                        const consilia_parameter_t* parameters,
                                                        size_t parameter_count, consilia_query_t** out_query,
                                                        consilia_error_t** out_error);
/* Shows soft-deleted rows too; the next one nothing else. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_with_deleted(const consilia_query_t* query,
                                                             consilia_query_t** out_query,
                                                             consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_only_deleted(const consilia_query_t* query,
                                                             consilia_query_t** out_query,
                                                             consilia_error_t** out_error);
/* Where rows without a value stand in an order. */
enum {
    CONSILIA_NULLS_DEFAULT = 0, /* first ascending, last descending */
    CONSILIA_NULLS_FIRST = 1,
    CONSILIA_NULLS_LAST = 2
};

/* Frozen: this struct does not grow. */
typedef struct consilia_order {
    consilia_str_t by; /* a path, `-path` for descending, or an expression */
    int32_t is_descending;
    int32_t nulls; /* CONSILIA_NULLS_... */
} consilia_order_t;

/* Ascending by a path, or descending by `-path`; borrows it. */
static inline consilia_order_t consilia_order_of(const char* by) {
    consilia_order_t order;
    order.by = consilia_str_of(by);
    order.is_descending = 0;
    order.nulls = CONSILIA_NULLS_DEFAULT;
    return order;
}

/* Appends orders. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_order_by(const consilia_query_t* query,
                                                         const consilia_order_t* orders, size_t order_count,
                                                         consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* Forgets the orders given so far. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_unordered(const consilia_query_t* query,
                                                          consilia_query_t** out_query,
                                                          consilia_error_t** out_error);
/* At most so many rows (`query.limit`); the next one leaves out the first (`query.offset`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_limit(const consilia_query_t* query, int64_t rows,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_offset(const consilia_query_t* query, int64_t rows,
                                                       consilia_query_t** out_query,
                                                       consilia_error_t** out_error);
/* Page `number`, from 1, of `size` rows (`query.page`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_page(const consilia_query_t* query, int64_t number,
                                                     int64_t size, consilia_query_t** out_query,
                                                     consilia_error_t** out_error);
/* What follows the row with these values of the order's columns: a page that costs the same however deep it
 * is. The order is of fields and ends with the primary key (`query.keyset`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_after(const consilia_query_t* query,
                                                      const consilia_value_t* key, size_t value_count,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
/* What follows a row of this query's result: the next page. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_after_row(const consilia_query_t* query,
                                                          const consilia_row_set_t* rows, size_t row,
                                                          consilia_query_t** out_query,
                                                          consilia_error_t** out_error);
/* The columns of the result, in this order. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_select(const consilia_query_t* query,
                                                       const consilia_str_t* paths, size_t path_count,
                                                       consilia_query_t** out_query,
                                                       consilia_error_t** out_error);
/* All columns of the model but these. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_defer(const consilia_query_t* query,
                                                      const consilia_str_t* columns, size_t column_count,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
/* Adds all columns of a referenced row, `xray` or `xray.patient`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_include(const consilia_query_t* query,
                                                        consilia_str_t relation, consilia_query_t** out_query,
                                                        consilia_error_t** out_error);
/* Each different row of the result once. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_distinct(const consilia_query_t* query,
                                                         consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* Adds a calculated column, which later steps may name; an aggregate or a window function too. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_annotate(const consilia_query_t* query, consilia_str_t name,
                                                         consilia_str_t expression,
                                                         const consilia_parameter_t* parameters,
                                                         size_t parameter_count, consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* One row for each different combination of these values, with the annotations; without paths one row of all.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_group_by(const consilia_query_t* query,
                                                         const consilia_str_t* paths, size_t path_count,
                                                         consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* Keeps the groups for which the condition, over aggregates and grouped fields, is true. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_having(const consilia_query_t* query,
                                                       consilia_str_t condition,
                                                       const consilia_parameter_t* parameters,
                                                       size_t parameter_count, consilia_query_t** out_query,
                                                       consilia_error_t** out_error);
/* Keeps rows that hold every word of `text` in the model's full-text columns; operators and quotes mean
 * nothing. `rank_as` names a double in the result, greater for better; empty: none. Returns also
 * _INVALID_ARGUMENT (`query.search`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_search(const consilia_query_t* query, consilia_str_t text,
                                                       consilia_str_t rank_as, consilia_query_t** out_query,
                                                       consilia_error_t** out_error);
/* Locks the rows until the transaction ends; with `skip_locked` leaves out those that others hold. On SQLite
 * it changes nothing. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_for_update(const consilia_query_t* query, int32_t skip_locked,
                                                           consilia_query_t** out_query,
                                                           consilia_error_t** out_error);
/* The steps of a named scope of the model (`query.unknown_scope`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_scope(const consilia_query_t* query, consilia_str_t name,
                                                      const consilia_parameter_t* parameters,
                                                      size_t parameter_count, consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
/* Loads with each row those of `children` whose reference `relation` leads to it, under `name`, in one
 * statement for all rows; see consilia_query_run_tree(). Returns also _INVALID_ARGUMENT (`query.prefetch`).
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_prefetch(const consilia_query_t* query, consilia_str_t name,
                                                         const consilia_query_t* children,
                                                         consilia_str_t relation,
                                                         consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* A query over the rows of this one, as over a table. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_rows(const consilia_query_t* query,
                                                     consilia_query_t** out_query,
                                                     consilia_error_t** out_error);
/* The rows of both, which have the same number and types of columns (`query.union`); the next one each
 * different row once. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_union_all(const consilia_query_t* query,
                                                          const consilia_query_t* other,
                                                          consilia_query_t** out_query,
                                                          consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_union_distinct(const consilia_query_t* query,
                                                               const consilia_query_t* other,
                                                               consilia_query_t** out_query,
                                                               consilia_error_t** out_error);
/* The rows and all that refer to them by a reference to the same table, and so on; the next one the way up.
 * Cycles end (`query.recursive`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_with_descendants(const consilia_query_t* query,
                                                                 consilia_str_t relation,
                                                                 consilia_query_t** out_query,
                                                                 consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_with_ancestors(const consilia_query_t* query,
                                                               consilia_str_t relation,
                                                               consilia_query_t** out_query,
                                                               consilia_error_t** out_error);
/* Queries inside queries. `children` may be tied to the row around it by consilia_query_related() or
 * consilia_query_where_outer(); on its own a query so tied cannot run. */

/* The rows whose reference `relation` leads to the row of the query around. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_related(const consilia_query_t* query,
                                                        consilia_str_t relation, consilia_query_t** out_query,
                                                        consilia_error_t** out_error);
/* The rows whose `path` equals the field `outer_path` of the query around. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_where_outer(const consilia_query_t* query,
                                                            consilia_str_t path, consilia_str_t outer_path,
                                                            consilia_query_t** out_query,
                                                            consilia_error_t** out_error);
/* Keeps the rows for which `children` has a row, or with `is_negated` none. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_where_exists(const consilia_query_t* query,
                                                             const consilia_query_t* children,
                                                             int32_t is_negated, consilia_query_t** out_query,
                                                             consilia_error_t** out_error);
/* Keeps the rows for which a value is, or is not, among those of the only column of `children`
 * (`query.subquery`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_where_in(const consilia_query_t* query,
                                                         consilia_str_t expression,
                                                         const consilia_query_t* children, int32_t is_negated,
                                                         consilia_query_t** out_query,
                                                         consilia_error_t** out_error);
/* Adds an aggregate over the rows of `children`, `count(*)`, or with an empty one the value of its only
 * column in its first row. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_annotate_query(
    const consilia_query_t* query, consilia_str_t name, const consilia_query_t* children,
    consilia_str_t aggregate, consilia_query_t** out_query, consilia_error_t** out_error);

/* All rows. Returns _OK, _INVALID_ARGUMENT (`query.type`, `query.unsupported`), or as
 * consilia_session_query(), here and below. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_run(const consilia_query_t* query,
                                                    consilia_session_t* session,
                                                    consilia_row_set_t** out_rows,
                                                    consilia_error_t** out_error);
/* The rows with what is prefetched. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_run_tree(const consilia_query_t* query,
                                                         consilia_session_t* session,
                                                         consilia_row_tree_t** out_tree,
                                                         consilia_error_t** out_error);
/* The first row, by primary key if there is no order; `*out_rows` is NULL if there is none. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_first(const consilia_query_t* query,
                                                      consilia_session_t* session,
                                                      consilia_row_set_t** out_rows,
                                                      consilia_error_t** out_error);
/* The only row; _NOT_FOUND (`query.none`), _CONFLICT (`query.many`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_get(const consilia_query_t* query,
                                                    consilia_session_t* session,
                                                    consilia_row_set_t** out_rows,
                                                    consilia_error_t** out_error);
/* The only row; `*out_rows` is NULL if there is none. Returns also _CONFLICT (`query.many`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_find(const consilia_query_t* query,
                                                     consilia_session_t* session,
                                                     consilia_row_set_t** out_rows,
                                                     consilia_error_t** out_error);
/* As consilia_query_first(), _get() and _find(), with what is prefetched. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_first_tree(const consilia_query_t* query,
                                                           consilia_session_t* session,
                                                           consilia_row_tree_t** out_tree,
                                                           consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_get_tree(const consilia_query_t* query,
                                                         consilia_session_t* session,
                                                         consilia_row_tree_t** out_tree,
                                                         consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_query_find_tree(const consilia_query_t* query,
                                                          consilia_session_t* session,
                                                          consilia_row_tree_t** out_tree,
                                                          consilia_error_t** out_error);
/* Rows without limit and offset. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_count(const consilia_query_t* query,
                                                      consilia_session_t* session, int64_t* out_count,
                                                      consilia_error_t** out_error);
/* 1 if there is a row. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_exists(const consilia_query_t* query,
                                                       consilia_session_t* session, int32_t* out_exists,
                                                       consilia_error_t** out_error);
/* A calculated value and its name. Frozen: this struct does not grow. */
typedef struct consilia_named_expression {
    consilia_str_t name;
    consilia_str_t expression;
} consilia_named_expression_t;

/* Names an expression; borrows both. */
static inline consilia_named_expression_t consilia_named(const char* name, const char* expression) {
    consilia_named_expression_t named;
    named.name = consilia_str_of(name);
    named.expression = consilia_str_of(expression);
    return named;
}

/* One row of aggregates over all rows: `count(*) filter (where is_paid)`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_aggregate(
    const consilia_query_t* query, consilia_session_t* session, const consilia_named_expression_t* values,
    size_t value_count, const consilia_parameter_t* parameters, size_t parameter_count,
    consilia_row_set_t** out_rows, consilia_error_t** out_error);
/* One row for each value of `path`, the value and `count`, most frequent first. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_count_by(const consilia_query_t* query,
                                                         consilia_session_t* session, consilia_str_t path,
                                                         consilia_row_set_t** out_rows,
                                                         consilia_error_t** out_error);
/* Changes the matching rows. Returns also _INVALID_ARGUMENT (`query.assignments`). `out_count` may be NULL.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_update(const consilia_query_t* query,
                                                       consilia_session_t* session,
                                                       const consilia_assignment_t* assignments,
                                                       size_t assignment_count, int64_t* out_count,
                                                       consilia_error_t** out_error);
/* As consilia_query_update(), and gives columns of the changed rows as they are now. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_update_returning(
    const consilia_query_t* query, consilia_session_t* session, const consilia_assignment_t* assignments,
    size_t assignment_count, const consilia_str_t* paths, size_t path_count, consilia_row_set_t** out_rows,
    consilia_error_t** out_error);
/* Deletes the matching rows. `out_count` may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_remove(const consilia_query_t* query,
                                                       consilia_session_t* session, int64_t* out_count,
                                                       consilia_error_t** out_error);
/* How the database would run it: {"text": …, "full_scans": [tables of which every row is read]}. @since 0.1
 */
CONSILIA_C_API consilia_status_t consilia_query_explain(const consilia_query_t* query,
                                                        consilia_session_t* session,
                                                        consilia_buffer_t* out_json,
                                                        consilia_error_t** out_error);
/* The text that consilia_query_run() runs, with its placeholders. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_sql(const consilia_query_t* query, int32_t dialect,
                                                    consilia_buffer_t* out_sql, consilia_error_t** out_error);
/* The values of the order's columns in a row of this query's result, as one row; for consilia_query_after()
 * in a later request. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_key(const consilia_query_t* query,
                                                    const consilia_row_set_t* rows, size_t row,
                                                    consilia_row_set_t** out_key,
                                                    consilia_error_t** out_error);
/* The rows of a query, chunk by chunk, in constant memory. consilia_chunks_free(). Threading: confined. */
typedef struct consilia_chunks consilia_chunks_t;

/* Chunks of `rows` rows, each entered where the last one ended; ordered by primary key after the orders
 * given. Returns also _INVALID_ARGUMENT (`query.keyset`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_chunks(const consilia_query_t* query, int64_t rows,
                                                       consilia_chunks_t** out_chunks,
                                                       consilia_error_t** out_error);
/* The next rows; a row set without rows at the end. In one read scope the chunks are of one snapshot. @since
 * 0.1 */
CONSILIA_C_API consilia_status_t consilia_chunks_next(consilia_chunks_t* chunks, consilia_session_t* session,
                                                      consilia_row_set_t** out_rows,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_chunks_free(consilia_chunks_t* chunks); /* NULL is allowed */
/* The chunks as an Arrow stream, which holds a read scope of its own until it is released. Reading it takes
 * one thread at a time; what fails there is an error of the stream. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_query_stream_arrow(const consilia_query_t* query,
                                                             consilia_database_t* database, int64_t rows,
                                                             struct ArrowArrayStream* out_stream,
                                                             consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
