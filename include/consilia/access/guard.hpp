#pragma once
// The records of a model as one principal may reach them: whoever goes through a guard cannot forget a check.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/audit_trail.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/model_repository.hpp"
#include "consilia/data/query.hpp"

namespace consilia::access {

/// The fields of a model's rows with their types, across at most `levels` references: what a resource that is
/// about these rows declares, so that a rule with a misspelt field is refused.
CONSILIA_API NamedTypes fields_of(const data::Model& model, std::size_t levels = 3);

/// Scoped queries and checked changes of one model's rows, on behalf of one principal.
///
/// A row that the principal may not `read` is answered as one that does not exist: NotFound
/// (`<resource>.not_found`, HTTP 404), after the same statements and with the same line in the security log.
/// What may be read but not done otherwise is PermissionDenied (403).
/// Threading: safe; sessions are confined.
class CONSILIA_API Guard {
public:
    /// `resource` is the policy's name for the model's rows.
    Guard(Policy policy, Principal principal, std::string resource, data::ModelRepository records,
          Context context = {});

    /// This guard, telling what it decides about single rows: read, changed, refused, not found. See
    /// `AuditTrail`.
    [[nodiscard]] Guard observed(AccessObserver observer) const;
    /// Tells the observer that these rows of a query were read: each by its primary key, or, where that is no
    /// column of them, how many.
    void tell_read(const data::RowSet& rows) const;

    /// The rows to which the principal may do this, and of them the fields that it has under `read` for every
    /// row, the primary key first. Narrow it, order it, count it, prefetch with it, update and remove by it:
    /// the scope stays. Conditions and orders from outside are read by `filter` and `order` first.
    /// @throws PermissionDenied (`access.denied`) where the principal can never do it to anything,
    /// (`access.no_fields`) where it may read no field.
    [[nodiscard]] data::Query query(std::string_view action = "read") const;
    /// As `query`, with all columns: for aggregates, and where no row leaves the program.
    [[nodiscard]] data::Query rows(std::string_view action = "read") const;

    /// A condition from outside as an expression: it names only fields that the principal may read for every
    /// row, since filtering by a hidden one would tell it bit by bit.
    /// @throws InvalidArgument (`access.filter`) past `kMaxFilterBytes`, (`access.field`) with the path and
    /// those that may be named; and as `core::parse_expression`.
    [[nodiscard]] core::Expression filter(std::string_view text) const;
    /// An order from outside, `-created_at,id`, as paths for `Query::order_by`; the primary key is always the
    /// last, so that pages never overlap. @throws as `filter`, (`access.order`) past `kMaxOrders`.
    [[nodiscard]] std::vector<std::string> order(std::string_view text) const;

    /// One row with the fields that the principal has for it. @throws NotFound, PermissionDenied.
    [[nodiscard]] data::RowSet get(const data::Session& session, std::int64_t id) const;
    /// Refuses unless the principal may do this to the row.
    /// @throws NotFound unless it may be read, else PermissionDenied (`access.denied`).
    void require(const data::Session& session, std::int64_t id, std::string_view action) const;

    /// Adds a row, if the principal may `create` it and has all of these fields under `create`.
    /// @throws PermissionDenied (`access.denied`, `access.fields`), and as `ModelRepository::insert`.
    data::ModelRepository::Inserted insert(const data::Session& session,
                                           std::vector<data::Assignment> values) const;
    /// Changes a row, if the principal may `update` it, before and after, and has all of these fields under
    /// `update`. In a transaction: it is to be rolled back when this throws.
    /// @throws NotFound, PermissionDenied (`access.denied`, `access.fields`), and as
    /// `ModelRepository::update`.
    std::optional<core::Timestamp> update(const data::Transaction& transaction, std::int64_t id,
                                          std::vector<data::Assignment> changes,
                                          std::optional<core::Timestamp> version = std::nullopt) const;
    /// Deletes a row, if the principal may `delete` it: marks it, in a model with soft delete.
    /// @throws NotFound, PermissionDenied, Conflict (`database.foreign_key`).
    void remove(const data::Transaction& transaction, std::int64_t id) const;

    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
    [[nodiscard]] const Principal& principal() const noexcept { return principal_; }
    [[nodiscard]] const std::string& resource() const noexcept { return resource_; }
    [[nodiscard]] const Context& context() const noexcept { return context_; }

    static constexpr std::size_t kMaxFilterBytes = 4096;
    static constexpr std::size_t kMaxOrders = 5;

private:
    [[nodiscard]] core::Expression scope(std::string_view action,
                                         std::optional<std::int64_t> id = std::nullopt) const;
    [[nodiscard]] std::vector<std::string> readable() const;
    void require_some(const std::vector<std::string>& fields) const;
    static void require_readable(const std::vector<std::string>& fields, std::string_view path);
    [[nodiscard]] data::Query with_key(std::int64_t id) const;
    [[nodiscard]] data::RowSet facts(const data::Session& session, std::int64_t id,
                                     std::string_view action) const;
    /// Gives what is to be told, once it is done.
    AuditEvent require(const core::FieldSource& facts, std::optional<std::int64_t> id,
                       std::string_view action, std::span<const data::Assignment> changes) const;
    template <class Action>
    void refusing(std::string_view action, std::optional<std::int64_t> id, const Action& body) const;
    void tell(AuditEvent event) const;
    [[nodiscard]] AuditEvent event_of(std::string_view action, std::optional<std::int64_t> id,
                                      const Decision& decision) const;
    [[noreturn]] void refuse_unseen(const data::Session& session, std::int64_t id,
                                    std::string_view action) const;

    Policy policy_;
    Principal principal_;
    std::string resource_;
    data::ModelRepository records_;
    Context context_;
    AccessObserver observer_;
};

}  // namespace consilia::access
