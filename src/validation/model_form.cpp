#include "consilia/validation/model_form.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::validation {
namespace {

using core::ValueType;
using SharedModel = std::shared_ptr<const data::Model>;

[[noreturn]] void refuse(std::string_view column, std::string_view reason) {
    throw core::InvalidArgument("form.column", "column `" + std::string(column) + "` " + std::string(reason),
                                {{"column", column}});
}

bool is_among(std::string_view name, const std::vector<std::string>& names) {
    return std::ranges::find(names, name) != names.end();
}

bool has(const data::Model& model, std::string_view name, ValueType type) {
    const data::Column* column = model.find_column(name);
    return column != nullptr && column->type == type;
}

/// What the repositories of the model write, whoever fills in the form.
bool is_managed(const data::Model& model, const data::Column& column) {
    const std::string_view name = column.name;
    const auto both = [&](std::string_view one, std::string_view other, ValueType type) {
        return (name == one || name == other) && has(model, one, type) && has(model, other, type);
    };
    if (both("created_at", "updated_at", ValueType::Timestamp)) return true;
    if (both("created_by", "updated_by", ValueType::Int64)) return true;
    const bool is_of_deletion = name == "is_deleted" || name == "deleted_at" || name == "deleted_by";
    return is_of_deletion && model.has_soft_delete();
}

FieldKind kind_of(const data::Column& column) {
    switch (column.type) {
        case ValueType::Bool:
            return FieldKind::Boolean;
        case ValueType::Int64:
            return FieldKind::Integer;
        case ValueType::Double:
            return FieldKind::Number;
        case ValueType::Date:
            return FieldKind::Date;
        case ValueType::Timestamp:
            return FieldKind::Timestamp;
        case ValueType::Uuid:
            return FieldKind::Uuid;
        case ValueType::Json:
            return FieldKind::Json;
        default:
            return FieldKind::Text;
    }
}

/// What the reference of a column leads to; a model that refers to itself is owned by its form like any
/// other.
SharedModel target_of(const SharedModel& model, const data::Column& column) {
    for (const data::Reference& reference : model->references()) {
        if (reference.column == column.name)
            return reference.target.get() == model.get() ? model : reference.target;
    }
    return nullptr;
}

Field field_of(const SharedModel& model, const data::Column& column) {
    Field field{.name = column.name, .kind = kind_of(column)};
    const bool has_default = !column.default_value.is_null() || column.defaults_to_now;
    field.is_required = !column.is_nullable && !has_default;
    field.is_nullable = column.is_nullable;
    field.default_value = column.default_value;
    field.length_max = column.length_max;
    for (const std::string& choice : column.choices) field.choices.emplace_back(choice);
    field.is_multiline = field.kind == FieldKind::Text && column.length_max == 0 && column.choices.empty();
    if (column.is_unique && column.type != ValueType::Json) field.unique.model = model;
    if (field.unique.model) field.unique.column = column.name;
    field.exists.model = target_of(model, column);
    return field;
}

/// The columns of the form, in its order.
std::vector<const data::Column*> columns_of(const data::Model& model, const ModelFormOptions& options) {
    std::vector<const data::Column*> columns;
    const auto require = [&](const std::string& name) -> const data::Column& {
        const data::Column* column = model.find_column(name);
        if (column == nullptr) refuse(name, "is not one of the model");
        return *column;
    };
    for (const std::string& name : options.only) {
        const data::Column& column = require(name);
        if (column.is_primary_key) refuse(name, "is the primary key, which the database gives");
        if (column.type == ValueType::Blob) refuse(name, "holds bytes, which no field takes");
        columns.push_back(&column);
    }
    for (const std::string& name : options.exclude) require(name);
    for (const data::Column& column : model.columns()) {
        const bool is_filled_in =
            !column.is_primary_key && column.type != ValueType::Blob && !is_managed(model, column);
        if (options.only.empty() && is_filled_in) columns.push_back(&column);
    }
    std::erase_if(columns,
                  [&](const data::Column* column) { return is_among(column->name, options.exclude); });
    return columns;
}

bool covers(const std::vector<Field>& fields, const std::vector<std::string>& names) {
    return std::ranges::all_of(names, [&](const std::string& name) {
        return std::ranges::find(fields, name, &Field::name) != fields.end();
    });
}

void add_rules(const data::Model& model, const std::vector<const data::Column*>& columns,
               const std::vector<Field>& fields, FormOptions& form) {
    for (const data::Column* column : columns) {
        if (!column->check.is_always_true())
            form.rules.push_back({.check = column->check, .field = column->name});
    }
    for (const core::Expression& check : model.checks()) {
        if (covers(fields, core::field_paths(check))) form.rules.push_back({.check = check});
    }
}

void add_indexes(const SharedModel& model, const std::vector<Field>& fields, FormOptions& form) {
    for (const data::Index& index : model->indexes()) {
        if (!index.is_unique || index.ignores_deleted || !index.where.is_always_true()) continue;
        UniqueTogether unique{.model = model, .fields = index.columns};
        for (std::string& name : unique.fields) {
            if (name.starts_with('-')) name.erase(0, 1);
        }
        if (covers(fields, unique.fields)) form.unique_together.push_back(std::move(unique));
    }
}

}  // namespace

Form form_of(const SharedModel& model, ModelFormOptions options) {
    if (!model) throw core::InvalidArgument("form.column", "a form of a model needs one");
    const std::vector<const data::Column*> columns = columns_of(*model, options);
    std::vector<Field> fields;
    fields.reserve(columns.size());
    for (const data::Column* column : columns) fields.push_back(field_of(model, *column));
    for (Field& override : options.overrides) {
        const auto derived = std::ranges::find(fields, override.name, &Field::name);
        if (derived == fields.end()) refuse(override.name, "is overridden, and is not in the form");
        *derived = std::move(override);
    }
    add_rules(*model, columns, fields, options.form);
    add_indexes(model, fields, options.form);
    return Form(std::move(fields), std::move(options.form));
}

}  // namespace consilia::validation
