#pragma once
// Sessions of Python where the access layer reads or changes several rows together.
#include <utility>

#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

/// Runs `body` in a transaction, without the GIL: that of the object, or one of its own on a database.
template <class F>
auto with_transaction(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    const SessionUse use(session);
    const GilReleased released;
    if (session->is_database) return session->database->transact(body);
    if (session->writer == nullptr)
        throw core::InvalidArgument("database.transaction", "the session is no writing transaction");
    return body(*session->writer);
}

/// Runs `body` on what the object sees, without the GIL: on a database on one snapshot.
template <class F>
auto with_snapshot(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    const SessionUse use(session);
    const GilReleased released;
    if (!session->is_database) return body(*session->session);
    const data::ReadScope snapshot = session->database->read();
    return body(static_cast<const data::Session&>(snapshot));
}

}  // namespace consilia::bindings
