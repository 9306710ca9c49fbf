// Databases, transactions and read scopes; data_store.cpp has what is done with records on them.
#include <chrono>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* session_type = nullptr;

namespace {

PyTypeObject* transaction_type = nullptr;
PyTypeObject* read_scope_type = nullptr;

PyObject* dialect(PyObject* self, void*) {
    const bool is_sqlite =
        reinterpret_cast<SessionObject*>(self)->database->dialect() == core::SqlDialect::Sqlite;
    return PyUnicode_FromString(is_sqlite ? "sqlite" : "postgresql");
}

SessionObject* make_session(PyTypeObject* type, std::shared_ptr<data::Database> database) {
    auto* made = reinterpret_cast<SessionObject*>(type->tp_alloc(type, 0));
    if (made == nullptr) throw py::error_already_set();
    new (&made->database) std::shared_ptr<data::Database>(std::move(database));
    new (&made->transaction) std::unique_ptr<data::Transaction>();
    new (&made->read) std::unique_ptr<data::ReadScope>();
    return made;
}

/// Ends what the object stands for; rolls back what was not committed.
void end(SessionObject* self) noexcept {
    self->writer = nullptr;
    self->session = nullptr;
    auto transaction = std::move(self->transaction);
    auto read = std::move(self->read);
    if (!transaction && !read) return;
    const GilReleased released;
    transaction.reset();
    read.reset();
}

void session_dealloc(PyObject* object) {
    auto* self = reinterpret_cast<SessionObject*>(object);
    PyTypeObject* type = Py_TYPE(object);
    end(self);
    self->transaction.~unique_ptr();
    self->read.~unique_ptr();
    if (self->database) {
        const GilReleased released;  // The last one closes the database.
        self->database.reset();
    }
    self->database.~shared_ptr();
    type->tp_free(object);
    Py_DECREF(type);
}

struct Ending {
    SessionObject* session;
    ~Ending() { end(session); }
};

PyObject* enter(PyObject* self, PyObject*) {
    return Py_NewRef(self);
}

data::Transaction& writer_of(PyObject* object) {
    auto* self = reinterpret_cast<SessionObject*>(object);
    if (self->writer != nullptr) return *self->writer;
    throw core::InvalidArgument("database.transaction", "the transaction has ended already");
}

PyObject* transaction_exit(PyObject* object, PyObject* const* given, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<SessionObject*>(object);
        if (self->writer == nullptr) Py_RETURN_FALSE;
        const SessionUse use(self);
        const Ending ending{self};  // Whether or not the commit succeeds.
        if (count > 0 && given[0] == Py_None) {
            const GilReleased released;
            self->writer->commit();
        }
        Py_RETURN_FALSE;
    });
}

PyObject* commit(PyObject* object, PyObject*) {
    return guarded([&]() -> PyObject* {
        data::Transaction& writer = writer_of(object);
        auto* self = reinterpret_cast<SessionObject*>(object);
        const SessionUse use(self);
        const Ending ending{self};
        {
            const GilReleased released;
            writer.commit();
        }
        Py_RETURN_NONE;
    });
}

PyObject* rollback(PyObject* object, PyObject*) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<SessionObject*>(object);
        if (self->writer == nullptr) Py_RETURN_NONE;
        const SessionUse use(self);
        self->writer->rollback();
        end(self);
        Py_RETURN_NONE;
    });
}

PyObject* act_as(PyObject* self, PyObject* actor) {
    return guarded([&]() -> PyObject* {
        data::Transaction& writer = writer_of(self);
        const std::int64_t key = integer_of(actor);
        const SessionUse use(reinterpret_cast<SessionObject*>(self));
        const GilReleased released;
        writer.act_as(key);
        Py_RETURN_NONE;
    });
}

PyObject* on_commit(PyObject* self, PyObject* action) {
    return guarded([&]() -> PyObject* {
        const std::shared_ptr<PyObject> held(Py_NewRef(action), [](PyObject* object) {
            const py::gil_scoped_acquire acquired;
            Py_DECREF(object);
        });
        writer_of(self).on_commit([held] {
            const py::gil_scoped_acquire acquired;
            owned(PyObject_CallNoArgs(held.get()));
        });
        Py_RETURN_NONE;
    });
}

