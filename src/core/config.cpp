#include "consilia/core/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

using nlohmann::json;

/// Why a setting does not take a value; the reader of the document adds which one and where from.
struct Refusal {
    std::string reason;
};

/// One setting: how it is written to JSON and read from it.
struct Setting {
    std::string path;
    std::function<json(const Config&)> write;
    std::function<void(Config&, const json&)> read;  ///< Throws json::exception for a wrong type, or Refusal.
};

std::int64_t integer(const json& value) {
    if (!value.is_number_integer()) throw json::type_error::create(302, "wanted an integer", &value);
    return value.get<std::int64_t>();
}

std::int64_t within(std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high) {
        throw Refusal{"must be from " + std::to_string(low) + " to " + std::to_string(high)};
    }
    return value;
}

std::vector<std::string> distinct_names(std::vector<std::string> names) {
    for (auto name = names.begin(); name != names.end(); ++name) {
        if (name->empty()) throw Refusal{"holds an empty name"};
        if (std::find(names.begin(), name, *name) != name) throw Refusal{"holds `" + *name + "` twice"};
    }
    if (names.empty()) throw Refusal{"is empty"};
    return names;
}

json choices_to_json(const std::vector<NamedChoice>& choices) {
    json list = json::array();
    for (const NamedChoice& choice : choices) {
        list.push_back({{"name", choice.name}, {"display_name", choice.display_name}});
    }
    return list;
}

std::vector<NamedChoice> choices_from_json(const json& list) {
    std::vector<NamedChoice> choices;
    std::vector<std::string> names;
    for (const json& item : list.get<std::vector<json>>()) {
        choices.push_back({item.at("name").get<std::string>(), item.at("display_name").get<std::string>()});
        if (item.size() != 2) throw Refusal{"holds a choice with other keys than `name` and `display_name`"};
        names.push_back(choices.back().name);
    }
    distinct_names(std::move(names));
    return choices;
}

template <class Member>
Setting integer_setting(std::string path, Member member, std::int64_t low, std::int64_t high) {
    return {path, [member](const Config& c) { return json(member(c)); },
            [member, low, high](Config& c, const json& value) {
                using Number = std::remove_reference_t<decltype(member(c))>;
                member(c) = static_cast<Number>(within(integer(value), low, high));
            }};
}

template <class Member>
Setting choices_setting(std::string path, Member member) {
    return {path, [member](const Config& c) { return choices_to_json(member(c)); },
            [member](Config& c, const json& value) { member(c) = choices_from_json(value); }};
}

template <class Member>
Setting names_setting(std::string path, Member member) {
    return {path, [member](const Config& c) { return json(member(c)); },
            [member](Config& c, const json& value) {
                member(c) = distinct_names(value.get<std::vector<std::string>>());
            }};
}

