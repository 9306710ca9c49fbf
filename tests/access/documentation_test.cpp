// The examples of docs/access.md, run.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "access/random_policy.hpp"
#include "consilia/access/guard.hpp"
#include "consilia/data/records.hpp"

namespace consilia {
namespace {

TEST(AccessDocumentation, TheExampleRuns) {
    access::PolicyDocument document;
    document.resources = {{"prediction", {"read", "retry", "delete"}}};
    document.roles = {{"patient"}, {"staff"}, {"admin", {"staff"}}};
    document.rules = {
        {"patients read their own", access::Effect::Allow, "patient", "prediction:read",
         core::field("xray.patient.user_id") == core::parameter("principal_id")},
        {"staff read all", access::Effect::Allow, "staff", "prediction:read"},
        {"staff delete pending ones", access::Effect::Allow, "staff", "prediction:delete",
         core::field("status") == "pending"},
        {"sealed", access::Effect::Deny, "*", "prediction:read", core::field("is_sealed") == true},
    };
    const access::Policy policy(document);

    const access::Principal ann{7, {"patient"}, "ann"};
    const core::FieldSource fields_of_the_row = [](std::string_view path) {
        return path == "is_sealed" ? core::Value(false) : core::Value(7);
    };
    EXPECT_TRUE(policy.check(ann, "read", "prediction", fields_of_the_row));
    EXPECT_EQ(core::to_text(policy.scope(ann, "read", "prediction")),
              "(xray.patient.user_id = 7) and (not (is_sealed = true))");
}

TEST(AccessDocumentation, AGuardReadsAndChanges) {
    access::PolicyDocument document;
    document.resources["thing"] = {"read", "update"};
    document.roles = {{"owner"}};
    document.rules = {{"own", access::Effect::Allow, "owner", "thing:*",
                       core::field("owner") == core::parameter("principal_id")}};
    document.fields = {{"owner", "thing:*", {"id", "status", "score"}}};
    data::Database database("sqlite::memory:");
    const data::Model& model = access::random::thing_model();
    data::create_tables(database, std::array{model.find_reference("holder")->target.get(), &model});
    data::Transaction transaction = database.begin();
    data::insert(transaction, model, {{"id", 1}, {"owner", 7}, {"status", "new"}});
    data::insert(transaction, model, {{"id", 2}, {"owner", 8}, {"status", "new"}});

    const access::Guard mine(access::Policy(document), {7, {"owner"}, "ann"}, "thing",
                             data::ModelRepository({std::shared_ptr<const data::Model>(), &model}));
    EXPECT_EQ(mine.query().where(mine.filter("status = 'new'")).page(1, 25).run(transaction).size(), 1U);
    EXPECT_EQ(mine.get(transaction, 1).text(0, 2), "new");
    EXPECT_THROW(static_cast<void>(mine.get(transaction, 2)), core::NotFound);
    EXPECT_THROW(static_cast<void>(mine.filter("owner = 8")), core::InvalidArgument);
    EXPECT_THROW(static_cast<void>(mine.order("owner")), core::InvalidArgument);
    mine.update(transaction, 1, {{"status", "reviewed"}});
    EXPECT_THROW(mine.update(transaction, 1, {{"owner", 8}}), core::PermissionDenied);
    EXPECT_EQ(mine.get(transaction, 1).text(0, 2), "reviewed");
}

TEST(AccessDocumentation, TheJsonIsAPolicy) {
    std::ifstream file(std::string(CONSILIA_SOURCE_DIR) + "/docs/access.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    const std::size_t begin = page.find("```json\n") + 8;
    const access::PolicyDocument document =
        access::parse_policy(page.substr(begin, page.find("```", begin) - begin));
    const access::Policy policy(document);
    EXPECT_TRUE(policy.check({7, {"admin"}, ""}, "read", "prediction",
                             [](std::string_view) { return core::Value(7); }));
}

}  // namespace
}  // namespace consilia
