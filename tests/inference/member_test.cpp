// A package is what its manifest says, or it is refused with the reason and nothing of it is opened.
#include "consilia/inference/member.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "consilia/core/error.hpp"
#include "consilia/inference/engine.hpp"
#include "inference/packages.hpp"
#include "inference/simulated_backend.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class MemberTest : public testing::Test {
protected:
    void SetUp() override {
        test::SimulatedDevice::reset();
        package_ = test::write_package(directory_.path(), {});
    }
    void change(const std::function<void(json&)>& edit) {
        json manifest = test::read_manifest(package_);
        edit(manifest);
        test::write_manifest(package_, manifest);
    }
    /// `code: details` of what opening the package throws; empty if it opens.
    [[nodiscard]] std::string failure() const {
        try {
            const Member member(package_);
            return "";
        } catch (const core::Error& error) {
            return error.code() + ": " + error.details_json();
        }
    }
    [[nodiscard]] std::string failure_after(const std::function<void(json&)>& edit) {
        const json before = test::read_manifest(package_);
        change(edit);
        std::string found = failure();
        test::write_manifest(package_, before);
        return found;
    }

    test::TemporaryDirectory directory_;
    std::filesystem::path package_;
};

TEST_F(MemberTest, ReadsAWholePackage) {
    const Member member(package_);
    EXPECT_EQ(member.id(), "a");
    EXPECT_EQ(member.manifest().classes.size(), 4U);
    EXPECT_EQ(member.manifest().input_shape, (std::array<std::int64_t, 3>{1, 4, 4}));
    EXPECT_EQ(member.weights()->data_bytes(), 640U);
    EXPECT_EQ(member.read_code().size(), std::string("code=0 weights=1").size());
    EXPECT_EQ(member.hash().size(), 64U);
    change([](json& manifest) { manifest["temperature"] = 1.5; });
    EXPECT_NE(Member(package_).hash(), member.hash());
}

TEST_F(MemberTest, AMissingPackageOrFileIsNotFound) {
    for (const char* name : {"weights.safetensors", "code.pt", "manifest.json"}) {
        std::filesystem::remove(package_ / name);
        EXPECT_THAT(failure(), HasSubstr("member.not_found")) << name;
    }
    std::filesystem::remove(package_);
    EXPECT_THAT(failure(), HasSubstr("member.not_found"));
}

TEST_F(MemberTest, OneChangedByteIsDamageWithBothHashes) {
    for (const char* name : {"weights.safetensors", "code.pt"}) {
        const std::string content = core::read_text_file(package_ / name);
        const auto entry = test::file_entry(package_ / name);
        std::string changed = content;
        changed.back() = static_cast<char>(changed.back() ^ 1);
        test::write_text(package_ / name, changed);
        const std::string found = failure();
        EXPECT_THAT(found, HasSubstr("member.damaged"));
        EXPECT_THAT(found, HasSubstr("\"expected\":" + entry["sha256"].dump()));
        EXPECT_THAT(found, HasSubstr("\"found\":\"" + core::sha256(changed)));
        test::write_text(package_ / name, content + "x");
        EXPECT_THAT(failure(), HasSubstr("\"expected\":" + entry["size_bytes"].dump()));
        test::write_text(package_ / name, content);
    }
    EXPECT_EQ(failure(), "");
}

TEST_F(MemberTest, CodeThatChangedAfterTheCheckIsNotOpened) {
    const Member member(package_);
    test::write_text(package_ / "code.pt", "code=9 weights=1");
    EXPECT_THROW((void)member.read_code(), core::InferenceError);
}

TEST_F(MemberTest, WeightsThatWereWrittenToAfterTheCheckAreRefused) {
    const Member member(package_);
    EXPECT_NO_THROW(member.check_unchanged());
    std::filesystem::resize_file(package_ / "weights.safetensors", 10);
    EXPECT_THROW(member.check_unchanged(), core::InferenceError);
}

TEST_F(MemberTest, NoPathLeavesThePackage) {
    test::write_text(directory_ / "outside", "code=0 weights=1");
    for (const char* path : {"../outside", "/etc/passwd", "x/../../outside", ".."}) {
        EXPECT_THAT(failure_after([&](json& m) { m["files"]["code"]["path"] = path; }),
                    HasSubstr("member.damaged"))
            << path;
    }
    std::filesystem::remove(package_ / "code.pt");
    std::filesystem::create_symlink(directory_ / "outside", package_ / "code.pt");
    EXPECT_THAT(failure(), HasSubstr("member.damaged"));
}

