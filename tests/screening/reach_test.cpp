// Goal: a patient cannot reach another one's record. Method: every way that there is to a record, each tried
// by Ann on Bob's: get, list, aggregate, prefetch, annotate, update, delete, JSON, the text of errors, and
// what could be told from the time of an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "consilia/access/guard.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/core/log.hpp"
#include "consilia/data/row_tree.hpp"
#include "consilia/data/statement_watch.hpp"
#include "consilia/data/subquery.hpp"
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

class ReachTest : public ClinicTest {
protected:
    ReachTest() {
        populate(service);
        anns = submit(service, staff, ann_id, 1).prediction_id;
        bobs = submit(service, staff, bob_id, 2).prediction_id;
        // The founding rules, and a resource of the images, so that one can be loaded with the other.
        access::PolicyDocument document = default_policy();
        document.resources["xray"] = {"read"};
        document.rules.push_back({"patients read their own images", access::Effect::Allow, "patient",
                                  "xray:read", field("patient.user_id") == core::parameter("principal_id")});
        document.rules.push_back({"staff read images", access::Effect::Allow, "staff", "xray:read"});
        document.fields.push_back({"*", "xray:read", {"id", "client_name", "patient_id"}});
        policy = access::Policy(document);
    }

    access::Guard guard(const Principal& who, const char* resource) {
        const std::string name = resource;
        const auto model = name == "patient" ? patient_model()
                           : name == "xray"  ? xray_model()
                                             : prediction_model();
        return {policy, who, name, data::ModelRepository(model, clock), {.now = clock.now()}};
    }
    static std::vector<std::int64_t> ids(const data::RowSet& rows) {
        std::vector<std::int64_t> found;
        for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.int64(row, 0));
        return found;
    }
    /// What an error tells a client, with the id that it asked for blanked out.
    template <class F>
    static std::string answer_of(const F& action, std::int64_t id) {
        try {
            action(id);
        } catch (const core::Error& error) {
            std::string text = error.to_json();
            const std::string number = std::to_string(id);
            for (std::size_t at = text.find(number); at != std::string::npos; at = text.find(number))
                text.replace(at, number.size(), "ID");
            return text;
        }
        return "nothing was thrown";
    }

    Service service{options()};
    std::int64_t anns = 0;
    std::int64_t bobs = 0;
    access::Policy policy{access::PolicyDocument{}};
    data::Database database{"sqlite:" + (directory / "clinic.db").string()};
};

TEST_F(ReachTest, NotByGet) {
    EXPECT_EQ(service.get(ann, anns).size(), 1U);
    EXPECT_EQ(code_of([&] { static_cast<void>(service.get(ann, bobs)); }), "prediction.not_found");
    EXPECT_EQ(service.get_patient(ann, ann_id).size(), 1U);
    EXPECT_EQ(code_of([&] { static_cast<void>(service.get_patient(ann, bob_id)); }), "patient.not_found");
}

TEST_F(ReachTest, NotByList) {
    EXPECT_THAT(ids(service.list(ann).results), ElementsAre(anns));
    const std::string bobs_number = "xray.patient.record_number = 'P-2'";
    EXPECT_EQ(service.list(ann, {.where = bobs_number}).count, 0);
    EXPECT_EQ(service.list(ann, {.where = bobs_number + " or true"}).count, 1);
    EXPECT_EQ(service.list(ann, {.where = "id = " + std::to_string(bobs)}).count, 0);
    EXPECT_EQ(code_of([&] { static_cast<void>(service.list(ann, {.where = "xray.patient.user_id > 0"})); }),
              "access.field")
        << "a filter on a hidden field would tell it bit by bit";
    EXPECT_EQ(code_of([&] { static_cast<void>(service.list(ann, {.order = "xray.patient.user_id"})); }),
              "access.field");
}