struct SavepointObject {
    PyObject_HEAD SessionObject* transaction;
};

PyTypeObject* savepoint_type = nullptr;

PyObject* savepoint(PyObject* self, PyObject*) {
    auto* made = reinterpret_cast<SavepointObject*>(savepoint_type->tp_alloc(savepoint_type, 0));
    if (made != nullptr) made->transaction = reinterpret_cast<SessionObject*>(Py_NewRef(self));
    return reinterpret_cast<PyObject*>(made);
}

void savepoint_step(PyObject* object, void (data::Transaction::*step)()) {
    SessionObject* session = reinterpret_cast<SavepointObject*>(object)->transaction;
    data::Transaction& writer = writer_of(reinterpret_cast<PyObject*>(session));
    const SessionUse use(session);
    const GilReleased released;
    (writer.*step)();
}

PyObject* savepoint_enter(PyObject* self, PyObject*) {
    return guarded([&] {
        savepoint_step(self, &data::Transaction::begin_savepoint);
        return Py_NewRef(self);
    });
}

PyObject* savepoint_exit(PyObject* self, PyObject* const* given, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        const bool is_good = count > 0 && given[0] == Py_None;
        savepoint_step(self,
                       is_good ? &data::Transaction::release_savepoint : &data::Transaction::undo_savepoint);
        Py_RETURN_FALSE;
    });
}

void savepoint_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_CLEAR(reinterpret_cast<SavepointObject*>(self)->transaction);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* read_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
    end(reinterpret_cast<SessionObject*>(self));
    Py_RETURN_FALSE;
}

data::DatabaseOptions options_of(const py::dict& given) {
    data::DatabaseOptions options;
    for (const auto& [name, value] : given) {
        const auto text = name.cast<std::string>();
        if (text == "connections_max") {
            options.connections_max = value.cast<std::size_t>();
        } else if (text == "busy_timeout_ms") {
            options.busy_timeout = std::chrono::milliseconds(value.cast<std::int64_t>());
        } else if (text == "idle_check_after_ms") {
            options.idle_check_after = std::chrono::milliseconds(value.cast<std::int64_t>());
        } else if (text == "statements_max") {
            options.statements_max = value.cast<std::size_t>();
        } else if (text == "prepared_statements") {
            options.prepared_statements = value.cast<bool>();
        } else {
            throw_type_error("Database() has no option `" + text + "`");
        }
    }
    return options;
}

PyObject* database_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    return guarded([&] {
        PyObject* url = nullptr;
        if (PyArg_ParseTuple(args, "U", &url) == 0) throw py::error_already_set();
        const std::string source(text_of(url));
        const auto options =
            options_of(keywords == nullptr ? py::dict() : py::reinterpret_borrow<py::dict>(keywords));
        std::shared_ptr<data::Database> database;
        {
            const GilReleased released;
            database = std::make_shared<data::Database>(source, options);
        }
        SessionObject* made = make_session(type, std::move(database));
        made->is_database = true;
        return reinterpret_cast<PyObject*>(made);
    });
}

int database_init(PyObject*, PyObject*, PyObject*) {
    return 0;
}

SessionObject* wrap(const std::shared_ptr<data::Database>& database, data::Transaction& transaction) {
    SessionObject* made = make_session(transaction_type, database);
    made->writer = &transaction;
    made->session = &transaction;
    return made;
}

data::Isolation isolation_of(PyObject* object) {
    const std::string_view text = object == nullptr ? "read committed" : text_of(object);
    if (text == "read committed") return data::Isolation::ReadCommitted;
    if (text == "serializable") return data::Isolation::Serializable;
    throw_type_error("`isolation` is \"read committed\" or \"serializable\"");
}

PyObject* begin(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("begin", {"isolation"}, 0, given, count, names);
        const auto& database = reinterpret_cast<SessionObject*>(self)->database;
        const data::TransactionOptions options{isolation_of(arguments.unless_none(0))};
        std::unique_ptr<data::Transaction> transaction;
        {
            const GilReleased released;
            transaction = std::make_unique<data::Transaction>(database->begin(options));
        }
        SessionObject* made = wrap(database, *transaction);
        made->transaction = std::move(transaction);
        return reinterpret_cast<PyObject*>(made);
    });
}

