// Goal: what is rotated away is not lost, not overwritten and still proved, by itself and back to back.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "access/audit_fixture.hpp"
#include "consilia/core/files.hpp"
#include "consilia/data/statement_watch.hpp"

namespace consilia::access {
namespace {

using core::Value;
using test::code_of;

class AuditArchiveTest : public test::OnAuditLog {
protected:
    std::vector<std::string> lines_of(const std::filesystem::path& file) {
        std::vector<std::string> lines;
        std::istringstream text(core::read_text_file(file));
        for (std::string line; std::getline(text, line);) lines.push_back(line);
        return lines;
    }
    /// Verifies a file of these lines.
    AuditReport verify(const std::vector<std::string>& lines, AuditFileOptions options = {}) {
        options.key = test::kAuditKey;
        std::ofstream file(folder / "lines", std::ios::trunc);
        for (const std::string& line : lines) file << line << '\n';
        file.close();
        return verify_audit_file(folder / "lines", options);
    }

    const test::TemporaryDirectory folder;
};
INSTANTIATE_ON_BOTH(AuditArchiveTest);

TEST_P(AuditArchiveTest, OldEntriesMoveIntoFilesThatBelongBackToBack) {
    fill(5);
    const AuditArchive first = log.rotate({.file = folder / "1.jsonl", .keep = 2});
    EXPECT_EQ(first.entries, 3);
    EXPECT_EQ(first.begin, AuditAnchor{});
    EXPECT_EQ(first.end.sequence, 3);
    fill(2);
    const AuditArchive second = log.rotate({.file = folder / "2.jsonl", .keep = 1});
    EXPECT_EQ(second.begin, first.end);
    EXPECT_EQ(second.end.sequence, 7);

    const AuditReport one = verify_audit_file(folder / "1.jsonl", {.key = test::kAuditKey});
    EXPECT_TRUE(one.is_sound()) << one.explain;
    EXPECT_EQ(one.entries, 3);
    EXPECT_EQ(one.end, first.end);
    const AuditReport two = verify_audit_file(folder / "2.jsonl", {.key = test::kAuditKey, .after = one.end});
    EXPECT_TRUE(two.is_sound()) << two.explain;
    EXPECT_EQ(two.end, second.end);
    const AuditReport table = log.verify({.after = two.end});
    EXPECT_TRUE(table.is_sound()) << table.explain;
    EXPECT_EQ(table.entries, 2);  // The one that was kept, and the rotation.
    EXPECT_EQ(log.verify().begin, two.end);
    EXPECT_EQ(verify_audit_file(folder / "2.jsonl", {.key = test::kAuditKey, .after = AuditAnchor{}}).fault,
              AuditFault::Removed);
    EXPECT_EQ(code_of([&] { return log.verify({.after = one.end}); }), "audit.anchor");
}

TEST_P(AuditArchiveTest, ARotationIsAnEntryItself) {
    fill(3);
    const AuditArchive archive = log.rotate(
        {.file = folder / "1.jsonl", .keep = 0, .by = {.user_id = 1, .roles = {"admin"}, .name = "Bo"}});
    const std::vector<AuditEntry> left = log.find({});
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].action, "rotate");
    EXPECT_EQ(left[0].resource, "consilia_audit");
    EXPECT_EQ(left[0].user_id, Value("1"));
    EXPECT_EQ(left[0].roles, "admin");
    const auto details = nlohmann::json::parse(left[0].details.text);
    EXPECT_EQ(
        details,
        (nlohmann::json{{"entries", 3}, {"file", "1.jsonl"}, {"hash", archive.end.hash}, {"sequence", 3}}));
    // Whoever deletes and sets the head as a rotation would is found: no entry tells of it.
    fill(2);
    disarm();
    const AuditEntry last = log.find({}).at(1);
    database.execute("DELETE FROM consilia_audit WHERE sequence <= 5");
    database.execute(sql("UPDATE consilia_audit_head SET removed_sequence = 5, removed_hash = ?"),
                     std::vector<Value>{last.hash});
    const AuditReport report = log.verify();
    EXPECT_EQ(report.fault, AuditFault::Removed);
    EXPECT_EQ(report.sequence, 5);
}

TEST_P(AuditArchiveTest, TheOldestGoUpToTheFirstThatIsNotOldEnough) {
    fill(4);
    const core::Timestamp third = log.find({}).at(2).at;
    EXPECT_EQ(log.rotate({.file = folder / "none", .before = third - std::chrono::hours(1)}).entries, 0);
    EXPECT_EQ(log.rotate({.file = folder / "none", .keep = 4}).entries, 0);
    EXPECT_FALSE(std::filesystem::exists(folder / "none"));
    EXPECT_EQ(log.rotate({.file = folder / "1", .before = third, .keep = 3}).entries, 1);
    EXPECT_EQ(log.rotate({.file = folder / "2", .before = third, .keep = 0}).entries, 1);
    EXPECT_EQ(log.find({}).at(0).sequence, 3);
    EXPECT_TRUE(log.verify().is_sound());
}

