#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/data/database.hpp"
#include "screening/support.hpp"
#include "support/images.hpp"

namespace consilia::screening {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class SubmitTest : public ClinicTest {
protected:
    SubmitTest() { populate(service); }

    /// Rows of the three tables that a submission writes, files, in this order.
    std::vector<std::int64_t> traces() {
        data::Database database(options().database_url);
        const data::ReadScope session = database.read();
        std::vector<std::int64_t> result;
        for (const char* table : {"consilia_xrays", "consilia_predictions", "consilia_tasks"}) {
            result.push_back(session.query(std::string("select count(*) from ") + table).int64(0, 0));
        }
        result.push_back(static_cast<std::int64_t>(files()));
        return result;
    }
    void execute(const char* sql) {
        data::Database database(options().database_url);
        data::Transaction transaction = database.begin();
        transaction.execute(sql);
        transaction.commit();
    }

    Service service{options()};
};

using Traces = std::vector<std::int64_t>;

TEST_F(SubmitTest, StoresTheFileTheRowsAndTheTaskTogether) {
    const Submission submission = submit(service, staff, ann_id, 1);
    EXPECT_FALSE(submission.is_duplicate);
    EXPECT_EQ(traces(), (Traces{1, 1, 1, 1}));
    const std::string json = service.get_json(root, submission.prediction_id);
    EXPECT_THAT(json, HasSubstr("pending"));
    EXPECT_THAT(json, HasSubstr("scan.png"));
}

TEST_F(SubmitTest, FindsADuplicateByPatientAndContent) {
    const Submission first = submit(service, staff, ann_id, 1);
    const Submission again = submit(service, ann, ann_id, 1);
    EXPECT_TRUE(again.is_duplicate);
    EXPECT_EQ(again.prediction_id, first.prediction_id);
    EXPECT_EQ(again.image_id, first.image_id);
    EXPECT_EQ(traces(), (Traces{1, 1, 1, 1}));
    EXPECT_FALSE(submit(service, staff, bob_id, 1).is_duplicate) << "the same file of another patient";
    EXPECT_FALSE(submit(service, staff, ann_id, 2).is_duplicate) << "another file";
    EXPECT_EQ(traces(), (Traces{3, 3, 3, 3}));
}

TEST_F(SubmitTest, PatientsSubmitForThemselvesOnly) {
    EXPECT_NO_THROW(submit(service, ann, ann_id, 1));
    EXPECT_EQ(code_of([&] { submit(service, ann, bob_id, 2); }), "patient.not_found");
    EXPECT_EQ(code_of([&] { submit(service, ann, 424242, 2); }), "patient.not_found");
    EXPECT_EQ(code_of([&] { submit(service, {ann.user_id, {"visitor"}, ""}, ann_id, 2); }), "access.denied");
    EXPECT_EQ(code_of([&] { submit(service, {{}, {"admin"}, ""}, ann_id, 2); }), "access.anonymous");
    EXPECT_EQ(traces(), (Traces{1, 1, 1, 1}));
}

TEST_F(SubmitTest, EachBadFileHasItsOwnErrorAndLeavesNoRowAndNoFile) {
    test::ByteVector large = png(1);
    large.resize(std::size_t{11} << 20);
    test::ByteVector corrupt = test::jpeg(test::phantom(64, 64, 1));
    corrupt.resize(corrupt.size() / 2);
    test::ByteVector text;
    test::append(text, std::string_view("name,age\nPat,44\n"));
    const test::ByteVector huge = test::png_bomb(30'000, 30'000);
    ASSERT_LT(huge.size(), 4096U);
    const struct {
        const char* name;
        test::ByteVector content;
        const char* code;
        int http_status;
    } cases[] = {
        {"corrupt.jpg", corrupt, "upload.damaged", 400},
        {"renamed.jpg", png(1), "upload.extension_mismatch", 400},
        {"text.png", text, "upload.unsupported_type", 415},
        {"large.png", large, "upload.too_large", 413},
        {"huge.png", huge, "upload.too_many_pixels", 400},
        {"empty.png", {}, "upload.empty", 400},
        {"../../etc/passwd", png(1), "upload.unsafe_name", 400},
    };
    for (const auto& bad : cases) {
        try {
            service.submit(staff, validation::UploadSource::bytes(bad.content),
                           {.patient_id = ann_id, .client_name = bad.name});
            ADD_FAILURE() << bad.name << " was taken";
        } catch (const core::UploadRejected& error) {
            EXPECT_EQ(error.code(), bad.code) << bad.name;
            EXPECT_EQ(error.http_status(), bad.http_status) << bad.name;
        }
        EXPECT_EQ(traces(), (Traces{0, 0, 0, 0})) << bad.name;
    }
}

TEST_F(SubmitTest, AFailureInsideTheTransactionLeavesNoRowAndNoFile) {
    execute("create trigger broken before insert on consilia_tasks begin select raise(abort, 'no'); end");
    EXPECT_NE(code_of([&] { submit(service, staff, ann_id, 1); }), "nothing was thrown");
    EXPECT_EQ(traces(), (Traces{0, 0, 0, 0}));
    execute("drop trigger broken");
    EXPECT_FALSE(submit(service, staff, ann_id, 1).is_duplicate);
}

TEST_F(SubmitTest, AFailureOfTheCommitItselfRemovesTheFile) {
    // A deferred foreign key is checked at the commit, after the file was given its name.
    execute(
        "create table extra (user_id integer references consilia_users(id) deferrable initially deferred)");
    execute(
        "create trigger late after insert on consilia_tasks begin insert into extra values (424242); end");
    EXPECT_NE(code_of([&] { submit(service, staff, ann_id, 1); }), "nothing was thrown");
    EXPECT_EQ(traces(), (Traces{0, 0, 0, 0}));
}

TEST_F(SubmitTest, TheQuotaIsThatOfOneUserAndUtcDay) {
    ServiceOptions tight = options();
    tight.config.predictions.per_user_and_day_max = 2;
    Service limited(tight);
    submit(limited, staff, ann_id, 1);
    submit(limited, staff, ann_id, 1);  // A duplicate is not counted.
    submit(limited, staff, bob_id, 2);
    try {
        submit(limited, staff, ann_id, 3);
        FAIL() << "nothing was thrown";
    } catch (const core::ResourceExhausted& error) {
        EXPECT_EQ(error.code(), "quota.predictions");
        EXPECT_EQ(error.http_status(), 429);
    }
    EXPECT_NO_THROW(submit(limited, ann, ann_id, 4)) << "another user";
    clock.advance(1h + 46min + 40s - 1us);  // The last microsecond of the day.
    EXPECT_EQ(code_of([&] { submit(limited, staff, ann_id, 5); }), "quota.predictions");
    clock.advance(1us);
    EXPECT_NO_THROW(submit(limited, staff, ann_id, 5));
}

TEST_F(SubmitTest, SweepsOnlyOldFilesOfItsOwnMakingWithoutARow) {
    submit(service, staff, ann_id, 1);
    const std::string digits(32, 'a');
    const auto touch = [&](const std::string& name) {
        const std::filesystem::path path = directory / "images" / name;
        std::ofstream(path) << "x";
    };
    touch("user_1_" + digits + ".png");
    touch(".incoming_" + digits);
    touch("user_1_short.png");
    touch("notes.txt");
    core::ManualClock late{core::SystemClock::instance().now()};
    ServiceOptions later = options();
    later.clock = &late;
    Service sweeper(later);
    EXPECT_EQ(sweeper.sweep_orphans(1h), 0U) << "too young";
    late.advance(2h);
    EXPECT_EQ(sweeper.sweep_orphans(1h), 2U);
    EXPECT_EQ(files(), 3U);
    EXPECT_EQ(sweeper.sweep_orphans(1h), 0U);
    EXPECT_EQ(code_of([&] { sweeper.sweep_orphans(0s); }), "screening.options");
}

TEST_F(SubmitTest, UsersAndPatientsAreMadeByThoseWhoMay) {
    EXPECT_EQ(code_of([&] { service.bootstrap_admin({.username = "second", .role = "admin"}); }),
              "user.exists");
    EXPECT_EQ(code_of([&] { service.create_user(staff, {.username = "x", .role = "staff"}); }),
              "access.denied");
    EXPECT_EQ(code_of([&] { service.create_patient(ann, {.record_number = "P-9", .full_name = "X"}); }),
              "access.denied");
    EXPECT_EQ(code_of([&] { service.create_user(root, {.username = "ann", .role = "staff"}); }),
              "user.exists");
    EXPECT_EQ(code_of([&] { service.create_user(root, {.username = "a b", .role = "staff"}); }),
              "user.invalid");
    EXPECT_EQ(code_of([&] { service.create_user(root, {.username = "x", .role = "king"}); }), "user.invalid");
    EXPECT_EQ(code_of([&] { service.create_user(root, {.username = "x", .role = "staff", .email = "x"}); }),
              "user.invalid");
    EXPECT_EQ(code_of([&] { service.create_patient(staff, {.record_number = "P-1", .full_name = "X"}); }),
              "patient.exists");
    EXPECT_EQ(code_of([&] { service.create_patient(staff, {.record_number = "P-9"}); }), "patient.invalid");
    EXPECT_EQ(code_of([&] {
                  service.create_patient(
                      staff, {.record_number = "P-9", .full_name = "X", .birth_date = core::Date{30'000}});
              }),
              "patient.invalid");
    EXPECT_EQ(code_of([&] {
                  service.create_patient(staff, {.record_number = "P-9", .full_name = "X", .user_id = 999});
              }),
              "patient.invalid");
    EXPECT_EQ(service.statistics(root).total, 0);
}

TEST_F(SubmitTest, RefusesOptionsWithoutADatabaseOrADirectory) {
    ServiceOptions no_database = options();
    no_database.database_url.clear();
    EXPECT_EQ(code_of([&] { Service refused(no_database); }), "screening.options");
    ServiceOptions no_files = options();
    no_files.files_directory.clear();
    EXPECT_EQ(code_of([&] { Service refused(no_files); }), "screening.options");
}

}  // namespace
}  // namespace consilia::screening
