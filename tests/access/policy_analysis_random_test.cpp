// Analyses of random policies: every example is confirmed, and what sampling or trying all values finds is
// not missed.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "access/example_check.hpp"
#include "access/random_policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {
namespace {

using core::Value;
using core::ValueType;

std::uint32_t new_seed() {
    return static_cast<std::uint32_t>(std::random_device()());
}

bool compiles(const PolicyDocument& document) {
    try {
        const Policy policy(document);
        return true;
    } catch (const core::ValidationError&) {
        return false;  // A role that breaks a separation alone.
    }
}

PolicyDocument document_of(random::Generator& generator) {
    while (true) {
        PolicyDocument document = generator.document();
        if (compiles(document)) return document;
    }
}

bool lists(const std::vector<PolicyChange>& changes, const std::string& role, const std::string& resource,
           const std::string& action, ChangeKind kind) {
    return std::any_of(changes.begin(), changes.end(), [&](const PolicyChange& change) {
        return change.field.empty() && change.role == role && change.resource == resource &&
               change.action == action && change.kind == kind;
    });
}

TEST(RandomPolicies, DiffConfirmsItsExamplesAndMissesNoSampledDifference) {
    const std::uint32_t seed = new_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random::Generator generator(seed);
    int certain = 0;
    int uncertain = 0;
    int differences = 0;
    for (int round = 0; round < 150; ++round) {
        const PolicyDocument before = document_of(generator);
        PolicyDocument after = generator.one_in(3) ? document_of(generator) : before;
        if (!after.rules.empty())
            after.rules[generator.below(after.rules.size())].condition = generator.condition();
        if (!compiles(after)) continue;
        const std::vector<PolicyChange> changes = diff(before, after);
        for (const PolicyChange& change : changes) {
            (change.is_certain() ? certain : uncertain) += 1;
            if (!change.is_certain()) continue;
            const bool gains = change.kind == ChangeKind::Gains;
            const auto has = [&](const PolicyDocument& document) {
                return change.field.empty() ? answer(document, *change.example)
                                            : has_field(document, *change.example, change.field);
            };
            ASSERT_EQ(has(before), !gains);
            ASSERT_EQ(has(after), gains);
        }
        const Policy first(before);
        const Policy second(after);
        for (int sample = 0; sample < 200; ++sample) {
            const random::Thing thing = generator.thing();
            const Principal principal{
                generator.owner(), {generator.role()}, "someone", generator.attributes()};
            const Context context = generator.context();
            for (const std::string action : {"read", "write", "approve"}) {
                const bool was = first.check(principal, action, "thing", thing.source(), context).allowed;
                const bool is = second.check(principal, action, "thing", thing.source(), context).allowed;
                if (was == is) continue;
                ++differences;
                ASSERT_TRUE(lists(changes, principal.roles[0], "thing", action,
                                  is ? ChangeKind::Gains : ChangeKind::Loses))
                    << principal.roles[0] << " " << action << "\n"
                    << to_json(before) << to_json(after);
            }
        }
    }
    EXPECT_GT(differences, 500);
    EXPECT_GT(certain, 20 * uncertain) << certain << " certain, " << uncertain << " uncertain";
}

TEST(RandomPolicies, ViolationsAreConfirmedAndProofsHoldForSampledAccesses) {
    const std::uint32_t seed = new_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random::Generator generator(seed);
    int violated = 0;
    int proved = 0;
    for (int round = 0; round < 150; ++round) {
        PolicyDocument document = document_of(generator);
        document.never = {{"never", generator.one_in(3) ? "*" : generator.role(), generator.permission(),
                           generator.condition()}};
        const NeverResult result = find_violations(document).at(0);
        if (result.verdict == Verdict::Violated) {
            ++violated;
            ASSERT_TRUE(answer(document, *result.counterexample)) << to_json(document);
        }
        if (result.verdict != Verdict::Proved) continue;
        ++proved;
        const Policy policy(document);
        const NeverRule& never = document.never[0];
        for (int sample = 0; sample < 300; ++sample) {
            const random::Thing thing = generator.thing();
            Principal principal{generator.owner(), generator.roles(), "someone", generator.attributes()};
            const Context context = generator.context();
            const Value no_name;
            const core::Parameters values{
                {"principal_id", principal.user_id},
                {"principal_role", principal.roles.empty() ? Value() : Value(principal.roles[0])},
                {"principal_ward",
                 principal.attributes.contains("ward") ? principal.attributes["ward"] : no_name},
                {"context_purpose",
                 context.attributes.contains("purpose") ? context.attributes.at("purpose") : no_name},
                {"now", Value(*context.now)},
                {"address", context.address.empty() ? Value() : Value(context.address)}};
            const bool has_role = never.role == "*" || [&] {
                PolicyDocument probe = document;
                probe.rules = {{"p", Effect::Allow, never.role, "*:*", {}}};
                probe.separations.clear();
                return Policy(probe).check(principal, "read", "thing").allowed;
            }();
            if (!has_role || !core::matches(never.condition, thing.source(), values)) continue;
            for (const std::string action : {"read", "write", "approve"}) {
                const bool is_meant = never.permission == "*:*" || never.permission == "thing:*" ||
                                      never.permission == "thing:" + action ||
                                      (never.permission == "*:read" && action == "read");
                if (!is_meant) continue;
                ASSERT_FALSE(policy.check(principal, action, "thing", thing.source(), context).allowed)
                    << to_json(document);
            }
        }
    }
    EXPECT_GT(violated, 20);
    EXPECT_GT(proved, 20);
}

TEST(RandomPolicies, RulesThatLintCallsSuperfluousCanBeLeftOut) {
    const std::uint32_t seed = new_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random::Generator generator(seed);
    int superfluous = 0;
    for (int round = 0; round < 150; ++round) {
        const PolicyDocument document = document_of(generator);
        PolicyDocument without = document;
        for (const Finding& finding : lint(document)) {
            static const std::set<std::string> kSuperfluous{"lint.unreachable", "lint.overridden",
                                                            "lint.contradiction", "lint.redundant",
                                                            "lint.denies_nothing"};
            if (finding.example) {
                ASSERT_FALSE(answer(document, *finding.example));
            }
            // A permission that an overridden rule allows still counts for separations.
            if (!kSuperfluous.contains(finding.code) || !document.separations.empty()) continue;
            ++superfluous;
            std::erase_if(without.rules,
                          [&](const Rule& rule) { return rule.name == finding.rules.front(); });
        }
        const Policy first(document);
        const Policy second(without);
        for (int sample = 0; sample < 100; ++sample) {
            const random::Thing thing = generator.thing();
            const Principal principal{generator.owner(), generator.roles(), "someone",
                                      generator.attributes()};
            const Context context = generator.context();
            for (const char* action : {"read", "write", "approve"})
                ASSERT_EQ(first.check(principal, action, "thing", thing.source(), context).allowed,
                          second.check(principal, action, "thing", thing.source(), context).allowed)
                    << to_json(document) << to_json(without);
        }
    }
    EXPECT_GT(superfluous, 20);
}

// ---- against all values of small domains, in the fragment that is decided

class SmallPolicies {
public:
    explicit SmallPolicies(std::uint32_t seed) : random_(seed) {}

