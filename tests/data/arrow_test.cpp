// What is exported is what is imported again, buffers are shared and released once (the address sanitizer
// counts), and arrays that others make are read as the specification has them.
#include "consilia/data/arrow.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "data/random_rows.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;
using core::ValueType;

/// A schema and an array, released at the end unless somebody took them over.
struct Exported {
    ArrowSchema schema{};
    ArrowArray array{};
    Exported() = default;
    explicit Exported(RowSet rows) { export_arrow(std::move(rows), &schema, &array); }
    Exported(const Exported&) = delete;
    Exported& operator=(const Exported&) = delete;
    ~Exported() {
        if (schema.release != nullptr) schema.release(&schema);
        if (array.release != nullptr) array.release(&array);
    }
};

RowSet one_of_each() {
    RowSet rows({{"xray.id", ValueType::Int64},
                 {"text", ValueType::Text},
                 {"when", ValueType::Timestamp},
                 {"uuid", ValueType::Uuid},
                 {"json", ValueType::Json},
                 {"unknown", {}}});
    for (int i = 0; i < 3; ++i) {
        rows.append_int64(ValueType::Int64, i);
        i == 1 ? rows.append_null() : rows.append_bytes(ValueType::Text, "text");
        rows.append_int64(ValueType::Timestamp, 1'000'000 * i);
        rows.append_uuid(core::Uuid{});
        rows.append_bytes(ValueType::Json, "[]");
        rows.append_null();
    }
    return rows;
}

/// An array over memory of the test, as another library would make it; nothing to release.
struct Foreign {
    std::vector<const void*> buffers;
    ArrowSchema field{};
    ArrowArray cells{};
    ArrowSchema* fields = &field;
    ArrowArray* columns = &cells;
    ArrowSchema schema{};
    ArrowArray array{};
    int released = 0;

    Foreign(const char* format, std::int64_t length, std::vector<const void*> given, std::int64_t offset = 0)
        : buffers(std::move(given)) {
        field.format = format;
        field.name = "c";
        cells.length = length;
        cells.null_count = -1;
        cells.offset = offset;
        cells.n_buffers = static_cast<std::int64_t>(buffers.size());
        cells.buffers = buffers.data();
        schema.format = "+s";
        schema.n_children = array.n_children = 1;
        schema.children = &fields;
        array.children = &columns;
        array.length = length;
        schema.private_data = array.private_data = &released;
        schema.release = count<ArrowSchema>;
        array.release = count<ArrowArray>;
    }
    Foreign(const Foreign&) = delete;
    Foreign& operator=(const Foreign&) = delete;

    template <class Struct>
    static void count(Struct* given) {
        ++*static_cast<int*>(given->private_data);
        given->release = nullptr;
    }
    RowSet rows() { return rows_of_arrow(&array, &schema); }
};

TEST(Arrow, ExportsNamesTypesAndNulls) {
    const Exported exported(one_of_each());
    ASSERT_STREQ(exported.schema.format, "+s");
    ASSERT_EQ(exported.schema.n_children, 6);
    ASSERT_EQ(exported.array.n_children, 6);
    const std::vector<std::string> formats = {"l", "u", "tsu:UTC", "w:16", "u", "n"};
    for (std::size_t i = 0; i < formats.size(); ++i) {
        EXPECT_EQ(exported.schema.children[i]->format, formats[i]);
        EXPECT_EQ(exported.schema.children[i]->flags, ARROW_FLAG_NULLABLE);
        EXPECT_EQ(exported.array.children[i]->length, 3);
    }
    EXPECT_STREQ(exported.schema.children[0]->name, "xray.id");
    EXPECT_EQ(exported.array.children[0]->buffers[0], nullptr) << "no nulls, no bitmap";
    EXPECT_EQ(exported.array.children[1]->null_count, 1);
    EXPECT_EQ(static_cast<const std::uint8_t*>(exported.array.children[1]->buffers[0])[0], 0b101);
    EXPECT_EQ(exported.array.children[5]->n_buffers, 0);
}

