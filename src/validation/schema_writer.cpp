// A form as JSON Schema.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "consilia/validation/form_schema.hpp"
#include "validation/schema_words.hpp"

namespace consilia::validation {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const core::Value& value) {
    if (const auto* text = value.if_as<std::string>()) return *text;
    Json json = Json::parse(core::to_json(value), nullptr, false);
    if (json.is_discarded())
        throw core::InvalidArgument("form.field", "a default is no JSON, and has no place in a schema");
    return json;
}

bool is_never(const core::Expression& condition) {
    return condition.same_as(core::Expression::literal(false));
}

Json row_check(const RowCheck& check) {
    Json json{{"model", check.model->table()}, {"column", check.column}};
    if (check.ignores_case) json["ignores_case"] = true;
    return json;
}

Json schema_of(const Field& field, bool is_item);

/// The kinds of text that JSON Schema has no word for, and what is said of a text besides.
void add_text(const Field& field, Json& schema, Json& extension) {
    const bool is_plain = field.kind == FieldKind::Text;
    const bool is_phone = field.kind == FieldKind::Phone;
    if (is_phone || field.kind == FieldKind::PersonName) extension["kind"] = to_string(field.kind);
    const std::int64_t least = std::max<std::int64_t>(field.length_min, field.allows_blank ? 0 : 1);
    if (least > 0) schema["minLength"] = least;
    if (field.length_max > 0) schema["maxLength"] = field.length_max;
    if (is_phone) schema["pattern"] = field.allows_blank ? kPhoneOrBlankPattern : kPhonePattern;
    if (!field.pattern.empty() && is_phone) extension["pattern"] = field.pattern;
    if (!field.pattern.empty() && !is_phone)
        schema["pattern"] = std::string(least > 0 ? "" : kBlankOr) + field.pattern;
    if (field.is_multiline) extension["multiline"] = true;
    if (field.is_secret) extension["secret"] = true;
    if (field.allows_blank && (!is_plain || field.length_min > 0 || !field.choices.empty()))
        extension["blank"] = true;
}

void add_bounds(const Field& field, Json& schema, Json& extension) {
    const bool is_number = field.kind == FieldKind::Integer || field.kind == FieldKind::Number;
    Json& where = is_number ? schema : extension;
    if (!field.minimum.is_null()) where["minimum"] = json_of(field.minimum);
    if (!field.maximum.is_null()) where["maximum"] = json_of(field.maximum);
}

void add_list(const Field& field, Json& schema) {
    schema["items"] = schema_of(*field.items, true);
    if (field.length_min > 0) schema["minItems"] = field.length_min;
    if (field.length_max > 0) schema["maxItems"] = field.length_max;
    if (field.has_unique_items) schema["uniqueItems"] = true;
}

Json rules_of(const FormOptions& options) {
    Json rules = Json::array();
    for (const Rule& rule : options.rules) {
        Json json{{"check", core::to_text(rule.check)}};
        if (rule.code != "rule") json["code"] = rule.code;
        if (!rule.message.empty()) json["message"] = rule.message;
        if (!rule.field.empty()) json["field"] = rule.field;
        rules.push_back(std::move(json));
    }
    return rules;
}

Json unique_together_of(const FormOptions& options) {
    Json all = Json::array();
    for (const UniqueTogether& unique : options.unique_together) {
        Json json{{"model", unique.model->table()}, {"fields", unique.fields}};
        if (unique.columns != unique.fields) json["columns"] = unique.columns;
        all.push_back(std::move(json));
    }
    return all;
}

/// Properties, and what the form says of them together.
void add_form(const Form& form, Json& schema, Json& extension) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const Field& field : form.fields()) {
        properties[field.name] = schema_of(field, false);
        if (field.is_required) required.push_back(field.name);
    }
    schema["properties"] = std::move(properties);
    if (!required.empty()) schema["required"] = std::move(required);
    const FormOptions& options = form.options();
    if (options.refuses_unknown) schema["additionalProperties"] = false;
    if (options.mode == Mode::Strict) extension["mode"] = "strict";
    if (!options.ignored.empty()) extension["ignored"] = options.ignored;
    if (!options.rules.empty()) extension["rules"] = rules_of(options);
    if (!options.unique_together.empty()) extension["unique_together"] = unique_together_of(options);
    if (options.json_bytes_max != FormOptions{}.json_bytes_max)
        extension["json_bytes_max"] = options.json_bytes_max;
}

void add_type(const Field& field, Json& schema) {
    if (field.kind == FieldKind::Json) {
        if (!field.is_nullable) schema["type"] = kJsonTypes;
        return;
    }
    const KindWord& word = *std::ranges::find(kKindWords, field.kind, &KindWord::kind);
    schema["type"] = field.is_nullable ? Json{word.type, "null"} : Json(word.type);
    if (!word.format.empty()) schema["format"] = word.format;
}

void add_choices(const Field& field, Json& schema) {
    if (field.choices.empty()) return;
    Json choices = Json::array();
    for (const core::Value& choice : field.choices) choices.push_back(json_of(choice));
    if (field.is_nullable) choices.push_back(nullptr);
    schema["enum"] = std::move(choices);
}

void add_extras(const Field& field, bool is_item, Json& extension) {
    if (is_item && !field.is_required) extension["required"] = false;
    if (!is_never(field.required_when)) extension["required_when"] = core::to_text(field.required_when);
    if (field.unique.model) extension["unique"] = row_check(field.unique);
    if (field.exists.model) extension["exists"] = row_check(field.exists);
    for (const auto& [code, message] : field.messages) extension["messages"][code] = message;
}

Json schema_of(const Field& field, bool is_item) {
    Json schema = Json::object();
    Json extension = Json::object();
    if (!field.label.empty()) schema["title"] = field.label;
    if (!field.help.empty()) schema["description"] = field.help;
    add_type(field, schema);
    if (is_text_kind(field.kind)) add_text(field, schema, extension);
    add_bounds(field, schema, extension);
    add_choices(field, schema);
    if (field.items) add_list(field, schema);
    if (field.form) {
        if (!field.form->options().title.empty()) extension["title"] = field.form->options().title;
        add_form(*field.form, schema, extension);
    }
    if (!field.default_value.is_null()) schema["default"] = json_of(field.default_value);
    add_extras(field, is_item, extension);
    if (!extension.empty()) schema[kExtension] = std::move(extension);
    return schema;
}

}  // namespace

std::string to_json_schema(const Form& form) {
    Json schema{{"$schema", kDialect}};
    Json extension = Json::object();
    if (!form.options().title.empty()) schema["title"] = form.options().title;
    schema["type"] = "object";
    add_form(form, schema, extension);
    if (!extension.empty()) schema[kExtension] = std::move(extension);
    return schema.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace consilia::validation
