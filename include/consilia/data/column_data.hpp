#pragma once
// One column of a result, laid out as Arrow has it: what a RowSet is made of, and the fast way to read it.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {

/// Where the columns of one result take their memory: small buffers share blocks, a large one has its own, so
/// that a page costs two or three allocations and a long result grows without copying its neighbours.
class CONSILIA_API ColumnMemory {
public:
    static constexpr std::size_t kAlignment = 16;
    /// Bytes that may grow, aligned. Empty buffers have no address.
    class CONSILIA_API Buffer {
    public:
        Buffer() = default;
        Buffer(Buffer&& other) noexcept
            : data_(std::exchange(other.data_, nullptr)),
              capacity_(std::exchange(other.capacity_, 0)),
              is_own_(std::exchange(other.is_own_, false)) {}
        Buffer& operator=(Buffer&& other) noexcept {
            std::swap(data_, other.data_);
            std::swap(capacity_, other.capacity_);
            std::swap(is_own_, other.is_own_);
            return *this;
        }
        ~Buffer() {
            if (is_own_) free_own();
        }
        [[nodiscard]] std::byte* data() const noexcept { return data_; }
        [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
        template <class T>
        [[nodiscard]] T* as() const noexcept {
            return reinterpret_cast<T*>(data_);
        }

    private:
        friend class ColumnMemory;
        void free_own() noexcept;
        std::byte* data_ = nullptr;
        std::size_t capacity_ = 0;
        bool is_own_ = false;  ///< Not part of a shared block.
    };

    ColumnMemory() = default;
    ColumnMemory(ColumnMemory&& other) noexcept;
    ColumnMemory& operator=(ColumnMemory&& other) noexcept;
    ~ColumnMemory();

