// Goal: the compiled engine means what the document says, and `scope` means what `check` says. Method: random
// policies, principals and objects. A naive interpreter of the document answers each question that the
// compiled policy answers; and SQLite and PostgreSQL select with the scope what memory allows with `check`. A
// failure prints the seed that replays it.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "access/random_policy.hpp"
#include "access/reference.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/records.hpp"
#include "support/postgres_server.hpp"

namespace consilia::access {
namespace {

using random::Generator;
using random::Thing;

constexpr std::uint32_t kPolicies = 10'000;
constexpr std::size_t kThings = 24;
constexpr const char* kActions[] = {"read", "write", "approve", "erase"};

// A random document that makes a policy: some break a separation with a single role.
std::optional<Policy> compiled(const PolicyDocument& document) {
    try {
        return Policy(document);
    } catch (const core::ValidationError& error) {
        EXPECT_EQ(error.code(), "policy.separation") << error.what();
        return std::nullopt;
    }
}

TEST(CompiledPolicy, AgreesWithTheReferenceInterpreterOfTheDocument) {
    std::map<Reason, std::size_t> reasons;
    for (std::uint32_t seed = 0; seed < kPolicies; ++seed) {
        Generator generate(seed);
        const PolicyDocument document = generate.document();
        const std::optional<Policy> policy = compiled(document);
        if (!policy) continue;
        for (int question = 0; question < 12; ++question) {
            const Principal principal = generate.principal();
            const Context context = generate.context();
            const Thing thing = generate.thing();
            const std::string action = kActions[generate.below(4)];
            const std::string resource = generate.one_in(5) ? "note" : "thing";
            const reference::Answer wanted =
                reference::check(document, principal, action, resource, thing.source(), context);
            const Decision decision = policy->check(principal, action, resource, thing.source(), context);
            const reference::Answer found{decision.allowed, decision.reason,
                                          std::string(policy->name_of(decision))};
            ASSERT_EQ(found, wanted) << "seed " << seed << ", question " << question << ": "
                                     << to_string(found.reason) << " `" << found.rule << "`, wanted "
                                     << to_string(wanted.reason) << " `" << wanted.rule << "`\n"
                                     << to_json(document);
            const Subject subject = policy->subject(principal);
            const PermissionId permission = policy->permission(action, resource);
            ASSERT_EQ(policy->check(subject, permission, thing.source(), context), decision)
                << "seed " << seed;
            ASSERT_EQ(policy->explain(principal, action, resource, thing.source(), context).decision,
                      decision)
                << "seed " << seed;
            ++reasons[decision.reason];
        }
    }
    for (int reason = 0; reason <= static_cast<int>(Reason::SeparationOfDuties); ++reason) {
        EXPECT_GT(reasons[static_cast<Reason>(reason)], 100U)
            << "too few `" << to_string(static_cast<Reason>(reason)) << "` for the comparison to mean much";
    }
}

// What is certain is had for every object that may be reached, and what is had for an object is possible.
TEST(CompiledPolicy, AgreesWithTheReferenceInterpreterAboutFields) {
    std::size_t conditional = 0;
    std::size_t lent = 0;
    for (std::uint32_t seed = 0; seed < kPolicies; ++seed) {
        Generator generate(seed);
        const PolicyDocument document = generate.document();
        const std::optional<Policy> policy = compiled(document);
        if (!policy) continue;
        const Principal principal = generate.principal();
        const Context context = generate.context();
        const std::string action = kActions[generate.below(2)];
        const auto as_set = [](const std::vector<std::string>& names) {
            return reference::Names(names.begin(), names.end());
        };
        const reference::Names certain = as_set(policy->fields(principal, action, "thing", context));
        const reference::Names possible =
            as_set(policy->possible_fields(principal, action, "thing", context));
        for (int question = 0; question < 8; ++question) {
            const Thing thing = generate.thing();
            const auto had = as_set(policy->fields(principal, action, "thing", thing.source(), context));
            ASSERT_EQ(had, reference::fields(document, principal, action, "thing", thing.source(), context))
                << "seed " << seed << "\n"
                << to_json(document);
            ASSERT_TRUE(std::includes(possible.begin(), possible.end(), had.begin(), had.end()))
                << "seed " << seed;
            const Decision decision = policy->check(principal, action, "thing", thing.source(), context);
            if (!decision) continue;
            ASSERT_TRUE(std::includes(had.begin(), had.end(), certain.begin(), certain.end()))
                << "seed " << seed << "\n"
                << to_json(document);
            conditional += static_cast<std::size_t>(had != certain);
            lent += static_cast<std::size_t>(decision.reason == Reason::AllowedByDelegation && !had.empty());
        }
    }
    EXPECT_GT(conditional, 500U);
    EXPECT_GT(lent, 100U);
}

// The same things in one database.
class Things {
public:
    Things(const std::string& url, const std::vector<Thing>& things) : database_(url) {
        const data::Model& model = random::thing_model();
        const data::Model& person = *model.find_reference("holder")->target;
        const std::array models{&person, &model};
        data::create_tables(database_, models);
        data::Transaction transaction = database_.begin();
        std::vector<std::vector<core::Value>> people;
        for (std::size_t i = 0; i < random::people().size(); ++i)
            people.push_back({core::Value(static_cast<std::int64_t>(i + 1)), random::people()[i]});
        data::insert_many(transaction, person, {"id", "user_id"}, people);
        std::vector<std::vector<core::Value>> rows;
        for (const Thing& thing : things) {
            rows.push_back({core::Value(static_cast<std::int64_t>(rows.size()))});
            rows.back().insert(rows.back().end(), thing.cells.begin(), thing.cells.end());
        }
        data::insert_many(transaction, model,
                          {"id", "holder_id", "owner", "status", "score", "flag", "made_at"}, rows);
        transaction.commit();
    }

