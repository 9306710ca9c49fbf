// Goal: a file and its row appear together or not at all, nobody passes a quota, and the same bytes are
// stored once.
#include "consilia/validation/upload_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "consilia/core/error.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::code_of;
using namespace std::chrono_literals;
using namespace std::string_literals;
using test::ByteVector;

class Uploads : public test::OnBothDatabases {
protected:
    Uploads() { create_upload_tables(database); }

    [[nodiscard]] UploadStoreOptions options() const {
        UploadStoreOptions options;
        options.receive.directory = stored.path();
        options.receive.allowed = {FileType::Text, FileType::Png};
        options.receive.quarantine.directory = kept.path();
        return options;
    }
    [[nodiscard]] UploadStore store(const UploadStoreOptions& given) {
        return UploadStore(database, given, clock);
    }
    static StoredUpload receive(UploadStore& into, std::string_view text, std::int64_t owner = 7,
                                const UploadStore::Record& record = {}) {
        return into.receive(UploadSource::bytes(std::as_bytes(std::span(text))),
                            {.owner_id = owner, .client_name = "note.txt"}, record);
    }
    static std::ptrdiff_t count(const test::TemporaryDirectory& directory) {
        return std::distance(std::filesystem::directory_iterator(directory.path()), {});
    }
    std::int64_t rows() { return database.query("SELECT count(*) AS n FROM consilia_uploads").int64(0, 0); }

    test::TemporaryDirectory stored;
    test::TemporaryDirectory kept;
    core::ManualClock clock{core::parse_timestamp("2026-03-01T23:00:00Z")};
    data::Database database{fresh.url()};
};
INSTANTIATE_ON_BOTH(Uploads);

TEST_P(Uploads, AFileAndItsRowAreThereTogether) {
    UploadStore uploads = store(options());
    const StoredUpload stored_upload = receive(uploads, "first note");
    const Upload& upload = stored_upload.upload;
    EXPECT_FALSE(stored_upload.is_duplicate);
    EXPECT_THAT(upload.stored_name, testing::MatchesRegex("user_7_[0-9a-f]+\\.txt"));
    EXPECT_EQ(upload.client_name, "note.txt");
    EXPECT_EQ(upload.media_type, "text/plain");
    EXPECT_EQ(upload.size_bytes, 10);
    EXPECT_EQ(upload.received_sha256, core::sha256("first note"));
    EXPECT_EQ(upload.created_at, clock.now());
    EXPECT_EQ(core::read_text_file(uploads.path_of(upload)), "first note");
    const std::optional<Upload> found = uploads.find(upload.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->sha256, upload.sha256);
    EXPECT_FALSE(uploads.find(upload.id + 1));
}

TEST_P(Uploads, TheSameBytesAreStoredOnce) {
    UploadStore uploads = store(options());
    const StoredUpload first = receive(uploads, "same");
    const StoredUpload again = receive(uploads, "same");
    EXPECT_TRUE(again.is_duplicate);
    EXPECT_EQ(again.upload.id, first.upload.id);
    const StoredUpload of_another = receive(uploads, "same", 8);
    EXPECT_FALSE(of_another.is_duplicate);
    EXPECT_EQ(count(stored), 2);

    UploadStoreOptions given = options();
    given.duplicates = DuplicateScope::Global;
    UploadStore global = store(given);
    EXPECT_EQ(receive(global, "same", 9).upload.id, first.upload.id);
    given.duplicates = DuplicateScope::None;
    UploadStore none = store(given);
    EXPECT_FALSE(receive(none, "same").is_duplicate);
    EXPECT_EQ(count(stored), 3);
    EXPECT_EQ(rows(), 3);
}

TEST_P(Uploads, QuotasAreOfAnOwnerAndADay) {
    UploadStoreOptions given = options();
    given.files_per_day_max = 2;
    UploadStore uploads = store(given);
    receive(uploads, "1");
    receive(uploads, "2");
    bool was_read = false;
    const auto source = UploadSource::stream([&was_read](std::span<std::byte>) {
        was_read = true;
        return std::size_t{0};
    });
    try {
        uploads.receive(source, {.owner_id = 7});
        FAIL();
    } catch (const core::ResourceExhausted& error) {
        EXPECT_EQ(error.code(), "quota.files");
        EXPECT_EQ(error.http_status(), 429);
        EXPECT_NE(error.details_json().find("2026-03-02T00:00:00"), std::string::npos)
            << error.details_json();
    }
    EXPECT_FALSE(was_read);
    EXPECT_NO_THROW(receive(uploads, "3", 8)) << "another owner";
    clock.advance(1h);
    EXPECT_NO_THROW(receive(uploads, "3")) << "another day";
    EXPECT_EQ(uploads.usage(7).files, 1);
    EXPECT_EQ(uploads.usage(9).files, 0);
}

