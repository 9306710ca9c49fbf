// What a policy tells of itself: reasons, conditions of queries, and who may do what.
#include <nlohmann/json.hpp>

#include "access.hpp"

namespace core = consilia::core;
using consilia::access::PermissionGrant;
using consilia::access::RoleGrant;
using consilia::capi::AskedContext;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::ObjectSource;
using consilia::capi::policy_of;
using consilia::capi::principal_of;
using consilia::capi::to_buffer;
using consilia::capi::view;
using core::Expression;
using core::Operator;

/// The text of a condition and the values of its parameters; `parameters` borrows from the other two.
struct consilia_condition {
    std::string text;
    std::vector<std::string> names;
    std::vector<core::Value> values;
    std::vector<consilia_parameter_t> parameters;
};

namespace {

bool takes_literals(Operator op) {
    return op == Operator::JsonText || op == Operator::JsonNumber || op == Operator::JsonBool;
}

/// The condition with a parameter in place of each value, which are appended to `values`. Null, true and
/// false stay, and so do the keys of JSON, which must be literals.
Expression lifted(const Expression& condition, std::vector<core::Value>& values) {
    if (condition.op() == Operator::Literal) {
        const core::ValueType type = condition.value().type();
        if (type == core::ValueType::Null || type == core::ValueType::Bool) return condition;
        values.push_back(condition.value());
        return Expression::parameter("scope_" + std::to_string(values.size()));
    }
    if (condition.operands().empty()) return condition;
    std::vector<Expression> operands;
    for (const Expression& operand : condition.operands()) {
        const bool is_key = takes_literals(condition.op()) && !operands.empty();
        operands.push_back(is_key ? operand : lifted(operand, values));
    }
    return condition.with_operands(std::move(operands));
}

std::unique_ptr<consilia_condition_t> condition_of(const Expression& scope) {
    auto made = std::make_unique<consilia_condition_t>();
    made->text = core::to_text(lifted(scope, made->values));
    for (std::size_t i = 0; i < made->values.size(); ++i)
        made->names.push_back("scope_" + std::to_string(i + 1));
    for (std::size_t i = 0; i < made->values.size(); ++i)
        made->parameters.push_back(
            {consilia::capi::borrow(made->names[i]), consilia::capi::lend(made->values[i])});
    return made;
}

std::string text_of(const Expression& condition) {
    return condition.is_always_true() ? std::string() : core::to_text(condition);
}

}  // namespace

extern "C" {

consilia_status_t consilia_policy_require(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                          consilia_str_t action, consilia_str_t resource,
                                          const consilia_access_object_t* object,
                                          const consilia_access_context_t* context,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        policy_of(policy).require(principal_of(subject), view(action), view(resource),
                                  ObjectSource(object).source(), AskedContext(context).context());
    });
}

consilia_status_t consilia_policy_explain(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                          consilia_str_t action, consilia_str_t resource,
                                          const consilia_access_object_t* object,
                                          const consilia_access_context_t* context,
                                          consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(consilia::access::to_json(
            policy_of(policy).explain(principal_of(subject), view(action), view(resource),
                                      ObjectSource(object).source(), AskedContext(context).context())));
    });
}

consilia_status_t consilia_policy_scope(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                        consilia_str_t action, consilia_str_t resource,
                                        const consilia_access_context_t* context,
                                        consilia_condition_t** out_condition, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_condition_t*& out = cleared(out_condition, "out_condition");
        out = condition_of(policy_of(policy).scope(principal_of(subject), view(action), view(resource),
                                                   AskedContext(context).context()))
                  .release();
    });
}

void consilia_condition_free(consilia_condition_t* condition) {
    delete condition;
}

consilia_str_t consilia_condition_text(const consilia_condition_t* condition) {
    return condition == nullptr ? consilia_str_t{"", 0} : consilia::capi::borrow(condition->text);
}

const consilia_parameter_t* consilia_condition_parameters(const consilia_condition_t* condition) {
    return condition == nullptr ? nullptr : condition->parameters.data();
}

size_t consilia_condition_parameter_count(const consilia_condition_t* condition) {
    return condition == nullptr ? 0 : condition->parameters.size();
}

consilia_status_t consilia_policy_permissions_of(const consilia_policy_t* policy,
                                                 const consilia_subject_t* subject,
                                                 const consilia_access_context_t* context,
                                                 consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        auto json = nlohmann::ordered_json::array();
        for (const PermissionGrant& grant :
             policy_of(policy).permissions_of(principal_of(subject), AskedContext(context).context())) {
            json.push_back({{"resource", grant.resource},
                            {"action", grant.action},
                            {"condition", text_of(grant.condition)},
                            {"fields", grant.fields}});
        }
        out = to_buffer(json.dump());
    });
}

consilia_status_t consilia_policy_who_can(const consilia_policy_t* policy, consilia_str_t action,
                                          consilia_str_t resource, consilia_buffer_t* out_json,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        auto json = nlohmann::ordered_json::array();
        for (const RoleGrant& grant : policy_of(policy).who_can(view(action), view(resource)))
            json.push_back({{"role", grant.role}, {"condition", text_of(grant.condition)}});
        out = to_buffer(json.dump());
    });
}

}  // extern "C"
