#include "consilia/validation/form.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"
#include "consilia/data/model.hpp"
#include "validation/form_check.hpp"
#include "validation/form_plan.hpp"
#include "validation/json_source.hpp"
#include "validation/value_reader.hpp"

namespace consilia::validation {
namespace {

using core::ValueType;

constexpr std::size_t kNameMax = 100;
constexpr std::size_t kFieldsMax = 1'000;
constexpr std::size_t kPatternMax = 1'000;
constexpr std::size_t kDepthMax = 16;  ///< Of forms in forms.

[[noreturn]] void refuse(std::string_view code, std::string_view field, const std::string& reason) {
    throw core::InvalidArgument(std::string(code), "field `" + std::string(field) + "`: " + reason,
                                {{"field", field}});
}
[[noreturn]] void refuse(const Field& field, const std::string& reason) {
    refuse("form.field", field.name, reason);
}

bool is_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto is_part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= kNameMax && is_letter(name.front()) &&
           std::ranges::all_of(name, is_part);
}

bool is_textual(FieldKind kind) {
    return kind >= FieldKind::Text && kind <= FieldKind::Url;
}

/// The type of bounds and defaults of a field.
ValueType value_type(FieldKind kind) {
    switch (kind) {
        case FieldKind::Boolean:
            return ValueType::Bool;
        case FieldKind::Integer:
            return ValueType::Int64;
        case FieldKind::Number:
            return ValueType::Double;
        case FieldKind::Date:
            return ValueType::Date;
        case FieldKind::Timestamp:
            return ValueType::Timestamp;
        case FieldKind::Uuid:
            return ValueType::Uuid;
        case FieldKind::Json:
        case FieldKind::Object:
        case FieldKind::List:
            return ValueType::Json;
        default:
            return ValueType::Text;
    }
}

/// A value as one of the type of its field; whole numbers are numbers.
void settle(const Field& field, core::Value& value, const char* what) {
    if (value.is_null()) return;
    const ValueType wanted = value_type(field.kind);
    if (wanted == ValueType::Double && value.type() == ValueType::Int64)
        value = static_cast<double>(value.as<std::int64_t>());
    if (value.type() == wanted) return;
    refuse(field, std::string(what) + " must be of type " + std::string(to_string(wanted)) + ", not " +
                      std::string(to_string(value.type())));
}

void settle_bounds(Field& field) {
    const bool is_ordered = field.kind == FieldKind::Integer || field.kind == FieldKind::Number ||
                            field.kind == FieldKind::Date || field.kind == FieldKind::Timestamp;
    if (!is_ordered && !(field.minimum.is_null() && field.maximum.is_null()))
        refuse(field, "only integers, numbers, dates and timestamps have a minimum or a maximum");
    settle(field, field.minimum, "the minimum");
    settle(field, field.maximum, "the maximum");
    if (!field.minimum.is_null() && !field.maximum.is_null() &&
        field.maximum.variant() < field.minimum.variant())
        refuse(field, "the maximum is below the minimum");
}

void check_lengths(const Field& field) {
    const bool has_length = is_textual(field.kind) || field.kind == FieldKind::List;
    if (field.length_min < 0 || field.length_max < 0) refuse(field, "a length cannot be negative");
    if (!has_length && (field.length_min > 0 || field.length_max > 0))
        refuse(field, "only texts and lists have a length");
    if (field.length_max > 0 && field.length_max < field.length_min)
        refuse(field, "the greatest length is below the least");
}

void check_kind(const Field& field) {
    if ((field.kind == FieldKind::Object) != (field.form != nullptr))
        refuse(field, "an object, and nothing else, has a form");
    if ((field.kind == FieldKind::List) != (field.items != nullptr))
        refuse(field, "a list, and nothing else, has items");
    if (field.has_unique_items && field.kind != FieldKind::List)
        refuse(field, "only a list has unique items");
    const bool is_line = is_textual(field.kind) && field.kind != FieldKind::Text;
    if (is_line && field.is_multiline) refuse(field, "only a text has several lines");
    if (!is_textual(field.kind) && (field.is_multiline || field.allows_blank || field.is_secret))
        refuse(field, "only texts are blank, secret or of several lines");
    if (!field.choices.empty() && !is_textual(field.kind) && field.kind != FieldKind::Integer)
        refuse(field, "only texts and integers have choices");
}

/// Which column a check of rows looks at; that of the key where none is named.
void settle_rows(const Field& field, RowCheck& check) {
    if (check.model == nullptr) return;
    if (check.column.empty() && check.model->primary_key() != nullptr)
        check.column = check.model->primary_key()->name;
    const data::Column* column = check.model->find_column(check.column);
    if (column == nullptr) refuse(field, "the model has no column `" + check.column + "`");
    const ValueType wanted = value_type(field.kind);
    if (wanted == ValueType::Json) refuse(field, "only single values are looked for in a table");
    if (column->type != wanted)
        refuse(field, "column `" + check.column + "` holds " + std::string(to_string(column->type)) +
                          ", the field " + std::string(to_string(wanted)));
    if (check.ignores_case && wanted != ValueType::Text)
        refuse(field, "only texts are compared without case");
}

void settle_field(Field& field) {
    check_kind(field);
    check_lengths(field);
    settle_bounds(field);
    settle(field, field.default_value, "the default");
    for (core::Value& choice : field.choices) {
        settle(field, choice, "each choice");
        if (choice.is_null()) refuse(field, "null is no choice");
    }
    settle_rows(field, field.unique);
    settle_rows(field, field.exists);
}

std::shared_ptr<const re2::RE2> compiled(const Field& field) {
    if (field.pattern.empty()) return nullptr;
    if (!is_textual(field.kind)) refuse(field, "only texts have a pattern");
    if (field.pattern.size() > kPatternMax)
        refuse(field, "a pattern has at most " + std::to_string(kPatternMax) + " bytes");
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto pattern = std::make_shared<const re2::RE2>(field.pattern, options);
    if (!pattern->ok()) refuse(field, "the pattern is not understood: " + pattern->error());
    return pattern;
}

void fill_choices(FieldPlan& plan) {
    for (const core::Value& choice : plan.field->choices) {
        if (!plan.choices.empty()) plan.choices += ", ";
        if (const auto* text = choice.if_as<std::string>()) {
            plan.text_choices.push_back(*text);
            plan.choices += *text;
        } else {
            plan.integer_choices.push_back(choice.as<std::int64_t>());
            plan.choices += std::to_string(plan.integer_choices.back());
        }
    }
    std::ranges::sort(plan.text_choices);
}

FieldPlan plan_of(const Field& field) {
    FieldPlan plan;
    plan.field = &field;
    const std::int64_t most = field.kind == FieldKind::List ? Field::kItemsMax : Field::kTextMax;
    plan.length_min = static_cast<std::size_t>(field.length_min);
    plan.length_max = static_cast<std::size_t>(field.length_max > 0 ? field.length_max : most);
    plan.pattern = compiled(field);
    fill_choices(plan);
    return plan;
}

/// An element of a list is declared like a field, and owned by it.
void plan_items(Field& field, FieldPlan& plan, std::size_t depth) {
    if (!field.items) return;
    if (depth == kDepthMax) refuse(field, "lists are nested too deep");
    auto items = std::make_shared<Field>(*field.items);
    items->name = field.name;
    settle_field(*items);
    auto inner = std::make_unique<FieldPlan>(plan_of(*items));
    plan_items(*items, *inner, depth + 1);
    field.items = std::move(items);
    plan.items = std::move(inner);
}

FormShape shape_of(const std::vector<Field>& fields, const FormOptions& options) {
    std::vector<FormShape::Name> names;
    std::set<std::string_view> seen;
    if (fields.empty() || fields.size() > kFieldsMax)
        throw core::InvalidArgument("form.field",
                                    "a form has 1 to " + std::to_string(kFieldsMax) + " fields");
    for (const Field& field : fields) {
        if (!is_name(field.name))
            refuse("form.field", field.name.substr(0, kNameMax),
                   "a name is a letter or _, then letters, digits, _ and -, at most 100 of them");
        if (!seen.insert(field.name).second) refuse("form.duplicate", field.name, "it is there twice");
        names.push_back({field.name, field.kind == FieldKind::List});
    }
    return {std::move(names), options.ignored};
}

/// What a path in a condition leads to: a field, or one of a form in the form.
const Field& find_at(std::span<const Field> fields, std::string_view path) {
    const std::string_view name = path.substr(0, path.find('.'));
    const auto found = std::ranges::find(fields, name, &Field::name);
    if (found == fields.end())
        throw core::InvalidArgument(
            "form.rule", "a rule has the field `" + std::string(name) + "`, which the form has not",
            {{"field", name}});
    return name.size() == path.size() || !found->form
               ? *found
               : find_at(found->form->fields(), path.substr(name.size() + 1));
}

void check_parameters(const core::Expression& condition) {
    if (condition.op() == core::Operator::Parameter && condition.name() != "now" &&
        condition.name() != "today")
        throw core::InvalidArgument("form.rule", "a rule has the parameter `:" + condition.name() +
                                                     "`; there are `:now` and `:today`");
    for (const core::Expression& operand : condition.operands()) check_parameters(operand);
}

/// The places of the fields that a condition is about. @throws InvalidArgument (`form.rule`) for one that has
/// no meaning over these fields.
std::vector<std::size_t> plan_condition(const core::Expression& condition, const std::vector<Field>& fields,
                                        const FormShape& shape) {
    if (condition.has_aggregate() || condition.has_window() || condition.has_subquery())
        throw core::InvalidArgument("form.rule", "a rule looks at the fields of one form only");
    check_parameters(condition);
    std::vector<std::size_t> places;
    for (const std::string& path : core::field_paths(condition)) {
        find_at(fields, path);
        places.push_back(shape.find(std::string_view(path).substr(0, path.find('.'))));
    }
    try {
        const core::FieldTypes types{
            .field = [&](std::string_view path) { return value_type(find_at(fields, path).kind); }};
        core::check_condition(condition, types, {{"now", core::Timestamp{}}, {"today", core::Date{}}});
    } catch (const core::InvalidArgument& error) {
        throw core::InvalidArgument(
            "form.rule", "the rule `" + core::to_text(condition) + "` does not work: " + error.what(),
            error.details());
    }
    return places;
}

bool has_row_checks(const Field& field) {
    return field.unique.model || field.exists.model || (field.form && field.form->needs_database()) ||
           (field.items && has_row_checks(*field.items));
}

void check_unique_together(UniqueTogether& unique, const FormShape& shape) {
    if (unique.columns.empty()) unique.columns = unique.fields;
    if (!unique.model || unique.fields.empty() || unique.columns.size() != unique.fields.size())
        throw core::InvalidArgument("form.rule", "unique together needs a model, fields and as many columns");
    for (std::size_t i = 0; i < unique.fields.size(); ++i) {
        if (shape.find(unique.fields[i]) == shape.size() ||
            unique.model->find_column(unique.columns[i]) == nullptr)
            throw core::InvalidArgument("form.rule", "unique together: there is no field `" +
                                                         unique.fields[i] + "` or no column `" +
                                                         unique.columns[i] + "`");
    }
}

}  // namespace

