#include "consilia/data/listener.hpp"

#include <chrono>

#include "consilia/c/data/listener.h"
#include "data.hpp"

namespace data = consilia::data;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::view;

static_assert(sizeof(consilia_notification_t) == 40);

struct consilia_listener {
    std::shared_ptr<data::Database> database;
    data::Listener listener;
    data::Notification last{};  ///< What the caller borrows.
};

extern "C" {

consilia_status_t consilia_listener_open(consilia_database_t* database, const consilia_str_t* channels,
                                         size_t channel_count, consilia_listener_t** out_listener,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_listener_t*& out = cleared(out_listener, "out_listener");
        const auto& opened = require(database, "database").database;
        out = new consilia_listener_t{
            opened, data::Listener(*opened, consilia::capi::texts_of(channels, channel_count, "channels"))};
    });
}

void consilia_listener_free(consilia_listener_t* listener) {
    delete listener;
}

consilia_status_t consilia_listener_wait(consilia_listener_t* listener, int64_t timeout_ms,
                                         consilia_notification_t* out_notification,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_notification_t& out = cleared(out_notification, "out_notification");
        consilia_listener_t& waiting = require(listener, "listener");
        auto found = waiting.listener.wait(std::chrono::milliseconds(timeout_ms));
        if (!found) return;
        waiting.last = std::move(*found);
        out = {borrow(waiting.last.channel), borrow(waiting.last.payload), waiting.last.process};
    });
}

void consilia_listener_interrupt(consilia_listener_t* listener) {
    if (listener != nullptr) listener->listener.interrupt();
}

consilia_status_t consilia_session_notify(consilia_session_t* session, consilia_str_t channel,
                                          consilia_str_t payload, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { data::notify(consilia::capi::session_of(session), view(channel), view(payload)); });
}

}  // extern "C"