TEST_F(MemberTest, WhatThisVersionDoesNotReadIsIncompatible) {
    const auto incompatible = HasSubstr("member.incompatible");
    EXPECT_THAT(failure_after([](json& m) { m["manifest_version"] = 2; }), incompatible);
    EXPECT_THAT(failure_after([](json& m) { m["input"]["dtype"] = "uint8"; }), incompatible);
    EXPECT_THAT(failure_after([](json& m) { m["input"]["pipeline"]["steps"][0]["op"] = "dream"; }),
                incompatible);
}

TEST_F(MemberTest, EachKeyIsChecked) {
    const auto damaged = HasSubstr("member.damaged");
    for (const char* key :
         {"manifest_version", "id", "architecture", "format", "files", "input", "classes"}) {
        EXPECT_THAT(failure_after([&](json& m) { m.erase(key); }), damaged) << key;
        EXPECT_THAT(failure_after([&](json& m) { m[key] = nullptr; }), damaged) << key;
    }
    EXPECT_THAT(failure_after([](json& m) { m["id"] = "../x"; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["id"] = std::string(65, 'a'); }), damaged);
    EXPECT_EQ(failure_after([](json& m) { m["id"] = std::string(64, 'a'); }), "");
    EXPECT_THAT(failure_after([](json& m) { m["weight"] = 0; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["temperature"] = -1.0; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["activation_bytes"] = -1; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["classes"] = {"a"}; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["classes"] = {"a", "a"}; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["input"]["shape"] = {3, 0, 4}; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["input"]["shape"] = {1, 4, 5}; }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["files"]["code"]["sha256"] = std::string(64, 'G'); }), damaged);
    EXPECT_THAT(failure_after([](json& m) { m["created_with"] = {{"torch", 2}}; }), damaged);
}

TEST_F(MemberTest, AManifestThatIsNoneIsDamaged) {
    for (const std::string& text : {std::string(""), std::string("[]"), std::string("{"),
                                    std::string(200'000, '['), std::string(Manifest::kMaxBytes + 1, ' ')}) {
        test::write_text(package_ / "manifest.json", text);
        EXPECT_THAT(failure(), HasSubstr("member.damaged"));
    }
}

TEST_F(MemberTest, AnEngineReportsEachUnusableMemberAndGoesOn) {
    const auto add = [this](const char* id, const char* code) {
        return test::write_package(directory_.path(), {.id = id, .code = code});
    };
    const auto damaged = add("damaged", "weights=1");
    test::write_text(damaged / "weights.safetensors", std::string(640, 'x'));
    const auto order = test::write_package(
        directory_.path(),
        {.id = "order", .classes = {"Normal", "COVID", "Viral Pneumonia", "Lung Opacity"}});
    const auto newer = add("newer", "weights=1");
    json manifest = test::read_manifest(newer);
    manifest["created_with"]["simulated"] = "2.6";
    test::write_manifest(newer, manifest);
    const auto unknown = test::write_package(directory_.path(), {.id = "unknown", .format = "nothing"});

    EngineOptions options;
    options.budget_bytes = 1 << 20;
    options.backends = {test::simulated_backend()};
    Engine engine({package_, directory_ / "absent.member", damaged, order, newer, unknown,
                   add("opens", "fail=open"), add("binds", "weights=1 fail=bind"),
                   add("runs", "weights=1 fail=run"), add("nan", "weights=1 fail=nan")},
                  options);
    const imaging::Image image{4, 4, 1, std::vector<std::uint8_t>(16, 9)};
    const auto codes = [&engine, &image] {
        std::vector<std::string> found;
        for (const Opinion& opinion : engine.run(image).opinions) found.push_back(opinion.error_code);
        return found;
    };
    const std::vector<std::string> expected = {"",
                                               "member.not_found",
                                               "member.damaged",
                                               "member.incompatible",
                                               "member.incompatible",
                                               "backend.unavailable",
                                               "member.incompatible",
                                               "member.incompatible",
                                               "member.run_failed",
                                               "member.output"};
    EXPECT_EQ(codes(), expected);
    EXPECT_EQ(codes(), expected);
    EXPECT_EQ(engine.members()[1].id, "absent");
    EXPECT_FALSE(engine.members()[4].is_ready());
    EXPECT_TRUE(engine.members()[8].is_ready());  // A run may fail once and not the next time.
}

TEST_F(MemberTest, AnEngineRefusesNoMembersTooManyAndOneIdTwice) {
    EXPECT_THROW(Engine({}), core::InvalidArgument);
    EXPECT_THROW(Engine({package_, package_}), core::InvalidArgument);
    EXPECT_THROW(Engine(std::vector<std::filesystem::path>(Engine::kMaxMembers + 1, package_)),
                 core::InvalidArgument);
    EXPECT_THROW(Engine({package_}, {.confidence_threshold = 1.5}), core::InvalidArgument);
    EXPECT_THROW(Engine({package_}, {.device = "cuda:9"}), core::Unavailable);
}

}  // namespace
}  // namespace consilia::inference
