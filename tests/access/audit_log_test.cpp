// Goal: an entry is there if, and only if, its transaction is; writers of any number make one chain; reviews
// find what they ask for; nothing but what may be kept is kept.
#include <gmock/gmock.h>

#include <thread>

#include "access/audit_fixture.hpp"
#include "consilia/data/model.hpp"

namespace consilia::access {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::IsEmpty;

class AuditLogTest : public test::OnAuditLog {
protected:
    std::vector<std::int64_t> sequences(const AuditFilter& filter, const AuditPage& page = {}) {
        std::vector<std::int64_t> found;
        for (const AuditEntry& entry : log.find(filter, page)) found.push_back(entry.sequence);
        return found;
    }
    /// The code that an event is refused with, and the field that it names.
    std::string refusal(const AuditEvent& event) {
        try {
            log.append(event);
        } catch (const core::Error& error) {
            return error.code() + " " + error.details().at(0).value.as<std::string>();
        }
        return "none";
    }
};
INSTANTIATE_ON_BOTH(AuditLogTest);

TEST_P(AuditLogTest, KeepsWhoDidWhatToWhichRecordWhenFromWhereAndWhy) {
    AuditEvent event = read_of(12);
    event.details.text = R"({"fields": ["status"], "count": 2})";
    const AuditAnchor place = log.append(event);
    const std::vector<AuditEntry> found = log.find({});
    ASSERT_EQ(found.size(), 1U);
    const AuditEntry& entry = found[0];
    EXPECT_EQ(entry.sequence, 1);
    EXPECT_EQ(entry.at, clock.now());
    EXPECT_EQ(entry.user_id, core::Value("7"));
    EXPECT_EQ(entry.user_name, "Ada");
    EXPECT_EQ(entry.roles, "staff");
    EXPECT_EQ(entry.action, "read");
    EXPECT_EQ(entry.resource, "prediction");
    EXPECT_EQ(entry.record_id, core::Value("12"));
    EXPECT_EQ(entry.outcome, AuditOutcome::Allowed);
    EXPECT_EQ(entry.rule, "staff_reads");
    EXPECT_EQ(entry.reason, "allowed by rule `staff_reads`");
    EXPECT_EQ(entry.address, "192.0.2.7");
    EXPECT_EQ(entry.details.text, R"({"count":2,"fields":["status"]})");
    EXPECT_EQ(entry.previous, AuditAnchor{}.hash);
    EXPECT_EQ(place, (AuditAnchor{1, entry.hash}));
    EXPECT_EQ(log.head(), place);
}

TEST_P(AuditLogTest, AnEntryIsThereIfItsTransactionIs) {
    {
        data::Transaction transaction = database.begin();
        log.append(transaction, read_of(1));
    }
    EXPECT_EQ(log.head(), AuditAnchor{});
    data::Transaction transaction = database.begin();
    log.append(transaction, read_of(2));
    EXPECT_ANY_THROW(transaction.savepoint([&] {
        log.append(transaction, read_of(3));
        throw std::runtime_error("undone");
    }));
    log.append(transaction, read_of(4));
    transaction.commit();
    const std::vector<AuditEntry> found = log.find({});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].record_id, core::Value("4"));
    EXPECT_EQ(log.verify().entries, 2);
}

TEST_P(AuditLogTest, APageOfReadsIsOneEntryEachAllOrNone) {
    std::vector<AuditEvent> page;
    for (int record = 1; record <= 25; ++record) page.push_back(read_of(record));
    EXPECT_EQ(log.append_many(page).sequence, 25);
    page[20].action.clear();
    EXPECT_EQ(code_of([&] { return log.append_many(page); }), "audit.field");
    EXPECT_EQ(log.verify().entries, 25);
    EXPECT_EQ(log.append_many({}), log.head());
    const std::vector<AuditEvent> many(AuditLog::kEventsMax + 1, read_of(1));
    EXPECT_EQ(code_of([&] { return log.append_many(many); }), "audit.too_many");
    EXPECT_EQ(log.append_many(std::span(many).first(AuditLog::kEventsMax)).sequence, 10'025);
}

TEST_P(AuditLogTest, WritersOfAnyNumberMakeOneChain) {
    constexpr int kWriters = 4;
    constexpr int kEach = 25;
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
        writers.emplace_back([&, writer] {
            // Half of them share a log, the others are as programs of their own.
            data::Database separate(fresh.url());
            AuditLog of_its_own(separate, {.key = test::kAuditKey, .clock = &clock});
            data::Database& own = writer % 2 == 0 ? database : separate;
            AuditLog& mine = writer % 2 == 0 ? log : of_its_own;
            for (int i = 0; i < kEach; ++i) {
                if (i % 5 == 0) {
                    mine.append_many(std::vector<AuditEvent>{read_of(i, writer), read_of(i + 1, writer)});
                } else if (i % 5 == 1) {
                    data::Transaction abandoned = own.begin();
                    mine.append(abandoned, read_of(i, writer));
                } else {
                    own.transact([&](data::Transaction& on) { mine.append(on, read_of(i, writer)); },
                                 {.attempts_max = 1000, .isolation = data::Isolation::Serializable});
                }
            }
        });
    }
    writers.clear();
    const AuditReport report = log.verify();
    EXPECT_TRUE(report.is_sound()) << report.explain;
    EXPECT_EQ(report.entries, kWriters * kEach);
    EXPECT_EQ(AuditLog::query({.user_id = 3}).count(database.read()), kEach);
}

