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
#include "consilia/core/value.hpp"
#include "consilia/data/database.hpp"

namespace consilia::data {

class Model;
class Query;

/// A named step of queries over a model: `completed`, `created_within` with a parameter.
using Scope = std::function<Query(const Query& query, const core::Parameters& parameters)>;

struct Column {
    std::string name;
    core::ValueType type = core::ValueType::Text;
    bool is_nullable = false;
    bool is_unique = false;
    bool is_primary_key = false;  ///< An int64 that the database gives.
};

/// A way from a row to one of another table: `relation` is what paths say (`xray.patient`), `column` holds
/// the id.
struct Reference {
    std::string relation;
    std::string column;
    std::shared_ptr<const Model> target;
};

struct Index {
    std::vector<std::string> columns;  ///< `-` before a name: descending.
    bool is_unique = false;
    core::Expression where = {};  ///< A partial index: only the rows for which it is true.
};

/// The description of a table. Built once, then shared and not changed. Threading: compatible.
class CONSILIA_API Model {
public:
    /// @throws InvalidArgument (`model.name`) unless names are `[a-z_][a-z0-9_]*`, here and below.
    explicit Model(std::string table);

    /// @throws InvalidArgument (`model.duplicate`) for a name that is there already.
    void add_column(Column column);
    void add_reference(Reference reference);
    void add_index(Index index);
    /// Names a step for `Query::scope`.
    void add_scope(std::string name, Scope scope);
    /// The text columns that `Query::search` looks in; see `create_full_text`.
    /// @throws InvalidArgument (`model.full_text`) for a column that is not there or holds no text.
    void set_full_text(std::vector<std::string> columns);

    [[nodiscard]] const std::string& table() const noexcept { return table_; }
    [[nodiscard]] std::span<const Column> columns() const noexcept { return columns_; }
    [[nodiscard]] std::span<const Reference> references() const noexcept { return references_; }
    [[nodiscard]] std::span<const Index> indexes() const noexcept { return indexes_; }
    [[nodiscard]] std::span<const std::pair<std::string, Scope>> scopes() const noexcept { return scopes_; }
    [[nodiscard]] const Scope* find_scope(std::string_view name) const noexcept;
    [[nodiscard]] std::span<const std::string> full_text() const noexcept { return full_text_; }
    [[nodiscard]] const Column* find_column(std::string_view name) const noexcept;
    [[nodiscard]] const Reference* find_reference(std::string_view relation) const noexcept;
    [[nodiscard]] const Column* primary_key() const noexcept;
    /// Rows with `is_deleted = true` are hidden from queries unless they ask for them.
    [[nodiscard]] bool has_soft_delete() const noexcept { return find_column("is_deleted") != nullptr; }
    /// A number that no other model of the process has had: what was compiled for it is found by it.
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_.number; }

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
};

/// Creates tables and indexes that are missing, in one transaction, in the order given: referenced tables
/// first. What is there already is left as it is.
CONSILIA_API void create_tables(Database& database, std::span<const Model* const> models);

}  // namespace consilia::data
