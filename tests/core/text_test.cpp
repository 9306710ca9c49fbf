#include "consilia/core/text.hpp"

#include <gtest/gtest.h>

#include <random>

namespace consilia::core {
namespace {

constexpr std::string_view kFamily = "👩‍👩‍👧";  // Three people, two joiners.
constexpr std::string_view kAccented = "e\xCC\x81";         // A letter and a combining accent.

TEST(Text, KnowsUtf8FromWhatOnlyLooksLikeIt) {
    for (const std::string_view good :
         {"", "plain", "é", "日本語", "😀", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBD"}) {
        EXPECT_TRUE(is_valid_utf8(good)) << good;
    }
    EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
    for (const std::string_view bad :
         {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xFF", "\xE6\x97", "a\xE9z"}) {
        EXPECT_FALSE(is_valid_utf8(bad));
    }
}

TEST(Text, ReplacesOnlyTheBytesThatAreNoCharacters) {
    EXPECT_EQ(to_valid_utf8("é ok"), "é ok");
    EXPECT_EQ(to_valid_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
    EXPECT_EQ(to_valid_utf8("\xE6\x97"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Text, WhiteSpaceIsUnicodes) {
    EXPECT_EQ(normalized_space("  a \t\r\n b\u00A0\u2003c\u3000"), "a b c");
    EXPECT_EQ(normalized_space(" \n\t "), "");
    EXPECT_EQ(normalized_space("already fine"), "already fine");
    EXPECT_EQ(normalized_space("zero\u200Bwidth"), "zero\u200Bwidth") << "not a space";
}

TEST(Text, CountsWhatPeopleSee) {
    EXPECT_EQ(count_characters(""), 0U);
    EXPECT_EQ(count_characters("abc"), 3U);
    EXPECT_EQ(count_characters("日本語"), 3U);
    EXPECT_EQ(count_characters(kAccented), 1U);
    EXPECT_EQ(count_characters(kFamily), 1U);
    EXPECT_EQ(count_characters("🇩🇪🇫🇷"), 2U) << "two flags of two indicators";
    EXPECT_EQ(count_characters("👍🏽"), 1U) << "a skin tone belongs to its hand";
    EXPECT_EQ(count_characters("a\r\nb"), 3U);
}

TEST(Text, ALongTextEndsWithAnEllipsisInsideTheLimit) {
    EXPECT_EQ(ellipsized("short", 5), "short");
    EXPECT_EQ(ellipsized("longer", 5), "long…");
    EXPECT_EQ(ellipsized("two words", 5), "two…") << "no space before the ellipsis";
    EXPECT_EQ(ellipsized("abc", 2, "..."), "ab") << "an ellipsis that does not fit is left out";
    EXPECT_EQ(ellipsized("abc", 0), "");
    EXPECT_EQ(ellipsized(std::string(kFamily) + "xyz", 2), std::string(kFamily) + "…");
}

TEST(Text, BytesAreCutBetweenCodePoints) {
    EXPECT_EQ(truncated("aé", 2), "a");
    EXPECT_EQ(truncated("aé", 3), "aé");
    EXPECT_EQ(truncated("日本", 5), "日");
    EXPECT_EQ(truncated("é", 0), "");
}

// Goal: no cut makes broken text, whatever comes in. Method: random bytes and random pieces of UTF-8, every
// limit.
TEST(Text, NoCutBreaksText) {
    std::mt19937 random(7);
    const std::array<std::string_view, 7> pieces{"a", "é", "日", "😀", kFamily, kAccented, " "};
    for (int n = 0; n < 300; ++n) {
        std::string text;
        for (unsigned i = 0; i < random() % 8; ++i) text += pieces[random() % pieces.size()];
        for (std::size_t limit = 0; limit < 10; ++limit) {
            const std::string cut = ellipsized(text, limit);
            EXPECT_TRUE(is_valid_utf8(cut));
            EXPECT_LE(count_characters(cut), limit);
            EXPECT_TRUE(is_valid_utf8(truncated(text, limit)));
            EXPECT_LE(truncated(text, limit).size(), limit);
        }
        std::string bytes;
        for (unsigned i = 0; i < random() % 12; ++i) bytes += static_cast<char>(random());
        EXPECT_TRUE(is_valid_utf8(to_valid_utf8(bytes)));
        EXPECT_LE(count_characters(bytes), bytes.size());
        (void)ellipsized(normalized_space(bytes), 3);
    }
}

}  // namespace
}  // namespace consilia::core
