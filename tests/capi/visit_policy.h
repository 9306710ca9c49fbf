#ifndef CONSILIA_TESTS_CAPI_VISIT_POLICY_H
#define CONSILIA_TESTS_CAPI_VISIT_POLICY_H
/* A policy for the visits of clinic.h, and what the C tests of the access layer ask it with. */
#include "check.h"

static consilia_error_t* error = NULL;

static const char* const kPolicy =
    "{\"version\": 1,"
    " \"resources\": {\"visit\": [\"read\", \"write\", \"erase\"]},"
    " \"roles\": [{\"name\": \"patient\"}, {\"name\": \"nurse\"},"
    "             {\"name\": \"doctor\", \"inherits\": [\"nurse\"]}, {\"name\": \"auditor\"}],"
    " \"attributes\": {\"principal\": {\"ward\": \"text\"}, \"context\": {\"purpose\": \"text\"}},"
    " \"rules\": ["
    "  {\"name\": \"own\", \"effect\": \"allow\", \"role\": \"patient\", \"permission\": \"visit:read\","
    "   \"condition\": \"patient_id = :principal_id or patient.name = :principal_name\"},"
    "  {\"name\": \"nurses read\", \"effect\": \"allow\", \"role\": \"nurse\", \"permission\": "
    "\"visit:read\"},"
    "  {\"name\": \"graded\", \"effect\": \"deny\", \"role\": \"nurse\", \"permission\": \"visit:read\","
    "   \"condition\": \"grade < 3\"},"
    "  {\"name\": \"care\", \"effect\": \"allow\", \"role\": \"doctor\", \"permission\": \"visit:write\","
    "   \"condition\": \":context_purpose = 'care' and reason = :principal_ward\"},"
    "  {\"name\": \"doctors erase\", \"effect\": \"allow\", \"role\": \"doctor\", \"permission\": "
    "\"visit:erase\"}],"
    " \"fields\": ["
    "  {\"role\": \"nurse\", \"permission\": \"visit:read\", \"fields\": [\"id\", \"reason\"]},"
    "  {\"role\": \"nurse\", \"permission\": \"visit:read\", \"fields\": [\"patient.name\"],"
    "   \"condition\": \"reason = 'cough'\"}],"
    " \"separations\": [{\"name\": \"audit apart\", \"roles\": [\"auditor\", \"doctor\"], \"at_most\": 1}],"
    " \"delegable\": [\"visit:read\"]}";

static inline consilia_str_t str(const char* text) {
    return consilia_str_of(text);
}

static inline consilia_policy_t* opened(void) {
    consilia_policy_t* policy = NULL;
    OK("open", consilia_policy_open(str(kPolicy), &policy, &error));
    return policy;
}

/* A subject of one role. */
static inline consilia_subject_t* somebody(const consilia_policy_t* policy, int64_t user_id,
                                           const char* role) {
    consilia_subject_options_t options;
    consilia_subject_t* subject = NULL;
    consilia_str_t roles[1];
    roles[0] = str(role);
    CONSILIA_INIT(&options);
    options.user_id = consilia_int64(user_id);
    options.roles = roles;
    options.role_count = 1;
    OK(role, consilia_policy_subject(policy, &options, &subject, &error));
    return subject;
}

static inline uint32_t permission_of(const consilia_policy_t* policy, const char* action) {
    uint32_t permission = 0;
    OK(action, consilia_policy_permission(policy, str(action), str("visit"), &permission, &error));
    return permission;
}

static inline consilia_decision_t decided(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                          const char* action, const consilia_access_object_t* object,
                                          const consilia_access_context_t* context) {
    consilia_decision_t decision;
    OK(action, consilia_policy_check(policy, subject, permission_of(policy, action), object, context,
                                     &decision, &error));
    return decision;
}

static inline void expect_text(consilia_buffer_t* found, const char* wanted) {
    if (found->size != strlen(wanted) || memcmp(found->data, wanted, found->size) != 0) {
        fprintf(stderr, "wanted %s\nfound  %s\n", wanted, found->data);
        ++failures;
    }
    consilia_buffer_free(found);
}

/* Checks the texts of rows of one column, which are written one after the other, and frees the rows. */
static inline void expect_list(consilia_row_set_t* rows, const char* wanted) {
    char found[200] = "";
    size_t row;
    for (row = 0; row < consilia_row_set_size(rows); ++row) {
        consilia_value_t value;
        OK("value", consilia_row_set_value(rows, row, 0, &value, &error));
        strncat(found, value.as.text.data, value.as.text.size);
        strcat(found, " ");
    }
    if (strcmp(found, wanted) != 0) {
        fprintf(stderr, "wanted %s\nfound  %s\n", wanted, found);
        ++failures;
    }
    consilia_row_set_free(rows);
}

#endif