TEST_P(AuditLogTest, TellsWhoSawARecordAndWhatAUserDid) {
    log.append(read_of(1, 7));
    log.append(read_of(2, 7));
    clock.advance(std::chrono::hours(1));
    AuditEvent denied = read_of(1, 8);
    denied.outcome = AuditOutcome::Denied;
    denied.action = "update";
    log.append(denied);
    AuditEvent other = read_of(1, 8);
    other.resource = "patient";
    log.append(other);
    EXPECT_THAT(sequences({.resource = "prediction", .record_id = 1}), ElementsAre(1, 3));
    EXPECT_THAT(sequences({.resource = "prediction", .record_id = "1"}), ElementsAre(1, 3));
    EXPECT_THAT(sequences({.user_id = 8}), ElementsAre(3, 4));
    EXPECT_THAT(sequences({.action = "update"}), ElementsAre(3));
    EXPECT_THAT(sequences({.outcome = AuditOutcome::Denied}), ElementsAre(3));
    EXPECT_THAT(sequences({.since = clock.now()}), ElementsAre(3, 4));
    EXPECT_THAT(sequences({.until = clock.now()}), ElementsAre(1, 2));
    EXPECT_THAT(sequences({.user_id = 9}), IsEmpty());
    EXPECT_EQ(code_of([&] { return log.find({.record_id = 1}); }), "audit.field");
    EXPECT_EQ(code_of([&] { return log.find({.user_id = true}); }), "audit.field");
}

TEST_P(AuditLogTest, PagesGoOnWhereTheLastOneEnded) {
    fill(5);
    EXPECT_THAT(sequences({}, {.limit = 2}), ElementsAre(1, 2));
    EXPECT_THAT(sequences({}, {.limit = 2, .after_sequence = 2}), ElementsAre(3, 4));
    EXPECT_THAT(sequences({}, {.limit = 2, .newest_first = true}), ElementsAre(5, 4));
    EXPECT_THAT(sequences({}, {.limit = 9, .after_sequence = 4, .newest_first = true}), ElementsAre(3, 2, 1));
    for (const std::int64_t limit : {std::int64_t{0}, AuditPage::kLimitMax + 1}) {
        EXPECT_EQ(code_of([&] { return log.find({}, {.limit = limit}); }), "audit.page");
    }
    EXPECT_EQ(code_of([&] { return log.find({}, {.after_sequence = -1}); }), "audit.page");
}

TEST_P(AuditLogTest, ReviewsReadAnIndexAndNotTheTable) {
    fill(3);
    if (!fresh.is_sqlite()) GTEST_SKIP() << "PostgreSQL reads a small table whole, whatever there is";
    for (const AuditFilter& filter : {AuditFilter{.resource = "prediction", .record_id = 1},
                                      AuditFilter{.user_id = 7}, AuditFilter{.since = clock.now()}}) {
        const auto plan = AuditLog::query(filter).explain(database.read());
        EXPECT_THAT(plan.full_scans, IsEmpty()) << plan.text;
    }
}

TEST_P(AuditLogTest, WhatMayNotBeKeptIsRefusedByName) {
    const auto with = [&](auto&& change) {
        AuditEvent event = read_of(1);
        change(event);
        return refusal(event);
    };
    using Event = AuditEvent;
    const std::string longest(AuditEvent::kNameBytesMax, 'x');
    EXPECT_EQ(with([&](Event& e) { e.action = longest; }), "none");
    EXPECT_EQ(with([&](Event& e) { e.action = longest + "x"; }), "audit.field action");
    EXPECT_EQ(with([&](Event& e) { e.user_id = longest; }), "none");
    EXPECT_EQ(with([&](Event& e) { e.user_id = longest + "x"; }), "audit.field user_id");
    EXPECT_EQ(with([&](Event& e) { e.reason.assign(AuditEvent::kReasonBytesMax, 'x'); }), "none");
    EXPECT_EQ(with([&](Event& e) { e.reason.assign(AuditEvent::kReasonBytesMax + 1, 'x'); }),
              "audit.field reason");
    EXPECT_EQ(with([](Event& e) { e.resource = ""; }), "audit.field resource");
    EXPECT_EQ(with([](Event& e) { e.resource = "consilia_audit"; }), "audit.field resource");
    EXPECT_EQ(with([](Event& e) { e.address = "\xff"; }), "audit.field address");
    EXPECT_EQ(with([](Event& e) { e.user_name = std::string("a\0b", 3); }), "audit.field user_name");
    EXPECT_EQ(with([](Event& e) { e.record_id = 1.5; }), "audit.field record_id");
    EXPECT_EQ(with([](Event& e) { e.details.text = "[1]"; }), "audit.details details");
    EXPECT_EQ(with([](Event& e) { e.details.text = "{"; }), "audit.details details");
    const auto sized = [](std::size_t size) { return R"({"a":")" + std::string(size - 8, 'x') + "\"}"; };
    EXPECT_EQ(with([&](Event& e) { e.details.text = sized(4096); }), "none");
    EXPECT_EQ(with([&](Event& e) { e.details.text = sized(4097); }), "audit.details details");
    const auto nested = [](std::size_t depth) {
        return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    EXPECT_EQ(with([&](Event& e) { e.details.text = nested(16); }), "none");
    EXPECT_EQ(with([&](Event& e) { e.details.text = nested(17); }), "audit.details details");
    EXPECT_EQ(with([&](Event& e) { e.details.text = nested(3000); }), "audit.details details");
}

