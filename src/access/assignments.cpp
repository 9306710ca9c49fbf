#include "consilia/access/assignments.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "access/compiled_policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Timestamp;
using core::Value;
using data::field;

constexpr std::int64_t kMaxUsers = 10'000;
constexpr std::int64_t kUserLock = 0x636f'6e73'0000'0000;  // "cons"; migrations have a lock of their own.

// Lets changes of one user wait for each other, until the transaction ends. SQLite has one writer anyway.
void lock_user(const data::Transaction& transaction, std::int64_t user_id) {
    if (transaction.dialect() == core::SqlDialect::Sqlite) return;
    const Value key[] = {Value(kUserLock ^ user_id)};
    transaction.query("SELECT pg_advisory_xact_lock($1)::text", key);
}

void require_period(Timestamp now, Timestamp starts_at, std::optional<Timestamp> ends_at) {
    if (!ends_at || (*ends_at > starts_at && *ends_at > now)) return;
    throw core::ValidationError(
        "access.period", "a role or delegation ends after it starts, and after now",
        {{"starts_at", Value(starts_at)}, {"ends_at", Value(*ends_at)}, {"now", Value(now)}});
}

// The separation that these roles break together. A policy answers any question of whoever has them with it.
std::optional<std::string> broken_separation(const Policy& policy, std::vector<std::string> roles) {
    std::erase_if(roles, [&](const std::string& role) { return !policy.has_role(role); });
    const Decision decision = policy.check({.roles = std::move(roles)}, "", "");
    if (decision.reason != Reason::SeparationOfDuties) return std::nullopt;
    return std::string(policy.name_of(decision));
}

[[noreturn]] void refuse_separation(const std::string& separation, std::int64_t user_id,
                                    std::string_view role) {
    throw core::Conflict(
        "access.separation", "the roles would break separation `" + separation + "`",
        {{"separation", Value(separation)}, {"user_id", Value(user_id)}, {"role", Value(role)}});
}

bool holds_at(const RoleAssignment& assignment, Timestamp at) {
    return assignment.starts_at <= at && (!assignment.ends_at || at < *assignment.ends_at);
}

// A set of roles changes only where one of them starts: the new one, or another one while it lasts.
void require_separate(const Policy& policy, const RoleAssignment& given,
                      const std::vector<RoleAssignment>& others) {
    std::vector<Timestamp> instants = {given.starts_at};
    for (const RoleAssignment& other : others) {
        if (holds_at(given, other.starts_at)) instants.push_back(other.starts_at);
    }
    for (const Timestamp at : instants) {
        std::vector<std::string> roles = {given.role};
        for (const RoleAssignment& other : others) {
            if (holds_at(other, at)) roles.push_back(other.role);
        }
        if (const auto broken = broken_separation(policy, std::move(roles)))
            refuse_separation(*broken, given.user_id, given.role);
    }
}

// Every permission that `pattern` names must be delegable, and may be allowed to the lender by own roles.
void require_lendable(const Policy& policy, const Principal& lender, const std::string& pattern,
                      Timestamp now) {
    Principal own = lender;
    own.delegations.clear();
    const Context context{.now = now};
    bool names_something = false;
    for (const auto& [resource, declared] : policy.document().resources) {
        for (const std::string& action : declared.actions) {
            const Permission permission{resource, action};
            if (!permission.is_named_by(pattern)) continue;
            names_something = true;
            const auto& delegable = policy.document().delegable;
            const auto is_named = [&](const std::string& some) { return permission.is_named_by(some); };
            const bool is_delegable = std::any_of(delegable.begin(), delegable.end(), is_named);
            const core::Expression scope = policy.scope(own, action, resource, context);
            if (is_delegable && !is_never(scope)) continue;
            throw core::PermissionDenied(
                "access.delegation",
                "`" + permission.text() + "` may not be lent: " +
                    (is_delegable ? "the lender may not do it" : "the policy does not make it delegable"),
                {{"permission", Value(permission.text())},
                 {"reason", Value(is_delegable ? "not_allowed" : "not_delegable")}});
        }
    }
    if (names_something) return;
    throw core::ValidationError("access.unknown_permission",
                                "`" + pattern.substr(0, 100) + "` names no declared `resource:action`",
                                {{"permission", Value(pattern.substr(0, 250))}});
}

std::int64_t lender_id_of(const Principal& lender) {
    if (lender.user_id.type() == core::ValueType::Int64) return lender.user_id.as<std::int64_t>();
    throw core::InvalidArgument("access.lender", "a lender is a user whose id is an int64");
}

}  // namespace

