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

core::Expression condition_of(const Json& item, const std::string& place) {
    const std::string condition = text_of(item, "condition", place, false);
    try {
        return condition.empty() ? core::Expression() : core::parse_expression(condition);
    } catch (const core::InvalidArgument& error) {
        refuse(place + ".condition", error.what());
    }
}

Effect effect_of(const Json& item, const std::string& place) {
    const std::string effect = text_of(item, "effect", place);
    if (effect != "allow" && effect != "deny") refuse(place, "`effect` is `allow` or `deny`");
    return effect == "allow" ? Effect::Allow : Effect::Deny;
}

core::ValueType type_of(const Json& name, const std::string& place) {
    constexpr auto kLast = static_cast<int>(core::ValueType::Json);
    for (int number = 1; name.is_string() && number <= kLast; ++number) {
        const auto type = static_cast<core::ValueType>(number);
        if (core::to_string(type) == name.get_ref<const std::string&>()) return type;
    }
    refuse(place, "wanted the name of a type, such as `int64` or `text`");
}

NamedTypes types_of(const Json& object, const std::string& place) {
    if (!object.is_object()) refuse(place, "wanted an object of names and types");
    NamedTypes types;
    for (const auto& item : object.items())
        types.emplace(item.key(), type_of(item.value(), place + "." + item.key()));
    return types;
}

const Json* find(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

Resource resource_of(const Json& item, const std::string& place) {
    if (item.is_array()) return Resource(texts_of(item, place));
    require_keys(item, {"actions", "fields"}, place);
    Resource resource(texts_of(list_of(item, "actions"), place + ".actions"));
    if (const Json* fields = find(item, "fields")) resource.fields = types_of(*fields, place + ".fields");
    return resource;
}

Rule rule_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "effect", "role", "permission", "condition"}, place);
    return {text_of(item, "name", place, false), effect_of(item, place), text_of(item, "role", place),
            text_of(item, "permission", place), condition_of(item, place)};
}

FieldRule field_rule_of(const Json& item, const std::string& place) {
    require_keys(item, {"effect", "role", "permission", "fields", "condition"}, place);
    FieldRule rule{text_of(item, "role", place), text_of(item, "permission", place),
                   texts_of(list_of(item, "fields"), place), Effect::Allow, condition_of(item, place)};
    if (item.contains("effect")) rule.effect = effect_of(item, place);
    return rule;
}

Separation separation_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "roles", "permissions", "at_most"}, place);
    Separation separation{text_of(item, "name", place), texts_of(list_of(item, "roles"), place),
                          texts_of(list_of(item, "permissions"), place), 1};
    if (const Json* at_most = find(item, "at_most")) {
        if (!at_most->is_number_unsigned() || *at_most < 1 || *at_most > 1000)
            refuse(place, "`at_most` is 1 to 1000");
        separation.at_most = at_most->get<std::uint32_t>();
    }
    return separation;
}

NeverRule never_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "role", "permission", "condition"}, place);
    return {text_of(item, "name", place), text_of(item, "role", place), text_of(item, "permission", place),
            condition_of(item, place)};
}

void put_condition(nlohmann::ordered_json& item, const core::Expression& condition) {
    if (!condition.is_always_true()) item["condition"] = core::to_text(condition);
}

nlohmann::ordered_json json_of(const NamedTypes& types) {
    auto json = nlohmann::ordered_json::object();
    for (const auto& [name, type] : types) json[name] = core::to_string(type);
    return json;
}

const char* name_of(Effect effect) {
    return effect == Effect::Allow ? "allow" : "deny";
}

}  // namespace

