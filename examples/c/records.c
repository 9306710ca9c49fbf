/* Keeps patients and their visits over the C ABI, and prints a page of them as JSON.
 *
 *     records URL
 *
 * URL: sqlite:clinic.db, sqlite::memory: or postgresql://user@host/database. */
#include <consilia.h>
#include <stdio.h>

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

int main(int argc, char** argv) {
    consilia_error_t* error = NULL;
    consilia_database_t* database = NULL;
    consilia_session_t* session = NULL;
    consilia_model_t* patients = NULL;
    consilia_model_t* visits = NULL;
    consilia_reference_t patient;
    const consilia_model_t* models[2];

    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }

    /* Tables are described once; a reference gives queries a path across. */
    TRY("patients", consilia_model_new(consilia_str_of("patients"), &patients, &error));
    TRY("id", add_column(patients, "id", CONSILIA_TYPE_INT64, &error));
    TRY("name", add_column(patients, "name", CONSILIA_TYPE_TEXT, &error));
    TRY("visits", consilia_model_new(consilia_str_of("visits"), &visits, &error));
    TRY("id", add_column(visits, "id", CONSILIA_TYPE_INT64, &error));
    CONSILIA_INIT(&patient);
    patient.relation = consilia_str_of("patient");
    patient.target = patients;
    TRY("patient", consilia_model_add_reference(visits, &patient, &error));
    TRY("reason", add_column(visits, "reason", CONSILIA_TYPE_TEXT, &error));
    TRY("fee", add_column(visits, "fee", CONSILIA_TYPE_DOUBLE, &error));
    TRY("mixins", consilia_model_add_mixins(visits, CONSILIA_TIMESTAMPS | CONSILIA_SOFT_DELETE, &error));

    TRY("open", consilia_database_open(consilia_str_of(argv[1]), NULL, &database, &error));
    models[0] = patients;
    models[1] = visits;
    TRY("create tables", consilia_database_create_tables(database, models, 2, &error));

    /* Records are written in a transaction: all of them, or none. */
    {
        consilia_repository_t* of_patients = NULL;
        consilia_repository_t* of_visits = NULL;
        consilia_assignment_t name = consilia_set("name", consilia_text("Ann"));
        consilia_assignment_t values[3];
        int64_t ann = 0;
        int64_t visit = 0;
        int i;
        TRY("repository", consilia_repository_new(patients, &of_patients, &error));
        TRY("repository", consilia_repository_new(visits, &of_visits, &error));
        TRY("begin", consilia_database_begin(database, NULL, &session, &error));
        TRY("insert", consilia_repository_insert(of_patients, session, &name, 1, &ann, &error));
        for (i = 1; i <= 3; ++i) {
            values[0] = consilia_set("patient_id", consilia_int64(ann));
            values[1] = consilia_set("reason", consilia_text(i == 2 ? "fever" : "cough"));
            values[2] = consilia_set("fee", consilia_double(10.0 * i));
            TRY("insert", consilia_repository_insert(of_visits, session, values, 3, &visit, &error));
        }
        TRY("soft delete", consilia_repository_soft_delete(of_visits, session, visit, &error));
        TRY("commit", consilia_session_commit(session, &error));
        consilia_session_free(session);
        consilia_repository_free(of_patients);
        consilia_repository_free(of_visits);
    }

    /* Conditions are text; what comes from outside is a parameter, never part of it. */
    {
        consilia_query_t* all = NULL;
        consilia_query_t* dear = NULL;
        consilia_query_t* page = NULL;
        consilia_parameter_t least = consilia_parameter_of("least", consilia_double(5));
        consilia_str_t columns[3];
        consilia_row_set_t* rows = NULL;
        consilia_buffer_t json = {NULL, 0};
        columns[0] = consilia_str_of("reason");
        columns[1] = consilia_str_of("fee");
        columns[2] = consilia_str_of("patient.name");
        TRY("query", consilia_model_query(visits, &all, &error));
        TRY("where", consilia_query_where(all, consilia_str_of("fee >= :least and patient.name = 'Ann'"),
                                          &least, 1, &dear, &error));
        TRY("select", consilia_query_select(dear, columns, 3, &page, &error));
        TRY("read", consilia_database_read(database, &session, &error));
        TRY("run", consilia_query_run(page, session, &rows, &error));
        TRY("json", consilia_row_set_json(rows, &json, &error));
        printf("%s\n", json.data);
        consilia_buffer_free(&json);
        consilia_row_set_free(rows);
        consilia_session_free(session);
        consilia_query_free(all);
        consilia_query_free(dear);
        consilia_query_free(page);
    }

    consilia_model_free(patients);
    consilia_model_free(visits);
    consilia_database_free(database);
    return 0;
}
