#pragma once
// A form as it is run: each declaration made ready once.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "consilia/validation/form.hpp"

namespace re2 {
class RE2;
}

namespace consilia::validation {

/// A field with what its checks need at hand.
struct FieldPlan {
    const Field* field = nullptr;
    std::size_t length_min = 0;
    std::size_t length_max = 0;  ///< Of texts and lists; never zero.
    std::shared_ptr<const re2::RE2> pattern;
    std::vector<std::string> text_choices;  ///< Sorted.
    std::vector<std::int64_t> integer_choices;
    std::string choices;  ///< For the error.
    std::unique_ptr<const FieldPlan> items;
    std::vector<std::size_t> required_by;  ///< Fields in `required_when`.
};

struct RulePlan {
    const Rule* rule = nullptr;
    std::vector<std::size_t> fields;  ///< In the condition.
};

struct Form::Plan {
    Plan(std::vector<Field> fields, FormOptions options);

    std::vector<Field> fields;
    FormOptions options;
    FormShape shape;
    std::vector<FieldPlan> field_plans;
    std::vector<RulePlan> rules;
    bool needs_database = false;
};

}  // namespace consilia::validation
