#include "consilia/c/data/row_set.h"

#include "consilia/data/arrow.hpp"
#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(sizeof(consilia_column_data_t) == 56 && offsetof(consilia_column_data_t, values) == 32);

namespace {

const data::RowSet& rows_of(const consilia_row_set_t* rows) {
    return *require(rows, "rows").rows;
}

/// The rows for Arrow, which do not change from here on.
const std::shared_ptr<const data::RowSet>& shared(const consilia_row_set_t* rows) {
    require(rows, "rows").is_shared = true;
    return rows->rows;
}

consilia_value_t cell(const data::RowSet& rows, size_t row, size_t at) {
    consilia_value_t value{};
    const core::ValueType type = rows.type(row, at);  // Checks both.
    const data::ColumnData& column = rows.column(at);
    value.type = static_cast<int32_t>(type);
    switch (type) {
        case core::ValueType::Null:
            break;
        case core::ValueType::Bool:
            value.as.boolean = column.int64(row) != 0 ? 1 : 0;
            break;
        case core::ValueType::Int64:
        case core::ValueType::Timestamp:
            value.as.int64 = column.int64(row);
            break;
        case core::ValueType::Double:
            value.as.number = column.number(row);
            break;
        case core::ValueType::Text:
        case core::ValueType::Json:
        case core::ValueType::Blob: {
            const std::string_view bytes = column.bytes(row);
            value.as.text = {bytes.data(), bytes.size()};
            break;
        }
        case core::ValueType::Date:
            value.as.days = column.date(row).days;
            break;
        case core::ValueType::Uuid: {
            const core::Uuid uuid = column.uuid(row);
            std::memcpy(value.as.uuid, uuid.bytes.data(), uuid.bytes.size());
            break;
        }
    }
    return value;
}

bool has_offsets(core::ValueType type) noexcept {
    return type == core::ValueType::Text || type == core::ValueType::Json || type == core::ValueType::Blob;
}

consilia_column_data_t column_data(const data::ColumnData& column) {
    consilia_column_data_t made{};
    made.type = static_cast<int32_t>(column.type());
    made.size = column.size();
    made.null_count = column.null_count();
    made.is_mixed = column.is_mixed() ? 1 : 0;
    if (column.is_mixed()) return made;
    made.validity = reinterpret_cast<const uint8_t*>(column.validity_buffer());
    made.values = column.values_buffer();
    if (has_offsets(column.type())) {
        made.bytes = reinterpret_cast<const char*>(column.bytes_buffer());
        made.offset_bits = column.has_wide_offsets() ? 64 : 32;
    }
    return made;
}

}  // namespace

extern "C" {

consilia_status_t consilia_row_set_new(const consilia_row_column_t* columns, size_t column_count,
                                       consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        if (column_count == 0) throw core::InvalidArgument("row.columns", "a row set needs a column");
        auto made = std::make_shared<data::RowSet>(consilia::capi::columns_of(columns, column_count));
        data::RowSet* growing = made.get();
        out = new consilia_row_set_t{std::move(made), growing};
    });
}

void consilia_row_set_free(consilia_row_set_t* rows) {
    delete rows;
}

consilia_status_t consilia_row_set_append(consilia_row_set_t* rows, const consilia_value_t* values,
                                          size_t value_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        data::RowSet* growing = require(rows, "rows").growing;
        if (growing == nullptr || rows->is_shared)
            throw core::InvalidArgument("row.result", "a result, or what Arrow has, takes no more rows");
        const std::vector<core::Value> row = consilia::capi::values_of(values, value_count);
        if (row.size() != growing->columns().size()) {
            throw core::InvalidArgument("row.incomplete", "a row needs a value for each column",
                                        {{"wanted", growing->columns().size()}, {"found", row.size()}});
        }
        for (const core::Value& value : row) growing->append(value);
    });
}

size_t consilia_row_set_size(const consilia_row_set_t* rows) {
    return rows == nullptr ? 0 : rows->rows->size();
}

size_t consilia_row_set_column_count(const consilia_row_set_t* rows) {
    return rows == nullptr ? 0 : rows->rows->columns().size();
}

consilia_row_column_t consilia_row_set_column(const consilia_row_set_t* rows, size_t column) {
    if (column >= consilia_row_set_column_count(rows)) return {};
    const data::RowColumn& found = rows->rows->columns()[column];
    return {borrow(found.name), static_cast<int32_t>(found.type), 0};
}

consilia_status_t consilia_row_set_find_column(const consilia_row_set_t* rows, consilia_str_t name,
                                               size_t* out_column, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        size_t& out = cleared(out_column, "out_column");
        out = rows_of(rows).column_index(view(name));
    });
}

consilia_status_t consilia_row_set_value(const consilia_row_set_t* rows, size_t row, size_t column,
                                         consilia_value_t* out_value, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_value_t& out = cleared(out_value, "out_value");
        out = cell(rows_of(rows), row, column);
    });
}

consilia_status_t consilia_row_set_column_data(const consilia_row_set_t* rows, size_t column,
                                               consilia_column_data_t* out_column,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_column_data_t& out = cleared(out_column, "out_column");
        out = column_data(rows_of(rows).column(column));
    });
}

consilia_status_t consilia_row_set_json(const consilia_row_set_t* rows, consilia_buffer_t* out_json,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(data::to_json(rows_of(rows)));
    });
}

consilia_status_t consilia_row_set_row_json(const consilia_row_set_t* rows, size_t row,
                                            consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        (void)rows_of(rows).type(row, 0);  // Refuses a row that is not there.
        std::string json;
        data::append_json(json, rows_of(rows), row);
        out = to_buffer(json);
    });
}

consilia_status_t consilia_row_set_export_arrow(const consilia_row_set_t* rows,
                                                struct ArrowSchema* out_schema, struct ArrowArray* out_array,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        cleared(out_schema, "out_schema");
        cleared(out_array, "out_array");
        data::export_arrow(shared(rows), out_schema, out_array);
    });
}

consilia_status_t consilia_row_set_stream_arrow(const consilia_row_set_t* rows,
                                                struct ArrowArrayStream* out_stream,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        cleared(out_stream, "out_stream");
        data::export_arrow(shared(rows), out_stream);
    });
}

consilia_status_t consilia_row_set_import_arrow(struct ArrowArray* array, struct ArrowSchema* schema,
                                                consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        require(array, "array");
        out = row_set(data::rows_of_arrow(array, &require(schema, "schema")));
    });
}

}  // extern "C"