TEST(Arrow, SharesTheBuffersOfTheRows) {
    const auto rows = std::make_shared<const RowSet>(one_of_each());
    Exported exported;
    export_arrow(rows, &exported.schema, &exported.array);
    EXPECT_EQ(exported.array.children[0]->buffers[1], rows->int64s(0).data());
    EXPECT_EQ(exported.array.children[1]->buffers[2], rows->column(1).bytes_buffer());
    EXPECT_GT(rows.use_count(), 1);
    exported.array.release(&exported.array);
    EXPECT_EQ(rows.use_count(), 1);
    EXPECT_EQ(exported.array.release, nullptr);
}

TEST(Arrow, ChildrenOutliveTheirParentWhenTheyAreMovedOut) {
    ArrowArray column{};
    ArrowSchema field{};
    {
        Exported exported(one_of_each());
        column = *exported.array.children[1];
        exported.array.children[1]->release = nullptr;
        field = *exported.schema.children[1];
        exported.schema.children[1]->release = nullptr;
    }
    EXPECT_STREQ(field.name, "text");
    EXPECT_EQ(std::memcmp(column.buffers[2], "text", 4), 0);
    column.release(&column);
    field.release(&field);
}

TEST(Arrow, ExportsRowsWithoutRowsOrColumns) {
    Exported nothing{RowSet()};
    EXPECT_EQ(nothing.array.n_children, 0);
    Exported no_rows(RowSet({{"a", ValueType::Text}, {"b", ValueType::Date}, {"c", {}}}));
    ASSERT_EQ(no_rows.array.children[0]->n_buffers, 3);
    ASSERT_NE(no_rows.array.children[0]->buffers[1], nullptr) << "the one offset of no texts";
    EXPECT_TRUE(rows_of_arrow(&no_rows.array, &no_rows.schema).empty());
}

TEST(Arrow, ExportsMixedNumbersAsDoublesAndRefusesOtherMixtures) {
    RowSet numbers(std::vector<RowColumn>{{"n", {}}});
    numbers.append_int64(ValueType::Int64, 1);
    numbers.append_null();
    numbers.append_double(2.5);
    Exported exported(std::move(numbers));
    const RowSet read = rows_of_arrow(&exported.array, &exported.schema);
    EXPECT_EQ(read.value(0, 0), Value(1.0));
    EXPECT_EQ(read.value(1, 0), Value());
    EXPECT_EQ(read.value(2, 0), Value(2.5));

    const auto code_with = [](const Value& other) {
        RowSet rows(std::vector<RowColumn>{{"n", {}}});
        rows.append_double(1.0);
        rows.append(other);
        return test::code_of([&] { Exported refused(std::move(rows)); });
    };
    EXPECT_EQ(code_with("text"), "arrow.mixed_column");
    EXPECT_EQ(code_with((std::int64_t{1} << 53) + 1), "arrow.mixed_column");
    EXPECT_EQ(code_with(-(std::int64_t{1} << 53)), "nothing was thrown");
}

TEST(Arrow, GivesBackAnyRowsThatItWasGiven) {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        test::RandomRows given = test::RowGenerator(seed).rows(false);
        const std::vector<RowColumn> columns(given.rows.columns().begin(), given.rows.columns().end());
        Exported exported(std::move(given.rows));
        const RowSet rows = rows_of_arrow(&exported.array, &exported.schema);
        ASSERT_EQ(rows.size(), given.values.size());
        for (std::size_t column = 0; column < columns.size(); ++column) {
            ASSERT_EQ(rows.columns()[column].name, columns[column].name);
            for (std::size_t row = 0; row < rows.size(); ++row) {
                ASSERT_EQ(rows.value(row, column), given.values[row][column]) << "seed " << seed;
            }
        }
    }
}

TEST(Arrow, StreamsChunksUntilThereAreNone) {
    int left = 3;
    ArrowArrayStream stream{};
    export_arrow(
        [&]() -> std::optional<RowSet> {
            if (left-- == 0) return std::nullopt;
            return one_of_each();
        },
        &stream);
    std::size_t count = 0;
    rows_of_arrow(&stream, [&](const RowSet& rows) { count += rows.size(); });
    EXPECT_EQ(count, 9U);
    EXPECT_EQ(left, -1) << "the end is asked for once";
    EXPECT_EQ(stream.release, nullptr);
}

