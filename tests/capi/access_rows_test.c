/* Goal: policies and queries over the C ABI. Method: a scoped query selects the rows that a check of each row
 * allows, and rows are redacted as they are read. */
#include "clinic.h"
#include "visit_policy.h"

/* The rows of a query, by id. */
static consilia_row_set_t* visits_of(const clinic_t* clinic, const consilia_condition_t* scope,
                                     const char* const* paths, size_t path_count) {
    consilia_query_t* all = NULL;
    consilia_query_t* kept = NULL;
    consilia_query_t* ordered = NULL;
    consilia_query_t* query = NULL;
    consilia_order_t by = consilia_order_of("id");
    consilia_str_t columns[8];
    consilia_row_set_t* rows = NULL;
    size_t i;
    for (i = 0; i < path_count; ++i) columns[i] = str(paths[i]);
    OK("query", consilia_model_query(clinic->visits, &all, &error));
    OK("order", consilia_query_order_by(all, &by, 1, &ordered, &error));
    OK("select", consilia_query_select(ordered, columns, path_count, &query, &error));
    if (scope != NULL) {
        OK("where",
           consilia_query_where(query, consilia_condition_text(scope), consilia_condition_parameters(scope),
                                consilia_condition_parameter_count(scope), &kept, &error));
    }
    OK("run", consilia_query_run(scope == NULL ? query : kept, clinic->session, &rows, &error));
    consilia_query_free(all);
    consilia_query_free(kept);
    consilia_query_free(ordered);
    consilia_query_free(query);
    return rows;
}

static const char* const kColumns[] = {"id", "reason", "grade", "patient_id", "patient.name"};

static int64_t id_of(const consilia_row_set_t* rows, size_t row) {
    consilia_value_t value;
    OK("id", consilia_row_set_value(rows, row, 0, &value, &error));
    return value.as.int64;
}

/* Checks that a scoped query selects the rows that a check allows, and how many. */
static void expect_scope(const clinic_t* clinic, const consilia_policy_t* policy,
                         const consilia_subject_t* subject, const char* action,
                         const consilia_access_context_t* context, size_t wanted) {
    consilia_row_set_t* all = visits_of(clinic, NULL, kColumns, 5);
    consilia_row_set_t* scoped = NULL;
    consilia_condition_t* scope = NULL;
    consilia_decision_t decisions[8];
    size_t row;
    size_t allowed = 0;
    OK("scope", consilia_policy_scope(policy, subject, str(action), str("visit"), context, &scope, &error));
    OK("rows", consilia_policy_check_rows(policy, subject, permission_of(policy, action), all, context,
                                          decisions, &error));
    scoped = visits_of(clinic, scope, kColumns, 5);
    CHECK(consilia_row_set_size(scoped) == wanted);
    for (row = 0; row < consilia_row_set_size(all); ++row) {
        if (!decisions[row].allowed) continue;
        CHECK(allowed < consilia_row_set_size(scoped) && id_of(scoped, allowed) == id_of(all, row));
        ++allowed;
    }
    CHECK(allowed == wanted);
    consilia_condition_free(scope);
    consilia_row_set_free(all);
    consilia_row_set_free(scoped);
}

static void a_scope_selects_what_a_check_allows(const clinic_t* clinic) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* patient = somebody(policy, 1, "patient");
    consilia_subject_t* nurse = somebody(policy, 1, "nurse");
    consilia_subject_t* auditor = somebody(policy, 1, "auditor");
    consilia_subject_t* doctor = NULL;
    consilia_subject_options_t options;
    consilia_access_context_t context;
    consilia_parameter_t ward = consilia_parameter_of("ward", consilia_text("cou'gh"));
    consilia_parameter_t purpose = consilia_parameter_of("purpose", consilia_text("care"));
    consilia_str_t role = str("doctor");
    expect_scope(clinic, policy, patient, "read", NULL, 2);
    expect_scope(clinic, policy, nurse, "read", NULL, 2);
    expect_scope(clinic, policy, auditor, "read", NULL, 0);
    CONSILIA_INIT(&options);
    options.user_id = consilia_blob("\0\1", 2); /* Has no text form: it must be a parameter. */
    options.roles = &role;
    options.role_count = 1;
    options.attributes = &ward;
    options.attribute_count = 1;
    CONSILIA_INIT(&context);
    context.attributes = &purpose;
    context.attribute_count = 1;
    OK("hostile", consilia_policy_subject(policy, &options, &doctor, &error));
    expect_scope(clinic, policy, doctor, "write", &context, 0);
    expect_scope(clinic, policy, doctor, "erase", &context, 4);
    consilia_subject_free(doctor);
    ward.value = consilia_text("cough");
    OK("doctor", consilia_policy_subject(policy, &options, &doctor, &error));
    expect_scope(clinic, policy, doctor, "write", &context, 2);
    expect_scope(clinic, policy, doctor, "write", NULL, 0);
    consilia_subject_free(doctor);
    consilia_subject_free(auditor);
    consilia_subject_free(nurse);
    consilia_subject_free(patient);
    consilia_policy_free(policy);
}

