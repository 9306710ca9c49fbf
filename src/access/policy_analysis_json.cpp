// Results of analyses as JSON.
#include <nlohmann/json.hpp>

#include "consilia/access/policy_analysis.hpp"
#include "consilia/core/clock.hpp"

namespace consilia::access {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const core::Value& value) {
    return Json::parse(core::to_json(value));
}

template <class Map>
Json json_of_values(const Map& values) {
    Json object = Json::object();
    for (const auto& [name, value] : values) object[name] = json_of(value);
    return object;
}

Json json_of(const std::optional<AccessExample>& example) {
    if (!example) return nullptr;
    const Principal& principal = example->principal;
    const Context& context = example->context;
    return {{"principal",
             {{"user_id", json_of(principal.user_id)},
              {"roles", principal.roles},
              {"name", principal.name},
              {"attributes", json_of_values(principal.attributes)}}},
            {"action", example->action},
            {"resource", example->resource},
            {"object", json_of_values(example->object)},
            {"context",
             {{"now", context.now ? json_of(core::Value(*context.now)) : Json()},
              {"address", context.address},
              {"attributes", json_of_values(context.attributes)}}}};
}

template <class T, class Convert>
std::string array_of(std::span<const T> items, const Convert& convert) {
    Json array = Json::array();
    for (const T& item : items) array.push_back(convert(item));
    return array.dump();
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
    switch (severity) {
        case Severity::Info:
            return "info";
        case Severity::Error:
            return "error";
        default:
            return "warning";
    }
}

std::string_view to_string(ChangeKind kind) noexcept {
    return kind == ChangeKind::Gains ? "gains" : "loses";
}

std::string_view to_string(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::Proved:
            return "proved";
        case Verdict::Violated:
            return "violated";
        default:
            return "unknown";
    }
}

std::string to_json(std::span<const Finding> findings) {
    return array_of(findings, [](const Finding& finding) {
        return Json{{"severity", to_string(finding.severity)},
                    {"code", finding.code},
                    {"message", finding.message},
                    {"rules", finding.rules},
                    {"example", json_of(finding.example)}};
    });
}

std::string to_json(std::span<const PolicyChange> changes) {
    return array_of(changes, [](const PolicyChange& change) {
        return Json{{"role", change.role},
                    {"resource", change.resource},
                    {"action", change.action},
                    {"field", change.field},
                    {"kind", to_string(change.kind)},
                    {"is_certain", change.is_certain()},
                    {"example", json_of(change.example)}};
    });
}

std::string to_json(std::span<const NeverResult> results) {
    return array_of(results, [](const NeverResult& result) {
        return Json{{"rule", result.rule},
                    {"verdict", to_string(result.verdict)},
                    {"counterexample", json_of(result.counterexample)},
                    {"reason", result.reason}};
    });
}

}  // namespace consilia::access
