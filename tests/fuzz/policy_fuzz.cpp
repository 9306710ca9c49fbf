// Policies from JSON: what is read is written so that it is read alike; what compiles answers, `check` agrees
// with `scope`, and the linter comes to an end.
#include <string>
#include <vector>

#include "consilia/access/policy.hpp"
#include "consilia/access/policy_analysis.hpp"
#include "consilia/access/policy_document.hpp"
#include "consilia/core/error.hpp"
#include "fuzz/target.hpp"

namespace consilia::fuzz {
namespace {

using core::Value;

// A policy may have more; asking each of them would only be slower.
constexpr std::size_t kRolesAsked = 4;
constexpr std::size_t kPermissionsAsked = 8;

Value field_value(std::string_view path) {
    switch (path.size() % 4) {
        case 0:
            return {};
        case 1:
            return std::int64_t{7};
        case 2:
            return "open";
        default:
            return true;
    }
}

void ask(const access::Policy& policy, const access::Principal& principal, const std::string& action,
         const std::string& resource) {
    const core::FieldSource object = [](std::string_view path) { return field_value(path); };
    access::Context context;
    context.now = core::Timestamp{1'700'000'000'000'000};
    tolerate("expression.", [&] {
        const bool allowed = policy.check(principal, action, resource, object, context).allowed;
        const core::Expression scope = policy.scope(principal, action, resource, context);
        holds(core::matches(scope, object) == allowed, "check and scope agree");
    });
    tolerate("expression.", [&] { (void)policy.explain(principal, action, resource, object, context); });
    tolerate("expression.", [&] { (void)policy.fields(principal, action, resource, object, context); });
    (void)policy.possible_fields(principal, action, resource, context);
    tolerate<core::Error>("", [&] {
        (void)policy.redact(principal, action, resource, R"({"a":1,"b":{"c":"x"},"owner_id":7})", context);
    });
}

void ask_everything(const access::Policy& policy) {
    access::Principal principal;
    principal.user_id = std::int64_t{7};
    principal.name = "me";
    const auto roles = policy.roles();
    for (std::size_t i = 0; i < std::min(roles.size(), kRolesAsked); ++i) {
        principal.roles = {roles[i]};
        std::size_t asked = 0;
        for (const auto& [resource, declared] : policy.document().resources) {
            for (const std::string& action : declared.actions) {
                if (++asked > kPermissionsAsked) break;
                ask(policy, principal, action, resource);
            }
        }
    }
}

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace consilia;
    access::PolicyDocument document;
    const auto parse = [&] { document = access::parse_policy(fuzz::text_of(data, size)); };
    if (!fuzz::tolerate<core::ValidationError>("policy.", parse)) return 0;

    const std::string json = access::to_json(document);
    fuzz::holds(access::to_json(access::parse_policy(json)) == json, "what is written is read alike");
    const auto compile = [&] { fuzz::ask_everything(access::Policy(document)); };
    const bool compiles = fuzz::tolerate<core::ValidationError>("policy.", compile);
    access::AnalysisOptions options;
    options.max_steps = 200;
    options.max_steps_total = 2'000;
    const auto findings = access::lint(document, options);
    fuzz::holds(compiles || !findings.empty(), "a document that does not compile has a finding");
    fuzz::holds(nlohmann::json::accept(access::to_json(findings)), "findings are written as JSON");
    return 0;
}