TEST_P(AuditLogTest, ALogIsGoneOnWithItsOwnKeyOnly) {
    fill(1);
    AuditLog unkeyed(database);
    AuditLog other(database, {.key = std::string(32, 'x')});
    for (AuditLog* wrong : {&unkeyed, &other}) {
        EXPECT_EQ(code_of([&] { return wrong->append(read_of(2)); }), "audit.key");
        EXPECT_EQ(code_of([&] { return wrong->verify(); }), "audit.key");
        EXPECT_EQ(code_of([&] { return wrong->create_schema(), 0; }), "audit.key");
    }
    log.create_schema();
    EXPECT_EQ(log.verify().entries, 1);
    const auto opened = [&](const AuditLogOptions& options) {
        return code_of([&] { return AuditLog(database, options).head(); });
    };
    EXPECT_EQ(opened({.key = std::string(15, 'x')}), "audit.options");
    EXPECT_EQ(opened({.key = test::kAuditKey, .details_bytes_max = 1023}), "audit.options");
    EXPECT_EQ(opened({.key = test::kAuditKey, .details_bytes_max = 1024}), "");
    EXPECT_EQ(opened({.key = test::kAuditKey, .details_bytes_max = 65'536}), "");
    EXPECT_EQ(opened({.key = test::kAuditKey, .details_bytes_max = 65'537}), "audit.options");
}

TEST_P(AuditLogTest, TheDatabaseRefusesToChangeWhatWasWritten) {
    fill(3);
    std::vector<std::string> attempts{
        "UPDATE consilia_audit SET user_id = '8'",
        "DELETE FROM consilia_audit WHERE sequence = 2",
        "DELETE FROM consilia_audit_head",
        "UPDATE consilia_audit_head SET sequence = 2",
        "UPDATE consilia_audit_head SET removed_sequence = 4",
        "UPDATE consilia_audit_head SET key_check = ''",
    };
    if (fresh.is_sqlite()) {
        attempts.emplace_back("INSERT OR REPLACE INTO consilia_audit SELECT * FROM consilia_audit");
        attempts.emplace_back("REPLACE INTO consilia_audit_head SELECT * FROM consilia_audit_head");
    } else {
        attempts.emplace_back("TRUNCATE consilia_audit");
        attempts.emplace_back("TRUNCATE consilia_audit_head");
    }
    for (const std::string& sql : attempts) {
        EXPECT_EQ(code_of([&] { return database.execute(sql); }), "database.check") << sql;
    }
    EXPECT_EQ(log.verify().entries, 3);
}

TEST_P(AuditLogTest, AProgramNeedsNoRightToChangeEntries) {
    if (fresh.is_sqlite()) GTEST_SKIP() << "SQLite has no roles";
    for (const char* statement :
         {"CREATE ROLE clinic LOGIN", "GRANT SELECT, INSERT ON consilia_audit TO clinic",
          "GRANT SELECT, UPDATE ON consilia_audit_head TO clinic"}) {
        database.execute(statement);
    }
    std::string url = fresh.url();
    url.replace(url.find("consilia@"), 9, "clinic@");
    data::Database own(url);
    AuditLog mine(own, {.key = test::kAuditKey, .clock = &clock});
    EXPECT_EQ(mine.append(read_of(1)).sequence, 1);
    EXPECT_TRUE(mine.verify().is_sound());
    EXPECT_NE(code_of([&] { return own.execute("DELETE FROM consilia_audit"); }), "");
    EXPECT_NE(code_of([&] { return own.execute("ALTER TABLE consilia_audit DISABLE TRIGGER USER"); }), "");
}

TEST_P(AuditLogTest, TheRulesOfTheTableAreThoseOfTheModel) {
    const data::Model& model = AuditLog::model();
    EXPECT_EQ(model.table(), "consilia_audit");
    fill(2);
    const data::RowSet rows = AuditLog::query().count_by(database.read(), "user_name");
    EXPECT_EQ(rows.text(0, 0), "Ada");
    EXPECT_EQ(rows.int64(0, 1), 2);
}

}  // namespace
}  // namespace consilia::access
