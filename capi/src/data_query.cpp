#include "data_query.hpp"

#include <algorithm>

#include "consilia/c/data/query.h"
#include "consilia/data/subquery.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::enumerator;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::parameters_of;
using consilia::capi::step;
using consilia::capi::texts_of;
using consilia::capi::view;
using data::Query;

static_assert(sizeof(consilia_order_t) == 24 && sizeof(consilia_named_expression_t) == 32);
static_assert(static_cast<int>(data::Nulls::Last) == CONSILIA_NULLS_LAST);

namespace {

core::Expression expression_of(consilia_str_t text) {
    return core::parse_expression(view(text));
}

/// Paths whose texts the caller keeps for the call.
std::vector<std::string_view> paths_of(const consilia_str_t* paths, size_t count) {
    std::vector<std::string_view> made;
    for (const consilia_str_t& path : items(paths, count, "paths")) made.push_back(view(path));
    return made;
}

/// Whether the text is a path as it stands; a column named `order` is one, and no expression.
bool is_path(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
}

Query ordered(const Query& query, const consilia_order_t& order) {
    std::string_view by = view(order.by);
    data::OrderOptions options{.is_descending = order.is_descending != 0,
                               .nulls = enumerator(order.nulls, data::Nulls::Last, "nulls")};
    if (by.starts_with('-') && is_path(by.substr(1))) {
        options.is_descending = true;
        by.remove_prefix(1);
    }
    if (is_path(by)) return query.order_by(by, options);
    return query.order_by(core::Term(core::parse_expression(by)), options);
}

}  // namespace

extern "C" {

consilia_status_t consilia_model_query(const consilia_model_t* model, consilia_query_t** out_query,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = consilia::capi::cleared(out_query, "out_query");
        const auto& used = consilia::capi::in_use(model);
        out = new consilia_query_t{Query(*used), used};
    });
}

void consilia_query_free(consilia_query_t* query) {
    delete query;
}

consilia_status_t consilia_query_where(const consilia_query_t* query, consilia_str_t condition,
                                       const consilia_parameter_t* parameters, size_t parameter_count,
                                       consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.where(expression_of(condition), parameters_of(parameters, parameter_count));
        });
    });
}

consilia_status_t consilia_query_exclude(const consilia_query_t* query, consilia_str_t condition,
                                         const consilia_parameter_t* parameters, size_t parameter_count,
                                         consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.exclude(expression_of(condition), parameters_of(parameters, parameter_count));
        });
    });
}

consilia_status_t consilia_query_having(const consilia_query_t* query, consilia_str_t condition,
                                        const consilia_parameter_t* parameters, size_t parameter_count,
                                        consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.having(expression_of(condition), parameters_of(parameters, parameter_count));
        });
    });
}

consilia_status_t consilia_query_scope(const consilia_query_t* query, consilia_str_t name,
                                       const consilia_parameter_t* parameters, size_t parameter_count,
                                       consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.scope(view(name), parameters_of(parameters, parameter_count));
        });
    });
}

consilia_status_t consilia_query_annotate(const consilia_query_t* query, consilia_str_t name,
                                          consilia_str_t expression, const consilia_parameter_t* parameters,
                                          size_t parameter_count, consilia_query_t** out_query,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.annotate(view(name), core::bind(expression_of(expression),
                                                        parameters_of(parameters, parameter_count)));
        });
    });
}

consilia_status_t consilia_query_with_deleted(const consilia_query_t* query, consilia_query_t** out_query,
                                              consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [](const Query& from) { return from.with_deleted(); }); });
}

consilia_status_t consilia_query_only_deleted(const consilia_query_t* query, consilia_query_t** out_query,
                                              consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [](const Query& from) { return from.only_deleted(); }); });
}

consilia_status_t consilia_query_order_by(const consilia_query_t* query, const consilia_order_t* orders,
                                          size_t order_count, consilia_query_t** out_query,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](Query from) {
            for (const consilia_order_t& order : items(orders, order_count, "orders"))
                from = ordered(from, order);
            return from;
        });
    });
}

consilia_status_t consilia_query_unordered(const consilia_query_t* query, consilia_query_t** out_query,
                                           consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [](const Query& from) { return from.unordered(); }); });
}

consilia_status_t consilia_query_limit(const consilia_query_t* query, int64_t rows,
                                       consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [&](const Query& from) { return from.limit(rows); }); });
}

consilia_status_t consilia_query_offset(const consilia_query_t* query, int64_t rows,
                                        consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [&](const Query& from) { return from.offset(rows); }); });
}

consilia_status_t consilia_query_page(const consilia_query_t* query, int64_t number, int64_t size,
                                      consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [&](const Query& from) { return from.page(number, size); }); });
}

consilia_status_t consilia_query_after(const consilia_query_t* query, const consilia_value_t* key,
                                       size_t value_count, consilia_query_t** out_query,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query,
             [&](const Query& from) { return from.after(consilia::capi::values_of(key, value_count)); });
    });
}

consilia_status_t consilia_query_after_row(const consilia_query_t* query, const consilia_row_set_t* rows,
                                           size_t row, consilia_query_t** out_query,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.after(from.key(*consilia::capi::require(rows, "rows").rows, row));
        });
    });
}

consilia_status_t consilia_query_select(const consilia_query_t* query, const consilia_str_t* paths,
                                        size_t path_count, consilia_query_t** out_query,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.select(std::span<const std::string_view>(paths_of(paths, path_count)));
        });
    });
}

consilia_status_t consilia_query_defer(const consilia_query_t* query, const consilia_str_t* columns,
                                       size_t column_count, consilia_query_t** out_query,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query,
             [&](const Query& from) { return from.defer(paths_of(columns, column_count)); });
    });
}

consilia_status_t consilia_query_include(const consilia_query_t* query, consilia_str_t relation,
                                         consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) { return from.include(view(relation)); });
    });
}

consilia_status_t consilia_query_distinct(const consilia_query_t* query, consilia_query_t** out_query,
                                          consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { step(query, out_query, [](const Query& from) { return from.distinct(); }); });
}

consilia_status_t consilia_query_group_by(const consilia_query_t* query, const consilia_str_t* paths,
                                          size_t path_count, consilia_query_t** out_query,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) { return from.group_by(paths_of(paths, path_count)); });
    });
}

consilia_status_t consilia_query_search(const consilia_query_t* query, consilia_str_t text,
                                        consilia_str_t rank_as, consilia_query_t** out_query,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.search(view(text), {.rank_as = std::string(view(rank_as))});
        });
    });
}

consilia_status_t consilia_query_for_update(const consilia_query_t* query, int32_t skip_locked,
                                            consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query,
             [&](const Query& from) { return from.for_update({.skip_locked = skip_locked != 0}); });
    });
}

consilia_status_t consilia_query_rows(const consilia_query_t* query, consilia_query_t** out_query,
                                      consilia_error_t** out_error) {
    return guard(out_error, [&] { step(query, out_query, [](const Query& from) { return from.rows(); }); });
}

consilia_status_t consilia_query_with_descendants(const consilia_query_t* query, consilia_str_t relation,
                                                  consilia_query_t** out_query,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) { return from.with_descendants(view(relation)); });
    });
}

consilia_status_t consilia_query_with_ancestors(const consilia_query_t* query, consilia_str_t relation,
                                                consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) { return from.with_ancestors(view(relation)); });
    });
}

}  // extern "C"