TEST(Arrow, StreamsNullsUnderTheTypeOfTheFirstChunkAndRefusesAnother) {
    std::vector<Value> cells = {"text", Value(), 7};
    std::size_t next = 0;
    ArrowArrayStream stream{};
    export_arrow(
        [&]() -> std::optional<RowSet> {
            RowSet rows(std::vector<RowColumn>{{"c", {}}});
            rows.append(cells.at(next++));
            return rows;
        },
        &stream);
    std::vector<ValueType> types;
    std::string code;
    try {
        rows_of_arrow(&stream, [&](const RowSet& rows) { types.push_back(rows.column(0).type()); });
    } catch (const core::Error& error) {
        code = error.code();
        EXPECT_STREQ(error.what(), "column `c` has another type than in the first chunk");
    }
    EXPECT_EQ(code, "arrow.stream");
    EXPECT_EQ(types, (std::vector{ValueType::Text, ValueType::Text}));
}

TEST(Arrow, StreamsTheErrorOfTheirSource) {
    ArrowArrayStream stream{};
    export_arrow(
        []() -> std::optional<RowSet> { throw core::StorageError("database.failed", "the disk is gone"); },
        &stream);
    ArrowSchema schema{};
    EXPECT_EQ(stream.get_schema(&stream, &schema), EIO);
    EXPECT_STREQ(stream.get_last_error(&stream), "the disk is gone");
    stream.release(&stream);
    EXPECT_EQ(stream.release, nullptr);
}

TEST(Arrow, ReadsIntegersOfAnyWidthFromAnyOffset) {
    const std::array<std::int8_t, 4> small = {99, -1, 2, 3};
    const std::uint8_t valid = 0b1010;
    Foreign bytes("c", 3, {&valid, small.data()}, 1);
    const RowSet rows = bytes.rows();
    EXPECT_EQ(rows.value(0, 0), Value(-1));
    EXPECT_EQ(rows.value(1, 0), Value());
    EXPECT_EQ(rows.value(2, 0), Value(3));
    EXPECT_EQ(bytes.released, 2) << "array and schema, once each";

    const std::array<std::uint64_t, 2> large = {7, std::uint64_t{1} << 63};
    EXPECT_EQ(Foreign("L", 1, {nullptr, large.data()}).rows().value(0, 0), Value(7));
    Foreign too_large("L", 2, {nullptr, large.data()});
    EXPECT_EQ(test::code_of([&] { (void)too_large.rows(); }), "arrow.range");
    EXPECT_EQ(too_large.released, 2);

    Foreign sliced("C", 3, {nullptr, small.data()});
    sliced.array.offset = 2;  // Of the struct: its children begin earlier.
    sliced.array.length = 1;
    EXPECT_EQ(sliced.rows().value(0, 0), Value(2));
}

TEST(Arrow, ReadsFloatsOfAnyWidth) {
    const std::array<std::uint16_t, 5> halves = {0x3C00, 0xC000, 0x0001, 0x7C00, 0x7BFF};
    const RowSet rows = Foreign("e", 5, {nullptr, halves.data()}).rows();
    EXPECT_EQ(rows.number(0, 0), 1.0);
    EXPECT_EQ(rows.number(1, 0), -2.0);
    EXPECT_EQ(rows.number(2, 0), 0x1p-24);
    EXPECT_EQ(rows.number(3, 0), std::numeric_limits<double>::infinity());
    EXPECT_EQ(rows.number(4, 0), 65504.0);
    const float single = 0.1F;
    EXPECT_EQ(Foreign("f", 1, {nullptr, &single}).rows().number(0, 0), static_cast<double>(0.1F));
}

