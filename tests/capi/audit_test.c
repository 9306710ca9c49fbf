/* Goal: the audit log over the C ABI: entries with their transactions, reviews, proof, archives. */
#include <string.h>

#include "check.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static consilia_bytes_t key_bytes(void) {
    consilia_bytes_t bytes;
    bytes.data = key;
    bytes.size = sizeof key - 1;
    return bytes;
}

static consilia_audit_event_t read_of(int64_t record, const char* user) {
    consilia_audit_event_t event;
    CONSILIA_INIT(&event);
    event.user_id = consilia_text(user);
    event.roles = consilia_str_of("staff");
    event.action = consilia_str_of("read");
    event.resource = consilia_str_of("prediction");
    event.record_id = consilia_int64(record);
    event.rule = consilia_str_of("staff_reads");
    event.address = consilia_str_of("192.0.2.7");
    return event;
}

static void entries_go_with_their_transaction(consilia_database_t* database, consilia_audit_log_t* log) {
    consilia_error_t* error = NULL;
    consilia_session_t* session = NULL;
    consilia_audit_anchor_t anchor;
    consilia_audit_event_t first = read_of(1, "ada");
    consilia_audit_event_t second = read_of(2, "bo");
    const consilia_audit_event_t* events[2];
    events[0] = &first;
    events[1] = &second;
    second.outcome = CONSILIA_AUDIT_DENIED;
    second.details_json = consilia_str_of("{\"fields\":[\"status\"]}");
    OK("begin", consilia_database_begin(database, NULL, &session, &error));
    OK("append", consilia_audit_log_append(log, session, events, 2, &anchor, &error));
    CHECK(anchor.sequence == 2);
    consilia_session_free(session);
    OK("head", consilia_audit_log_head(log, &anchor, &error));
    CHECK(anchor.sequence == 0 && strlen(anchor.hash) == 64);
    OK("append", consilia_audit_log_append(log, NULL, events, 2, &anchor, &error));
    CHECK(anchor.sequence == 2 && strlen(anchor.hash) == 64);
    OK("none", consilia_audit_log_append(log, NULL, NULL, 0, NULL, &error));
    OK("read", consilia_database_read(database, &session, &error));
    EXPECT("no transaction", consilia_audit_log_append(log, session, events, 1, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "database.transaction");
    consilia_session_free(session);
    first.action = consilia_str_of("");
    EXPECT("no action", consilia_audit_log_append(log, NULL, events, 1, &anchor, &error),
           CONSILIA_INVALID_ARGUMENT, "audit.field");
    CHECK(anchor.sequence == 0);
    first.outcome = 2;
    EXPECT("outcome", consilia_audit_log_append(log, NULL, events, 1, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.enum");
    second.details_json = consilia_str_of("[]");
    EXPECT("details", consilia_audit_log_append(log, NULL, events + 1, 1, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "audit.details");
    EXPECT("no event", consilia_audit_log_append(log, NULL, NULL, 1, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
}

static int64_t count_of(consilia_database_t* database, consilia_audit_log_t* log,
                        const consilia_audit_filter_t* filter) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = NULL;
    consilia_session_t* session = NULL;
    int64_t count = 0;
    OK("query", consilia_audit_log_query(log, filter, &query, &error));
    OK("read", consilia_database_read(database, &session, &error));
    OK("count", consilia_query_count(query, session, &count, &error));
    consilia_session_free(session);
    consilia_query_free(query);
    return count;
}

static void reviews_find_what_they_ask_for(consilia_database_t* database, consilia_audit_log_t* log) {
    consilia_error_t* error = NULL;
    consilia_query_t* query = NULL;
    consilia_audit_filter_t filter;
    CHECK(count_of(database, log, NULL) == 2);
    CONSILIA_INIT(&filter);
    filter.resource = consilia_str_of("prediction");
    filter.record_id = consilia_int64(2);
    CHECK(count_of(database, log, &filter) == 1);
    filter.allowed_only = 1;
    CHECK(count_of(database, log, &filter) == 0);
    filter.denied_only = 1;
    EXPECT("neither", consilia_audit_log_query(log, &filter, &query, &error), CONSILIA_INVALID_ARGUMENT,
           "audit.field");
    CONSILIA_INIT(&filter);
    filter.user_id = consilia_text("ada");
    CHECK(count_of(database, log, &filter) == 1);
    filter.until_us = 1;
    CHECK(count_of(database, log, &filter) == 0);
    CONSILIA_INIT(&filter);
    filter.record_id = consilia_int64(2);
    EXPECT("no resource", consilia_audit_log_query(log, &filter, &query, &error), CONSILIA_INVALID_ARGUMENT,
           "audit.field");
}

static void what_is_changed_is_found(consilia_database_t* database, consilia_audit_log_t* log) {
    consilia_error_t* error = NULL;
    consilia_audit_anchor_t anchor;
    consilia_audit_report_t report;
    consilia_session_t* session = NULL;
    OK("head", consilia_audit_log_head(log, &anchor, &error));
    CONSILIA_INIT(&report);
    OK("verify", consilia_audit_log_verify(log, NULL, &anchor, &report, &error));
    CHECK(report.fault == CONSILIA_AUDIT_SOUND && report.entries == 2 && report.sequence == 0);
    CHECK(report.end.sequence == 2 && strcmp(report.end.hash, anchor.hash) == 0);
    OK("nothing newer", consilia_audit_log_verify(log, &anchor, NULL, &report, &error));
    CHECK(report.fault == CONSILIA_AUDIT_SOUND && report.entries == 0);
    anchor.sequence = 3;
    OK("cut", consilia_audit_log_verify(log, NULL, &anchor, &report, &error));
    CHECK(report.fault == CONSILIA_AUDIT_CUT_TAIL && report.sequence == 3);
    anchor.sequence = 1;
    OK("rewritten", consilia_audit_log_verify(log, NULL, &anchor, &report, &error));
    CHECK(report.fault == CONSILIA_AUDIT_REWRITTEN && report.sequence == 1);
    OK("session", consilia_database_autocommit(database, &session, &error));
    EXPECT("append-only",
           consilia_session_execute(session, consilia_str_of("DELETE FROM consilia_audit"), NULL, 0, NULL,
                                    &error),
           CONSILIA_VALIDATION, "database.check");
    consilia_session_free(session);
    memset(&report, 0, sizeof report);
    EXPECT("unprepared", consilia_audit_log_verify(log, NULL, NULL, &report, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
}

static void archives_prove_themselves(consilia_audit_log_t* log, const char* folder) {
    consilia_error_t* error = NULL;
    consilia_audit_rotate_options_t options;
    consilia_audit_report_t archive;
    consilia_audit_report_t table;
    char path[4096];
    char all[4096];
    int64_t count = 0;
    snprintf(path, sizeof path, "%s/1.jsonl", folder);
    snprintf(all, sizeof all, "%s/all.jsonl", folder);
    OK("export", consilia_audit_log_export(log, NULL, consilia_str_of(all), &count, &error));
    CHECK(count == 2);
    EXPECT("export again", consilia_audit_log_export(log, NULL, consilia_str_of(all), NULL, &error),
           CONSILIA_CONFLICT, "file.exists");
    CONSILIA_INIT(&options);
    options.file = consilia_str_of(path);
    EXPECT("all or nothing", consilia_audit_log_rotate(log, &options, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "audit.rotate");
    options.keep = 2;
    OK("none", consilia_audit_log_rotate(log, &options, &count, &error));
    CHECK(count == 0);
    options.keep = 1;
    options.user_id = consilia_text("admin");
    OK("rotate", consilia_audit_log_rotate(log, &options, &count, &error));
    CHECK(count == 1);
    CONSILIA_INIT(&archive);
    CONSILIA_INIT(&table);
    OK("archive",
       consilia_audit_file_verify(consilia_str_of(path), key_bytes(), NULL, NULL, &archive, &error));
    CHECK(archive.fault == CONSILIA_AUDIT_SOUND && archive.entries == 1 && archive.begin.sequence == 0);
    OK("table", consilia_audit_log_verify(log, &archive.end, NULL, &table, &error));
    CHECK(table.fault == CONSILIA_AUDIT_SOUND && table.entries == 2);
    EXPECT("archived", consilia_audit_log_verify(log, &archive.begin, NULL, &table, &error),
           CONSILIA_NOT_FOUND, "audit.anchor");
}

static void options_are_checked(consilia_database_t* database) {
    consilia_error_t* error = NULL;
    consilia_audit_log_t* log = NULL;
    consilia_audit_options_t options;
    consilia_audit_anchor_t anchor;
    CONSILIA_INIT(&options);
    options.key = key_bytes();
    options.key.size = 15;
    EXPECT("short key", consilia_audit_log_open(database, &options, &log, &error), CONSILIA_INVALID_ARGUMENT,
           "audit.options");
    CHECK(log == NULL);
    OK("no key", consilia_audit_log_open(database, NULL, &log, &error));
    EXPECT("not its key", consilia_audit_log_head(log, &anchor, &error), CONSILIA_INVALID_ARGUMENT,
           "audit.key");
    consilia_audit_log_free(log);
    consilia_audit_log_free(NULL);
    EXPECT("no log", consilia_audit_log_head(NULL, &anchor, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
}

int main(int argc, char** argv) {
    consilia_error_t* error = NULL;
    consilia_database_t* database = NULL;
    consilia_audit_log_t* log = NULL;
    consilia_audit_options_t options;
    if (argc != 3) return 2;
    OK("open", consilia_database_open(consilia_str_of(argv[1]), NULL, &database, &error));
    CONSILIA_INIT(&options);
    options.key = key_bytes();
    OK("log", consilia_audit_log_open(database, &options, &log, &error));
    OK("schema", consilia_audit_log_create_schema(log, &error));
    entries_go_with_their_transaction(database, log);
    reviews_find_what_they_ask_for(database, log);
    what_is_changed_is_found(database, log);
    archives_prove_themselves(log, argv[2]);
    options_are_checked(database);
    consilia_database_free(database); /* The log keeps what it needs. */
    CHECK(error == NULL);
    consilia_audit_log_free(log);
    return failures == 0 ? 0 : 1;
}
