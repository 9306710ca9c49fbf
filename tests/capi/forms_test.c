/* Forms over the C ABI: from JSON Schema and from a model, checked on JSON, on an empty database. */
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static const char* const kSchema =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"name\", \"age\"], "
    "\"properties\":"
    " {\"name\": {\"type\": \"string\", \"maxLength\": 5},"
    " \"age\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 150}}}";

static int has(consilia_buffer_t* json, const char* wanted) {
    const int found = json->data != NULL && strstr(json->data, wanted) != NULL;
    if (!found) fprintf(stderr, "wanted %s in %s\n", wanted, json->data == NULL ? "nothing" : json->data);
    consilia_buffer_free(json);
    return found;
}

static void a_form_of_a_schema(void) {
    consilia_form_t* form = NULL;
    consilia_form_report_t* report = NULL;
    consilia_form_check_t check;
    consilia_field_error_t found;
    consilia_buffer_t json = {0};
    CONSILIA_INIT(&check);
    CONSILIA_INIT(&found);
    OK("schema", consilia_form_from_schema(consilia_str_of(kSchema), NULL, 0, &form, &error));

    OK("good", consilia_form_check_json(form, consilia_str_of("{\"name\": \" ann \", \"age\": \"7\"}"), NULL,
                                        &report, &error));
    CHECK(consilia_form_report_is_valid(report) == 1 && consilia_form_report_error_count(report) == 0);
    OK("values", consilia_form_report_values_json(report, &json, &error));
    CHECK(has(&json, "{\"name\":\"ann\",\"age\":7}"));
    EXPECT("no error", consilia_form_report_error(report, 0, &found, &error), CONSILIA_INVALID_ARGUMENT,
           "form.no_error");
    consilia_form_report_free(report);

    check.mode = CONSILIA_FORM_MODE_STRICT;
    check.messages_json = consilia_str_of("{\"too_large\": \"zu alt\"}");
    OK("bad", consilia_form_check_json(form, consilia_str_of("{\"name\": 5, \"age\": 151, \"x\": 1}"), &check,
                                       &report, &error));
    consilia_form_free(form);
    form = NULL;
    CHECK(consilia_form_report_is_valid(report) == 0 && consilia_form_report_error_count(report) == 3);
    OK("error", consilia_form_report_error(report, 2, &found, &error));
    CHECK(is(found.path, "age") && is(found.code, "too_large") && is(found.message, "zu alt"));
    OK("errors", consilia_form_report_errors_json(report, &json, &error));
    CHECK(has(&json, "\"params\":{\"limit\":150}"));
    consilia_form_report_free(report);

    check.mode = 3;
    OK("schema", consilia_form_from_schema(consilia_str_of(kSchema), NULL, 0, &form, &error));
    EXPECT("mode", consilia_form_check_json(form, consilia_str_of("{}"), &check, &report, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.enum");
    CHECK(report == NULL);
    OK("to schema", consilia_form_to_schema(form, &json, &error));
    CHECK(has(&json, "\"maximum\":150"));
    OK("html", consilia_form_html_attributes(form, consilia_str_of("name"), &json, &error));
    CHECK(has(&json, "\"maxlength\":\"5\""));
    EXPECT("no field", consilia_form_html_attributes(form, consilia_str_of("none"), &json, &error),
           CONSILIA_NOT_FOUND, "form.no_field");
    consilia_form_free(form);
    EXPECT("broken", consilia_form_from_schema(consilia_str_of("[]"), NULL, 0, &form, &error),
           CONSILIA_VALIDATION, "form.schema");
    consilia_form_free(NULL);
    consilia_form_report_free(NULL);
    CHECK(consilia_form_report_is_valid(NULL) == 0 && consilia_form_report_error_count(NULL) == 0);
}

static void a_form_of_a_model(const char* url) {
    consilia_database_t* database = NULL;
    consilia_session_t* session = NULL;
    consilia_model_t* model = NULL;
    const consilia_model_t* used;
    consilia_form_t* form = NULL;
    consilia_form_report_t* report = NULL;
    consilia_field_error_t found;
    consilia_form_check_t check;
    consilia_column_t column;
    CONSILIA_INIT(&found);
    CONSILIA_INIT(&check);
    OK("open", consilia_database_open(consilia_str_of(url), NULL, &database, &error));
    OK("model", consilia_model_new(consilia_str_of("form_users"), &model, &error));
    CONSILIA_INIT(&column);
    column.name = consilia_str_of("id");
    column.is_primary_key = 1;
    OK("key", consilia_model_add_column(model, &column, &error));
    CONSILIA_INIT(&column);
    column.name = consilia_str_of("name");
    column.type = CONSILIA_TYPE_TEXT;
    column.is_unique = 1;
    column.length_max = 5;
    OK("column", consilia_model_add_column(model, &column, &error));
    used = model;
    OK("form", consilia_form_of_model(model, NULL, 0, &form, &error));
    OK("table", consilia_database_create_tables(database, &used, 1, &error));
    OK("autocommit", consilia_database_autocommit(database, &session, &error));
    OK("row",
       consilia_session_execute(session, consilia_str_of("INSERT INTO form_users (name) VALUES ('ada')"),
                                NULL, 0, NULL, &error));
    EXPECT("no session",
           consilia_form_check_json(form, consilia_str_of("{\"name\": \"ada\"}"), NULL, &report, &error),
           CONSILIA_INVALID_ARGUMENT, "form.session");
    check.session = session;
    OK("taken",
       consilia_form_check_json(form, consilia_str_of("{\"name\": \"ada\"}"), &check, &report, &error));
    OK("error", consilia_form_report_error(report, 0, &found, &error));
    CHECK(is(found.path, "name") && is(found.code, "taken"));
    consilia_form_report_free(report);
    check.has_except_key = 1;
    check.except_key = 1;
    OK("own",
       consilia_form_check_json(form, consilia_str_of("{\"name\": \"ada\"}"), &check, &report, &error));
    CHECK(consilia_form_report_is_valid(report) == 1);
    consilia_form_report_free(report);
    consilia_form_free(form);
    consilia_model_free(model);
    consilia_session_free(session);
    consilia_database_free(database);
}

static void texts_alone(void) {
    consilia_buffer_t email = {0};
    OK("email", consilia_email_normalize(consilia_str_of("a@EXAMPLE.org"), &email, &error));
    CHECK(has(&email, "a@example.org"));
    EXPECT("no email", consilia_email_normalize(consilia_str_of("a"), &email, &error), CONSILIA_VALIDATION,
           "form.email");
    CHECK(consilia_is_phone(consilia_str_of("+4915112345678")) == 1);
    CHECK(consilia_is_phone(consilia_str_of("12345678")) == 0);
    CHECK(consilia_is_person_name(consilia_str_of("Jane O'Hara")) == 1);
    CHECK(consilia_is_person_name(consilia_str_of("<b>")) == 0);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    a_form_of_a_schema();
    a_form_of_a_model(argv[1]);
    texts_alone();
    return failures;
}
