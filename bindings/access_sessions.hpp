#pragma once
// Sessions of Python where the access layer reads or changes several rows together.
#include <utility>

#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

/// Runs `body` in the writing transaction that the object is, without the GIL.
template <class F>
auto in_transaction(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    const SessionUse use(session);
    const GilReleased released;
    if (session->writer == nullptr)
        throw core::InvalidArgument("database.transaction", "the session is no writing transaction");
    return body(*session->writer);
}

/// As `in_transaction`, or on a database in a transaction of its own.
template <class F>
auto with_transaction(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    if (!session->is_database) return in_transaction(object, body);
    const SessionUse use(session);
    const GilReleased released;
    return session->database->transact(body);
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
