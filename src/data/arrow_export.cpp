// The producer's side of Arrow's C interfaces.
//
// Each array and each schema owns what it points at through its own `private_data`, children included,
// because a consumer may move a child out and release its parent first.
#include <array>
#include <bit>
#include <cerrno>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/arrow.hpp"
#include "data/arrow_metadata.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

constexpr std::int64_t kExactMax = std::int64_t{1} << 53;  // Beyond, doubles skip integers.

// What a buffer that must exist points at while it is empty; also the one offset of no texts.
alignas(64) constexpr std::array<std::byte, 64> kNothing{};

/// A column's type in Arrow's words.
struct Field {
    std::string_view format = "n";  ///< A literal, so that it ends with a null and lives for ever.
    std::string_view extension{};   ///< Its canonical extension type, if it has one.
    bool operator==(const Field&) const = default;
};

Field field_of(ValueType type, bool is_wide) {
    switch (type) {
        case ValueType::Null:
            return {"n"};
        case ValueType::Bool:
            return {"b"};
        case ValueType::Int64:
            return {"l"};
        case ValueType::Double:
            return {"g"};
        case ValueType::Text:
            return {is_wide ? "U" : "u"};
        case ValueType::Blob:
            return {is_wide ? "Z" : "z"};
        case ValueType::Date:
            return {"tdD"};
        case ValueType::Timestamp:
            return {"tsu:UTC"};
        case ValueType::Uuid:
            return {"w:16", kUuidExtension};
        case ValueType::Json:
            return {is_wide ? "U" : "u", kJsonExtension};
    }
    return {};
}

/// Whether each cell of a mixed column is exactly a double.
bool is_numeric(const ColumnData& column, std::size_t rows) {
    for (std::size_t row = 0; row < rows; ++row) {
        const ValueType type = column.type(row);
        if (type == ValueType::Null || type == ValueType::Double) continue;
        if (type != ValueType::Int64) return false;
        const std::int64_t number = column.int64(row);
        if (number > kExactMax || number < -kExactMax) return false;
    }
    return true;
}

Field field_of(const RowSet& rows, std::size_t index) {
    const ColumnData& column = rows.column(index);
    if (!column.is_mixed()) return field_of(column.type(), column.has_wide_offsets());
    if (is_numeric(column, rows.size())) return field_of(ValueType::Double, false);
    const std::string& name = rows.columns()[index].name;
    throw core::InvalidArgument("arrow.mixed_column",
                                "column `" + name + "` mixes types: select it cast to one of them",
                                {{"column", name}});
}

/// Children, released with their parent unless a consumer has moved them out (their release is then null).
template <class Struct>
class Children {
public:
    explicit Children(std::size_t count) : addresses_(count) { all_.reserve(count); }
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;
    ~Children() {
        for (Struct& child : all_) {
            if (child.release != nullptr) child.release(&child);
        }
    }
    /// There must be room left.
    void add(const Struct& child) noexcept {
        all_.push_back(child);
        addresses_[all_.size() - 1] = &all_.back();
    }
    void give(Struct& parent) noexcept {
        parent.n_children = static_cast<std::int64_t>(all_.size());
        parent.children = all_.empty() ? nullptr : addresses_.data();
    }

private:
    std::vector<Struct> all_;
    std::vector<Struct*> addresses_;
};

struct SchemaContent {
    explicit SchemaContent(std::size_t child_count) : children(child_count) {}
    std::string name;
    std::string metadata;
    Children<ArrowSchema> children;
};

struct ArrayContent {
    explicit ArrayContent(std::size_t child_count) : children(child_count) {}
    std::shared_ptr<const RowSet> rows;
    std::array<const void*, 3> buffers{};
    std::vector<std::uint64_t> made_values;  ///< Of a column that had to be converted, as its validity.
    std::vector<std::uint8_t> made_validity;
    Children<ArrowArray> children;
};

template <class Struct, class Content>
void release(Struct* given) noexcept {
    const std::unique_ptr<Content> content(static_cast<Content*>(given->private_data));
    given->release = nullptr;
}

template <class Struct, class Content>
Struct owning(Struct given, std::unique_ptr<Content> content) noexcept {
    content->children.give(given);
    given.release = release<Struct, Content>;
    given.private_data = content.release();
    return given;
}

