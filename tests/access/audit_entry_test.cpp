// Goal: an entry has one line, which nobody can forge or split, and one hash, which anybody can calculate.
#include "consilia/access/audit_entry.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "access/audit_line.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/files.hpp"

namespace consilia::access {
namespace {

AuditEntry entry() {
    AuditEntry made;
    made.user_id = "7";
    made.user_name = "Änne";
    made.action = "read";
    made.resource = "prediction";
    made.sequence = 3;
    made.at = core::parse_timestamp("2026-03-01T08:00:00.000001Z");
    made.previous = std::string(64, 'a');
    made.hash = std::string(64, 'b');
    return made;
}

TEST(AuditEntry, IsOneLineWithItsKeysInOrder) {
    EXPECT_EQ(
        to_json_line(entry()),
        R"({"sequence":3,"at":"2026-03-01T08:00:00.000001Z","user_id":"7","user_name":"Änne","roles":"",)"
        R"("action":"read","resource":"prediction","record_id":null,"outcome":"allowed","rule":"",)"
        R"("reason":"","address":"","details":{},"previous":")" +
            std::string(64, 'a') + R"(","hash":")" + std::string(64, 'b') + "\"}");
}

TEST(AuditEntry, NoTextForgesALine) {
    AuditEntry forged = entry();
    forged.user_name = "x\"\\\r\n{\"sequence\":4}\x1b[2K\x7f\u2028\u2029\u0085\u202e\ufeffy";
    const std::string line = to_json_line(forged);
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    for (const char* hidden : {"\u2028", "\u2029", "\u0085", "\u202e", "\x7f", "\ufeff"}) {
        EXPECT_EQ(line.find(hidden), std::string::npos);
    }
    EXPECT_EQ(nlohmann::json::parse(line).at("user_name"), forged.user_name);
}

TEST(AuditEntry, EveryDifferenceIsADifferentLine) {
    const auto line = [](auto&& change) {
        AuditEntry made = entry();
        change(made);
        std::string body;
        write_body(body, view_of(made));
        return body;
    };
    const std::string before = line([](AuditEntry&) {});
    const std::string lines[] = {
        before,
        line([](AuditEntry& e) { e.user_id = nullptr; }),
        line([](AuditEntry& e) { e.user_id = ""; }),
        line([](AuditEntry& e) { e.record_id = "null"; }),
        line([](AuditEntry& e) { std::swap(e.action, e.resource); }),
        line([](AuditEntry& e) { e.roles = "\",\"action\":\"read"; }),
        line([](AuditEntry& e) { e.at.microseconds += 1; }),
        line([](AuditEntry& e) { e.at.microseconds += 65'536LL * 366 * 86'400'000'000; }),
        line([](AuditEntry& e) { e.at.microseconds = INT64_MAX; }),
        line([](AuditEntry& e) { e.outcome = AuditOutcome::Denied; }),
        line([](AuditEntry& e) { e.rule = "\ufffd"; }),
        line([](AuditEntry& e) { e.rule = "\xff"; }),
        line([](AuditEntry& e) { e.details.text = "{\n}"; }),
        line([](AuditEntry& e) { e.previous[0] = 'b'; }),
    };
    for (const std::string& one : lines) {
        EXPECT_EQ(std::count(std::begin(lines), std::end(lines), one), 1) << one;
        EXPECT_TRUE(nlohmann::json::accept(one)) << one;
    }
}

TEST(AuditEntry, IsHashedWithAndWithoutKey) {
    EXPECT_EQ(AuditHasher("")("abc"), core::sha256("abc"));
    // RFC 4231, test case 1.
    AuditHasher keyed(std::string(20, '\x0b'));
    constexpr const char* kWanted = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    EXPECT_EQ(keyed("Hi There"), kWanted);
    AuditHasher copy(keyed);
    EXPECT_NE(keyed("Hi there"), kWanted);
    EXPECT_EQ(copy("Hi There"), kWanted);
}

TEST(AuditEntry, IsMadeOfWhatAPolicyDecided) {
    PolicyDocument document;
    document.resources = {{"patient", {"read"}}};
    document.roles = {{"staff"}, {"nurse"}};
    document.rules = {{"nurses read", Effect::Allow, "nurse", "patient:read"}};
    const Policy policy(document);
    const Principal ada{.user_id = 7, .roles = {"staff", "nurse"}, .name = std::string(300, 'a')};
    const Attempt attempt{ada, "read", "patient", 3};
    const AuditEvent event = audit_event(policy, attempt, policy.check(ada, "read", "patient"), "192.0.2.7");
    EXPECT_EQ(event.user_id, core::Value(7));
    EXPECT_EQ(event.user_name, std::string(AuditEvent::kNameBytesMax, 'a'));
    EXPECT_EQ(event.roles, "staff nurse");
    EXPECT_EQ(event.action, "read");
    EXPECT_EQ(event.resource, "patient");
    EXPECT_EQ(event.record_id, core::Value(3));
    EXPECT_EQ(event.outcome, AuditOutcome::Allowed);
    EXPECT_EQ(event.rule, "nurses read");
    EXPECT_EQ(event.reason, "allowed_by_rule");
    EXPECT_EQ(event.address, "192.0.2.7");
    const AuditEvent denied = audit_event(policy, attempt, policy.check(ada, "burn", "patient"));
    EXPECT_EQ(denied.outcome, AuditOutcome::Denied);
    EXPECT_EQ(denied.rule, "");
    EXPECT_EQ(denied.reason, "unknown_permission");
}

}  // namespace
}  // namespace consilia::access
