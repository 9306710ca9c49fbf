#ifndef CONSILIA_TESTS_CAPI_CLINIC_H
#define CONSILIA_TESTS_CAPI_CLINIC_H
/* Patients and their visits, declared by calls: what the C tests of the data layer work on. */
#include "check.h"

typedef struct clinic {
    consilia_database_t* database;
    consilia_model_t* patients;
    consilia_model_t* visits;
    consilia_session_t* session; /* single statements */
} clinic_t;

static inline void add_column(consilia_model_t* model, const char* name, int32_t type, int is_nullable) {
    consilia_error_t* error = NULL;
    consilia_column_t column;
    CONSILIA_INIT(&column);
    column.name = consilia_str_of(name);
    column.type = type;
    column.is_nullable = is_nullable;
    column.is_primary_key = strcmp(name, "id") == 0;
    OK(name, consilia_model_add_column(model, &column, &error));
}

static inline void declare_clinic(clinic_t* clinic) {
    consilia_error_t* error = NULL;
    consilia_reference_t patient;
    consilia_str_t searched = consilia_str_of("reason");
    OK("patients", consilia_model_new(consilia_str_of("patients"), &clinic->patients, &error));
    add_column(clinic->patients, "id", CONSILIA_TYPE_INT64, 0);
    {
        consilia_column_t name;
        CONSILIA_INIT(&name);
        name.name = consilia_str_of("name");
        name.type = CONSILIA_TYPE_TEXT;
        name.is_unique = 1;
        name.length_max = 40;
        OK("name", consilia_model_add_column(clinic->patients, &name, &error));
    }
    OK("visits", consilia_model_new(consilia_str_of("visits"), &clinic->visits, &error));
    add_column(clinic->visits, "id", CONSILIA_TYPE_INT64, 0);
    CONSILIA_INIT(&patient);
    patient.relation = consilia_str_of("patient");
    patient.target = clinic->patients;
    OK("patient", consilia_model_add_reference(clinic->visits, &patient, &error));
    add_column(clinic->visits, "reason", CONSILIA_TYPE_TEXT, 0);
    add_column(clinic->visits, "fee", CONSILIA_TYPE_DOUBLE, 0);
    add_column(clinic->visits, "grade", CONSILIA_TYPE_INT64, 1);
    OK("mixins", consilia_model_add_mixins(
                     clinic->visits, CONSILIA_TIMESTAMPS | CONSILIA_SOFT_DELETE | CONSILIA_HISTORY, &error));
    OK("scope", consilia_model_add_scope(clinic->visits, consilia_str_of("dearer_than"),
                                         consilia_str_of("fee > :fee"), &error));
    OK("full text", consilia_model_set_full_text(clinic->visits, &searched, 1, &error));
}

static inline void open_clinic(clinic_t* clinic, const char* url) {
    consilia_error_t* error = NULL;
    const consilia_model_t* models[2];
    memset(clinic, 0, sizeof *clinic);
    OK("open", consilia_database_open(consilia_str_of(url), NULL, &clinic->database, &error));
    declare_clinic(clinic);
    models[0] = clinic->patients;
    models[1] = clinic->visits;
    OK("create", consilia_database_create_tables(clinic->database, models, 2, &error));
    OK("session", consilia_database_autocommit(clinic->database, &clinic->session, &error));
}

static inline int64_t add_patient(const clinic_t* clinic, const char* name) {
    consilia_error_t* error = NULL;
    consilia_repository_t* patients = NULL;
    consilia_assignment_t values[1];
    int64_t id = 0;
    values[0] = consilia_set("name", consilia_text(name));
    OK("patients", consilia_repository_new(clinic->patients, &patients, &error));
    OK("insert", consilia_repository_insert(patients, clinic->session, values, 1, &id, &error));
    consilia_repository_free(patients);
    return id;
}

static inline int64_t add_visit(const clinic_t* clinic, int64_t patient, const char* reason, double fee,
                                consilia_value_t grade) {
    consilia_error_t* error = NULL;
    consilia_repository_t* visits = NULL;
    consilia_assignment_t values[4];
    int64_t id = 0;
    values[0] = consilia_set("patient_id", consilia_int64(patient));
    values[1] = consilia_set("reason", consilia_text(reason));
    values[2] = consilia_set("fee", consilia_double(fee));
    values[3] = consilia_set("grade", grade);
    OK("visits", consilia_repository_new(clinic->visits, &visits, &error));
    OK("insert", consilia_repository_insert(visits, clinic->session, values, 4, &id, &error));
    consilia_repository_free(visits);
    return id;
}

/* A query over visits: the rows that a condition keeps, by id. */
static inline consilia_query_t* visits_where(const clinic_t* clinic, const char* condition) {
    consilia_error_t* error = NULL;
    consilia_query_t* all = NULL;
    consilia_query_t* kept = NULL;
    consilia_query_t* ordered = NULL;
    consilia_order_t by = consilia_order_of("id");
    OK("query", consilia_model_query(clinic->visits, &all, &error));
    OK(condition, consilia_query_where(all, consilia_str_of(condition), NULL, 0, &kept, &error));
    OK("order", consilia_query_order_by(kept, &by, 1, &ordered, &error));
    consilia_query_free(all);
    consilia_query_free(kept);
    return ordered;
}

static inline void close_clinic(clinic_t* clinic) {
    consilia_database_free(clinic->database); /* Before its sessions and models: any order will do. */
    consilia_session_free(clinic->session);
    consilia_model_free(clinic->patients);
    consilia_model_free(clinic->visits);
}

#endif