TEST_P(AuditArchiveTest, NothingIsRemovedUnlessTheFileIsThere) {
    fill(3);
    std::ofstream(folder / "taken") << "kept";
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "taken", .keep = 0}); }), "file.exists");
    EXPECT_EQ(core::read_text_file(folder / "taken"), "kept");
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "no" / "where", .keep = 0}); }), "file.io");
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "x"}); }), "audit.rotate");
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "x", .keep = -1}); }), "audit.rotate");
    EXPECT_EQ(code_of([&] { return log.rotate({.file = "", .keep = 1}); }), "audit.rotate");
    const AuditRotateOptions nameless{.file = folder / "x", .keep = 0, .by = {.user_id = 1.5}};
    EXPECT_EQ(code_of([&] { return log.rotate(nameless); }), "audit.field");
    EXPECT_EQ(log.verify().entries, 3);
    disarm();
    database.execute("UPDATE consilia_audit SET roles = 'x' WHERE sequence = 2");
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "x", .keep = 0}); }), "audit.broken");
    EXPECT_FALSE(std::filesystem::exists(folder / "x"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "but for `taken`";
}

TEST_P(AuditArchiveTest, OfRotationsThatMeetOneRemoves) {
    fill(3);
    data::Database other(fresh.url());
    AuditLog rival(other, {.key = test::kAuditKey, .clock = &clock});
    bool has_come_between = false;
    // Once the first has begun to read.
    const data::StatementWatch watch = database.on_statement([&](const data::StatementEvent& event) {
        if (event.sql.find("ORDER BY") == std::string_view::npos || std::exchange(has_come_between, true))
            return;
        rival.rotate({.file = folder / "rival", .keep = 1});
    });
    EXPECT_EQ(code_of([&] { return log.rotate({.file = folder / "mine", .keep = 0}); }), "audit.rotated");
    EXPECT_TRUE(has_come_between);
    EXPECT_FALSE(std::filesystem::exists(folder / "mine"));
    EXPECT_EQ(log.verify().entries, 2);
}

TEST_P(AuditArchiveTest, EverySingleChangeOfAFileIsFound) {
    fill(3);
    ASSERT_EQ(log.export_json_lines({}, folder / "all.jsonl"), 3);
    const std::vector<std::string> lines = lines_of(folder / "all.jsonl");
    const AuditReport sound = verify(lines, {.anchor = log.head()});
    EXPECT_TRUE(sound.is_sound()) << sound.explain;
    EXPECT_EQ(sound.entries, 3);
    for (std::size_t at = 0; at < lines[1].size(); ++at) {
        std::vector<std::string> changed = lines;
        changed[1][at] = changed[1][at] == '5' ? '6' : '5';
        EXPECT_FALSE(verify(changed).is_sound()) << "byte " << at;
    }
    for (std::size_t line = 0; line < lines.size(); ++line) {
        const auto sequence = static_cast<std::int64_t>(line + 1);
        std::vector<std::string> without = lines;
        without.erase(without.begin() + static_cast<std::ptrdiff_t>(line));
        const AuditReport gone = verify(without, {.after = AuditAnchor{}, .anchor = log.head()});
        EXPECT_EQ(gone.sequence, sequence);
        EXPECT_EQ(gone.fault, line + 1 == lines.size() ? AuditFault::CutTail : AuditFault::Removed);
        for (std::size_t other = line + 1; other < lines.size(); ++other) {
            std::vector<std::string> swapped = lines;
            std::swap(swapped[line], swapped[other]);
            EXPECT_EQ(verify(swapped, {.after = AuditAnchor{}}).fault, AuditFault::Reordered);
        }
    }
    std::vector<std::string> twice = lines;
    twice.push_back(lines.back());
    EXPECT_EQ(verify(twice).fault, AuditFault::Reordered);
    std::vector<std::string> cut = lines;
    cut.back().resize(40);
    EXPECT_EQ(verify(cut).fault, AuditFault::Changed);
    EXPECT_TRUE(verify({}).is_sound());
    EXPECT_EQ(verify({}, {.anchor = log.head()}).fault, AuditFault::CutTail);
    EXPECT_EQ(verify({""}).fault, AuditFault::Changed);
    EXPECT_EQ(verify({std::string(1 << 20, 'x')}).fault, AuditFault::Changed);
    EXPECT_EQ(verify_audit_file(folder / "all.jsonl").fault, AuditFault::Changed) << "not the key";
    EXPECT_EQ(code_of([&] { return verify_audit_file(folder / "none"); }), "file.not_found");
}

TEST_P(AuditArchiveTest, ExportsWhatAReviewAsksFor) {
    fill(3);
    AuditEvent odd = read_of(2, 8);
    odd.user_name = "two\nlines";
    log.append(odd);
    EXPECT_EQ(log.export_json_lines({.user_id = 8}, folder / "8.jsonl"), 1);
    const std::vector<std::string> lines = lines_of(folder / "8.jsonl");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], to_json_line(log.find({.user_id = 8}).at(0)));
    EXPECT_EQ(nlohmann::json::parse(lines[0]).at("user_name"), "two\nlines");
    EXPECT_EQ(code_of([&] { return log.export_json_lines({}, folder / "8.jsonl"); }), "file.exists");
    std::vector<std::string> seen;
    EXPECT_EQ(log.each_json_line({.resource = "prediction", .record_id = 2},
                                 [&](std::string_view line) { seen.emplace_back(line); }),
              2);
    EXPECT_EQ(seen.at(1), lines[0]);
}

}  // namespace
}  // namespace consilia::access
