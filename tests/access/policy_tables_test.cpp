// Goal: a policy in tables is the policy that was saved, and rows edited by hand are followed or refused by
// name. Method: random documents go through SQLite and PostgreSQL and come back as they were; rows are
// changed by plain SQL, as an administrator does. A failure prints the seed that replays it.
#include "consilia/access/policy_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "access/random_policy.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "support/postgres_server.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::parameter;
using random::Generator;
using testing::HasSubstr;

// A random document with every part that a document may have.
PolicyDocument random_document(std::uint32_t seed) {
    Generator generate(seed);
    PolicyDocument document = generate.document();
    NamedTypes fields = {{"holder.user_id", core::ValueType::Int64}, {"title", core::ValueType::Text}};
    for (const data::Column& column : random::thing_model().columns()) fields[column.name] = column.type;
    document.resources["letter"] = Resource(std::vector<std::string>{"read", "send"}, fields);
    document.delegable.emplace_back("letter:read");
    for (std::size_t left = generate.below(4); left > 0; --left) {
        document.fields.push_back(
            {generate.role(), "letter:read",
             generate.one_in(3) ? std::vector<std::string>{"*"}
                                : std::vector<std::string>{"title", "made_at"},
             generate.one_in(3) ? Effect::Deny : Effect::Allow,
             generate.one_in(2) ? core::Expression() : field("title") == "It's \"quoted\"\n"});
    }
    if (generate.one_in(2)) document.fields.push_back({"a", "letter:*", {}, Effect::Allow, {}});
    if (generate.one_in(2))
        document.rules.push_back({"", Effect::Allow, "*", "letter:send", field("title").is_null()});
    if (generate.one_in(2))
        document.never.push_back({"never", "*", "letter:*", parameter("principal_id").is_null()});
    if (generate.one_in(3)) document.separations.push_back({"three", {"a", "c", "d"}, {}, 2});
    return document;
}

PolicyDocument clinic() {
    PolicyDocument document;
    document.resources = {{"prediction", {"read", "retry"}}};
    document.roles = {{"patient", {}}, {"staff", {}}};
    document.rules = {
        {"own", Effect::Allow, "patient", "prediction:read", field("owner_id") == parameter("principal_id")},
        {"staff reads", Effect::Allow, "staff", "prediction:read", {}}};
    document.fields = {{"patient", "prediction:read", {"status"}, Effect::Allow, {}}};
    return document;
}

template <class F>
core::Error error_of(const F& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error;
    }
    return core::Internal("nothing was thrown", "nothing was thrown");
}

class PolicyTables : public testing::TestWithParam<const char*> {
protected:
    PolicyTables()
        : database_(std::string(GetParam()) == "sqlite"
                        ? "sqlite::memory:"
                        : test::PostgresServer::instance().create_database()) {
        create_policy_tables(database_);
    }
    void save(const PolicyDocument& document) {
        database_.transact([&](data::Transaction& transaction) { save_policy(transaction, document); });
    }
    PolicyDocument load() { return load_policy(database_.autocommit()); }

    data::Database database_;
};

TEST_P(PolicyTables, LoadTheDocumentThatWasSaved) {
    std::size_t saved = 0;
    std::string last = to_json(PolicyDocument());
    EXPECT_EQ(to_json(load()), last) << "empty tables are an empty document";
    for (std::uint32_t seed = 0; seed < 120; ++seed) {
        const PolicyDocument document = random_document(seed);
        const core::Error error = error_of([&] { save(document); });
        if (error.code() == "nothing was thrown") {
            last = to_json(document);
            ++saved;
        } else {
            ASSERT_EQ(error.code(), "policy.separation") << "seed " << seed << ": " << error.what();
        }
        ASSERT_EQ(to_json(load()), last) << "seed " << seed;
    }
    EXPECT_GT(saved, 50U);
}

TEST_P(PolicyTables, ADocumentThatMakesNoPolicyIsRefusedBeforeAnythingIsChanged) {
    save(clinic());
    PolicyDocument broken = clinic();
    broken.rules[1].role = "nobody";
    {
        data::Transaction transaction = database_.begin();
        EXPECT_EQ(error_of([&] { save_policy(transaction, broken); }).code(), "policy.unknown_role");
        transaction.commit();
    }
    EXPECT_EQ(to_json(load()), to_json(clinic()));
}

