#pragma once
// The rows of any model by name and value: what `Repository` is for structs, for languages without them.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {

/// The records of one model. Rows that were soft-deleted are not found, except where a call says so.
///
/// A model with the timestamps `created_at` and `updated_at` has them set here; `updated_at` grows with each
/// update and tells a stale one. The integers `created_by` and `updated_by` get the actor of the transaction
/// (`Transaction::act_as`), if it has one; `insert_all` and `upsert_all` leave them to the rows.
/// Threading: safe; sessions are confined.
class CONSILIA_API ModelRepository {
public:
    /// The clock must outlive the repository. @throws InvalidArgument (`model.key`) for a model without a
    /// primary key.
    explicit ModelRepository(std::shared_ptr<const Model> model,
                             const core::Clock& clock = core::SystemClock::instance());

    [[nodiscard]] const Model& model() const noexcept { return *model_; }
    [[nodiscard]] std::shared_ptr<const Model> shared_model() const noexcept { return model_; }
    [[nodiscard]] bool has_timestamps() const noexcept { return has_timestamps_; }
    /// The columns of `find`: those of the model, in their order.
    [[nodiscard]] const std::shared_ptr<const std::vector<RowColumn>>& columns() const noexcept {
        return columns_;
    }

    /// One row with all columns, or none.
    [[nodiscard]] RowSet find(const Session& session, std::int64_t id) const;
    /// As `find`, whether or not the row was soft-deleted.
    [[nodiscard]] RowSet find_with_deleted(const Session& session, std::int64_t id) const;
    /// As `find`. @throws NotFound (`record.not_found`) with model and id in its details.
    [[nodiscard]] RowSet get(const Session& session, std::int64_t id) const;

    struct Inserted {
        std::int64_t id = 0;
        std::optional<core::Timestamp> at = {};  ///< Its times, if the model has them.
    };
    /// Adds a row; columns that are not named get their default. Times that are named are kept.
    /// @throws InvalidArgument (`query.unknown_field`, `query.type`), and as `Session::execute`.
    Inserted insert(const Session& session, std::vector<Assignment> values) const;
    /// Adds many rows at the database's best speed, all of them or none: each column of `rows` is one of the
    /// model, and those that are absent get their default. @return the number of rows. @throws as `insert`.
    std::int64_t insert_all(const Session& session, const RowSet& rows) const;

    /// As `insert_all`, but a row that is there already is updated or left alone; see `upsert_many`. The
    /// columns that are updated include `updated_at`. @throws as `upsert_many`.
    std::int64_t upsert_all(const Session& session, const RowSet& rows, UpsertOptions options) const;

    /// Changes the named columns of a row. With `version`, the row's `updated_at` as it was read, it is
    /// refused if somebody changed the row since. @return the new `updated_at`, if the model has one.
    /// @throws NotFound (`record.not_found`), Conflict (`record.stale`), and as `Query::update`.
    std::optional<core::Timestamp> update(const Session& session, std::int64_t id,
                                          std::vector<Assignment> changes,
                                          std::optional<core::Timestamp> version = std::nullopt) const;

    /// Hides a row: it is marked with the time and with who did it, the actor of the session unless it is
    /// said.
    /// @throws NotFound; InvalidArgument (`record.no_soft_delete`) for a model without soft delete.
    void soft_delete(const Session& session, std::int64_t id,
                     std::optional<std::int64_t> by = std::nullopt) const;
    /// Shows a soft-deleted row again. @throws as `soft_delete`; NotFound also for a row that is not deleted.
    void restore(const Session& session, std::int64_t id) const;
    /// Deletes a row for good, soft-deleted or not. @throws NotFound, Conflict (`database.foreign_key`).
    void remove(const Session& session, std::int64_t id) const;

    /// A query over the rows that are not deleted.
    [[nodiscard]] Query query() const { return Query(*model_); }

private:
    [[nodiscard]] Query with_key(std::int64_t id) const;
    [[nodiscard]] core::Timestamp next_version(core::Timestamp before) const;
    [[nodiscard]] std::vector<std::pair<std::string, core::Value>> marks(const Session& session) const;
    [[nodiscard]] std::optional<std::int64_t> audited_actor(const Session& session) const;
    void mark(const Session& session, std::int64_t id, bool is_deleted, std::optional<std::int64_t> by) const;
    [[nodiscard]] const Column& column(std::string_view name) const;

    std::shared_ptr<const Model> model_;
    const core::Clock& clock_;
    bool has_timestamps_ = false;
    bool has_audit_ = false;
    std::shared_ptr<const std::vector<RowColumn>> columns_;
    std::array<std::string, 2> find_sql_;          ///< By dialect.
    std::array<std::string, 2> find_deleted_sql_;  ///< By dialect.
};

}  // namespace consilia::data
