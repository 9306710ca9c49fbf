#include "consilia/data/row_set.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/data/database.hpp"
#include "data/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;
using core::ValueType;
using nlohmann::json;

RowSet two_rows() {
    RowSet rows({{"id", ValueType::Int64}, {"name", ValueType::Text}});
    rows.append_int64(ValueType::Int64, 1);
    rows.append_bytes(ValueType::Text, "one");
    rows.append_int64(ValueType::Int64, 2);
    rows.append_null();
    return rows;
}

TEST(RowSet, GivesCellsByRowAndColumn) {
    const RowSet rows = two_rows();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.int64(1, 0), 2);
    EXPECT_EQ(rows.text(0, rows.column_index("name")), "one");
    EXPECT_TRUE(rows.is_null(1, 1));
    EXPECT_EQ(rows.value(1, 1), Value());
}

TEST(RowSet, RefusesCellsAndTypesThatAreNotThere) {
    const RowSet rows = two_rows();
    EXPECT_EQ(test::code_of([&] { (void)rows.int64(2, 0); }), "row.range");
    EXPECT_EQ(test::code_of([&] { (void)rows.int64(0, 2); }), "row.range");
    EXPECT_EQ(test::code_of([&] { (void)rows.int64(0, 1); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.text(0, 0); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.number(1, 1); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.column_index("Name"); }), "row.unknown_column");
}

TEST(RowSet, WithoutRowsIsAnEmptyArray) {
    EXPECT_TRUE(RowSet().empty());
    EXPECT_EQ(to_json(RowSet()), "[]");
}

TEST(RowSet, NestsColumnsByTheirPathAndNullsAWholeMissingRow) {
    RowSet rows({{"id", {}}, {"a.x", {}}, {"a.b.y", {}}, {"a.b.z", {}}, {"ab", {}}});
    for (int i = 0; i < 5; ++i) rows.append_int64(ValueType::Int64, i);
    for (int i = 0; i < 2; ++i) rows.append_int64(ValueType::Int64, i);
    for (int i = 0; i < 3; ++i) rows.append_null();
    for (int i = 0; i < 5; ++i) rows.append_null();
    EXPECT_EQ(to_json(rows), R"([{"id":0,"a":{"x":1,"b":{"y":2,"z":3}},"ab":4},)"
                             R"({"id":0,"a":{"x":1,"b":null},"ab":null},{"id":null,"a":null,"ab":null}])");
    std::string one;
    append_json(one, rows, 1);
    EXPECT_EQ(one, R"({"id":0,"a":{"x":1,"b":null},"ab":null})");
}

// Each value is stored, read under its declared type, and written as JSON; a parser reads it back.
TEST(RowSet, WritesJsonThatAParserReadsBack) {
    std::string all_bytes;
    for (char c = 0; c < 0x7F; ++c) all_bytes += c;
    const std::vector<std::pair<Value, json>> cases = {
        {Value(), nullptr},
        {true, true},
        {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min()},
        {0.1, 0.1},
        {1.0, 1.0},
        {-1e300, -1e300},
        {5e-324, 5e-324},
        {std::numeric_limits<double>::infinity(), nullptr},
        {"", ""},
        {all_bytes, all_bytes},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\xA6\x89", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\xA6\x89"},
        {"bad \xC3 byte", "bad \xEF\xBF\xBD byte"},
        {"</script>", "</script>"},
        {core::Date{0}, "1970-01-01"},
        {core::Timestamp{1}, "1970-01-01T00:00:00.000001Z"},
        {core::Json{R"({"a": [1, null]})"}, json{{"a", {1, nullptr}}}},
        {core::Blob{{std::byte{0xFF}}}, "/w=="},
        {core::Uuid{}, "00000000-0000-0000-0000-000000000000"},
    };
    Database database("sqlite::memory:");
    for (const auto& [value, expected] : cases) {
        const RowSet rows = database.query("SELECT ?", std::vector<Value>{value},
                                           std::vector<RowColumn>{{"v", value.type()}});
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_EQ(rows.value(0, 0), value);
        const std::string text = to_json(rows);
        const json parsed = json::parse(text);
        EXPECT_EQ(parsed[0]["v"], expected) << text;
    }
}

TEST(RowSet, UndeclaredColumnsHaveTheTypeThatIsStored) {
    Database database("sqlite::memory:");
    const RowSet rows = database.query("SELECT 1 AS i, 1.5 AS d, 'x' AS t, x'00' AS b, NULL AS n");
    EXPECT_EQ(rows.columns()[2].name, "t");
    EXPECT_EQ(rows.value(0, 0), Value(1));
    EXPECT_EQ(rows.value(0, 1), Value(1.5));
    EXPECT_EQ(rows.value(0, 2), Value("x"));
    EXPECT_EQ(rows.type(0, 3), ValueType::Blob);
    EXPECT_TRUE(rows.is_null(0, 4));
    EXPECT_EQ(test::code_of([&] {
                  (void)database.query("SELECT 1", {}, std::vector<RowColumn>{{"a", {}}, {"b", {}}});
              }),
              "database.columns");
}

}  // namespace
}  // namespace consilia::data
