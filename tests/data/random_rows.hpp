#pragma once
// Results that nobody would write by hand: any types, nulls, declared or not, and values at the edges.
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "consilia/data/row_set.hpp"

namespace consilia::test {

/// The values of a result by row, beside the row set that was filled with them.
struct RandomRows {
    std::vector<std::vector<core::Value>> values;
    data::RowSet rows;
};

class RowGenerator {
public:
    explicit RowGenerator(std::uint32_t seed) : engine_(seed) {}

    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool one_in(std::size_t n) { return below(n) == 0; }

    core::Value value(core::ValueType type) {
        switch (type) {
            case core::ValueType::Null:
                return {};
            case core::ValueType::Bool:
                return one_in(2);
            case core::ValueType::Int64:
                return int64();
            case core::ValueType::Double:
                return number();
            case core::ValueType::Text:
                return text();
            case core::ValueType::Blob:
                return blob();
            case core::ValueType::Date:
                return core::Date{static_cast<std::int32_t>(below(2'000'000)) - 600'000};
            case core::ValueType::Timestamp:
                return core::Timestamp{static_cast<std::int64_t>(engine_()) * 50'000'000 -
                                       50'000'000'000'000'000};
            case core::ValueType::Uuid:
                return uuid();
            case core::ValueType::Json:
                return core::Json{one_in(2) ? R"({"a": [1, null]})" : R"(["é"])"};
        }
        return {};
    }

    /// What some other result took.
    data::RowSetExtent extent(std::size_t column_count) {
        data::RowSetExtent extent{below(300), below(10'000)};
        for (std::size_t i = 0; i < column_count; ++i) extent.columns.push_back({below(5000), one_in(2)});
        return extent;
    }
    /// A result whose columns have one type each, or several where `with_mixed`.
    RandomRows rows(bool with_mixed) {
        const std::size_t column_count = 1 + below(6);
        std::vector<data::RowColumn> columns;
        std::vector<core::ValueType> types;
        std::vector<std::size_t> null_odds;
        for (std::size_t i = 0; i < column_count; ++i) {
            types.push_back(any_type());
            null_odds.push_back(one_in(3) ? 0 : 1 + below(4));
            columns.push_back({"c" + std::to_string(i), one_in(3) ? core::ValueType::Null : types.back()});
        }
        RandomRows result{{}, data::RowSet(columns)};
        if (one_in(2)) result.rows.reserve(extent(column_count));
        for (std::size_t left = one_in(10) ? below(2000) : below(40); left > 0; --left) {
            std::vector<core::Value>& row = result.values.emplace_back();
            for (std::size_t i = 0; i < column_count; ++i) {
                const bool is_null = null_odds[i] != 0 && one_in(null_odds[i]);
                const bool is_other = with_mixed && one_in(50);
                row.push_back(is_null ? core::Value() : value(is_other ? any_type() : types[i]));
                result.rows.append(row.back());
            }
        }
        return result;
    }

private:
    core::ValueType any_type() { return static_cast<core::ValueType>(1 + below(9)); }
    std::int64_t int64() {
        if (one_in(8)) return std::numeric_limits<std::int64_t>::min();
        if (one_in(8)) return std::numeric_limits<std::int64_t>::max();
        return static_cast<std::int64_t>(below(2000)) - 1000;
    }
    double number() {
        if (one_in(8)) return std::numeric_limits<double>::denorm_min();
        if (one_in(8)) return -0.0;
        return (static_cast<double>(engine_()) - 2e9) / static_cast<double>(1 + below(1000));
    }
    std::string text() {
        static const std::vector<std::string> parts = {"a",         "Viral Pneumonia",
                                                       "\"",        "\\",
                                                       "\n",        "\x01",
                                                       "\x7F",      "é",
                                                       "€",         "🦉",
                                                       "</script>", std::string(1, '\0'),
                                                       "\xC3",      "\xED\xA0\x80",
                                                       "\xF0\x9F",  std::string(40, 'x')};
        std::string text;
        for (std::size_t left = one_in(100) ? below(2000) : below(8); left > 0; --left) {
            text += parts[below(parts.size())];
        }
        return text;
    }
    core::Blob blob() {
        core::Blob blob;
        for (std::size_t left = below(20); left > 0; --left)
            blob.bytes.push_back(static_cast<std::byte>(engine_()));
        return blob;
    }
    core::Uuid uuid() {
        core::Uuid uuid;
        for (std::uint8_t& byte : uuid.bytes) byte = static_cast<std::uint8_t>(engine_());
        return uuid;
    }

    std::mt19937 engine_;
};

}  // namespace consilia::test
