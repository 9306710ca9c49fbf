#pragma once
// What is behind the handles of the data layer, and how its values cross.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "consilia/c/data.h"
#include "consilia/core/expression.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/model_repository.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/row_set.hpp"
#include "guard.hpp"

struct consilia_database {
    std::shared_ptr<consilia::data::Database> database;
};

/// A session and the database that it must not outlive; the members end in the opposite order.
struct consilia_session {
    using Own =
        std::variant<consilia::data::Transaction, consilia::data::ReadScope, consilia::data::Autocommit>;

    consilia_session(std::shared_ptr<consilia::data::Database> of, Own begun)
        : database(std::move(of)), own(std::move(begun)) {
        session = std::visit([](auto& held) -> consilia::data::Session* { return &held; }, *own);
        transaction = std::get_if<consilia::data::Transaction>(&*own);
    }
    /// Lent for a call: neither committed nor freed by the one who gets it.
    explicit consilia_session(consilia::data::Transaction& lent) : session(&lent), transaction(&lent) {}
    consilia_session(const consilia_session&) = delete;
    consilia_session& operator=(const consilia_session&) = delete;

    std::shared_ptr<consilia::data::Database> database;
    std::optional<Own> own;
    consilia::data::Session* session = nullptr;
    consilia::data::Transaction* transaction = nullptr;  ///< Null for a session that does not write together.
};

struct consilia_row_set {
    std::shared_ptr<const consilia::data::RowSet> rows;
    consilia::data::RowSet* growing = nullptr;    ///< The same, if it may be appended to,
    mutable std::atomic<bool> is_shared = false;  ///< which ends when Arrow has it.
};

struct consilia_model {
    std::shared_ptr<const consilia::data::Model> model;
    std::shared_ptr<consilia::data::Model> declared =
        nullptr;  ///< The same, unless it was read from a database.
    mutable std::atomic<bool> is_in_use = false;
};

struct consilia_repository {
    std::shared_ptr<const consilia::data::ModelRepository> repository;
};

struct consilia_query {
    consilia::data::Query query;
    std::shared_ptr<const void> keep;  ///< The models that the query refers to.
};

namespace consilia::capi {

/// The model, which does not change from here on.
inline const std::shared_ptr<const data::Model>& in_use(const consilia_model_t* model) {
    const consilia_model_t& used = require(model, "model");
    used.is_in_use = true;
    return used.model;
}

inline const data::Session& session_of(consilia_session_t* session) {
    return *require(session, "session").session;
}

/// @throws InvalidArgument (`database.transaction`) for a session that does not write together.
inline data::Transaction& transaction_of(consilia_session_t* session) {
    data::Transaction* transaction = require(session, "session").transaction;
    if (transaction == nullptr)
        throw core::InvalidArgument("database.transaction", "the session is no writing transaction");
    return *transaction;
}

/// A count that the caller may not want; zero after a failure.
template <class Body>
void counted(std::int64_t* out_count, const Body& body) {
    if (out_count != nullptr) *out_count = 0;
    const std::int64_t count = body();
    if (out_count != nullptr) *out_count = count;
}

/// @throws InvalidArgument (`c_api.value_type`) for a type that there is not.
core::Value value_of(const consilia_value_t& value);
std::vector<core::Value> values_of(const consilia_value_t* values, std::size_t count);
/// The same value on its way out; borrows its text and bytes.
consilia_value_t lend(const core::Value& value) noexcept;
core::Parameters parameters_of(const consilia_parameter_t* parameters, std::size_t count);
/// @throws InvalidArgument (`c_api.value_type`).
core::ValueType type_of(std::int32_t type);
std::vector<data::Assignment> assignments_of(const consilia_assignment_t* assignments, std::size_t count);
std::vector<data::RowColumn> columns_of(const consilia_row_column_t* columns, std::size_t count);

inline consilia_row_set_t* row_set(std::shared_ptr<const data::RowSet> rows) {
    return new consilia_row_set_t{std::move(rows)};
}
inline consilia_row_set_t* row_set(data::RowSet rows) {
    return row_set(std::make_shared<const data::RowSet>(std::move(rows)));
}
/// NULL for none.
inline consilia_row_set_t* row_set(std::optional<data::RowSet> rows) {
    return rows ? row_set(*std::move(rows)) : nullptr;
}
/// Rows of one text column.
data::RowSet list_of(const char* column, const std::vector<std::string>& texts);

}  // namespace consilia::capi
