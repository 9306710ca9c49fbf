/* Goal: roles and delegations of users over the C ABI, on both databases. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "check.h"

enum { kAnn = 1, kBob = 2, kEve = 3 };

static const char kPolicy[] =
    "{\"version\": 1, \"resources\": {\"report\": [\"read\", \"sign\"]},"
    " \"roles\": [{\"name\": \"staff\"}, {\"name\": \"admin\"}, {\"name\": \"auditor\"}],"
    " \"rules\": [{\"effect\": \"allow\", \"role\": \"staff\", \"permission\": \"report:*\"}],"
    " \"separations\": [{\"name\": \"apart\", \"roles\": [\"admin\", \"auditor\"], \"at_most\": 1}],"
    " \"delegable\": [\"report:sign\"]}";

typedef struct office {
    consilia_database_t* database;
    consilia_assignments_t* assignments;
    consilia_policy_t* policy;
    consilia_session_t* session; /* a transaction */
} office_t;

static int64_t in_hours(int64_t hours) {
    return ((int64_t)time(NULL) + 3600 * hours) * 1000000;
}

static consilia_status_t assign(const office_t* office, int64_t user, const char* role,
                                consilia_error_t** error) {
    return consilia_assignments_assign(office->assignments, office->session, office->policy, user,
                                       consilia_str_of(role), NULL, error);
}

static int may_sign(const office_t* office, int64_t user, int32_t* out_reason) {
    consilia_error_t* error = NULL;
    consilia_subject_t* subject = NULL;
    consilia_decision_t decision;
    uint32_t permission = 0;
    OK("subject", consilia_assignments_subject(office->assignments, office->session, office->policy, user,
                                               consilia_str_of("somebody"), &subject, &error));
    OK("permission", consilia_policy_permission(office->policy, consilia_str_of("sign"),
                                                consilia_str_of("report"), &permission, &error));
    OK("check", consilia_policy_check(office->policy, subject, permission, NULL, NULL, &decision, &error));
    consilia_subject_free(subject);
    if (out_reason != NULL) *out_reason = decision.reason;
    return decision.allowed;
}

static consilia_status_t lend(const office_t* office, int64_t lender, int64_t borrower,
                              const char* permission, int64_t ends_at, int64_t* out_id,
                              consilia_error_t** out_error) {
    consilia_error_t* error = NULL;
    consilia_subject_t* subject = NULL;
    consilia_delegate_options_t options;
    consilia_status_t status;
    OK("lender", consilia_assignments_subject(office->assignments, office->session, office->policy, lender,
                                              consilia_str_of("ann"), &subject, &error));
    CONSILIA_INIT(&options);
    options.borrower_id = borrower;
    options.permission = consilia_str_of(permission);
    options.ends_at = ends_at;
    status = consilia_assignments_delegate(office->assignments, office->session, office->policy, subject,
                                           &options, out_id, out_error);
    consilia_subject_free(subject);
    return status;
}

static size_t count(consilia_row_set_t* rows) {
    const size_t size = consilia_row_set_size(rows);
    consilia_row_set_free(rows);
    return size;
}

