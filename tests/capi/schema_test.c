/* Goal: schemas, migrations, history, full text, watches and messages over the C ABI. */
#include "clinic.h"

static void count_event(const consilia_statement_event_t* event, void* user_data) {
    CHECK(event->sql.size > 0);
    CHECK(event->duration_ns >= 0);
    if (is(event->label, "page")) ++((int*)user_data)[0];
    if (event->error_code.size > 0) ++((int*)user_data)[1];
}

static void statements_are_counted_and_told(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_statement_watch_t* watch = NULL;
    int seen[2] = {0, 0};
    OK("watch", consilia_database_watch(clinic->database, count_event, seen, &watch, &error));
    OK("label", consilia_label_begin(consilia_str_of("page"), &error));
    OK("execute",
       consilia_session_execute(clinic->session, consilia_str_of("DELETE FROM visits WHERE id < 0"), NULL, 0,
                                NULL, &error));
    consilia_label_end();
    EXPECT("wrong",
           consilia_session_execute(clinic->session, consilia_str_of("DELETE FROM nowhere"), NULL, 0, NULL,
                                    &error),
           CONSILIA_STORAGE, "database.failed");
    CHECK(consilia_statement_watch_count(watch) == 2);
    CHECK(seen[0] == 1 && seen[1] == 1);
    consilia_statement_watch_free(watch);
    CHECK(consilia_statement_watch_count(NULL) == 0);
}

