// Models: the classes that describe tables, and the descriptors of their columns and references.
#include <string>
#include <unordered_map>

#include "data_native.hpp"

namespace consilia::bindings {
namespace {

PyTypeObject* column_type = nullptr;
PyTypeObject* reference_type = nullptr;

/// `Prediction.status`: on the class a term, on a record the value.
struct ColumnObject {
    PyObject_HEAD PyObject* term;
    const ModelInfo* info;  ///< Null until the class is declared.
    std::size_t index;
};

PyObject* column_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject* term = nullptr;
    if (PyArg_ParseTuple(args, "O", &term) == 0) return nullptr;
    auto* made = reinterpret_cast<ColumnObject*>(type->tp_alloc(type, 0));
    if (made != nullptr) made->term = Py_NewRef(term);
    return reinterpret_cast<PyObject*>(made);
}

void column_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_CLEAR(reinterpret_cast<ColumnObject*>(self)->term);
    type->tp_free(self);
    Py_DECREF(type);
}

RecordObject* record_for(const ColumnObject* column, PyObject* object) {
    RecordObject* record = as_record(object);
    if (record->node->info != column->info || column->info == nullptr)
        throw_type_error("a column belongs to the records of its own model");
    return record;
}

PyObject* column_get(PyObject* self, PyObject* object, PyObject*) {
    auto* column = reinterpret_cast<ColumnObject*>(self);
    if (object == nullptr || object == Py_None) return Py_NewRef(column->term);
    return guarded([&] { return record_value(record_for(column, object), column->index).release().ptr(); });
}

int column_set(PyObject* self, PyObject* object, PyObject* value) {
    auto* column = reinterpret_cast<ColumnObject*>(self);
    return guarded(
        [&] {
            if (value == nullptr) throw_type_error("a column cannot be deleted from a record");
            set_column(record_for(column, object), column->index, value);
            return 0;
        },
        -1);
}

PyObject* reference_get(PyObject* self, PyObject* object, PyObject*) {
    auto* column = reinterpret_cast<ColumnObject*>(self);
    if (object == nullptr || object == Py_None) return Py_NewRef(column->term);
    return guarded([&] { return related_record(record_for(column, object), column->index).release().ptr(); });
}

int reference_set(PyObject* self, PyObject* object, PyObject* value) {
    auto* column = reinterpret_cast<ColumnObject*>(self);
    return guarded(
        [&] {
            set_reference(record_for(column, object), column->index, value == nullptr ? Py_None : value);
            return 0;
        },
        -1);
}

std::unordered_map<PyObject*, std::unique_ptr<ModelInfo>>& models() {
    static auto* all = new std::unordered_map<PyObject*, std::unique_ptr<ModelInfo>>;
    return *all;
}

/// Tells the descriptors of a class which column they stand for.
void settle_descriptors(const ModelInfo& info) {
    const py::handle type(reinterpret_cast<PyObject*>(info.type));
    const auto settle = [&](py::handle name, std::size_t index) {
        const py::object found = type.attr("__dict__").attr("get")(name);
        const bool is_ours = Py_TYPE(found.ptr()) == column_type || Py_TYPE(found.ptr()) == reference_type;
        if (!is_ours) throw_type_error("`" + name.cast<std::string>() + "` is no column of its class");
        auto* column = reinterpret_cast<ColumnObject*>(found.ptr());
        column->info = &info;
        column->index = index;
    };
    for (std::size_t i = 0; i < info.names.size(); ++i) settle(info.names[i], i);
    for (std::size_t i = 0; i < info.targets.size(); ++i) settle(info.relations[i], i);
}

}  // namespace

ModelInfo::ModelInfo(std::shared_ptr<const data::Model> model, PyTypeObject* described)
    : repository(std::move(model)), type(described) {
    const auto all = repository.model().columns();
    auto node = std::make_shared<RowNode>();
    node->info = this;
    node->relations.resize(repository.model().references().size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        names.push_back(interned(all[i].name));
        node->columns.push_back(static_cast<std::int32_t>(i));
        if (all[i].is_primary_key) key_column = i;
    }
    for (const data::Reference& reference : repository.model().references()) {
        relations.push_back(interned(reference.relation));
        reference_columns.push_back(
            static_cast<std::size_t>(repository.model().find_column(reference.column) - all.data()));
    }
    own = std::move(node);
}

