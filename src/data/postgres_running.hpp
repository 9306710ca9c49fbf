#pragma once
// Guards over what a PostgreSQL connection is in the middle of.
#include <charconv>
#include <deque>
#include <string_view>

#include "postgres_connection.hpp"

namespace consilia::data {

/// The number of rows that a statement changed.
[[nodiscard]] inline std::int64_t changed_rows(PGresult* result) noexcept {
    const std::string_view text = PQcmdTuples(result);
    std::int64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

/// A statement while it is in use; without values when destroyed.
class PostgresConnection::Running {
public:
    explicit Running(PostgresStatement& statement) noexcept : statement_(statement) {
        statement_.is_in_use = true;
    }
    ~Running() {
        statement_.parameters.clear();  // They point at borrowed memory.
        statement_.is_in_use = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    PostgresStatement& statement_;
};

/// The rows of a statement that was sent, one result each, as they come; the rest is thrown away when
/// destroyed. Another statement makes it hold the rest, because the connection must be read to the end first.
class PostgresConnection::Rows {
public:
    explicit Rows(PostgresConnection& connection) : connection_(connection) {
        PQsetSingleRowMode(connection_.handle());
        connection_.rows_ = this;
    }
    ~Rows() {
        if (connection_.rows_ != this) return;
        connection_.rows_ = nullptr;
        while (const PostgresResult rest{PQgetResult(connection_.handle())}) {
        }
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    /// The next row, or the last result, which has none. @throws as `PostgresConnection::check`.
    [[nodiscard]] PostgresResult next() {
        PostgresResult result;
        if (connection_.rows_ == this) {
            result.reset(PQgetResult(connection_.handle()));
        } else {
            result = std::move(held_.front());
            held_.pop_front();
        }
        connection_.check(result.get());
        return result;
    }
    void hold() {
        while (PostgresResult result{PQgetResult(connection_.handle())}) held_.push_back(std::move(result));
        if (held_.empty()) held_.emplace_back();  // The connection is lost, which `next` says.
        connection_.rows_ = nullptr;
    }

private:
    PostgresConnection& connection_;
    std::deque<PostgresResult> held_;
};

/// Statements that are sent one after another and answered together. The answers that nobody took are thrown
/// away when destroyed, and the connection is then as before.
class PostgresConnection::Pipeline {
public:
    explicit Pipeline(PostgresConnection& connection) : connection_(connection) {
        connection_.hold_rows();
        if (PQenterPipelineMode(connection_.handle()) == 0) connection_.fail();
    }
    ~Pipeline() {
        if (!is_synced_) PQpipelineSync(connection_.handle());
        drain();
        PQexitPipelineMode(connection_.handle());
    }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    void sent(int answer) const {
        if (answer == 0) connection_.fail();
    }
    void sync() {
        is_synced_ = true;
        sent(PQpipelineSync(connection_.handle()));
    }
    /// Waits for the end, at which a transaction of the pipeline's own is committed. @throws as `next`.
    void end() {
        sync();
        for (;;) {
            const PostgresResult result(PQgetResult(connection_.handle()));
            if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return;
            connection_.check(result.get());
        }
    }
    /// Sends what fails, so that nothing before it stays.
    void refuse() const noexcept {
        if (is_synced_) return;
        (void)PQsendQueryParams(connection_.handle(), "ROLLBACK TO SAVEPOINT \"not completed\"", 0, nullptr,
                                nullptr, nullptr, nullptr, 1);
    }
    /// The answer to the next statement. @throws as `PostgresConnection::check`.
    [[nodiscard]] PostgresResult next() const {
        PostgresResult result(PQgetResult(connection_.handle()));
        connection_.check(result.get());
        while (const PostgresResult end{PQgetResult(connection_.handle())}) {
        }
        return result;
    }

private:
    void drain() noexcept {
        // Between two answers stands one null; two of them are the end of a connection that is lost.
        for (int nulls = 0; nulls < 2;) {
            const PostgresResult result(PQgetResult(connection_.handle()));
            if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return;
            nulls = result == nullptr ? nulls + 1 : 0;
        }
    }

    PostgresConnection& connection_;
    bool is_synced_ = false;
};

}  // namespace consilia::data
