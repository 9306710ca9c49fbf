#include "consilia/data/row_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/core/text.hpp"
#include "consilia/data/database.hpp"
#include "data/random_rows.hpp"
#include "support/errors.hpp"

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

TEST(RowSet, ReadsDatesAsDaysAndKeepsWhatIsNoDayAsText) {
    RowSet rows({{"d", ValueType::Date}});
    rows.append_bytes(ValueType::Date, "2024-02-29");
    rows.append_date(core::Date{-1});
    EXPECT_EQ(rows.date(0, 0), core::Date{19'782});
    ASSERT_EQ(rows.dates(0).size(), 2U);
    EXPECT_EQ(rows.dates(0)[1], core::Date{-1});
    EXPECT_EQ(test::code_of([&] { (void)rows.text(0, 0); }), "row.type");
    EXPECT_EQ(to_json(rows), R"([{"d":"2024-02-29"},{"d":"1969-12-31"}])");
    rows.append_bytes(ValueType::Date, "2023-02-29");
    EXPECT_EQ(rows.text(2, 0), "2023-02-29");
    EXPECT_EQ(rows.date(0, 0), core::Date{19'782});
    EXPECT_EQ(test::code_of([&] { (void)rows.date(2, 0); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.dates(0); }), "row.type");
}

TEST(RowSet, GivesWholeColumnsOfOneTypeOnly) {
    RowSet rows({{"i", ValueType::Int64}, {"t", ValueType::Text}, {"d", ValueType::Double}});
    EXPECT_TRUE(rows.int64s(0).empty());
    rows.append_int64(ValueType::Int64, 5);
    rows.append_null();
    rows.append_double(0.5);
    rows.append_null();
    rows.append_null();
    rows.append_double(1.5);
    rows.append_int64(ValueType::Int64, 9);  // Of a row that is not complete.
    ASSERT_EQ(rows.int64s(0).size(), 2U);
    EXPECT_EQ(rows.int64s(0)[0], 5);
    EXPECT_EQ(rows.int64s(0)[1], 0);
    EXPECT_EQ(rows.doubles(2)[1], 1.5);
    EXPECT_EQ(test::code_of([&] { (void)rows.int64s(1); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.doubles(0); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.uuids(0); }), "row.type");
    EXPECT_EQ(test::code_of([&] { (void)rows.int64s(3); }), "row.range");
}

TEST(RowSet, IsTakenInChunksBetweenRows) {
    RowSet rows({{"i", ValueType::Int64}, {"late", {}}});
    std::vector<RowSet> chunks;
    for (int i = 0; i < 7; ++i) {
        rows.append_int64(ValueType::Int64, i);
        if (i == 1) {
            rows.append_bytes(ValueType::Text, "x");
        } else {
            rows.append_null();
        }
        if (rows.size() == 3) chunks.push_back(rows.take());
    }
    chunks.push_back(rows.take());
    EXPECT_TRUE(rows.empty());
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_EQ(chunks[0].size(), 3U);
    EXPECT_EQ(chunks[1].int64(2, 0), 5);
    EXPECT_EQ(chunks[1].column(1).type(), ValueType::Text) << "the type that the first chunk showed is kept";
    EXPECT_EQ(chunks[2].size(), 1U);
    rows.append_null();
    EXPECT_EQ(test::code_of([&] { (void)rows.take(); }), "row.incomplete");
}

/// The cell as the span of its column has it, where the column has one.
Value spanned(const RowSet& rows, std::size_t row, std::size_t column) {
    if (rows.is_null(row, column)) return {};
    switch (rows.column(column).type()) {
        case ValueType::Int64:
            return rows.int64s(column)[row];
        case ValueType::Timestamp:
            return core::Timestamp{rows.int64s(column)[row]};
        case ValueType::Double:
            return rows.doubles(column)[row];
        case ValueType::Date:
            return rows.dates(column)[row];
        case ValueType::Uuid:
            return rows.uuids(column)[row];
        default:
            return rows.value(row, column);
    }
}

// Values against what is read back, cell by cell and column by column.
TEST(RowSet, GivesBackAnyValuesThatItWasGiven) {
    for (std::uint32_t seed = 0; seed < 500; ++seed) {
        const test::RandomRows given = test::RowGenerator(seed).rows(true);
        const RowSet& rows = given.rows;
        ASSERT_EQ(rows.size(), given.values.size());
        for (std::size_t row = 0; row < rows.size(); ++row) {
            for (std::size_t column = 0; column < rows.columns().size(); ++column) {
                const Value& value = given.values[row][column];
                ASSERT_EQ(rows.value(row, column), value) << "seed " << seed << ", " << row << ", " << column;
                ASSERT_EQ(rows.type(row, column), value.type());
                ASSERT_EQ(spanned(rows, row, column), rows.value(row, column)) << "seed " << seed;
            }
        }
    }
}

/// As `core::to_json`, but for bytes that are no text, and for doubles, of which it may take the second
/// nearest of two shortest forms.
std::string json_of(const Value& value) {
    if (const std::string* text = value.if_as<std::string>()) return json(core::to_valid_utf8(*text)).dump();
    const double* number = value.if_as<double>();
    if (number == nullptr) return core::to_json(value);
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number).ptr;
    std::string shortest(digits.data(), end);
    if (shortest.find_first_of(".e") == std::string::npos) shortest += ".0";
    EXPECT_EQ(json::parse(shortest).get<double>(), *number);
    return shortest;
}

// The writer against one that goes value by value, and both against a parser.
TEST(RowSet, WritesTheJsonThatItsValuesHave) {
    for (std::uint32_t seed = 0; seed < 500; ++seed) {
        const test::RandomRows given = test::RowGenerator(seed).rows(true);
        std::string all = "[";
        for (std::size_t row = 0; row < given.values.size(); ++row) {
            const std::vector<Value>& values = given.values[row];
            std::string expected = "{";
            for (std::size_t i = 0; i < values.size(); ++i) {
                expected += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\":" + json_of(values[i]);
            }
            expected += '}';
            std::string written;
            append_json(written, given.rows, row);
            ASSERT_EQ(written, expected) << "seed " << seed << ", row " << row;
            all += (row == 0 ? "" : ",") + expected;
        }
        const std::string written = to_json(given.rows);
        ASSERT_TRUE(written == all + "]") << "seed " << seed;
        ASSERT_EQ(json::parse(written).size(), given.rows.size());
    }
}

// Texts of every length across the writer's pieces and steps, with one character that needs care at each end.
TEST(RowSet, EscapesAtEveryPlaceOfAText) {
    for (const std::string special : {"\"", "\x1F", "\xC3\xA9", "\xF0\x9F\xA6\x89", "\xC3"}) {
        for (std::size_t size = 0; size < 40; ++size) {
            for (const std::size_t offset : {std::size_t{0}, std::size_t{1010}, std::size_t{16'370}}) {
                const std::string text = std::string(offset + size, 'x') + special + std::string(20, 'y');
                RowSet rows({{"t", ValueType::Text}});
                rows.append_bytes(ValueType::Text, text);
                ASSERT_EQ(to_json(rows), "[{\"t\":" + json(core::to_valid_utf8(text)).dump() + "}]");
            }
        }
    }
}

TEST(RowSet, WritesDaysOutsideFourDigitYearsAsCoreDoes) {
    for (const core::Date day : {core::Date{std::numeric_limits<std::int32_t>::min()}, core::Date{-719'529},
                                 core::Date{-719'528}, core::Date{2'932'896}, core::Date{2'932'897}}) {
        RowSet rows({{"d", ValueType::Date}, {"t", ValueType::Timestamp}});
        rows.append_date(day);
        const core::Timestamp noon{(std::int64_t{day.days} * 86'400 + 43'200) * 1'000'000};
        rows.append_int64(ValueType::Timestamp, day.days < -100'000'000 ? 0 : noon.microseconds);
        const core::Timestamp shown{rows.int64(0, 1)};
        EXPECT_EQ(to_json(rows), "[{\"d\":" + core::to_json(day) + ",\"t\":" + core::to_json(shown) + "}]");
    }
}

}  // namespace
}  // namespace consilia::data
