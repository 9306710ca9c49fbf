/* Policies are linted, compared, proved and imported over the C ABI. */
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static const char* const kBefore =
    "{\"version\": 1, \"resources\": {\"note\": [\"read\"]}, \"roles\": [{\"name\": \"user\"}],"
    " \"rules\": [{\"effect\": \"allow\", \"role\": \"user\", \"permission\": \"note:read\","
    " \"condition\": \"kind = 'open'\"}], \"never\": [{\"name\": \"sealed\", \"role\": \"*\","
    " \"permission\": \"note:read\", \"condition\": \"kind = 'sealed'\"}]}";
static const char* const kAfter =
    "{\"version\": 1, \"resources\": {\"note\": [\"read\"]}, \"roles\": [{\"name\": \"user\"}],"
    " \"rules\": [{\"effect\": \"allow\", \"role\": \"user\", \"permission\": \"note:read\"}],"
    " \"never\": [{\"name\": \"sealed\", \"role\": \"*\", \"permission\": \"note:read\","
    " \"condition\": \"kind = 'sealed'\"}]}";

/* Whether the answer has this text; frees it. */
static int has(consilia_buffer_t* json, const char* wanted) {
    const int found = json->data != NULL && strstr(json->data, wanted) != NULL;
    if (!found) fprintf(stderr, "wanted %s in %s\n", wanted, json->data == NULL ? "nothing" : json->data);
    consilia_buffer_free(json);
    return found;
}

static void policies_are_analysed(void) {
    consilia_policy_analysis_options_t options;
    consilia_buffer_t json = {0};
    const consilia_str_t before = consilia_str_of(kBefore);
    const consilia_str_t after = consilia_str_of(kAfter);
    CONSILIA_INIT(&options);
    OK("lint", consilia_policy_lint(before, NULL, &json, &error));
    CHECK(json.size == 2);
    CHECK(has(&json, "[]"));
    options.fields_json = consilia_str_of("{\"note\": {\"owner\": \"int64\"}}");
    OK("lint with fields", consilia_policy_lint(before, &options, &json, &error));
    CHECK(has(&json, "\"code\":\"lint.unknown_field\""));
    options.fields_json = consilia_str_of("{\"note\": {\"owner\": \"number\"}}");
    EXPECT("fields", consilia_policy_lint(before, &options, &json, &error), CONSILIA_INVALID_ARGUMENT,
           "access.fields_json");
    EXPECT("no policy", consilia_policy_lint(consilia_str_of("[]"), NULL, &json, &error), CONSILIA_VALIDATION,
           "policy.syntax");
    CHECK(json.data == NULL);

    OK("diff", consilia_policy_diff(before, after, NULL, &json, &error));
    CHECK(has(&json, "\"kind\":\"gains\",\"is_certain\":true"));
    OK("never", consilia_policy_find_violations(before, NULL, &json, &error));
    CHECK(has(&json, "\"verdict\":\"proved\""));
    OK("never", consilia_policy_find_violations(after, NULL, &json, &error));
    CHECK(has(&json, "\"kind\":\"sealed\""));
    CONSILIA_INIT(&options);
    options.max_steps_total = 1;
    OK("few steps", consilia_policy_lint(after, &options, &json, &error));
    CHECK(has(&json, "lint.incomplete"));
}

static void policies_are_imported(void) {
    consilia_buffer_t json = {0};
    const consilia_str_t model = consilia_str_of(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act\n");
    OK("casbin", consilia_policy_import_casbin(
                     model, consilia_str_of("p, admin, data, read\ng, ann, admin\n"), &json, &error));
    CHECK(has(&json, "\"ann\":[\"admin\"]"));
    EXPECT("casbin", consilia_policy_import_casbin(model, consilia_str_of("p2, a, b, c\n"), &json, &error),
           CONSILIA_VALIDATION, "import.casbin");
    OK("cedar", consilia_policy_import_cedar(
                    consilia_str_of("permit (principal in Role::\"nurse\", action == Action::\"read\", "
                                    "resource is Note) when { resource.open };"),
                    &json, &error));
    CHECK(has(&json, "\"permission\":\"note:read\""));
    EXPECT("cedar", consilia_policy_import_cedar(consilia_str_of("permit (principal);"), &json, &error),
           CONSILIA_VALIDATION, "import.cedar");
    CHECK(json.data == NULL);
}

int main(void) {
    policies_are_analysed();
    policies_are_imported();
    return failures;
}