static void rows_without_a_field_are_refused(const clinic_t* clinic) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* nurse = somebody(policy, 1, "nurse");
    consilia_row_set_t* rows = visits_of(clinic, NULL, kColumns, 2);
    consilia_row_set_t* shown = NULL;
    consilia_decision_t decisions[8];
    consilia_status_t status = consilia_policy_check_rows(policy, nurse, permission_of(policy, "read"), rows,
                                                          NULL, decisions, &error);
    CHECK(is(consilia_error_details_json(error), "{\"field\":\"grade\"}"));
    check_failure("grade", status, error, CONSILIA_INVALID_ARGUMENT, "access.missing_field");
    OK("erase", consilia_policy_check_rows(policy, nurse, permission_of(policy, "erase"), rows, NULL,
                                           decisions, &error));
    CHECK(decisions[0].reason == CONSILIA_REASON_NO_RULE);
    consilia_row_set_free(rows);
    rows = visits_of(clinic, NULL, kColumns, 1);
    EXPECT("reason",
           consilia_policy_redact_rows(policy, nurse, str("read"), str("visit"), rows, NULL, &shown, &error),
           CONSILIA_INVALID_ARGUMENT, "access.missing_field");
    CHECK(shown == NULL);
    EXPECT("null", consilia_policy_check_rows(policy, nurse, 1, NULL, NULL, decisions, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    consilia_row_set_free(rows);
    consilia_subject_free(nurse);
    consilia_policy_free(policy);
}

static void fields_are_named_and_the_others_dropped(const clinic_t* clinic) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* nurse = somebody(policy, 1, "nurse");
    consilia_row_set_t* rows = NULL;
    consilia_row_set_t* shown = NULL;
    consilia_buffer_t json = {NULL, 0};
    consilia_access_object_t object;
    consilia_parameter_t reason = consilia_parameter_of("reason", consilia_text("cough"));
    consilia_str_t written[2];
    const consilia_str_t read = str("read");
    const consilia_str_t visit = str("visit");
    CONSILIA_INIT(&object);
    object.fields = &reason;
    object.field_count = 1;
    OK("fields", consilia_policy_fields(policy, nurse, read, visit, NULL, NULL, &rows, &error));
    expect_list(rows, "id reason ");
    OK("of it", consilia_policy_fields(policy, nurse, read, visit, &object, NULL, &rows, &error));
    expect_list(rows, "id patient.name reason ");
    OK("possible", consilia_policy_possible_fields(policy, nurse, read, visit, NULL, &rows, &error));
    expect_list(rows, "id patient.name reason ");
    written[0] = str("reason");
    written[1] = str("patient.name");
    OK("writes",
       consilia_policy_require_fields(policy, nurse, read, visit, written, 2, &object, NULL, &error));
    reason.value = consilia_text("fever");
    EXPECT("refused",
           consilia_policy_require_fields(policy, nurse, read, visit, written, 2, &object, NULL, &error),
           CONSILIA_PERMISSION_DENIED, "access.fields");
    OK("redact",
       consilia_policy_redact(policy, nurse, read, visit,
                              str("[{\"id\":1,\"reason\":\"cough\",\"fee\":9,\"patient\":{\"name\":\"Ann\"}},"
                                  "{\"id\":2,\"reason\":\"fever\",\"patient\":{\"name\":\"Ann\"}}]"),
                              NULL, &json, &error));
    expect_text(&json,
                "[{\"id\":1,\"reason\":\"cough\",\"patient\":{\"name\":\"Ann\"}},"
                "{\"id\":2,\"reason\":\"fever\"}]");
    EXPECT("no json", consilia_policy_redact(policy, nurse, read, visit, str("{"), NULL, &json, &error),
           CONSILIA_INVALID_ARGUMENT, "access.json");
    CHECK(json.data == NULL);
    rows = visits_of(clinic, NULL, kColumns, 5);
    OK("rows", consilia_policy_redact_rows(policy, nurse, read, visit, rows, NULL, &shown, &error));
    OK("json", consilia_row_set_json(shown, &json, &error));
    expect_text(&json,
                "[{\"id\":1,\"reason\":\"cough\",\"patient\":{\"name\":\"Ann\"}},"
                "{\"id\":2,\"reason\":\"fever\",\"patient\":null},"
                "{\"id\":3,\"reason\":\"cough\",\"patient\":{\"name\":\"Bob\"}},"
                "{\"id\":4,\"reason\":\"fever\",\"patient\":null}]");
    consilia_row_set_free(rows);
    consilia_row_set_free(shown);
    consilia_subject_free(nurse);
    consilia_policy_free(policy);
}

int main(int argc, char** argv) {
    clinic_t clinic;
    int64_t ann;
    int64_t bob;
    if (argc < 2) return 2;
    open_clinic(&clinic, argv[1]);
    ann = add_patient(&clinic, "Ann");
    bob = add_patient(&clinic, "Bob");
    add_visit(&clinic, ann, "cough", 1, consilia_int64(3));
    add_visit(&clinic, ann, "fever", 2, consilia_null());
    add_visit(&clinic, bob, "cough", 3, consilia_int64(5));
    add_visit(&clinic, bob, "fever", 4, consilia_int64(2));
    a_scope_selects_what_a_check_allows(&clinic);
    rows_without_a_field_are_refused(&clinic);
    fields_are_named_and_the_others_dropped(&clinic);
    close_clinic(&clinic);
    return failures;
}