ArrowSchema schema_of(const Field& field, std::string name) {
    auto content = std::make_unique<SchemaContent>(0);
    content->name = std::move(name);
    if (!field.extension.empty()) content->metadata = extension_metadata(field.extension);
    ArrowSchema schema{};
    schema.format = field.format.data();
    schema.name = content->name.c_str();
    schema.metadata = content->metadata.empty() ? nullptr : content->metadata.data();
    schema.flags = ARROW_FLAG_NULLABLE;
    return owning(schema, std::move(content));
}

ArrowSchema schema_of(std::span<const Field> fields, std::span<const RowColumn> columns) {
    auto content = std::make_unique<SchemaContent>(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        content->children.add(schema_of(fields[i], columns[i].name));
    }
    ArrowSchema schema{};
    schema.format = "+s";
    schema.name = content->name.c_str();
    return owning(schema, std::move(content));
}

/// Fills the buffers of a column that is mixed, but numbers, with doubles.
void make_doubles(const ColumnData& column, ArrowArray& array, ArrayContent& content) {
    const auto rows = static_cast<std::size_t>(array.length);
    content.made_values.resize(rows);
    content.made_validity.resize(rows / 8 + 1);
    for (std::size_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        const bool is_double = column.type(row) == ValueType::Double;
        const double number = is_double ? column.number(row) : static_cast<double>(column.int64(row));
        content.made_values[row] = std::bit_cast<std::uint64_t>(number);
        content.made_validity[row / 8] |= static_cast<std::uint8_t>(1U << row % 8);
    }
    content.buffers = {content.made_validity.data(), content.made_values.data(), nullptr};
    array.null_count = -1;
}

/// Fills the buffers of a column that has nothing but nulls and no type, where its field has one.
void make_nulls(ArrowArray& array, ArrayContent& content) {
    const auto rows = static_cast<std::size_t>(array.length);
    content.made_values.resize((rows + 1) * 2);  // Of values and offsets up to 16 bytes.
    content.made_validity.resize(rows / 8 + 1);
    content.buffers = {content.made_validity.data(), content.made_values.data(), kNothing.data()};
    array.null_count = array.length;
}

bool has_offsets(const Field& field) noexcept {
    return std::string_view("uUzZ").find(field.format[0]) != std::string_view::npos;
}

ArrowArray array_of(const std::shared_ptr<const RowSet>& rows, std::size_t index, const Field& field) {
    const ColumnData& column = rows->column(index);
    auto content = std::make_unique<ArrayContent>(0);
    ArrowArray array{};
    array.length = static_cast<std::int64_t>(rows->size());
    array.n_buffers = has_offsets(field) ? 3 : 2;
    if (field == Field{}) {
        array.n_buffers = 0;
        array.null_count = array.length;
    } else if (column.is_mixed()) {
        make_doubles(column, array, *content);
    } else if (column.type() == ValueType::Null) {
        make_nulls(array, *content);
    } else {
        const auto present = [](const std::byte* buffer) {
            return buffer == nullptr ? kNothing.data() : buffer;
        };
        content->buffers = {column.validity_buffer(), present(column.values_buffer()),
                            present(column.bytes_buffer())};
        // A row that is being appended has cells that do not count.
        const bool is_whole = column.size() == rows->size();
        array.null_count = is_whole ? static_cast<std::int64_t>(column.null_count()) : -1;
        content->rows = rows;
    }
    array.buffers = content->buffers.data();
    return owning(array, std::move(content));
}

ArrowArray array_of(const std::shared_ptr<const RowSet>& rows, std::span<const Field> fields) {
    auto content = std::make_unique<ArrayContent>(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) content->children.add(array_of(rows, i, fields[i]));
    ArrowArray array{};
    array.length = static_cast<std::int64_t>(rows->size());
    array.n_buffers = 1;
    array.buffers = content->buffers.data();
    return owning(array, std::move(content));
}

std::vector<Field> fields_of(const RowSet& rows) {
    std::vector<Field> fields;
    for (std::size_t i = 0; i < rows.columns().size(); ++i) fields.push_back(field_of(rows, i));
    return fields;
}

