#include "validation/schema_node.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "consilia/validation/form_schema.hpp"
#include "validation/schema_words.hpp"

namespace consilia::validation {
namespace {

constexpr int kJsonDepthMax = 128;
constexpr std::size_t kLayersMax = 16;
constexpr std::size_t kPlaceMax = 200;

/// What says something of a schema and nothing of what is valid.
bool is_annotation(std::string_view key) {
    static constexpr std::array<std::string_view, 14> kAnnotations{
        "$schema",          "$comment",     "$defs",      "definitions", "title",     "description",
        "default",          "examples",     "deprecated", "readOnly",    "writeOnly", "contentEncoding",
        "contentMediaType", "contentSchema"};
    return key.starts_with("x-") || std::ranges::find(kAnnotations, key) != kAnnotations.end();
}

/// One step of a JSON pointer (RFC 6901).
std::string step(std::string_view key) {
    std::string escaped = "/";
    for (const char c : key) escaped += c == '~' ? std::string("~0") : c == '/' ? "~1" : std::string(1, c);
    return escaped;
}

bool is_null_schema(const SchemaJson& schema) {
    return schema.is_object() && schema.size() == 1 && schema.contains("type") && schema["type"] == "null";
}

}  // namespace

void refuse_schema(const std::string& at, std::string_view reason) {
    const std::string place(core::truncated(at, kPlaceMax));
    throw core::ValidationError("form.schema", "schema at `" + place + "`: " + std::string(reason),
                                {{"at", place}});
}

SchemaJson parse_schema(std::string_view text) {
    if (text.size() > kSchemaBytesMax)
        refuse_schema("", "at most " + std::to_string(kSchemaBytesMax) + " bytes are read");
    const auto within_depth = [](int depth, SchemaJson::parse_event_t, SchemaJson&) {
        if (depth > kJsonDepthMax) refuse_schema("", "it is nested too deep");
        return true;
    };
    try {
        return SchemaJson::parse(text, within_depth);
    } catch (const SchemaJson::exception&) {
        refuse_schema("", "this is no valid JSON");
    }
}

std::optional<std::int64_t> whole_number(const SchemaJson& json) {
    constexpr double kLimit = 9007199254740992.0;  // 2^53
    if (json.is_number_unsigned() &&
        json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    if (json.is_number_integer()) return json.get<std::int64_t>();
    if (!json.is_number_float()) return std::nullopt;
    const double number = json.get<double>();
    if (!(std::abs(number) <= kLimit) || std::trunc(number) != number) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

SchemaNode::SchemaNode(const SchemaJson& root, const SchemaJson& schema, std::string at,
                       std::vector<const SchemaJson*> followed)
    : at_(std::move(at)), followed_(std::move(followed)) {
    add(root, schema);
}

void SchemaNode::add(const SchemaJson& root, const SchemaJson& schema) {
    static const SchemaJson anything = SchemaJson::object();
    if (layers_.size() == kLayersMax) refuse_schema(at_, "too many references lead from one to the next");
    if (schema == true) return layers_.push_back(&anything);
    if (!schema.is_object()) refuse_schema(at_, "wanted an object, the description of a value");
    layers_.push_back(&schema);
    if (&schema != &root && schema.contains("$id"))
        refuse_schema(at("$id"), "only the whole document has an address");
    if (const auto found = schema.find("$ref"); found != schema.end()) {
        allow_beside(schema, "$ref");
        follow(root, *found);
        return;
    }
    for (const char* keyword : {"anyOf", "oneOf"}) {
        const auto found = schema.find(keyword);
        if (found == schema.end()) continue;
        allow_beside(schema, keyword);
        return choose(root, *found, keyword);
    }
}

void SchemaNode::allow_beside(const SchemaJson& layer, std::string_view keyword) const {
    for (const auto& [key, value] : layer.items()) {
        if (key != keyword && key != "$id" && !is_annotation(key))
            refuse_schema(at(key), "beside `" + std::string(keyword) + "` only annotations are understood");
    }
}

void SchemaNode::follow(const SchemaJson& root, const SchemaJson& reference) {
    const SchemaJson* target = nullptr;
    const std::string text = reference.is_string() ? reference.get<std::string>() : std::string();
    try {
        if (text == "#" || text.starts_with("#/")) {
            const SchemaJson::json_pointer pointer(text.substr(1));
            if (root.contains(pointer)) target = &root.at(pointer);
        }
    } catch (const SchemaJson::exception&) {  // No pointer: it leads nowhere.
    }
    if (target == nullptr) refuse_schema(at("$ref"), "a reference must lead to a place in this document");
    const bool is_root_again = target == &root;
    if (is_root_again || std::ranges::find(followed_, target) != followed_.end())
        refuse_schema(at("$ref"), "the reference leads in a circle");
    followed_.push_back(target);
    add(root, *target);
}

void SchemaNode::choose(const SchemaJson& root, const SchemaJson& branches, std::string_view keyword) {
    const bool is_pair = branches.is_array() && branches.size() == 2 &&
                         is_null_schema(branches[0]) != is_null_schema(branches[1]);
    if (!is_pair) refuse_schema(at(keyword), "only a schema or null can be chosen from");
    is_nullable_ = true;
    add(root, branches[is_null_schema(branches[0]) ? 1 : 0]);
}

const SchemaJson* SchemaNode::find(std::string_view key) const {
    for (const SchemaJson* layer : layers_) {
        if (const auto found = layer->find(key); found != layer->end()) return &*found;
    }
    return nullptr;
}

std::string SchemaNode::at(std::string_view key) const {
    return at_ + step(key);
}

void SchemaNode::allow(const std::vector<std::string_view>& keywords) const {
    for (const SchemaJson* layer : layers_) {
        for (const auto& [key, value] : layer->items()) {
            const bool is_followed = key == "$ref" || key == "anyOf" || key == "oneOf" || key == "$id";
            if (is_followed || is_annotation(key)) continue;
            if (std::ranges::find(keywords, key) == keywords.end())
                refuse_schema(at(key), "this keyword is not understood here");
        }
    }
}

std::optional<std::string> SchemaNode::text(std::string_view key) const {
    const SchemaJson* found = find(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) refuse_schema(at(key), "wanted a text");
    return found->get<std::string>();
}

std::optional<std::int64_t> SchemaNode::integer(std::string_view key) const {
    const SchemaJson* found = find(key);
    if (found == nullptr) return std::nullopt;
    const auto number = whole_number(*found);
    if (!number) refuse_schema(at(key), "wanted an integer of 64 bits");
    return number;
}

std::int64_t SchemaNode::length(std::string_view key) const {
    const std::int64_t number = integer(key).value_or(0);
    if (number < 0) refuse_schema(at(key), "wanted a length");
    return number;
}

bool SchemaNode::flag(std::string_view key, bool otherwise) const {
    const SchemaJson* found = find(key);
    if (found == nullptr) return otherwise;
    if (!found->is_boolean()) refuse_schema(at(key), "wanted true or false");
    return found->get<bool>();
}

std::vector<std::string> SchemaNode::texts(std::string_view key) const {
    const SchemaJson* found = find(key);
    std::vector<std::string> texts;
    if (found == nullptr) return texts;
    const bool is_list = found->is_array() && std::ranges::all_of(*found, [](const SchemaJson& element) {
                             return element.is_string();
                         });
    if (!is_list) refuse_schema(at(key), "wanted a list of texts");
    for (const SchemaJson& text : *found) texts.push_back(text.get<std::string>());
    return texts;
}

}  // namespace consilia::validation
