#pragma once
// The versions of a model's rows: which there were, how all rows were at a time, and the way back.
#include <cstdint>
#include <memory>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {

/// The history of a model that keeps one (`Model::keep_history`).
///
/// Triggers of the database write each version, in the transaction of the change: bulk updates, trusted SQL,
/// cascades and other programs included. A version has the columns of the row as it became (of a deleted one,
/// as it was), and `history_id`, `history_action` (`insert`, `update`, `delete`, or `baseline` for rows that
/// were there before the history), `history_at` by the database's clock, and `history_by`, the actor of
/// `Transaction::act_as`. Changes made by migrations themselves are not versions. Threading: safe; sessions
/// are confined.
class CONSILIA_API History {
public:
    /// The model must outlive the history. @throws InvalidArgument (`record.no_history`).
    explicit History(const Model& model);

    /// The versions as a model, to be queried like any other.
    [[nodiscard]] const Model& model() const noexcept { return *history_; }
    /// The versions of one row, oldest first.
    [[nodiscard]] Query versions(std::int64_t id) const;
    /// All rows as they were at an instant, with the columns of the model, by key.
    [[nodiscard]] RowSet as_of(const Session& session, core::Timestamp at) const;
    /// Gives a row the values of one of its versions; a deleted row is there again. `updated_at` moves on,
    /// and a column that must have a value, but had none then, stays as it is. This is a new version itself.
    /// @throws NotFound (`record.no_version`); as `Query::update` and `insert`.
    void restore(const Session& session, std::int64_t history_id,
                 const core::Clock& clock = core::SystemClock::instance()) const;

private:
    const Model* model_;
    std::shared_ptr<const Model> history_;
};

}  // namespace consilia::data