PyObject* read(PyObject* self, PyObject*) {
    return guarded([&] {
        const auto& database = reinterpret_cast<SessionObject*>(self)->database;
        std::unique_ptr<data::ReadScope> scope;
        {
            const GilReleased released;
            scope = std::make_unique<data::ReadScope>(database->read());
        }
        SessionObject* made = make_session(read_scope_type, database);
        made->session = scope.get();
        made->read = std::move(scope);
        return reinterpret_cast<PyObject*>(made);
    });
}

/// An error of the body that asks for another attempt, as C++ knows it.
[[noreturn]] void rethrow(py::error_already_set& error) {
    const py::object& raised = error.value();
    if (py::hasattr(raised, "code")) {
        const auto code = raised.attr("code").cast<std::string>();
        if (code == "database.serialization" || code == "database.busy")
            throw core::Unavailable(code, py::str(raised).cast<std::string>());
    }
    throw error;
}

PyObject* transact(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("transact", {"body", "attempts_max", "isolation"}, 1, given, count, names);
        const auto& database = reinterpret_cast<SessionObject*>(self)->database;
        data::RetryOptions options;
        if (PyObject* attempts = arguments.unless_none(1))
            options.attempts_max = static_cast<int>(integer_of(attempts));
        options.isolation = isolation_of(arguments.unless_none(2));
        py::object result;
        const GilReleased released;
        database->transact(
            [&](data::Transaction& transaction) {
                const py::gil_scoped_acquire acquired;
                result = call_in(database, transaction, [&](py::handle session) {
                    return owned(PyObject_CallOneArg(arguments[0], session.ptr()));
                });
            },
            options);
        return result.release().ptr();
    });
}

PyObject* create_tables(PyObject* self, PyObject* const* given, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        std::vector<const data::Model*> models;
        for (Py_ssize_t i = 0; i < count; ++i) models.push_back(&info_of(given[i]).model());
        const auto& database = reinterpret_cast<SessionObject*>(self)->database;
        const GilReleased released;
        data::create_tables(*database, models);
        Py_RETURN_NONE;
    });
}

PyGetSetDef session_properties[] = {{"dialect", dialect, nullptr, "\"sqlite\" or \"postgresql\".", nullptr},
                                    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef database_methods[] = {
    fast_method(
        "begin", begin,
        "begin($self, /, isolation=\"read committed\")\n--\n\nA writing transaction, for `with`: commits "
        "unless the block fails."),
    {"read", read, METH_NOARGS, "read($self, /)\n--\n\nOne snapshot for several reads, for `with`."},
    fast_method(
        "transact", transact,
        "transact($self, /, body, attempts_max=5, isolation=\"read committed\")\n--\n\nRuns "
        "`body(transaction)` in a transaction and commits it; again where the database asks\nfor it."),
    {"create_tables", fast(create_tables), METH_FASTCALL,
     "Creates tables and indexes that are missing, of tables in any order."},
    {nullptr, nullptr, 0, nullptr}};

PyMethodDef transaction_methods[] = {
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", fast(transaction_exit), METH_FASTCALL, nullptr},
    {"commit", commit, METH_NOARGS, "commit($self, /)\n--\n\nMakes all changes permanent."},
    {"rollback", rollback, METH_NOARGS, "rollback($self, /)\n--\n\nUndoes all changes."},
    {"on_commit", on_commit, METH_O,
     "on_commit($self, action, /)\n--\n\nCalls `action` after a successful commit."},
    {"act_as", act_as, METH_O,
     "act_as($self, actor, /)\n--\n\nSays who acts from here on, for models with `audit` or `history`."},
    {"savepoint", savepoint, METH_NOARGS,
     "savepoint($self, /)\n--\n\nFor `with`: what changes in a block that fails is undone, and the rest "
     "stays."},
    {nullptr, nullptr, 0, nullptr}};

PyMethodDef savepoint_methods[] = {{"__enter__", savepoint_enter, METH_NOARGS, nullptr},
                                   {"__exit__", fast(savepoint_exit), METH_FASTCALL, nullptr},
                                   {nullptr, nullptr, 0, nullptr}};

PyMethodDef read_methods[] = {{"__enter__", enter, METH_NOARGS, nullptr},
                              {"__exit__", fast(read_exit), METH_FASTCALL, nullptr},
                              {nullptr, nullptr, 0, nullptr}};

}  // namespace

