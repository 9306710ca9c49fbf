#ifndef CONSILIA_C_DATA_ROW_TREE_H
#define CONSILIA_C_DATA_ROW_TREE_H
/* Rows with the rows that belong to them: the result of a query that prefetches. */
#include "consilia/c/data/row_set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A result and, for each prefetched name, the rows that belong to each of its rows.
 * consilia_row_tree_free() for the one that a query gave; the branches below it are borrowed and live as
 * long. Threading: compatible. */
typedef struct consilia_row_tree consilia_row_tree_t;

CONSILIA_C_API void consilia_row_tree_free(consilia_row_tree_t* tree); /* NULL is allowed */

/* The rows of the tree itself; borrowed. NULL for NULL. */
CONSILIA_C_API const consilia_row_set_t* consilia_row_tree_rows(const consilia_row_tree_t* tree);
/* Number of prefetched names, in the order of the query's steps. */
CONSILIA_C_API size_t consilia_row_tree_branch_count(const consilia_row_tree_t* tree);
/* The name of a branch; empty past the last. */
CONSILIA_C_API consilia_str_t consilia_row_tree_branch_name(const consilia_row_tree_t* tree, size_t branch);
/* The children of all rows, those of one row together; borrowed. NULL past the last. */
CONSILIA_C_API const consilia_row_tree_t* consilia_row_tree_branch(const consilia_row_tree_t* tree,
                                                                   size_t branch);
/* Which rows of a branch belong to a row of the tree: `*out_begin` to `*out_end`, which does not belong.
 * Returns _OK or _INVALID_ARGUMENT (`row.range`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_tree_range(const consilia_row_tree_t* tree, size_t branch,
                                                         size_t row, size_t* out_begin, size_t* out_end,
                                                         consilia_error_t** out_error);
/* All rows as a JSON array of objects, with an array of objects under each prefetched name. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_tree_json(const consilia_row_tree_t* tree,
                                                        consilia_buffer_t* out_json,
                                                        consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
