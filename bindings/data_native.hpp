#pragma once
// The types of the data layer that are made with CPython's own API, and what they share: rows of a result,
// the records that look into them, queries and sessions.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "consilia/data/database.hpp"
#include "consilia/data/model_repository.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/row_set.hpp"
#include "consilia/data/row_tree.hpp"
#include "native.hpp"

namespace consilia::bindings {

struct ModelInfo;

/// Where the values of one record stand in the columns of a result: of the queried model, or of a row that it
/// refers to.
struct RowNode {
    const ModelInfo* info = nullptr;                       ///< Null: rows without a model.
    std::vector<std::int32_t> columns;                     ///< By column of the model; -1: not selected.
    std::vector<std::unique_ptr<RowNode>> relations;       ///< By reference of the model; null: not included.
    std::vector<std::shared_ptr<const RowNode>> branches;  ///< Of what was prefetched.
    /// For what the model does not have, name to column, or to -1 - branch; null if there is nothing.
    py::object extras;
};

/// A Python class that describes a table. Lives as long as the process.
struct ModelInfo {
    ModelInfo(std::shared_ptr<const data::Model> model, PyTypeObject* type);
    data::ModelRepository repository;
    PyTypeObject* type;                ///< Owned.
    std::vector<PyObject*> names;      ///< Of the columns, interned.
    std::vector<PyObject*> relations;  ///< The names of the references, interned.
    std::vector<PyObject*> enums;      ///< By column: a dict from its texts to members of an enum, or null.
    std::vector<const ModelInfo*> targets;  ///< By reference.
    std::vector<std::size_t> reference_columns;
    std::size_t key_column = 0;
    std::shared_ptr<const RowNode> own;  ///< All columns in their order, as `find` gives them.

    [[nodiscard]] const data::Model& model() const noexcept { return repository.model(); }
    [[nodiscard]] std::optional<std::size_t> find_column(PyObject* name) const;
    [[nodiscard]] std::optional<std::size_t> find_reference(PyObject* name) const;
};

/// The description behind a class; declares it first where that was not done yet.
/// @throws TypeError for what is no model.
const ModelInfo& info_of(PyObject* type);
/// Ties classes to their tables: (table, class, classes of its references, enums by column). Together,
/// because they may refer to each other in circles.
void register_models(const py::list& descriptions);
std::shared_ptr<const RowNode> shape_of(const ModelInfo* info, std::span<const data::RowColumn> columns);
void fill_shape(RowNode& root, const ModelInfo* info, std::span<const data::RowColumn> columns);

/// A result, or a part of one.
struct RowsObject {
    PyObject_HEAD std::shared_ptr<const data::RowSet> rows;
    std::shared_ptr<const RowNode> shape;
    const data::RowTree* tree;  ///< What `rows` is part of, if rows were prefetched; kept by it.
    std::size_t begin;
    std::size_t end;
};

/// What was assigned to a record, and values that are made once.
struct RecordLocal {
    std::vector<py::object> cells;
    std::vector<py::object> related;
    std::vector<bool> is_changed;
};

struct RecordObject {
    PyObject_HEAD RowsObject* rows;  ///< Null: not from a database.
    const RowNode* node;
    std::size_t row;
    RecordLocal* local;  ///< Null while nothing was assigned.
};

/// A step of a query that the results need: whose rows hang under a name.
struct Prefetched {
    std::string name;
    const ModelInfo* info;
    std::vector<Prefetched> below;
};

/// What the records of a query have besides their own columns; the steps behind share it.
struct Loaded {
    std::vector<Prefetched> prefetched;
    std::vector<std::string> included;
};

struct QueryObject {
    PyObject_HEAD data::Query query;
    const ModelInfo* info;
    std::shared_ptr<const Loaded> loaded;  ///< Null: nothing.

