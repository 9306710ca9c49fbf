#include "consilia/core/log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "consilia/core/text.hpp"
#include "core/log_format.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::core {
namespace {

using nlohmann::json;

std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

/// Each test configures for itself and leaves logging off.
class LogTest : public testing::Test {
protected:
    ~LogTest() override { configure_logging({.level = LogLevel::Error}); }

    LogOptions to_file(LogFormat format) {
        return {.level = LogLevel::Debug, .format = format, .file = directory / "main.log", .clock = &clock};
    }

    test::TemporaryDirectory directory;
    ManualClock clock{parse_timestamp("2026-01-31T12:00:00Z")};
};

TEST_F(LogTest, EachFormatIsOneLine) {
    const Details fields{{"user", "a b"}, {"count", 3}, {"ok", true}, {"none", nullptr}};
    for (
        const auto& [format, line] : std::initializer_list<std::pair<LogFormat, std::string>>{
            {LogFormat::Simple, R"(WARNING saved user="a b" count=3 ok=true none=null)"},
            {LogFormat::Verbose,
             R"(2026-01-31T12:00:00.000000Z WARNING [data] saved user="a b" count=3 ok=true none=null)"},
            {LogFormat::Json,
             R"({"time":"2026-01-31T12:00:00.000000Z","level":"WARNING","logger":"data","message":"saved","fields":)"
             R"({"user":"a b","count":3,"ok":true,"none":null}})"}}) {
        LogOptions options = to_file(format);
        options.file = directory / ("f" + std::to_string(static_cast<int>(format)));
        configure_logging(options);
        log(LogLevel::Warning, "data", "saved", fields);
        EXPECT_EQ(lines_of(options.file), std::vector{line});
    }
}

TEST_F(LogTest, LinesBelowTheLevelAreDropped) {
    LogOptions options = to_file(LogFormat::Simple);
    options.level = LogLevel::Warning;
    configure_logging(options);
    EXPECT_FALSE(is_logged(LogLevel::Info));
    EXPECT_TRUE(is_logged(LogLevel::Warning));
    log(LogLevel::Info, "x", "no");
    log(LogLevel::Warning, "x", "yes");
    EXPECT_EQ(lines_of(options.file), std::vector<std::string>{"WARNING yes"});
}

TEST_F(LogTest, SecurityGoesToItsOwnPrivateFileAtEveryLevel) {
    LogOptions options = to_file(LogFormat::Simple);
    options.level = LogLevel::Error;
    options.security_file = directory / "security.log";
    configure_logging(options);
    log_security("login refused", {{"user", "eve"}});
    log(LogLevel::Error, "x", "plain");
    EXPECT_EQ(lines_of(options.security_file),
              std::vector<std::string>{R"(WARNING login refused user="eve")"});
    EXPECT_EQ(lines_of(options.file).size(), 2U);
    struct stat facts {};
    ASSERT_EQ(::stat(options.security_file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(LogTest, ContextsNestAndTheInnerFieldWins) {
    configure_logging(to_file(LogFormat::Simple));
    {
        const LogContext request({{"request", "r1"}, {"user", 1}});
        {
            const LogContext inner({{"user", 2}});
            log(LogLevel::Info, "x", "inner", {{"request", "mine"}});
        }
        log(LogLevel::Info, "x", "outer");
        std::thread([] { log(LogLevel::Info, "x", "other thread"); }).join();
    }
    log(LogLevel::Info, "x", "after");
    EXPECT_EQ(
        lines_of(directory / "main.log"),
        (std::vector<std::string>{R"(INFO inner user=2 request="mine")", R"(INFO outer request="r1" user=1)",
                                  "INFO other thread", "INFO after"}));
}

TEST_F(LogTest, FilesRotateAndTheOldestGo) {
    LogOptions options = to_file(LogFormat::Simple);
    options.rotate_bytes = 100;
    options.rotate_files = 2;
    configure_logging(options);
    for (int i = 0; i < 40; ++i) log(LogLevel::Info, "x", "line", {{"n", i}});
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        EXPECT_LE(entry.file_size(), 100U);
        ++files;
    }
    EXPECT_EQ(files, 3U);
    EXPECT_EQ(lines_of(options.file).back(), "INFO line n=39");
}

TEST_F(LogTest, AnOldConfigurationStaysWhenTheNewOneFails) {
    configure_logging(to_file(LogFormat::Simple));
    std::ofstream(directory / "plain") << "";
    LogOptions impossible = to_file(LogFormat::Simple);
    impossible.file = directory / "plain" / "below.log";
    EXPECT_THROW(configure_logging(impossible), StorageError);
    LogOptions without_size = to_file(LogFormat::Simple);
    without_size.rotate_bytes = 0;
    EXPECT_THROW(configure_logging(without_size), InvalidArgument);
    LogOptions shared = to_file(LogFormat::Simple);
    shared.security_file = directory.path() / "." / "main.log";
    EXPECT_THROW(configure_logging(shared), InvalidArgument);
    log(LogLevel::Info, "x", "still here");
    EXPECT_EQ(lines_of(directory / "main.log"), std::vector<std::string>{"INFO still here"});
}

TEST_F(LogTest, SecretsAreNotWritten) {
    configure_logging(to_file(LogFormat::Json));
    log(LogLevel::Info, "x", "in",
        {{"Password", "hunter2"}, {"x-api-key", 123456}, {"refresh_token", "abc"}, {"user", "eve"}});
    const auto line = lines_of(directory / "main.log").at(0);
    for (const char* secret : {"hunter2", "123456", "abc"}) EXPECT_EQ(line.find(secret), std::string::npos);
    EXPECT_EQ(json::parse(line)["fields"]["user"], "eve");
}

TEST_F(LogTest, ManyThreadsWriteWholeLines) {
    configure_logging(to_file(LogFormat::Json));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            const LogContext context({{"thread", t}});
            for (int i = 0; i < 250; ++i) log(LogLevel::Info, "x", std::string(200, 'm'), {{"n", i}});
        });
    }
    for (std::thread& thread : threads) thread.join();
    const auto lines = lines_of(directory / "main.log");
    EXPECT_EQ(lines.size(), 1000U);
    for (const std::string& line : lines) EXPECT_TRUE(json::accept(line));
}