data::Mapping<RoleAssignment> RoleAssignment::mapping() {
    return data::Mapping<RoleAssignment>("consilia_role_assignments")
        .primary_key("id", &RoleAssignment::id)
        .column("user_id", &RoleAssignment::user_id)
        .column("role", &RoleAssignment::role, {.length_max = 100})
        .column("granted_by", &RoleAssignment::granted_by)
        .column("starts_at", &RoleAssignment::starts_at)
        .column("ends_at", &RoleAssignment::ends_at)
        .timestamps(&RoleAssignment::created_at, &RoleAssignment::updated_at)
        .index({"user_id", "role"}, {.is_unique = true})
        .index({"role", "user_id"})
        .check(core::field("ends_at") > core::field("starts_at"))
        .history();
}

data::Mapping<LentPermission> LentPermission::mapping() {
    return data::Mapping<LentPermission>("consilia_delegations")
        .primary_key("id", &LentPermission::id)
        .column("lender_id", &LentPermission::lender_id)
        .column("lender_name", &LentPermission::lender_name)
        .column("borrower_id", &LentPermission::borrower_id)
        .column("permission", &LentPermission::permission)
        .column("starts_at", &LentPermission::starts_at)
        .column("ends_at", &LentPermission::ends_at)
        .column("created_at", &LentPermission::created_at)
        .index({"borrower_id", "ends_at"})
        .index({"lender_id", "ends_at"})
        .check(core::field("ends_at") > core::field("starts_at") &&
               core::field("lender_id") != core::field("borrower_id"))
        .history();
}

void create_assignment_tables(data::Database& database) {
    const std::array models = {&data::mapping_of<RoleAssignment>().model(),
                               &data::mapping_of<LentPermission>().model()};
    data::create_tables(database, models);
}

Assignments::Assignments(data::Database& database, const core::Clock& clock)
    : roles_(database, clock), lent_(database, clock), clock_(clock) {}

RoleAssignment Assignments::assign(data::Transaction& transaction, const Policy& policy, std::int64_t user_id,
                                   std::string_view role, const AssignOptions& options) const {
    if (!policy.has_role(role)) {
        throw core::ValidationError("access.unknown_role",
                                    "role `" + std::string(role.substr(0, 100)) + "` is not declared",
                                    {{"role", Value(role.substr(0, 100))}});
    }
    lock_user(transaction, user_id);
    const Timestamp now = clock_.now();
    RoleAssignment given{.user_id = user_id,
                         .role = std::string(role),
                         .granted_by = options.granted_by ? options.granted_by : transaction.actor(),
                         .starts_at = options.starts_at.value_or(now),
                         .ends_at = options.ends_at};
    require_period(now, given.starts_at, given.ends_at);
    std::vector<RoleAssignment> others = assignments_of(transaction, user_id);
    std::erase_if(others, [&](const RoleAssignment& other) { return other.role == role; });
    require_separate(policy, given, others);
    roles_.upsert(transaction, given, &RoleAssignment::user_id, &RoleAssignment::role);
    return given;
}

bool Assignments::revoke(data::Transaction& transaction, std::int64_t user_id, std::string_view role) const {
    lock_user(transaction, user_id);
    const data::Query rows = roles_.query().where(field(&RoleAssignment::user_id) == user_id &&
                                                  field(&RoleAssignment::role) == role);
    const bool counted = rows.where(field(&RoleAssignment::ends_at).is_null() ||
                                    field(&RoleAssignment::ends_at) > clock_.now())
                             .exists(transaction);
    rows.remove(transaction);
    return counted;
}

std::vector<RoleAssignment> Assignments::assignments_of(const data::Session& session,
                                                        std::int64_t user_id) const {
    return roles_.list(session, roles_.query()
                                    .where(field(&RoleAssignment::user_id) == user_id &&
                                           (field(&RoleAssignment::ends_at).is_null() ||
                                            field(&RoleAssignment::ends_at) > clock_.now()))
                                    .order_by("id"));
}

std::vector<std::string> Assignments::roles_of(const data::Session& session, std::int64_t user_id) const {
    const Timestamp now = clock_.now();
    std::vector<std::string> roles;
    for (RoleAssignment& assignment : assignments_of(session, user_id)) {
        if (holds_at(assignment, now)) roles.push_back(std::move(assignment.role));
    }
    return roles;
}