std::string_view to_string(FieldKind kind) noexcept {
    static constexpr std::string_view kNames[] = {"boolean", "integer",     "number", "text", "email",
                                                  "phone",   "person_name", "url",    "date", "timestamp",
                                                  "uuid",    "json",        "object", "list"};
    return kNames[static_cast<std::size_t>(kind)];
}

Form::Plan::Plan(std::vector<Field> given, FormOptions given_options)
    : fields(std::move(given)), options(std::move(given_options)), shape(shape_of(fields, options)) {
    for (Field& field : fields) {
        settle_field(field);
        FieldPlan& plan = field_plans.emplace_back(plan_of(field));
        plan_items(field, plan, 0);
        plan.required_by = plan_condition(field.required_when, fields, shape);
        needs_database = needs_database || has_row_checks(field);
    }
    for (const Rule& rule : options.rules) {
        if (!rule.field.empty() && shape.find(rule.field) == shape.size())
            throw core::InvalidArgument("form.rule", "there is no field `" + rule.field + "`");
        rules.push_back({&rule, plan_condition(rule.check, fields, shape)});
    }
    for (UniqueTogether& unique : options.unique_together) check_unique_together(unique, shape);
    needs_database = needs_database || !options.unique_together.empty();
}

Form::Form(std::vector<Field> fields, FormOptions options)
    : plan_(std::make_shared<const Plan>(std::move(fields), std::move(options))) {}

