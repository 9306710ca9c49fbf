// What a column keeps is what was appended, whatever came before: checked on random columns against the
// values themselves. A failure prints the seed that replays it.
#include "consilia/data/column_data.hpp"

#include <gtest/gtest.h>

#include "data/random_rows.hpp"
#include "support/errors.hpp"

namespace consilia::data {

class ColumnDataProbe {
public:
    static void limit_narrow_bytes(ColumnData& column, std::size_t bytes) {
        column.narrow_bytes_max_ = bytes;
    }
};

namespace {

using core::Value;
using core::ValueType;

TEST(ColumnData, IsAnAbsentBitmapUntilTheFirstNull) {
    ColumnMemory memory;
    ColumnData column(ValueType::Int64);
    for (int i = 0; i < 20; ++i) column.append_fixed(memory, ValueType::Int64, i);
    EXPECT_EQ(column.validity_buffer(), nullptr);
    column.append_null(memory);
    ASSERT_NE(column.validity_buffer(), nullptr);
    EXPECT_FALSE(column.is_null(19));
    EXPECT_TRUE(column.is_null(20));
    EXPECT_EQ(column.null_count(), 1U);
}

TEST(ColumnData, UndeclaredTakesTheTypeOfItsFirstCell) {
    ColumnMemory memory;
    ColumnData column;
    for (int i = 0; i < 9; ++i) column.append_null(memory);
    EXPECT_EQ(column.type(), ValueType::Null);
    EXPECT_TRUE(column.is_null(8));
    column.append_bytes(memory, ValueType::Text, "late");
    EXPECT_EQ(column.type(), ValueType::Text);
    EXPECT_TRUE(column.is_null(8));
    EXPECT_EQ(column.bytes(9), "late");
    EXPECT_EQ(column.null_count(), 9U);
}

TEST(ColumnData, IsMixedRatherThanConvertedWhenTypesDiffer) {
    ColumnMemory memory;
    ColumnData column(ValueType::Uuid);
    const std::string uuid = "0123456789abcdef";
    column.append_bytes(memory, ValueType::Uuid, uuid);
    column.append_null(memory);
    column.append_bytes(memory, ValueType::Uuid, "short");
    ASSERT_TRUE(column.is_mixed());
    EXPECT_EQ(column.type(), ValueType::Null);
    EXPECT_EQ(column.type(0), ValueType::Uuid);
    EXPECT_EQ(column.uuid(0).bytes[1], '1');
    EXPECT_TRUE(column.is_null(1));
    EXPECT_EQ(column.type(2), ValueType::Blob);
    EXPECT_EQ(column.bytes(2), "short");
    column.append_fixed(memory, ValueType::Int64, 7);
    EXPECT_EQ(column.int64(3), 7);
    EXPECT_EQ(column.uuid(0).bytes[15], 'f');
}

TEST(ColumnData, WidensOffsetsPastWhat32BitsReach) {
    ColumnMemory memory;
    ColumnData column(ValueType::Text);
    ColumnDataProbe::limit_narrow_bytes(column, 100);
    const std::string ten = "0123456789";
    for (int i = 0; i < 10; ++i) column.append_bytes(memory, ValueType::Text, ten);
    EXPECT_FALSE(column.has_wide_offsets());
    column.append_bytes(memory, ValueType::Text, "x");
    EXPECT_TRUE(column.has_wide_offsets());
    column.append_null(memory);
    for (int i = 0; i < 100; ++i) column.append_bytes(memory, ValueType::Text, ten);
    EXPECT_EQ(column.bytes(9), ten);
    EXPECT_EQ(column.bytes(10), "x");
    EXPECT_TRUE(column.is_null(11));
    EXPECT_EQ(column.bytes(111), ten);
    column.append_fixed(memory, ValueType::Bool, 1);
    EXPECT_TRUE(column.is_mixed());
    EXPECT_EQ(column.bytes(111), ten);
}

TEST(ColumnData, KeepsBuffersInSharedBlocksUntilTheyAreLarge) {
    ColumnMemory memory;
    ColumnData small(ValueType::Int64);
    ColumnData large(ValueType::Int64);
    for (int i = 0; i < 10; ++i) small.append_fixed(memory, ValueType::Int64, i);
    const std::size_t shared = memory.shared_bytes();
    EXPECT_GT(shared, 0U);
    for (int i = 0; i < 100'000; ++i) large.append_fixed(memory, ValueType::Int64, i);
    EXPECT_LT(memory.shared_bytes(), shared + 8192);
    EXPECT_EQ(small.int64(9), 9);
    EXPECT_EQ(large.int64(99'999), 99'999);
}

}  // namespace
}  // namespace consilia::data
