/* Goal: a guard over the C ABI gives and changes what its subject may, and hides the rest. */
#include "clinic.h"

static const char* const kPolicy =
    "{\"version\": 1,"
    " \"resources\": {\"visit\": [\"read\", \"create\", \"update\", \"delete\"]},"
    " \"roles\": [{\"name\": \"patient\"}, {\"name\": \"nurse\"}],"
    " \"rules\": ["
    "  {\"effect\": \"allow\", \"role\": \"patient\", \"permission\": \"visit:read\","
    "   \"condition\": \"patient_id = :principal_id\"},"
    "  {\"effect\": \"allow\", \"role\": \"nurse\", \"permission\": \"visit:*\"},"
    "  {\"effect\": \"deny\", \"role\": \"nurse\", \"permission\": \"visit:update\","
    "   \"condition\": \"fee > 100\"}],"
    " \"fields\": ["
    "  {\"role\": \"patient\", \"permission\": \"visit:read\", \"fields\": [\"reason\", \"id\"]},"
    "  {\"role\": \"nurse\", \"permission\": \"visit:read\", \"fields\": [\"id\", \"reason\", \"fee\"]},"
    "  {\"role\": \"nurse\", \"permission\": \"visit:update\", \"fields\": [\"fee\"]},"
    "  {\"role\": \"nurse\", \"permission\": \"visit:create\","
    "   \"fields\": [\"patient_id\", \"reason\", \"fee\"]}]}";

static consilia_error_t* error = NULL;

static consilia_str_t str(const char* text) {
    return consilia_str_of(text);
}

/* A guard of a subject with one role; it keeps what it needs. */
static consilia_guard_t* guard_of(const clinic_t* clinic, int64_t user_id, const char* role) {
    consilia_policy_t* policy = NULL;
    consilia_subject_t* subject = NULL;
    consilia_repository_t* visits = NULL;
    consilia_guard_t* guard = NULL;
    consilia_subject_options_t options;
    consilia_str_t roles[1];
    roles[0] = str(role);
    CONSILIA_INIT(&options);
    options.user_id = consilia_int64(user_id);
    options.roles = roles;
    options.role_count = 1;
    OK("policy", consilia_policy_open(str(kPolicy), &policy, &error));
    OK("subject", consilia_policy_subject(policy, &options, &subject, &error));
    OK("visits", consilia_repository_new(clinic->visits, &visits, &error));
    OK("guard", consilia_guard_new(policy, subject, str("visit"), visits, NULL, &guard, &error));
    consilia_repository_free(visits);
    consilia_subject_free(subject);
    consilia_policy_free(policy);
    return guard;
}

static void expect_rows(consilia_row_set_t* rows, const char* wanted) {
    consilia_buffer_t json = {NULL, 0};
    OK("json", consilia_row_set_json(rows, &json, &error));
    if (strcmp(json.data, wanted) != 0) {
        fprintf(stderr, "wanted %s\nfound  %s\n", wanted, json.data);
        ++failures;
    }
    consilia_buffer_free(&json);
    consilia_row_set_free(rows);
}

static void a_page_holds_what_may_be_read(const clinic_t* clinic, int64_t ann) {
    consilia_guard_t* patient = guard_of(clinic, ann, "patient");
    consilia_guard_t* visitor = guard_of(clinic, ann, "visitor");
    consilia_query_t* query = NULL;
    consilia_query_t* filtered = NULL;
    consilia_query_t* ordered = NULL;
    consilia_row_set_t* rows = NULL;
    int64_t count = 0;
    OK("query", consilia_guard_query(patient, str("read"), &query, &error));
    EXPECT("hidden", consilia_guard_filter(patient, query, str("fee > 1"), &filtered, &error),
           CONSILIA_INVALID_ARGUMENT, "access.field");
    CHECK(filtered == NULL);
    EXPECT("order", consilia_guard_order(patient, query, str("-fee"), &ordered, &error),
           CONSILIA_INVALID_ARGUMENT, "access.field");
    OK("filter", consilia_guard_filter(patient, query, str("reason != 'cold'"), &filtered, &error));
    OK("order", consilia_guard_order(patient, filtered, str("reason"), &ordered, &error));
    consilia_query_free(query);
    OK("rows", consilia_guard_rows(patient, str("read"), &query, &error));
    OK("count", consilia_query_count(query, clinic->session, &count, &error));
    consilia_query_free(query);
    CHECK(count == 2);
    EXPECT("update", consilia_guard_query(patient, str("update"), &query, &error), CONSILIA_PERMISSION_DENIED,
           "access.denied");
    EXPECT("visitor", consilia_guard_rows(visitor, str("read"), &query, &error), CONSILIA_PERMISSION_DENIED,
           "access.denied");
    consilia_guard_free(visitor);
    consilia_guard_free(patient); /* Before its queries: any order will do. */
    OK("run", consilia_query_run(ordered, clinic->session, &rows, &error));
    expect_rows(rows, "[{\"id\":1,\"reason\":\"cough\"},{\"id\":2,\"reason\":\"fever\"}]");
    consilia_query_free(filtered);
    consilia_query_free(ordered);
}

