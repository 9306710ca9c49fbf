/* Checks a form and takes in the file that came with it, over the C ABI.
 *
 *     intake FOLDER IMAGE
 *
 * IMAGE: a JPEG or PNG below 64 KiB; it is stored in FOLDER and removed again. */
#include <consilia.h>
#include <stdio.h>

static const char* const schema =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"name\", \"age\"], "
    "\"properties\":"
    " {\"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 100},"
    " \"age\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 150}}}";

static int failed(const char* step, consilia_error_t* error) {
    consilia_str_t code = consilia_error_code(error);
    consilia_str_t message = consilia_error_message(error);
    fprintf(stderr, "%s: %.*s (%.*s)\n", step, (int)message.size, message.data, (int)code.size, code.data);
    consilia_error_free(error);
    return 1;
}

#define TRY(step, call) \
    if ((call) != CONSILIA_OK) return failed((step), error)

/* Prints the clean values, or what is wrong with each field. */
static int check(const consilia_form_t* form, const char* json) {
    consilia_error_t* error = NULL;
    consilia_form_report_t* report = NULL;
    consilia_field_error_t wrong;
    consilia_buffer_t values = {0};
    size_t i;
    TRY("check", consilia_form_check_json(form, consilia_str_of(json), NULL, &report, &error));
    CONSILIA_INIT(&wrong);
    for (i = 0; i < consilia_form_report_error_count(report); ++i) {
        TRY("error", consilia_form_report_error(report, i, &wrong, &error));
        printf("%.*s: %.*s\n", (int)wrong.path.size, wrong.path.data, (int)wrong.message.size,
               wrong.message.data);
    }
    if (consilia_form_report_is_valid(report)) {
        TRY("values", consilia_form_report_values_json(report, &values, &error));
        printf("%s\n", values.data);
        consilia_buffer_free(&values);
    }
    consilia_form_report_free(report);
    return 0;
}

/* Receives a whole image, and then the first half of it. */
static int receive(const char* folder, const char* image) {
    consilia_error_t* error = NULL;
    consilia_upload_source_t source;
    consilia_receive_options_t options;
    consilia_received_file_t* file = NULL;
    consilia_file_facts_t facts;
    consilia_buffer_t path = {0};
    static char bytes[64 << 10];
    FILE* opened = fopen(image, "rb");

    if (opened == NULL) return 1;
    CONSILIA_INIT(&source);
    source.data = bytes;
    source.size = fread(bytes, 1, sizeof bytes, opened);
    fclose(opened);
    CONSILIA_INIT(&options);
    options.directory = consilia_str_of(folder);
    options.prefix = consilia_str_of("user_7");
    TRY("receive", consilia_upload_receive(&source, &options, &file, &error));
    CONSILIA_INIT(&facts);
    TRY("facts", consilia_received_file_facts(file, &facts, &error));
    printf("%.*s, %d x %d\n", (int)facts.stored_name.size, facts.stored_name.data, (int)facts.width,
           (int)facts.height);
    TRY("commit",
        consilia_received_file_commit(file, &path, &error)); /* inside a transaction that records it */
    consilia_received_file_free(file);
    TRY("discard",
        consilia_upload_discard(consilia_str_of(path.data), &error)); /* an example leaves nothing */
    consilia_buffer_free(&path);

    source.size /= 2;
    if (consilia_upload_receive(&source, &options, &file, &error) == CONSILIA_OK) return 1;
    printf("%.*s\n", (int)consilia_error_code(error).size, consilia_error_code(error).data);
    consilia_error_free(error);
    return 0;
}

int main(int argc, char** argv) {
    consilia_error_t* error = NULL;
    consilia_form_t* form = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER IMAGE\n", argv[0]);
        return 2;
    }
    TRY("form", consilia_form_from_schema(consilia_str_of(schema), NULL, 0, &form, &error));
    if (check(form, "{\"name\": \"\", \"age\": 151}") != 0) return 1;
    if (check(form, "{\"name\": \" Ann \", \"age\": \"42\"}") != 0) return 1;
    consilia_form_free(form);
    return receive(argv[1], argv[2]);
}
