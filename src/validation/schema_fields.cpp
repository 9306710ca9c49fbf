// A form from JSON Schema: one field.
#include <algorithm>
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"
#include "consilia/validation/form_schema.hpp"
#include "validation/schema_reader.hpp"
#include "validation/schema_words.hpp"

namespace consilia::validation {
namespace {

/// A value of a field, from the JSON that stands for it.
core::Value value_of(FieldKind kind, const SchemaJson& json, const std::string& at) {
    const bool is_text = json.is_string();
    const std::string text = is_text ? json.get<std::string>() : std::string();
    std::optional<core::Value> value;
    switch (kind) {
        case FieldKind::Boolean:
            if (json.is_boolean()) value = json.get<bool>();
            break;
        case FieldKind::Integer:
            if (const auto number = whole_number(json)) value = *number;
            break;
        case FieldKind::Number:
            if (json.is_number()) value = json.get<double>();
            break;
        case FieldKind::Date:
            if (const auto date = core::try_parse_date(text)) value = *date;
            break;
        case FieldKind::Timestamp:
            if (const auto instant = core::try_parse_timestamp(text)) value = *instant;
            break;
        case FieldKind::Uuid:
            if (const auto uuid = core::try_parse_uuid(text)) value = *uuid;
            break;
        case FieldKind::Json:
        case FieldKind::Object:
        case FieldKind::List:
            value = core::Json{json.dump()};
            break;
        default:
            if (is_text) value = text;
    }
    if (!value) refuse_schema(at, "wanted a value of the field");
    return *value;
}

/// What may stand under `x-consilia` of a field, or of an element of a list.
std::vector<std::string_view> words_of(FieldKind kind, bool is_item) {
    std::vector<std::string_view> words{"required_when", "unique", "exists", "messages"};
    const auto add = [&](std::initializer_list<std::string_view> more) {
        for (const std::string_view word : more) words.push_back(word);
    };
    if (is_item) add({"required"});
    if (is_text_kind(kind)) add({"kind", "multiline", "secret", "blank"});
    if (kind == FieldKind::Phone) add({"pattern"});
    if (kind == FieldKind::Date || kind == FieldKind::Timestamp) add({"minimum", "maximum"});
    if (kind == FieldKind::Object)
        add({"title", "mode", "ignored", "rules", "unique_together", "json_bytes_max"});
    return words;
}

}  // namespace

void SchemaReader::read_text(Field& field, const SchemaNode& node, const SchemaNode& extension) {
    node.allow({"type", "enum", "const", "format", "minLength", "maxLength", "pattern"});
    field.length_min = node.length("minLength");
    field.length_max = node.length("maxLength");
    const bool allows_none = field.length_min == 0;
    if (field.length_min == 1) field.length_min = 0;  // Which is to say that it is not blank.
    field.pattern = node.text("pattern").value_or("");
    if (allows_none && field.pattern.starts_with(kBlankOr)) field.pattern.erase(0, kBlankOr.size());
    if (field.kind == FieldKind::Phone) {
        if (field.pattern != kPhonePattern && field.pattern != kPhoneOrBlankPattern)
            refuse_schema(node.at("pattern"), "that of a phone number is another");
        field.pattern = extension.text("pattern").value_or("");
    }
    read_choices(field, node);
    const bool has_empty_choice = std::ranges::any_of(
        field.choices, [](const core::Value& choice) { return choice.as<std::string>().empty(); });
    const bool is_plain = field.kind == FieldKind::Text;
    const bool takes_none = is_plain && allows_none && (field.choices.empty() || has_empty_choice);
    field.allows_blank = extension.flag("blank", takes_none);
    field.is_multiline = extension.flag("multiline");
    field.is_secret = extension.flag("secret", node.text("format") == "password");
}

void SchemaReader::read_number(Field& field, const SchemaNode& node) {
    node.allow({"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
    const auto bound = [&](std::string_view key) -> core::Value {
        const SchemaJson* found = node.find(key);
        return found == nullptr ? core::Value() : value_of(field.kind, *found, node.at(key));
    };
    field.minimum = bound("minimum");
    field.maximum = bound("maximum");
    // Past an exclusive bound there is a next integer; there is no next number that people would recognise.
    const auto exclude = [&](std::string_view key, core::Value& side, std::int64_t step) {
        if (node.find(key) == nullptr) return;
        const std::int64_t end = node.integer(key).value_or(0);
        std::int64_t inner = 0;
        if (field.kind != FieldKind::Integer || __builtin_add_overflow(end, step, &inner))
            refuse_schema(node.at(key), "only integers have an exclusive bound");
        const auto* inclusive = side.if_as<std::int64_t>();
        if (inclusive == nullptr || (step > 0 ? *inclusive < inner : *inclusive > inner)) side = inner;
    };
    exclude("exclusiveMinimum", field.minimum, 1);
    exclude("exclusiveMaximum", field.maximum, -1);
    read_choices(field, node);
}

void SchemaReader::read_time(Field& field, const SchemaNode& node, const SchemaNode& extension) {
    node.allow({"type", "format"});
    if (const SchemaJson* least = extension.find("minimum"))
        field.minimum = value_of(field.kind, *least, extension.at("minimum"));
    if (const SchemaJson* most = extension.find("maximum"))
        field.maximum = value_of(field.kind, *most, extension.at("maximum"));
}

void SchemaReader::read_choices(Field& field, const SchemaNode& node) {
    const auto add = [&](const SchemaJson& choice, const std::string& at) {
        if (!choice.is_null() || !field.is_nullable)
            field.choices.push_back(value_of(field.kind, choice, at));
    };
    const SchemaJson* choices = node.find("enum");
    const SchemaJson* only = node.find("const");
    if (choices == nullptr && only == nullptr) return;
    if (choices != nullptr && (only != nullptr || !choices->is_array()))
        refuse_schema(node.at("enum"), "wanted a list of values, and no other keyword for them");
    if (choices != nullptr) {
        for (const SchemaJson& choice : *choices) add(choice, node.at("enum"));
    } else {
        add(*only, node.at("const"));
    }
    if (field.choices.empty()) refuse_schema(node.at("enum"), "wanted a value that is not null");
    if (field.is_nullable) {
        const bool has_null = choices != nullptr && std::ranges::any_of(*choices, [](const auto& choice) {
                                  return choice.is_null();
                              });
        // A null beside an `anyOf` stands in its other branch.
        field.is_nullable = has_null || node.is_nullable();
    }
}

void SchemaReader::read_list(Field& field, const SchemaNode& node, std::size_t depth) {
    node.allow({"type", "items", "minItems", "maxItems", "uniqueItems"});
    static const SchemaJson anything = SchemaJson::object();
    const SchemaJson* items = node.find("items");
    const SchemaNode inner(root_, items != nullptr ? *items : anything, node.at("items"), node.followed());
    field.items = std::make_shared<const Field>(field_of(inner, "", depth + 1));
    field.length_min = node.length("minItems");
    field.length_max = node.length("maxItems");
    field.has_unique_items = node.flag("uniqueItems");
}

void SchemaReader::read_kind(Field& field, const SchemaNode& node, const SchemaNode& extension,
                             std::size_t depth) {
    if (is_text_kind(field.kind)) return read_text(field, node, extension);
    switch (field.kind) {
        case FieldKind::Integer:
        case FieldKind::Number:
            return read_number(field, node);
        case FieldKind::Date:
        case FieldKind::Timestamp:
            return read_time(field, node, extension);
        case FieldKind::List:
            return read_list(field, node, depth);
        case FieldKind::Object: {
            FormOptions options{.title = extension.text("title").value_or("")};
            field.form =
                std::make_shared<const Form>(form_of(node, extension, std::move(options), depth + 1));
            return;
        }
        case FieldKind::Uuid:
            return node.allow({"type", "format"});
        default:
            return node.allow({"type"});
    }
}

Field SchemaReader::field_of(const SchemaNode& node, std::string name, std::size_t depth) {
    if (++fields_ > kSchemaFieldsMax)
        refuse_schema(node.at(), "more than " + std::to_string(kSchemaFieldsMax) + " fields");
    if (depth > kSchemaDepthMax) refuse_schema(node.at(), "it is nested too deep");
    const SchemaNode extension = extension_of(node);
    const SchemaType type = type_of(node, extension);
    Field field{.name = std::move(name), .kind = type.kind, .is_nullable = type.is_nullable};
    extension.allow(words_of(field.kind, field.name.empty()));
    field.label = node.text("title").value_or("");
    field.help = node.text("description").value_or("");
    read_kind(field, node, extension, depth);
    if (const SchemaJson* value = node.find("default"); value != nullptr && !value->is_null())
        field.default_value = value_of(field.kind, *value, node.at("default"));
    read_extension(field, extension);
    return field;
}

void SchemaReader::read_extension(Field& field, const SchemaNode& extension) {
    field.is_required = extension.flag("required", true);
    if (extension.find("required_when") != nullptr)
        field.required_when = schema_expression(extension, "required_when");
    field.unique = row_check(extension, "unique");
    field.exists = row_check(extension, "exists");
    const SchemaJson* messages = extension.find("messages");
    if (messages == nullptr) return;
    if (!messages->is_object()) refuse_schema(extension.at("messages"), "wanted texts by code");
    const SchemaNode texts(root_, *messages, extension.at("messages"), {});
    for (const auto& [code, message] : messages->items())
        field.messages.emplace_back(code, texts.text(code).value_or(""));
}

}  // namespace consilia::validation
