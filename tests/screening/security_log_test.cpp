// Goal: who was refused what can be read in the security log, and nothing about a patient or a client's text
// can. Method: each way of being refused, against the lines of the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "consilia/core/log.hpp"
#include "screening/support.hpp"

namespace consilia::screening {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SecurityLogTest : public ClinicTest {
protected:
    SecurityLogTest() {
        populate(service);
        core::configure_logging({.level = core::LogLevel::Error,
                                 .format = core::LogFormat::Json,
                                 .security_file = file,
                                 .clock = &clock});
    }
    ~SecurityLogTest() override { core::configure_logging({.level = core::LogLevel::Error}); }

    /// The lines that `action`, which must throw, has added; each as `event user role action resource id
    /// code`.
    template <class F>
    std::vector<std::string> lines_of(const F& action) {
        EXPECT_THROW(action(), core::Error);
        return new_lines();
    }
    std::vector<std::string> new_lines() {
        std::ifstream stream(file);
        stream.seekg(static_cast<std::streamoff>(read_bytes));
        std::vector<std::string> lines;
        for (std::string line; std::getline(stream, line);) {
            read_bytes += line.size() + 1;
            whole += line + "\n";
            const json parsed = json::parse(line);
            const json& fields = parsed["fields"];
            std::string text = parsed["message"];
            for (const char* name : {"user_id", "roles", "action", "resource", "resource_id", "code"}) {
                const json value = fields.value(name, json());
                text += " " + (value.is_string() ? value.get<std::string>() : value.dump());
            }
            std::size_t expected = 5;
            for (const char* name : {"resource_id", "is_hidden"}) expected += fields.count(name);
            EXPECT_EQ(fields.size(), expected) << line;
            if (fields.value("is_hidden", false)) text += " hidden";
            lines.push_back(text);
        }
        return lines;
    }
    static std::string id_of(const Principal& who) { return std::to_string(who.user_id.as<std::int64_t>()); }

    std::filesystem::path file = directory / "security.log";
    std::size_t read_bytes = 0;
    std::string whole;
    Service service{options()};
};

using Lines = std::vector<std::string>;

TEST_F(SecurityLogTest, ADenialNamesWhoWantedWhat) {
    const std::string sam = id_of(staff);
    const Principal visitor{staff.user_id, {"visitor"}, "Vic"};
    EXPECT_EQ(lines_of([&] { service.create_user(staff, {.username = "x", .role = "staff"}); }),
              (Lines{"access denied " + sam + " staff create user null access.denied"}));
    EXPECT_EQ(
        lines_of([&] { service.create_patient(ann, {.record_number = "P-9", .full_name = "Secret Name"}); }),
        (Lines{"access denied " + id_of(ann) + " patient create patient null access.denied"}));
    EXPECT_EQ(lines_of([&] { static_cast<void>(service.list(visitor)); }),
              (Lines{"access denied " + sam + " visitor read prediction null access.denied"}));
    EXPECT_EQ(lines_of([&] { static_cast<void>(service.statistics(visitor)); }),
              (Lines{"access denied " + sam + " visitor read prediction null access.denied"}));
    EXPECT_EQ(lines_of([&] { static_cast<void>(service.get(visitor, 7)); }),
              (Lines{"access denied " + sam + " visitor read prediction 7 access.denied"}));
    EXPECT_EQ(lines_of([&] { service.retry(ann, 7); }),
              (Lines{"access denied " + id_of(ann) + " patient retry prediction 7 access.denied"}));
    EXPECT_EQ(
        lines_of([&] {
            submit(service, {{}, {"admin"}, ""}, ann_id, 1);
        }),
        (Lines{"access denied null admin submit patient " + std::to_string(ann_id) + " access.anonymous"}));
    EXPECT_THAT(whole, Not(HasSubstr("Secret Name")));
    EXPECT_THAT(whole, Not(HasSubstr("Vic")));
}

TEST_F(SecurityLogTest, ARecordThatWasNotFoundIsLoggedAndWhetherItIsHidden) {
    const std::int64_t id = submit(service, staff, bob_id, 1).prediction_id;
    EXPECT_THAT(new_lines(), IsEmpty()) << "nothing was refused";
    EXPECT_EQ(lines_of([&] { static_cast<void>(service.get(ann, id)); }),
              (Lines{"record not found " + id_of(ann) + " patient read prediction " + std::to_string(id) +
                     " prediction.not_found hidden"}));
    EXPECT_EQ(lines_of([&] { submit(service, ann, bob_id, 2); }),
              (Lines{"record not found " + id_of(ann) + " patient submit patient " + std::to_string(bob_id) +
                     " patient.not_found hidden"}));
    EXPECT_EQ(
        lines_of([&] { static_cast<void>(service.get(ann, 424242)); }),
        (Lines{"record not found " + id_of(ann) + " patient read prediction 424242 prediction.not_found"}));
    EXPECT_THAT(lines_of([&] { service.retry(staff, id); }), IsEmpty()) << "a conflict is no refusal";
}

TEST_F(SecurityLogTest, ARefusedUploadIsLoggedWithoutTheNameThatTheClientSent) {
    const auto send = [&](std::string_view content, const char* name) {
        service.submit(staff, validation::UploadSource::bytes(std::as_bytes(std::span(content))),
                       {.patient_id = ann_id, .client_name = name});
    };
    const std::string begin =
        "upload refused " + id_of(staff) + " staff submit patient " + std::to_string(ann_id);
    EXPECT_EQ(lines_of([&] { send("text", "Doe_John_1980.png"); }),
              (Lines{begin + " upload.unsupported_type"}));
    EXPECT_EQ(lines_of([&] { send("", "../../Doe_John_1980.png"); }).size(), 1U);
    EXPECT_THAT(whole, Not(HasSubstr("Doe")));
}

TEST_F(SecurityLogTest, AUsedUpQuotaIsLogged) {
    ServiceOptions tight = options();
    tight.config.predictions.per_user_and_day_max = 1;
    Service limited(tight);
    submit(limited, staff, ann_id, 1);
    EXPECT_EQ(lines_of([&] { submit(limited, staff, ann_id, 2); }),
              (Lines{"quota used up " + id_of(staff) + " staff submit patient " + std::to_string(ann_id) +
                     " quota.predictions"}));
}

TEST_F(SecurityLogTest, ARoleThatMayReadNoFieldIsLogged) {
    ServiceOptions closed = options();
    closed.policy = default_policy();
    closed.policy->fields.clear();
    Service without_fields(closed);
    EXPECT_EQ(lines_of([&] { static_cast<void>(without_fields.list(root)); }),
              (Lines{"access denied " + id_of(root) + " admin read prediction null access.no_fields"}));
}

}  // namespace
}  // namespace consilia::screening
