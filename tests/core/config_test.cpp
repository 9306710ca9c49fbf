#include "consilia/core/config.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

struct Failure {
    std::string code;
    std::string key;
    std::string source;
};

Failure failure_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const InvalidArgument& error) {
        Failure failure{error.code(), {}, {}};
        for (const Detail& detail : error.details()) {
            if (detail.name == "key") failure.key = detail.value.as<std::string>();
            if (detail.name == "source") failure.source = detail.value.as<std::string>();
        }
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        return failure;
    }
    return {"nothing thrown", {}, {}};
}

TEST(Config, DefaultsAreThoseOfTheScreeningService) {
    const Config config;
    EXPECT_EQ(config.roles,
              (std::vector<NamedChoice>{
                  {"admin", "Administrator"}, {"staff", "Medical staff"}, {"patient", "Patient"}}));
    EXPECT_EQ(config.diagnoses,
              (std::vector<std::string>{"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"}));
    ASSERT_EQ(config.prediction_statuses.size(), 4U);
    EXPECT_EQ(config.prediction_statuses[0].name, "pending");
    EXPECT_EQ(config.prediction_statuses[3].name, "failed");
    EXPECT_EQ(config.uploads.limit_bytes, 10U * 1024 * 1024);
    EXPECT_EQ(config.uploads.types, (std::vector<std::string>{"jpeg", "png"}));
    EXPECT_EQ(config.predictions.per_user_and_day_max, 50);
    EXPECT_DOUBLE_EQ(config.predictions.confidence_threshold, 0.75);
    EXPECT_EQ(config.predictions.batch_max, 10);
    EXPECT_TRUE(config.predictions.is_model_cache_enabled);
    EXPECT_EQ(config.reports_kept, std::chrono::days(365));
    EXPECT_EQ(config.session_timeout, std::chrono::minutes(30));
    EXPECT_FALSE(config.is_enabled("anything"));
}

TEST(Config, TheEnvironmentGoesOverTheDocumentAndCodeOverBoth) {
    Config config =
        Config::from_json(R"({"uploads": {"limit_bytes": 1000}, "predictions": {"batch_max": 4}})")
            .with_environment({{"CONSILIA_UPLOADS_LIMIT_BYTES", "2000"}, {"OTHER", "x"}});
    EXPECT_EQ(config.uploads.limit_bytes, 2000U);
    EXPECT_EQ(config.predictions.batch_max, 4);
    EXPECT_EQ(config.predictions.per_user_and_day_max, 50) << "what nobody names keeps its default";
    config.uploads.limit_bytes = 3000;
    EXPECT_EQ(Config::from_json(config.to_json()).uploads.limit_bytes, 3000U);
}

TEST(Config, ADocumentLeavesTheConfigurationUnderItAlone) {
    const Config before;
    const Config after = before.with_json(R"({"reports_kept_days": 30})");
    EXPECT_EQ(before.reports_kept.count(), 365);
    EXPECT_EQ(after.reports_kept.count(), 30);
}

TEST(Config, SurvivesJson) {
    Config config;
    config.roles = {{"chief", "Chef·fe \"de\" service\n"}};
    config.diagnoses = {"Normal"};
    config.uploads.types = {"png"};
    config.predictions = {.per_user_and_day_max = 0,
                          .confidence_threshold = 0.1,
                          .batch_max = 1,
                          .is_model_cache_enabled = false};
    config.features = {{"early_stop", true}, {"dicom", false}};
    config.session_timeout = std::chrono::minutes(5);
    EXPECT_EQ(Config::from_json(config.to_json()), config);
}

TEST(Config, EverySettingIsReadFromItsOwnVariable) {
    const Config config = Config{}.with_environment({
        {"CONSILIA_DIAGNOSES", R"(["A", "B"])"},
        {"CONSILIA_ROLES", R"([{"name": "a", "display_name": "A"}])"},
        {"CONSILIA_UPLOADS_TYPES", R"(["png"])"},
        {"CONSILIA_PREDICTIONS_CONFIDENCE_THRESHOLD", "0.5"},
        {"CONSILIA_PREDICTIONS_IS_MODEL_CACHE_ENABLED", "false"},
        {"CONSILIA_REPORTS_KEPT_DAYS", "7"},
        {"CONSILIA_SESSION_TIMEOUT_MINUTES", "15"},
        {"CONSILIA_FEATURES", R"({"beta": true})"},
    });
    EXPECT_EQ(config.diagnoses.size(), 2U);
    EXPECT_EQ(config.roles.size(), 1U);
    EXPECT_EQ(config.uploads.types.size(), 1U);
    EXPECT_DOUBLE_EQ(config.predictions.confidence_threshold, 0.5);
    EXPECT_FALSE(config.predictions.is_model_cache_enabled);
    EXPECT_EQ(config.reports_kept.count(), 7);
    EXPECT_EQ(config.session_timeout.count(), 15);
    EXPECT_TRUE(config.is_enabled("beta"));
}

