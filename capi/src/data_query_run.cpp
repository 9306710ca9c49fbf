// What runs a query, or says how it would run.
#include "consilia/c/data/query.h"
#include "consilia/data/arrow.hpp"
#include "data_query.hpp"
#include "data_row_tree.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::assignments_of;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::session_of;
using consilia::capi::to_buffer;
using consilia::capi::view;
using data::Query;

struct consilia_chunks {
    std::shared_ptr<const void> keep;
    data::Chunks chunks;
};

namespace {

const Query& query_of(const consilia_query_t* query) {
    return require(query, "query").query;
}

/// What an Arrow stream reads from; the members end in the opposite order.
struct Reading {
    std::shared_ptr<const void> keep;
    std::shared_ptr<data::Database> database;
    data::ReadScope scope;
    data::Chunks chunks;
    bool is_begun = false;

    /// The first chunk, which tells names and types, then all that have rows.
    std::optional<data::RowSet> next() {
        data::RowSet rows = chunks.next(scope);
        if (rows.empty() && std::exchange(is_begun, true)) return std::nullopt;
        is_begun = true;
        return rows;
    }
};

consilia_row_tree_t* row_tree(data::RowTree tree) {
    return new consilia_row_tree_t(std::make_shared<const data::RowTree>(std::move(tree)));
}
/// NULL for none.
consilia_row_tree_t* row_tree(std::optional<data::RowTree> tree) {
    return tree ? row_tree(*std::move(tree)) : nullptr;
}

}  // namespace

extern "C" {

consilia_status_t consilia_query_run(const consilia_query_t* query, consilia_session_t* session,
                                     consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).run(session_of(session)));
    });
}

consilia_status_t consilia_query_run_tree(const consilia_query_t* query, consilia_session_t* session,
                                          consilia_row_tree_t** out_tree, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_tree_t*& out = cleared(out_tree, "out_tree");
        out = row_tree(query_of(query).run_tree(session_of(session)));
    });
}

consilia_status_t consilia_query_first(const consilia_query_t* query, consilia_session_t* session,
                                       consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).first(session_of(session)));
    });
}

consilia_status_t consilia_query_get(const consilia_query_t* query, consilia_session_t* session,
                                     consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).get(session_of(session)));
    });
}

consilia_status_t consilia_query_find(const consilia_query_t* query, consilia_session_t* session,
                                      consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).find(session_of(session)));
    });
}

consilia_status_t consilia_query_first_tree(const consilia_query_t* query, consilia_session_t* session,
                                            consilia_row_tree_t** out_tree, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_tree_t*& out = cleared(out_tree, "out_tree");
        out = row_tree(query_of(query).first_tree(session_of(session)));
    });
}

consilia_status_t consilia_query_get_tree(const consilia_query_t* query, consilia_session_t* session,
                                          consilia_row_tree_t** out_tree, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_tree_t*& out = cleared(out_tree, "out_tree");
        out = row_tree(query_of(query).get_tree(session_of(session)));
    });
}

consilia_status_t consilia_query_find_tree(const consilia_query_t* query, consilia_session_t* session,
                                           consilia_row_tree_t** out_tree, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_tree_t*& out = cleared(out_tree, "out_tree");
        out = row_tree(query_of(query).find_tree(session_of(session)));
    });
}

consilia_status_t consilia_query_count(const consilia_query_t* query, consilia_session_t* session,
                                       int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_count, "out_count");
        out = query_of(query).count(session_of(session));
    });
}

consilia_status_t consilia_query_exists(const consilia_query_t* query, consilia_session_t* session,
                                        int32_t* out_exists, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_exists, "out_exists");
        out = query_of(query).exists(session_of(session)) ? 1 : 0;
    });
}

consilia_status_t consilia_query_aggregate(const consilia_query_t* query, consilia_session_t* session,
                                           const consilia_named_expression_t* values, size_t value_count,
                                           const consilia_parameter_t* parameters, size_t parameter_count,
                                           consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const core::Parameters given = consilia::capi::parameters_of(parameters, parameter_count);
        std::vector<data::NamedExpression> made;
        for (const consilia_named_expression_t& value : items(values, value_count, "values")) {
            made.emplace_back(std::string(view(value.name)),
                              core::bind(core::parse_expression(view(value.expression)), given));
        }
        out = row_set(query_of(query).aggregate(session_of(session), made));
    });
}

