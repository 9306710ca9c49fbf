/* Goal: policies over the C ABI: decisions, objects, subjects, conditions and reasons. Method: a clinic whose
 * answers are worked out by hand. */
#include "visit_policy.h"

static void a_policy_is_read_and_written(void) {
    consilia_policy_t* policy = opened();
    consilia_policy_t* again = NULL;
    consilia_buffer_t json = {NULL, 0};
    consilia_buffer_t same = {NULL, 0};
    consilia_row_set_t* rows = NULL;
    uint32_t unknown = 9;
    OK("json", consilia_policy_json(policy, &json, &error));
    OK("again", consilia_policy_open(str(json.data), &again, &error));
    OK("same", consilia_policy_json(again, &same, &error));
    CHECK(json.size == same.size && memcmp(json.data, same.data, json.size) == 0);
    consilia_buffer_free(&json);
    consilia_buffer_free(&same);
    consilia_policy_free(again);
    CHECK(consilia_policy_schema().size > 1000 && consilia_policy_schema().data[0] == '{');
    OK("roles", consilia_policy_roles(policy, &rows, &error));
    expect_list(rows, "patient nurse doctor auditor ");
    OK("fields", consilia_policy_condition_fields(policy, str("read"), str("visit"), &rows, &error));
    expect_list(rows, "grade patient.name patient_id reason ");
    OK("unknown", consilia_policy_permission(policy, str("read"), str("bill"), &unknown, &error));
    CHECK(unknown == 0);
    CHECK(permission_of(policy, "read") != permission_of(policy, "write"));
    consilia_policy_free(policy);
    EXPECT("syntax", consilia_policy_open(str("{\"version\": 1, \"rolez\": []}"), &policy, &error),
           CONSILIA_VALIDATION, "policy.syntax");
    CHECK(policy == NULL);
    EXPECT("role",
           consilia_policy_open(str("{\"version\": 1, \"resources\": {\"a\": [\"b\"]}, \"rules\": "
                                    "[{\"effect\": \"allow\", \"role\": \"boss\","
                                    " \"permission\": \"a:b\"}]}"),
                                &policy, &error),
           CONSILIA_VALIDATION, "policy.unknown_role");
    EXPECT("null", consilia_policy_roles(NULL, &rows, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    CHECK(rows == NULL);
}

static void decisions_say_which_rule_and_why(void) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* doctor = somebody(policy, 1, "doctor");
    consilia_subject_t* visitor = somebody(policy, 1, "visitor");
    consilia_subject_t* nobody = NULL;
    consilia_decision_t decision = decided(policy, doctor, "erase", NULL, NULL);
    CHECK(decision.allowed == 1 && decision.reason == CONSILIA_REASON_ALLOWED_BY_RULE);
    CHECK(is(consilia_policy_decision_name(policy, decision), "doctors erase"));
    CHECK(is(consilia_reason_name(decision.reason), "allowed_by_rule"));
    decision = decided(policy, doctor, "read", NULL, NULL); /* The grade of what does not exist is unknown. */
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_DENIED_BY_RULE);
    CHECK(is(consilia_policy_decision_name(policy, decision), "graded"));
    decision = decided(policy, visitor, "read", NULL, NULL);
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_UNKNOWN_ROLE && decision.rule == 0);
    CHECK(is(consilia_policy_decision_name(policy, decision), ""));
    OK("nobody", consilia_policy_subject(policy, NULL, &nobody, &error));
    decision = decided(policy, nobody, "erase", NULL, NULL);
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_NO_RULE);
    OK("zero", consilia_policy_check(policy, doctor, 0, NULL, NULL, &decision, &error));
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_UNKNOWN_PERMISSION);
    OK("past", consilia_policy_check(policy, doctor, 4000000000U, NULL, NULL, &decision, &error));
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_UNKNOWN_PERMISSION);
    CHECK(is(consilia_reason_name(0), "") && is(consilia_reason_name(8), "") &&
          is(consilia_reason_name(7), "separation_of_duties"));
    consilia_subject_free(nobody);
    consilia_subject_free(visitor);
    consilia_policy_free(policy); /* Before its subject: any order will do. */
    policy = opened();
    decision.allowed = 1;
    EXPECT("subject", consilia_policy_check(policy, doctor, 1, NULL, NULL, &decision, &error),
           CONSILIA_INVALID_ARGUMENT, "access.subject");
    CHECK(decision.allowed == 0 && decision.reason == CONSILIA_REASON_NONE);
    EXPECT("null", consilia_policy_check(policy, NULL, 1, NULL, NULL, &decision, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    consilia_subject_free(doctor);
    consilia_policy_free(policy);
}

static int calls = 0;

/* Object 0 is graded 2, 1 is graded 3, of 2 nothing is known, and 3 cannot be read. */
static int32_t grade_of(size_t index, consilia_str_t path, consilia_value_t* out_value, void* user_data) {
    CHECK(is(path, "grade") && user_data == &calls && out_value->type == CONSILIA_TYPE_NULL);
    ++calls;
    if (index < 2) *out_value = consilia_int64(2 + (int64_t)index);
    return index == 3;
}

static void objects_give_their_fields(void) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* nurse = somebody(policy, 1, "nurse");
    consilia_subject_t* patient = somebody(policy, 7, "patient");
    const consilia_subject_t* both[2];
    consilia_parameter_t fields[2];
    consilia_access_object_t object;
    consilia_decision_t decisions[4];
    const uint32_t read = permission_of(policy, "read");
    fields[0] = consilia_parameter_of("patient_id", consilia_int64(7));
    fields[1] = consilia_parameter_of("grade", consilia_int64(3));
    CONSILIA_INIT(&object);
    object.fields = fields;
    object.field_count = 2;
    CHECK(decided(policy, nurse, "read", &object, NULL).allowed == 1);
    CHECK(decided(policy, patient, "read", &object, NULL).allowed == 1);
    both[0] = nurse;
    both[1] = patient;
    fields[1].value = consilia_int64(2);
    OK("subjects", consilia_policy_check_subjects(policy, both, 2, read, &object, NULL, decisions, &error));
    CHECK(decisions[0].allowed == 0 && decisions[1].allowed == 1);
    fields[0].value = consilia_int64(8);
    EXPECT("missing", consilia_policy_check(policy, patient, read, &object, NULL, decisions, &error),
           CONSILIA_INVALID_ARGUMENT, "access.missing_field");
    fields[1].value = consilia_text("three");
    EXPECT("type", consilia_policy_check(policy, nurse, read, &object, NULL, decisions, &error),
           CONSILIA_INVALID_ARGUMENT, "expression.type");
    CONSILIA_INIT(&object);
    object.field = grade_of;
    object.user_data = &calls;
    OK("many", consilia_policy_check_many(policy, nurse, read, 3, &object, NULL, decisions, &error));
    CHECK(calls == 3);
    CHECK(decisions[0].allowed == 0 && decisions[1].allowed == 1 && decisions[2].allowed == 0);
    EXPECT("given up", consilia_policy_check_many(policy, nurse, read, 4, &object, NULL, decisions, &error),
           CONSILIA_CANCELLED, "access.cancelled");
    CHECK(decisions[1].allowed == 0 && decisions[1].reason == CONSILIA_REASON_NONE);
    OK("none", consilia_policy_check_many(policy, nurse, read, 0, &object, NULL, NULL, &error));
    EXPECT("no room", consilia_policy_check_many(policy, nurse, read, 1, &object, NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    object.struct_size = 0;
    EXPECT("size", consilia_policy_check(policy, nurse, read, &object, NULL, decisions, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    consilia_subject_free(nurse);
    consilia_subject_free(patient);
    consilia_policy_free(policy);
}

static void who_and_when_count(void) {
    consilia_policy_t* policy = opened();
    consilia_subject_options_t options;
    consilia_subject_t* subject = NULL;
    consilia_delegation_t lent;
    consilia_access_context_t context;
    consilia_parameter_t ward = consilia_parameter_of("ward", consilia_text("cough"));
    consilia_parameter_t purpose = consilia_parameter_of("purpose", consilia_text("care"));
    consilia_parameter_t fields[2];
    consilia_access_object_t visit;
    consilia_str_t roles[2];
    fields[0] = consilia_parameter_of("reason", consilia_text("cough"));
    fields[1] = consilia_parameter_of("grade", consilia_int64(5));
    CONSILIA_INIT(&visit);
    visit.fields = fields;
    visit.field_count = 2;
    CONSILIA_INIT(&context);
    context.attributes = &purpose;
    context.attribute_count = 1;
    roles[0] = str("doctor");
    roles[1] = str("auditor");
    CONSILIA_INIT(&options);
    options.roles = roles;
    options.role_count = 1;
    options.attributes = &ward;
    options.attribute_count = 1;
    OK("doctor", consilia_policy_subject(policy, &options, &subject, &error));
    CHECK(decided(policy, subject, "write", &visit, &context).allowed == 1);
    CHECK(decided(policy, subject, "write", &visit, NULL).reason == CONSILIA_REASON_NO_RULE);
    consilia_subject_free(subject);
    options.role_count = 2;
    OK("both", consilia_policy_subject(policy, &options, &subject, &error));
    CHECK(decided(policy, subject, "erase", NULL, NULL).reason == CONSILIA_REASON_SEPARATION_OF_DUTIES);
    CHECK(is(consilia_policy_decision_name(policy, decided(policy, subject, "erase", NULL, NULL)),
             "audit apart"));
    consilia_subject_free(subject);
    ward.value = consilia_int64(3);
    EXPECT("attribute", consilia_policy_subject(policy, &options, &subject, &error),
           CONSILIA_INVALID_ARGUMENT, "access.attribute");
    CHECK(subject == NULL);

    memset(&lent, 0, sizeof lent);
    roles[0] = str("nurse");
    lent.from_roles = roles;
    lent.from_role_count = 1;
    lent.permission = str("visit:*");
    lent.starts_at = 100;
    lent.ends_at = 200;
    CONSILIA_INIT(&options);
    options.delegations = &lent;
    options.delegation_count = 1;
    OK("borrower", consilia_policy_subject(policy, &options, &subject, &error));
    CONSILIA_INIT(&context);
    context.now = 199;
    CHECK(decided(policy, subject, "read", &visit, &context).reason == CONSILIA_REASON_ALLOWED_BY_DELEGATION);
    CHECK(decided(policy, subject, "write", &visit, &context).reason == CONSILIA_REASON_NO_RULE);
    context.now = 200;
    CHECK(decided(policy, subject, "read", &visit, &context).reason == CONSILIA_REASON_NO_RULE);
    consilia_subject_free(subject);
    consilia_policy_free(policy);
}

static void a_scope_is_text_and_parameters(void) {
    consilia_policy_t* policy = opened();
    consilia_subject_options_t options;
    consilia_subject_t* patient = NULL;
    consilia_condition_t* scope = NULL;
    consilia_str_t role = str("patient");
    const consilia_parameter_t* parameters = NULL;
    CONSILIA_INIT(&options);
    options.user_id = consilia_blob("\0\1", 2);
    options.roles = &role;
    options.role_count = 1;
    options.name = str("Ann' or true");
    OK("patient", consilia_policy_subject(policy, &options, &patient, &error));
    OK("scope", consilia_policy_scope(policy, patient, str("read"), str("visit"), NULL, &scope, &error));
    consilia_subject_free(patient);
    consilia_policy_free(policy); /* The condition lives on. */
    CHECK(is(consilia_condition_text(scope), "(patient_id = :scope_1) or (patient.name = :scope_2)"));
    CHECK(consilia_condition_parameter_count(scope) == 2);
    parameters = consilia_condition_parameters(scope);
    CHECK(is(parameters[0].name, "scope_1") && parameters[0].value.type == CONSILIA_TYPE_BLOB);
    CHECK(parameters[0].value.as.blob.size == 2 && memcmp(parameters[0].value.as.blob.data, "\0\1", 2) == 0);
    CHECK(is(parameters[1].value.as.text, "Ann' or true"));
    consilia_condition_free(scope);
    CHECK(is(consilia_condition_text(NULL), "") && consilia_condition_parameters(NULL) == NULL &&
          consilia_condition_parameter_count(NULL) == 0);
    consilia_condition_free(NULL);
    consilia_subject_free(NULL);
    consilia_policy_free(NULL);
}

/* Keys of JSON, null, true and false are no values of anybody's: they stay in the text. */
static void a_scope_keeps_what_must_be_literal(void) {
    consilia_policy_t* policy = NULL;
    consilia_subject_t* nurse = NULL;
    consilia_condition_t* scope = NULL;
    OK("open",
       consilia_policy_open(str("{\"version\": 1, \"resources\": {\"visit\": [\"read\"]},"
                                " \"roles\": [{\"name\": \"nurse\"}], \"rules\": [{\"name\": \"ward\","
                                " \"effect\": \"allow\", \"role\": \"nurse\", \"permission\": \"visit:read\","
                                " \"condition\": \"json_text(notes, 'wards', 0) = 'north' and is_open = true"
                                " and made_on in (date '2026-01-31', null)\"}]}"),
                            &policy, &error));
    nurse = somebody(policy, 1, "nurse");
    OK("scope", consilia_policy_scope(policy, nurse, str("read"), str("visit"), NULL, &scope, &error));
    CHECK(is(consilia_condition_text(scope),
             "(json_text(notes, 'wards', 0) = :scope_1) and (is_open = true) "
             "and (made_on in (:scope_2, null))"));
    CHECK(consilia_condition_parameter_count(scope) == 2);
    CHECK(is(consilia_condition_parameters(scope)[0].value.as.text, "north"));
    CHECK(consilia_condition_parameters(scope)[1].value.type == CONSILIA_TYPE_DATE &&
          consilia_condition_parameters(scope)[1].value.as.days == 20484);
    consilia_condition_free(scope);
    consilia_subject_free(nurse);
    consilia_policy_free(policy);
}

static void reasons_and_permissions_are_told_as_json(void) {
    consilia_policy_t* policy = opened();
    consilia_subject_t* nurse = somebody(policy, 1, "nurse");
    consilia_subject_t* patient = somebody(policy, 7, "patient");
    consilia_buffer_t json = {NULL, 0};
    const consilia_str_t read = str("read");
    const consilia_str_t visit = str("visit");
    consilia_access_object_t object;
    consilia_parameter_t grade = consilia_parameter_of("grade", consilia_int64(2));
    CONSILIA_INIT(&object);
    object.fields = &grade;
    object.field_count = 1;
    OK("explain", consilia_policy_explain(policy, nurse, read, visit, &object, NULL, &json, &error));
    expect_text(
        &json,
        "{\"allowed\":false,\"reason\":\"denied_by_rule\",\"rule\":\"graded\",\"condition\":\"grade < "
        "3\",\"sentence\":\"rule `graded` denies role `nurse` `visit:read` where `grade < 3`\","
        "\"rules\":[{\"rule\":\"nurses read\",\"effect\":\"allow\",\"condition\":\"\",\"truth\":true},"
        "{\"rule\":\"graded\",\"effect\":\"deny\",\"condition\":\"grade < 3\",\"truth\":true}],"
        "\"values\":{\"grade\":2}}");
    EXPECT("require", consilia_policy_require(policy, nurse, read, visit, &object, NULL, &error),
           CONSILIA_PERMISSION_DENIED, "access.denied");
    grade.value = consilia_int64(3);
    OK("required", consilia_policy_require(policy, nurse, read, visit, &object, NULL, &error));
    OK("permissions", consilia_policy_permissions_of(policy, patient, NULL, &json, &error));
    expect_text(&json,
                "[{\"resource\":\"visit\",\"action\":\"read\",\"condition\":"
                "\"(patient_id = 7) or (patient.name = '')\",\"fields\":[]}]");
    OK("who", consilia_policy_who_can(policy, str("erase"), visit, &json, &error));
    expect_text(&json, "[{\"role\":\"doctor\",\"condition\":\"\"}]");
    OK("nobody", consilia_policy_who_can(policy, str("sell"), visit, &json, &error));
    expect_text(&json, "[]");
    EXPECT("out", consilia_policy_who_can(policy, read, visit, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    consilia_subject_free(nurse);
    consilia_subject_free(patient);
    consilia_policy_free(policy);
}

int main(void) {
    a_policy_is_read_and_written();
    decisions_say_which_rule_and_why();
    objects_give_their_fields();
    who_and_when_count();
    a_scope_is_text_and_parameters();
    a_scope_keeps_what_must_be_literal();
    reasons_and_permissions_are_told_as_json();
    return failures;
}