static void every_version_is_kept(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_history_t* history = NULL;
    consilia_query_t* versions = NULL;
    consilia_repository_t* visits = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_value_t first = consilia_null();
    consilia_assignment_t change = consilia_set("fee", consilia_double(9));
    const int64_t patient = add_patient(clinic, "Historic");
    const int64_t id = add_visit(clinic, patient, "old", 5, consilia_null());
    size_t column = 0;
    OK("visits", consilia_repository_new(clinic->visits, &visits, &error));
    OK("update", consilia_repository_update(visits, clinic->session, id, &change, 1, NULL, NULL, &error));
    OK("history", consilia_history_new(clinic->visits, &history, &error));
    OK("versions", consilia_history_versions(history, id, &versions, &error));
    OK("run", consilia_query_run(versions, clinic->session, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 2);
    OK("id", consilia_row_set_find_column(rows, consilia_str_of("history_id"), &column, &error));
    OK("first", consilia_row_set_value(rows, 0, column, &first, &error));
    OK("restore", consilia_history_restore(history, clinic->session, first.as.int64, &error));
    consilia_row_set_free(rows);
    OK("get", consilia_repository_get(visits, clinic->session, id, &rows, &error));
    OK("fee", consilia_row_set_find_column(rows, consilia_str_of("fee"), &column, &error));
    OK("fee", consilia_row_set_value(rows, 0, column, &first, &error));
    CHECK(first.as.number == 5.0);
    consilia_row_set_free(rows);
    EXPECT("version", consilia_history_restore(history, clinic->session, 1000000, &error), CONSILIA_NOT_FOUND,
           "record.no_version");
    consilia_query_free(versions);
    consilia_history_free(history);
    EXPECT("no history", consilia_history_new(clinic->patients, &history, &error), CONSILIA_INVALID_ARGUMENT,
           "record.no_history");
    consilia_repository_free(visits);
}

static void words_are_found(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_query_t* all = NULL;
    consilia_query_t* found = NULL;
    int64_t count = 0;
    const int64_t patient = add_patient(clinic, "Searched");
    OK("full text", consilia_database_create_full_text(clinic->database, clinic->visits, &error));
    add_visit(clinic, patient, "persistent cough at night", 1, consilia_null());
    OK("query", consilia_model_query(clinic->visits, &all, &error));
    OK("search",
       consilia_query_search(all, consilia_str_of("night cough"), consilia_str_of(""), &found, &error));
    OK("count", consilia_query_count(found, clinic->session, &count, &error));
    CHECK(count == 1);
    consilia_query_free(found);
    EXPECT("no word", consilia_query_search(all, consilia_str_of("'\""), consilia_str_of(""), &found, &error),
           CONSILIA_INVALID_ARGUMENT, "query.search");
    consilia_query_free(all);
}

static void a_live_database_is_read(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_schema_t* schema = NULL;
    consilia_model_t* visits = NULL;
    consilia_query_t* query = NULL;
    consilia_column_t column;
    int64_t count = 0;
    OK("reflect", consilia_schema_reflect(clinic->session, &schema, &error));
    OK("model", consilia_schema_model(schema, consilia_str_of("visits"), &visits, &error));
    consilia_schema_free(schema);
    CHECK(is(consilia_model_table(visits), "visits"));
    OK("query", consilia_model_query(visits, &query, &error));
    OK("count", consilia_query_count(query, clinic->session, &count, &error));
    CHECK(count == 2);
    CONSILIA_INIT(&column);
    column.name = consilia_str_of("more");
    column.type = CONSILIA_TYPE_TEXT;
    EXPECT("in use", consilia_model_add_column(visits, &column, &error), CONSILIA_INVALID_ARGUMENT,
           "model.in_use");
    consilia_query_free(query);
    consilia_model_free(visits);
}

static int32_t count_step(const consilia_migration_step_t* step, void* user_data) {
    CHECK(step->sql_count > 0);
    ++*(int*)user_data;
    return 0;
}

static void migrations_lead_there_and_back(const clinic_t* clinic, const char* folder) {
    consilia_error_t* error = NULL;
    consilia_migrations_t* migrations = NULL;
    consilia_migrations_options_t options;
    consilia_model_t* model = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_buffer_t path = {NULL, 0};
    consilia_value_t value = consilia_null();
    const consilia_model_t* models[1];
    int steps = 0;
    OK("model", consilia_model_new(consilia_str_of("rooms"), &model, &error));
    add_column(model, "id", CONSILIA_TYPE_INT64, 0);
    add_column(model, "name", CONSILIA_TYPE_TEXT, 0);
    models[0] = model;
    CONSILIA_INIT(&options);
    options.directory = consilia_str_of(folder);
    options.on_step = count_step;
    options.on_step_user_data = &steps;
    OK("migrations", consilia_migrations_new(clinic->database, models, 1, &options, &migrations, &error));
    OK("make", consilia_migrations_make(migrations, consilia_str_of("rooms"), NULL, &path, &error));
    CHECK(path.size > 0 && strstr(path.data, "0001_rooms") != NULL);
    consilia_buffer_free(&path);
    OK("plan", consilia_migrations_plan(migrations, consilia_str_of(""), &rows, &error));
    CHECK(consilia_row_set_size(rows) > 0 && steps == 0);
    consilia_row_set_free(rows);
    OK("migrate", consilia_migrations_migrate(migrations, consilia_str_of(""), &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1 && steps > 0);
    consilia_row_set_free(rows);
    OK("status", consilia_migrations_status(migrations, &rows, &error));
    OK("applied", consilia_row_set_value(rows, 0, 1, &value, &error));
    CHECK(value.type == CONSILIA_TYPE_TIMESTAMP);
    consilia_row_set_free(rows);
    EXPECT("loss", consilia_migrations_rollback(migrations, consilia_str_of(""), 0, &rows, &error),
           CONSILIA_CONFLICT, "migration.data_loss");
    CHECK(rows == NULL);
    OK("back", consilia_migrations_rollback(migrations, consilia_str_of(""), 1, NULL, &error));
    EXPECT("unknown", consilia_migrations_migrate(migrations, consilia_str_of("0009_none"), NULL, &error),
           CONSILIA_NOT_FOUND, "migration.unknown");
    consilia_migrations_free(migrations);
    consilia_model_free(model);
}

static void messages_reach_listeners_of_postgresql(const clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_listener_t* listener = NULL;
    consilia_notification_t message;
    consilia_str_t channel = consilia_str_of("visits_changed");
    if (consilia_database_dialect(clinic->database) == CONSILIA_DIALECT_SQLITE) {
        EXPECT("sqlite", consilia_listener_open(clinic->database, &channel, 1, &listener, &error),
               CONSILIA_INVALID_ARGUMENT, "database.unsupported");
        return;
    }
    OK("listen", consilia_listener_open(clinic->database, &channel, 1, &listener, &error));
    OK("notify", consilia_session_notify(clinic->session, channel, consilia_str_of("17"), &error));
    OK("wait", consilia_listener_wait(listener, 10000, &message, &error));
    CHECK(is(message.channel, "visits_changed") && is(message.payload, "17"));
    consilia_listener_interrupt(listener);
    OK("wait", consilia_listener_wait(listener, 10000, &message, &error));
    CHECK(message.channel.size == 0);
    consilia_listener_free(listener);
}

int main(int argc, char** argv) {
    clinic_t clinic;
    if (argc != 3) return 2;
    open_clinic(&clinic, argv[1]);
    statements_are_counted_and_told(&clinic);
    every_version_is_kept(&clinic);
    words_are_found(&clinic);
    a_live_database_is_read(&clinic);
    migrations_lead_there_and_back(&clinic, argv[2]);
    messages_reach_listeners_of_postgresql(&clinic);
    close_clinic(&clinic);
    return failures == 0 ? 0 : 1;
}
