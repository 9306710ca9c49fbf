#pragma once
// The types of forms that are made with CPython's own API, and what they share: a check takes about as long
// as two calls through pybind11.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/validation/form.hpp"
#include "native.hpp"

namespace consilia::bindings {

/// The names of a form as strings of Python, in its order.
struct FormKeys {
    explicit FormKeys(const validation::FormShape& shape);

    const validation::FormShape* shape;  ///< Lives as long as the form.
    std::vector<py::object> names;       ///< Interned.
    /// Every name with None: a copy of it has its room already, and is filled in half the time.
    py::object blank;
};

/// What stands behind a Form of Python.
struct FormState {
    explicit FormState(validation::Form given);
    [[nodiscard]] const FormKeys& keys(const validation::FormShape& shape) const;

    validation::Form form;

private:
    void add(const validation::Form& form);
    void add(const validation::Field& field);
    std::vector<std::unique_ptr<const FormKeys>> keys_;  ///< Of the form first, then of those in it.
};

struct FormObject {
    PyObject_HEAD FormState* state;
};

/// The errors of a report, which its FieldErrors share. Destroyed with the GIL held.
struct FoundErrors {
    std::vector<validation::FoundError> all;
    py::object form;      ///< Keeps the messages of its fields.
    py::object messages;  ///< Messages, or a function; null: English.

    [[nodiscard]] std::string message(std::size_t place) const;
    [[nodiscard]] validation::FieldError at(std::size_t place) const;
    /// For what C++ says of errors: their JSON, the failure that they are.
    [[nodiscard]] validation::Report report() const;
};

struct ReportObject {
    PyObject_HEAD PyObject* values;
    std::shared_ptr<const FoundErrors> errors;  ///< Null: none.
    PyObject* list;                             ///< Of FieldErrors; null until it is asked for.
};

struct FieldErrorObject {
    PyObject_HEAD std::shared_ptr<const FoundErrors> errors;
    std::size_t place;
};

extern PyTypeObject* form_type;

void add_form_type(py::module_& module);
void add_report_types(py::module_& module);

/// Takes over `values`.
PyObject* make_report(py::object values, std::shared_ptr<const FoundErrors> errors);
/// The errors of a report. @throws TypeError for another object.
std::vector<validation::FieldError> errors_of(PyObject* report);
PyObject* make_form(PyTypeObject* type, validation::Form form);
/// @throws TypeError for another object.
const FormState& form_of(PyObject* object);
/// A field from a kind and the options of its function. @throws TypeError for an unknown one.
validation::Field field_of(const std::string& kind, std::string name, const py::dict& options);
/// The fields of an iterable. @throws TypeError for what is none.
std::vector<validation::Field> fields_of(const py::object& given);
/// The options of a form by name. @throws TypeError for an unknown one.
validation::FormOptions form_options_of(const py::dict& given);
/// Forms from models, to and from JSON Schema, and as HTML.
void bind_form_sources(py::module_& module);
/// A dict of texts, Messages, or a function that is given code and parameters. @throws TypeError.
py::object messages_of(PyObject* object);

/// Clean values as a dict.
py::object values_of(const FormState& state, const validation::CleanItems& items);
/// What a form gave, as JSON.
void append_json(std::string& json, PyObject* object);
/// The same of what a client gave; false for what JSON cannot say, or is deeper than 32.
bool is_json(PyObject* object, int depth_left = 32);
py::object json_dumps(PyObject* object);

/// Reads dicts, other mappings, and what web frameworks make of a page, which is several values for a name.
/// With the GIL held, until `finish`.
class PythonReader final : public validation::InputReader {
public:
    explicit PythonReader(const FormState& state) noexcept : state_(state) {}
    PythonReader(const PythonReader&) = delete;
    PythonReader& operator=(const PythonReader&) = delete;
    ~PythonReader() override;

    /// What a value is. Borrows it.
    [[nodiscard]] validation::Input input_of(PyObject* object);
    /// Takes the GIL until nothing is read any more.
    void hold_gil() { gil_.emplace(); }
    void release_gil() { gil_.reset(); }

    void read_object(const validation::Input& object, const validation::FormShape& shape,
                     std::span<validation::Input> slots, validation::StrayNames& strays) override;
    std::size_t read_list(const validation::Input& list, std::size_t limit,
                          std::vector<validation::Input>& elements) override;
    std::string to_json(const validation::Input& value) override;
    [[nodiscard]] bool has_rich_types() const noexcept override { return true; }
    [[nodiscard]] bool gives_objects() const noexcept override { return true; }
    void finish() override { gil_.reset(); }

private:
    validation::Input slow_input_of(PyObject* object);
    void read_dict(PyObject* dict, const FormKeys& keys, std::span<validation::Input> slots,
                   validation::StrayNames& strays);
    void read_lists(PyObject* mapping, const FormKeys& keys, std::span<validation::Input> slots,
                    validation::StrayNames& strays);
    /// Keeps an object until the check has ended: its text is read without the GIL.
    void keep(PyObject* object) {
        Py_INCREF(object);
        if (count_ < kept_.size()) {
            kept_[count_++] = object;
        } else {
            more_.push_back(object);
        }
    }
    /// As `keep`, of a new reference.
    PyObject* keep(py::object object) {
        more_.push_back(object.ptr());
        return object.release().ptr();
    }

    const FormState& state_;
    std::optional<py::gil_scoped_acquire> gil_;
    std::array<PyObject*, 48> kept_;  // NOLINT: the first `count_` are set.
    std::size_t count_ = 0;
    std::vector<PyObject*> more_;
};

}  // namespace consilia::bindings