TEST(Arrow, ReadsTimesOfAnyUnitWithoutRounding) {
    const auto read = [](const char* format, std::int64_t value) {
        return Foreign(format, 1, {nullptr, &value}).rows().value(0, 0);
    };
    EXPECT_EQ(read("tss:", -2), Value(core::Timestamp{-2'000'000}));
    EXPECT_EQ(read("tsm:Europe/Berlin", 2), Value(core::Timestamp{2000}));
    EXPECT_EQ(read("tsn:UTC", -3000), Value(core::Timestamp{-3}));
    EXPECT_EQ(read("tdm", -86'400'000), Value(core::Date{-1}));
    EXPECT_EQ(test::code_of([&] { read("tsn:", 1); }), "arrow.range");
    EXPECT_EQ(test::code_of([&] { read("tss:", std::int64_t{1} << 60); }), "arrow.range");
    EXPECT_EQ(test::code_of([&] { read("tdm", 1); }), "arrow.range");
    EXPECT_EQ(test::code_of([&] { read("tdm", std::int64_t{86'400'000} * 3'000'000'000); }), "arrow.range");
}

TEST(Arrow, ReadsViewsLargeOffsetsAndDictionaries) {
    struct View {
        std::int32_t size = 0;
        std::array<char, 4> prefix{};
        std::int32_t buffer = 0;
        std::int32_t offset = 0;
    };
    const std::string data = "..a text of more than twelve";
    std::array<View, 2> views{};
    views[0] = {26, {'a', ' ', 't', 'e'}, 0, 2};
    views[1].size = 12;
    std::memcpy(views[1].prefix.data(), "twelve bytes", 12);
    const std::int64_t sizes = 28;
    const RowSet texts = Foreign("vu", 2, {nullptr, views.data(), data.data(), &sizes}).rows();
    EXPECT_EQ(texts.text(0, 0), data.substr(2));
    EXPECT_EQ(texts.text(1, 0), "twelve bytes");
    views[0].buffer = 7;
    EXPECT_EQ(test::code_of([&] {
                  Foreign("vu", 2, {nullptr, views.data(), data.data(), &sizes}).rows();
              }),
              "arrow.structure");

    const std::array<std::int64_t, 3> offsets = {0, 1, 3};
    EXPECT_EQ(Foreign("U", 2, {nullptr, offsets.data(), "abc"}).rows().text(1, 0), "bc");

    const std::array<std::int8_t, 3> places = {1, 0, 2};
    Foreign values("U", 2, {nullptr, offsets.data(), "abc"});
    Foreign coded("c", 2, {nullptr, places.data()});
    coded.field.dictionary = &values.field;
    coded.cells.dictionary = &values.cells;
    EXPECT_EQ(coded.rows().text(0, 0), "bc");
    Foreign past("c", 3, {nullptr, places.data()});
    past.field.dictionary = &values.field;
    past.cells.dictionary = &values.cells;
    EXPECT_EQ(test::code_of([&] { (void)past.rows(); }), "arrow.structure");
}

TEST(Arrow, RefusesWhatARowCannotHoldAndNamesTheColumn) {
    const std::int64_t value = 0;
    for (const char* format : {"d:19,10", "tDu", "ttm", "+l", "tiM", "", "tsx:", "w:x", "q"}) {
        Foreign other(format, 1, {nullptr, &value});
        try {
            (void)other.rows();
            ADD_FAILURE() << format;
        } catch (const core::InvalidArgument& error) {
            EXPECT_EQ(error.code(), "arrow.type");
            EXPECT_EQ(error.details().at(0).value, Value("c"));
        }
        EXPECT_EQ(other.released, 2);
    }
}

TEST(Arrow, RefusesStructuresThatDoNotFit) {
    const std::int64_t value = 0;
    const auto code_after = [&](const auto& change) {
        Foreign foreign("l", 1, {nullptr, &value});
        change(foreign);
        return test::code_of([&] { (void)foreign.rows(); });
    };
    const std::uint8_t none = 0;
    const void* invalid = &none;
    EXPECT_EQ(code_after([](Foreign&) {}), "nothing was thrown");
    EXPECT_EQ(code_after([](Foreign& f) { f.schema.format = "l"; }), "arrow.structure");
    EXPECT_EQ(code_after([](Foreign& f) { f.array.n_children = 0; }), "arrow.structure");
    EXPECT_EQ(code_after([](Foreign& f) { f.array.length = 2; }), "arrow.structure");
    EXPECT_EQ(code_after([](Foreign& f) { f.cells.n_buffers = 1; }), "arrow.structure");
    EXPECT_EQ(code_after([](Foreign& f) { f.array.release = nullptr; }), "arrow.structure");
    EXPECT_EQ(code_after([&](Foreign& f) {
                  f.array.n_buffers = 1;
                  f.array.buffers = &invalid;
                  f.array.null_count = 1;
              }),
              "arrow.structure");
}

}  // namespace
}  // namespace consilia::data
