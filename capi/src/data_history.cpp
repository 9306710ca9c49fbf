#include "consilia/data/history.hpp"

#include "consilia/c/data/history.h"
#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::session_of;

namespace {

/// A history and the model that it must not outlive.
struct Kept {
    explicit Kept(std::shared_ptr<const data::Model> of) : model(std::move(of)), history(*model) {}
    std::shared_ptr<const data::Model> model;
    data::History history;
};

}  // namespace

struct consilia_history {
    std::shared_ptr<const Kept> kept;
};

extern "C" {

consilia_status_t consilia_history_new(const consilia_model_t* model, consilia_history_t** out_history,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_history_t*& out = cleared(out_history, "out_history");
        out = new consilia_history_t{std::make_shared<const Kept>(consilia::capi::in_use(model))};
    });
}

void consilia_history_free(consilia_history_t* history) {
    delete history;
}

consilia_status_t consilia_history_query(const consilia_history_t* history, consilia_query_t** out_query,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = cleared(out_query, "out_query");
        const auto& kept = require(history, "history").kept;
        out = new consilia_query_t{data::Query(kept->history.model()), kept};
    });
}

consilia_status_t consilia_history_versions(const consilia_history_t* history, int64_t id,
                                            consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = cleared(out_query, "out_query");
        const auto& kept = require(history, "history").kept;
        out = new consilia_query_t{kept->history.versions(id), kept};
    });
}

consilia_status_t consilia_history_as_of(const consilia_history_t* history, consilia_session_t* session,
                                         int64_t microseconds, consilia_row_set_t** out_rows,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = consilia::capi::row_set(
            require(history, "history")
                .kept->history.as_of(session_of(session), core::Timestamp{microseconds}));
    });
}

consilia_status_t consilia_history_restore(const consilia_history_t* history, consilia_session_t* session,
                                           int64_t history_id, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { require(history, "history").kept->history.restore(session_of(session), history_id); });
}

}  // extern "C"
