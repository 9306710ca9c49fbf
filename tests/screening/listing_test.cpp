#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "consilia/data/query.hpp"
#include "consilia/screening/models.hpp"
#include "screening/support.hpp"

namespace consilia::screening {
namespace {

using core::field;
using core::Value;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Ann has predictions 1 to 3, Bob 4 and 5. Number 1 is completed (Normal), 4 completed (COVID, to be
// reviewed), 5 failed.
class ListingTest : public ClinicTest {
protected:
    ListingTest() {
        populate(service);
        for (int i = 0; i < 5; ++i) {
            clock.advance(std::chrono::seconds(1));
            ids.push_back(submit(service, staff, i < 3 ? ann_id : bob_id, i).prediction_id);
        }
        set(ids[0], {{"status", "completed"},
                     {"diagnosis", "Normal"},
                     {"confidence", 0.9},
                     {"opinions", core::Json{R"([{"member": "secret-opinion"}])"}}});
        set(ids[3],
            {{"status", "completed"}, {"diagnosis", "COVID"}, {"confidence", 0.5}, {"needs_review", true}});
        set(ids[4],
            {{"status", "failed"}, {"failure_code", "member.damaged"}, {"failure_reason", "secret-reason"}});
    }

    void set(std::int64_t id, const std::vector<data::Assignment>& values) {
        data::Database database(options().database_url);
        data::Transaction transaction = database.begin();
        ASSERT_EQ(data::Query(*prediction_model()).where(field("id") == id).update(transaction, values), 1);
        transaction.commit();
    }

    json listed(const Principal& who, const ListOptions& how = {}) {
        return json::parse(service.list_json(who, how));
    }
    std::vector<std::int64_t> listed_ids(const Principal& who, const ListOptions& how = {}) {
        std::vector<std::int64_t> result;
        const json page = listed(who, how);
        for (const json& row : page["results"]) result.push_back(row["id"]);
        return result;
    }

    Service service{options()};
    std::vector<std::int64_t> ids;
};

TEST_F(ListingTest, EachRoleSeesItsOwnRows) {
    EXPECT_THAT(listed_ids(root), ElementsAre(ids[4], ids[3], ids[2], ids[1], ids[0]));
    EXPECT_THAT(listed_ids(staff), ElementsAre(ids[4], ids[3], ids[2], ids[1], ids[0]));
    EXPECT_THAT(listed_ids(ann), ElementsAre(ids[2], ids[1], ids[0]));
    EXPECT_THAT(listed_ids(bob), ElementsAre(ids[4], ids[3]));
    EXPECT_THAT(listed_ids({424242, {"patient"}, ""}), ElementsAre());
    EXPECT_THAT(listed_ids({{}, {"patient"}, ""}), ElementsAre());
    EXPECT_EQ(code_of([&] { listed({1, {"visitor"}, ""}); }), "access.denied");
}

TEST_F(ListingTest, EachRoleSeesItsOwnFields) {
    const std::string of_admin = service.list_json(root);
    const std::string of_staff = service.list_json(staff);
    const std::string of_ann = service.list_json(ann);
    const std::string of_bob = service.list_json(bob);
    EXPECT_THAT(of_admin, HasSubstr("sam@example.org"));
    EXPECT_THAT(of_admin, HasSubstr("stored_name"));
    EXPECT_THAT(of_staff, Not(HasSubstr("@example.org")));
    EXPECT_THAT(of_staff, Not(HasSubstr("stored_name")));
    EXPECT_THAT(of_staff, HasSubstr("secret-opinion"));
    EXPECT_THAT(of_staff, HasSubstr("secret-reason"));
    EXPECT_THAT(of_staff, HasSubstr("Bob Example"));
    for (const std::string& of_patient : {of_ann, of_bob}) {
        EXPECT_THAT(of_patient, Not(HasSubstr("secret")));
        EXPECT_THAT(of_patient, Not(HasSubstr("sam")));
        EXPECT_THAT(of_patient, Not(HasSubstr("sha256")));
    }
    EXPECT_THAT(of_ann, Not(HasSubstr("P-2")));
}

TEST_F(ListingTest, TheEnvelopeCountsWhatTheCallerMaySee) {
    const json page = listed(ann, {.page = 2, .page_size = 2});
    EXPECT_EQ(page["count"], 3);
    EXPECT_EQ(page["num_pages"], 2);
    EXPECT_EQ(page["current_page"], 2);
    EXPECT_EQ(page["page_size"], 2);
    EXPECT_EQ(page["has_next"], false);
    EXPECT_EQ(page["has_previous"], true);
    ASSERT_EQ(page["results"].size(), 1U);
    EXPECT_EQ(page["results"][0]["xray"]["patient"]["record_number"], "P-1");
    EXPECT_EQ(listed({424242, {"patient"}, ""})["num_pages"], 1);
}

TEST_F(ListingTest, FiltersAndOrdersByReadableFields) {
    EXPECT_THAT(listed_ids(staff, {.where = "status = 'completed' and confidence >= 0.6"}),
                ElementsAre(ids[0]));
    EXPECT_THAT(listed_ids(staff, {.where = "xray.patient.full_name like 'Bob%'", .order = "created_at"}),
                ElementsAre(ids[3], ids[4]));
    EXPECT_THAT(listed_ids(staff, {.order = "xray.patient.record_number, -id"}),
                ElementsAre(ids[2], ids[1], ids[0], ids[4], ids[3]));
}

TEST_F(ListingTest, AHostileFilterReachesNothingMore) {
    // What a patient can write, and what of it would show or betray another's record if it were taken as it
    // is.
    EXPECT_THAT(listed_ids(ann, {.where = "1 = 1 or id > 0"}), ElementsAre(ids[2], ids[1], ids[0]));
    EXPECT_THAT(listed_ids(ann, {.where = "xray.patient.record_number = 'P-2'"}), ElementsAre());
    EXPECT_THAT(listed_ids(ann, {.where = "not (id = 1)"}), Not(testing::Contains(ids[3])));
    for (const char* where : {"xray.patient.full_name like 'A%'", "requested_by.email like '%'",
                              "failure_reason is null", "opinions is not null", "is_deleted = false",
                              "xray.patient_id = 1", "xray.stored_name like 'u%'", "nothing.like.this = 1"}) {
        EXPECT_EQ(code_of([&] { listed(ann, {.where = where}); }), "access.field") << where;
    }
    for (const char* where :
         {"id = 1; drop table consilia_users", "id = 1) or (1 = 1", "id in (select id from consilia_users)",
          "exists(1)", "--", "'", "id = ? or 1 = 1"}) {
        EXPECT_EQ(code_of([&] { listed(ann, {.where = where}); }), "expression.syntax") << where;
    }
    for (const char* order :
         {"requested_by.email", "random()", "id desc", "-xray.sha256", ",", "(select 1)"}) {
        EXPECT_EQ(code_of([&] { listed(ann, {.order = order}); }), "access.field") << order;
    }
    EXPECT_EQ(code_of([&] { listed(staff, {.where = "requested_by.email like 'root%'"}); }), "access.field");
    EXPECT_EQ(code_of([&] { listed(ann, {.where = "id = :principal"}); }), "expression.missing_parameter");
    EXPECT_EQ(code_of([&] { listed(ann, {.where = "id = 1 or " + std::string(5000, ' ') + "id = 2"}); }),
              "access.filter");
}

TEST_F(ListingTest, RefusesPagesOutsideTheirBounds) {
    EXPECT_NO_THROW(listed(root, {.page_size = 100}));
    EXPECT_EQ(code_of([&] { listed(root, {.page_size = 101}); }), "list.page_size");
    EXPECT_EQ(code_of([&] { listed(root, {.page_size = 0}); }), "list.page_size");
    EXPECT_EQ(code_of([&] { listed(root, {.page = 0}); }), "list.page");
    EXPECT_EQ(code_of([&] { listed(root, {.page = 10'000'001}); }), "list.page");
    EXPECT_THAT(listed_ids(root, {.page = 10'000'000}), ElementsAre());
}

TEST_F(ListingTest, GetAnswersTheSameForAnothersRecordAndForNone) {
    EXPECT_EQ(json::parse(service.get_json(ann, ids[0]))["diagnosis"], "Normal");
    std::vector<std::string> errors;
    for (const std::int64_t id : {ids[3], std::int64_t{424242}}) {
        try {
            static_cast<void>(service.get(ann, id));
            errors.emplace_back("nothing was thrown");
        } catch (const core::NotFound& error) {
            std::string text = error.code() + " " + error.what() + " " + error.details_json();
            const std::string number = std::to_string(id);
            for (std::size_t at = text.find(number); at != std::string::npos; at = text.find(number)) {
                text.replace(at, number.size(), "N");
            }
            errors.push_back(text);
        }
    }
    EXPECT_EQ(errors[0], errors[1]);
    EXPECT_EQ(service.get(root, ids[3]).size(), 1U);
}

TEST_F(ListingTest, StatisticsStayWithinTheScope) {
    const Statistics all = service.statistics(staff);
    EXPECT_EQ(all.total, 5);
    EXPECT_EQ(all.needs_review, 1);
    EXPECT_EQ(all.by_status.at("completed"), 2);
    EXPECT_EQ(all.by_diagnosis.at("COVID"), 1);
    const Statistics of_ann = service.statistics(ann);
    EXPECT_EQ(of_ann.total, 3);
    EXPECT_EQ(of_ann.needs_review, 0);
    EXPECT_FALSE(of_ann.by_diagnosis.contains("COVID"));
}

TEST_F(ListingTest, SoftDeletedPredictionsAreGone) {
    set(ids[0], {{"is_deleted", true}, {"deleted_at", kStart}});
    EXPECT_THAT(listed_ids(ann), ElementsAre(ids[2], ids[1]));
    EXPECT_EQ(code_of([&] { static_cast<void>(service.get(root, ids[0])); }), "prediction.not_found");
}

TEST_F(ListingTest, ARoleThatMayReadNoFieldReadsNothing) {
    ServiceOptions closed = options();
    closed.policy = default_policy();
    closed.policy->fields.clear();
    Service without_fields(closed);
    EXPECT_EQ(code_of([&] { static_cast<void>(without_fields.list(root)); }), "access.no_fields");
    EXPECT_EQ(code_of([&] { static_cast<void>(without_fields.get(root, ids[0])); }), "access.no_fields");
}

TEST_F(ListingTest, OnlyFailedPredictionsAreRetriedByThoseWhoMay) {
    EXPECT_EQ(code_of([&] { service.retry(bob, ids[4]); }), "access.denied");
    EXPECT_EQ(code_of([&] { service.retry(staff, ids[0]); }), "prediction.not_failed");
    EXPECT_EQ(code_of([&] { service.retry(staff, 424242); }), "prediction.not_found");
    service.retry(staff, ids[4]);
    EXPECT_EQ(json::parse(service.get_json(staff, ids[4]))["status"], "pending");
    EXPECT_EQ(code_of([&] { service.retry(staff, ids[4]); }), "prediction.not_failed");
}

TEST_F(ListingTest, EveryFieldOfTheDefaultPolicyExists) {
    for (const Principal& who : {root, staff, ann}) {
        const std::vector<std::string> fields = service.policy().fields(who, "read", "prediction");
        ASSERT_FALSE(fields.empty());
        EXPECT_NO_THROW(static_cast<void>(data::Query(*prediction_model()).select(fields).sql()))
            << who.role();
    }
}

}  // namespace
}  // namespace consilia::screening
