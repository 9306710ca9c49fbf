#pragma once
// Migrations: numbered files that bring a database from one form of the models to the next, and back.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"

namespace consilia::data {

/// One change that a migration makes, for people and for a dry run.
struct MigrationStep {
    std::string migration;           ///< `0002_add_notes`
    std::vector<std::string> notes;  ///< ``visits: drop column `fee` with its values``
    std::vector<std::string> sql;    ///< What the database runs, in order.
    bool loses_data = false;
};

struct MigrationStatus {
    std::string name;
    std::optional<core::Timestamp> applied_at;  ///< None: not yet.
    std::int64_t duration_ms = 0;
};

/// A name that changed, which no comparison could tell from one dropped and one added.
struct Rename {
    std::string table;   ///< As it is in the models, for a column; as it was, for a table.
    std::string column;  ///< As it was; empty: the table itself.
    std::string to;
};

struct MakeOptions {
    std::vector<Rename> renames{};
    bool allows_data_loss = false;  ///< Tables and columns may be dropped, and types narrowed.
};

struct MigrationOptions {
    std::filesystem::path directory;  ///< Of the files.
    const core::Clock* clock =
        nullptr;  ///< For `applied_at`; none: the system's. Must outlive the migrations.
    /// Called before each step runs, inside its transaction; what it throws rolls the migration back.
    std::function<void(const MigrationStep&)> on_step{};
};

/// The migrations of a database.
///
/// A file `0002_add_notes.json` lists operations (`docs/migrations.md`); the table `consilia_migrations` says
/// which have been applied, with a checksum. Each migration is one transaction: a crash leaves the state
/// before. Any number of processes may migrate at once: each migration is applied by one of them.
///
/// Everything that reads the database throws Conflict where files and database do not belong together:
/// `migration.changed` for an applied file with another content, `migration.missing` for one that is gone,
/// `migration.order` for a new file before an applied one, and `migration.drift` where live tables are not
/// what the applied migrations gave; `differences` in the details says how. Files that cannot be read as
/// migrations are InvalidArgument (`migration.file`). Threading: safe.
class CONSILIA_API Migrations {
public:
    /// @throws InvalidArgument (`migration.directory`) unless it is one; (`model.duplicate`,
    /// `model.reference`).
    Migrations(Database& database, std::span<const std::shared_ptr<const Model>> models,
               MigrationOptions options);

    /// All migrations in their order.
    [[nodiscard]] std::vector<MigrationStatus> status() const;
    /// What `migrate` would do; with `rollback` as its name says. Nothing is changed.
    [[nodiscard]] std::vector<MigrationStep> plan(std::string_view to = {}) const;
    [[nodiscard]] std::vector<MigrationStep> plan_rollback(std::string_view to) const;

    /// Applies what has not been applied, up to `to` (empty: all), and gives the names of what this call
    /// applied.
    /// @throws NotFound (`migration.unknown`); as `Session::execute`; Conflict (`migration.foreign_key`) if
    /// rows would refer to missing ones.
    std::vector<std::string> migrate(std::string_view to = {}) const;
    /// Undoes the newest migrations until `to` is the newest one (empty: all are undone).
    /// @throws Conflict (`migration.data_loss`) naming what would be lost, unless it is allowed;
    /// InvalidArgument
    /// (`migration.irreversible`); and as `migrate`.
    std::vector<std::string> rollback(std::string_view to, bool allows_data_loss = false) const;
    /// Marks migrations up to `to` (empty: all) as applied without running them: for tables that were there
    /// before. @throws Conflict (`migration.drift`) unless the live tables are what these migrations give.
    std::vector<std::string> adopt(std::string_view to = {}) const;

    /// Writes the next file: what leads from the files to the models. `title` is `[a-z0-9_]+`, at most 60
    /// bytes.
    /// @return its path; none if the models are what the files give. The database is not asked.
    /// @throws InvalidArgument (`migration.title`, `migration.rename`, `migration.type`, `migration.key`);
    /// Conflict (`migration.data_loss`) naming what would be lost, unless it is allowed; (`file.exists`) if
    /// another process was faster.
    std::optional<std::filesystem::path> make(std::string_view title, const MakeOptions& options = {}) const;

private:
    struct State;
    std::shared_ptr<const State> state_;
};

}  // namespace consilia::data
