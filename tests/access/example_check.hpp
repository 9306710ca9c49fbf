#pragma once
// Asks a policy about the example of an analysis.
#include <algorithm>
#include <string>

#include "consilia/access/policy.hpp"
#include "consilia/access/policy_analysis.hpp"

namespace consilia::access {

inline core::FieldSource source_of(const core::Parameters& object) {
    return [&object](std::string_view path) {
        const auto found = object.find(path);
        return found == object.end() ? core::Value() : found->second;
    };
}

inline bool answer(const PolicyDocument& document, const AccessExample& example) {
    return Policy(document)
        .check(example.principal, example.action, example.resource, source_of(example.object),
               example.context)
        .allowed;
}

inline bool has_field(const PolicyDocument& document, const AccessExample& example,
                      const std::string& field) {
    const auto fields = Policy(document).fields(example.principal, example.action, example.resource,
                                                source_of(example.object), example.context);
    return std::binary_search(fields.begin(), fields.end(), field);
}

}  // namespace consilia::access