    PolicyDocument document() {
        PolicyDocument document;
        document.resources["thing"] =
            Resource({"read", "write"},
                     {{"n", ValueType::Int64}, {"owner", ValueType::Int64}, {"flag", ValueType::Bool}});
        document.roles = {{"a", {}}, {"b", {"a"}}};
        for (std::size_t i = 1 + below(4); i > 0; --i) {
            document.rules.push_back({"", below(3) == 0 ? Effect::Deny : Effect::Allow,
                                      below(2) == 0 ? "a" : "b", below(2) == 0 ? "thing:*" : "thing:read",
                                      core::parse_expression(condition(2))});
        }
        return document;
    }

private:
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    std::string condition(int depth) {
        static const std::vector<std::string> kAtoms{"n < 1",
                                                     "n = 1",
                                                     "n <> 2",
                                                     "n >= 2",
                                                     "n between 1 and 2",
                                                     "n in (1, 3)",
                                                     "n is null",
                                                     "flag",
                                                     "flag is null",
                                                     "owner = :principal_id",
                                                     "owner <> :principal_id",
                                                     "owner is not null",
                                                     ":principal_role = 'a'",
                                                     "n > owner"};
        if (depth == 0) return kAtoms[below(kAtoms.size())];
        switch (below(4)) {
            case 0:
                return "not (" + condition(depth - 1) + ")";
            case 1:
                return "(" + condition(depth - 1) + " or " + condition(depth - 1) + ")";
            default:
                return "(" + condition(depth - 1) + " and " + condition(depth - 1) + ")";
        }
    }
    std::mt19937 random_;
};

TEST(RandomPolicies, DiffIsExactlyWhatTryingAllValuesFinds) {
    const std::uint32_t seed = new_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    SmallPolicies generator(seed);
    const std::vector<Value> numbers{{}, -2, -1, 0, 1, 2, 3, 4, 5, 6};
    const std::vector<Value> flags{{}, false, true};
    int changed = 0;
    for (int round = 0; round < 150; ++round) {
        const PolicyDocument before = generator.document();
        const PolicyDocument after = generator.document();
        const Policy first(before);
        const Policy second(after);
        std::set<std::string> expected;
        for (const std::string role : {"a", "b"}) {
            for (const Value& n : numbers) {
                for (const Value& owner : numbers) {
                    for (const Value& id : numbers) {
                        for (const Value& flag : flags) {
                            const core::Parameters object{{"n", n}, {"owner", owner}, {"flag", flag}};
                            const Principal principal{id, {role}};
                            for (const std::string action : {"read", "write"}) {
                                const bool was =
                                    first.check(principal, action, "thing", source_of(object)).allowed;
                                const bool is =
                                    second.check(principal, action, "thing", source_of(object)).allowed;
                                if (was != is)
                                    expected.insert(role + " " + action + (is ? " gains" : " loses"));
                            }
                        }
                    }
                }
            }
        }
        std::set<std::string> found;
        for (const PolicyChange& change : diff(before, after)) {
            ASSERT_TRUE(change.is_certain());
            found.insert(change.role + " " + change.action + " " + std::string(to_string(change.kind)));
        }
        ASSERT_EQ(found, expected) << to_json(before) << to_json(after);
        changed += expected.empty() ? 0 : 1;
    }
    EXPECT_GT(changed, 30);
}

}  // namespace
}  // namespace consilia::access