py::object call_in(const std::shared_ptr<data::Database>& database, data::Transaction& transaction,
                   const std::function<py::object(py::handle session)>& body) {
    const auto session =
        py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(wrap(database, transaction)));
    const Ending ending{reinterpret_cast<SessionObject*>(session.ptr())};
    try {
        return body(session);
    } catch (py::error_already_set& error) {
        rethrow(error);
    }
}

SessionUse::SessionUse(SessionObject* session) : session_(session) {
    if (session->is_database) return;
    if (session->session == nullptr)
        throw core::InvalidArgument("database.transaction",
                                    "the transaction or read scope has ended already");
    if (session->is_busy)
        throw core::InvalidArgument("database.session",
                                    "the session is used by another thread at this moment");
    session->is_busy = true;
}

SessionUse::~SessionUse() {
    session_->is_busy = false;
}

SessionObject* as_session(PyObject* object) {
    if (PyObject_TypeCheck(object, session_type) == 0)
        throw_type_error(std::string("wanted a Database, Transaction or ReadScope, not `") +
                         Py_TYPE(object)->tp_name + "`");
    return reinterpret_cast<SessionObject*>(object);
}

void add_session_types(py::module_& module) {
    static PyType_Slot session_slots[] = {
        {Py_tp_doc, const_cast<char*>("What statements run on: a Database, a Transaction or a ReadScope.")},
        {Py_tp_dealloc, reinterpret_cast<void*>(session_dealloc)},
        {Py_tp_methods, store_methods()},
        {Py_tp_getset, session_properties},
        {0, nullptr}};
    static PyType_Spec session_spec = {
        "consilia._core.data.Session", sizeof(SessionObject), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, session_slots};
    session_type = add_type(module, session_spec);
    static PyType_Slot database_slots[] = {
        {Py_tp_doc,
         const_cast<char*>("A database, SQLite or PostgreSQL. Each call is a transaction of its own.")},
        {Py_tp_new, reinterpret_cast<void*>(database_new)},
        {Py_tp_init, reinterpret_cast<void*>(database_init)},
        {Py_tp_methods, database_methods},
        {0, nullptr}};
    static PyType_Spec database_spec = {"consilia._core.data.Database", sizeof(SessionObject), 0,
                                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, database_slots};
    add_type(module, database_spec, session_type);
    static PyType_Slot transaction_slots[] = {
        {Py_tp_doc, const_cast<char*>("A writing transaction; `with` commits it unless the block fails.")},
        {Py_tp_methods, transaction_methods},
        {0, nullptr}};
    static PyType_Spec transaction_spec = {"consilia._core.data.Transaction", sizeof(SessionObject), 0,
                                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                           transaction_slots};
    transaction_type = add_type(module, transaction_spec, session_type);
    static PyType_Slot savepoint_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(savepoint_dealloc)},
                                            {Py_tp_methods, savepoint_methods},
                                            {0, nullptr}};
    static PyType_Spec savepoint_spec = {"consilia._core.data.Savepoint", sizeof(SavepointObject), 0,
                                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                         savepoint_slots};
    savepoint_type = add_type(module, savepoint_spec);
    static PyType_Slot read_slots[] = {
        {Py_tp_doc, const_cast<char*>("One snapshot for any number of reads.")},
        {Py_tp_methods, read_methods},
        {0, nullptr}};
    static PyType_Spec read_spec = {"consilia._core.data.ReadScope", sizeof(SessionObject), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, read_slots};
    read_scope_type = add_type(module, read_spec, session_type);
}

}  // namespace consilia::bindings