PolicyDocument parse_policy(std::string_view json) {
    if (json.size() > kMaxDocumentBytes) refuse("document", "longer than 16 MiB");
    const Json root = Json::parse(json, nullptr, false);
    if (root.is_discarded()) refuse("document", "not JSON");
    require_keys(root,
                 {"$schema", "version", "resources", "roles", "rules", "fields", "separations", "delegable",
                  "never", "attributes"},
                 "document");
    const auto version = root.find("version");
    if (version == root.end() || *version != kVersion) refuse("version", "wanted 1");

    PolicyDocument document;
    if (const auto resources = root.find("resources"); resources != root.end()) {
        if (!resources->is_object()) refuse("resources", "wanted an object");
        for (const auto& item : resources->items())
            document.resources[item.key()] = resource_of(item.value(), "resources." + item.key());
    }
    const auto read_list = [&](const char* key, auto& into, const auto& read) {
        for (const Json& item : list_of(root, key))
            into.push_back(read(item, std::string(key) + "[" + std::to_string(into.size()) + "]"));
    };
    read_list("roles", document.roles, [](const Json& item, const std::string& place) {
        require_keys(item, {"name", "inherits"}, place);
        return Role{text_of(item, "name", place), texts_of(list_of(item, "inherits"), place)};
    });
    read_list("rules", document.rules, rule_of);
    read_list("fields", document.fields, field_rule_of);
    read_list("separations", document.separations, separation_of);
    document.delegable = texts_of(list_of(root, "delegable"), "delegable");
    read_list("never", document.never, never_of);
    if (const Json* attributes = find(root, "attributes")) {
        require_keys(*attributes, {"principal", "context"}, "attributes");
        if (const Json* types = find(*attributes, "principal"))
            document.principal_attributes = types_of(*types, "attributes.principal");
        if (const Json* types = find(*attributes, "context"))
            document.context_attributes = types_of(*types, "attributes.context");
    }
    return document;
}

std::string to_json(const PolicyDocument& document) {
    using Written = nlohmann::ordered_json;
    Written root = {{"version", kVersion}};
    Written& resources = root["resources"] = Written::object();
    for (const auto& [name, resource] : document.resources) {
        if (resource.fields.empty()) {
            resources[name] = resource.actions;
        } else {
            resources[name] = {{"actions", resource.actions}, {"fields", json_of(resource.fields)}};
        }
    }
    Written& roles = root["roles"] = Written::array();
    for (const Role& role : document.roles)
        roles.push_back({{"name", role.name}, {"inherits", role.inherits}});
    Written& rules = root["rules"] = Written::array();
    for (const Rule& rule : document.rules) {
        Written item;
        if (!rule.name.empty()) item["name"] = rule.name;
        item["effect"] = name_of(rule.effect);
        item["role"] = rule.role;
        item["permission"] = rule.permission;
        put_condition(item, rule.condition);
        rules.push_back(std::move(item));
    }
    Written& fields = root["fields"] = Written::array();
    for (const FieldRule& rule : document.fields) {
        Written item;
        if (rule.effect == Effect::Deny) item["effect"] = name_of(rule.effect);
        item["role"] = rule.role;
        item["permission"] = rule.permission;
        item["fields"] = rule.fields;
        put_condition(item, rule.condition);
        fields.push_back(std::move(item));
    }
    if (!document.separations.empty()) root["separations"] = Written::array();
    for (const Separation& separation : document.separations) {
        Written item = {{"name", separation.name}};
        if (!separation.roles.empty()) item["roles"] = separation.roles;
        if (!separation.permissions.empty()) item["permissions"] = separation.permissions;
        item["at_most"] = separation.at_most;
        root["separations"].push_back(std::move(item));
    }
    if (!document.delegable.empty()) root["delegable"] = document.delegable;
    if (!document.never.empty()) root["never"] = Written::array();
    for (const NeverRule& rule : document.never) {
        Written item = {{"name", rule.name}, {"role", rule.role}, {"permission", rule.permission}};
        put_condition(item, rule.condition);
        root["never"].push_back(std::move(item));
    }
    if (!document.principal_attributes.empty())
        root["attributes"]["principal"] = json_of(document.principal_attributes);
    if (!document.context_attributes.empty())
        root["attributes"]["context"] = json_of(document.context_attributes);
    return root.dump(2);
}

}  // namespace consilia::access
