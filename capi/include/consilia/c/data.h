#ifndef CONSILIA_C_DATA_H
#define CONSILIA_C_DATA_H
/* Records: a database, SQLite or PostgreSQL, its models, queries and results.
 *
 * A handle keeps alive what it was made from: handles may be freed in any order. Conditions and calculated
 * values are the text form of expressions (docs/expressions.md), with named parameters; outside input belongs
 * into parameters, never into the text. */
#include "consilia/c/data/database.h"
#include "consilia/c/data/history.h"
#include "consilia/c/data/listener.h"
#include "consilia/c/data/migrations.h"
#include "consilia/c/data/model.h"
#include "consilia/c/data/query.h"
#include "consilia/c/data/repository.h"
#include "consilia/c/data/row_set.h"
#include "consilia/c/data/row_tree.h"
#include "consilia/c/data/statement_watch.h"
#endif
