// What a browser is told of a file: no name of a client ends a header field, and no content is guessed.
#include "consilia/validation/download.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::validation {
namespace {

TEST(Download, AnAsciiNameIsQuoted) {
    EXPECT_EQ(content_disposition("chest.png"), "attachment; filename=\"chest.png\"");
    EXPECT_EQ(content_disposition("chest.png", true), "inline; filename=\"chest.png\"");
}

TEST(Download, ANameInAnyScriptIsGivenTwice) {
    EXPECT_EQ(content_disposition("Lübeck.png"),
              "attachment; filename=\"L_beck.png\"; filename*=UTF-8''L%C3%BCbeck.png");
}

TEST(Download, NoNameEndsTheFieldOrTheQuotes) {
    EXPECT_EQ(content_disposition(""), "attachment; filename=\"file\"");
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): replayed
    constexpr std::string_view kBytes = "a\"\\\r\n;=%'\0/.. \x7F\xC3\xBC\xE2\x80\xAE<>:*";
    for (int round = 0; round < 2'000; ++round) {
        std::string name;
        for (int i = 0; i < 12; ++i) name += kBytes[random() % kBytes.size()];
        const std::string field = content_disposition(name);
        EXPECT_EQ(std::ranges::count(field, '"'), 2) << field;
        EXPECT_TRUE(std::ranges::all_of(field, [](char c) { return c >= ' ' && c < 0x7F; })) << field;
        EXPECT_EQ(field.find('\\'), std::string::npos) << field;
    }
}

TEST(Download, ABrowserIsToldNotToGuessNorToRun) {
    const auto headers = download_headers("a.png", {.media_type = "image/png", .is_inline = true});
    const auto value = [&](std::string_view name) {
        const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
        return found == headers.end() ? "" : found->second;
    };
    EXPECT_EQ(value("Content-Type"), "image/png");
    EXPECT_EQ(value("Content-Disposition"), "inline; filename=\"a.png\"");
    EXPECT_EQ(value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(value("Content-Security-Policy"), "default-src 'none'; sandbox");
}

TEST(Download, AMediaTypeMustBeOne) {
    for (const char* type : {"", "png", "image/", "/png", "image/png\r\nX: y", "text/html; charset=utf-8"})
        EXPECT_THROW((void)download_headers("a", {.media_type = type}), core::InvalidArgument) << type;
}

}  // namespace
}  // namespace consilia::validation
