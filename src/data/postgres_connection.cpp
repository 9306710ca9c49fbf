#include "postgres_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "consilia/core/error.hpp"
#include "postgres_error.hpp"
#include "postgres_running.hpp"

namespace consilia::data {
namespace {

/// Whether bytes can be read; waits up to `timeout_ms`, without an end if that is negative.
bool is_readable(int socket, int timeout_ms) noexcept {
    pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
    int ready = 0;
    do ready = ::poll(&waiting, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

auto binder(std::span<const core::Value> values) {
    return [values](PostgresParameters& parameters) {
        check_value_count(static_cast<std::size_t>(parameters.size()), values.size());
        CellWriter to(&parameters, core::SqlDialect::PostgreSql);
        for (std::size_t i = 0; i < values.size(); ++i) to.value(static_cast<int>(i), values[i]);
    };
}

auto binder(BindCells bind) {
    return [bind](PostgresParameters& parameters) {
        if (!bind) return;
        CellWriter to(&parameters, core::SqlDialect::PostgreSql);
        bind(to);
    };
}

void read_row(ReadCells read, const PGresult* result, int row, const PostgresStatement& statement) {
    if (!read) return;
    PostgresRow cells(result, row, statement.forms);
    read(CellReader(&cells, core::SqlDialect::PostgreSql));
}

}  // namespace

PostgresConnection::PostgresConnection(const std::string& url, const DatabaseOptions& options)
    : Connection(core::SqlDialect::PostgreSql),
      handle_(connect_postgres(url, options)),
      is_preparing_(options.prepared_statements),
      statements_(options.statements_max) {
    const std::string local = is_preparing_ ? "" : "LOCAL ";
    // Zero would wait without an end.
    const auto lock_ms = std::max<std::int64_t>(options.busy_timeout.count(), 1);
    set_up_ = "; SET " + local + "lock_timeout = " + std::to_string(lock_ms) + "; SET " + local +
              "TimeZone = 'UTC'";
    if (is_preparing_) command(set_up_);
}

void PostgresConnection::fail(const PGresult* result) const {
    throw_postgres_error(handle(), result, only_reads_);
}

void PostgresConnection::check(const PGresult* result) const {
    switch (PQresultStatus(result)) {
        case PGRES_TUPLES_OK:
        case PGRES_SINGLE_TUPLE:
        case PGRES_COMMAND_OK:
            return;
        case PGRES_EMPTY_QUERY:
            throw core::InvalidArgument("database.statement", "the text must be one statement");
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            throw core::InvalidArgument("database.statement", "rows are copied in by `copy_in` alone");
        default:
            fail(result);
    }
}

void PostgresConnection::hold_rows() {
    if (rows_ != nullptr) rows_->hold();
}

/// Asks the server for the types of a statement, one round trip.
PostgresStatement PostgresConnection::describe(std::string_view sql) {
    const std::string text(sql);
    const std::string name = is_preparing_ ? "consilia_" + std::to_string(++prepared_count_) : "";
    PostgresResult description;
    {
        Pipeline pipeline(*this);
        const auto closing = std::exchange(closing_, {});
        for (const std::string& old : closing) {
            pipeline.sent(PQsendQueryParams(handle(), ("DEALLOCATE " + old).c_str(), 0, nullptr, nullptr,
                                            nullptr, nullptr, 1));
        }
        pipeline.sent(PQsendPrepare(handle(), name.c_str(), text.c_str(), 0, nullptr));
        pipeline.sent(PQsendDescribePrepared(handle(), name.c_str()));
        pipeline.sync();
        for (std::size_t i = 0; i < closing.size() + 1; ++i) (void)pipeline.next();
        description = pipeline.next();
    }
    std::vector<::Oid> parameters;
    for (int i = 0; i < PQnparams(description.get()); ++i)
        parameters.push_back(PQparamtype(description.get(), i));
    PostgresStatement made{.text = text,
                           .name = name.empty() ? PostgresName() : PostgresName(name, closing_),
                           .parameters = PostgresParameters(std::move(parameters))};
    std::vector<RowColumn> columns;
    for (int i = 0; i < PQnfields(description.get()); ++i) {
        made.types.push_back(PQftype(description.get(), i));
        made.forms.push_back(postgres_form(made.types.back()));
        columns.push_back({PQfname(description.get(), i), {}});
    }
    made.columns = std::make_shared<const std::vector<RowColumn>>(std::move(columns));
    return made;
}

PostgresStatement& PostgresConnection::prepare(std::string_view sql) {
    if (PostgresStatement* known = statements_.find(sql)) return *known;
    PostgresStatement made = describe(sql);
    for (std::size_t i = 0; i < made.forms.size(); ++i) {
        if (made.forms[i] == PostgresForm::Other) {
            throw core::InvalidArgument("database.columns",
                                        "column `" + (*made.columns)[i].name +
                                            "` has a type that is not read: cast it to text, for one",
                                        {{"column", (*made.columns)[i].name}, {"type_oid", made.types[i]}});
        }
    }
    return statements_.add(std::move(made));
}

void PostgresConnection::send(const PostgresStatement& statement) {
    const PostgresParameters& bound = statement.parameters;
    const int sent = is_preparing_
                         ? PQsendQueryPrepared(handle(), statement.name.c_str(), bound.size(), bound.values(),
                                               bound.lengths(), bound.formats(), 1)
                         : PQsendQueryParams(handle(), statement.text.c_str(), bound.size(), bound.types(),
                                             bound.values(), bound.lengths(), bound.formats(), 1);
    if (sent == 0) fail();
}

PostgresResult PostgresConnection::finish() {
    PostgresResult result;
    while (PostgresResult next{PQgetResult(handle())}) {
        // A failed COPY is answered without an end.
        const ExecStatusType status = PQresultStatus(next.get());
        result = std::move(next);
        if (status == PGRES_COPY_IN) PQputCopyEnd(handle(), "not copied");
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) break;
    }
    check(result.get());
    return result;
}

bool PostgresConnection::has_arrived_whole() const {
    // The server sends what it has when its buffer of 8 KiB is full and at the end of the answer, so the
    // first bytes of a small answer are all of it, and end with "ready for query". Under encryption nobody
    // can see.
    constexpr std::size_t kPeekedMax = 16'384;
    constexpr std::string_view kReady("Z\0\0\0\5", 5);
    if (PQsslInUse(handle()) != 0 || PQgssEncInUse(handle()) != 0) return false;
    const int socket = PQsocket(handle());
    if (socket < 0 || !is_readable(socket, -1)) return false;
    std::array<char, kPeekedMax> bytes;  // Not cleared: it is written before it is read.
    const ::ssize_t size = ::recv(socket, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (size < 6 || size == static_cast<::ssize_t>(bytes.size())) return false;
    if (std::string_view(bytes.data() + size - 6, 5) != kReady) return false;
    PQconsumeInput(handle());  // Else libpq would ask again whether there is something to read.
    return true;
}

void PostgresConnection::remember_id(PGresult* end, const PGresult* rows,
                                     const PostgresStatement& statement) {
    if (statement.forms.empty() || PQntuples(rows) == 0) return;
    if (std::strncmp(PQcmdStatus(end), "INSERT", 6) != 0) return;
    last_id_ = PostgresRow(rows, PQntuples(rows) - 1, statement.forms).int64(0);
    has_last_id_ = true;
}

void PostgresConnection::forget(PostgresStatement& statement) {
    statement.name.forget();
    statements_.drop(statement);
}

template <class Bind, class Body>
auto PostgresConnection::with_statement(std::string_view sql, const Bind& bind, const Body& body) {
    for (bool is_second = false;; is_second = true) {
        PostgresStatement& statement = prepare(sql);
        try {
            const Running running(statement);
            bind(statement.parameters);
            hold_rows();
            return body(statement);
        } catch (const StalePlan&) {
            forget(statement);
            if (is_second || PQtransactionStatus(handle()) != PQTRANS_IDLE) throw;  // Or it is broken.
        }
    }
}

RowSet PostgresConnection::to_rows(const PGresult* result, PostgresStatement& statement,
                                   SharedColumns columns) {
    if (columns == nullptr || columns->empty()) columns = statement.columns;
    if (columns->size() != statement.forms.size()) {
        throw core::InvalidArgument("database.columns", "the statement gives another number of columns");
    }
    RowSet rows(columns);
    rows.reserve(statement.extent);
    const int row_count = PQntuples(result);
    const int column_count = static_cast<int>(columns->size());
    for (int row = 0; row < row_count; ++row) {
        const PostgresRow cells(result, row, statement.forms);
        for (int i = 0; i < column_count; ++i) {
            cells.append_to(rows, i, (*columns)[static_cast<std::size_t>(i)].type);
        }
    }
    rows.measure(statement.extent);
    return rows;
}

RowSet PostgresConnection::query(std::string_view sql, std::span<const core::Value> values,
                                 SharedColumns columns) {
    return with_statement(sql, binder(values), [&](PostgresStatement& statement) {
        send(statement);
        const PostgresResult result = finish();
        remember_id(result.get(), result.get(), statement);
        return to_rows(result.get(), statement, columns);
    });
}

std::vector<RowSet> PostgresConnection::query_all(std::span<const Statement> statements) {
    for (bool is_second = false;; is_second = true) {
        std::vector<PostgresStatement*> prepared;  // One for each of `statements`.
        std::vector<PostgresStatement*> different;
        try {
            std::deque<Running> running;  // Kept from being dropped for one that comes later.
            for (const Statement& statement : statements) {
                const auto same = std::find_if(different.rbegin(), different.rend(), [&](const auto* known) {
                    return known->text == statement.sql;
                });
                if (same == different.rend()) {
                    running.emplace_back(*different.emplace_back(&prepare(statement.sql)));
                    prepared.push_back(different.back());
                } else {
                    prepared.push_back(*same);
                }
            }
            return pipelined(statements, prepared);
        } catch (const StalePlan&) {
            if (is_second || PQtransactionStatus(handle()) != PQTRANS_IDLE) throw;
        }
        for (PostgresStatement* statement : different) forget(*statement);
    }
}

std::vector<RowSet> PostgresConnection::pipelined(std::span<const Statement> statements,
                                                  std::span<PostgresStatement* const> prepared) {
    std::vector<RowSet> results;
    results.reserve(statements.size());
    Pipeline pipeline(*this);
    for (std::size_t i = 0; i < statements.size(); ++i) {
        prepared[i]->parameters.clear();
        binder(statements[i].values)(prepared[i]->parameters);
        send(*prepared[i]);
    }
    pipeline.sync();
    for (std::size_t i = 0; i < statements.size(); ++i) {
        const PostgresResult result = pipeline.next();
        results.push_back(to_rows(result.get(), *prepared[i], statements[i].columns));
    }
    return results;
}

std::int64_t PostgresConnection::execute(std::string_view sql, std::span<const core::Value> values) {
    return with_statement(sql, binder(values), [&](PostgresStatement& statement) {
        send(statement);
        const PostgresResult result = finish();
        remember_id(result.get(), result.get(), statement);
        return changed_rows(result.get());
    });
}

std::int64_t PostgresConnection::run(std::string_view sql, BindCells bind, ReadCells read) {
    return with_statement(sql, binder(bind), [&](PostgresStatement& statement) -> std::int64_t {
        send(statement);
        if (statement.forms.empty() || has_arrived_whole()) {
            const PostgresResult result = finish();
            remember_id(result.get(), result.get(), statement);
            if (statement.forms.empty()) return changed_rows(result.get());
            const int count = PQntuples(result.get());
            for (int row = 0; row < count; ++row) read_row(read, result.get(), row, statement);
            return count;
        }
        Rows rows(*this);
        std::int64_t count = 0;
        PostgresResult last;
        for (PostgresResult row = rows.next();; row = rows.next(), ++count) {
            if (PQntuples(row.get()) == 0) {
                remember_id(row.get(), last.get(), statement);
                return count;
            }
            read_row(read, row.get(), 0, statement);
            last = std::move(row);
        }
    });
}

bool PostgresConnection::run_first(std::string_view sql, BindCells bind, ReadCells read) {
    return with_statement(sql, binder(bind), [&](PostgresStatement& statement) {
        send(statement);
        const PostgresResult result = finish();
        remember_id(result.get(), result.get(), statement);
        if (PQntuples(result.get()) == 0) return false;
        read_row(read, result.get(), 0, statement);
        return true;
    });
}

std::int64_t PostgresConnection::last_insert_id() const {
    if (has_last_id_) return last_id_;
    throw core::InvalidArgument("database.statement",
                                "the key of an inserted row is known from `INSERT … RETURNING` alone");
}

void PostgresConnection::begin(SessionKind kind, Isolation isolation) {
    std::string sql = "BEGIN ISOLATION LEVEL ";
    if (kind == SessionKind::ReadScope) {
        sql += "REPEATABLE READ READ ONLY";
    } else {
        sql += isolation == Isolation::Serializable ? "SERIALIZABLE" : "READ COMMITTED";
    }
    if (!is_preparing_) sql += set_up_;
    command(sql);
    only_reads_ = kind == SessionKind::ReadScope;
}

void PostgresConnection::command(std::string_view sql) {
    hold_rows();
    const PostgresResult result(PQexec(handle(), std::string(sql).c_str()));
    check(result.get());
    if (PQtransactionStatus(handle()) == PQTRANS_IDLE) only_reads_ = false;
}

bool PostgresConnection::is_in_transaction() const noexcept {
    const PGTransactionStatusType status = PQtransactionStatus(handle());
    return status != PQTRANS_IDLE && status != PQTRANS_INERROR;  // Unknown: lost, as the next use says.
}

bool PostgresConnection::is_alive() const noexcept {
    // What an idle connection has to say is, nearly always, that it was ended; for the rest a new one will
    // do.
    return is_clean() && !is_readable(PQsocket(handle()), 0);
}

bool PostgresConnection::is_clean() const noexcept {
    return PQstatus(handle()) == CONNECTION_OK && PQtransactionStatus(handle()) == PQTRANS_IDLE;
}

}  // namespace consilia::data