consilia_status_t consilia_query_count_by(const consilia_query_t* query, consilia_session_t* session,
                                          consilia_str_t path, consilia_row_set_t** out_rows,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).count_by(session_of(session), view(path)));
    });
}

consilia_status_t consilia_query_update(const consilia_query_t* query, consilia_session_t* session,
                                        const consilia_assignment_t* assignments, size_t assignment_count,
                                        int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_count != nullptr) *out_count = 0;
        const int64_t count =
            query_of(query).update(session_of(session), assignments_of(assignments, assignment_count));
        if (out_count != nullptr) *out_count = count;
    });
}

consilia_status_t consilia_query_update_returning(const consilia_query_t* query, consilia_session_t* session,
                                                  const consilia_assignment_t* assignments,
                                                  size_t assignment_count, const consilia_str_t* paths,
                                                  size_t path_count, consilia_row_set_t** out_rows,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(query_of(query).update_returning(session_of(session),
                                                       assignments_of(assignments, assignment_count),
                                                       consilia::capi::texts_of(paths, path_count, "paths")));
    });
}

consilia_status_t consilia_query_remove(const consilia_query_t* query, consilia_session_t* session,
                                        int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_count != nullptr) *out_count = 0;
        const int64_t count = query_of(query).remove(session_of(session));
        if (out_count != nullptr) *out_count = count;
    });
}

consilia_status_t consilia_query_explain(const consilia_query_t* query, consilia_session_t* session,
                                         consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const data::QueryPlan plan = query_of(query).explain(session_of(session));
        out = to_buffer("{\"text\":" + core::to_json(core::Value(plan.text)) +
                        ",\"full_scans\":" + consilia::capi::json_list(plan.full_scans) + '}');
    });
}

consilia_status_t consilia_query_sql(const consilia_query_t* query, int32_t dialect,
                                     consilia_buffer_t* out_sql, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_sql, "out_sql");
        const auto known = consilia::capi::enumerator(dialect, core::SqlDialect::PostgreSql, "dialect");
        out = to_buffer(query_of(query).sql(known).text);
    });
}

consilia_status_t consilia_query_key(const consilia_query_t* query, const consilia_row_set_t* rows,
                                     size_t row, consilia_row_set_t** out_key, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_key, "out_key");
        const std::vector<core::Value> key = query_of(query).key(*require(rows, "rows").rows, row);
        std::vector<data::RowColumn> columns;
        for (const core::Value& value : key)
            columns.push_back({"key_" + std::to_string(columns.size()), value.type()});
        data::RowSet made(std::move(columns));
        for (const core::Value& value : key) made.append(value);
        out = row_set(std::move(made));
    });
}

consilia_status_t consilia_query_chunks(const consilia_query_t* query, int64_t rows,
                                        consilia_chunks_t** out_chunks, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_chunks_t*& out = cleared(out_chunks, "out_chunks");
        out = new consilia_chunks_t{require(query, "query").keep, query_of(query).chunks(rows)};
    });
}

consilia_status_t consilia_chunks_next(consilia_chunks_t* chunks, consilia_session_t* session,
                                       consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(require(chunks, "chunks").chunks.next(session_of(session)));
    });
}

void consilia_chunks_free(consilia_chunks_t* chunks) {
    delete chunks;
}

consilia_status_t consilia_query_stream_arrow(const consilia_query_t* query, consilia_database_t* database,
                                              int64_t rows, struct ArrowArrayStream* out_stream,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        cleared(out_stream, "out_stream");
        const consilia_query_t& from = require(query, "query");
        const auto& opened = require(database, "database").database;
        auto reading =
            std::make_shared<Reading>(Reading{from.keep, opened, opened->read(), from.query.chunks(rows)});
        data::export_arrow([reading] { return reading->next(); }, out_stream);
    });
}

}  // extern "C"
