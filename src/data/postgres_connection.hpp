#pragma once
// One PostgreSQL connection with its prepared statements; everything in binary form.
#include <libpq-fe.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "postgres_cells.hpp"
#include "postgres_handle.hpp"
#include "statement_cache.hpp"

namespace consilia::data {

/// A name of a prepared statement on the server; told to be closed when destroyed.
class PostgresName {
public:
    PostgresName() = default;
    PostgresName(std::string name, std::vector<std::string>& closing)
        : name_(std::move(name)), closing_(&closing) {}
    PostgresName(PostgresName&& other) noexcept
        : name_(std::exchange(other.name_, {})), closing_(other.closing_) {}
    PostgresName& operator=(PostgresName&&) = delete;
    ~PostgresName() {
        if (!name_.empty()) closing_->push_back(std::move(name_));
    }
    [[nodiscard]] const char* c_str() const noexcept { return name_.c_str(); }
    /// It need not be closed.
    void forget() noexcept { name_.clear(); }

private:
    std::string name_;  ///< Empty: not prepared.
    std::vector<std::string>* closing_ = nullptr;
};

/// A statement whose types are known, with the size of its newest result: the next one is likely alike.
struct PostgresStatement {
    std::string text;
    PostgresName name;
    PostgresParameters parameters;
    std::vector<::Oid> types = {};         ///< Of the result's columns.
    std::vector<PostgresForm> forms = {};  ///< As well.
    SharedColumns columns = {};            ///< As well, undeclared.
    bool is_in_use = false;
    RowSetExtent extent = {};
};

class PostgresConnection final : public Connection {
public:
    /// @throws as `connect_postgres`.
    PostgresConnection(const std::string& url, const DatabaseOptions& options);

    RowSet query(std::string_view sql, std::span<const core::Value> values, SharedColumns columns) override;
    std::vector<RowSet> query_all(std::span<const Statement> statements) override;
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values) override;
    std::int64_t run(std::string_view sql, BindCells bind, ReadCells read) override;
    bool run_first(std::string_view sql, BindCells bind, ReadCells read) override;
    std::int64_t run_many(std::string_view sql, NextRow next, ReadCells read) override;
    std::int64_t copy_in(std::string_view table, std::span<const std::string_view> columns,
                         NextRow next) override;
    [[nodiscard]] std::int64_t last_insert_id() const override;
    void begin(SessionKind kind, Isolation isolation) override;
    void command(std::string_view sql) override;
    [[nodiscard]] bool is_in_transaction() const noexcept override;
    [[nodiscard]] bool is_clean() const noexcept override;
    [[nodiscard]] bool is_alive() const noexcept override;

private:
    class Running;
    class Pipeline;
    class Rows;

    [[nodiscard]] PGconn* handle() const noexcept { return handle_.get(); }
    [[noreturn]] void fail(const PGresult* result = nullptr) const;
    /// Throws unless a result is that of a statement that went well.
    void check(const PGresult* result) const;
    [[nodiscard]] PostgresStatement& prepare(std::string_view sql);
    [[nodiscard]] PostgresStatement describe(std::string_view sql);
    void send(const PostgresStatement& statement);
    /// The result of what was sent, whole. @throws as `check`.
    [[nodiscard]] PostgresResult finish();
    /// Makes the connection free for another statement, whatever is still being read.
    void hold_rows();
    /// Waits for the first bytes of an answer, and tells whether they are all of it.
    [[nodiscard]] bool has_arrived_whole() const;
    /// Keeps the first cell of the newest of `rows` if their statement, told by its `end`, is an INSERT.
    void remember_id(PGresult* end, const PGresult* rows, const PostgresStatement& statement);
    [[nodiscard]] static RowSet to_rows(const PGresult* result, PostgresStatement& statement,
                                        SharedColumns columns);
    /// Prepares and binds a statement, and gives what `body` makes of it; once more if its plan was stale.
    template <class Bind, class Body>
    auto with_statement(std::string_view sql, const Bind& bind, const Body& body);
    /// Drops a statement that the server may not have any more.
    void forget(PostgresStatement& statement);
    /// Sends all, then reads all; `prepared` stands beside `statements`.
    [[nodiscard]] std::vector<RowSet> pipelined(std::span<const Statement> statements,
                                                std::span<PostgresStatement* const> prepared);
    void send_copy(PostgresParameters& row, NextRow next);
    std::int64_t run_rows(PostgresStatement& statement, NextRow next, ReadCells read);

    PostgresHandle handle_;
    bool is_preparing_;
    std::string set_up_;                ///< The settings of a session, or with `LOCAL` of a transaction.
    std::vector<std::string> closing_;  ///< Statements that the server may forget.
    StatementCache<PostgresStatement> statements_;
    std::uint64_t prepared_count_ = 0;
    Rows* rows_ = nullptr;  ///< What is being read row by row.
    bool only_reads_ = false;
    std::int64_t last_id_ = 0;
    bool has_last_id_ = false;
};

}  // namespace consilia::data