TEST_F(ReachTest, NotByAggregate) {
    EXPECT_EQ(service.statistics(ann).total, 1);
    const data::ReadScope session = database.read();
    const data::RowSet sums =
        guard(ann, "prediction")
            .rows()
            .aggregate(session, {{"rows", core::count()}, {"last", core::max(field("id"))}});
    EXPECT_EQ(sums.int64(0, 0), 1);
    EXPECT_EQ(sums.int64(0, 1), anns);
    EXPECT_EQ(guard(ann, "prediction").rows().count_by(session, "xray.patient.record_number").size(), 1U);
}

TEST_F(ReachTest, NotByPrefetch) {
    // Even where the parents are those of staff, the children are those of Ann.
    const data::Query patients = guard(staff, "patient").query().order_by("id");
    const data::RowTree tree =
        patients.prefetch("xrays", guard(ann, "xray").query(), "patient").run_tree(database.read());
    ASSERT_EQ(tree.rows.size(), 2U);
    EXPECT_EQ(tree.branches[0].children.rows.size(), 1U);
    EXPECT_EQ(tree.branches[0].ranges[1].size(), 0U) << "Bob's image";
    EXPECT_EQ(guard(ann, "patient").query().run(database.read()).size(), 1U);
}

TEST_F(ReachTest, NotByAnnotation) {
    const auto annotated = [&](const Principal& who) {
        const data::Query images = guard(who, "xray").rows();
        return guard(staff, "patient")
            .query()
            .order_by("id")
            .annotate("images", data::scalar(data::related(images, "patient"), core::count()))
            .annotate("any_image", core::Term(data::exists(images.where(
                                       field("patient_id") == core::Term(core::Expression::outer("id"))))))
            .run(database.read());
    };
    const data::RowSet for_staff = annotated(staff);
    const data::RowSet for_ann = annotated(ann);
    const std::size_t images = for_ann.column_index("images");
    EXPECT_EQ(for_staff.int64(1, images), 1);
    EXPECT_EQ(for_ann.int64(0, images), 1);
    EXPECT_EQ(for_ann.int64(1, images), 0);
    EXPECT_EQ(for_ann.int64(1, for_ann.column_index("any_image")), 0);
}

TEST_F(ReachTest, NotByUpdate) {
    const auto rename = [&](const Principal& who, std::int64_t id) {
        service.update_patient(who, id, {{"full_name", Value("Changed")}});
    };
    EXPECT_EQ(code_of([&] { rename(ann, bob_id); }), "access.denied") << "a patient never edits";
    EXPECT_EQ(code_of([&] { rename(ann, 424242); }), "access.denied") << "nor one that does not exist";
    for (const std::int64_t user : {bob.user_id.as<std::int64_t>(), std::int64_t{424242}}) {
        EXPECT_EQ(code_of([&] {
                      service.update_patient(ann, ann_id, {{"user_id", Value(user)}});
                  }),
                  "access.denied")
            << "nor is there a way to learn which users there are";
    }
    data::Transaction transaction = database.begin();
    EXPECT_EQ(code_of([&] { static_cast<void>(guard(ann, "prediction").rows("update")); }), "access.denied");
    EXPECT_EQ(code_of([&] {
                  guard(ann, "prediction").update(transaction, bobs, {{"diagnosis", Value("Normal")}});
              }),
              "access.denied");
    transaction.rollback();
    rename(staff, bob_id);
    EXPECT_EQ(service.get_patient(bob, bob_id).text(0, 3), "Changed");
}

TEST_F(ReachTest, NotByDelete) {
    EXPECT_EQ(code_of([&] { service.delete_prediction(ann, bobs); }), "access.denied");
    EXPECT_EQ(code_of([&] { service.delete_prediction(ann, anns); }), "access.denied");
    EXPECT_EQ(code_of([&] { service.retry(ann, bobs); }), "access.denied");
    EXPECT_EQ(service.get(bob, bobs).size(), 1U);
    service.delete_prediction(staff, bobs);
    EXPECT_EQ(code_of([&] { static_cast<void>(service.get(bob, bobs)); }), "prediction.not_found");
    EXPECT_FALSE(
        database.query("select 1 from consilia_predictions where is_deleted and deleted_at > 0").empty());
}