std::span<const Field> Form::fields() const noexcept {
    return plan_->fields;
}
const FormOptions& Form::options() const noexcept {
    return plan_->options;
}
const FormShape& Form::shape() const noexcept {
    return plan_->shape;
}
bool Form::needs_database() const noexcept {
    return plan_->needs_database;
}
const Field* Form::find_field(std::string_view name) const noexcept {
    const std::size_t place = plan_->shape.find(name);
    return place == plan_->shape.size() ? nullptr : &plan_->fields[place];
}

void Form::check(InputReader& reader, const Input& object, const CheckOptions& options, Checked& into) const {
    FormCheck(*plan_, reader, options, into).run(object);
}

void Form::check_json(std::string_view json, const CheckOptions& options, Checked& into) const {
    JsonSource source(json, plan_->options.json_bytes_max);
    FormCheck check(*plan_, source, options, into);
    if (const auto problem = source.problem()) return check.refuse_json(*problem);
    check.run(source.root());
    check.keep(source.document());
}

Report Form::check_json(std::string_view json, const CheckOptions& options) const {
    Checked checked;
    check_json(json, options, checked);
    return make_report(*plan_, checked, options);
}

Report Form::check(std::span<const NamedValue> values, const CheckOptions& options) const {
    ValueReader reader(values);
    Checked checked;
    check(reader, reader.root(), options, checked);
    return make_report(*plan_, checked, options);
}

}  // namespace consilia::validation
