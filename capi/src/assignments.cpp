#include "consilia/c/assignments.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access.hpp"
#include "consilia/access/assignments.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::access::Assignments;
using consilia::access::LentPermission;
using consilia::access::RoleAssignment;
using consilia::access::UsersOptions;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::policy_of;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::session_of;
using consilia::capi::transaction_of;
using consilia::capi::view;
using core::ValueType;

static_assert(offsetof(consilia_assign_options_t, ends_at) == 40);
static_assert(offsetof(consilia_users_options_t, limit) == 32);
static_assert(offsetof(consilia_delegate_options_t, ends_at) == 40);
static_assert(sizeof(consilia_delegation_key_t) == 16);

struct consilia_assignments {
    std::shared_ptr<data::Database> database;
    Assignments assignments;
};

namespace {

const Assignments& assignments_of(const consilia_assignments_t* assignments) {
    return require(assignments, "assignments").assignments;
}

std::optional<core::Timestamp> time_of(std::int64_t microseconds) {
    return microseconds == 0 ? std::nullopt : std::optional(core::Timestamp{microseconds});
}
/// @throws InvalidArgument (`c_api.value_type`) for another type.
std::optional<std::int64_t> id_of(const consilia_value_t& given, const char* name) {
    const core::Value value = consilia::capi::value_of(given);
    if (value.is_null()) return std::nullopt;
    if (value.type() != ValueType::Int64)
        throw core::InvalidArgument("c_api.value_type", std::string("`") + name + "` is an int64 or null");
    return value.as<std::int64_t>();
}

consilia_row_set_t* rows_of(const std::vector<RoleAssignment>& assignments) {
    data::RowSet rows({{"id", ValueType::Int64},
                       {"user_id", ValueType::Int64},
                       {"role", ValueType::Text},
                       {"granted_by", ValueType::Int64},
                       {"starts_at", ValueType::Timestamp},
                       {"ends_at", ValueType::Timestamp}});
    for (const RoleAssignment& each : assignments) {
        rows.append(each.id);
        rows.append(each.user_id);
        rows.append(each.role);
        rows.append(each.granted_by ? core::Value(*each.granted_by) : core::Value());
        rows.append(each.starts_at);
        rows.append(each.ends_at ? core::Value(*each.ends_at) : core::Value());
    }
    return row_set(std::move(rows));
}

consilia_row_set_t* rows_of(const std::vector<LentPermission>& lent) {
    data::RowSet rows({{"id", ValueType::Int64},
                       {"lender_id", ValueType::Int64},
                       {"lender_name", ValueType::Text},
                       {"borrower_id", ValueType::Int64},
                       {"permission", ValueType::Text},
                       {"starts_at", ValueType::Timestamp},
                       {"ends_at", ValueType::Timestamp}});
    for (const LentPermission& each : lent) {
        rows.append(each.id);
        rows.append(each.lender_id);
        rows.append(each.lender_name);
        rows.append(each.borrower_id);
        rows.append(each.permission);
        rows.append(each.starts_at);
        rows.append(each.ends_at);
    }
    return row_set(std::move(rows));
}

}  // namespace

extern "C" {

consilia_status_t consilia_assignments_create_tables(consilia_database_t* database,
                                                     consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia::access::create_assignment_tables(*require(database, "database").database);
    });
}

consilia_status_t consilia_assignments_new(consilia_database_t* database,
                                           consilia_assignments_t** out_assignments,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_assignments_t*& out = cleared(out_assignments, "out_assignments");
        const std::shared_ptr<data::Database> opened = require(database, "database").database;
        out = new consilia_assignments_t{opened, Assignments(*opened)};
    });
}

void consilia_assignments_free(consilia_assignments_t* assignments) {
    delete assignments;
}

consilia_status_t consilia_assignments_assign(const consilia_assignments_t* assignments,
                                              consilia_session_t* session, const consilia_policy_t* policy,
                                              int64_t user_id, consilia_str_t role,
                                              const consilia_assign_options_t* options,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia_assign_options_t known = copy_options(options);
        assignments_of(assignments)
            .assign(transaction_of(session), policy_of(policy), user_id, view(role),
                    {.granted_by = id_of(known.granted_by, "granted_by"),
                     .starts_at = time_of(known.starts_at),
                     .ends_at = time_of(known.ends_at)});
    });
}