TEST(Config, FeaturesOfALaterSourceAreAddedToTheEarlierOnes) {
    const Config config = Config::from_json(R"({"features": {"a": true, "b": true}})")
                              .with_json(R"({"features": {"b": false}})");
    EXPECT_TRUE(config.is_enabled("a"));
    EXPECT_FALSE(config.is_enabled("b"));
}

TEST(Config, NamesTheKeyAndTheSourceOfWhatItRefuses) {
    const auto refused = [](std::string_view document) {
        return failure_of([&] { (void)Config{}.with_json(document, "site.json"); });
    };
    const auto expect = [&](std::string_view document, std::string_view code, std::string_view key) {
        const Failure failure = refused(document);
        EXPECT_EQ(failure.code, code) << document;
        EXPECT_EQ(failure.key, key) << document;
        EXPECT_EQ(failure.source, "site.json") << document;
    };
    expect("{", "config.syntax", "");
    expect("[]", "config.syntax", "");
    expect(R"({"upload": {}})", "config.unknown_key", "upload");
    expect(R"({"uploads": {"limit": 5}})", "config.unknown_key", "uploads.limit");
    expect(R"({"uploads": 5})", "config.type", "uploads");
    expect(R"({"uploads": {"limit_bytes": "5"}})", "config.type", "uploads.limit_bytes");
    expect(R"({"uploads": {"limit_bytes": 5.5}})", "config.type", "uploads.limit_bytes");
    expect(R"({"uploads": {"limit_bytes": -1}})", "config.range", "uploads.limit_bytes");
    expect(R"({"uploads": {"limit_bytes": 18446744073709551615}})", "config.range", "uploads.limit_bytes");
    expect(R"({"predictions": {"confidence_threshold": 1.01}})", "config.range",
           "predictions.confidence_threshold");
    expect(R"({"predictions": {"confidence_threshold": true}})", "config.type",
           "predictions.confidence_threshold");
    expect(R"({"predictions": {"is_model_cache_enabled": 1}})", "config.type",
           "predictions.is_model_cache_enabled");
    expect(R"({"diagnoses": []})", "config.range", "diagnoses");
    expect(R"({"diagnoses": ["A", "A"]})", "config.range", "diagnoses");
    expect(R"({"diagnoses": ["A", ""]})", "config.range", "diagnoses");
    expect(R"({"diagnoses": "A"})", "config.type", "diagnoses");
    expect(R"({"roles": [{"name": "a"}]})", "config.type", "roles");
    expect(R"({"roles": [{"name": "a", "display_name": "A", "can": "all"}]})", "config.range", "roles");
    expect(R"({"features": {"x": "yes"}})", "config.type", "features");
    expect(R"({"reports_kept_days": 0})", "config.range", "reports_kept_days");
}

TEST(Config, NamesTheVariableOfWhatItRefuses) {
    const auto refused = [](const char* name, const char* value) {
        return failure_of([&] { (void)Config{}.with_environment({{name, value}}); });
    };
    const Failure wrong_type = refused("CONSILIA_UPLOADS_LIMIT_BYTES", "\"big\"");
    EXPECT_EQ(wrong_type.code, "config.type");
    EXPECT_EQ(wrong_type.key, "uploads.limit_bytes");
    EXPECT_EQ(wrong_type.source, "CONSILIA_UPLOADS_LIMIT_BYTES");
    EXPECT_EQ(refused("CONSILIA_UPLOADS_LIMIT_BYTES", "10MB").code, "config.syntax");
    EXPECT_EQ(refused("CONSILIA_UPLOADS_LIMIT_BYTES", "").code, "config.syntax");
    EXPECT_EQ(refused("CONSILIA_UPLOADS_LIMIT_BYTES", "0").code, "config.range");
    EXPECT_EQ(refused("CONSILIA_NO_SUCH_SETTING", "1").code, "nothing thrown");
}

TEST(Config, ARefusedDocumentIsNotHalfApplied) {
    Config config;
    EXPECT_THROW(config = config.with_json(R"({"reports_kept_days": 1, "zzz": 1})"), InvalidArgument);
    EXPECT_EQ(config, Config{});
}

TEST(Config, IsWrittenAsTheDocumentThatPeopleWrite) {
    const auto document = nlohmann::json::parse(Config{}.to_json());
    EXPECT_EQ(document["uploads"]["limit_bytes"], 10'485'760);
    EXPECT_EQ(document["session_timeout_minutes"], 30);
    EXPECT_EQ(document["roles"][1]["display_name"], "Medical staff");
}

}  // namespace
}  // namespace consilia::core
