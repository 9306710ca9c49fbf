// Casbin's two files: a model in the manner of INI files, and a policy in the manner of CSV.
#include <algorithm>
#include <map>

#include "access/import_casbin.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

const ImportSource kModel{"import.casbin", "model"};
const ImportSource kPolicy{"import.casbin", "policy"};
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxRows = 100'000;

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Calls `visit(line, number)` for each line that says something.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        if (!line.empty() && line.front() != '#' && line.front() != ';') visit(line, number);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string without_spaces(std::string_view text) {
    std::string kept;
    for (const char c : text) {
        if (c != ' ' && c != '\t') kept += c;
    }
    return kept;
}

struct Setting {
    std::string value;
    TextPlace place;
};

// Values by `section.key`. A line that ends with `\` goes on.
std::map<std::string, Setting> settings_of(std::string_view model) {
    static const std::map<std::string, std::string> kSections{{"request_definition", "r"},
                                                              {"policy_definition", "p"},
                                                              {"role_definition", "g"},
                                                              {"policy_effect", "e"},
                                                              {"matchers", "m"}};
    std::map<std::string, Setting> settings;
    std::string wanted;
    Setting* open = nullptr;
    for_each_line(model, [&](std::string_view line, std::size_t number) {
        const TextPlace place{number, 1};
        line = trimmed(line.substr(0, std::min(line.find('#'), line.size())));
        const bool goes_on = line.back() == '\\';
        if (goes_on) line = trimmed(line.substr(0, line.size() - 1));
        if (open != nullptr) {
            open->value += " " + std::string(line);
            if (!goes_on) open = nullptr;
            return;
        }
        if (line.front() == '[' && line.back() == ']') {
            const auto known = kSections.find(std::string(line.substr(1, line.size() - 2)));
            if (known == kSections.end()) kModel.refuse(place, line, "no such section is known here");
            wanted = known->second;
            return;
        }
        const std::size_t sign = line.find('=');
        if (sign == std::string_view::npos) kModel.refuse(place, line, "wanted `name = value`");
        const std::string key(trimmed(line.substr(0, sign)));
        if (wanted.empty()) kModel.refuse(place, line, "it stands in no section");
        if (key != wanted)
            kModel.refuse(place, key, "only `" + wanted + "` is carried over from this section");
        const std::string_view value = trimmed(line.substr(sign + 1));
        const std::size_t column = static_cast<std::size_t>(value.data() - line.data()) + 1;
        const auto [made, is_new] = settings.emplace(key, Setting{std::string(value), {number, column}});
        if (!is_new) kModel.refuse(place, key, "it is defined twice");
        if (goes_on) open = &made->second;
    });
    return settings;
}

std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> items;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        items.emplace_back(trimmed(text.substr(0, comma)));
        if (comma == text.size()) return items;
        text.remove_prefix(comma + 1);
    }
}

// Commas inside brackets and double quotes do not separate.
std::vector<std::string> values_of(std::string_view line, std::size_t number) {
    std::vector<std::string> values(1);
    int depth = 0;
    bool is_quoted = false;
    for (const char c : line) {
        if (c == '"') is_quoted = !is_quoted;
        if (!is_quoted && (c == '(' || c == '[')) ++depth;
        if (!is_quoted && (c == ')' || c == ']')) --depth;
        if (c == ',' && depth == 0 && !is_quoted) {
            values.emplace_back();
        } else {
            values.back() += c;
        }
    }
    if (depth != 0 || is_quoted) kPolicy.refuse({number, 1}, line, "brackets or quotes do not match");
    for (std::string& value : values) value = std::string(trimmed(value));
    return values;
}

void read_model(std::string_view text, CasbinModel& model) {
    const std::map<std::string, Setting> settings = settings_of(text);
    const auto require = [&](const char* key, const char* section) -> const Setting& {
        const auto found = settings.find(key);
        if (found == settings.end()) kModel.refuse({}, section, "the model lacks it");
        return found->second;
    };
    const Setting& request = require("r", "request_definition");
    model.request = list_of(request.value);
    if (model.request != std::vector<std::string>{"sub", "obj", "act"})
        kModel.refuse(request.place, request.value,
                      "a request is `sub, obj, act`: domains and other parts have no counterpart");
    model.policy = list_of(require("p", "policy_definition").value);
    if (const auto roles = settings.find("g"); roles != settings.end()) {
        if (without_spaces(roles->second.value) != "_,_")
            kModel.refuse(roles->second.place, roles->second.value,
                          "only `_, _` is carried over: no domains");
        model.has_roles = true;
    }
    const Setting& effect = require("e", "policy_effect");
    const std::string form = without_spaces(effect.value);
    model.denies_override = form == "some(where(p.eft==allow))&&!some(where(p.eft==deny))";
    if (!model.denies_override && form != "some(where(p.eft==allow))")
        kModel.refuse(effect.place, effect.value,
                      "what no rule allows is denied here, and a deny rule overrides every allow rule");
    const Setting& matcher = require("m", "matchers");
    model.matcher = matcher.value;
    model.matcher_place = matcher.place;
}

void read_policy(std::string_view text, CasbinModel& model) {
    for_each_line(text, [&](std::string_view line, std::size_t number) {
        std::vector<std::string> values = values_of(line, number);
        const std::string key = values.front();
        values.erase(values.begin());
        if (key == "p") {
            if (values.size() != model.policy.size())
                kPolicy.refuse({number, 1}, line,
                               "the model's `p` has " + std::to_string(model.policy.size()) + " parts");
            model.rows.push_back({std::move(values), number});
        } else if (key == "g" && model.has_roles) {
            if (values.size() != 2) kPolicy.refuse({number, 1}, line, "`g` links two names");
            model.links.push_back({std::move(values), number});
        } else {
            kPolicy.refuse({number, 1}, key, "the model does not define it");
        }
        if (model.rows.size() + model.links.size() > kMaxRows)
            kPolicy.refuse({number, 1}, key, "a policy has at most 100000 lines");
    });
}

}  // namespace

CasbinModel read_casbin(std::string_view model, std::string_view policy) {
    if (model.size() > kMaxBytes) kModel.refuse({}, "text", "it is longer than 16 MiB");
    if (policy.size() > kMaxBytes) kPolicy.refuse({}, "text", "it is longer than 16 MiB");
    CasbinModel read;
    read_model(model, read);
    read_policy(policy, read);
    return read;
}

}  // namespace consilia::access
