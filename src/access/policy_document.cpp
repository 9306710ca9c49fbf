#include "consilia/access/policy_document.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kMaxDocumentBytes = std::size_t{16} << 20;

[[noreturn]] void refuse(const std::string& place, const std::string& message) {
    throw core::ValidationError("policy.syntax", "policy document: " + place + ": " + message,
                                {{"place", core::Value(place)}});
}

void require_keys(const Json& object, std::initializer_list<std::string_view> allowed,
                  const std::string& place) {
    if (!object.is_object()) refuse(place, "wanted an object");
    for (const auto& item : object.items()) {
        bool known = false;
        for (const std::string_view key : allowed) known = known || key == item.key();
        if (!known) refuse(place, "unknown key `" + item.key().substr(0, 100) + "`");
    }
}

std::string text_of(const Json& object, const char* key, const std::string& place, bool is_required = true) {
    const auto found = object.find(key);
    if (found == object.end() && !is_required) return {};
    if (found == object.end() || !found->is_string())
        refuse(place, std::string("wanted a text `") + key + "`");
    return found->get<std::string>();
}

std::vector<std::string> texts_of(const Json& list, const std::string& place) {
    if (!list.is_array()) refuse(place, "wanted a list of texts");
    std::vector<std::string> texts;
    for (const Json& item : list) {
        if (!item.is_string()) refuse(place, "wanted a list of texts");
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

// The list under `key`, empty where it is absent.
const Json& list_of(const Json& root, const char* key) {
    static const Json empty = Json::array();
    const auto found = root.find(key);
    if (found == root.end()) return empty;
    if (!found->is_array()) refuse(key, "wanted a list");
    return *found;
}

Rule rule_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "effect", "role", "permission", "condition"}, place);
    Rule rule;
    rule.name = text_of(item, "name", place, false);
    const std::string effect = text_of(item, "effect", place);
    if (effect != "allow" && effect != "deny") refuse(place, "`effect` is `allow` or `deny`");
    rule.effect = effect == "allow" ? Effect::Allow : Effect::Deny;
    rule.role = text_of(item, "role", place);
    rule.permission = text_of(item, "permission", place);
    const std::string condition = text_of(item, "condition", place, false);
    try {
        if (!condition.empty()) rule.condition = core::parse_expression(condition);
    } catch (const core::InvalidArgument& error) {
        refuse(place + ".condition", error.what());
    }
    return rule;
}

}  // namespace

PolicyDocument parse_policy(std::string_view json) {
    if (json.size() > kMaxDocumentBytes) refuse("document", "longer than 16 MiB");
    const Json root = Json::parse(json, nullptr, false);
    if (root.is_discarded()) refuse("document", "not JSON");
    require_keys(root, {"version", "resources", "roles", "rules", "fields"}, "document");
    const auto version = root.find("version");
    if (version == root.end() || *version != kVersion) refuse("version", "wanted 1");

    PolicyDocument document;
    if (const auto resources = root.find("resources"); resources != root.end()) {
        if (!resources->is_object()) refuse("resources", "wanted an object");
        for (const auto& item : resources->items()) {
            document.resources[item.key()] = texts_of(item.value(), "resources." + item.key());
        }
    }
    const auto place_of = [](const char* list, std::size_t index) {
        return std::string(list) + "[" + std::to_string(index) + "]";
    };
    for (const Json& item : list_of(root, "roles")) {
        const std::string place = place_of("roles", document.roles.size());
        require_keys(item, {"name", "inherits"}, place);
        document.roles.push_back({text_of(item, "name", place), texts_of(list_of(item, "inherits"), place)});
    }
    for (const Json& item : list_of(root, "rules")) {
        document.rules.push_back(rule_of(item, place_of("rules", document.rules.size())));
    }
    for (const Json& item : list_of(root, "fields")) {
        const std::string place = place_of("fields", document.fields.size());
        require_keys(item, {"role", "permission", "fields"}, place);
        document.fields.push_back({text_of(item, "role", place), text_of(item, "permission", place),
                                   texts_of(list_of(item, "fields"), place)});
    }
    return document;
}

std::string to_json(const PolicyDocument& document) {
    nlohmann::ordered_json root = {{"version", kVersion}, {"resources", document.resources}};
    auto& roles = root["roles"] = nlohmann::ordered_json::array();
    for (const Role& role : document.roles)
        roles.push_back({{"name", role.name}, {"inherits", role.inherits}});
    auto& rules = root["rules"] = nlohmann::ordered_json::array();
    for (const Rule& rule : document.rules) {
        nlohmann::ordered_json item;
        if (!rule.name.empty()) item["name"] = rule.name;
        item["effect"] = rule.effect == Effect::Allow ? "allow" : "deny";
        item["role"] = rule.role;
        item["permission"] = rule.permission;
        if (!rule.condition.is_always_true()) item["condition"] = core::to_text(rule.condition);
        rules.push_back(std::move(item));
    }
    auto& fields = root["fields"] = nlohmann::ordered_json::array();
    for (const FieldRule& rule : document.fields) {
        fields.push_back({{"role", rule.role}, {"permission", rule.permission}, {"fields", rule.fields}});
    }
    return root.dump(2);
}

}  // namespace consilia::access
