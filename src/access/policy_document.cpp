#include "consilia/access/policy_document.hpp"

#include <initializer_list>

#include "access/policy_json.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kMaxDocumentBytes = std::size_t{16} << 20;

void require_keys(const Json& object, std::initializer_list<std::string_view> allowed,
                  const std::string& place) {
    if (!object.is_object()) refuse_json(place, "wanted an object");
    for (const auto& item : object.items()) {
        bool known = false;
        for (const std::string_view key : allowed) known = known || key == item.key();
        if (!known) refuse_json(place, "unknown key `" + item.key().substr(0, 100) + "`");
    }
}

std::string text_of(const Json& object, const char* key, const std::string& place, bool is_required = true) {
    const auto found = object.find(key);
    if (found == object.end() && !is_required) return {};
    if (found == object.end() || !found->is_string())
        refuse_json(place, std::string("wanted a text `") + key + "`");
    return found->get<std::string>();
}

std::vector<std::string> texts_of(const Json& list, const std::string& place) {
    if (!list.is_array()) refuse_json(place, "wanted a list of texts");
    std::vector<std::string> texts;
    for (const Json& item : list) {
        if (!item.is_string()) refuse_json(place, "wanted a list of texts");
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

// The list under `key`, empty where it is absent.
const Json& list_of(const Json& object, const char* key, const std::string& place) {
    static const Json empty = Json::array();
    const auto found = object.find(key);
    if (found == object.end()) return empty;
    if (!found->is_array()) refuse_json(place + "." + key, "wanted a list");
    return *found;
}

core::Expression condition_of(const Json& item, const std::string& place) {
    const std::string condition = text_of(item, "condition", place, false);
    try {
        return condition.empty() ? core::Expression() : core::parse_expression(condition);
    } catch (const core::InvalidArgument& error) {
        refuse_json(place + ".condition", error.what());
    }
}

Effect effect_of(const Json& item, const std::string& place) {
    const std::string effect = text_of(item, "effect", place);
    if (effect != "allow" && effect != "deny") refuse_json(place, "`effect` is `allow` or `deny`");
    return effect == "allow" ? Effect::Allow : Effect::Deny;
}

core::ValueType type_of(const Json& name, const std::string& place) {
    constexpr auto kLast = static_cast<int>(core::ValueType::Json);
    for (int number = 1; name.is_string() && number <= kLast; ++number) {
        const auto type = static_cast<core::ValueType>(number);
        if (core::to_string(type) == name.get_ref<const std::string&>()) return type;
    }
    refuse_json(place, "wanted the name of a type, such as `int64` or `text`");
}

NamedTypes types_of(const Json& object, const std::string& place) {
    if (!object.is_object()) refuse_json(place, "wanted an object of names and types");
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
    Resource resource(texts_of(list_of(item, "actions", place), place + ".actions"));
    if (const Json* fields = find(item, "fields")) resource.fields = types_of(*fields, place + ".fields");
    return resource;
}

Separation separation_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "roles", "permissions", "at_most"}, place);
    Separation separation{text_of(item, "name", place),
                          texts_of(list_of(item, "roles", place), place + ".roles"),
                          texts_of(list_of(item, "permissions", place), place + ".permissions"), 1};
    if (const Json* at_most = find(item, "at_most")) {
        if (!at_most->is_number_unsigned() || *at_most < 1 || *at_most > 1000)
            refuse_json(place, "`at_most` is 1 to 1000");
        separation.at_most = at_most->get<std::uint32_t>();
    }
    return separation;
}

NeverRule never_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "role", "permission", "condition"}, place);
    return {text_of(item, "name", place), text_of(item, "role", place), text_of(item, "permission", place),
            condition_of(item, place)};
}

void put_condition(WrittenJson& item, const core::Expression& condition) {
    if (!condition.is_always_true()) item["condition"] = core::to_text(condition);
}

WrittenJson json_of(const NamedTypes& types) {
    auto json = WrittenJson::object();
    for (const auto& [name, type] : types) json[name] = core::to_string(type);
    return json;
}

