#include "consilia/core/value.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"

namespace consilia::core {
namespace {

Blob blob(std::string_view text) {
    const auto* data = reinterpret_cast<const std::byte*>(text.data());
    return {{data, data + text.size()}};
}

TEST(Value, KeepsTheTypeThatItWasGiven) {
    EXPECT_EQ(Value().type(), ValueType::Null);
    EXPECT_EQ(Value(true).type(), ValueType::Bool);
    EXPECT_EQ(Value(1).type(), ValueType::Int64);
    EXPECT_EQ(Value('x').type(), ValueType::Int64);
    EXPECT_EQ(Value(1U).as<std::int64_t>(), 1);
    EXPECT_EQ(Value(1.0).type(), ValueType::Double);
    EXPECT_EQ(Value("x").type(), ValueType::Text) << "a pointer is not a truth value";
    EXPECT_EQ(Value(blob("x")).type(), ValueType::Blob);
    EXPECT_EQ(Value(Date{1}).type(), ValueType::Date);
    EXPECT_EQ(Value(Timestamp{1}).type(), ValueType::Timestamp);
    EXPECT_EQ(Value(Uuid{}).type(), ValueType::Uuid);
    EXPECT_EQ(Value(Json{"{}"}).type(), ValueType::Json);
    EXPECT_EQ(Value(1.0F).type(), ValueType::Double);
    static_assert(!std::is_constructible_v<Value, void*>);
}

TEST(Value, ASizeIsAnIntegerOrAnError) {
    EXPECT_EQ(Value(std::size_t{1} << 53 | 1U), Value((std::int64_t{1} << 53) + 1))
        << "not rounded to a double";
    EXPECT_EQ(Value(static_cast<std::uint64_t>(INT64_MAX)), Value(INT64_MAX));
    EXPECT_THROW((void)Value(static_cast<std::uint64_t>(INT64_MAX) + 1), InvalidArgument);
}

TEST(Value, ConvertsNothingSilently) {
    EXPECT_EQ(Value("5").if_as<std::int64_t>(), nullptr);
    try {
        (void)Value("5").as<std::int64_t>();
        FAIL();
    } catch (const InvalidArgument& error) {
        EXPECT_EQ(error.code(), "value.type");
        EXPECT_EQ(error.details_json(), R"({"found":"text","wanted":"int64"})");
    }
}

TEST(Value, EqualityIsThatOfContainers) {
    EXPECT_EQ(Value(), Value(nullptr));
    EXPECT_NE(Value(1), Value(1.0));
    EXPECT_NE(Value(1), Value(true));
    EXPECT_NE(Value(std::numeric_limits<double>::quiet_NaN()),
              Value(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Value, NamesEveryType) {
    for (int i = 0; i <= 9; ++i) EXPECT_NE(to_string(static_cast<ValueType>(i)), "unknown") << i;
    EXPECT_EQ(to_string(static_cast<ValueType>(10)), "unknown");
}

TEST(Value, IsWrittenAsJson) {
    EXPECT_EQ(to_json(Value()), "null");
    EXPECT_EQ(to_json(Value(false)), "false");
    EXPECT_EQ(to_json(Value(INT64_MIN)), "-9223372036854775808");
    EXPECT_EQ(to_json(Value(0.1)), "0.1");
    EXPECT_EQ(to_json(Value(std::numeric_limits<double>::infinity())), "null");
    EXPECT_EQ(to_json(Value("a\"b\n\x01")), R"("a\"b\n\u0001")");
    EXPECT_EQ(to_json(Value(Date{0})), R"("1970-01-01")");
    EXPECT_EQ(to_json(Value(Timestamp{1})), R"("1970-01-01T00:00:00.000001Z")");
    EXPECT_EQ(to_json(Value(Uuid{})), R"("00000000-0000-0000-0000-000000000000")");
    EXPECT_EQ(to_json(Value(Json{R"({"a":1})"})), R"({"a":1})");
    EXPECT_EQ(to_json(Value("a\xFFz")), "\"a\xEF\xBF\xBDz\"") << "what is not UTF-8 is replaced";
    EXPECT_EQ(to_json(Value(std::string_view("a\0b", 3))), R"("a\u0000b")");
}

TEST(Value, BlobsAreBase64) {
    EXPECT_EQ(to_json(Value(blob(""))), R"("")");
    EXPECT_EQ(to_json(Value(blob("f"))), R"("Zg==")");
    EXPECT_EQ(to_json(Value(blob("ab"))), R"("YWI=")");
    EXPECT_EQ(to_json(Value(blob("foo"))), R"("Zm9v")");
    EXPECT_EQ(to_json(Value(blob("\xFF\xFE\xFD\xFC"))), R"("//79/A==")");
}

TEST(Uuid, IsReadAsItIsWritten) {
    const std::string text = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    EXPECT_EQ(to_string(parse_uuid(text)), text);
    EXPECT_EQ(to_string(parse_uuid("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6")), text);
    for (const char* bad : {"", "f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                            "f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae07dec-11d0-a765-00a0c91e6bf6",
                            "{81d4fae-7dec-11d0-a765-00a0c91e6bf6}"}) {
        EXPECT_THROW((void)parse_uuid(bad), InvalidArgument) << bad;
    }
}

TEST(Uuid, RandomOnesSayTheirVersionAndDiffer) {
    const Uuid a = random_uuid();
    EXPECT_EQ(a.bytes[6] >> 4, 4);
    EXPECT_EQ(a.bytes[8] >> 6, 2);
    EXPECT_NE(a, random_uuid());
}

TEST(Uuid, TimeOrderedOnesSortByTime) {
    const Uuid early = time_ordered_uuid({1'700'000'000'000'000});
    const Uuid late = time_ordered_uuid({1'700'000'000'001'000});
    EXPECT_LT(early, late);
    EXPECT_EQ(to_string(early).substr(0, 15), "018bcfe5-6800-7");
    EXPECT_EQ(early.bytes[8] >> 6, 2);
}

}  // namespace
}  // namespace consilia::core