static void another_s_record_is_not_there(const clinic_t* clinic, int64_t ann) {
    consilia_guard_t* patient = guard_of(clinic, ann, "patient");
    consilia_row_set_t* rows = NULL;
    OK("own", consilia_guard_get(patient, clinic->session, 1, &rows, &error));
    expect_rows(rows, "[{\"id\":1,\"reason\":\"cough\"}]");
    EXPECT("other's", consilia_guard_get(patient, clinic->session, 3, &rows, &error), CONSILIA_NOT_FOUND,
           "visit.not_found");
    CHECK(rows == NULL);
    EXPECT("nobody's", consilia_guard_get(patient, clinic->session, 99, &rows, &error), CONSILIA_NOT_FOUND,
           "visit.not_found");
    OK("read", consilia_guard_require(patient, clinic->session, 1, str("read"), &error));
    EXPECT("delete", consilia_guard_require(patient, clinic->session, 1, str("delete"), &error),
           CONSILIA_PERMISSION_DENIED, "access.denied");
    EXPECT("null", consilia_guard_get(NULL, clinic->session, 1, &rows, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    consilia_guard_free(patient);
    consilia_guard_free(NULL);
}

static void changes_are_checked(const clinic_t* clinic, int64_t ann) {
    consilia_guard_t* nurse = guard_of(clinic, 1, "nurse");
    consilia_session_t* session = NULL;
    consilia_assignment_t values[4];
    consilia_row_set_t* rows = NULL;
    int64_t id = 0;
    int64_t version = 0;
    values[0] = consilia_set("fee", consilia_double(7));
    EXPECT("alone", consilia_guard_update(nurse, clinic->session, 1, values, 1, NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "database.transaction");
    OK("begin", consilia_database_begin(clinic->database, NULL, &session, &error));
    OK("update", consilia_guard_update(nurse, session, 1, values, 1, NULL, &version, &error));
    CHECK(version > 0);
    --version;
    EXPECT("stale", consilia_guard_update(nurse, session, 1, values, 1, &version, NULL, &error),
           CONSILIA_CONFLICT, "record.stale");
    OK("commit", consilia_session_commit(session, &error));
    consilia_session_free(session);
    OK("begin", consilia_database_begin(clinic->database, NULL, &session, &error));
    values[0] = consilia_set("reason", consilia_text("cold"));
    EXPECT("field", consilia_guard_update(nurse, session, 1, values, 1, NULL, NULL, &error),
           CONSILIA_PERMISSION_DENIED, "access.fields");
    values[0] = consilia_set("fee", consilia_double(1000));
    EXPECT("after", consilia_guard_update(nurse, session, 1, values, 1, NULL, &version, &error),
           CONSILIA_PERMISSION_DENIED, "access.denied");
    CHECK(version == 0);
    OK("rollback", consilia_session_rollback(session, &error));
    consilia_session_free(session);
    values[0] = consilia_set("patient_id", consilia_int64(ann));
    values[1] = consilia_set("reason", consilia_text("cold"));
    values[2] = consilia_set("fee", consilia_double(3));
    values[3] = consilia_set("grade", consilia_int64(1));
    EXPECT("insert", consilia_guard_insert(nurse, clinic->session, values, 4, &id, &error),
           CONSILIA_PERMISSION_DENIED, "access.fields");
    OK("insert", consilia_guard_insert(nurse, clinic->session, values, 3, &id, &error));
    OK("get", consilia_guard_get(nurse, clinic->session, id, &rows, &error));
    expect_rows(rows, "[{\"id\":4,\"fee\":3.0,\"reason\":\"cold\"}]");
    OK("begin", consilia_database_begin(clinic->database, NULL, &session, &error));
    OK("remove", consilia_guard_remove(nurse, session, id, &error));
    OK("commit", consilia_session_commit(session, &error));
    consilia_session_free(session);
    EXPECT("gone", consilia_guard_get(nurse, clinic->session, id, &rows, &error), CONSILIA_NOT_FOUND,
           "visit.not_found");
    consilia_guard_free(nurse);
}

static void a_trail_is_written(const clinic_t* clinic, int64_t ann) {
    consilia_guard_t* given = guard_of(clinic, 1, "nurse");
    consilia_guard_t* nurse = NULL;
    consilia_guard_t* patient = NULL;
    consilia_audit_log_t* log = NULL;
    consilia_audit_trail_t* trail = NULL;
    consilia_session_t* session = NULL;
    consilia_query_t* query = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_assignment_t change = consilia_set("fee", consilia_double(9));
    int64_t count = 0;
    OK("log", consilia_audit_log_open(clinic->database, NULL, &log, &error));
    OK("schema", consilia_audit_log_create_schema(log, &error));
    OK("trail", consilia_audit_trail_new(log, &trail, &error));
    OK("observed", consilia_guard_observed(given, trail, &nurse, &error));
    consilia_guard_free(given);
    given = guard_of(clinic, ann, "patient");
    OK("observed", consilia_guard_observed(given, trail, &patient, &error));
    consilia_guard_free(given);

    OK("begin", consilia_database_begin(clinic->database, NULL, &session, &error));
    OK("update", consilia_guard_update(nurse, session, 1, &change, 1, NULL, NULL, &error));
    OK("write", consilia_audit_trail_write(trail, session, &error));
    OK("commit", consilia_session_commit(session, &error));
    consilia_session_free(session);
    OK("query", consilia_guard_query(patient, str("read"), &query, &error));
    OK("run", consilia_query_run(query, clinic->session, &rows, &error));
    OK("tell", consilia_guard_tell_read(patient, rows, &error));
    consilia_row_set_free(rows);
    consilia_query_free(query);
    OK("write", consilia_audit_trail_write(trail, NULL, &error));
    EXPECT("another's", consilia_guard_get(patient, clinic->session, 3, &rows, &error), CONSILIA_NOT_FOUND,
           "visit.not_found");
    consilia_audit_trail_free(trail); /* Writes the denial. */
    consilia_audit_trail_free(NULL);
    EXPECT("another's", consilia_guard_get(patient, clinic->session, 3, &rows, &error), CONSILIA_NOT_FOUND,
           "visit.not_found"); /* Nobody is told. */

    OK("entries", consilia_audit_log_query(log, NULL, &query, &error));
    OK("count", consilia_query_count(query, clinic->session, &count, &error));
    CHECK(count == 4); /* An update, two reads, a denial. */
    consilia_query_free(query);
    consilia_guard_free(nurse);
    consilia_guard_free(patient);
    consilia_audit_log_free(log);
}

static void a_model_tells_the_types_of_its_fields(const clinic_t* clinic) {
    consilia_buffer_t json = {NULL, 0};
    OK("types", consilia_model_field_types(clinic->patients, 3, &json, &error));
    CHECK(strcmp(json.data, "{\"id\":\"int64\",\"name\":\"text\"}") == 0);
    consilia_buffer_free(&json);
    OK("types", consilia_model_field_types(clinic->visits, 1, &json, &error));
    CHECK(strstr(json.data, "\"patient.name\":\"text\"") != NULL);
    consilia_buffer_free(&json);
}

int main(int argc, char** argv) {
    clinic_t clinic;
    int64_t ann;
    int64_t bob;
    if (argc < 2) return 2;
    open_clinic(&clinic, argv[1]);
    ann = add_patient(&clinic, "Ann");
    bob = add_patient(&clinic, "Bob");
    add_visit(&clinic, ann, "cough", 1, consilia_null());
    add_visit(&clinic, ann, "fever", 2, consilia_null());
    add_visit(&clinic, bob, "cough", 3, consilia_null());
    a_page_holds_what_may_be_read(&clinic, ann);
    another_s_record_is_not_there(&clinic, ann);
    changes_are_checked(&clinic, ann);
    a_trail_is_written(&clinic, ann);
    a_model_tells_the_types_of_its_fields(&clinic);
    close_clinic(&clinic);
    return failures;
}