// The list of a document that stands under `key`.
template <class T, class Read>
void read_list(std::vector<T>& into, const Json& list, const std::string& place, const Read& read) {
    if (!list.is_array()) refuse_json(place, "wanted a list");
    for (const Json& item : list) into.push_back(read(item, place + "[" + std::to_string(into.size()) + "]"));
}

}  // namespace

void refuse_json(const std::string& place, const std::string& message) {
    throw core::ValidationError("policy.syntax", "policy document: " + place + ": " + message,
                                {{"place", core::Value(place)}});
}

const char* name_of(Effect effect) noexcept {
    return effect == Effect::Allow ? "allow" : "deny";
}

Role role_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "inherits"}, place);
    return {text_of(item, "name", place), texts_of(list_of(item, "inherits", place), place + ".inherits")};
}

Rule rule_of(const Json& item, const std::string& place) {
    require_keys(item, {"name", "effect", "role", "permission", "condition"}, place);
    return {text_of(item, "name", place, false), effect_of(item, place), text_of(item, "role", place),
            text_of(item, "permission", place), condition_of(item, place)};
}

FieldRule field_rule_of(const Json& item, const std::string& place) {
    require_keys(item, {"effect", "role", "permission", "fields", "condition"}, place);
    FieldRule rule{text_of(item, "role", place), text_of(item, "permission", place),
                   texts_of(list_of(item, "fields", place), place + ".fields"), Effect::Allow,
                   condition_of(item, place)};
    if (item.contains("effect")) rule.effect = effect_of(item, place);
    return rule;
}

bool read_setting(PolicyDocument& document, std::string_view key, const Json& value,
                  const std::string& place) {
    if (key == "resources") {
        if (!value.is_object()) refuse_json(place, "wanted an object");
        for (const auto& item : value.items())
            document.resources[item.key()] = resource_of(item.value(), place + "." + item.key());
    } else if (key == "separations") {
        read_list(document.separations, value, place, separation_of);
    } else if (key == "delegable") {
        document.delegable = texts_of(value, place);
    } else if (key == "never") {
        read_list(document.never, value, place, never_of);
    } else if (key == "attributes") {
        require_keys(value, {"principal", "context"}, place);
        if (const Json* types = find(value, "principal"))
            document.principal_attributes = types_of(*types, place + ".principal");
        if (const Json* types = find(value, "context"))
            document.context_attributes = types_of(*types, place + ".context");
    } else {
        return false;
    }
    return true;
}

PolicyDocument parse_policy(std::string_view json) {
    if (json.size() > kMaxDocumentBytes) refuse_json("document", "longer than 16 MiB");
    const Json root = [&] {
        try {
            return Json::parse(json);
        } catch (const Json::parse_error& error) {
            refuse_json("document", "not JSON at byte " + std::to_string(error.byte));
        } catch (const Json::out_of_range&) {
            refuse_json("document", "a number that no double can hold");
        }
    }();
    require_keys(root,
                 {"$schema", "version", "resources", "roles", "rules", "fields", "separations", "delegable",
                  "never", "attributes"},
                 "document");
    const auto version = root.find("version");
    if (version == root.end() || *version != kVersion) refuse_json("version", "wanted 1");

    PolicyDocument document;
    for (const auto& item : root.items()) {
        if (item.key() == "roles") {
            read_list(document.roles, item.value(), "roles", role_of);
        } else if (item.key() == "rules") {
            read_list(document.rules, item.value(), "rules", rule_of);
        } else if (item.key() == "fields") {
            read_list(document.fields, item.value(), "fields", field_rule_of);
        } else {
            read_setting(document, item.key(), item.value(), item.key());
        }
    }
    return document;
}

WrittenJson json_of(const PolicyDocument& document) {
    using Written = WrittenJson;
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
    return root;
}

std::string to_json(const PolicyDocument& document) {
    return json_of(document).dump(2);
}

}  // namespace consilia::access
