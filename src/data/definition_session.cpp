#include "definition_session.hpp"

#include "consilia/core/error.hpp"
#include "ddl.hpp"

namespace consilia::data {
namespace {

struct Trigger {
    std::string name;
    std::string table;
    std::string sql;
};

std::vector<Trigger> triggers_of(const Session& session) {
    const RowSet rows = session.query("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'");
    std::vector<Trigger> triggers;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        triggers.push_back(
            {std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), std::string(rows.text(i, 2))});
    }
    return triggers;
}

bool exists(const Session& session, const char* type, const std::string& name) {
    return !session
                .query("SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?",
                       std::vector<core::Value>{type, name})
                .empty();
}

}  // namespace

DefinitionSession::DefinitionSession(Database& database) {
    if (database.dialect() == core::SqlDialect::PostgreSql) {
        transaction_.emplace(database.begin());
        lock_definitions(*transaction_);
        return;
    }
    connection_.emplace(database.autocommit());
    try {
        connection_->execute("PRAGMA foreign_keys = OFF");
        connection_->execute("BEGIN IMMEDIATE");
    } catch (...) {
        connection_->execute("PRAGMA foreign_keys = ON");
        throw;
    }
    is_open_ = true;
}

DefinitionSession::~DefinitionSession() {
    if (!is_open_) return;
    try {
        end("ROLLBACK");
    } catch (const std::exception&) {
        // The database has rolled back already, or this is a forked child; the pool drops a connection that
        // is still within a transaction.
        return;
    }
}

const Session& DefinitionSession::session() const noexcept {
    if (transaction_) return *transaction_;
    return *connection_;
}

void DefinitionSession::run(const std::vector<std::string>& statements) {
    if (transaction_) {
        for (const std::string& sql : statements) transaction_->execute(sql);
        return;
    }
    const std::vector<Trigger> before = triggers_of(*connection_);
    for (const std::string& sql : statements) connection_->execute(sql);
    for (const Trigger& trigger : before) {
        if (trigger.name.starts_with(trigger.table + "_history_"))
            continue;  // The steps themselves do these.
        if (exists(*connection_, "table", trigger.table) && !exists(*connection_, "trigger", trigger.name)) {
            connection_->execute(trigger.sql);
        }
    }
}

void DefinitionSession::commit() {
    if (transaction_) {
        transaction_->commit();
        return;
    }
    const RowSet broken =
        connection_->query("SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1");
    if (!broken.empty()) {
        throw core::Conflict("migration.foreign_key",
                             "rows of `" + std::string(broken.text(0, 0)) +
                                 "` would refer to missing ones of `" + std::string(broken.text(0, 1)) + '`',
                             {{"table", broken.text(0, 0)}, {"target", broken.text(0, 1)}});
    }
    end("COMMIT");
}

void DefinitionSession::end(const char* sql) {
    connection_->execute(sql);
    is_open_ = false;
    connection_->execute("PRAGMA legacy_alter_table = OFF");
    connection_->execute("PRAGMA foreign_keys = ON");
}

}  // namespace consilia::data
