#include "consilia/data/migrations.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "ddl.hpp"
#include "definition_session.hpp"
#include "live.hpp"
#include "migration_file.hpp"

namespace consilia::data {
namespace {

using core::quote_identifier;
using core::SqlDialect;
using core::Value;
using core::ValueType;

constexpr std::size_t kTitleMax = 60;
constexpr std::size_t kDifferencesShown = 20;
constexpr const char* kTable = "consilia_migrations";

const Model& log_model() {
    static const Model model = [] {
        Model made(kTable);
        made.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made.add_column({.name = "name", .is_unique = true});
        made.add_column({.name = "checksum"});
        made.add_column({.name = "applied_at", .type = ValueType::Timestamp});
        made.add_column({.name = "duration_ms", .type = ValueType::Int64});
        return made;
    }();
    return model;
}

struct Applied {
    std::string name;
    std::string checksum;
    core::Timestamp at;
    std::int64_t duration_ms = 0;
};

std::vector<Applied> read_log(const Session& session) {
    // The table comes with the first migration: reading must not create it.
    const bool is_sqlite = session.dialect() == SqlDialect::Sqlite;
    const bool is_there =
        !session
             .query(is_sqlite ? "SELECT 1 FROM sqlite_schema WHERE name = 'consilia_migrations'"
                              : "SELECT 1 WHERE to_regclass('consilia_migrations') IS NOT NULL")
             .empty();
    std::vector<Applied> applied;
    if (!is_there) return applied;
    const RowSet rows = session.query(
        "SELECT name, checksum, applied_at, duration_ms FROM consilia_migrations ORDER BY id", {},
        {{"name", ValueType::Text},
         {"checksum", ValueType::Text},
         {"applied_at", ValueType::Timestamp},
         {"duration_ms", ValueType::Int64}});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        applied.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)),
                           core::Timestamp{rows.int64(i, 2)}, rows.int64(i, 3)});
    }
    return applied;
}

[[noreturn]] void throw_conflict(const char* code, const std::string& message, const std::string& name) {
    throw core::Conflict(code, message, {{"migration", name}});
}

/// What was applied must be a beginning of the files, unchanged.
void check_log(const std::vector<MigrationFile>& files, const std::vector<Applied>& applied) {
    for (std::size_t i = 0; i < applied.size(); ++i) {
        const auto same_name = [&](const MigrationFile& file) { return file.name == applied[i].name; };
        const auto file = std::find_if(files.begin(), files.end(), same_name);
        if (file == files.end()) {
            throw_conflict("migration.missing", "applied migration `" + applied[i].name + "` has no file",
                           applied[i].name);
        }
        if (file != files.begin() + static_cast<std::ptrdiff_t>(i)) {
            throw_conflict(
                "migration.order",
                "migration `" + files[i].name + "` stands before `" + applied[i].name + "`, which is applied",
                files[i].name);
        }
        if (file->checksum != applied[i].checksum) {
            throw_conflict("migration.changed",
                           "the file of applied migration `" + file->name + "` was changed", file->name);
        }
    }
}

void check_drift(const Session& session, const Tables& wanted) {
    const LiveTables live = read_live(session);
    std::vector<std::string> lines = differences(wanted, live, session.dialect());
    if (lines.empty() && session.dialect() == SqlDialect::PostgreSql) {
        lines = rule_differences_postgres(session, wanted, live);
    }
    if (lines.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < std::min(lines.size(), kDifferencesShown); ++i) {
        text += (i == 0 ? "" : "; ") + lines[i];
    }
    throw core::Conflict("migration.drift",
                         "the live tables are not what the migrations give (" + std::to_string(lines.size()) +
                             " differences, first " + lines.front() + ")",
                         {{"differences", text}, {"count", static_cast<std::int64_t>(lines.size())}});
}

MigrationStep step_of(const std::string& migration, const PlacedOperation& placed, SqlDialect dialect) {
    MigrationStep step{.migration = migration, .notes = {}, .sql = sql_of(placed, dialect)};
    for (ChangeNote& note : notes_of(placed)) {
        step.loses_data = step.loses_data || note.loses_data;
        step.notes.push_back(std::move(note.text));
    }
    return step;
}

std::string losses_of(const Tables& start, const std::vector<Operation>& operations) {
    std::string losses;
    for (const PlacedOperation& placed : place(start, operations)) {
        for (const ChangeNote& note : notes_of(placed)) {
            if (note.loses_data) losses += (losses.empty() ? "" : "; ") + note.text;
        }
    }
    return losses;
}

[[noreturn]] void throw_data_loss(const std::string& losses) {
    throw core::Conflict("migration.data_loss",
                         "data would be lost: " + losses + "; say so, or say that a name changed",
                         {{"losses", losses}});
}

