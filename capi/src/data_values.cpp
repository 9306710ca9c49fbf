#include <cstring>

#include "consilia/c/value.h"
#include "data.hpp"

static_assert(sizeof(consilia_bytes_t) == 16 && sizeof(consilia_value_t) == 24);
static_assert(offsetof(consilia_value_t, as) == 8 && sizeof(consilia_parameter_t) == 40);
static_assert(sizeof(consilia_row_column_t) == 24 && sizeof(consilia_assignment_t) == 56);
static_assert(static_cast<int>(consilia::core::ValueType::Bool) == CONSILIA_TYPE_BOOL &&
              static_cast<int>(consilia::core::ValueType::Date) == CONSILIA_TYPE_DATE &&
              static_cast<int>(consilia::core::ValueType::Json) == CONSILIA_TYPE_JSON);

namespace consilia::capi {

core::ValueType type_of(std::int32_t type) {
    if (type < CONSILIA_TYPE_NULL || type > CONSILIA_TYPE_JSON)
        throw core::InvalidArgument("c_api.value_type", "no type has this number", {{"type", type}});
    return static_cast<core::ValueType>(type);
}

core::Value value_of(const consilia_value_t& value) {
    switch (type_of(value.type)) {
        case core::ValueType::Null:
            return {};
        case core::ValueType::Bool:
            return value.as.boolean != 0;
        case core::ValueType::Int64:
            return value.as.int64;
        case core::ValueType::Double:
            return value.as.number;
        case core::ValueType::Text:
            return view(value.as.text);
        case core::ValueType::Json:
            return core::Json{std::string(view(value.as.text))};
        case core::ValueType::Blob: {
            const auto bytes =
                items(static_cast<const std::byte*>(value.as.blob.data), value.as.blob.size, "blob");
            return core::Blob{{bytes.begin(), bytes.end()}};
        }
        case core::ValueType::Date:
            return core::Date{value.as.days};
        case core::ValueType::Timestamp:
            return core::Timestamp{value.as.microseconds};
        case core::ValueType::Uuid: {
            core::Uuid uuid;
            std::memcpy(uuid.bytes.data(), value.as.uuid, uuid.bytes.size());
            return uuid;
        }
    }
    return {};
}

consilia_value_t lend(const core::Value& value) noexcept {
    consilia_value_t lent = consilia_null();
    lent.type = static_cast<std::int32_t>(value.type());
    if (const auto* boolean = value.if_as<bool>()) lent.as.boolean = *boolean ? 1 : 0;
    if (const auto* number = value.if_as<std::int64_t>()) lent.as.int64 = *number;
    if (const auto* number = value.if_as<double>()) lent.as.number = *number;
    if (const auto* text = value.if_as<std::string>()) lent.as.text = borrow(*text);
    if (const auto* json = value.if_as<core::Json>()) lent.as.text = borrow(json->text);
    if (const auto* blob = value.if_as<core::Blob>()) lent.as.blob = {blob->bytes.data(), blob->bytes.size()};
    if (const auto* date = value.if_as<core::Date>()) lent.as.days = date->days;
    if (const auto* time = value.if_as<core::Timestamp>()) lent.as.microseconds = time->microseconds;
    if (const auto* uuid = value.if_as<core::Uuid>())
        std::memcpy(lent.as.uuid, uuid->bytes.data(), uuid->bytes.size());
    return lent;
}

std::vector<core::Value> values_of(const consilia_value_t* values, std::size_t count) {
    std::vector<core::Value> made;
    made.reserve(count);
    for (const consilia_value_t& value : items(values, count, "values")) made.push_back(value_of(value));
    return made;
}

core::Parameters parameters_of(const consilia_parameter_t* parameters, std::size_t count) {
    core::Parameters made;
    for (const consilia_parameter_t& parameter : items(parameters, count, "parameters"))
        made.insert_or_assign(std::string(view(parameter.name)), value_of(parameter.value));
    return made;
}

std::vector<data::Assignment> assignments_of(const consilia_assignment_t* assignments, std::size_t count) {
    std::vector<data::Assignment> made;
    made.reserve(count);
    for (const consilia_assignment_t& given : items(assignments, count, "assignments")) {
        std::string name(view(given.column));
        const std::string_view expression = view(given.expression);
        if (expression.empty()) {
            made.emplace_back(std::move(name), core::Term(value_of(given.value)));
        } else {
            made.emplace_back(std::move(name), core::bind(core::parse_expression(expression),
                                                          {{"value", value_of(given.value)}}));
        }
    }
    return made;
}

std::vector<data::RowColumn> columns_of(const consilia_row_column_t* columns, std::size_t count) {
    std::vector<data::RowColumn> made;
    made.reserve(count);
    for (const consilia_row_column_t& column : items(columns, count, "columns"))
        made.push_back({std::string(view(column.name)), type_of(column.type)});
    return made;
}

data::RowSet list_of(const char* column, const std::vector<std::string>& texts) {
    data::RowSet rows({{column, core::ValueType::Text}});
    for (const std::string& text : texts) rows.append_bytes(core::ValueType::Text, text);
    return rows;
}

}  // namespace consilia::capi
