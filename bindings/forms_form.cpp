// Forms of Python: how they are declared, and the check.
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {

PyTypeObject* form_type = nullptr;

namespace {

using validation::Checked;
using validation::CheckOptions;
using validation::Form;
using validation::FormOptions;
using validation::Mode;

FormObject& as_form(PyObject* object) {
    return *reinterpret_cast<FormObject*>(object);
}

Mode mode_of(PyObject* object) {
    const std::string_view name = text_of(object);
    if (name == "coerce") return Mode::Coerce;
    if (name == "strict") return Mode::Strict;
    throw py::value_error("a mode is `coerce` or `strict`");
}

bool refuses_unknown(PyObject* object) {
    const std::string_view name = text_of(object);
    if (name == "refuse") return true;
    if (name == "ignore") return false;
    throw py::value_error("unknown names are met with `refuse` or `ignore`");
}

bool truth_of(PyObject* object) {
    const int truth = object == nullptr ? 0 : PyObject_IsTrue(object);
    if (truth < 0) throw py::error_already_set();
    return truth != 0;
}

/// A model and fields, or a model and a dict from fields to its columns.
validation::UniqueTogether unique_together_of(const py::handle given) {
    const auto [model, fields] = given.cast<std::pair<py::object, py::object>>();
    validation::UniqueTogether unique;
    unique.model = info_of(model.ptr()).repository.shared_model();
    for (const py::handle field : fields) {
        unique.fields.emplace_back(text_of(field.ptr()));
        if (PyDict_Check(fields.ptr())) unique.columns.emplace_back(path_of(py::object(fields[field]).ptr()));
    }
    return unique;
}

validation::Rule rule_of(const py::handle given) {
    if (const auto* rule = held<validation::Rule>(given.ptr())) return *rule;
    return {.check = condition_of(given.ptr())};
}

/// What a check is given besides the data.
struct Circumstances {
    explicit Circumstances(const Arguments& given)
        : session(given.unless_none(0)), messages(given.unless_none(4)) {
        options.is_partial = truth_of(given[1]);
        if (PyObject* mode = given.unless_none(2)) options.mode = mode_of(mode);
        if (PyObject* key = given.unless_none(3)) options.except_key = integer_of(key);
        if (PyObject* now = given.unless_none(5)) {
            const core::Value instant = to_value(py::handle(now));
            if (instant.type() != core::ValueType::Timestamp) throw_type_error("`now` is a datetime");
            options.clock = &clock.emplace(instant.as<core::Timestamp>());
        }
        if (PyObject* most = given.unless_none(6)) {
            const std::int64_t errors = integer_of(most);
            if (errors < 1) throw py::value_error("at least one error is told");
            options.errors_max = static_cast<std::size_t>(errors);
        }
        options.skips_database = truth_of(given[7]);
    }
    Circumstances(const Circumstances&) = delete;
    Circumstances& operator=(const Circumstances&) = delete;
    ~Circumstances() = default;

    CheckOptions options;
    PyObject* session;
    PyObject* messages;
    std::optional<core::ManualClock> clock;
};

PyObject* report_of(PyObject* self, Checked& checked, PyObject* messages) {
    const FormState& state = *as_form(self).state;
    py::object values = values_of(state, checked.values());
    if (checked.errors().empty()) return make_report(std::move(values), nullptr);
    auto errors = std::make_shared<FoundErrors>();
    errors->all = checked.take_errors();
    errors->form = py::reinterpret_borrow<py::object>(self);
    if (messages != nullptr) errors->messages = messages_of(messages);
    return make_report(std::move(values), std::move(errors));
}

/// The bytes of a text or of a buffer, which stay as they are.
class JsonText {
public:
    explicit JsonText(PyObject* object) {
        if (PyUnicode_Check(object)) {
            Py_ssize_t size = 0;
            const char* text = PyUnicode_AsUTF8AndSize(object, &size);
            if (text == nullptr) {
                PyErr_Clear();
                bytes_ = owned(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
                text = PyBytes_AS_STRING(bytes_.ptr());
                size = PyBytes_GET_SIZE(bytes_.ptr());
            }
            text_ = {text, static_cast<std::size_t>(size)};
            return;
        }
        if (!PyBytes_CheckExact(object)) {
            bytes_ = owned(PyBytes_FromObject(object));
            object = bytes_.ptr();
        }
        text_ = {PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
    }
    [[nodiscard]] std::string_view get() const noexcept { return text_; }

private:
    std::string_view text_;
    py::object bytes_;
};

PyObject* check_json(PyObject* self, PyObject* data, Circumstances& given) {
    const Form& form = as_form(self).state->form;
    const JsonText json(data);
    Checked checked;
    if (given.session == nullptr || !form.needs_database()) {
        form.check_json(json.get(), given.options, checked);
    } else {
        with_session(given.session, [&](const data::Session& session) {
            given.options.session = &session;
            form.check_json(json.get(), given.options, checked);
        });
    }
    return report_of(self, checked, given.messages);
}

PyObject* check_object(PyObject* self, PyObject* data, Circumstances& given) {
    const FormState& state = *as_form(self).state;
    PythonReader reader(state);
    Checked checked;
    if (given.session == nullptr || !state.form.needs_database()) {
        state.form.check(reader, reader.input_of(data), given.options, checked);
        return report_of(self, checked, given.messages);
    }
    const validation::Input object = reader.input_of(data);
    with_session(given.session, [&](const data::Session& session) {
        given.options.session = &session;
        const struct Held {
            PythonReader& reader;
            ~Held() { reader.release_gil(); }
        } held{reader};
        reader.hold_gil();
        state.form.check(reader, object, given.options, checked);
    });
    return report_of(self, checked, given.messages);
}

bool is_json_text(PyObject* object) {
    return PyBytes_Check(object) || PyUnicode_Check(object) || PyByteArray_Check(object) ||
           PyMemoryView_Check(object);
}

PyObject* form_check(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count != 1) throw_type_error("check() takes the data, then arguments by name");
        const Arguments arguments(
            "check",
            {"session", "partial", "mode", "except_key", "messages", "now", "errors_max", "skips_database"},
            0, values + 1, 0, names);
        Circumstances given(arguments);
        PyObject* const data = values[0];
        return is_json_text(data) ? check_json(self, data, given) : check_object(self, data, given);
    });
}

PyObject* form_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    return guarded([&] {
        py::dict options;
        if (keywords != nullptr) options = owned(PyDict_Copy(keywords));
        py::object fields;
        if (PyTuple_GET_SIZE(args) == 1) {
            fields = py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(args, 0));
        } else if (PyTuple_GET_SIZE(args) == 0 && options.contains("fields")) {
            fields = options.attr("pop")("fields");
        } else {
            throw_type_error("Form() takes its fields, then options by name");
        }
        return make_form(type, Form(fields_of(fields), form_options_of(options)));
    });
}

