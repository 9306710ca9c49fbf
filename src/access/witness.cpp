#include "consilia/access/witness.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "access/witness_search.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

bool fulfils(const Requirement& requirement, const Assignment& values) {
    static const core::Value kAbsent;
    const core::ParameterSource parameters = [&](std::string_view name) {
        const auto found = values.parameters.find(name);
        return found == values.parameters.end() ? &kAbsent : &found->second;
    };
    const std::optional<bool> truth =
        core::truth(requirement.condition, field_source(values.fields), parameters);
    switch (requirement.wanted) {
        case Wanted::True:
            return truth == true;
        case Wanted::False:
            return truth == false;
        case Wanted::NotTrue:
            return truth != true;
        default:
            return truth != false;
    }
}

bool fulfils_all(std::span<const Requirement> requirements, const Assignment& values) {
    try {
        return std::all_of(requirements.begin(), requirements.end(),
                           [&](const Requirement& requirement) { return fulfils(requirement, values); });
    } catch (const core::InvalidArgument&) {
        return false;  // Types that cannot be compared, which nobody declared.
    }
}

// The evaluator wants a value for every parameter.
void name_parameters(const core::Expression& expression, Assignment& values) {
    if (expression.op() == core::Operator::Parameter) values.parameters.try_emplace(expression.name());
    for (const core::Expression& operand : expression.operands()) name_parameters(operand, values);
}

}  // namespace

std::string_view to_string(WitnessAnswer answer) noexcept {
    switch (answer) {
        case WitnessAnswer::Found:
            return "found";
        case WitnessAnswer::Impossible:
            return "impossible";
        default:
            return "unknown";
    }
}

Witness find_witness(std::span<const Requirement> requirements, const WitnessOptions& options) {
    const WitnessFormula formula = make_formula(requirements, options);
    if (!formula.unsupported.empty()) {
        Witness witness;
        witness.reason = formula.unsupported;
        return witness;
    }
    WitnessSearch search(formula, options.max_steps,
                         [&](const Assignment& values) { return fulfils_all(requirements, values); });
    Witness witness = search.run();
    if (witness.answer == WitnessAnswer::Found) {
        for (const Requirement& requirement : requirements)
            name_parameters(requirement.condition, witness.values);
    }
    return witness;
}

Witness find_witness(const core::Expression& condition, const WitnessOptions& options) {
    const Requirement requirement{condition};
    return find_witness(std::span(&requirement, 1), options);
}

}  // namespace consilia::access
