// A form from JSON Schema: the document, types and what the form says of its fields together.
#include <algorithm>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/validation/form_schema.hpp"
#include "validation/schema_reader.hpp"
#include "validation/schema_words.hpp"

namespace consilia::validation {

core::Expression schema_expression(const SchemaNode& node, std::string_view key) {
    const std::string text = node.text(key).value_or("");
    if (text.empty()) refuse_schema(node.at(key), "wanted the text of a condition");
    try {
        return core::parse_expression(text);
    } catch (const core::InvalidArgument& error) {
        refuse_schema(node.at(key), error.what());
    }
}

Form SchemaReader::form() {
    const SchemaNode node(root_, root_, "", {});
    const SchemaNode extension = extension_of(node);
    extension.allow({"mode", "ignored", "rules", "unique_together", "json_bytes_max"});
    if (const auto dialect = node.text("$schema")) check_dialect(node, *dialect);
    const SchemaType type = type_of(node, extension);
    if (type.kind != FieldKind::Object || type.is_nullable)
        refuse_schema("", "wanted the schema of an object");
    FormOptions options{.title = node.text("title").value_or("")};
    return form_of(node, extension, std::move(options), 0);
}

void SchemaReader::check_dialect(const SchemaNode& node, const std::string& dialect) {
    for (const std::string_view known :
         {kDialect, std::string_view("https://json-schema.org/draft/2019-09/schema"),
          std::string_view("http://json-schema.org/draft-07/schema"),
          std::string_view("http://json-schema.org/draft-06/schema")}) {
        if (dialect == known || dialect == std::string(known) + '#') return;
    }
    refuse_schema(node.at("$schema"), "drafts 2020-12, 2019-09, 07 and 06 are read");
}

SchemaNode SchemaReader::extension_of(const SchemaNode& node) const {
    static const SchemaJson nothing = SchemaJson::object();
    const SchemaJson* found = node.find(kExtension);
    if (found != nullptr && !found->is_object()) refuse_schema(node.at(kExtension), "wanted an object");
    return {root_, found != nullptr ? *found : nothing, node.at(kExtension), {}};
}

FieldKind SchemaReader::kind_of_text(const SchemaNode& node, const SchemaNode& extension) const {
    const auto format = node.text("format");
    if (const auto kind = extension.text("kind")) {
        for (const FieldKind each : {FieldKind::Phone, FieldKind::PersonName}) {
            if (*kind == to_string(each) && !format) return each;
        }
        refuse_schema(extension.at("kind"), "wanted `phone` or `person_name`, without a format");
    }
    if (!format || *format == "password") return FieldKind::Text;
    if (*format == "idn-email") return FieldKind::Email;
    for (const KindWord& word : kKindWords) {
        if (!word.format.empty() && word.format == *format) return word.kind;
    }
    refuse_schema(node.at("format"), "no field has this format");
}

/// That of a schema that says which values there are, and no type.
std::optional<SchemaType> SchemaReader::type_of_choices(const SchemaNode& node) {
    const SchemaJson* choices = node.find("enum");
    const SchemaJson* only = node.find("const");
    SchemaType type;
    bool is_known = false;
    const auto look = [&](const SchemaJson& choice) {
        if (choice.is_null()) {
            type.is_nullable = true;
            return;
        }
        const FieldKind kind = choice.is_string() ? FieldKind::Text : FieldKind::Integer;
        if (is_known && kind != type.kind) refuse_schema(node.at("enum"), "wanted values of one type");
        type.kind = kind;
        is_known = true;
    };
    if (choices != nullptr && choices->is_array()) std::ranges::for_each(*choices, look);
    if (choices == nullptr && only != nullptr) look(*only);
    return is_known ? std::optional(type) : std::nullopt;
}

SchemaType SchemaReader::type_of(const SchemaNode& node, const SchemaNode& extension) const {
    const SchemaJson* found = node.find("type");
    if (found == nullptr) {
        SchemaType type = type_of_choices(node).value_or(SchemaType{.is_nullable = true});
        type.is_nullable = type.is_nullable || node.is_nullable();
        return type;
    }
    SchemaType type{.is_nullable = node.is_nullable()};
    std::vector<std::string> names =
        found->is_string() ? std::vector{found->get<std::string>()} : node.texts("type");
    if (std::erase(names, "null") > 0) type.is_nullable = true;
    std::ranges::sort(names);
    auto all = std::vector<std::string>(kJsonTypes.begin(), kJsonTypes.end());
    std::ranges::sort(all);
    if (names == all) return type;
    if (names.size() != 1) refuse_schema(node.at("type"), "wanted one type, or one and null");
    if (names.front() == "string") {
        type.kind = kind_of_text(node, extension);
        return type;
    }
    const auto word = std::ranges::find(kKindWords, names.front(), &KindWord::type);
    if (word == kKindWords.end()) refuse_schema(node.at("type"), "there is no such type");
    type.kind = word->kind;
    return type;
}

std::shared_ptr<const data::Model> SchemaReader::model(const SchemaNode& node) const {
    const std::string table = node.text("model").value_or("");
    for (const auto& each : models_) {
        if (each && each->table() == table) return each;
    }
    refuse_schema(node.at("model"), "no model with this table was given");
}

RowCheck SchemaReader::row_check(const SchemaNode& extension, std::string_view key) const {
    const SchemaJson* found = extension.find(key);
    if (found == nullptr) return {};
    const SchemaNode check(root_, *found, extension.at(key), {});
    check.allow({"model", "column", "ignores_case"});
    return {model(check), check.text("column").value_or(""), check.flag("ignores_case")};
}

Rule SchemaReader::rule_of(const SchemaNode& node) const {
    node.allow({"check", "code", "message", "field"});
    return {schema_expression(node, "check"), node.text("code").value_or("rule"),
            node.text("message").value_or(""), node.text("field").value_or("")};
}

UniqueTogether SchemaReader::unique_together_of(const SchemaNode& node) const {
    node.allow({"model", "fields", "columns"});
    return {model(node), node.texts("fields"), node.texts("columns")};
}

void SchemaReader::read_options(FormOptions& options, const SchemaNode& node, const SchemaNode& extension) {
    const SchemaJson* additional = node.find("additionalProperties");
    const bool is_any = additional == nullptr || (additional->is_object() && additional->empty());
    options.refuses_unknown = !is_any && !node.flag("additionalProperties");
    if (const auto mode = extension.text("mode")) {
        if (*mode != "strict" && *mode != "coerce")
            refuse_schema(extension.at("mode"), "wanted `strict` or `coerce`");
        options.mode = *mode == "strict" ? Mode::Strict : Mode::Coerce;
    }
    options.ignored = extension.texts("ignored");
    if (const auto most = extension.integer("json_bytes_max")) {
        if (*most < 0) refuse_schema(extension.at("json_bytes_max"), "wanted a size");
        options.json_bytes_max = static_cast<std::uint64_t>(*most);
    }
    const auto each = [&](std::string_view key, const auto& take) {
        const SchemaJson* list = extension.find(key);
        if (list == nullptr) return;
        if (!list->is_array()) refuse_schema(extension.at(key), "wanted a list");
        for (std::size_t i = 0; i < list->size(); ++i)
            take(SchemaNode(root_, (*list)[i], extension.at(key) + '/' + std::to_string(i), {}));
    };
    each("rules", [&](const SchemaNode& rule) { options.rules.push_back(rule_of(rule)); });
    each("unique_together",
         [&](const SchemaNode& unique) { options.unique_together.push_back(unique_together_of(unique)); });
}

Form SchemaReader::form_of(const SchemaNode& node, const SchemaNode& extension, FormOptions options,
                           std::size_t depth) {
    node.allow({"type", "properties", "required", "additionalProperties"});
    const SchemaJson* properties = node.find("properties");
    if (properties == nullptr || !properties->is_object() || properties->empty())
        refuse_schema(node.at("properties"), "wanted the properties of an object, at least one");
    const std::vector<std::string> required = node.texts("required");
    std::vector<Field> fields;
    for (const auto& [name, schema] : properties->items()) {
        const SchemaNode inner(root_, schema, node.at("properties") + '/' + name, node.followed());
        Field& field = fields.emplace_back(field_of(inner, name, depth));
        field.is_required = std::ranges::find(required, name) != required.end();
    }
    for (const std::string& name : required) {
        if (std::ranges::find(fields, name, &Field::name) == fields.end())
            refuse_schema(node.at("required"), "a property is required that is not there");
    }
    read_options(options, node, extension);
    return Form(std::move(fields), std::move(options));
}

Form form_from_json_schema(std::string_view schema, SchemaModels models) {
    const SchemaJson root = parse_schema(schema);
    return SchemaReader(root, models).form();
}

}  // namespace consilia::validation
