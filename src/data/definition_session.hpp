#pragma once
// One transaction in which definitions change, set as each database needs it.
#include <optional>
#include <string>
#include <vector>

#include "consilia/data/database.hpp"

namespace consilia::data {

/// Rolled back when destroyed without `commit`.
///
/// On SQLite foreign keys are not enforced meanwhile, because dropping a table that is made anew would delete
/// what refers to it; `commit` checks them. Triggers of the user's own survive a table that is made anew.
class DefinitionSession {
public:
    explicit DefinitionSession(Database& database);
    ~DefinitionSession();
    DefinitionSession(const DefinitionSession&) = delete;
    DefinitionSession& operator=(const DefinitionSession&) = delete;

    [[nodiscard]] const Session& session() const noexcept;
    /// Runs the statements of one step.
    void run(const std::vector<std::string>& statements);
    /// @throws Conflict (`migration.foreign_key`) naming a table whose rows refer to missing ones.
    void commit();

private:
    void end(const char* sql);

    std::optional<Transaction> transaction_;  ///< PostgreSQL.
    std::optional<Autocommit> connection_;  ///< SQLite, which cannot leave foreign keys within a transaction.
    bool is_open_ = false;
};

}  // namespace consilia::data