TEST_F(LogTest, WithoutAFileNothingIsPrinted) {
    configure_logging({.level = LogLevel::Debug});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    log(LogLevel::Error, "x", "silent");
    log_security("silent");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(LogTest, ALineThatCannotBeWrittenIsCountedAndNothingElse) {
    LogOptions options = to_file(LogFormat::Simple);
    options.file = "/dev/full";
    try {
        configure_logging(options);
    } catch (const StorageError&) {
        GTEST_SKIP() << "this system cannot open /dev/full";
    }
    const std::uint64_t before = lost_log_lines();
    log(LogLevel::Error, "x", "lost");
    EXPECT_GT(lost_log_lines(), before);
}

TEST(LogFormat, EverySecretWordHidesItsValue) {
    for (const char* name : {"password", "old_passwd", "CLIENT_SECRET", "token", "Authorization", "api_key",
                             "apikey", "X-Api-Key", "credentials"}) {
        const Details fields{{name, "hunter2"}};
        const std::string line =
            format_line({.logger = "x", .message = "m", .fields = &fields}, LogFormat::Simple);
        EXPECT_EQ(line.find("hunter2"), std::string::npos) << name;
    }
}

TEST(LogFormat, CutsWhatIsTooLong) {
    Details fields;
    for (int i = 0; i < 200; ++i) fields.push_back({"f" + std::to_string(i), i});
    fields.push_back({"long", std::string(1 << 20, 'x')});
    const std::string message(1 << 20, 'm');
    const std::string line =
        format_line({.logger = "x", .message = message, .fields = &fields}, LogFormat::Json);
    EXPECT_LT(line.size(), 20'000U);
    const json parsed = json::parse(line);
    EXPECT_EQ(parsed["fields"].size(), 64U);
    EXPECT_TRUE(parsed["fields"].contains("long")) << "the latest stay";
}

TEST(LogFormat, ADocumentIsEmbeddedOnlyIfItIsOne) {
    const Details fields{
        {"good", Json{R"({"a":[1]})"}}, {"bad", Json{R"({"a":)"}}, {"wrapped", Json{"{\n}"}}};
    const json parsed =
        json::parse(format_line({.logger = "x", .message = "m", .fields = &fields}, LogFormat::Json));
    EXPECT_EQ(parsed["fields"]["good"]["a"][0], 1);
    EXPECT_EQ(parsed["fields"]["bad"], R"({"a":)");
    EXPECT_EQ(parsed["fields"]["wrapped"], "{\n}");
}

// Goal: whatever is logged is one line that says only what was logged. Method: random bytes and hostile
// pieces in every place; no line has a control character, JSON lines parse, and the message is found again.
TEST(LogFormat, NothingThatIsLoggedMakesALineOfItsOwn) {
    std::mt19937 random(11);
    const std::array<std::string_view, 9> pieces{"\n2026-01-31T12:00:00.000000Z ERROR [x] forged",
                                                 "\r\n",
                                                 "\"},",
                                                 "\\",
                                                 "\x1b[31m",
                                                 "\u2028",
                                                 "\u202E",
                                                 "é",
                                                 "\x7F"};
    const auto hostile = [&] {
        std::string text;
        for (std::size_t n = random() % 6; n > 0; --n) {
            if (random() % 2 == 0) {
                text += pieces[random() % pieces.size()];
            } else {
                text += static_cast<char>(random());
            }
        }
        return text;
    };
    for (int i = 0; i < 3000; ++i) {
        const Details context{{hostile(), hostile()}};
        const Details fields{{hostile(), hostile()}, {hostile(), Json{hostile()}}, {"n", i}};
        const std::string logger = hostile();
        const std::string message = hostile();
        const LogEntry entry{{0}, LogLevel::Info, logger, message, &context, &fields};
        for (const LogFormat format : {LogFormat::Simple, LogFormat::Verbose, LogFormat::Json}) {
            const std::string line = format_line(entry, format);
            ASSERT_TRUE(is_valid_utf8(line));
            for (const char c : line) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << line;
            ASSERT_EQ(line.find("\u2028"), std::string::npos);
            ASSERT_EQ(line.find("\u202E"), std::string::npos);
            if (format == LogFormat::Json) {
                const json parsed = json::parse(line, nullptr, false);
                ASSERT_FALSE(parsed.is_discarded()) << line;
                ASSERT_EQ(parsed["message"], to_valid_utf8(message));
                ASSERT_EQ(parsed["fields"]["n"], i);
            }
        }
    }
}

}  // namespace
}  // namespace consilia::core
