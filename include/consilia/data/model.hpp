#pragma once
// A table described once: columns, references to other tables and indexes.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/database.hpp"

namespace consilia::data {

class Model;
class Query;

/// A named step of queries over a model: `completed`, `created_within` with a parameter.
using Scope = std::function<Query(const Query& query, const core::Parameters& parameters)>;

/// A column. What a row must satisfy is written into the table, so that no program can break it.
struct Column {
    std::string name;
    core::ValueType type = core::ValueType::Text;
    bool is_nullable = false;
    bool is_unique = false;
    bool is_primary_key = false;            ///< An int64 that the database gives.
    core::Value default_value = {};         ///< For inserts that do not name the column; null: none.
    bool defaults_to_now = false;           ///< The default of a timestamp or date is the time of the insert.
    std::int64_t length_max = 0;            ///< Of a text, in code points; 0: any.
    std::vector<std::string> choices = {};  ///< The only texts allowed; empty: any.
    core::Expression check = {};            ///< Must not be false; over this column alone.
    std::string sql_type = {};  ///< Reflected columns: the type as declared, where it is not what we write.
};

/// What becomes of a row when the one that it refers to is deleted.
enum class OnDelete : std::uint8_t {
    Restrict,  ///< The referenced row cannot be deleted.
    Cascade,   ///< The row is deleted too.
    SetNull,   ///< The reference becomes null; its column must be nullable.
};

/// A way from a row to one of another table: `relation` is what paths say (`xray.patient`), `column` holds
/// the id. `target` of a reference to the same table is `Model::self`.
struct Reference {
    std::string relation;
    std::string column;
    std::shared_ptr<const Model> target;
    OnDelete on_delete = OnDelete::Restrict;
};

struct Index {
    std::vector<std::string> columns;  ///< `-` before a name: descending.
    bool is_unique = false;
    core::Expression where = {};   ///< A partial index: only the rows for which it is true.
    bool ignores_deleted = false;  ///< Only the rows that are not soft-deleted.
};

/// The description of a table. Built once, then shared and not changed. Threading: compatible.
class CONSILIA_API Model {
public:
    /// @throws InvalidArgument (`model.name`) unless names are `[a-z_][a-z0-9_]*`, here and below.
    explicit Model(std::string table);

    /// @throws InvalidArgument (`model.duplicate`) for a name that is there already.
    /// @throws also InvalidArgument (`model.column`) for a default, length, choice or check that the column's
    /// type cannot have.
    void add_column(Column column);
    /// @throws also InvalidArgument (`model.reference`).
    void add_reference(Reference reference);
    /// A unique index on one column, without condition, is what `Column::is_unique` says, and becomes that.
    /// @throws also InvalidArgument (`model.index`).
    void add_index(Index index);
    /// Names a step for `Query::scope`.
    void add_scope(std::string name, Scope scope);
    /// The text columns that `Query::search` looks in; see `create_full_text`.
    /// @throws InvalidArgument (`model.full_text`) for a column that is not there or holds no text.
    void set_full_text(std::vector<std::string> columns);
    /// A condition over the columns of a row that must not be false. @throws InvalidArgument (`model.check`).
    void add_check(core::Expression condition);
    /// Every change of a row is kept in the table `{table}_history`; see `History`.
    /// @throws InvalidArgument (`model.history`) without primary key, or for columns named `history_...`.
    void keep_history();

    [[nodiscard]] const std::string& table() const noexcept { return table_; }
    [[nodiscard]] std::span<const Column> columns() const noexcept { return columns_; }
    [[nodiscard]] std::span<const Reference> references() const noexcept { return references_; }
    [[nodiscard]] std::span<const Index> indexes() const noexcept { return indexes_; }
    [[nodiscard]] std::span<const std::pair<std::string, Scope>> scopes() const noexcept { return scopes_; }
    [[nodiscard]] const Scope* find_scope(std::string_view name) const noexcept;
    [[nodiscard]] std::span<const std::string> full_text() const noexcept { return full_text_; }
    [[nodiscard]] std::span<const core::Expression> checks() const noexcept { return checks_; }
    [[nodiscard]] const Column* find_column(std::string_view name) const noexcept;
    [[nodiscard]] const Reference* find_reference(std::string_view relation) const noexcept;
    [[nodiscard]] const Column* primary_key() const noexcept;
    /// Rows with `is_deleted = true` are hidden from queries unless they ask for them. A history shows all.
    [[nodiscard]] bool has_soft_delete() const noexcept {
        return find_column("is_deleted") != nullptr && find_column("history_id") == nullptr;
    }
    /// A number that no other model of the process has had: what was compiled for it is found by it.
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_.number; }
    [[nodiscard]] bool has_history() const noexcept { return has_history_; }
    /// This model as the target of a reference to itself. It is not owned: the model must stay where it is.
    [[nodiscard]] std::shared_ptr<const Model> self() const noexcept;

private:
    struct CONSILIA_API Identity {
        Identity() noexcept;
        Identity(const Identity&) noexcept : Identity() {}
        Identity& operator=(const Identity&) noexcept;
        std::uint64_t number;
    };
    Identity identity_;
    std::string table_;
    std::vector<Column> columns_;
    std::vector<Reference> references_;
    std::vector<Index> indexes_;
    std::vector<std::pair<std::string, Scope>> scopes_;
    std::vector<std::string> full_text_;
    std::vector<core::Expression> checks_;
    bool has_history_ = false;
};

/// The statements that create a table with its indexes and history, each skipped by the database where its
/// object is there already. @throws InvalidArgument (`model.index`, `model.check`) for a condition that the
/// database cannot keep.
CONSILIA_API std::vector<std::string> create_sql(const Model& model, core::SqlDialect dialect);

/// Creates tables and indexes that are missing, in one transaction. Referenced tables are among the models or
/// there already. What is there already is left as it is: what changes over time is the work of `Migrations`.
CONSILIA_API void create_tables(Database& database, std::span<const Model* const> models);

}  // namespace consilia::data
