#ifndef CONSILIA_C_FORMS_H
#define CONSILIA_C_FORMS_H
/* Forms: rules declared once, as JSON Schema or by a model, and checked on JSON with every error at once
 * (docs/forms.md). */
#include "consilia/c/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rules for the fields of an object. consilia_form_free(). Threading: safe. */
typedef struct consilia_form consilia_form_t;
/* The answer of a form; it keeps the form alive. consilia_form_report_free(). Threading: compatible. */
typedef struct consilia_form_report consilia_form_report_t;

/* The form that a JSON Schema describes (draft 2020-12; what it cannot say stands under `x-consilia`).
 * `models` are where `unique` and `exists` find a table by its name; NULL: none. Returns _OK, _VALIDATION
 * (`form.schema`, with the place as `at` in the details) or _INVALID_ARGUMENT (`form.field`, `form.rule`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_from_schema(consilia_str_t schema_json,
                                                           const consilia_model_t* const* models,
                                                           size_t model_count, consilia_form_t** out_form,
                                                           consilia_error_t** out_error);
/* The form of the columns of a model: all but those that nobody fills in, or `columns` in their order (NULL:
 * all). Returns _OK or _INVALID_ARGUMENT (`form.column`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_of_model(const consilia_model_t* model,
                                                        const consilia_str_t* columns, size_t column_count,
                                                        consilia_form_t** out_form,
                                                        consilia_error_t** out_error);
CONSILIA_C_API void consilia_form_free(consilia_form_t* form); /* NULL is allowed */

/* The form as JSON Schema. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_to_schema(const consilia_form_t* form,
                                                         consilia_buffer_t* out_json,
                                                         consilia_error_t** out_error);
/* What a browser can check of a field by itself: an object of attributes and their values, not escaped.
 * Returns _OK or _NOT_FOUND (`form.no_field`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_html_attributes(const consilia_form_t* form,
                                                               consilia_str_t field,
                                                               consilia_buffer_t* out_json,
                                                               consilia_error_t** out_error);

/* The numbers are stable. */
enum {
    CONSILIA_FORM_MODE_OF_FORM = 0,
    CONSILIA_FORM_MODE_COERCE = 1, /* what means the same is taken: "12" for 12; texts are trimmed */
    CONSILIA_FORM_MODE_STRICT = 2  /* only values of the type */
};

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_form_check {
    size_t struct_size;
    consilia_session_t* session; /* where `unique` and `exists` look; NULL: none */
    int32_t mode;                /* CONSILIA_FORM_MODE_... */
    int32_t is_partial;          /* fields that are not given are not missed and get no default */
    int32_t skips_database;      /* leaves `unique` and `exists` to the constraints of the database */
    int32_t has_except_key;
    int64_t except_key;           /* of the row that is changed, which may keep its values */
    uint64_t errors_max;          /* 0: 100 */
    consilia_str_t messages_json; /* texts by code: {"required": "..."}; empty: English */
} consilia_form_check_t;

/* Checks an object of JSON; an invalid one is an answer, and _OK. `options` may be NULL; nothing of it is
 * used after the call. Returns _OK, _INVALID_ARGUMENT (`form.session`: the form looks into the database) or
 * _VALIDATION (`messages.document`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_check_json(const consilia_form_t* form, consilia_str_t json,
                                                          const consilia_form_check_t* options,
                                                          consilia_form_report_t** out_report,
                                                          consilia_error_t** out_error);
CONSILIA_C_API void consilia_form_report_free(consilia_form_report_t* report); /* NULL is allowed */

/* 1 or 0; of NULL: 0. */
CONSILIA_C_API int32_t consilia_form_report_is_valid(const consilia_form_report_t* report);
/* Of NULL: 0. */
CONSILIA_C_API size_t consilia_form_report_error_count(const consilia_form_report_t* report);
/* One broken rule; its texts live as long as the report. */
typedef struct consilia_field_error {
    size_t struct_size;
    consilia_str_t path; /* `addresses.0.city`; empty: the form itself */
    consilia_str_t code;
    consilia_str_t message;
} consilia_field_error_t;
/* Prepare `out_field_error` with CONSILIA_INIT. Returns _OK or _INVALID_ARGUMENT (`form.no_error`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_report_error(const consilia_form_report_t* report,
                                                            size_t index,
                                                            consilia_field_error_t* out_field_error,
                                                            consilia_error_t** out_error);
/* Every error with its parameters: [{"path", "code", "message", "params"}]. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_report_errors_json(const consilia_form_report_t* report,
                                                                  consilia_buffer_t* out_json,
                                                                  consilia_error_t** out_error);
/* The clean values as one object. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_form_report_values_json(const consilia_form_report_t* report,
                                                                  consilia_buffer_t* out_json,
                                                                  consilia_error_t** out_error);

/* The one spelling of an email address: its domain in lower case and in Unicode. Returns _OK or _VALIDATION
 * (`form.email`, with `reason` in the details). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_email_normalize(consilia_str_t text, consilia_buffer_t* out_email,
                                                          consilia_error_t** out_error);
/* Whether the text matches `^\+?1?\d{9,15}$`: 1 or 0. @since 0.2 */
CONSILIA_C_API int32_t consilia_is_phone(consilia_str_t text);
/* Whether the text can be the name of a person, in any script: 1 or 0. @since 0.2 */
CONSILIA_C_API int32_t consilia_is_person_name(consilia_str_t text);

#ifdef __cplusplus
}
#endif
#endif