/// What a stream of chunks remembers between calls.
class ChunkStream {
public:
    explicit ChunkStream(NextRows next) : next_(std::move(next)) {}

    static int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
        return guarded(stream, [&](ChunkStream& self) {
            self.begin();
            *out = schema_of(self.fields_, self.columns_);
        });
    }
    static int get_next(ArrowArrayStream* stream, ArrowArray* out) {
        return guarded(stream, [&](ChunkStream& self) {
            self.begin();
            std::optional<RowSet> chunk =
                self.first_ ? std::exchange(self.first_, std::nullopt) : self.take_next();
            *out = {};
            if (!chunk) return;
            self.check(*chunk);
            *out = array_of(std::make_shared<const RowSet>(std::move(*chunk)), self.fields_);
        });
    }
    static const char* get_last_error(ArrowArrayStream* stream) {
        const std::string& error = self_of(stream).error_;
        return error.empty() ? nullptr : error.c_str();
    }
    static void release(ArrowArrayStream* stream) {
        const std::unique_ptr<ChunkStream> self(&self_of(stream));
        stream->release = nullptr;
    }

private:
    static ChunkStream& self_of(ArrowArrayStream* stream) noexcept {
        return *static_cast<ChunkStream*>(stream->private_data);
    }
    template <class Body>
    static int guarded(ArrowArrayStream* stream, const Body& body) noexcept {
        ChunkStream& self = self_of(stream);
        try {
            self.error_.clear();
            body(self);
            return 0;
        } catch (const core::InvalidArgument& error) {
            return self.fail(EINVAL, error.what());
        } catch (const std::bad_alloc& error) {
            return self.fail(ENOMEM, error.what());
        } catch (const std::exception& error) {
            return self.fail(EIO, error.what());
        } catch (...) {
            return self.fail(EIO, "unknown error");
        }
    }
    int fail(int code, const char* message) noexcept {
        try {
            error_ = message;
        } catch (const std::bad_alloc&) {
            error_.clear();  // The code says enough.
        }
        return code;
    }
    /// Takes the first chunk, which settles the fields.
    void begin() {
        if (has_begun_) return;
        if (!first_) first_ = take_next();
        if (first_) {
            fields_ = fields_of(*first_);
            columns_.assign(first_->columns().begin(), first_->columns().end());
        }
        has_begun_ = true;
    }
    std::optional<RowSet> take_next() {
        if (has_ended_) return std::nullopt;
        std::optional<RowSet> rows = next_();
        has_ended_ = !rows;
        return rows;
    }
    void check(const RowSet& chunk) const {
        if (chunk.columns().size() != fields_.size()) {
            throw core::InvalidArgument("arrow.chunk",
                                        "a chunk has another number of columns than the first");
        }
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            const Field field = field_of(chunk, i);
            if (field == fields_[i] || field == Field{}) continue;
            throw core::InvalidArgument(
                "arrow.chunk", "column `" + columns_[i].name + "` has another type than in the first chunk",
                {{"column", columns_[i].name}});
        }
    }

    NextRows next_;
    std::optional<RowSet> first_;
    std::vector<Field> fields_;
    std::vector<RowColumn> columns_;
    std::string error_;
    bool has_begun_ = false;
    bool has_ended_ = false;
};

}  // namespace

void export_arrow(std::shared_ptr<const RowSet> rows, ArrowSchema* schema, ArrowArray* array) {
    const std::vector<Field> fields = fields_of(*rows);
    ArrowArray made = array_of(rows, fields);
    try {
        *schema = schema_of(fields, rows->columns());
    } catch (...) {
        made.release(&made);
        throw;
    }
    *array = made;
}

void export_arrow(RowSet&& rows, ArrowSchema* schema, ArrowArray* array) {
    export_arrow(std::make_shared<const RowSet>(std::move(rows)), schema, array);
}

void export_arrow(NextRows next, ArrowArrayStream* stream) {
    auto self = std::make_unique<ChunkStream>(std::move(next));
    *stream = {ChunkStream::get_schema, ChunkStream::get_next, ChunkStream::get_last_error,
               ChunkStream::release, self.release()};
}

}  // namespace consilia::data
