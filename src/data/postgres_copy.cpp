// Bulk inserts: COPY in its binary form (PostgreSQL's manual, COPY, "Binary Format").
#include <cstring>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "postgres_running.hpp"

namespace consilia::data {
namespace {

constexpr std::size_t kChunk = 65'536;  // Bytes that are given to libpq at once.

void put_int16(std::string& out, int value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
}
void put_int32(std::string& out, int value) {
    put_int16(out, value >> 16);
    put_int16(out, value);
}

void put_row(std::string& out, const PostgresParameters& row) {
    put_int16(out, row.size());
    for (int i = 0; i < row.size(); ++i) {
        const char* value = row.values()[i];
        if (value == nullptr) {
            put_int32(out, -1);
            continue;
        }
        if (row.formats()[i] == 0) {
            throw core::InvalidArgument("database.bindings",
                                        "rows that are copied take values of their columns' types",
                                        {{"place", i}});
        }
        put_int32(out, row.lengths()[i]);
        out.append(value, static_cast<std::size_t>(row.lengths()[i]));
    }
}

}  // namespace

std::int64_t PostgresConnection::copy_in(std::string_view table, std::span<const std::string_view> columns,
                                         NextRow next) {
    std::string names;
    for (const std::string_view column : columns) {
        names += (names.empty() ? "" : ", ") + core::quote_identifier(column);
    }
    const std::string target = core::quote_identifier(table);
    // Only described, for the types of the columns.
    PostgresParameters row(prepare("SELECT " + names + " FROM " + target).types);
    hold_rows();
    const PostgresResult begun(
        PQexec(handle(), ("COPY " + target + " (" + names + ") FROM STDIN (FORMAT binary)").c_str()));
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) fail(begun.get());
    try {
        send_copy(row, next);
    } catch (...) {
        PQputCopyEnd(handle(), "not completed");
        while (const PostgresResult rest{PQgetResult(handle())}) {
        }
        throw;
    }
    if (PQputCopyEnd(handle(), nullptr) != 1) fail();
    const PostgresResult result = finish();
    return std::strtoll(PQcmdTuples(result.get()), nullptr, 10);
}

void PostgresConnection::send_copy(PostgresParameters& row, NextRow next) {
    constexpr std::string_view kHeader("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
    std::string bytes(kHeader);
    const auto flush = [&] {
        if (PQputCopyData(handle(), bytes.data(), static_cast<int>(bytes.size())) != 1) fail();
        bytes.clear();
    };
    CellWriter to(&row, core::SqlDialect::PostgreSql);
    for (row.clear(); next(to); row.clear()) {
        put_row(bytes, row);
        if (bytes.size() >= kChunk) flush();
    }
    put_int16(bytes, -1);
    flush();
}

}  // namespace consilia::data
