// Goal: who read or changed which record, and who was refused, is in the audit log: with the change, or not
// at all; and a denial although its transaction was rolled back. Method: each call of the service, and the
// entries that it added.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/access/audit_log.hpp"
#include "screening/support.hpp"

namespace consilia::screening {
namespace {

using core::Value;
using testing::ElementsAre;
using testing::IsEmpty;

class AuditTest : public ClinicTest {
protected:
    AuditTest() {
        populate(service);
        prediction = submit(service, staff, bob_id, 1).prediction_id;
        static_cast<void>(entries());
    }
    ServiceOptions audited() {
        ServiceOptions given = options();
        given.audit = access::AuditLogOptions{.key = "0123456789abcdef0123456789abcdef"};
        return given;
    }
    /// The entries since the last call: `user action resource record outcome rule reason`.
    std::vector<std::string> entries() {
        std::vector<std::string> lines;
        for (const access::AuditEntry& entry : log.find({}, {.limit = 100, .after_sequence = seen})) {
            seen = entry.sequence;
            const auto text = [](const Value& value) {
                return value.is_null()              ? "-"
                       : value.if_as<std::string>() ? value.as<std::string>()
                                                    : core::to_json(value);
            };
            lines.push_back(entry.user_name + " " + entry.action + " " + entry.resource + " " +
                            text(entry.record_id) + " " + std::string(to_string(entry.outcome)) + " [" +
                            entry.rule + "] " + entry.reason + " " + entry.details.text);
        }
        return lines;
    }
    template <class F>
    std::vector<std::string> entries_of(const F& action) {
        EXPECT_THROW(action(), core::Error);
        return entries();
    }

    Service service{audited()};
    data::Database database{"sqlite:" + (directory / "clinic.db").string()};
    access::AuditLog log{database, {.key = "0123456789abcdef0123456789abcdef"}};
    std::int64_t seen = 0;
    std::int64_t prediction = 0;
};

TEST_F(AuditTest, ReadsAndChangesAreWrittenWithTheRuleThatAllowedThem) {
    const std::string bobs = std::to_string(bob_id);
    const std::string id = std::to_string(prediction);
    static_cast<void>(service.get_patient(bob, bob_id));
    EXPECT_THAT(entries(), ElementsAre("bob read patient " + bobs +
                                       " allowed [patients read themselves] allowed_by_rule {}"));
    static_cast<void>(service.list(bob));
    EXPECT_THAT(entries(), ElementsAre("bob read prediction " + id +
                                       " allowed [patients read their own predictions] allowed_by_rule {}"));
    service.update_patient(staff, bob_id, {{"full_name", Value("Bob B. Example")}, {"sex", Value("male")}});
    EXPECT_THAT(
        entries(),
        ElementsAre(
            "sam update patient " + bobs +
            " allowed [staff edit all patients] allowed_by_rule {\"fields\":[\"full_name\",\"sex\"]}"));
    const std::int64_t made = service.create_patient(root, {.record_number = "P-3", .full_name = "Cy"});
    EXPECT_THAT(entries(), ElementsAre("root create patient " + std::to_string(made) +
                                       " allowed [admins do everything] allowed_by_rule {}"));
    service.delete_prediction(staff, prediction);
    EXPECT_THAT(entries(), ElementsAre("sam delete prediction " + id +
                                       " allowed [staff delete pending predictions] allowed_by_rule {}"));
    EXPECT_TRUE(log.verify().is_sound());
}

TEST_F(AuditTest, DenialsAreWrittenAlthoughNothingElseIs) {
    const std::string bobs = std::to_string(bob_id);
    EXPECT_THAT(entries_of([&] { static_cast<void>(service.get_patient(ann, bob_id)); }),
                ElementsAre("ann read patient " + bobs + " denied [] hidden {}"));
    EXPECT_THAT(entries_of([&] { static_cast<void>(service.get_patient(ann, 4711)); }),
                ElementsAre("ann read patient 4711 denied [] not there {}"));
    EXPECT_THAT(
        entries_of([&] { service.delete_prediction(ann, prediction); }),
        ElementsAre("ann delete prediction " + std::to_string(prediction) + " denied [] access.denied {}"));
    EXPECT_THAT(entries_of([&] {
                    service.update_patient(staff, bob_id, {{"user_id", Value(1)}});
                }),
                ElementsAre("sam update patient " + bobs + " denied [] access.fields {}"));
    EXPECT_THAT(entries_of([&] { service.create_user(staff, {.username = "x", .role = "staff"}); }),
                ElementsAre("sam create user - denied [] no_rule {}"));
    EXPECT_THAT(entries_of([&] { service.retry(staff, prediction); }), IsEmpty())
        << "allowed, but in conflict: nothing was done";
    EXPECT_THAT(entries_of([&] {
                    service.update_patient(root, bob_id, {{"record_number", Value("P-1")}});
                }),
                IsEmpty());
    EXPECT_TRUE(log.verify().is_sound());
}

TEST_F(AuditTest, APageWithoutKeysIsWrittenByItsSize) {
    ServiceOptions given = audited();
    given.policy = default_policy();
    for (access::FieldRule& rule : given.policy->fields) std::erase(rule.fields, "id");
    static_cast<void>(Service(given).list(staff));
    EXPECT_THAT(entries(), ElementsAre("sam read prediction - allowed [staff read all predictions] "
                                       "allowed_by_rule {\"rows\":1}"));
}

TEST_F(AuditTest, WhoSawARecordAndWhatAUserDidCanBeAsked) {
    static_cast<void>(service.get(bob, prediction));
    static_cast<void>(service.get(staff, prediction));
    const auto who = log.find({.resource = "prediction", .record_id = prediction, .action = "read"});
    ASSERT_EQ(who.size(), 2U);
    EXPECT_EQ(who[0].user_name, "bob");
    EXPECT_EQ(who[1].roles, "staff");
    EXPECT_EQ(log.find({.user_id = bob.user_id}).size(), 1U);
}

}  // namespace
}  // namespace consilia::screening
