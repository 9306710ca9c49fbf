// Steps that take another query: prefetches, unions and subqueries.
#include "consilia/c/data/query.h"
#include "consilia/data/subquery.hpp"
#include "data_query.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::guard;
using consilia::capi::step;
using consilia::capi::view;
using data::Query;

extern "C" {

consilia_status_t consilia_query_prefetch(const consilia_query_t* query, consilia_str_t name,
                                          const consilia_query_t* children, consilia_str_t relation,
                                          consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, children, "children", out_query, [&](const Query& from, const Query& with) {
            return from.prefetch(view(name), with, view(relation));
        });
    });
}

consilia_status_t consilia_query_union_all(const consilia_query_t* query, const consilia_query_t* other,
                                           consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, other, "other", out_query,
             [](const Query& from, const Query& with) { return from.union_all(with); });
    });
}

consilia_status_t consilia_query_union_distinct(const consilia_query_t* query, const consilia_query_t* other,
                                                consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, other, "other", out_query,
             [](const Query& from, const Query& with) { return from.union_distinct(with); });
    });
}

consilia_status_t consilia_query_related(const consilia_query_t* query, consilia_str_t relation,
                                         consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) { return data::related(from, view(relation)); });
    });
}

consilia_status_t consilia_query_where_outer(const consilia_query_t* query, consilia_str_t path,
                                             consilia_str_t outer_path, consilia_query_t** out_query,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const Query& from) {
            return from.where(core::field(view(path)) == core::outer(view(outer_path)));
        });
    });
}

consilia_status_t consilia_query_where_exists(const consilia_query_t* query, const consilia_query_t* children,
                                              int32_t is_negated, consilia_query_t** out_query,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, children, "children", out_query, [&](const Query& from, const Query& with) {
            const core::Expression there = data::exists(with);
            return from.where(is_negated != 0 ? !there : there);
        });
    });
}

consilia_status_t consilia_query_where_in(const consilia_query_t* query, consilia_str_t expression,
                                          const consilia_query_t* children, int32_t is_negated,
                                          consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, children, "children", out_query, [&](const Query& from, const Query& with) {
            const core::Expression among =
                data::in(core::Term(core::parse_expression(view(expression))), with);
            return from.where(is_negated != 0 ? !among : among);
        });
    });
}

consilia_status_t consilia_query_annotate_query(const consilia_query_t* query, consilia_str_t name,
                                                const consilia_query_t* children, consilia_str_t aggregate,
                                                consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, children, "children", out_query, [&](const Query& from, const Query& with) {
            const std::string_view text = view(aggregate);
            return from.annotate(view(name),
                                 text.empty() ? data::scalar(with)
                                              : data::scalar(with, core::Term(core::parse_expression(text))));
        });
    });
}

}  // extern "C"