TEST_P(Uploads, BytesAreCountedToTheLastOne) {
    UploadStoreOptions given = options();
    given.bytes_per_day_max = 10;
    UploadStore uploads = store(given);
    receive(uploads, "123456");
    EXPECT_EQ(code_of([&] { receive(uploads, "12345"); }), "quota.bytes");
    receive(uploads, "1234");
    EXPECT_EQ(uploads.usage(7).bytes, 10);
    EXPECT_EQ(code_of([&] { receive(uploads, "1"); }), "quota.bytes");
    EXPECT_EQ(count(stored), 2);
    EXPECT_EQ(rows(), 2);
}

TEST_P(Uploads, DeletingGivesNoQuotaBack) {
    UploadStoreOptions given = options();
    given.files_per_day_max = 1;
    UploadStore uploads = store(given);
    const Upload upload = receive(uploads, "1").upload;
    EXPECT_FALSE(uploads.remove(8, upload.id)) << "not theirs";
    EXPECT_TRUE(uploads.remove(7, upload.id));
    EXPECT_FALSE(uploads.remove(7, upload.id));
    EXPECT_EQ(count(stored), 0);
    EXPECT_FALSE(uploads.find(upload.id));
    EXPECT_TRUE(uploads.list(7).empty());
    EXPECT_EQ(code_of([&] { receive(uploads, "2"); }), "quota.files");
    clock.advance(24h);
    EXPECT_FALSE(receive(uploads, "1").is_duplicate) << "the deleted one is no duplicate";
}