    std::set<std::size_t> selected_by(const core::Expression& scope) {
        const data::Session& session = database_.autocommit();
        const data::RowSet rows = data::Query(random::thing_model()).where(scope).select({"id"}).run(session);
        std::set<std::size_t> ids;
        for (std::size_t row = 0; row < rows.size(); ++row)
            ids.insert(static_cast<std::size_t>(rows.int64(row, 0)));
        return ids;
    }

private:
    data::Database database_;
};

void expect_scope_to_select_what_check_allows(const std::string& url) {
    Generator first(4711);
    std::vector<Thing> things;
    while (things.size() < kThings) things.push_back(first.thing());
    Things table(url, things);
    std::size_t allowed = 0;
    std::size_t partial = 0;
    for (std::uint32_t seed = 0; seed < kPolicies; ++seed) {
        Generator generate(seed);
        const PolicyDocument document = generate.document();
        const std::optional<Policy> policy = compiled(document);
        if (!policy) continue;
        const Principal principal = generate.principal();
        const Context context = generate.context();
        const char* action = kActions[generate.below(4)];
        std::set<std::size_t> checked;
        for (std::size_t i = 0; i < things.size(); ++i) {
            if (policy->check(principal, action, "thing", things[i].source(), context)) checked.insert(i);
        }
        const core::Expression scope = policy->scope(principal, action, "thing", context);
        std::set<std::size_t> evaluated;
        for (std::size_t i = 0; i < things.size(); ++i) {
            if (core::matches(scope, things[i].source())) evaluated.insert(i);
        }
        ASSERT_EQ(evaluated, checked) << "in memory, seed " << seed << ", scope " << core::to_text(scope);
        ASSERT_EQ(table.selected_by(scope), checked)
            << url << ", seed " << seed << ", scope " << core::to_text(scope) << "\n"
            << to_json(document);
        allowed += checked.size();
        partial += static_cast<std::size_t>(!checked.empty() && checked.size() != things.size());
    }
    EXPECT_GT(allowed, kPolicies) << "too little is allowed for the comparison to mean something";
    EXPECT_GT(partial, kPolicies / 20) << "too few scopes depend on the object";
}

TEST(Scope, SelectsExactlyWhatCheckAllowsOnSqlite) {
    expect_scope_to_select_what_check_allows("sqlite::memory:");
}

TEST(Scope, SelectsExactlyWhatCheckAllowsOnPostgres) {
    expect_scope_to_select_what_check_allows(test::PostgresServer::instance().create_database());
}

}  // namespace
}  // namespace consilia::access