consilia_status_t consilia_assignments_revoke(const consilia_assignments_t* assignments,
                                              consilia_session_t* session, int64_t user_id,
                                              consilia_str_t role, int32_t* out_had,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_had != nullptr) *out_had = 0;
        const bool had = assignments_of(assignments).revoke(transaction_of(session), user_id, view(role));
        if (out_had != nullptr) *out_had = had ? 1 : 0;
    });
}

consilia_status_t consilia_assignments_of(const consilia_assignments_t* assignments,
                                          consilia_session_t* session, int64_t user_id,
                                          consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = rows_of(assignments_of(assignments).assignments_of(session_of(session), user_id));
    });
}

consilia_status_t consilia_assignments_roles_of(const consilia_assignments_t* assignments,
                                                consilia_session_t* session, int64_t user_id,
                                                consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(consilia::capi::list_of(
            "role", assignments_of(assignments).roles_of(session_of(session), user_id)));
    });
}

consilia_status_t consilia_assignments_users_with(const consilia_assignments_t* assignments,
                                                  consilia_session_t* session, consilia_str_t role,
                                                  const consilia_users_options_t* options,
                                                  consilia_row_set_t** out_rows,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const consilia_users_options_t known = copy_options(options);
        UsersOptions wanted{.after = id_of(known.after, "after")};
        if (known.limit != 0) wanted.limit = known.limit;
        data::RowSet rows({{"user_id", ValueType::Int64}});
        for (const std::int64_t user :
             assignments_of(assignments).users_with(session_of(session), view(role), wanted))
            rows.append_int64(ValueType::Int64, user);
        out = row_set(std::move(rows));
    });
}

consilia_status_t consilia_assignments_delegate(const consilia_assignments_t* assignments,
                                                consilia_session_t* session, const consilia_policy_t* policy,
                                                const consilia_subject_t* lender,
                                                const consilia_delegate_options_t* options, int64_t* out_id,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        std::int64_t& out = cleared(out_id, "out_id");
        require(options, "options");
        const consilia_delegate_options_t known = copy_options(options);
        out = assignments_of(assignments)
                  .delegate(transaction_of(session), policy_of(policy), consilia::capi::principal_of(lender),
                            {.borrower_id = known.borrower_id,
                             .permission = std::string(view(known.permission)),
                             .ends_at = {known.ends_at},
                             .starts_at = time_of(known.starts_at)})
                  .id;
    });
}

consilia_status_t consilia_assignments_take_back(const consilia_assignments_t* assignments,
                                                 consilia_session_t* session, consilia_delegation_key_t key,
                                                 int32_t* out_had, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_had != nullptr) *out_had = 0;
        const bool had = assignments_of(assignments)
                             .take_back(transaction_of(session), {.id = key.id, .lender_id = key.lender_id});
        if (out_had != nullptr) *out_had = had ? 1 : 0;
    });
}

consilia_status_t consilia_assignments_lent_by(const consilia_assignments_t* assignments,
                                               consilia_session_t* session, int64_t lender_id,
                                               consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = rows_of(assignments_of(assignments).lent_by(session_of(session), lender_id));
    });
}

consilia_status_t consilia_assignments_lent_to(const consilia_assignments_t* assignments,
                                               consilia_session_t* session, int64_t borrower_id,
                                               consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = rows_of(assignments_of(assignments).lent_to(session_of(session), borrower_id));
    });
}

consilia_status_t consilia_assignments_subject(const consilia_assignments_t* assignments,
                                               consilia_session_t* session, const consilia_policy_t* policy,
                                               int64_t user_id, consilia_str_t name,
                                               consilia_subject_t** out_subject,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_subject_t*& out = cleared(out_subject, "out_subject");
        out = new consilia_subject_t{policy_of(policy).subject(
            assignments_of(assignments).principal(session_of(session), user_id, std::string(view(name))))};
    });
}

}  // extern "C"