std::vector<std::int64_t> Assignments::users_with(const data::Session& session, std::string_view role,
                                                  const UsersOptions& options) const {
    if (options.limit < 1 || options.limit > kMaxUsers)
        throw core::InvalidArgument("access.limit", "users are listed 1 to 10000 at once");
    const Timestamp now = clock_.now();
    data::Query users =
        roles_.query()
            .where(field(&RoleAssignment::role) == role && field(&RoleAssignment::starts_at) <= now &&
                   (field(&RoleAssignment::ends_at).is_null() || field(&RoleAssignment::ends_at) > now))
            .select({"user_id"})
            .order_by("user_id")
            .limit(options.limit);
    if (options.after) users = users.where(field(&RoleAssignment::user_id) > *options.after);
    const data::RowSet rows = users.run(session);
    const auto ids = rows.int64s(0);
    return {ids.begin(), ids.end()};
}

LentPermission Assignments::delegate(data::Transaction& transaction, const Policy& policy,
                                     const Principal& lender, const DelegateOptions& options) const {
    const Timestamp now = clock_.now();
    LentPermission lent{.lender_id = lender_id_of(lender),
                        .lender_name = lender.name,
                        .borrower_id = options.borrower_id,
                        .permission = options.permission,
                        .starts_at = options.starts_at.value_or(now),
                        .ends_at = options.ends_at,
                        .created_at = now};
    if (lent.lender_id == lent.borrower_id)
        throw core::ValidationError("access.borrower", "nobody lends to themselves");
    require_period(now, lent.starts_at, lent.ends_at);
    if (lent.ends_at > now + kMaxDelegation) {
        throw core::ValidationError("access.period", "a delegation ends at most 366 days ahead",
                                    {{"ends_at", Value(lent.ends_at)}, {"now", Value(now)}});
    }
    require_lendable(policy, lender, lent.permission, now);
    lock_user(transaction, lent.borrower_id);
    std::vector<std::string> roles = roles_of(transaction, lent.borrower_id);
    roles.insert(roles.end(), lender.roles.begin(), lender.roles.end());
    if (const auto broken = broken_separation(policy, std::move(roles)))
        refuse_separation(*broken, lent.borrower_id, lender.role());
    if (static_cast<std::int64_t>(lent_to(transaction, lent.borrower_id).size()) >= kMaxBorrowed) {
        throw core::ResourceExhausted("access.borrowed_max", "at most 100 delegations are lent to one user",
                                      {{"borrower_id", Value(lent.borrower_id)}}, 429);
    }
    lent_.insert(transaction, lent);
    return lent;
}

bool Assignments::take_back(data::Transaction& transaction, const DelegationKey& key) const {
    return lent_.query()
               .where(field(&LentPermission::id) == key.id &&
                      field(&LentPermission::lender_id) == key.lender_id)
               .remove(transaction) != 0;
}

std::vector<LentPermission> Assignments::lent_by(const data::Session& session, std::int64_t lender_id) const {
    return lent_.list(session, lent_.query()
                                   .where(field(&LentPermission::lender_id) == lender_id &&
                                          field(&LentPermission::ends_at) > clock_.now())
                                   .order_by("id"));
}

std::vector<LentPermission> Assignments::lent_to(const data::Session& session,
                                                 std::int64_t borrower_id) const {
    return lent_.list(session, lent_.query()
                                   .where(field(&LentPermission::borrower_id) == borrower_id &&
                                          field(&LentPermission::ends_at) > clock_.now())
                                   .order_by("id"));
}

Principal Assignments::principal(const data::Session& session, std::int64_t user_id, std::string name) const {
    const Timestamp now = clock_.now();
    std::vector<LentPermission> lent = lent_to(session, user_id);
    std::erase_if(lent, [&](const LentPermission& each) { return each.starts_at > now; });
    std::vector<Value> users = {Value(user_id)};
    for (const LentPermission& each : lent) users.emplace_back(each.lender_id);
    const std::vector<RoleAssignment> assignments =
        roles_.list(session, roles_.query().where(core::field("user_id").in(users)).order_by("id"));
    const auto roles_now = [&](std::int64_t user) {
        std::vector<std::string> roles;
        for (const RoleAssignment& each : assignments) {
            if (each.user_id == user && holds_at(each, now)) roles.push_back(each.role);
        }
        return roles;
    };
    Principal principal{.user_id = user_id, .roles = roles_now(user_id), .name = std::move(name)};
    for (LentPermission& each : lent) {
        std::vector<std::string> roles = roles_now(each.lender_id);
        if (roles.empty()) continue;
        principal.delegations.push_back({.from_id = each.lender_id,
                                         .from_roles = std::move(roles),
                                         .permission = std::move(each.permission),
                                         .ends_at = each.ends_at,
                                         .starts_at = each.starts_at,
                                         .from_name = std::move(each.lender_name)});
    }
    return principal;
}

}  // namespace consilia::access
