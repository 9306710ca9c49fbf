// Goal: whatever somebody with all rights in the database does to a log is found, and nothing is found in one
// that was left alone. Method: each single mutation of random logs by raw SQL, with the triggers taken away.
#include <gmock/gmock.h>

#include <random>

#include "access/audit_fixture.hpp"
#include "consilia/core/files.hpp"

namespace consilia::access {
namespace {

using core::Value;
using test::code_of;

class AuditVerify : public test::OnAuditLog {
protected:
    /// Runs a mutation, gives what is found, and undoes it.
    AuditReport after(const std::function<void(data::Transaction&)>& mutate) {
        data::Transaction transaction = database.begin();
        std::vector<std::vector<Value>> rows = rows_of(transaction, "consilia_audit");
        std::vector<std::vector<Value>> head = rows_of(transaction, "consilia_audit_head");
        mutate(transaction);
        transaction.commit();
        AuditReport report = log.verify();
        data::Transaction undo = database.begin();
        put_back(undo, "consilia_audit", rows);
        put_back(undo, "consilia_audit_head", head);
        undo.commit();
        return report;
    }
    static std::vector<std::vector<Value>> rows_of(const data::Session& session, const std::string& table) {
        const data::RowSet found = session.query("SELECT * FROM " + table + " ORDER BY 1");
        std::vector<std::vector<Value>> rows(found.size());
        for (std::size_t row = 0; row < found.size(); ++row) {
            for (std::size_t i = 0; i < found.columns().size(); ++i) rows[row].push_back(found.value(row, i));
        }
        return rows;
    }
    void put_back(const data::Session& session, const std::string& table,
                  const std::vector<std::vector<Value>>& rows) {
        session.execute("DELETE FROM " + table);
        for (const std::vector<Value>& row : rows) {
            std::string places = "?";
            for (std::size_t i = 1; i < row.size(); ++i) places += ", ?";
            session.execute(sql("INSERT INTO " + table + " VALUES (" + places + ")"), row);
        }
    }
    AuditReport after_sql(std::string_view text, const std::vector<Value>& values = {}) {
        return after([&](data::Transaction& on) { on.execute(sql(text), values); });
    }
};
INSTANTIATE_ON_BOTH(AuditVerify);

/// Entries with texts of all kinds, some of them alike.
class RandomEvents {
public:
    explicit RandomEvents(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
    AuditEvent event() {
        AuditEvent made;
        if (below(4) != 0) made.user_id = static_cast<int>(below(3));
        made.user_name = text();
        made.roles = text();
        made.action = std::array{"read", "update"}[below(2)];
        made.resource = std::array{"patient", "prediction"}[below(2)];
        if (below(3) != 0) made.record_id = static_cast<int>(below(4));
        made.outcome = below(2) == 0 ? AuditOutcome::Allowed : AuditOutcome::Denied;
        made.rule = text();
        made.reason = text();
        made.address = text();
        if (below(2) == 0) made.details.text = R"({"fields":["a","ä"],"n":1.5})";
        return made;
    }

private:
    std::string text() {
        return std::array{"", "a", "Änne \u202e", "line\nline", "\"quoted\\", "x', 'y"}[below(6)];
    }
    std::mt19937 engine_;
};

TEST_P(AuditVerify, FindsEverySingleChangeAndNothingElse) {
    constexpr const char* kTexts[] = {"user_id",   "user_name", "roles", "action", "resource",
                                      "record_id", "outcome",   "rule",  "reason", "address",
                                      "details",   "previous",  "hash"};
    disarm();
    std::int64_t first = 1;
    for (unsigned seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomEvents random(seed);
        const int count = 3 + static_cast<int>(random.below(3));
        std::vector<AuditEvent> events;
        for (int i = 0; i < count; ++i) events.push_back(random.event());
        log.append_many(events);
        ASSERT_EQ(fault(), AuditFault::None);
        const std::int64_t last = log.head().sequence;
        for (std::int64_t row = first; row <= last; ++row) {
            for (const char* column : kTexts) {
                const std::string changed =
                    column == std::string("outcome")
                        ? "CASE outcome WHEN 'denied' THEN 'allowed' ELSE 'denied' END"
                        : "coalesce(" + std::string(column) + ", '') || 'x'";
                const AuditReport report = after_sql("UPDATE consilia_audit SET " + std::string(column) +
                                                         " = " + changed + " WHERE sequence = ?",
                                                     {row});
                EXPECT_EQ(report.fault, AuditFault::Changed) << column << " of " << row;
                EXPECT_EQ(report.sequence, row) << column;
                EXPECT_EQ(report.entries, row - 1);
            }
            const AuditReport moved = after_sql("UPDATE consilia_audit SET at = ? WHERE sequence = ?",
                                                {clock.now() + std::chrono::microseconds(1), row});
            EXPECT_EQ(moved.fault, AuditFault::Changed);
            const AuditReport gone = after_sql("DELETE FROM consilia_audit WHERE sequence = ?", {row});
            EXPECT_EQ(gone.sequence, row);
            EXPECT_EQ(gone.fault, row == last ? AuditFault::CutTail : AuditFault::Removed);
            for (std::int64_t other = row + 1; other <= last; ++other) {
                const AuditReport swapped = after([&](data::Transaction& on) {
                    const std::string set = "UPDATE consilia_audit SET sequence = ? WHERE sequence = ?";
                    on.execute(sql(set), std::vector<Value>{-1, row});
                    on.execute(sql(set), std::vector<Value>{row, other});
                    on.execute(sql(set), std::vector<Value>{other, -1});
                });
                EXPECT_EQ(swapped.fault, AuditFault::Reordered) << row << " and " << other;
                EXPECT_EQ(swapped.sequence, row);
            }
        }
        first = last + 1;
        ASSERT_EQ(fault(), AuditFault::None);
    }
}

TEST_P(AuditVerify, FindsWhatIsDoneToTheHead) {
    fill(3);
    disarm();
    EXPECT_EQ(after_sql("UPDATE consilia_audit_head SET sequence = 4").fault, AuditFault::CutTail);
    EXPECT_EQ(after_sql("UPDATE consilia_audit_head SET sequence = 2").fault, AuditFault::Changed);
    EXPECT_EQ(after_sql("UPDATE consilia_audit_head SET hash = 'x'").fault, AuditFault::Changed);
    const AuditEntry second = log.find({}).at(1);
    // Back to where it was after the second entry: the third is then one that nobody wrote.
    const AuditReport added =
        after_sql("UPDATE consilia_audit_head SET sequence = 2, hash = ?", {second.hash});
    EXPECT_EQ(added.fault, AuditFault::Added);
    EXPECT_EQ(added.sequence, 3);
    database.execute("DELETE FROM consilia_audit_head");
    EXPECT_EQ(code_of([&] { return log.verify(); }), "audit.head");
}

TEST_P(AuditVerify, AnAnchorKeptElsewhereProvesTheTail) {
    fill(3);
    const AuditAnchor anchor = log.head();
    fill(1);
    EXPECT_TRUE(log.verify({.anchor = anchor}).is_sound());
    EXPECT_TRUE(log.verify({.anchor = AuditAnchor{}}).is_sound());
    disarm();
    const AuditEntry second = log.find({}).at(1);
    database.execute("DELETE FROM consilia_audit WHERE sequence > 2");
    database.execute(sql("UPDATE consilia_audit_head SET sequence = 2, hash = ?"),
                     std::vector<Value>{second.hash});
    EXPECT_TRUE(log.verify().is_sound()) << "nothing in the database tells of the cut";
    const AuditReport cut = log.verify({.anchor = anchor});
    EXPECT_EQ(cut.fault, AuditFault::CutTail);
    EXPECT_EQ(cut.sequence, 3);
    // Who has the key can go on from there; the anchor knows better.
    fill(1);
    const AuditReport rewritten = log.verify({.anchor = anchor});
    EXPECT_EQ(rewritten.fault, AuditFault::Rewritten);
    EXPECT_EQ(rewritten.sequence, 3);
}

TEST_P(AuditVerify, GoesOnWhereAnEarlierOneEnded) {
    fill(2);
    const AuditAnchor before = log.verify().end;
    EXPECT_EQ(before, log.head());
    fill(3);
    const AuditReport report = log.verify({.after = before});
    EXPECT_TRUE(report.is_sound());
    EXPECT_EQ(report.entries, 3);
    EXPECT_EQ(report.begin, before);
    EXPECT_EQ(report.end, log.head());
    EXPECT_EQ(log.verify({.after = AuditAnchor{2, std::string(64, 'f')}}).fault, AuditFault::Rewritten);
    const AuditReport cut = log.verify({.after = AuditAnchor{9, before.hash}});
    EXPECT_EQ(cut.fault, AuditFault::CutTail);
    EXPECT_EQ(cut.sequence, 6);
    EXPECT_EQ(code_of([&] { return log.verify({.after = before, .anchor = AuditAnchor{}}); }),
              "audit.anchor");
    disarm();
    EXPECT_EQ(after_sql("UPDATE consilia_audit SET roles = 'x' WHERE sequence = 1").sequence, 1);
    database.execute("DELETE FROM consilia_audit WHERE sequence = 2");
    EXPECT_EQ(log.verify({.after = before}).fault, AuditFault::Removed);
}

TEST_P(AuditVerify, WithoutAKeyWhoWritesTheTableCanCalculateTheChain) {
    test::FreshDatabase place(GetParam());
    data::Database plain(place.url());
    AuditLog unkeyed(plain, {.clock = &clock});
    unkeyed.create_schema();
    unkeyed.append(read_of(1));
    const AuditAnchor anchor = unkeyed.head();
    AuditEntry forged = unkeyed.find({}).at(0);
    forged.user_name = "Mallory";
    forged.hash.clear();
    std::string line = to_json_line(forged);
    line.replace(line.rfind(",\"hash\""), std::string::npos, "}");
    const std::string hash = core::sha256(line);
    if (place.is_sqlite()) {
        plain.execute("DROP TRIGGER consilia_audit_no_update");
    } else {
        plain.execute("ALTER TABLE consilia_audit DISABLE TRIGGER USER");
    }
    plain.execute(sql("UPDATE consilia_audit SET user_name = 'Mallory', hash = ?"), std::vector<Value>{hash});
    plain.execute(sql("UPDATE consilia_audit_head SET hash = ?"), std::vector<Value>{hash});
    EXPECT_TRUE(unkeyed.verify().is_sound()) << "the documented limit of a log without a key";
    EXPECT_EQ(unkeyed.verify({.anchor = anchor}).fault, AuditFault::Rewritten);
}

TEST_P(AuditVerify, ReadsLongLogsInPieces) {
    const std::vector<AuditEvent> events(2500, read_of(1));
    log.append_many(events);
    EXPECT_EQ(log.verify().entries, 2500);
    disarm();
    const AuditReport report = after_sql("DELETE FROM consilia_audit WHERE sequence = 1001");
    EXPECT_EQ(report.fault, AuditFault::Removed);
    EXPECT_EQ(report.sequence, 1001);
    EXPECT_EQ(report.entries, 1000);
}

}  // namespace
}  // namespace consilia::access
