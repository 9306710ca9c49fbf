// Many rows at once: COPY in its binary form (PostgreSQL's manual, COPY, "Binary Format"), and one statement
// for each row in a pipeline.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

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

/// Whether values of a form are sent as text, which the server converts.
bool is_sent_as_text(PostgresForm form) noexcept {
    return form == PostgresForm::Other || form == PostgresForm::Numeric;
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
    // Described anew each time: COPY trusts the form of its bytes, and the table may have changed.
    PostgresStatement insert = describe(insert_text(table, columns, dialect));
    PostgresParameters& row = insert.parameters;
    if (std::any_of(row.forms().begin(), row.forms().end(), is_sent_as_text)) {
        return run_rows(insert, next, nullptr);
    }
    std::string names;
    for (const std::string_view column : columns) {
        names += (names.empty() ? "" : ", ") + core::quote_identifier(column);
    }
    const std::string target = core::quote_identifier(table);
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

std::int64_t PostgresConnection::run_many(std::string_view sql, NextRow next, ReadCells read) {
    PostgresStatement& statement = prepare(sql);
    const Running running(statement);
    return run_rows(statement, next, read);
}

std::int64_t PostgresConnection::run_rows(PostgresStatement& statement, NextRow next, ReadCells read) {
    constexpr int kRowsSent = 1024;  // Before their answers are read: libpq keeps those in memory.
    PostgresParameters& row = statement.parameters;
    CellWriter to(&row, dialect);
    std::int64_t count = 0;
    Pipeline pipeline(*this);  // Until its end it is one transaction, if there is none around it.
    try {
        // Prepared for this pipeline alone, which keeps its server connection in any pool.
        pipeline.sent(PQsendPrepare(handle(), "", statement.text.c_str(), row.size(), row.types()));
        bool is_prepared = false;
        for (bool is_more = true; is_more;) {
            int sent = 0;
            for (row.clear(); sent < kRowsSent && (is_more = next(to)); row.clear(), ++sent) {
                pipeline.sent(PQsendQueryPrepared(handle(), "", row.size(), row.values(), row.lengths(),
                                                  row.formats(), 1));
            }
            pipeline.sent(PQsendFlushRequest(handle()));
            if (!std::exchange(is_prepared, true)) (void)pipeline.next();
            for (; sent != 0; --sent) {
                const PostgresResult answer = pipeline.next();
                const int rows = PQntuples(answer.get());
                for (int i = 0; read && i < rows; ++i) {
                    PostgresRow cells(answer.get(), i, statement.forms);
                    read(CellReader(&cells, dialect));
                }
                count += statement.forms.empty() ? changed_rows(answer.get()) : rows;
            }
        }
        pipeline.end();
    } catch (...) {
        pipeline.refuse();
        throw;
    }
    return count;
}

}  // namespace consilia::data
