#pragma once
// The tables of a live database as models that nobody declared.
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"

namespace consilia::data {

/// What reflection could not describe, and why.
struct LeftOut {
    std::string table;
    std::string part;  ///< A column, an index, a reference; empty: the whole table.
    std::string reason;
};

/// Models read from a database. They live as long as any pointer to one of them. Threading: compatible.
class CONSILIA_API Schema {
public:
    [[nodiscard]] std::shared_ptr<const Model> find(std::string_view table) const noexcept;
    /// @throws NotFound (`schema.unknown_table`).
    [[nodiscard]] std::shared_ptr<const Model> require(std::string_view table) const;
    /// In the order of their names.
    [[nodiscard]] std::vector<std::shared_ptr<const Model>> models() const;
    [[nodiscard]] std::span<const LeftOut> left_out() const noexcept;

private:
    friend CONSILIA_API Schema reflect(const Session& session);
    struct State;
    std::shared_ptr<const State> state_;
};

/// Reads the tables of the database: of the first schema in the search path on PostgreSQL.
///
/// Declared types become value types as `docs/data.md` lists them; `Column::sql_type` keeps what was declared
/// where it is not what we would have written. A reference is called after its column without `_id`, or
/// `{column}_row` where that name is taken. Names that are not `[a-z_][a-z0-9_]*`, unknown types, keys of
/// several columns and conditions of foreign tables are left out and listed. @throws as `Session::query`.
CONSILIA_API Schema reflect(const Session& session);

}  // namespace consilia::data