TEST_F(ReachTest, NotByJson) {
    for (const std::string& text :
         {service.list_json(ann), service.get_json(ann, anns), service.get_patient_json(ann, ann_id),
          data::to_json(guard(ann, "prediction").query().run(database.read())),
          data::to_json(guard(ann, "patient").query().run(database.read()))}) {
        EXPECT_THAT(text, Not(HasSubstr("P-2"))) << text;
        EXPECT_THAT(text, Not(HasSubstr("Bob"))) << text;
        EXPECT_THAT(text, Not(HasSubstr("user_id"))) << text;
        EXPECT_THAT(text, Not(HasSubstr("stored_name"))) << text;
    }
    const std::string whole = R"([{"id": 1, "full_name": "Bob Example", "user_id": 4, "secret": {"a": 1}}])";
    EXPECT_EQ(policy.redact(ann, "read", "patient", whole), R"([{"id":1,"full_name":"Bob Example"}])");
}

TEST_F(ReachTest, NotByTheTextOfAnError) {
    const auto expect_alike = [&](const char* what, const auto& action, std::int64_t hidden) {
        const std::string answer = answer_of(action, hidden);
        EXPECT_EQ(answer, answer_of(action, 424242)) << what;
        EXPECT_THAT(answer, Not(HasSubstr("Bob"))) << what;
    };
    expect_alike(
        "get", [&](std::int64_t id) { static_cast<void>(service.get(ann, id)); }, bobs);
    expect_alike(
        "patient", [&](std::int64_t id) { static_cast<void>(service.get_patient(ann, id)); }, bob_id);
    expect_alike(
        "submit", [&](std::int64_t id) { submit(service, ann, id, 3); }, bob_id);
    expect_alike(
        "retry", [&](std::int64_t id) { service.retry(ann, id); }, bobs);
    expect_alike(
        "update",
        [&](std::int64_t id) {
            service.update_patient(ann, id, {{"full_name", Value("x")}});
        },
        bob_id);
    expect_alike(
        "delete", [&](std::int64_t id) { service.delete_prediction(ann, id); }, bobs);
}

// An answer takes as long as what is done for it: the same statements and the same lines of the log, whether
// the record is another's or nobody's.
TEST_F(ReachTest, NotByTheTimeOfAnAnswer) {
    const std::filesystem::path file = directory / "security.log";
    core::configure_logging(
        {.level = core::LogLevel::Error, .format = core::LogFormat::Json, .security_file = file});
    std::vector<std::string> statements;
    const data::StatementWatch watch = database.on_statement(
        [&](const data::StatementEvent& event) { statements.push_back(std::string(event.sql)); });
    const auto trace_of = [&](const char* resource, std::int64_t id, const char* action) {
        statements.clear();
        const auto lines = std::filesystem::exists(file) ? std::filesystem::file_size(file) : 0;
        EXPECT_THROW(
            {
                if (std::string(action) == "read") {
                    static_cast<void>(guard(ann, resource).get(database.read(), id));
                } else {
                    guard(ann, resource).require(database.read(), id, action);
                }
            },
            core::NotFound);
        EXPECT_GT(std::filesystem::file_size(file), lines) << "a line for each";
        EXPECT_FALSE(statements.empty());
        return statements;
    };
    EXPECT_EQ(trace_of("prediction", bobs, "read"), trace_of("prediction", 424242, "read"));
    EXPECT_EQ(trace_of("patient", bob_id, "read"), trace_of("patient", 424242, "read"));
    EXPECT_EQ(trace_of("patient", bob_id, "submit"), trace_of("patient", 424242, "submit"));
    core::configure_logging({.level = core::LogLevel::Error});
}

