/* Goal: the policy in force over the C ABI: replaced, refreshed from a file, from tables and from the
 * caller's function, watched. Watching is awaited through its callbacks, never by time. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

static const char kStaff[] =
    "{\"version\": 1, \"resources\": {\"report\": [\"read\"]}, \"roles\": [{\"name\": \"staff\"}],"
    " \"rules\": [{\"name\": \"staff reads\", \"effect\": \"allow\", \"role\": \"staff\","
    " \"permission\": \"report:read\"}]}";
static const char kNobody[] =
    "{\"version\": 1, \"resources\": {\"report\": [\"read\"]}, \"roles\": [{\"name\": \"staff\"}]}";
static const char kBroken[] =
    "{\"version\": 1, \"resources\": {\"report\": [\"read\"]}, \"roles\": [],"
    " \"rules\": [{\"effect\": \"allow\", \"role\": \"staff\", \"permission\": \"report:read\"}]}";

/* Whether a policy lets staff read. */
static int lets_staff_read(const consilia_policy_t* policy) {
    consilia_error_t* error = NULL;
    consilia_subject_options_t options;
    consilia_subject_t* subject = NULL;
    consilia_str_t role = consilia_str_of("staff");
    consilia_decision_t decision;
    uint32_t permission = 0;
    CONSILIA_INIT(&options);
    options.user_id = consilia_int64(7);
    options.roles = &role;
    options.role_count = 1;
    OK("subject", consilia_policy_subject(policy, &options, &subject, &error));
    OK("permission", consilia_policy_permission(policy, consilia_str_of("read"), consilia_str_of("report"),
                                                &permission, &error));
    OK("check", consilia_policy_check(policy, subject, permission, NULL, NULL, &decision, &error));
    consilia_subject_free(subject);
    return decision.allowed;
}
static int store_lets_staff_read(const consilia_policy_store_t* store) {
    consilia_error_t* error = NULL;
    consilia_policy_t* policy = NULL;
    int allowed;
    OK("current", consilia_policy_store_current(store, &policy, &error));
    allowed = lets_staff_read(policy);
    consilia_policy_free(policy);
    return allowed;
}
static uint64_t version_of(const consilia_policy_store_t* store) {
    consilia_error_t* error = NULL;
    uint64_t version = 0;
    OK("version", consilia_policy_store_version(store, &version, &error));
    return version;
}