PyObject* form_fields(PyObject* self, void*) {
    return guarded([&] {
        const auto fields = as_form(self).state->form.fields();
        py::tuple made(fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i) made[i] = py::cast(fields[i]);
        return made.release().ptr();
    });
}

PyObject* form_title(PyObject* self, void*) {
    return guarded([&] { return py::str(as_form(self).state->form.options().title).release().ptr(); });
}

PyObject* form_json_bytes_max(PyObject* self, void*) {
    return PyLong_FromUnsignedLongLong(as_form(self).state->form.options().json_bytes_max);
}

PyObject* form_needs_database(PyObject* self, void*) {
    return PyBool_FromLong(as_form(self).state->form.needs_database() ? 1 : 0);
}

PyObject* form_repr(PyObject* self) {
    return PyUnicode_FromFormat("<Form: %zu fields>", as_form(self).state->form.fields().size());
}

void form_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete std::exchange(as_form(self).state, nullptr);
    type->tp_free(self);
    Py_DECREF(type);
}

constexpr const char* kFormDoc =
    "Form(fields: collections.abc.Iterable[Field], *, title: str = '', mode: str = 'coerce', "
    "unknown: str = 'refuse', ignored: collections.abc.Iterable[str] = (), "
    "rules: collections.abc.Iterable[typing.Any] = (), "
    "unique_together: collections.abc.Iterable[tuple[typing.Any, typing.Any]] = (), "
    "json_bytes_max: int = 1048576)\n\n"
    "Rules for the fields of an object, declared once. Immutable; any thread may check.\n\n"
    "Args:\n"
    "    fields: made by `text`, `email`, `integer` and the other functions of this module.\n"
    "    title: what the form is called.\n"
    "    mode: `coerce` takes what means the same (`\"12\"`, `\"on\"`) and trims texts; `strict` takes "
    "values of\n"
    "        the type only.\n"
    "    unknown: `refuse` makes an error of a name that is no field; `ignore` leaves it out.\n"
    "    ignored: names that are left out all the same: `csrfmiddlewaretoken`.\n"
    "    rules: conditions over several fields: a Rule, an expression or its text.\n"
    "    unique_together: a model and names of fields, of which no row has the values together; or a model\n"
    "        and a dict from fields to its columns.\n"
    "    json_bytes_max: longer JSON is refused.\n\n"
    "Raises:\n"
    "    InvalidArgument: `form.field`, `form.duplicate`, `form.rule`, naming the field.";

