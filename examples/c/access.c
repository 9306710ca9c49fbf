/* Asks a policy over the C ABI: what a patient may read of a clinic, and why a nurse may not change a record.
 *
 *     access URL
 *
 * URL: sqlite::memory:, sqlite:clinic.db or postgresql://user@host/database. */
#include <consilia.h>
#include <stdio.h>

static const char* const rules =
    "{\"version\": 1,"
    " \"resources\": {\"visit\": [\"read\", \"change\"]},"
    " \"roles\": [{\"name\": \"patient\"}, {\"name\": \"nurse\"}],"
    " \"rules\": ["
    "   {\"name\": \"patients read their own\", \"effect\": \"allow\", \"role\": \"patient\","
    "    \"permission\": \"visit:read\", \"condition\": \"patient = :principal_name\"},"
    "   {\"name\": \"nurses change\", \"effect\": \"allow\", \"role\": \"nurse\", \"permission\": "
    "\"visit:*\"},"
    "   {\"name\": \"what is signed stays\", \"effect\": \"deny\", \"role\": \"*\","
    "    \"permission\": \"visit:change\", \"condition\": \"is_signed\"}],"
    " \"fields\": ["
    "   {\"role\": \"patient\", \"permission\": \"visit:read\", \"fields\": [\"id\", \"reason\"]},"
    "   {\"role\": \"patient\", \"permission\": \"visit:read\", \"fields\": [\"note\"],"
    "    \"condition\": \"is_signed\"}]}";

static int failed(const char* step, consilia_error_t* error) {
    consilia_str_t code = consilia_error_code(error);
    consilia_str_t message = consilia_error_message(error);
    fprintf(stderr, "%s: %.*s (%.*s)\n", step, (int)message.size, message.data, (int)code.size, code.data);
    consilia_error_free(error);
    return 1;
}

#define TRY(step, call) \
    if ((call) != CONSILIA_OK) return failed((step), error)

static consilia_status_t add_column(consilia_model_t* model, const char* name, int32_t type,
                                    consilia_error_t** error) {
    consilia_column_t column;
    CONSILIA_INIT(&column);
    column.name = consilia_str_of(name);
    column.type = type;
    column.is_primary_key = strcmp(name, "id") == 0;
    return consilia_model_add_column(model, &column, error);
}

static consilia_status_t add_visit(consilia_model_t* visits, consilia_session_t* session, const char* patient,
                                   const char* reason, int is_signed, consilia_error_t** error) {
    consilia_repository_t* repository = NULL;
    consilia_assignment_t values[4];
    int64_t id = 0;
    consilia_status_t status = consilia_repository_new(visits, &repository, error);
    if (status != CONSILIA_OK) return status;
    values[0] = consilia_set("patient", consilia_text(patient));
    values[1] = consilia_set("reason", consilia_text(reason));
    values[2] = consilia_set("note", consilia_text("rest"));
    values[3] = consilia_set("is_signed", consilia_bool(is_signed));
    status = consilia_repository_insert(repository, session, values, 4, &id, error);
    consilia_repository_free(repository);
    return status;
}

int main(int argc, char** argv) {
    consilia_error_t* error = NULL;
    consilia_database_t* database = NULL;
    consilia_session_t* session = NULL;
    consilia_model_t* visits = NULL;
    const consilia_model_t* models[1];
    consilia_policy_t* policy = NULL;
    const consilia_str_t visit = consilia_str_of("visit");

    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    TRY("policy", consilia_policy_open(consilia_str_of(rules), &policy, &error));
    TRY("visits", consilia_model_new(visit, &visits, &error));
    TRY("id", add_column(visits, "id", CONSILIA_TYPE_INT64, &error));
    TRY("patient", add_column(visits, "patient", CONSILIA_TYPE_TEXT, &error));
    TRY("reason", add_column(visits, "reason", CONSILIA_TYPE_TEXT, &error));
    TRY("note", add_column(visits, "note", CONSILIA_TYPE_TEXT, &error));
    TRY("is_signed", add_column(visits, "is_signed", CONSILIA_TYPE_BOOL, &error));
    TRY("open", consilia_database_open(consilia_str_of(argv[1]), NULL, &database, &error));
    models[0] = visits;
    TRY("create tables", consilia_database_create_tables(database, models, 1, &error));
    TRY("session", consilia_database_autocommit(database, &session, &error));
    TRY("insert", add_visit(visits, session, "Ann", "cough", 1, &error));
    TRY("insert", add_visit(visits, session, "Bob", "fever", 1, &error));
    TRY("insert", add_visit(visits, session, "Ann", "fever", 0, &error));

    /* A page that a patient asks for: the database gives her visits and no others, and of these she gets what
     * she may see. */
    {
        consilia_subject_options_t options;
        consilia_subject_t* ann = NULL;
        consilia_condition_t* scope = NULL;
        consilia_query_t* all = NULL;
        consilia_query_t* hers = NULL;
        consilia_row_set_t* rows = NULL;
        consilia_row_set_t* shown = NULL;
        consilia_buffer_t json = {NULL, 0};
        const consilia_str_t role = consilia_str_of("patient");
        const consilia_str_t read = consilia_str_of("read");
        CONSILIA_INIT(&options);
        options.name = consilia_str_of("Ann");
        options.roles = &role;
        options.role_count = 1;
        TRY("subject", consilia_policy_subject(policy, &options, &ann, &error));
        TRY("query", consilia_model_query(visits, &all, &error));
        TRY("scope", consilia_policy_scope(policy, ann, read, visit, NULL, &scope, &error));
        TRY("where",
            consilia_query_where(all, consilia_condition_text(scope), consilia_condition_parameters(scope),
                                 consilia_condition_parameter_count(scope), &hers, &error));
        TRY("run", consilia_query_run(hers, session, &rows, &error));
        TRY("redact", consilia_policy_redact_rows(policy, ann, read, visit, rows, NULL, &shown, &error));
        TRY("json", consilia_row_set_json(shown, &json, &error));
        printf("%s\n", json.data);
        consilia_buffer_free(&json);
        consilia_row_set_free(shown);
        consilia_row_set_free(rows);
        consilia_query_free(hers);
        consilia_query_free(all);
        consilia_condition_free(scope);
        consilia_subject_free(ann);
    }

    /* One record that a nurse wants to change. */
    {
        consilia_subject_options_t options;
        consilia_subject_t* nurse = NULL;
        consilia_access_object_t record;
        consilia_parameter_t is_signed = consilia_parameter_of("is_signed", consilia_bool(1));
        consilia_decision_t decision;
        consilia_str_t rule;
        uint32_t change = 0;
        const consilia_str_t role = consilia_str_of("nurse");
        CONSILIA_INIT(&options);
        options.roles = &role;
        options.role_count = 1;
        TRY("subject", consilia_policy_subject(policy, &options, &nurse, &error));
        TRY("number", consilia_policy_permission(policy, consilia_str_of("change"), visit, &change, &error));
        CONSILIA_INIT(&record);
        record.fields = &is_signed;
        record.field_count = 1;
        TRY("check", consilia_policy_check(policy, nurse, change, &record, NULL, &decision, &error));
        rule = consilia_policy_decision_name(policy, decision);
        printf("%s by `%.*s`\n", decision.allowed ? "allowed" : "denied", (int)rule.size, rule.data);
        consilia_subject_free(nurse);
    }

    consilia_session_free(session);
    consilia_model_free(visits);
    consilia_database_free(database);
    consilia_policy_free(policy);
    return 0;
}