static void a_policy_is_replaced_as_a_whole(void) {
    consilia_error_t* error = NULL;
    consilia_policy_store_t* store = NULL;
    consilia_policy_reader_t* reader = NULL;
    const consilia_policy_t* policy = NULL;
    const consilia_policy_t* again = NULL;
    uint64_t version = 0;
    OK("open", consilia_policy_store_open(consilia_str_of(kStaff), &store, &error));
    OK("reader", consilia_policy_store_reader(store, &reader, &error));
    OK("policy", consilia_policy_reader_policy(reader, &policy, &error));
    CHECK(lets_staff_read(policy));
    OK("replace", consilia_policy_store_replace(store, consilia_str_of(kNobody), &version, &error));
    CHECK(version == 2 && version_of(store) == 2);
    CHECK(!store_lets_staff_read(store));
    OK("policy", consilia_policy_reader_policy(reader, &policy, &error));
    CHECK(!lets_staff_read(policy));
    OK("policy", consilia_policy_reader_policy(reader, &again, &error));
    CHECK(again == policy);
    EXPECT("broken", consilia_policy_store_replace(store, consilia_str_of(kBroken), &version, &error),
           CONSILIA_VALIDATION, "policy.unknown_role");
    CHECK(version == 0 && version_of(store) == 2);
    EXPECT("no source", consilia_policy_store_refresh(store, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "policy.loader");
    consilia_policy_store_free(store);
    OK("after the store", consilia_policy_reader_policy(reader, &policy, &error));
    CHECK(!lets_staff_read(policy));
    consilia_policy_reader_free(reader);
    store = (consilia_policy_store_t*)1;
    EXPECT("open", consilia_policy_store_open(consilia_str_of("{"), &store, &error), CONSILIA_VALIDATION,
           "policy.syntax");
    CHECK(store == NULL);
}

static void write_policy(const char* folder, const char* json, char* path, size_t size) {
    char fresh[1100];
    FILE* file;
    snprintf(path, size, "%s/policy.json", folder);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    file = fopen(fresh, "w");
    CHECK(file != NULL && fputs(json, file) >= 0 && fclose(file) == 0);
    CHECK(rename(fresh, path) == 0);
}

static void a_file_is_followed(const char* folder) {
    consilia_error_t* error = NULL;
    consilia_policy_store_t* store = NULL;
    char path[1000];
    int32_t changed = 1;
    write_policy(folder, kNobody, path, sizeof path);
    OK("open", consilia_policy_store_open_file(consilia_str_of(path), &store, &error));
    OK("refresh", consilia_policy_store_refresh(store, &changed, &error));
    CHECK(changed == 0);
    write_policy(folder, kStaff, path, sizeof path);
    OK("refresh", consilia_policy_store_refresh(store, &changed, &error));
    CHECK(changed == 1 && store_lets_staff_read(store));
    write_policy(folder, kBroken, path, sizeof path);
    EXPECT("broken", consilia_policy_store_refresh(store, &changed, &error), CONSILIA_VALIDATION,
           "policy.unknown_role");
    CHECK(changed == 0 && store_lets_staff_read(store));
    consilia_policy_store_free(store);
    EXPECT("no file", consilia_policy_store_open_file(consilia_str_of("/no/such/policy"), &store, &error),
           CONSILIA_NOT_FOUND, "file.not_found");
}

/* What the loader gives next, and what the callbacks were told. */
typedef struct source {
    pthread_mutex_t mutex;
    pthread_cond_t told;
    const char* next;
    int is_gone;
    int changes;
    int errors;
    int is_allowed;
} source_t;

static consilia_status_t load(consilia_str_t* out_json, consilia_error_t** out_error, void* user_data) {
    source_t* source = user_data;
    consilia_status_t status = CONSILIA_OK;
    (void)out_error;
    pthread_mutex_lock(&source->mutex);
    if (source->is_gone) {
        status = CONSILIA_UNAVAILABLE;
    } else {
        *out_json = consilia_str_of(source->next);
        source->next = NULL;
    }
    pthread_mutex_unlock(&source->mutex);
    return status;
}
static void on_change(const consilia_policy_t* policy, void* user_data) {
    source_t* source = user_data;
    const int allowed = lets_staff_read(policy);
    pthread_mutex_lock(&source->mutex);
    ++source->changes;
    source->is_allowed = allowed;
    pthread_cond_signal(&source->told);
    pthread_mutex_unlock(&source->mutex);
}
static void on_error(const consilia_error_t* error, void* user_data) {
    source_t* source = user_data;
    pthread_mutex_lock(&source->mutex);
    if (is(consilia_error_code(error), "policy.loader")) ++source->errors;
    pthread_cond_signal(&source->told);
    pthread_mutex_unlock(&source->mutex);
}

static void a_function_is_watched(void) {
    consilia_error_t* error = NULL;
    consilia_policy_store_t* store = NULL;
    consilia_watch_options_t options;
    source_t source;
    memset(&source, 0, sizeof source);
    pthread_mutex_init(&source.mutex, NULL);
    pthread_cond_init(&source.told, NULL);
    EXPECT("nothing", consilia_policy_store_open_loader(load, &source, &store, &error),
           CONSILIA_INVALID_ARGUMENT, "policy.loader");
    source.next = kNobody;
    OK("open", consilia_policy_store_open_loader(load, &source, &store, &error));
    CONSILIA_INIT(&options);
    options.interval_ms = 1;
    options.on_change = on_change;
    options.on_error = on_error;
    options.user_data = &source;
    OK("watch", consilia_policy_store_watch(store, &options, &error));
    EXPECT("twice", consilia_policy_store_watch(store, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "policy.watch");
    pthread_mutex_lock(&source.mutex);
    source.next = kStaff;
    while (source.changes == 0) pthread_cond_wait(&source.told, &source.mutex);
    CHECK(source.is_allowed);
    source.is_gone = 1;
    while (source.errors == 0) pthread_cond_wait(&source.told, &source.mutex);
    pthread_mutex_unlock(&source.mutex);
    CHECK(store_lets_staff_read(store));
    OK("stop", consilia_policy_store_stop_watching(store, &error));
    OK("watch", consilia_policy_store_watch(store, NULL, &error));
    consilia_policy_store_free(store);
    pthread_cond_destroy(&source.told);
    pthread_mutex_destroy(&source.mutex);
}

static void tables_are_edited_as_rows(const char* url) {
    consilia_error_t* error = NULL;
    consilia_database_t* database = NULL;
    consilia_session_t* session = NULL;
    consilia_policy_store_t* store = NULL;
    consilia_buffer_t json;
    int32_t changed = 0;
    OK("open", consilia_database_open(consilia_str_of(url), NULL, &database, &error));
    OK("tables", consilia_policy_tables_create(database, &error));
    OK("begin", consilia_database_begin(database, NULL, &session, &error));
    EXPECT("broken", consilia_policy_tables_save(session, consilia_str_of(kBroken), &error),
           CONSILIA_VALIDATION, "policy.unknown_role");
    OK("save", consilia_policy_tables_save(session, consilia_str_of(kNobody), &error));
    OK("commit", consilia_session_commit(session, &error));
    consilia_session_free(session);
    OK("store", consilia_policy_store_open_tables(database, &store, &error));
    CHECK(!store_lets_staff_read(store));
    OK("single", consilia_database_autocommit(database, &session, &error));
    EXPECT("single", consilia_policy_tables_save(session, consilia_str_of(kStaff), &error),
           CONSILIA_INVALID_ARGUMENT, "database.transaction");
    OK("insert",
       consilia_session_execute(session,
                                consilia_str_of("INSERT INTO consilia_policy_rules (effect, role, permission)"
                                                " VALUES ('allow', 'staff', 'report:read')"),
                                NULL, 0, NULL, &error));
    OK("refresh", consilia_policy_store_refresh(store, &changed, &error));
    CHECK(changed == 1 && store_lets_staff_read(store));
    OK("load", consilia_policy_tables_load(session, &json, &error));
    CHECK(strstr(json.data, "\"report:read\"") != NULL);
    consilia_buffer_free(&json);
    OK("update", consilia_session_execute(
                     session, consilia_str_of("UPDATE consilia_policy_rules SET condition = 'owner_id ='"),
                     NULL, 0, NULL, &error));
    EXPECT("unreadable", consilia_policy_store_refresh(store, NULL, &error), CONSILIA_VALIDATION,
           "policy.syntax");
    CHECK(store_lets_staff_read(store));
    consilia_session_free(session);
    consilia_database_free(database); /* The store keeps it open. */
    EXPECT("unreadable", consilia_policy_store_refresh(store, NULL, &error), CONSILIA_VALIDATION,
           "policy.syntax");
    consilia_policy_store_free(store);
}

static void what_is_missing_is_named(void) {
    consilia_error_t* error = NULL;
    EXPECT("store", consilia_policy_store_watch(NULL, NULL, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("out", consilia_policy_store_open(consilia_str_of(kStaff), NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    consilia_policy_store_free(NULL);
    consilia_policy_reader_free(NULL);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    a_policy_is_replaced_as_a_whole();
    a_file_is_followed(argv[2]);
    a_function_is_watched();
    tables_are_edited_as_rows(argv[1]);
    what_is_missing_is_named();
    return failures;
}