    /// Makes room for `wanted` bytes or more, and keeps the first `used`. @throws std::bad_alloc.
    void grow(Buffer& buffer, std::size_t used, std::size_t wanted);
    /// As `grow`, of an empty buffer: most often there is room in a block, and that is all.
    void start(Buffer& buffer, std::size_t wanted) {
        const std::size_t capacity = rounded(wanted);
        if (capacity > free_bytes_ || capacity > kSharedMax) return grow(buffer, 0, wanted);
        buffer.data_ = take(capacity);
        buffer.capacity_ = capacity;
    }
    /// What a result like this is expected to take: rows, and bytes of shared blocks.
    void expect(std::size_t rows, std::size_t bytes) noexcept;
    [[nodiscard]] std::size_t expected_rows() const noexcept { return expected_rows_; }
    /// Bytes given out from shared blocks, those that were outgrown included.
    [[nodiscard]] std::size_t shared_bytes() const noexcept { return shared_bytes_; }

private:
    struct Block;
    static constexpr std::size_t kSharedMax = 4096;  ///< A larger buffer has its own allocation.
    static constexpr std::size_t rounded(std::size_t bytes) noexcept {
        return (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    std::byte* take(std::size_t bytes) {
        if (bytes > free_bytes_) add_block(bytes);
        free_bytes_ -= bytes;
        shared_bytes_ += bytes;
        return std::exchange(free_, free_ + bytes);
    }
    void add_block(std::size_t bytes);

    Block* blocks_ = nullptr;  ///< Newest first.
    std::byte* free_ = nullptr;
    std::size_t free_bytes_ = 0;
    std::size_t shared_bytes_ = 0;
    std::size_t expected_rows_ = 0;
    std::size_t expected_bytes_ = 0;
};

/// The cells of one column, contiguous: a bitmap of what is not null (it may be absent while nothing is), and
/// int64, double, int32 days, bits, 16-byte identifiers, or offsets into bytes.
///
/// A column takes the declared type, or that of its first cell. When a later cell has another type the column
/// becomes *mixed*: each cell keeps its own type, and nothing is converted. Readers here check nothing: `row`
/// must be below `size()` and `type(row)` the one that is read. Threading: compatible.
class CONSILIA_API ColumnData {
public:
    explicit ColumnData(core::ValueType declared = core::ValueType::Null) noexcept
        : type_(declared), layout_(layout_of(declared)) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Of all cells that are not null; Null: undeclared and without such a cell, or mixed.
    [[nodiscard]] core::ValueType type() const noexcept { return type_; }
    [[nodiscard]] bool is_mixed() const noexcept { return layout_ == Layout::Mixed; }
    [[nodiscard]] std::size_t null_count() const noexcept { return null_count_; }

    [[nodiscard]] bool is_null(std::size_t row) const noexcept {
        if (layout_ == Layout::Mixed) return cell(row).type == core::ValueType::Null;
        return null_count_ != 0 && (validity_.data() == nullptr || !bit(validity_, row));
    }
    [[nodiscard]] core::ValueType type(std::size_t row) const noexcept {
        if (layout_ == Layout::Mixed) return cell(row).type;
        return is_null(row) ? core::ValueType::Null : type_;
    }
    /// Integers, bools (0 or 1) and timestamps (microseconds).
    [[nodiscard]] std::int64_t int64(std::size_t row) const noexcept {
        if (layout_ == Layout::Mixed) return cell(row).bits;
        return layout_ == Layout::Bits ? std::int64_t{bit(values_, row)} : values_.as<std::int64_t>()[row];
    }
    /// Doubles.
    [[nodiscard]] double number(std::size_t row) const noexcept {
        if (layout_ == Layout::Mixed) return std::bit_cast<double>(cell(row).bits);
        return values_.as<double>()[row];
    }
    [[nodiscard]] core::Date date(std::size_t row) const noexcept {
        if (layout_ == Layout::Mixed) return {static_cast<std::int32_t>(cell(row).bits)};
        return {values_.as<std::int32_t>()[row]};
    }
    [[nodiscard]] core::Uuid uuid(std::size_t row) const noexcept {
        core::Uuid uuid;
        const std::byte* stored = layout_ == Layout::Mixed ? bytes_.data() + cell(row).bits
                                                           : values_.data() + row * sizeof(core::Uuid);
        std::memcpy(uuid.bytes.data(), stored, sizeof uuid.bytes);
        return uuid;
    }
    /// Text, JSON and blobs; lives as long as the column stays unchanged.
    [[nodiscard]] std::string_view bytes(std::size_t row) const noexcept {
        const char* all = bytes_.as<const char>();
        if (layout_ == Layout::Offsets32) return slice(all, values_.as<const std::int32_t>() + row);
        if (layout_ == Layout::Offsets64) return slice(all, values_.as<const std::int64_t>() + row);
        return {all + cell(row).bits, cell(row).size};
    }

    /// The buffers as Arrow has them; of a mixed column they have no meaning. A buffer without content may be
    /// absent (nullptr).
    [[nodiscard]] const std::byte* validity_buffer() const noexcept { return validity_.data(); }
    [[nodiscard]] const std::byte* values_buffer() const noexcept { return values_.data(); }
    [[nodiscard]] const std::byte* bytes_buffer() const noexcept { return bytes_.data(); }
    /// Whether offsets have 64 bits: the column holds more than 2 GiB.
    [[nodiscard]] bool has_wide_offsets() const noexcept { return layout_ == Layout::Offsets64; }

    /// What a column took besides its values.
    struct Extent {
        std::size_t bytes = 0;  ///< Of texts and blobs.
        bool has_nulls = false;
    };
    [[nodiscard]] Extent extent() const noexcept { return {bytes_size_, null_count_ != 0}; }
    /// Makes room in an empty column. @throws std::bad_alloc.
    void reserve(ColumnMemory& memory, std::size_t rows, const Extent& extent);
    /// Appends one cell; `memory` is the same for all cells of a column. @throws std::bad_alloc, after which
    /// the column can only be destroyed.
    void append_null(ColumnMemory& memory) {
        if (layout_ != Layout::Eight || validity_.data() == nullptr || size_ >= capacity_)
            return append_null_slowly(memory);
        values_.as<std::int64_t>()[size_] = 0;  // Its bit is clear already.
        ++null_count_;
        ++size_;
    }
    /// Integers, bools, microseconds, days, and the bits of a double.
    void append_fixed(ColumnMemory& memory, core::ValueType type, std::int64_t bits) {
        if (type == type_ && layout_ == Layout::Eight && size_ < capacity_) {
            values_.as<std::int64_t>()[size_] = bits;
            end_cell();
        } else if (type == type_ && layout_ == Layout::Bits && size_ < capacity_) {
            if (bits != 0) set_bit(values_, size_);
            end_cell();
        } else {
            append_slowly(memory, type, bits);
        }
    }
    /// Text, JSON, blobs and identifiers. Bytes that are not an identifier's 16 are kept as a blob.
    /// @throws ResourceExhausted (`row.too_large`) above 4 GiB.
    void append_bytes(ColumnMemory& memory, core::ValueType type, std::string_view bytes) {
        const std::size_t end = bytes_size_ + bytes.size();
        if (type == type_ && layout_ == Layout::Offsets32 && size_ < capacity_ && end <= bytes_.capacity() &&
            end <= narrow_bytes_max_) {
            if (!bytes.empty()) std::memcpy(bytes_.data() + bytes_size_, bytes.data(), bytes.size());
            bytes_size_ = end;
            values_.as<std::int32_t>()[size_ + 1] = static_cast<std::int32_t>(end);
            end_cell();
        } else {
            append_slowly(memory, type, bytes);
        }
    }

private:
    friend class ColumnDataProbe;  // Tests lower the limit of 32-bit offsets.

    enum class Layout : std::uint8_t { None, Bits, Days, Eight, Sixteen, Offsets32, Offsets64, Mixed };
    struct Cell {  // Of a mixed column.
        core::ValueType type = core::ValueType::Null;
        std::uint32_t size = 0;  ///< In `bytes_`.
        std::int64_t bits = 0;   ///< The number itself, or where its bytes begin.
    };

    static Layout layout_of(core::ValueType type) noexcept;
    static std::size_t values_size(Layout layout, std::size_t rows) noexcept;
    static bool bit(const ColumnMemory::Buffer& bits, std::size_t at) noexcept {
        return (std::to_integer<unsigned>(bits.data()[at / 8]) >> (at % 8) & 1U) != 0;
    }
    static void set_bit(const ColumnMemory::Buffer& bits, std::size_t at) noexcept {
        bits.data()[at / 8] |= std::byte{1} << (at % 8);
    }
    template <class Offset>
    static std::string_view slice(const char* all, const Offset* from) noexcept {
        return {all + from[0], static_cast<std::size_t>(from[1] - from[0])};
    }
    [[nodiscard]] const Cell& cell(std::size_t row) const noexcept { return values_.as<const Cell>()[row]; }
    void end_cell() noexcept {
        if (validity_.data() != nullptr) set_bit(validity_, size_);
        ++size_;
    }
    void make_room(ColumnMemory& memory) {
        if (size_ >= capacity_) grow(memory, 0);
    }
    void grow(ColumnMemory& memory, std::size_t rows);
    void grow_bits(ColumnMemory& memory, ColumnMemory::Buffer& bits, std::size_t rows) const;
    /// Whether cells of this type are stored as such; else the column is mixed from here on.
    bool admits(ColumnMemory& memory, core::ValueType type);
    void become_mixed(ColumnMemory& memory);
    void widen_offsets(ColumnMemory& memory);
    void add_bytes(ColumnMemory& memory, std::string_view bytes);
    void append_null_slowly(ColumnMemory& memory);
    void append_slowly(ColumnMemory& memory, core::ValueType type, std::int64_t bits);
    void append_slowly(ColumnMemory& memory, core::ValueType type, std::string_view bytes);

    core::ValueType type_;
    Layout layout_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;  ///< Rows that have room in values and validity.
    std::size_t null_count_ = 0;
    std::size_t bytes_size_ = 0;
    std::size_t narrow_bytes_max_ = 0x7FFF'FFFF;  ///< What 32-bit offsets reach.
    ColumnMemory::Buffer validity_;
    ColumnMemory::Buffer values_;
    ColumnMemory::Buffer bytes_;
};

}  // namespace consilia::data
