#include "consilia/validation/text_checks.hpp"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/random_expressions.hpp"

namespace {

using namespace consilia::validation;

TEST(TextChecks, MailboxesOfRfc5321AndRfc6531AreTaken) {
    for (const std::string& email : std::vector<std::string>{
             "a@b.co", "first.last@example.org", "a+tag@sub.example.org", "o'brien@example.org",
             "!#$%&'*+-/=?^_`{|}~@example.org", "1@example.org", "a@1a.example", "a@xn--bcher-kva.example",
             "a@b-c.example", "user@bücher.example", "δοκιμή@παράδειγμα.δοκιμή", "用户@例子.广告",
             "квіточка@пошта.укр", "अजय@डाटा.भारत", std::string(64, 'a') + "@example.org",
             "a@" + std::string(63, 'b') + ".org"})
        EXPECT_EQ(check_email(email), "") << email;
}

TEST(TextChecks, WhatIsNoMailboxIsRefusedWithItsReason) {
    const std::string long_domain = [] {
        std::string domain;
        for (int i = 0; i < 60; ++i) domain += "abcd.";
        return domain + "org";
    }();
    for (const auto& [email, reason] : std::vector<std::pair<std::string, std::string>>{
             {"", "no_at"},
             {"plain", "no_at"},
             {"@example.org", "local_empty"},
             {"a@", "domain_empty"},
             {std::string(65, 'a') + "@example.org", "local_too_long"},
             {".a@example.org", "local_dots"},
             {"a.@example.org", "local_dots"},
             {"a..b@example.org", "local_dots"},
             {"a b@example.org", "local_character"},
             {"a@b@example.org", "local_character"},
             {"\"quoted\"@example.org", "local_character"},
             {"a\n@example.org", "local_character"},
             {"a<b@example.org", "local_character"},
             {"\xF0\x9F\x98\x80@example.org", "local_character"},
             {"a\xFF@example.org", "local_character"},
             {"a@localhost", "domain_no_dot"},
             {"a@example..org", "domain_label"},
             {"a@-example.org", "domain_label"},
             {"a@example-.org", "domain_label"},
             {"a@exa_mple.org", "domain_label"},
             {"a@example.org.", "domain_label"},
             {"a@127.0.0.1", "domain_label"},
             {"a@[127.0.0.1]", "domain_label"},
             {"a@example.org\n", "domain_label"},
             {"a@" + std::string(64, 'b') + ".org", "domain_label"},
             {"a@" + long_domain, "domain_too_long"},
             {"a@xn--a.example", "domain_unknown"},
             {std::string(64, 'a') + "@" + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                  std::string(59, 'd') + ".eu",
              "too_long"}})
        EXPECT_EQ(check_email(email), reason) << email;
}

TEST(TextChecks, EverySpellingOfADomainIsOneAddress) {
    const std::string unicode = "User@bücher.example";
    for (const char* spelled : {"User@bücher.example", "User@BÜCHER.EXAMPLE", "User@xn--bcher-kva.example",
                                "User@XN--BCHER-KVA.example",
                                "User@bu\xCC\x88"
                                "cher.example"}) {
        ASSERT_EQ(check_email(spelled), "") << spelled;
        EXPECT_EQ(normalized_email(spelled), unicode) << spelled;
        EXPECT_EQ(ascii_email(spelled), "User@xn--bcher-kva.example") << spelled;
    }
    EXPECT_EQ(normalized_email("Jane.Doe@Example.ORG"), "Jane.Doe@example.org");
}

TEST(TextChecks, APhoneIsWhatTheExpressionSays) {
    const re2::RE2 expression(R"(^\+?1?\d{9,15}$)");
    std::mt19937_64 engine(consilia::test::seed());
    constexpr std::string_view kMostly = "+1110123456789";
    constexpr std::string_view kRarely = "+ -()\n\0٣x";
    int matched = 0;
    for (int i = 0; i < consilia::test::case_count(100'000); ++i) {
        std::string text;
        for (std::size_t left = engine() % 19; left > 0; --left) {
            const bool is_first = text.empty();
            const std::string_view from = engine() % 60 == 0 ? kRarely
                                          : is_first         ? kMostly
                                                             : kMostly.substr(1);
            text += from[engine() % from.size()];
        }
        const bool wanted = re2::RE2::PartialMatch(text, expression);
        matched += wanted ? 1 : 0;
        ASSERT_EQ(is_phone(text), wanted)
            << "CONSILIA_SEED=" << consilia::test::seed() << " `" << text << '`';
    }
    EXPECT_GT(matched, 1'000 * consilia::test::case_count(100'000) / 100'000);
}

TEST(TextChecks, PeopleHaveNamesInEveryScript) {
    for (const char* name : {"Ann",
                             "O'Brien",
                             "Jean-Luc",
                             "José María",
                             "Renée d’Arc",
                             "Þór Æsir",
                             "Nguyễn Văn Ánh",
                             "Александр",
                             "Ελένη",
                             "محمد",
                             "מֹשֶׁה",
                             "राम",
                             "রহিম",
                             "ਗੁਰਪ੍ਰੀਤ",
                             "தமிழரசி",
                             "తెలుగు",
                             "สมชาย",
                             "ខេមរា",
                             "ゆうこ",
                             "カタリナ・ラミ",
                             "김철수",
                             "王小明",
                             "ታደሰ",
                             "Հայկ",
                             "გიორგი",
                             "ಕನ್ನಡ",
                             "ශ්‍රී",
                             "ᏣᎳᎩ",
                             "John Smith 3",
                             "Martin Luther King, Jr.",
                             "X Æ A-12",
                             "ז׳בוטינסקי"})
        EXPECT_TRUE(is_person_name(name)) << name;
}

TEST(TextChecks, WhatIsNotWrittenInNamesIsRefused) {
    for (const std::string& text : std::vector<std::string>{"",
                                                            " ",
                                                            "-",
                                                            "123",
                                                            "...",
                                                            "<b>Ann</b>",
                                                            "Ann & Bob",
                                                            "a@b.co",
                                                            "http://x",
                                                            "Ann\n",
                                                            "Ann\tBob",
                                                            " Ann",
                                                            "Ann ",
                                                            "Ann  Bob",
                                                            "Ann\xF0\x9F\x98\x80",
                                                            "\xE2\x80\xAE"
                                                            "Ann",
                                                            "Ann\xE2\x80\x8B",
                                                            "Ann\xE2\x81\xA6",
                                                            "Ann\xC2\xA0"
                                                            "Bob",
                                                            "Ann\xFF",
                                                            std::string("Ann\0", 4),
                                                            "Ann;",
                                                            "Ann\"",
                                                            "{{Ann}}",
                                                            "Ann_",
                                                            "Ann\xE2\x80\x8D",
                                                            "Ann\xEF\xBB\xBF",
                                                            "$Ann",
                                                            "Ann=1",
                                                            "Ann\xEE\x80\x80"})
        EXPECT_FALSE(is_person_name(text)) << text;
}

TEST(TextChecks, UrlsAreOfTheWebAndNameAHost) {
    for (const std::string& url : std::vector<std::string>{
             "http://example.org", "HTTPS://Example.org/", "https://example.org:8080/a/b?c=d#e",
             "http://localhost", "http://127.0.0.1/", "http://[::1]:80/", "https://bücher.example/ü",
             "http://a.b-c.example/%20", "http://example.org/" + std::string(2'000 - 19, 'a')})
        EXPECT_TRUE(is_url(url)) << url;
    for (const std::string& text :
         std::vector<std::string>{"",
                                  "example.org",
                                  "ftp://example.org",
                                  "javascript:alert(1)",
                                  "http://",
                                  "http:///path",
                                  "http://user@example.org",
                                  "http://user:secret@example.org",
                                  "http://example.org:70000",
                                  "http://example.org:",
                                  "http://exa mple.org",
                                  "http://example.org/<script>",
                                  "http://example.org/\n",
                                  "http://256.1.1.1",
                                  "http://[::1",
                                  "http://[x]",
                                  "http://-a.example",
                                  "http://example..org",
                                  "http://example.org/\"",
                                  "http:\\\\example.org",
                                  "data:text/html,x",
                                  "http://example.org/" + std::string(2'001 - 19, 'a')})
        EXPECT_FALSE(is_url(text)) << text;
}

TEST(TextChecks, NormalFormCIsOneSpelling) {
    EXPECT_EQ(to_nfc("Cafe\xCC\x81"), "Café");
    EXPECT_EQ(to_nfc("Café"), "Café");
    EXPECT_EQ(to_nfc("\xE2\x84\xAB"), "Å");                       // The sign of the unit is the letter.
    EXPECT_EQ(to_nfc("\xE1\x84\x80\xE1\x85\xA1"), "가");          // Jamo are a syllable.
    EXPECT_EQ(to_nfc("q\xCC\x87\xCC\xA3"), "q\xCC\xA3\xCC\x87");  // Marks in their order.
    EXPECT_EQ(to_nfc("plain"), "plain");
    EXPECT_EQ(to_nfc(""), "");
    EXPECT_EQ(to_nfc("a\xFF"), "a\xFF");  // What is no UTF-8 stays.
}

}  // namespace