/// The files with the tables that each of them gives.
struct Chain {
    std::vector<MigrationFile> files;
    std::vector<Tables> states;  ///< One more than files: the first is empty.

    explicit Chain(const std::filesystem::path& directory) : files(read_migrations(directory)), states(1) {
        for (const MigrationFile& file : files) {
            Tables tables = states.back();
            for (const Operation& operation : file.operations) apply_operation(tables, operation);
            states.push_back(std::move(tables));
        }
    }

    /// How many migrations there are up to a name.
    [[nodiscard]] std::size_t position(std::string_view name) const {
        for (std::size_t i = 0; i < files.size(); ++i) {
            if (files[i].name == name) return i + 1;
        }
        throw core::NotFound("migration.unknown",
                             "there is no migration `" + std::string(name.substr(0, 80)) + '`',
                             {{"migration", name.substr(0, 80)}});
    }

    [[nodiscard]] std::vector<MigrationStep> forward(std::size_t at, SqlDialect dialect) const {
        std::vector<MigrationStep> steps;
        for (const PlacedOperation& placed : place(states[at], files[at].operations)) {
            steps.push_back(step_of(files[at].name, placed, dialect));
        }
        return steps;
    }

    [[nodiscard]] std::vector<Operation> inverses(std::size_t at) const {
        std::vector<Operation> back;
        const auto placed = place(states[at], files[at].operations);
        for (auto each = placed.rbegin(); each != placed.rend(); ++each) back.push_back(inverse(*each));
        return back;
    }

    [[nodiscard]] std::vector<MigrationStep> backward(std::size_t at, SqlDialect dialect) const {
        std::vector<MigrationStep> steps;
        for (const PlacedOperation& placed : place(states[at + 1], inverses(at))) {
            steps.push_back(step_of(files[at].name, placed, dialect));
        }
        return steps;
    }
};

}  // namespace

struct Migrations::State {
    Database& database;
    Tables declared;
    MigrationOptions options;

    [[nodiscard]] core::Timestamp now() const {
        return (options.clock != nullptr ? *options.clock : core::SystemClock::instance()).now();
    }

    void run(DefinitionSession& definition, const std::vector<MigrationStep>& steps) const {
        for (const MigrationStep& step : steps) {
            if (options.on_step) options.on_step(step);
            definition.run(step.sql);
        }
    }

    void record(const Session& session, const MigrationFile& file, std::int64_t duration_ms) const {
        const bool is_sqlite = session.dialect() == SqlDialect::Sqlite;
        session.execute(is_sqlite
                            ? "INSERT INTO consilia_migrations (name, checksum, applied_at, duration_ms) "
                              "VALUES (?, ?, ?, ?)"
                            : "INSERT INTO consilia_migrations (name, checksum, applied_at, duration_ms) "
                              "VALUES ($1, $2, $3, $4)",
                        std::vector<Value>{file.name, file.checksum, now(), duration_ms});
    }

    /// Begins a transaction, and gives how many migrations are applied once files, log and tables agree.
    std::size_t begin(DefinitionSession& definition, const Chain& chain) const {
        const std::vector<Applied> applied = read_log(definition.session());
        check_log(chain.files, applied);
        check_drift(definition.session(), chain.states[applied.size()]);
        return applied.size();
    }

    /// The same without a transaction that writes.
    [[nodiscard]] std::size_t look(const Chain& chain) const {
        const ReadScope session = database.read();
        const std::vector<Applied> applied = read_log(session);
        check_log(chain.files, applied);
        check_drift(session, chain.states[applied.size()]);
        return applied.size();
    }

    void create_log(DefinitionSession& definition) const {
        definition.run(create_sql(log_model(), definition.session().dialect()));
    }