std::optional<std::size_t> ModelInfo::find_column(PyObject* name) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return i;
    }
    const std::string_view text = text_of(name);
    const auto all = model().columns();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name == text) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> ModelInfo::find_reference(PyObject* name) const {
    for (std::size_t i = 0; i < relations.size(); ++i) {
        if (relations[i] == name) return i;
    }
    const std::string_view text = text_of(name);
    const auto all = model().references();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].relation == text) return i;
    }
    return std::nullopt;
}

const ModelInfo& info_of(PyObject* type) {
    if (const auto found = models().find(type); found != models().end()) return *found->second;
    if (PyType_Check(type) == 0 || PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), record_type) == 0)
        throw_type_error("wanted a class derived from Model");
    (void)py::handle(type).attr("declare")();
    const auto found = models().find(type);
    if (found == models().end()) throw_type_error("an abstract model has no table");
    return *found->second;
}

void register_models(const py::list& descriptions) {
    struct Described {
        std::unique_ptr<ModelInfo> info;
        py::list targets;
    };
    std::vector<Described> all;
    const auto described = [&](const py::handle type) -> const ModelInfo* {
        for (const Described& each : all) {
            if (type.ptr() == reinterpret_cast<PyObject*>(each.info->type)) return each.info.get();
        }
        return &info_of(type.ptr());
    };
    for (const py::handle description : descriptions) {
        const auto [model, type, targets, enums] =
            description.cast<std::tuple<std::shared_ptr<data::Model>, py::type, py::list, py::dict>>();
        auto info = std::make_unique<ModelInfo>(model, reinterpret_cast<PyTypeObject*>(type.ptr()));
        info->enums.resize(info->names.size());
        for (const auto& [name, enumeration] : enums) {
            if (const auto column = info->find_column(name.ptr()))
                info->enums[*column] = Py_NewRef(enumeration.ptr());
        }
        all.push_back({std::move(info), targets});
    }
    for (const Described& each : all) {
        for (const py::handle target : each.targets) each.info->targets.push_back(described(target));
    }
    for (Described& each : all) {
        PyObject* type = reinterpret_cast<PyObject*>(each.info->type);
        settle_descriptors(*each.info);
        models().emplace(Py_NewRef(type), std::move(each.info));
    }
}

void add_descriptor_types(py::module_& module) {
    static PyType_Slot column_slots[] = {
        {Py_tp_doc, const_cast<char*>("A column: on the class a Term, on a record its value.")},
        {Py_tp_new, reinterpret_cast<void*>(column_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(column_dealloc)},
        {Py_tp_descr_get, reinterpret_cast<void*>(column_get)},
        {Py_tp_descr_set, reinterpret_cast<void*>(column_set)},
        {0, nullptr}};
    static PyType_Spec column_spec = {"consilia._core.data.ColumnDescriptor", sizeof(ColumnObject), 0,
                                      Py_TPFLAGS_DEFAULT, column_slots};
    column_type = add_type(module, column_spec);
    static PyType_Slot reference_slots[] = {
        {Py_tp_doc, const_cast<char*>("A reference: on the class a path, on a record the related record.")},
        {Py_tp_new, reinterpret_cast<void*>(column_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(column_dealloc)},
        {Py_tp_descr_get, reinterpret_cast<void*>(reference_get)},
        {Py_tp_descr_set, reinterpret_cast<void*>(reference_set)},
        {0, nullptr}};
    static PyType_Spec reference_spec = {"consilia._core.data.ReferenceDescriptor", sizeof(ColumnObject), 0,
                                         Py_TPFLAGS_DEFAULT, reference_slots};
    reference_type = add_type(module, reference_spec);
}

}  // namespace consilia::bindings