TEST_F(ReachTest, StaffDeletePendingPredictionsOnlyAndAdminsAny) {
    database.execute("update consilia_predictions set status = 'completed' where id = ?",
                     std::vector<Value>{Value(bobs)});
    EXPECT_EQ(code_of([&] { service.delete_prediction(staff, bobs); }), "access.denied");
    service.delete_prediction(staff, anns);
    service.delete_prediction(root, bobs);
    EXPECT_EQ(service.list(root).count, 0);
}

TEST_F(ReachTest, ACallTakesThePolicyThatIsInForce) {
    const auto policies = std::make_shared<access::PolicyStore>(default_policy());
    ServiceOptions live = options();
    live.policies = policies;
    Service open(live);
    EXPECT_EQ(open.list(ann).count, 1);
    access::PolicyDocument closed = default_policy();
    closed.rules.push_back({"closed", access::Effect::Deny, "patient", "*:*"});
    policies->replace(closed);
    EXPECT_EQ(code_of([&] { static_cast<void>(open.list(ann)); }), "access.denied");
    EXPECT_EQ(open.list(staff).count, 2);
    live.policy = default_policy();
    EXPECT_EQ(code_of([&] { Service service_of_two(live); }), "screening.options");
}

TEST_F(ReachTest, StaffEditPatientsByField) {
    service.update_patient(staff, bob_id,
                           {{"full_name", Value("Bob B. Example")}, {"birth_date", Value(core::Date{3650})}});
    EXPECT_EQ(code_of([&] {
                  service.update_patient(staff, bob_id, {{"user_id", ann.user_id}});
              }),
              "access.fields");
    EXPECT_EQ(
        code_of([&] {
            service.update_patient(staff, bob_id, {{"sex", Value("male")}, {"record_number", Value("P-9")}});
        }),
        "access.fields");
    EXPECT_EQ(code_of([&] {
                  service.update_patient(staff, bob_id, {{"shoe_size", Value(43)}});
              }),
              "patient.invalid");
    EXPECT_EQ(code_of([&] {
                  service.update_patient(staff, bob_id, {{"full_name", Value()}});
              }),
              "patient.invalid");
    EXPECT_EQ(code_of([&] {
                  service.update_patient(root, bob_id, {{"record_number", Value("P-1")}});
              }),
              "patient.exists");
    EXPECT_EQ(code_of([&] {
                  service.update_patient(root, bob_id, {{"user_id", Value(424242)}});
              }),
              "patient.invalid");
    EXPECT_EQ(json::parse(service.get_patient_json(staff, bob_id))["record_number"], "P-2")
        << "nothing of it";
    service.update_patient(root, bob_id, {{"record_number", Value("P-9")}, {"birth_date", Value()}});
    EXPECT_TRUE(json::parse(service.get_patient_json(staff, bob_id))["birth_date"].is_null());
}

TEST_F(ReachTest, AChangeMustNotPutARowWhereItsAuthorMayNotChangeIt) {
    access::PolicyDocument document;
    document.resources["patient"] = {"read", "update"};
    document.roles = {{"owner"}};
    document.rules = {{"own", access::Effect::Allow, "owner", "patient:*",
                       field("user_id") == core::parameter("principal_id")}};
    document.fields = {{"owner", "patient:*", {"id", "user_id"}}};
    const access::Guard own(access::Policy(document), {ann.user_id, {"owner"}}, "patient",
                            data::ModelRepository(patient_model(), clock));
    data::Transaction transaction = database.begin();
    EXPECT_EQ(code_of([&] { own.update(transaction, ann_id, {{"user_id", bob.user_id}}); }), "access.denied");
    transaction.rollback();
    EXPECT_EQ(own.get(database.read(), ann_id).size(), 1U);
}

}  // namespace
}  // namespace consilia::screening
