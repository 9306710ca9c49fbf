#pragma once
// Steps of queries as C functions write them.
#include <memory>
#include <string>
#include <utility>

#include "data.hpp"

namespace consilia::capi {

/// Writes the query that a step makes, with the models of the query that it was made from.
template <class Make>
void step(const consilia_query_t* query, consilia_query_t** out_query, const Make& make) {
    consilia_query_t*& out = cleared(out_query, "out_query");
    const consilia_query_t& from = require(query, "query");
    out = new consilia_query_t{make(from.query), from.keep};
}

/// A step that takes another query: its models stay too.
template <class Make>
void step(const consilia_query_t* query, const consilia_query_t* other, const char* name,
          consilia_query_t** out_query, const Make& make) {
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    consilia_query_t*& out = cleared(out_query, "out_query");
    const consilia_query_t& from = require(query, "query");
    const consilia_query_t& with = require(other, name);
    std::shared_ptr<const void> keep = from.keep;
    if (with.keep != keep) keep = std::make_shared<const Both>(from.keep, with.keep);
    out = new consilia_query_t{make(from.query, with.query), std::move(keep)};
}

}  // namespace consilia::capi
