/* Goal: databases, sessions, models and records over the C ABI, and what fails there. */
#include "clinic.h"

static int64_t number_at(const consilia_row_set_t* rows, size_t row, const char* column) {
    consilia_error_t* error = NULL;
    consilia_value_t value = consilia_null();
    size_t at = 0;
    OK(column, consilia_row_set_find_column(rows, consilia_str_of(column), &at, &error));
    OK(column, consilia_row_set_value(rows, row, at, &value, &error));
    return value.as.int64;
}

static int64_t count_visits(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* all = NULL;
    int64_t count = -1;
    OK("query", consilia_model_query(clinic->visits, &all, &error));
    OK("count", consilia_query_count(all, clinic->session, &count, &error));
    consilia_query_free(all);
    return count;
}

static void options_and_arguments_are_checked(const char* url) {
    consilia_error_t* error = NULL;
    consilia_database_t* database = (consilia_database_t*)&error;
    consilia_database_options_t options;
    consilia_model_t* model = NULL;
    consilia_column_t column;
    struct {
        consilia_database_options_t known;
        int64_t unknown;
    } longer;
    EXPECT("null", consilia_database_open(consilia_str_of(url), NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    memset(&options, 0, sizeof options);
    EXPECT("no size", consilia_database_open(consilia_str_of(url), &options, &database, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    CHECK(database == NULL);
    memset(&longer, 0, sizeof longer);
    longer.known.struct_size = sizeof longer;
    longer.unknown = 1;
    EXPECT("unknown", consilia_database_open(consilia_str_of(url), &longer.known, &database, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    longer.unknown = 0;
    OK("longer", consilia_database_open(consilia_str_of(url), &longer.known, &database, &error));
    consilia_database_free(database);
    EXPECT("url", consilia_database_open(consilia_str_of("mysql://x"), NULL, &database, &error),
           CONSILIA_INVALID_ARGUMENT, "database.url");
    EXPECT("table", consilia_model_new(consilia_str_of("a\"b"), &model, &error), CONSILIA_INVALID_ARGUMENT,
           "model.name");
    OK("table", consilia_model_new(consilia_str_of("things"), &model, &error));
    CONSILIA_INIT(&column);
    column.name = consilia_str_of("size");
    column.type = 77;
    EXPECT("type", consilia_model_add_column(model, &column, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.value_type");
    column.type = CONSILIA_TYPE_INT64;
    OK("column", consilia_model_add_column(model, &column, &error));
    EXPECT("twice", consilia_model_add_column(model, &column, &error), CONSILIA_INVALID_ARGUMENT,
           "model.duplicate");
    consilia_model_free(model);
    consilia_database_free(NULL);
    consilia_session_free(NULL);
    consilia_model_free(NULL);
    consilia_repository_free(NULL);
    consilia_query_free(NULL);
    consilia_row_set_free(NULL);
}

static void records_are_kept_and_conflicts_told(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_repository_t* visits = NULL;
    consilia_repository_t* patients = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_assignment_t change;
    const int64_t ann = add_patient(clinic, "Ann");
    const int64_t id = add_visit(clinic, ann, "cough", 12.5, consilia_null());
    int64_t read_at = 0;
    int64_t version = 0;
    int64_t other = 0;
    OK("visits", consilia_repository_new(clinic->visits, &visits, &error));
    OK("patients", consilia_repository_new(clinic->patients, &patients, &error));
    OK("get", consilia_repository_get(visits, clinic->session, id, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    CHECK(number_at(rows, 0, "patient_id") == ann);
    read_at = number_at(rows, 0, "updated_at");
    consilia_row_set_free(rows);
    change = consilia_set_to("fee", "fee * :value", consilia_double(2));
    OK("update",
       consilia_repository_update(visits, clinic->session, id, &change, 1, &read_at, &version, &error));
    CHECK(version > read_at);
    EXPECT("stale",
           consilia_repository_update(visits, clinic->session, id, &change, 1, &read_at, &version, &error),
           CONSILIA_CONFLICT, "record.stale");
    CHECK(version == 0);
    change = consilia_set("fee", consilia_text("much"));
    EXPECT("type", consilia_repository_update(visits, clinic->session, id, &change, 1, NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "query.type");
    change = consilia_set("no_such", consilia_int64(1));
    EXPECT("column", consilia_repository_insert(visits, clinic->session, &change, 1, &other, &error),
           CONSILIA_INVALID_ARGUMENT, "query.unknown_field");
    change = consilia_set("name", consilia_text("Ann"));
    EXPECT("unique", consilia_repository_insert(patients, clinic->session, &change, 1, &other, &error),
           CONSILIA_CONFLICT, "database.unique");
    EXPECT("referred", consilia_repository_remove(patients, clinic->session, ann, &error), CONSILIA_CONFLICT,
           "database.foreign_key");
    OK("soft delete", consilia_repository_soft_delete(visits, clinic->session, id, &error));
    OK("find", consilia_repository_find(visits, clinic->session, id, &rows, &error));
    CHECK(rows == NULL);
    OK("find deleted", consilia_repository_find_with_deleted(visits, clinic->session, id, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    consilia_row_set_free(rows);
    EXPECT("gone", consilia_repository_get(visits, clinic->session, id, &rows, &error), CONSILIA_NOT_FOUND,
           "record.not_found");
    OK("restore", consilia_repository_restore(visits, clinic->session, id, &error));
    OK("remove", consilia_repository_remove(visits, clinic->session, id, &error));
    EXPECT("no soft delete", consilia_repository_soft_delete(patients, clinic->session, ann, &error),
           CONSILIA_INVALID_ARGUMENT, "record.no_soft_delete");
    consilia_repository_free(visits);
    consilia_repository_free(patients);
}

static void many_rows_are_written_at_once(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_repository_t* patients = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_row_column_t column;
    consilia_upsert_options_t options;
    consilia_str_t name = consilia_str_of("name");
    consilia_value_t value;
    int64_t count = 0;
    int i;
    memset(&column, 0, sizeof column);
    column.name = name;
    column.type = CONSILIA_TYPE_TEXT;
    OK("rows", consilia_row_set_new(&column, 1, &rows, &error));
    for (i = 0; i < 100; ++i) {
        char text[16];
        snprintf(text, sizeof text, "many %d", i);
        value = consilia_text(text);
        OK("append", consilia_row_set_append(rows, &value, 1, &error));
    }
    OK("patients", consilia_repository_new(clinic->patients, &patients, &error));
    OK("insert", consilia_repository_insert_rows(patients, clinic->session, rows, &count, &error));
    CHECK(count == 100);
    EXPECT("again", consilia_repository_insert_rows(patients, clinic->session, rows, &count, &error),
           CONSILIA_CONFLICT, "database.unique");
    CONSILIA_INIT(&options);
    EXPECT("upsert",
           consilia_repository_upsert_rows(patients, clinic->session, rows, &options, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "query.upsert");
    options.conflict = &name;
    options.conflict_count = 1;
    options.update = &name;
    options.update_count = 1;
    OK("upsert", consilia_repository_upsert_rows(patients, clinic->session, rows, &options, &count, &error));
    CHECK(count == 100);
    value = consilia_int64(1);
    EXPECT("width", consilia_row_set_append(rows, &value, 0, &error), CONSILIA_INVALID_ARGUMENT,
           "row.incomplete");
    consilia_repository_free(patients);
    consilia_row_set_free(rows);
}

static void count_commit(void* user_data) {
    ++*(int*)user_data;
}

static void a_transaction_is_whole_or_nothing(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_session_t* transaction = NULL;
    clinic_t inside = *clinic;
    const int64_t patient = add_patient(clinic, "Transacted");
    const int64_t before = count_visits(clinic);
    int commits = 0;
    OK("begin", consilia_database_begin(clinic->database, NULL, &transaction, &error));
    inside.session = transaction;
    add_visit(&inside, patient, "undone", 1, consilia_null());
    OK("on commit", consilia_session_on_commit(transaction, count_commit, &commits, &error));
    consilia_session_free(transaction);
    CHECK(count_visits(clinic) == before);
    CHECK(commits == 0);
    OK("begin", consilia_database_begin(clinic->database, NULL, &transaction, &error));
    inside.session = transaction;
    OK("act", consilia_session_act_as(transaction, 7, &error));
    add_visit(&inside, patient, "kept", 1, consilia_null());
    OK("savepoint", consilia_session_begin_savepoint(transaction, &error));
    add_visit(&inside, patient, "undone", 1, consilia_null());
    OK("undo", consilia_session_undo_savepoint(transaction, &error));
    EXPECT("no savepoint", consilia_session_release_savepoint(transaction, &error), CONSILIA_INVALID_ARGUMENT,
           "database.transaction");
    OK("on commit", consilia_session_on_commit(transaction, count_commit, &commits, &error));
    OK("commit", consilia_session_commit(transaction, &error));
    EXPECT("ended", consilia_session_commit(transaction, &error), CONSILIA_INVALID_ARGUMENT,
           "database.transaction");
    consilia_session_free(transaction);
    CHECK(count_visits(clinic) == before + 1);
    CHECK(commits == 1);
    OK("read", consilia_database_read(clinic->database, &transaction, &error));
    EXPECT(
        "written",
        consilia_session_execute(transaction, consilia_str_of("DELETE FROM visits"), NULL, 0, NULL, &error),
        CONSILIA_INVALID_ARGUMENT, "database.read_scope");
    EXPECT("no transaction", consilia_session_commit(transaction, &error), CONSILIA_INVALID_ARGUMENT,
           "database.transaction");
    consilia_session_free(transaction);
}

static consilia_status_t add_and_maybe_fail(consilia_session_t* session, consilia_error_t** out_error,
                                            void* user_data) {
    consilia_value_t name = consilia_text("From a body");
    int64_t count = 0;
    const int dialect = ((int*)user_data)[0];
    const consilia_status_t status = consilia_session_execute(
        session,
        consilia_str_of(dialect == CONSILIA_DIALECT_SQLITE ? "INSERT INTO patients (name) VALUES (?)"
                                                           : "INSERT INTO patients (name) VALUES ($1)"),
        &name, 1, &count, out_error);
    CHECK(status != CONSILIA_OK || count == 1);
    if (status != CONSILIA_OK) return status;
    return ((int*)user_data)[1] != 0 ? CONSILIA_CANCELLED : CONSILIA_OK;
}

static void a_body_is_run_in_a_transaction(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    int state[2];
    state[0] = consilia_database_dialect(clinic->database);
    state[1] = 1;
    EXPECT("cancelled", consilia_database_transact(clinic->database, add_and_maybe_fail, state, NULL, &error),
           CONSILIA_CANCELLED, "database.cancelled");
    state[1] = 0;
    OK("kept", consilia_database_transact(clinic->database, add_and_maybe_fail, state, NULL, &error));
    EXPECT("unique", consilia_database_transact(clinic->database, add_and_maybe_fail, state, NULL, &error),
           CONSILIA_CONFLICT, "database.unique");
}

static void handles_outlive_one_another(const char* url) {
    consilia_error_t* error = NULL;
    clinic_t clinic;
    consilia_query_t* query = NULL;
    consilia_repository_t* visits = NULL;
    int64_t count = 0;
    open_clinic(&clinic, url);
    query = visits_where(&clinic, "patient.name != 'x'");
    OK("visits", consilia_repository_new(clinic.visits, &visits, &error));
    consilia_model_free(clinic.visits);
    consilia_model_free(clinic.patients);
    consilia_database_free(clinic.database);
    OK("count", consilia_query_count(query, clinic.session, &count, &error));
    consilia_repository_free(visits);
    consilia_session_free(clinic.session);
    consilia_query_free(query);
}

int main(int argc, char** argv) {
    clinic_t clinic;
    if (argc != 3) return 2;
    options_and_arguments_are_checked(argv[1]);
    open_clinic(&clinic, argv[1]);
    records_are_kept_and_conflicts_told(&clinic);
    many_rows_are_written_at_once(&clinic);
    a_transaction_is_whole_or_nothing(&clinic);
    a_body_is_run_in_a_transaction(&clinic);
    handles_outlive_one_another(argv[1]);
    close_clinic(&clinic);
    return failures == 0 ? 0 : 1;
}