std::vector<Setting> make_settings() {
    std::vector<Setting> settings;
    settings.push_back(choices_setting(
        "roles", [](auto& c) -> auto& { return c.roles; }));
    settings.push_back(names_setting(
        "diagnoses", [](auto& c) -> auto& { return c.diagnoses; }));
    settings.push_back(choices_setting(
        "prediction_statuses", [](auto& c) -> auto& { return c.prediction_statuses; }));
    settings.push_back(integer_setting(
        "uploads.limit_bytes", [](auto& c) -> auto& { return c.uploads.limit_bytes; }, 1, 1LL << 32));
    settings.push_back(names_setting(
        "uploads.types", [](auto& c) -> auto& { return c.uploads.types; }));
    settings.push_back(integer_setting(
        "predictions.per_user_and_day_max",
        [](auto& c) -> auto& { return c.predictions.per_user_and_day_max; }, 0, 1'000'000'000));
    settings.push_back({"predictions.confidence_threshold",
                        [](const Config& c) { return json(c.predictions.confidence_threshold); },
                        [](Config& c, const json& value) {
                            const double threshold = value.get<double>();
                            if (!(threshold >= 0 && threshold <= 1)) {
                                throw Refusal{"must be from 0 to 1"};
                            }
                            c.predictions.confidence_threshold = threshold;
                        }});
    settings.push_back(integer_setting(
        "predictions.batch_max", [](auto& c) -> auto& { return c.predictions.batch_max; }, 1, 10'000));
    settings.push_back(
        {"predictions.is_model_cache_enabled",
         [](const Config& c) { return json(c.predictions.is_model_cache_enabled); },
         [](Config& c, const json& v) { c.predictions.is_model_cache_enabled = v.get<bool>(); }});
    settings.push_back({"reports_kept_days", [](const Config& c) { return json(c.reports_kept.count()); },
                        [](Config& c, const json& v) {
                            c.reports_kept = std::chrono::days(within(integer(v), 1, 36'500));
                        }});
    settings.push_back({"session_timeout_minutes",
                        [](const Config& c) { return json(c.session_timeout.count()); },
                        [](Config& c, const json& v) {
                            c.session_timeout = std::chrono::minutes(within(integer(v), 1, 60 * 24 * 30));
                        }});
    settings.push_back({"features", [](const Config& c) { return json(c.features); },
                        [](Config& c, const json& v) {
                            for (const auto& [name, on] : v.get<std::map<std::string, bool>>())
                                c.features[name] = on;
                        }});
    return settings;
}

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = make_settings();
    return all;
}

[[noreturn]] void refuse(const char* code, const std::string& key, std::string_view source,
                         const std::string& reason, std::string_view found) {
    throw InvalidArgument(code, "setting `" + key + "` from `" + std::string(source) + "` " + reason,
                          {{"key", key}, {"source", source}, {"found", found}});
}

void read_setting(const Setting& setting, Config& config, const json& value, std::string_view source) {
    try {
        setting.read(config, value);
    } catch (const json::exception&) {
        refuse("config.type", setting.path, source, "has a value of the wrong type", value.type_name());
    } catch (const Refusal& refusal) {
        refuse("config.range", setting.path, source, refusal.reason, value.type_name());
    }
}

/// Walks an object: a path that names a setting is read, one that leads to settings is entered, another is
/// refused.
void read_object(Config& config, const json& object, const std::string& prefix, std::string_view source) {
    for (const auto& [key, value] : object.items()) {
        const std::string path = prefix + key;
        const auto& all = settings();
        const auto exact =
            std::find_if(all.begin(), all.end(), [&](const Setting& s) { return s.path == path; });
        const bool leads = std::any_of(all.begin(), all.end(),
                                       [&](const Setting& s) { return s.path.starts_with(path + "."); });
        if (exact != all.end()) {
            read_setting(*exact, config, value, source);
        } else if (leads && value.is_object()) {
            read_object(config, value, path + ".", source);
        } else {
            refuse(leads ? "config.type" : "config.unknown_key", path, source,
                   leads ? "must be an object" : "does not exist", value.type_name());
        }
    }
}

std::string variable_name(const std::string& path) {
    std::string name = "CONSILIA_";
    for (const char c : path) {
        name += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return name;
}

}  // namespace

bool Config::is_enabled(std::string_view feature) const {
    const auto found = features.find(feature);
    return found != features.end() && found->second;
}

Config Config::from_json(std::string_view document) {
    return Config{}.with_json(document);
}

Config Config::with_json(std::string_view document, std::string_view source) const {
    const json parsed = json::parse(document, nullptr, false);
    if (!parsed.is_object()) {
        throw InvalidArgument("config.syntax", "the configuration is not a JSON object",
                              {{"source", source}});
    }
    Config config = *this;
    read_object(config, parsed, "", source);
    return config;
}

Config Config::with_environment(const std::map<std::string, std::string>& variables) const {
    Config config = *this;
    for (const Setting& setting : settings()) {
        const std::string name = variable_name(setting.path);
        const auto found = variables.find(name);
        if (found == variables.end()) continue;
        const json value = json::parse(found->second, nullptr, false);
        if (value.is_discarded()) {
            throw InvalidArgument("config.syntax", "variable `" + name + "` is not JSON",
                                  {{"key", setting.path}, {"source", name}});
        }
        read_setting(setting, config, value, name);
    }
    return config;
}

Config Config::with_environment() const {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (text.starts_with("CONSILIA_") && equals != std::string_view::npos) {
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return with_environment(variables);
}

std::string Config::to_json() const {
    json document = json::object();
    for (const Setting& setting : settings()) {
        std::string pointer = "/" + setting.path;
        std::replace(pointer.begin(), pointer.end(), '.', '/');
        document[json::json_pointer(pointer)] = setting.write(*this);
    }
    return document.dump();
}

}  // namespace consilia::core
