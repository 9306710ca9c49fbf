#include "sqlite_functions.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "sqlite_cells.hpp"
#include "sqlite_connection.hpp"

namespace consilia::data {
namespace {

using core::Operator;
using core::Value;

std::string text_of(sqlite3_value* value) {
    return std::string(sqlite_text(value));
}

core::Blob blob_of(sqlite3_value* value) {
    const auto bytes = std::as_bytes(std::span(sqlite_bytes(value)));
    return {{bytes.begin(), bytes.end()}};
}

/// What functions of dates and JSON find in a column: SQLite keeps their types as text and integers.
bool takes_times(Operator op, std::size_t index) noexcept {
    return op >= Operator::DateOf && op <= Operator::SecondsBetween &&
           (index == 0 || op == Operator::DaysBetween || op == Operator::SecondsBetween);
}

Value argument(Operator op, std::size_t index, sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            if (takes_times(op, index)) return core::Timestamp{sqlite3_value_int64(value)};
            return static_cast<std::int64_t>(sqlite3_value_int64(value));
        case SQLITE_FLOAT:
            return sqlite3_value_double(value);
        case SQLITE_TEXT:
            if (takes_times(op, index)) return core::parse_date(text_of(value));
            if (index == 0 && op >= Operator::JsonText && op <= Operator::JsonBool)
                return core::Json{text_of(value)};
            return text_of(value);
        case SQLITE_BLOB:
            return blob_of(value);
        default:
            return {};
    }
}

/// False if a column holds what is no date: the result is null.
bool read(Operator op, std::size_t index, sqlite3_value* from, Value& to) {
    try {
        to = argument(op, index, from);
        return true;
    } catch (const core::InvalidArgument&) {
        return false;
    }
}

void give_text(sqlite3_context* context, std::string_view text) {
    sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give(sqlite3_context* context, const Value& result) {
    switch (result.type()) {
        case core::ValueType::Bool:
            sqlite3_result_int(context, result.as<bool>() ? 1 : 0);
            return;
        case core::ValueType::Int64:
            sqlite3_result_int64(context, result.as<std::int64_t>());
            return;
        case core::ValueType::Double:
            sqlite3_result_double(context, result.as<double>());
            return;
        case core::ValueType::Text:
            give_text(context, result.as<std::string>());
            return;
        case core::ValueType::Date:
            give_text(context, core::to_iso8601(result.as<core::Date>()));
            return;
        case core::ValueType::Timestamp:
            sqlite3_result_int64(context, result.as<core::Timestamp>().microseconds);
            return;
        case core::ValueType::Blob: {
            const auto& bytes = result.as<core::Blob>().bytes;
            if (bytes.empty()) {
                sqlite3_result_zeroblob(context, 0);
            } else {
                sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
            }
            return;
        }
        default:
            sqlite3_result_null(context);
    }
}

/// No exception passes through SQLite.
template <class Body>
void guarded(sqlite3_context* context, Body body) noexcept {
    try {
        body();
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    } catch (const std::exception& error) {
        sqlite3_result_error(context, error.what(), -1);
    }
}

void call(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
    guarded(context, [&] {
        const auto& function = *static_cast<const core::SqliteFunction*>(sqlite3_user_data(context));
        std::array<Value, 3> few;
        std::vector<Value> many;
        std::span<Value> values(few);
        if (static_cast<std::size_t>(count) > few.size()) {
            many.resize(static_cast<std::size_t>(count));
            values = many;
        }
        values = values.first(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!read(function.op, i, arguments[i], values[i])) return;
        }
        give(context, core::calculate(function.op, values));
    });
}

__extension__ typedef __int128 Wide;  // What 2^63 integers of 64 bits add up to.

/// The state of `consilia_sum` and `consilia_avg`. SQLite clears it at the start.
struct Sum {
    std::array<unsigned char, 16> integers;  ///< A Wide: SQLite aligns to 8 bytes only.
    double doubles;
    std::int64_t count;
    std::int64_t double_count;

    void add(sqlite3_value* value, std::int64_t sign) noexcept {
        if (sqlite3_value_type(value) == SQLITE_INTEGER) {
            const Wide sum = integer_sum() + static_cast<Wide>(sqlite3_value_int64(value)) * sign;
            std::memcpy(integers.data(), &sum, sizeof sum);
            count += sign;
        } else if (sqlite3_value_type(value) == SQLITE_FLOAT) {
            const Value number =
                core::calculate(Operator::Add, std::array{Value(sqlite3_value_double(value)), Value(0.0)});
            if (number.is_null()) return;  // Beyond what arithmetic knows.
            doubles += number.as<double>() * static_cast<double>(sign);
            count += sign;
            double_count += sign;
        }
    }
    [[nodiscard]] Wide integer_sum() const noexcept {
        Wide sum = 0;
        std::memcpy(&sum, integers.data(), sizeof sum);
        return sum;
    }
};

void step(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
    guarded(context, [&] {
        auto* sum = static_cast<Sum*>(sqlite3_aggregate_context(context, sizeof(Sum)));
        if (sum == nullptr) throw std::bad_alloc();
        sum->add(arguments[0], 1);
    });
}

void step_back(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
    guarded(context, [&] {
        if (auto* sum = static_cast<Sum*>(sqlite3_aggregate_context(context, 0))) sum->add(arguments[0], -1);
    });
}

void finish(sqlite3_context* context) noexcept {
    const auto& function = *static_cast<const core::SqliteFunction*>(sqlite3_user_data(context));
    const auto* sum = static_cast<const Sum*>(sqlite3_aggregate_context(context, 0));
    if (sum == nullptr || sum->count == 0) return;  // The result is null.
    const Wide integers = sum->integer_sum();
    if (function.op == Operator::Avg) {
        const double total = sum->doubles + static_cast<double>(integers);  // One of them is zero.
        sqlite3_result_double(context, total / static_cast<double>(sum->count));
    } else if (sum->double_count != 0) {
        sqlite3_result_double(context, sum->doubles);
    } else if (integers >= std::numeric_limits<std::int64_t>::min() &&
               integers <= std::numeric_limits<std::int64_t>::max()) {
        sqlite3_result_int64(context, static_cast<std::int64_t>(integers));
    }
}

}  // namespace

void add_functions(sqlite3* handle) {
    constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    for (const core::SqliteFunction& function : core::sqlite_functions()) {
        const bool is_aggregate = function.op == Operator::Sum || function.op == Operator::Avg;
        void* data = const_cast<core::SqliteFunction*>(&function);  // Read only; SQLite's type has no const.
        const int code = is_aggregate
                             ? sqlite3_create_window_function(handle, function.name, 1, kFlags, data, step,
                                                              finish, finish, step_back, nullptr)
                             : sqlite3_create_function_v2(handle, function.name, -1, kFlags, data, call,
                                                          nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) throw_sqlite_error(handle, code);
    }
}

}  // namespace consilia::data