    [[nodiscard]] const std::vector<Prefetched>& prefetched() const {
        static const std::vector<Prefetched> none;
        return loaded ? loaded->prefetched : none;
    }
};

/// A Database, a Transaction or a ReadScope.
struct SessionObject {
    PyObject_HEAD std::shared_ptr<data::Database> database;
    std::unique_ptr<data::Transaction> transaction;
    std::unique_ptr<data::ReadScope> read;
    data::Transaction* writer;     ///< The transaction, also one that C++ owns; null once it has ended.
    const data::Session* session;  ///< The transaction or read scope; null once it has ended.
    bool is_database;
    bool is_busy;
};

extern PyTypeObject* rows_type;
extern PyTypeObject* row_type;     ///< Records without a model.
extern PyTypeObject* record_type;  ///< Base of the models.
extern PyTypeObject* query_type;
extern PyTypeObject* session_type;

void add_record_types(py::module_& module);
void add_descriptor_types(py::module_& module);
void add_rows_type(py::module_& module);
void add_query_type(py::module_& module);
void add_session_types(py::module_& module);
void add_value_types();
void bind_migrations(py::module_& module);
void bind_schema(py::module_& module);
void bind_messages(py::module_& module);
/// The methods of sessions that store and read records.
PyMethodDef* store_methods();

/// Methods of queries and of sessions that stand in files of their own.
/// The methods of queries that run them.
std::span<const PyMethodDef> query_runs();
void add_chunks_type(py::module_& module);
PyObject* session_notify(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names);
PyObject* session_query_all(PyObject* self, PyObject* statements);

PyObject* make_rows(data::RowSet rows, std::shared_ptr<const RowNode> shape);
PyObject* make_rows(std::shared_ptr<const data::RowSet> rows, std::shared_ptr<const RowNode> shape,
                    std::size_t begin, std::size_t end, const data::RowTree* tree = nullptr);
PyObject* make_tree(std::shared_ptr<const data::RowTree> tree, std::shared_ptr<const RowNode> shape);
PyObject* make_record(RowsObject* rows, const RowNode& node, std::size_t row);
/// Of the class Query, or of one derived from it.
PyObject* make_query(const ModelInfo& info, data::Query query, std::shared_ptr<const Loaded> loaded,
                     PyTypeObject* type);
/// @throws TypeError, here and below, for another object.
const data::Query& query_of(PyObject* object);

/// A dotted path: text, a column or a reference of a model.
std::string_view path_of(PyObject* object);
/// A Term, an Expression, or a value as a literal.
core::Expression expression_of(PyObject* object);
/// As `expression_of`, of the values of a call that were given by name.
std::vector<data::NamedExpression> named_expressions(PyObject* const* values, PyObject* names);
/// A Term, an Expression, or the text of one.
core::Expression condition_of(PyObject* object);
/// What a column gets; the name may be that of a reference, which gets a record.
data::Assignment assignment_of(const ModelInfo& info, PyObject* name, PyObject* object);

/// The value of a record's column. @throws AttributeError where it was not selected.
py::object record_value(RecordObject* record, std::size_t column);
void set_column(RecordObject* record, std::size_t column, PyObject* value);
/// The record that a reference leads to, or None. @throws AttributeError where it was not loaded.
py::object related_record(RecordObject* record, std::size_t reference);
void set_reference(RecordObject* record, std::size_t reference, PyObject* value);
/// The values of a record that were assigned: all of a new one, the changed ones of a stored one.
std::vector<data::Assignment> assigned_values(RecordObject* record);
/// Sets a value as the database has it now.
void set_stored(RecordObject* record, std::size_t column, py::object value);
void forget_changes(RecordObject* record);
RecordObject* as_record(PyObject* object);

/// A cell as its natural Python object; JSON is parsed.
PyObject* to_python(const data::ColumnData& cells, std::size_t row);
PyObject* date_object(core::Date date);
/// In UTC.
PyObject* datetime_object(std::int64_t microseconds);
PyObject* uuid_object(const core::Uuid& uuid);
/// A date, or a datetime.
bool is_date(PyObject* object) noexcept;
/// A date, or a datetime in UTC: what comes back from a value as an equal object of the same class.
bool is_kept_time(PyObject* object) noexcept;
/// A Python object as a value of this column: integers for doubles, enums by their value, anything for JSON.
core::Value to_value(const data::Column& column, PyObject* object);
/// The values of a sequence, for trusted SQL; none of a null.
std::vector<core::Value> values_of(PyObject* object);
/// As `to_value`, appended to a result.
void append_value(data::RowSet& rows, const data::Column& column, PyObject* object);

/// `rows.column(name)`: a numpy array.
py::object numpy_column(const RowsObject& rows, std::size_t column);
py::object arrow_array(const std::shared_ptr<const data::RowSet>& rows);
py::object arrow_stream(const std::shared_ptr<const data::RowSet>& rows);
/// Rows of records, dicts, tuples (with `columns`) or anything with Arrow's stream, in chunks for `take`,
/// which is called with the GIL held.
void read_rows(const ModelInfo& info, PyObject* source, PyObject* columns,
               const std::function<void(const data::RowSet&)>& take);

/// Runs `body` on the session of an object, without the GIL. One that is used by another thread is refused.
class SessionUse {
public:
    explicit SessionUse(SessionObject* session);
    SessionUse(const SessionUse&) = delete;
    SessionUse& operator=(const SessionUse&) = delete;
    ~SessionUse();

private:
    SessionObject* session_;
};
SessionObject* as_session(PyObject* object);
/// Calls `body` with a transaction of C++ as an object of Python, which has ended when it comes back. With
/// the GIL. What `body` raises because the database asks for another attempt comes out as C++ knows it.
py::object call_in(const std::shared_ptr<data::Database>& database, data::Transaction& transaction,
                   const std::function<py::object(py::handle session)>& body);

template <class F>
auto with_session(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    const SessionUse use(session);
    const GilReleased released;
    if (session->session != nullptr) return body(*session->session);
    const data::Autocommit single = session->database->autocommit();
    return body(static_cast<const data::Session&>(single));
}

/// As `with_session`, for more than one statement: on a database a transaction of its own.
template <class F>
auto with_writer(PyObject* object, const F& body) {
    SessionObject* session = as_session(object);
    const SessionUse use(session);
    const GilReleased released;
    if (session->session != nullptr) return body(*session->session);
    data::Transaction transaction = session->database->begin();
    if constexpr (std::is_void_v<decltype(body(transaction))>) {
        body(static_cast<const data::Session&>(transaction));
        transaction.commit();
    } else {
        auto result = body(static_cast<const data::Session&>(transaction));
        transaction.commit();
        return result;
    }
}

}  // namespace consilia::bindings
