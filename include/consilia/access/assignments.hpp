#pragma once
// Who has which role, and who lends what to whom, in tables, each with a beginning and an end.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/mapping.hpp"
#include "consilia/data/repository.hpp"

namespace consilia::access {

/// A row of `consilia_role_assignments`: one for a user and a role. The table keeps a history
/// (`data::History`) of who had which role, and who gave and took it.
struct CONSILIA_API RoleAssignment {
    std::int64_t id = 0;
    std::int64_t user_id = 0;
    std::string role;
    std::optional<std::int64_t> granted_by;
    core::Timestamp starts_at{};
    std::optional<core::Timestamp> ends_at;  ///< From here on it counts no more. Empty: until revoked.
    core::Timestamp created_at{};
    core::Timestamp updated_at{};
    static data::Mapping<RoleAssignment> mapping();
};

/// A row of `consilia_delegations`, which keeps a history too.
struct CONSILIA_API LentPermission {
    std::int64_t id = 0;
    std::int64_t lender_id = 0;
    std::string lender_name;
    std::int64_t borrower_id = 0;
    std::string permission;  ///< `resource:action`; either part may be `*`.
    core::Timestamp starts_at{};
    core::Timestamp ends_at{};
    core::Timestamp created_at{};
    static data::Mapping<LentPermission> mapping();
};

/// Creates what is missing of the two tables and their histories.
CONSILIA_API void create_assignment_tables(data::Database& database);

struct AssignOptions {
    std::optional<std::int64_t> granted_by = {};    ///< Empty: who acts in the transaction.
    std::optional<core::Timestamp> starts_at = {};  ///< Empty: now.
    std::optional<core::Timestamp> ends_at = {};    ///< Empty: until revoked.
};

/// What is lent, and until when.
struct DelegateOptions {
    std::int64_t borrower_id = 0;
    std::string permission;                         ///< `resource:action`; either part may be `*`.
    core::Timestamp ends_at;                        ///< At most `Assignments::kMaxDelegation` ahead.
    std::optional<core::Timestamp> starts_at = {};  ///< Empty: now.
};

/// A delegation by its lender, so that nobody takes back what another one lent.
struct DelegationKey {
    std::int64_t id = 0;
    std::int64_t lender_id = 0;
};

struct UsersOptions {
    std::optional<std::int64_t> after = {};  ///< The last user of the page before.
    std::int64_t limit = 1000;               ///< 1 to 10 000.
};

/// The roles and delegations of users, who are known by their ids. Changes are part of the caller's
/// transaction, and changes of one user wait for each other. Who may make them is for the caller's policy to
/// say. Threading: safe; sessions are confined.
class CONSILIA_API Assignments {
public:
    /// The longest time ahead that a delegation may end at.
    static constexpr std::chrono::days kMaxDelegation{366};
    /// The most delegations to one borrower that have not ended.
    static constexpr std::int64_t kMaxBorrowed = 100;

    /// Both must outlive this. See `create_assignment_tables`.
    explicit Assignments(data::Database& database, const core::Clock& clock = core::SystemClock::instance());

    /// Gives a user a role; one that the user has already gets this period, and this granter.
    /// @throws ValidationError (`access.unknown_role`) for a role that the policy does not declare,
    /// (`access.period`) for one that ends before it starts or now; Conflict (`access.separation`) naming the
    /// separation that the user's roles would break at some time.
    RoleAssignment assign(data::Transaction& transaction, const Policy& policy, std::int64_t user_id,
                          std::string_view role, const AssignOptions& options = {}) const;
    /// Takes a role away, now. @return whether the user had it, or would have had it later.
    bool revoke(data::Transaction& transaction, std::int64_t user_id, std::string_view role) const;
    /// The roles that a user has now, the oldest assignment first.
    [[nodiscard]] std::vector<std::string> roles_of(const data::Session& session, std::int64_t user_id) const;
    /// The assignments of a user that have not ended, the oldest first.
    [[nodiscard]] std::vector<RoleAssignment> assignments_of(const data::Session& session,
                                                             std::int64_t user_id) const;
    /// The users who have a role now, in ascending order; not those who have one that inherits from it.
    /// @throws InvalidArgument (`access.limit`).
    [[nodiscard]] std::vector<std::int64_t> users_with(const data::Session& session, std::string_view role,
                                                       const UsersOptions& options = {}) const;

    /// Lends what `lender` may do; what was lent to the lender is not lent on.
    /// @throws PermissionDenied (`access.delegation`) unless each permission named is delegable and may be
    /// allowed to the lender; ValidationError (`access.unknown_permission`) for one that names nothing,
    /// (`access.period`), (`access.borrower`) for the lender; Conflict (`access.separation`) where the two
    /// have roles that are kept apart; ResourceExhausted (`access.borrowed_max`); InvalidArgument
    /// (`access.lender`) for a lender whose id is no int64.
    LentPermission delegate(data::Transaction& transaction, const Policy& policy, const Principal& lender,
                            const DelegateOptions& options) const;
    /// Ends a delegation, now. @return whether this lender lent it.
    bool take_back(data::Transaction& transaction, const DelegationKey& key) const;
    /// What a user lends and has not ended, the oldest first.
    [[nodiscard]] std::vector<LentPermission> lent_by(const data::Session& session,
                                                      std::int64_t lender_id) const;
    /// What is lent to a user and has not ended, the oldest first.
    [[nodiscard]] std::vector<LentPermission> lent_to(const data::Session& session,
                                                      std::int64_t borrower_id) const;

    /// The user as a policy asks: the roles of now, and the delegations of now, each with the roles that its
    /// lender has now, so that a lender who loses a role lends nothing by it. A role that the policy no
    /// longer declares is among them, and denies everything. Attributes, those of lenders too, are the
    /// caller's to add. Two statements: a read scope makes them of one moment.
    [[nodiscard]] Principal principal(const data::Session& session, std::int64_t user_id,
                                      std::string name = {}) const;

private:
    data::Repository<RoleAssignment> roles_;
    data::Repository<LentPermission> lent_;
    const core::Clock& clock_;
};

}  // namespace consilia::access
