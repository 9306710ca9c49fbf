// Conditions over several fields.
#include <algorithm>

#include "consilia/core/clock.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {
namespace {

const Input* find_in(const CleanItems& items, std::string_view name) {
    if (items.shape == nullptr) return nullptr;
    const std::size_t place = items.shape->find(name);
    return place == items.shape->size() ? nullptr : &items.values[place];
}

/// The value at a dotted path; null where a part is not there.
core::Value value_at(CleanItems items, std::string_view path) {
    for (;;) {
        const std::size_t dot = path.find('.');
        const Input* found = find_in(items, path.substr(0, dot));
        if (found == nullptr) return {};
        if (dot == std::string_view::npos) return to_value(*found);
        if (found->kind != InputKind::Object) return {};
        items = *found->items;
        path.remove_prefix(dot + 1);
    }
}

}  // namespace

std::optional<bool> FormCheck::truth(const core::Expression& condition, const Object& object) const {
    const CleanItems items{&object.plan.shape, object.clean};
    std::optional<core::Value> now;
    std::optional<core::Value> today;
    const auto time = [&](std::string_view name) -> const core::Value* {
        if (name != "now" && name != "today") return nullptr;
        if (!now) {
            const core::Clock& clock =
                options_.clock != nullptr ? *options_.clock : core::SystemClock::instance();
            const core::Timestamp instant = clock.now();
            now = instant;
            today = core::date_of(instant);
        }
        return name == "now" ? &*now : &*today;
    };
    return core::truth(
        condition, [&](std::string_view path) { return value_at(items, path); }, time);
}

/// Where a field failed, its rules are not asked: one mistake is one error.
void FormCheck::check_rules(Object& object, const Step* at) {
    const auto is_clean = [&](std::size_t place) { return !object.failed[place]; };
    for (std::size_t i = 0; i < object.plan.field_plans.size(); ++i) {
        const FieldPlan& plan = object.plan.field_plans[i];
        const Input& clean = object.clean[i];
        if (plan.required_by.empty() || object.failed[i] || clean.kind > InputKind::Null) continue;
        if (std::ranges::all_of(plan.required_by, is_clean) &&
            truth(plan.field->required_when, object) == true) {
            fail(plan, {at, plan.field->name, 0}, "required");
            object.failed[i] = true;
        }
    }
    for (const RulePlan& plan : object.plan.rules) {
        if (!std::ranges::all_of(plan.fields, is_clean)) continue;
        if (truth(plan.rule->check, object) != false) continue;
        const std::string* own = plan.rule->message.empty() ? nullptr : &plan.rule->message;
        const Step step{at, plan.rule->field, 0};
        add(plan.rule->field.empty() ? at : &step, plan.rule->code,
            {{"rule", core::to_text(plan.rule->check)}}, own);
    }
}

}  // namespace consilia::validation