TEST_P(PolicyTables, SavingIsPartOfTheCallersTransaction) {
    save(clinic());
    {
        data::Transaction transaction = database_.begin();
        save_policy(transaction, {});
        EXPECT_EQ(to_json(load_policy(transaction)), to_json(PolicyDocument()));
    }
    EXPECT_EQ(to_json(load()), to_json(clinic()));
}

TEST_P(PolicyTables, ARowThatIsEditedByHandIsFollowedByTheStore) {
    save(clinic());
    PolicyStore store(policy_tables(database_));
    EXPECT_FALSE(store.refresh());
    const auto may_retry = [&] {
        return store.current().check({2, {"staff"}}, "retry", "prediction").allowed;
    };
    EXPECT_FALSE(may_retry());
    database_.execute(
        "INSERT INTO consilia_policy_rules (name, effect, role, permission)"
        " VALUES ('staff retries', 'allow', 'staff', 'prediction:retry')");
    EXPECT_TRUE(store.refresh());
    EXPECT_TRUE(may_retry());
    database_.execute("UPDATE consilia_policy_rules SET role = 'nobody' WHERE name = 'staff retries'");
    EXPECT_EQ(error_of([&] { store.refresh(); }).code(), "policy.unknown_role");
    EXPECT_EQ(error_of([&] { store.refresh(); }).code(), "policy.unknown_role");
    EXPECT_TRUE(may_retry()) << "the old policy stays";
    database_.execute("DELETE FROM consilia_policy_rules WHERE name = 'staff retries'");
    EXPECT_TRUE(store.refresh());
    EXPECT_FALSE(may_retry());
}

TEST_P(PolicyTables, WhatCannotBeReadIsRefusedByTableRowAndColumn) {
    save(clinic());
    PolicyStore store(policy_tables(database_));
    const auto id = [&](const std::string& table, const std::string& where) {
        const data::RowSet rows = database_.query("SELECT id FROM " + table + " WHERE " + where);
        return table + "[id=" + std::to_string(rows.int64(0, 0)) + "]";
    };
    const auto expect_refusal = [&](const std::string& change, const std::string& place,
                                    const std::string& reason) {
        database_.execute(change);
        for (int look = 0; look < 2; ++look) {
            const core::Error error = error_of([&] { store.refresh(); });
            EXPECT_EQ(error.code(), "policy.syntax") << change;
            EXPECT_THAT(error.what(), HasSubstr(place)) << change;
            EXPECT_THAT(error.what(), HasSubstr(reason)) << change;
        }
        save(clinic());
        EXPECT_FALSE(store.refresh()) << "as it was";
    };
    expect_refusal("UPDATE consilia_policy_rules SET condition = 'owner_id =' WHERE name = 'own'",
                   id("consilia_policy_rules", "name = 'own'") + ".condition", "");
    expect_refusal("UPDATE consilia_policy_rules SET fields = '[1]' WHERE fields IS NOT NULL",
                   id("consilia_policy_rules", "fields IS NOT NULL") + ".fields", "wanted a list of texts");
    expect_refusal("UPDATE consilia_policy_rules SET name = 'x' WHERE fields IS NOT NULL",
                   id("consilia_policy_rules", "fields IS NOT NULL") + ".name", "no name");
    expect_refusal("UPDATE consilia_policy_roles SET inherits = '{}' WHERE name = 'staff'",
                   id("consilia_policy_roles", "name = 'staff'") + ".inherits", "wanted a list");
    expect_refusal("UPDATE consilia_policy_settings SET value = '{\"a\": 1}' WHERE key = 'resources'",
                   id("consilia_policy_settings", "key = 'resources'") + ".value.a", "");
    expect_refusal("INSERT INTO consilia_policy_settings (key, value) VALUES ('delegable', '[\"a:b\", 2]')",
                   "].value", "wanted a list of texts");
}

TEST_P(PolicyTables, RefuseWhatIsNoEffectOrSetting) {
    EXPECT_EQ(error_of([&] {
                  database_.execute(
                      "INSERT INTO consilia_policy_rules (effect, role, permission)"
                      " VALUES ('permit', 'a', 'b:c')");
              }).code(),
              "database.check");
    EXPECT_EQ(
        error_of([&] {
            database_.execute("INSERT INTO consilia_policy_settings (key, value) VALUES ('rules', '[]')");
        }).code(),
        "database.check");
}

INSTANTIATE_TEST_SUITE_P(Databases, PolicyTables, testing::Values("sqlite", "postgres"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace consilia::access