// Many at once, each with bytes of its own: exactly as many come in as the quota allows.
TEST_P(Uploads, ThoseAtOncePassNoQuotaTogether) {
    UploadStoreOptions given = options();
    given.files_per_day_max = 5;
    std::atomic<int> stored_count = 0;
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            UploadStore uploads = store(given);
            for (int i = 0; i < 4; ++i) {
                try {
                    receive(uploads, "file " + std::to_string(t * 10 + i));
                    ++stored_count;
                } catch (const core::ResourceExhausted&) {
                    ++refused;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(stored_count, 5);
    EXPECT_EQ(refused, 11);
    EXPECT_EQ(count(stored), 5);
    EXPECT_EQ(rows(), 5);
}

TEST_P(Uploads, TheSameBytesAtOnceAreStoredOnce) {
    std::vector<std::thread> threads;
    std::atomic<int> fresh_count = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            UploadStore uploads = store(options());
            if (!receive(uploads, "the same").is_duplicate) ++fresh_count;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(fresh_count, 1);
    EXPECT_EQ(count(stored), 1);
}

TEST_P(Uploads, WhatTheCallerRecordsIsPartOfIt) {
    database.execute(sql("CREATE TABLE cases (upload_id BIGINT NOT NULL)"));
    UploadStore uploads = store(options());
    const auto record = [&](data::Transaction& transaction, const StoredUpload& stored_upload) {
        const core::Value id[] = {stored_upload.upload.id};
        transaction.execute(sql("INSERT INTO cases VALUES (?)"), id);
    };
    const StoredUpload first = receive(uploads, "case", 7, record);
    receive(uploads, "case", 7, record);
    EXPECT_EQ(database.query("SELECT count(*) AS n FROM cases").int64(0, 0), 2) << "the duplicate too";
    const auto failing = [](data::Transaction&, const StoredUpload&) { throw std::runtime_error("no case"); };
    EXPECT_THROW(receive(uploads, "other", 7, failing), std::runtime_error);
    EXPECT_EQ(count(stored), 1);
    EXPECT_EQ(rows(), 1);
    EXPECT_EQ(uploads.list(7).front().id, first.upload.id);
}

// The row cannot be committed although it could be written: a constraint is checked at the end.
TEST_P(Uploads, AFailedCommitRemovesTheFile) {
    database.execute("CREATE TABLE parents (id BIGINT PRIMARY KEY)");
    database.execute(
        "CREATE TABLE children (parent_id BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)");
    UploadStore uploads = store(options());
    const auto orphan = [](data::Transaction& transaction, const StoredUpload&) {
        transaction.execute("INSERT INTO children VALUES (1)");
    };
    EXPECT_EQ(code_of([&] { receive(uploads, "lost", 7, orphan); }), "database.foreign_key");
    EXPECT_EQ(count(stored), 0);
    EXPECT_EQ(rows(), 0);
}

TEST_P(Uploads, RefusedOnesAreRecordedWithTheReason) {
    UploadStore uploads = store(options());
    EXPECT_EQ(code_of([&] { receive(uploads, "PK\x03\x04 not a note"); }), "upload.unsupported_type");
    EXPECT_EQ(count(stored), 0);
    const std::vector<Upload> refused = uploads.list(7, UploadStatus::Quarantined);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, "upload.unsupported_type");
    EXPECT_NE(refused[0].reason->find("zip"), std::string::npos);
    EXPECT_EQ(core::read_text_file(uploads.path_of(refused[0])), "PK\x03\x04 not a note");
    EXPECT_TRUE(uploads.list(7).empty());
    EXPECT_EQ(uploads.usage(7).files, 0) << "what is refused counts in no quota";
    EXPECT_FALSE(uploads.remove(7, refused[0].id)) << "the quarantine is not the owner's";

    UploadStoreOptions without = options();
    without.receive.quarantine.directory.clear();
    UploadStore plain = store(without);
    EXPECT_EQ(code_of([&] { receive(plain, "PK\x03\x04 not a note"); }), "upload.unsupported_type");
    EXPECT_EQ(rows(), 1) << "nothing was kept, nothing is recorded";
}

TEST_P(Uploads, ListsTheNewestFirstInPages) {
    UploadStore uploads = store(options());
    for (int i = 0; i < 5; ++i) receive(uploads, "note " + std::to_string(i));
    const std::vector<Upload> first = uploads.list(7, UploadStatus::Stored, 0, 2);
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].received_sha256, core::sha256("note 4"));
    const std::vector<Upload> second = uploads.list(7, UploadStatus::Stored, first[1].id, 10);
    ASSERT_EQ(second.size(), 3U);
    EXPECT_EQ(second[2].received_sha256, core::sha256("note 0"));
    EXPECT_EQ(code_of([&] { (void)uploads.list(7, UploadStatus::Stored, 0, 0); }), "upload.limit");
    EXPECT_EQ(code_of([&] { (void)uploads.list(7, UploadStatus::Stored, 0, 1001); }), "upload.limit");
}

TEST_P(Uploads, SweepsFilesWithoutARow) {
    UploadStore uploads = store(options());
    receive(uploads, "stays");
    const Upload deleted = receive(uploads, "goes").upload;
    EXPECT_TRUE(uploads.remove(7, deleted.id));
    const std::string random(32, 'a');
    for (const std::string& name : {"user_7_" + random + ".txt", ".incoming_" + random, deleted.stored_name,
                                    "user_7_short.txt"s, "notes.txt"s}) {
        core::AtomicFile(stored.path()).commit(name);
    }
    core::ManualClock later(core::SystemClock::instance().now() + 2h);
    UploadStore sweeper(database, options(), later);
    EXPECT_EQ(sweeper.sweep_orphans(3h), 0U) << "too young";
    EXPECT_EQ(sweeper.sweep_orphans(1h), 3U);
    EXPECT_EQ(sweeper.sweep_orphans(1h), 0U);
    EXPECT_EQ(count(stored), 3) << "what has a row, and what is not ours";
    EXPECT_EQ(code_of([&] { sweeper.sweep_orphans(0s); }), "upload.options");
}

TEST_P(Uploads, RefusesOptionsThatMakeNoSense) {
    UploadStoreOptions given = options();
    given.files_per_day_max = -1;
    EXPECT_EQ(code_of([&] { (void)store(given); }), "upload.options");
    EXPECT_EQ(code_of([&] { (void)store({}); }), "upload.options");
}

}  // namespace
}  // namespace consilia::validation
