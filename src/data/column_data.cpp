#include "consilia/data/column_data.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

constexpr std::size_t kBlockBytes = 8192;       // Of a shared block, unless more is expected.
constexpr std::size_t kFirstBlockBytes = 2048;  // Holds one row of a dozen columns.
constexpr std::size_t kFirstRows = 8;
constexpr std::size_t kFirstBytesPerRow = 16;

void* checked(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

struct alignas(ColumnMemory::kAlignment) ColumnMemory::Block {
    Block* next = nullptr;
};

void ColumnMemory::Buffer::free_own() noexcept {
    std::free(data_);
}

ColumnMemory::ColumnMemory(ColumnMemory&& other) noexcept
    : blocks_(std::exchange(other.blocks_, nullptr)),
      free_(std::exchange(other.free_, nullptr)),
      free_bytes_(std::exchange(other.free_bytes_, 0)),
      shared_bytes_(std::exchange(other.shared_bytes_, 0)),
      expected_rows_(other.expected_rows_),
      expected_bytes_(other.expected_bytes_) {}

ColumnMemory& ColumnMemory::operator=(ColumnMemory&& other) noexcept {
    std::swap(blocks_, other.blocks_);
    std::swap(free_, other.free_);
    std::swap(free_bytes_, other.free_bytes_);
    std::swap(shared_bytes_, other.shared_bytes_);
    std::swap(expected_rows_, other.expected_rows_);
    std::swap(expected_bytes_, other.expected_bytes_);
    return *this;
}

ColumnMemory::~ColumnMemory() {
    while (blocks_ != nullptr) std::free(std::exchange(blocks_, blocks_->next));
}

void ColumnMemory::expect(std::size_t rows, std::size_t bytes) noexcept {
    expected_rows_ = rows;
    expected_bytes_ = bytes;
}

void ColumnMemory::add_block(std::size_t bytes) {
    const std::size_t usual = blocks_ != nullptr ? kBlockBytes : std::max(kFirstBlockBytes, expected_bytes_);
    free_bytes_ = std::max(usual, bytes) / kAlignment * kAlignment;
    void* memory = std::malloc(sizeof(Block) + free_bytes_);
    if (memory == nullptr) free_bytes_ = 0;
    blocks_ = ::new (checked(memory)) Block{blocks_};
    free_ = reinterpret_cast<std::byte*>(blocks_ + 1);
}

void ColumnMemory::grow(Buffer& buffer, std::size_t used, std::size_t wanted) {
    const std::size_t capacity = rounded(std::max(wanted, buffer.capacity_ * 2));
    if (buffer.is_own_) {  // Large blocks are remapped, not copied.
        buffer.data_ = static_cast<std::byte*>(checked(std::realloc(buffer.data_, capacity)));
    } else {
        const bool is_own = capacity > kSharedMax;
        auto* data = is_own ? static_cast<std::byte*>(checked(std::malloc(capacity))) : take(capacity);
        if (used != 0) std::memcpy(data, buffer.data_, used);
        buffer.data_ = data;
        buffer.is_own_ = is_own;
    }
    buffer.capacity_ = capacity;
}

ColumnData::Layout ColumnData::layout_of(ValueType type) noexcept {
    switch (type) {
        case ValueType::Null:
            return Layout::None;
        case ValueType::Bool:
            return Layout::Bits;
        case ValueType::Date:
            return Layout::Days;
        case ValueType::Int64:
        case ValueType::Double:
        case ValueType::Timestamp:
            return Layout::Eight;
        case ValueType::Uuid:
            return Layout::Sixteen;
        case ValueType::Text:
        case ValueType::Blob:
        case ValueType::Json:
            return Layout::Offsets32;
    }
    return Layout::None;
}

std::size_t ColumnData::values_size(Layout layout, std::size_t rows) noexcept {
    switch (layout) {
        case Layout::None:
            return 0;
        case Layout::Bits:
            return (rows + 7) / 8;
        case Layout::Days:
            return rows * sizeof(std::int32_t);
        case Layout::Eight:
            return rows * sizeof(std::int64_t);
        case Layout::Sixteen:
        case Layout::Mixed:
            return rows * 16;
        case Layout::Offsets32:
            return (rows + 1) * sizeof(std::int32_t);
        case Layout::Offsets64:
            return (rows + 1) * sizeof(std::int64_t);
    }
    return 0;
}

void ColumnData::grow_bits(ColumnMemory& memory, ColumnMemory::Buffer& bits, std::size_t rows) const {
    const std::size_t used = bits.data() == nullptr ? 0 : (size_ + 7) / 8;
    memory.grow(bits, used, (rows + 7) / 8);
    std::memset(bits.data() + used, 0, bits.capacity() - used);  // Bits are set, never cleared.
}

void ColumnData::reserve(ColumnMemory& memory, std::size_t rows, const Extent& extent) {
    if (layout_ == Layout::None || rows == 0) return;
    memory.start(values_, values_size(layout_, rows));
    if (layout_ == Layout::Bits) std::memset(values_.data(), 0, values_.capacity());
    if (layout_ == Layout::Offsets32) {
        *values_.as<std::int32_t>() = 0;
        if (extent.bytes != 0) memory.start(bytes_, extent.bytes);
    }
    if (extent.has_nulls) {
        memory.start(validity_, (rows + 7) / 8);
        std::memset(validity_.data(), 0, validity_.capacity());
    }
    capacity_ = rows;
}

/// Makes room for `rows`, or for the next step of growth.
void ColumnData::grow(ColumnMemory& memory, std::size_t rows) {
    static_assert(sizeof(Cell) == 16);
    const std::size_t first = memory.expected_rows() == 0 ? kFirstRows : memory.expected_rows();
    rows = std::max(rows, capacity_ == 0 ? first : capacity_ * 2);
    if (layout_ == Layout::Bits) {
        grow_bits(memory, values_, rows);
    } else {
        const bool is_new = values_.data() == nullptr;
        memory.grow(values_, is_new ? 0 : values_size(layout_, size_), values_size(layout_, rows));
        if (is_new && layout_ == Layout::Offsets32) *values_.as<std::int32_t>() = 0;
    }
    if (validity_.data() != nullptr) grow_bits(memory, validity_, rows);
    capacity_ = rows;
}

bool ColumnData::admits(ColumnMemory& memory, ValueType type) {
    if (layout_ == Layout::Mixed) return false;
    if (type == type_) return true;
    if (layout_ != Layout::None) {
        become_mixed(memory);
        return false;
    }
    type_ = type;
    layout_ = layout_of(type);
    if (size_ != 0) {  // All null until now.
        const std::size_t nulls = std::exchange(size_, 0);
        grow(memory, nulls + 1);
        grow_bits(memory, validity_, capacity_);
        std::memset(values_.data(), 0, values_size(layout_, nulls));
        size_ = nulls;
    }
    return true;
}

void ColumnData::become_mixed(ColumnMemory& memory) {
    ColumnMemory::Buffer cells;
    const std::size_t capacity = std::max(capacity_, size_ + 1);
    memory.grow(cells, 0, values_size(Layout::Mixed, capacity));
    for (std::size_t row = 0; row < size_; ++row) {
        Cell cell{type(row), 0, 0};
        if (cell.type == ValueType::Null) {
        } else if (layout_ == Layout::Days) {
            cell.bits = date(row).days;
        } else if (layout_ == Layout::Sixteen) {
            const core::Uuid stored = uuid(row);
            cell.bits = static_cast<std::int64_t>(bytes_size_);
            cell.size = sizeof stored.bytes;
            add_bytes(memory, {reinterpret_cast<const char*>(stored.bytes.data()), sizeof stored.bytes});
        } else if (layout_ == Layout::Offsets32 || layout_ == Layout::Offsets64) {
            const std::string_view stored = bytes(row);
            cell.bits = stored.data() - bytes_.as<const char>();
            cell.size = static_cast<std::uint32_t>(stored.size());
        } else {
            cell.bits = int64(row);
        }
        ::new (cells.data() + row * sizeof(Cell)) Cell(cell);
    }
    values_ = std::move(cells);
    validity_ = {};
    layout_ = Layout::Mixed;
    type_ = ValueType::Null;
    capacity_ = capacity;
}

void ColumnData::widen_offsets(ColumnMemory& memory) {
    ColumnMemory::Buffer wide;
    memory.grow(wide, 0, values_size(Layout::Offsets64, capacity_));
    std::copy_n(values_.as<const std::int32_t>(), size_ + 1, wide.as<std::int64_t>());
    values_ = std::move(wide);
    layout_ = Layout::Offsets64;
}

void ColumnData::add_bytes(ColumnMemory& memory, std::string_view bytes) {
    if (bytes_size_ + bytes.size() > bytes_.capacity()) {
        const std::size_t first = bytes_.data() == nullptr ? capacity_ * kFirstBytesPerRow : 0;
        memory.grow(bytes_, bytes_size_, std::max(bytes_size_ + bytes.size(), first));
    }
    if (!bytes.empty()) std::memcpy(bytes_.data() + bytes_size_, bytes.data(), bytes.size());
    bytes_size_ += bytes.size();
}

void ColumnData::append_null_slowly(ColumnMemory& memory) {
    if (layout_ != Layout::None) {
        make_room(memory);
        if (layout_ != Layout::Mixed && validity_.data() == nullptr) {
            grow_bits(memory, validity_, capacity_);
            std::memset(validity_.data(), 0xFF, size_ / 8);
            for (std::size_t row = size_ / 8 * 8; row < size_; ++row) set_bit(validity_, row);
        }
        switch (layout_) {
            case Layout::None:
            case Layout::Bits:
                break;
            case Layout::Days:
                values_.as<std::int32_t>()[size_] = 0;
                break;
            case Layout::Eight:
                values_.as<std::int64_t>()[size_] = 0;
                break;
            case Layout::Sixteen:
            case Layout::Mixed:
                std::memset(values_.data() + size_ * 16, 0, 16);
                break;
            case Layout::Offsets32:
                values_.as<std::int32_t>()[size_ + 1] = static_cast<std::int32_t>(bytes_size_);
                break;
            case Layout::Offsets64:
                values_.as<std::int64_t>()[size_ + 1] = static_cast<std::int64_t>(bytes_size_);
                break;
        }
    }
    ++null_count_;
    ++size_;
}

void ColumnData::append_slowly(ColumnMemory& memory, ValueType type, std::int64_t bits) {
    const bool is_typed = admits(memory, type);
    make_room(memory);
    if (!is_typed) {
        values_.as<Cell>()[size_++] = {type, 0, bits};
        return;
    }
    if (layout_ == Layout::Bits) {
        if (bits != 0) set_bit(values_, size_);
    } else if (layout_ == Layout::Days) {
        values_.as<std::int32_t>()[size_] = static_cast<std::int32_t>(bits);
    } else {
        values_.as<std::int64_t>()[size_] = bits;
    }
    end_cell();
}

void ColumnData::append_slowly(ColumnMemory& memory, ValueType type, std::string_view bytes) {
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw core::ResourceExhausted("row.too_large", "a cell holds more than 4 GiB");
    }
    if (type == ValueType::Uuid && bytes.size() != sizeof(core::Uuid)) type = ValueType::Blob;
    const bool is_typed = admits(memory, type);
    make_room(memory);
    if (!is_typed) {
        const Cell cell{type, static_cast<std::uint32_t>(bytes.size()),
                        static_cast<std::int64_t>(bytes_size_)};
        add_bytes(memory, bytes);
        values_.as<Cell>()[size_++] = cell;
        return;
    }
    if (layout_ == Layout::Sixteen) {
        std::memcpy(values_.data() + size_ * sizeof(core::Uuid), bytes.data(), sizeof(core::Uuid));
    } else {
        add_bytes(memory, bytes);
        if (layout_ == Layout::Offsets32 && bytes_size_ > narrow_bytes_max_) widen_offsets(memory);
        if (layout_ == Layout::Offsets32) {
            values_.as<std::int32_t>()[size_ + 1] = static_cast<std::int32_t>(bytes_size_);
        } else {
            values_.as<std::int64_t>()[size_ + 1] = static_cast<std::int64_t>(bytes_size_);
        }
    }
    end_cell();
}

}  // namespace consilia::data