constexpr const char* kCheckDoc =
    "check(self, data: typing.Any, /, *, session: consilia._core.data.Session | None = None, "
    "partial: bool = False, mode: str | None = None, except_key: int | None = None, "
    "messages: Messages | dict[str, str] | collections.abc.Callable[[str, dict[str, typing.Any]], str] "
    "| None = None, now: datetime.datetime | None = None, errors_max: int = 100, "
    "skips_database: bool = False) -> Report\n\n"
    "Checks data and tells every error at once.\n\n"
    "Args:\n"
    "    data: a dict or another mapping; what Django, Flask and Starlette make of a page, where several "
    "values\n"
    "        of a name are a list or an error; or JSON as bytes or text.\n"
    "    session: where `unique` and `exists` look: a Database, Transaction or ReadScope.\n"
    "    partial: fields that are not given are not missed and get no default.\n"
    "    mode: `coerce` or `strict`, instead of the form's.\n"
    "    except_key: the key of the row that is changed, which may keep its values.\n"
    "    messages: texts by code, or a function of code and parameters; English, unless it is given. A dict "
    "is\n"
    "        read each time, Messages once.\n"
    "    now: the time of `:now` and `:today`, instead of the machine's.\n"
    "    errors_max: more errors are not told.\n"
    "    skips_database: leaves `unique` and `exists` to the constraints of the database.\n\n"
    "Raises:\n"
    "    InvalidArgument: `form.session`, without a session that the form needs.";

}  // namespace

std::vector<validation::Field> fields_of(const py::object& given) {
    std::vector<validation::Field> fields;
    for (const py::handle each : given) {
        const auto* field = held<validation::Field>(each.ptr());
        if (field == nullptr) throw_type_error("the fields of a form are made by `text`, `email`, …");
        fields.push_back(*field);
    }
    return fields;
}

FormOptions form_options_of(const py::dict& given) {
    FormOptions options;
    for (const auto& [key, value] : given) {
        const std::string_view name = text_of(key.ptr());
        if (name == "title") {
            options.title = text_of(value.ptr());
        } else if (name == "mode") {
            options.mode = mode_of(value.ptr());
        } else if (name == "unknown") {
            options.refuses_unknown = refuses_unknown(value.ptr());
        } else if (name == "ignored") {
            for (const py::handle each : value) options.ignored.emplace_back(text_of(each.ptr()));
        } else if (name == "rules") {
            for (const py::handle each : value) options.rules.push_back(rule_of(each));
        } else if (name == "unique_together") {
            for (const py::handle each : value) options.unique_together.push_back(unique_together_of(each));
        } else if (name == "json_bytes_max") {
            options.json_bytes_max = value.cast<std::uint64_t>();
        } else {
            throw_type_error("a form has no option `" + std::string(name) + "`");
        }
    }
    return options;
}

const FormState& form_of(PyObject* object) {
    if (Py_TYPE(object) != form_type)
        throw_type_error(std::string("wanted a Form, not `") + Py_TYPE(object)->tp_name + "`");
    return *as_form(object).state;
}

PyObject* make_form(PyTypeObject* type, Form form) {
    auto state = std::make_unique<FormState>(std::move(form));
    const py::object made = owned(type->tp_alloc(type, 0));
    as_form(made.ptr()).state = state.release();
    return Py_NewRef(made.ptr());
}

py::object messages_of(PyObject* object) {
    auto given = py::reinterpret_borrow<py::object>(object);
    if (held<validation::Messages>(object) != nullptr || PyCallable_Check(object) != 0) return given;
    if (!PyDict_Check(object)) throw_type_error("messages are Messages, a dict of texts, or a function");
    return py::type::of<validation::Messages>()(given);
}

void add_form_type(py::module_& module) {
    static PyMethodDef methods[] = {fast_method("check", form_check, kCheckDoc),
                                    {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef properties[] = {
        {"fields", form_fields, nullptr, "tuple[Field, ...]: What it holds.", nullptr},
        {"title", form_title, nullptr, "str: What it is called.", nullptr},
        {"json_bytes_max", form_json_bytes_max, nullptr, "int: Longer JSON is refused.", nullptr},
        {"needs_database", form_needs_database, nullptr,
         "bool: It, or a form in it, has a `unique` or `exists`: a check needs a session.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>(kFormDoc)},
                                  {Py_tp_new, reinterpret_cast<void*>(form_new)},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(form_dealloc)},
                                  {Py_tp_repr, reinterpret_cast<void*>(form_repr)},
                                  {Py_tp_methods, methods},
                                  {Py_tp_getset, properties},
                                  {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.forms.Form", sizeof(FormObject), 0, Py_TPFLAGS_DEFAULT, slots};
    form_type = add_type(module, spec);
}

}  // namespace consilia::bindings
