#pragma once
// A bare connection to PostgreSQL, for tests that hold compiled SQL against the server itself.
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "consilia/core/value.hpp"

namespace consilia::test {

/// Sends values in binary with the types that the library's own driver gives them. Threading: confined.
class PostgresClient {
public:
    using Row = std::vector<std::optional<std::string>>;

    explicit PostgresClient(const std::string& url) : connection_(PQconnectdb(url.c_str()), PQfinish) {
        if (PQstatus(connection_.get()) != CONNECTION_OK) fail("");
    }

    /// The rows as text. @throws std::runtime_error with the server's complaint and the statement.
    std::vector<Row> query(const std::string& sql, const std::vector<core::Value>& values = {}) {
        std::vector<::Oid> types;
        std::vector<std::optional<std::string>> bytes;
        for (const core::Value& value : values) {
            types.push_back(type_of(value));
            bytes.push_back(bytes_of(value));
        }
        std::vector<const char*> starts;
        std::vector<int> sizes;
        for (const auto& each : bytes) {
            starts.push_back(each ? each->data() : nullptr);
            sizes.push_back(each ? static_cast<int>(each->size()) : 0);
        }
        const std::vector<int> formats(values.size(), 1);
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), types.data(),
                         starts.data(), sizes.data(), formats.data(), 0),
            PQclear);
        const auto status = PQresultStatus(result.get());
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(sql);
        std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
        for (std::size_t row = 0; row < rows.size(); ++row) {
            for (int column = 0; column < PQnfields(result.get()); ++column) {
                const int at = static_cast<int>(row);
                if (PQgetisnull(result.get(), at, column) != 0) {
                    rows[row].emplace_back();
                } else {
                    rows[row].emplace_back(PQgetvalue(result.get(), at, column));
                }
            }
        }
        return rows;
    }

private:
    [[noreturn]] void fail(const std::string& sql) const {
        throw std::runtime_error(PQerrorMessage(connection_.get()) + sql);
    }

    static ::Oid type_of(const core::Value& value) {  // The numbers are those of pg_type.
        constexpr std::array<::Oid, 10> kTypes{0, 16, 20, 701, 25, 17, 1082, 1184, 2950, 3802};
        return kTypes[static_cast<std::size_t>(value.type())];
    }

    template <std::integral I>
    static std::string big_endian(I number) {
        std::string bytes(sizeof number, '\0');
        std::memcpy(bytes.data(), &number, sizeof number);
        std::reverse(bytes.begin(), bytes.end());
        return bytes;
    }

    static std::optional<std::string> bytes_of(const core::Value& value) {
        constexpr std::int32_t kDaysTo2000 = 10'957;
        switch (value.type()) {
            case core::ValueType::Null:
                return std::nullopt;
            case core::ValueType::Bool:
                return std::string(1, value.as<bool>() ? '\1' : '\0');
            case core::ValueType::Int64:
                return big_endian(value.as<std::int64_t>());
            case core::ValueType::Double:
                return big_endian(std::bit_cast<std::int64_t>(value.as<double>()));
            case core::ValueType::Text:
                return value.as<std::string>();
            case core::ValueType::Date:
                return big_endian(value.as<core::Date>().days - kDaysTo2000);
            case core::ValueType::Timestamp:
                return big_endian(value.as<core::Timestamp>().microseconds -
                                  kDaysTo2000 * std::int64_t{86'400'000'000});
            case core::ValueType::Json:
                return '\1' + value.as<core::Json>().text;
            default:
                throw std::logic_error("a type that the tests do not send");
        }
    }

    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

}  // namespace consilia::test
