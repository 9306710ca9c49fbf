#include "consilia/core/error.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace consilia::core {
namespace {

constexpr int kKinds = 13;

ErrorKind kind(int number) {
    return static_cast<ErrorKind>(number);
}

TEST(Error, EveryKindHasItsOwnNameAndAnHttpStatus) {
    std::set<std::string_view> names;
    for (int i = 1; i <= kKinds; ++i) {
        names.insert(to_string(kind(i)));
        EXPECT_GE(default_http_status(kind(i)), 400) << i;
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(kKinds));
    EXPECT_EQ(to_string(ErrorKind::UploadRejected), "upload_rejected");
    EXPECT_EQ(default_http_status(ErrorKind::PermissionDenied), 403);
    EXPECT_EQ(default_http_status(kind(99)), 500) << "an unknown kind is a defect";
}

TEST(Error, IsCaughtByItsKindAfterABoundary) {
    EXPECT_THROW(throw_error(ErrorKind::InvalidArgument, "a.b", ""), InvalidArgument);
    EXPECT_THROW(throw_error(ErrorKind::Validation, "a.b", ""), ValidationError);
    EXPECT_THROW(throw_error(ErrorKind::PermissionDenied, "a.b", ""), PermissionDenied);
    EXPECT_THROW(throw_error(ErrorKind::NotFound, "a.b", ""), NotFound);
    EXPECT_THROW(throw_error(ErrorKind::Conflict, "a.b", ""), Conflict);
    EXPECT_THROW(throw_error(ErrorKind::UploadRejected, "a.b", ""), UploadRejected);
    EXPECT_THROW(throw_error(ErrorKind::Unavailable, "a.b", ""), Unavailable);
    EXPECT_THROW(throw_error(ErrorKind::ResourceExhausted, "a.b", ""), ResourceExhausted);
    EXPECT_THROW(throw_error(ErrorKind::Cancelled, "a.b", ""), Cancelled);
    EXPECT_THROW(throw_error(ErrorKind::TimedOut, "a.b", ""), TimedOut);
    EXPECT_THROW(throw_error(ErrorKind::Inference, "a.b", ""), InferenceError);
    EXPECT_THROW(throw_error(ErrorKind::Storage, "a.b", ""), StorageError);
    EXPECT_THROW(throw_error(ErrorKind::Internal, "a.b", ""), Internal);
    EXPECT_THROW(throw_error(kind(99), "a.b", ""), Internal);
}

TEST(Error, SaysItInOneLineOfUtf8WhateverItQuotes) {
    const auto said = [](const std::string& quoted) {
        return std::string(NotFound("a.b", "no `" + quoted + "` here").what());
    };
    EXPECT_EQ(said("\t\r\nfake line\x7F"), "no `   fake line ` here");
    EXPECT_EQ(said(std::string(1, '\0')), "no ` ` here");
    EXPECT_EQ(said("a\u2028b\u202Ec\u0085"), "no `a b c ` here");
    EXPECT_EQ(said("\xC3\xA4\xC3"), "no `\xC3\xA4\uFFFD` here") << "cut in a character";
    const Error error = NotFound("a.b", "\xFF\n", {{"found", "\xFF\n"}});
    EXPECT_TRUE(nlohmann::json::accept(error.to_json()));
}

TEST(Error, KeepsEverythingThatItWasGiven) {
    try {
        throw_error(ErrorKind::UploadRejected, "upload.too_large", "the file is too large",
                    {{"limit_bytes", 10}}, 413);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::UploadRejected);
        EXPECT_EQ(error.code(), "upload.too_large");
        EXPECT_STREQ(error.what(), "the file is too large");
        EXPECT_EQ(error.http_status(), 413);
        ASSERT_EQ(error.details().size(), 1U);
        EXPECT_EQ(error.details()[0].value, Value(10));
    }
    EXPECT_EQ(UploadRejected("a.b", "").http_status(), 400);
}

TEST(Error, IsOneJsonObjectWhateverItHolds) {
    const NotFound error("x.y", "no \"such\"\nthing", {{"na\"me", "va\xFFlue"}, {"none", nullptr}});
    const auto document = nlohmann::json::parse(error.to_json());
    EXPECT_EQ(document["error"]["kind"], "not_found");
    EXPECT_EQ(document["error"]["code"], "x.y");
    EXPECT_EQ(document["error"]["message"], "no \"such\" thing");  // one line
    EXPECT_EQ(document["error"]["http_status"], 404);
    EXPECT_EQ(document["error"]["details"]["na\"me"], "va\xEF\xBF\xBDlue");
    EXPECT_TRUE(document["error"]["details"]["none"].is_null());
    EXPECT_EQ(NotFound("x.y", "").details_json(), "{}");
}

}  // namespace
}  // namespace consilia::core