    bool apply_next(const Chain& chain, std::size_t end, std::string& name) const {
        const auto start = std::chrono::steady_clock::now();
        DefinitionSession definition(database);
        const std::size_t at = begin(definition, chain);
        if (at >= end) return false;
        create_log(definition);
        run(definition, chain.forward(at, database.dialect()));
        check_drift(definition.session(), chain.states[at + 1]);
        const auto duration = std::chrono::steady_clock::now() - start;
        record(definition.session(), chain.files[at],
               std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
        definition.commit();
        name = chain.files[at].name;
        return true;
    }

    bool undo_newest(const Chain& chain, std::size_t end, bool allows_data_loss, std::string& name) const {
        DefinitionSession definition(database);
        const std::size_t count = begin(definition, chain);
        if (count <= end) return false;
        const std::size_t at = count - 1;
        const std::string losses = losses_of(chain.states[count], chain.inverses(at));
        if (!losses.empty() && !allows_data_loss) throw_data_loss(losses);
        run(definition, chain.backward(at, database.dialect()));
        check_drift(definition.session(), chain.states[at]);
        definition.run(
            {"DELETE FROM consilia_migrations WHERE id = (SELECT max(id) FROM consilia_migrations)"});
        definition.commit();
        name = chain.files[at].name;
        return true;
    }
};

Migrations::Migrations(Database& database, std::span<const std::shared_ptr<const Model>> models,
                       MigrationOptions options) {
    if (!std::filesystem::is_directory(options.directory)) {
        throw core::InvalidArgument("migration.directory", "migrations need a directory that is there");
    }
    state_ = std::make_shared<const State>(State{database, tables_of(models), std::move(options)});
}

std::vector<MigrationStatus> Migrations::status() const {
    const Chain chain(state_->options.directory);
    const std::vector<Applied> applied = read_log(state_->database.read());
    check_log(chain.files, applied);
    std::vector<MigrationStatus> result;
    for (std::size_t i = 0; i < chain.files.size(); ++i) {
        MigrationStatus status{.name = chain.files[i].name, .applied_at = {}};
        if (i < applied.size()) {
            status.applied_at = applied[i].at;
            status.duration_ms = applied[i].duration_ms;
        }
        result.push_back(std::move(status));
    }
    return result;
}

std::vector<MigrationStep> Migrations::plan(std::string_view to) const {
    const Chain chain(state_->options.directory);
    const std::size_t end = to.empty() ? chain.files.size() : chain.position(to);
    std::vector<MigrationStep> steps;
    for (std::size_t at = state_->look(chain); at < end; ++at) {
        for (MigrationStep& step : chain.forward(at, state_->database.dialect()))
            steps.push_back(std::move(step));
    }
    return steps;
}

std::vector<MigrationStep> Migrations::plan_rollback(std::string_view to) const {
    const Chain chain(state_->options.directory);
    const std::size_t end = to.empty() ? 0 : chain.position(to);
    std::vector<MigrationStep> steps;
    for (std::size_t count = state_->look(chain); count > end; --count) {
        for (MigrationStep& step : chain.backward(count - 1, state_->database.dialect())) {
            steps.push_back(std::move(step));
        }
    }
    return steps;
}

std::vector<std::string> Migrations::migrate(std::string_view to) const {
    const Chain chain(state_->options.directory);
    const std::size_t end = to.empty() ? chain.files.size() : chain.position(to);
    std::vector<std::string> names;
    std::string name;
    while (state_->apply_next(chain, end, name)) names.push_back(name);
    return names;
}

std::vector<std::string> Migrations::rollback(std::string_view to, bool allows_data_loss) const {
    const Chain chain(state_->options.directory);
    const std::size_t end = to.empty() ? 0 : chain.position(to);
    std::vector<std::string> names;
    std::string name;
    while (state_->undo_newest(chain, end, allows_data_loss, name)) names.push_back(name);
    return names;
}

std::vector<std::string> Migrations::adopt(std::string_view to) const {
    const Chain chain(state_->options.directory);
    const std::size_t end = to.empty() ? chain.files.size() : chain.position(to);
    DefinitionSession definition(state_->database);
    const std::vector<Applied> applied = read_log(definition.session());
    check_log(chain.files, applied);
    std::vector<std::string> names;
    if (applied.size() >= end) return names;
    check_drift(definition.session(), chain.states[end]);
    state_->create_log(definition);
    for (std::size_t at = applied.size(); at < end; ++at) {
        state_->record(definition.session(), chain.files[at], 0);
        names.push_back(chain.files[at].name);
    }
    definition.commit();
    return names;
}

std::optional<std::filesystem::path> Migrations::make(std::string_view title,
                                                      const MakeOptions& options) const {
    const bool is_plain =
        !title.empty() && title.size() <= kTitleMax && std::all_of(title.begin(), title.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        });
    if (!is_plain) {
        throw core::InvalidArgument("migration.title",
                                    "a title must be 1 to 60 lower-case letters, digits and `_`");
    }
    const Chain chain(state_->options.directory);
    std::vector<RenameOf> renames;
    for (const Rename& rename : options.renames) renames.push_back({rename.table, rename.column, rename.to});
    const Tables& start = chain.states.back();
    const std::vector<Operation> operations = operations_between(start, state_->declared, renames);
    if (operations.empty()) return std::nullopt;
    const std::string losses = losses_of(start, operations);
    if (!losses.empty() && !options.allows_data_loss) throw_data_loss(losses);
    // What either database cannot do is found now, not when somebody migrates.
    for (const PlacedOperation& placed : place(start, operations)) {
        (void)sql_of(placed, SqlDialect::Sqlite);
        (void)sql_of(placed, SqlDialect::PostgreSql);
    }
    std::string number = std::to_string(chain.files.size() + 1);
    number.insert(0, 4 - std::min<std::size_t>(number.size(), 4), '0');
    return write_migration(state_->options.directory, number + '_' + std::string(title), operations);
}

}  // namespace consilia::data