static void roles_are_given_and_taken(const office_t* office) {
    consilia_error_t* error = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_assign_options_t options;
    consilia_users_options_t page;
    consilia_value_t value;
    int32_t had = 0;
    CONSILIA_INIT(&options);
    options.granted_by = consilia_int64(kEve);
    options.ends_at = in_hours(1);
    OK("assign", consilia_assignments_assign(office->assignments, office->session, office->policy, kAnn,
                                             consilia_str_of("staff"), &options, &error));
    OK("roles", consilia_assignments_roles_of(office->assignments, office->session, kAnn, &rows, &error));
    OK("role", consilia_row_set_value(rows, 0, 0, &value, &error));
    CHECK(is(value.as.text, "staff"));
    CHECK(count(rows) == 1);
    OK("assignments", consilia_assignments_of(office->assignments, office->session, kAnn, &rows, &error));
    OK("granted_by", consilia_row_set_value(rows, 0, 3, &value, &error));
    CHECK(value.as.int64 == kEve);
    OK("ends_at", consilia_row_set_value(rows, 0, 5, &value, &error));
    CHECK(value.type == CONSILIA_TYPE_TIMESTAMP && value.as.microseconds == options.ends_at);
    CHECK(count(rows) == 1);
    CONSILIA_INIT(&page);
    OK("users", consilia_assignments_users_with(office->assignments, office->session,
                                                consilia_str_of("staff"), NULL, &rows, &error));
    CHECK(count(rows) == 1);
    page.after = consilia_int64(kAnn);
    OK("users", consilia_assignments_users_with(office->assignments, office->session,
                                                consilia_str_of("staff"), &page, &rows, &error));
    CHECK(count(rows) == 0);
    page.limit = -1;
    EXPECT("limit",
           consilia_assignments_users_with(office->assignments, office->session, consilia_str_of("staff"),
                                           &page, &rows, &error),
           CONSILIA_INVALID_ARGUMENT, "access.limit");
    EXPECT("role", assign(office, kAnn, "surgeon", &error), CONSILIA_VALIDATION, "access.unknown_role");
    OK("admin", assign(office, kEve, "admin", &error));
    EXPECT("apart", assign(office, kEve, "auditor", &error), CONSILIA_CONFLICT, "access.separation");
    options.granted_by = consilia_text("eve");
    EXPECT("granter",
           consilia_assignments_assign(office->assignments, office->session, office->policy, kAnn,
                                       consilia_str_of("staff"), &options, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.value_type");
    OK("revoke", consilia_assignments_revoke(office->assignments, office->session, kEve,
                                             consilia_str_of("admin"), &had, &error));
    CHECK(had == 1);
    OK("revoke", consilia_assignments_revoke(office->assignments, office->session, kEve,
                                             consilia_str_of("admin"), &had, &error));
    CHECK(had == 0);
    OK("auditor", assign(office, kEve, "auditor", &error));
}

static void permissions_are_lent_and_taken_back(const office_t* office) {
    consilia_error_t* error = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_delegation_key_t key = {0, kBob};
    int32_t reason = 0;
    int32_t had = 1;
    CHECK(!may_sign(office, kBob, NULL));
    OK("lend", lend(office, kAnn, kBob, "report:sign", in_hours(1), &key.id, &error));
    CHECK(key.id > 0 && may_sign(office, kBob, &reason));
    CHECK(reason == CONSILIA_REASON_ALLOWED_BY_DELEGATION);
    OK("by", consilia_assignments_lent_by(office->assignments, office->session, kAnn, &rows, &error));
    CHECK(count(rows) == 1);
    OK("to", consilia_assignments_lent_to(office->assignments, office->session, kBob, &rows, &error));
    CHECK(count(rows) == 1);
    OK("other", consilia_assignments_take_back(office->assignments, office->session, key, &had, &error));
    CHECK(had == 0 && may_sign(office, kBob, NULL));
    key.lender_id = kAnn;
    OK("take back", consilia_assignments_take_back(office->assignments, office->session, key, &had, &error));
    CHECK(had == 1 && !may_sign(office, kBob, NULL));
    EXPECT("delegable", lend(office, kAnn, kBob, "report:read", in_hours(1), &key.id, &error),
           CONSILIA_PERMISSION_DENIED, "access.delegation");
    CHECK(key.id == 0);
    EXPECT("allowed", lend(office, kEve, kBob, "report:sign", in_hours(1), &key.id, &error),
           CONSILIA_PERMISSION_DENIED, "access.delegation");
    EXPECT("end", lend(office, kAnn, kBob, "report:sign", 0, &key.id, &error), CONSILIA_VALIDATION,
           "access.period");
    EXPECT("year", lend(office, kAnn, kBob, "report:sign", in_hours(24 * 367), &key.id, &error),
           CONSILIA_VALIDATION, "access.period");
    EXPECT("self", lend(office, kAnn, kAnn, "report:sign", in_hours(1), &key.id, &error), CONSILIA_VALIDATION,
           "access.borrower");
}

int main(int argc, char** argv) {
    consilia_error_t* error = NULL;
    office_t office;
    if (argc != 3) return 2;
    memset(&office, 0, sizeof office);
    OK("open", consilia_database_open(consilia_str_of(argv[1]), NULL, &office.database, &error));
    OK("tables", consilia_assignments_create_tables(office.database, &error));
    OK("assignments", consilia_assignments_new(office.database, &office.assignments, &error));
    OK("policy", consilia_policy_open(consilia_str_of(kPolicy), &office.policy, &error));
    OK("single", consilia_database_autocommit(office.database, &office.session, &error));
    EXPECT("single", assign(&office, kAnn, "staff", &error), CONSILIA_INVALID_ARGUMENT,
           "database.transaction");
    consilia_session_free(office.session);
    OK("begin", consilia_database_begin(office.database, NULL, &office.session, &error));
    roles_are_given_and_taken(&office);
    permissions_are_lent_and_taken_back(&office);
    OK("commit", consilia_session_commit(office.session, &error));
    consilia_session_free(office.session);
    consilia_database_free(office.database); /* The assignments keep it open. */
    consilia_assignments_free(office.assignments);
    consilia_assignments_free(NULL);
    consilia_policy_free(office.policy);
    return failures;
}
