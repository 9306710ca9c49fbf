/* Opinion models over the C ABI: fitted to a panel that is made here, judged, written, asked when to stop.
 * `capi_opinion_model FOLDER`, where one is written. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

enum { CASES = 400, MEMBERS = 3, CLASSES = 4 };

static consilia_error_t* error = NULL;

static int near(double a, double b) {
    return a - b < 1e-12 && b - a < 1e-12;
}

static double random_share(void) {
    static uint32_t state = 7;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) / 16777216.0;
}

/* Members of which the second is the surest of the truth, and labels. */
static void fill_panel(double* probabilities, uint32_t* labels) {
    static const double sure[MEMBERS] = {0.5, 4.0, 1.0};
    size_t at, m, c;
    for (at = 0; at < CASES; ++at) {
        labels[at] = (uint32_t)(random_share() * CLASSES);
        for (m = 0; m < MEMBERS; ++m) {
            double* row = probabilities + (at * MEMBERS + m) * CLASSES;
            double sum = 0;
            for (c = 0; c < CLASSES; ++c) {
                row[c] = random_share() + 0.01 + (c == labels[at] ? sure[m] * random_share() : 0);
                sum += row[c];
            }
            for (c = 0; c < CLASSES; ++c) row[c] /= sum;
        }
    }
}

static const consilia_str_t* member_ids(void) {
    static consilia_str_t ids[MEMBERS];
    ids[0] = consilia_str_of("a");
    ids[1] = consilia_str_of("b");
    ids[2] = consilia_str_of("c");
    return ids;
}

static const consilia_str_t* classes(void) {
    static consilia_str_t names[CLASSES];
    names[0] = consilia_str_of("COVID");
    names[1] = consilia_str_of("Normal");
    names[2] = consilia_str_of("Viral Pneumonia");
    names[3] = consilia_str_of("Lung Opacity");
    return names;
}

static consilia_opinion_model_t* new_model(const consilia_opinion_model_options_t* options) {
    consilia_opinion_model_t* model = NULL;
    OK("new", consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, options, &model, &error));
    return model;
}

static void models_name_what_is_wrong(void) {
    consilia_opinion_model_options_t options;
    consilia_opinion_model_t* model = NULL;
    struct {
        consilia_opinion_model_options_t known;
        size_t unknown;
    } later;
    const double no_weights[] = {1, 0, 1};
    EXPECT("no members", consilia_opinion_model_new(NULL, 0, classes(), CLASSES, NULL, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.member_ids");
    EXPECT("null", consilia_opinion_model_new(member_ids(), MEMBERS, NULL, 2, NULL, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    CONSILIA_INIT(&options);
    options.rule = consilia_str_of("dice");
    EXPECT("rule",
           consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &options, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.unknown");
    options.rule = consilia_str_of("stacking");
    EXPECT("unfitted",
           consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &options, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.stacking");
    CONSILIA_INIT(&options);
    options.fallback = consilia_str_of("stacking");
    EXPECT("fallback",
           consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &options, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.fallback");
    CONSILIA_INIT(&options);
    options.weights = no_weights;
    EXPECT("weights",
           consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &options, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.weights");
    CONSILIA_INIT(&options);
    options.confidence_threshold = 1.5;
    EXPECT("threshold",
           consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &options, &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.confidence_threshold");
    memset(&later, 0, sizeof later);
    later.known.struct_size = sizeof later;
    later.unknown = 1;
    EXPECT(
        "later",
        consilia_opinion_model_new(member_ids(), MEMBERS, classes(), CLASSES, &later.known, &model, &error),
        CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    CHECK(model == NULL);
    EXPECT("json", consilia_opinion_model_from_json(consilia_str_of("{"), &model, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.json");
    EXPECT("no model", consilia_opinion_model_hash(NULL, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    CHECK(consilia_opinion_model_member_count(NULL) == 0 && consilia_opinion_model_class_count(NULL) == 0);
    consilia_opinion_model_free(NULL);
}

static void fits_refuse(consilia_opinion_model_t* model, const consilia_opinions_t* opinions, uint32_t steps,
                        const char* code) {
    consilia_fit_options_t options;
    CONSILIA_INIT(&options);
    options.steps = steps;
    EXPECT(code, consilia_opinion_model_fit(model, opinions, &options, &error), CONSILIA_INVALID_ARGUMENT,
           code);
}

static void fits_name_what_is_wrong(consilia_opinion_model_t* model, const consilia_opinions_t* panel) {
    static const uint32_t wrong_labels[CASES] = {9};
    const double costs[MEMBERS] = {1, 0, 1};
    consilia_opinions_t opinions = *panel;
    consilia_fit_options_t options;
    consilia_opinion_model_options_t majority;
    consilia_opinion_model_t* other;
    fits_refuse(model, &opinions, 0, "fit.steps");
    fits_refuse(model, &opinions, 64, "fit.steps");
    fits_refuse(model, NULL, CONSILIA_FIT_WEIGHTS, "c_api.null");
    fits_refuse(NULL, &opinions, CONSILIA_FIT_WEIGHTS, "c_api.null");
    opinions.labels = NULL;
    fits_refuse(model, &opinions, CONSILIA_FIT_TEMPERATURE, "c_api.null");
    opinions.labels = wrong_labels;
    fits_refuse(model, &opinions, CONSILIA_FIT_TEMPERATURE, "opinions.labels");
    opinions = *panel;
    opinions.members = 2;
    fits_refuse(model, &opinions, CONSILIA_FIT_WEIGHTS, "opinions.members");
    fits_refuse(model, &opinions, CONSILIA_FIT_STACKING, "opinions.members");
    opinions.cases = 0;
    fits_refuse(model, &opinions, CONSILIA_FIT_ORDER, "opinions.labels");
    CONSILIA_INIT(&options);
    options.steps = CONSILIA_FIT_STACKING;
    options.l2 = -1;
    EXPECT("l2", consilia_opinion_model_fit(model, panel, &options, &error), CONSILIA_INVALID_ARGUMENT,
           "fit.l2");
    options.steps = CONSILIA_FIT_ORDER;
    options.cost_ms = costs;
    EXPECT("cost_ms", consilia_opinion_model_fit(model, panel, &options, &error), CONSILIA_INVALID_ARGUMENT,
           "fit.cost_ms");
    options.steps = CONSILIA_FIT_CONFORMAL;
    options.alpha = 1;
    EXPECT("alpha", consilia_opinion_model_fit(model, panel, &options, &error), CONSILIA_INVALID_ARGUMENT,
           "opinion_model.conformal");
    options.steps = CONSILIA_FIT_STOP_BOUNDS;
    options.stop_confidence = 1;
    EXPECT("confidence", consilia_opinion_model_fit(model, panel, &options, &error),
           CONSILIA_INVALID_ARGUMENT, "fit.confidence");
    CONSILIA_INIT(&majority);
    majority.rule = consilia_str_of("majority");
    other = new_model(&majority);
    fits_refuse(other, panel, CONSILIA_FIT_WEIGHTS, "fit.rule");
    consilia_opinion_model_free(other);
}

static void a_model_survives_its_file(const consilia_opinion_model_t* model, const char* folder) {
    consilia_opinion_model_t* read = NULL;
    consilia_buffer_t json = {0};
    consilia_buffer_t hash = {0};
    consilia_buffer_t again = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/panel.json", folder);
    remove(path);
    OK("hash", consilia_opinion_model_hash(model, &hash, &error));
    CHECK(hash.size == 64);
    OK("json", consilia_opinion_model_json(model, &json, &error));
    OK("from_json", consilia_opinion_model_from_json((consilia_str_t){json.data, json.size}, &read, &error));
    OK("hash", consilia_opinion_model_hash(read, &again, &error));
    CHECK(strcmp(hash.data, again.data) == 0);
    consilia_buffer_free(&again);
    consilia_opinion_model_free(read);
    OK("save", consilia_opinion_model_save(model, consilia_str_of(path), &error));
    EXPECT("save twice", consilia_opinion_model_save(model, consilia_str_of(path), &error), CONSILIA_CONFLICT,
           "file.exists");
    OK("load", consilia_opinion_model_load(consilia_str_of(path), &read, &error));
    OK("hash", consilia_opinion_model_hash(read, &again, &error));
    CHECK(strcmp(hash.data, again.data) == 0);
    CHECK(consilia_opinion_model_member_count(read) == MEMBERS);
    CHECK(consilia_opinion_model_class_count(read) == CLASSES);
    consilia_opinion_model_free(read);
    remove(path);
    EXPECT("load none", consilia_opinion_model_load(consilia_str_of(path), &read, &error), CONSILIA_NOT_FOUND,
           "file.not_found");
    CHECK(read == NULL);
    consilia_buffer_free(&json);
    consilia_buffer_free(&hash);
    consilia_buffer_free(&again);
}

static void scores_are_told(const consilia_opinion_model_t* model, const consilia_opinions_t* test) {
    consilia_opinion_scores_t scores;
    consilia_opinions_t opinions = *test;
    CONSILIA_INIT(&scores);
    OK("evaluate", consilia_opinion_model_evaluate(model, test, 0.05, &scores, &error));
    CHECK(scores.struct_size == sizeof scores && scores.cases == CASES);
    CHECK(scores.accuracy.low < scores.accuracy.value && scores.accuracy.value < scores.accuracy.high);
    CHECK(scores.accuracy.value > 0.7 && scores.coverage.value > 0.8 && scores.mean_set_size >= 1);
    CHECK(scores.mean_members_run_bounded <= scores.mean_members_run && scores.mean_members_run <= MEMBERS);
    CHECK(scores.nll > 0 && scores.brier > 0 && scores.review_share > 0);
    /* A program that knows less gets less, and nothing behind it is touched. */
    scores.struct_size = offsetof(consilia_opinion_scores_t, nll);
    scores.nll = -1;
    OK("evaluate less", consilia_opinion_model_evaluate(model, test, 0.05, &scores, &error));
    CHECK(scores.cases == CASES && scores.accuracy.value > 0.7 && scores.nll == -1);
    scores.struct_size = 0;
    EXPECT("size", consilia_opinion_model_evaluate(model, test, 0, &scores, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    CONSILIA_INIT(&scores);
    opinions.cases = 10;
    opinions.classes = CLASSES + 1;
    EXPECT("classes", consilia_opinion_model_evaluate(model, &opinions, 0, &scores, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.classes");
    CHECK(scores.cases == 0);
    EXPECT("out", consilia_opinion_model_evaluate(model, test, 0, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
}

static void sets_are_told(const consilia_opinion_model_t* model, const double* pool) {
    consilia_opinion_model_t* unfitted = new_model(NULL);
    size_t set[CLASSES];
    size_t count = 0;
    size_t i;
    OK("set", consilia_opinion_model_conformal_set(model, pool, CLASSES, set, &count, &error));
    CHECK(count >= 1 && count <= CLASSES);
    for (i = 1; i < count; ++i) CHECK(pool[set[i]] <= pool[set[i - 1]]);
    EXPECT("few", consilia_opinion_model_conformal_set(model, pool, 2, set, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.classes");
    EXPECT("unfitted", consilia_opinion_model_conformal_set(unfitted, pool, CLASSES, set, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "opinion_model.conformal");
    EXPECT("null", consilia_opinion_model_conformal_set(model, NULL, CLASSES, set, &count, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    CHECK(count == 0);
    consilia_opinion_model_free(unfitted);
}

/* The stop keeps its model: fitting or freeing the handle does not reach it. */
static void stops_early_with_the_same_class(const consilia_opinions_t* test,
                                            const consilia_consensus_t* expected) {
    consilia_opinion_model_t* model = new_model(NULL);
    uint32_t order[MEMBERS];
    size_t at, i, asked = 0;
    OK("order", consilia_opinion_model_order(model, order, &error));
    CHECK(order[0] == 0 && order[1] == 1 && order[2] == 2);
    for (at = 0; at < CASES; ++at) {
        consilia_early_stop_t* stop = NULL;
        consilia_consensus_t found;
        int32_t is_decided = 0;
        OK("stop", consilia_early_stop_new(model, &stop, &error));
        for (i = 0; i < MEMBERS && !is_decided; ++i, ++asked) {
            const double* row = test->probabilities + (at * MEMBERS + order[i]) * CLASSES;
            OK("add", consilia_early_stop_add(stop, order[i], row, CLASSES, &error));
            OK("decided", consilia_early_stop_is_decided(stop, 0, &is_decided, &error));
        }
        OK("consensus", consilia_early_stop_consensus(stop, &found, NULL, &error));
        CHECK(found.class_index == expected[at].class_index);
        consilia_early_stop_free(stop);
    }
    CHECK(asked < CASES * MEMBERS);
    consilia_opinion_model_free(model);
}

static void a_stop_names_what_is_wrong(consilia_opinion_model_t* model, const consilia_opinions_t* test) {
    consilia_early_stop_t* stop = NULL;
    consilia_consensus_t consensus;
    double pool[CLASSES] = {1, 1, 1, 1};
    int32_t is_decided = 1;
    OK("stop", consilia_early_stop_new(model, &stop, &error));
    consilia_opinion_model_free(model); /* the stop has its own */
    EXPECT("none", consilia_early_stop_consensus(stop, &consensus, pool, &error), CONSILIA_INVALID_ARGUMENT,
           "consensus.votes");
    CHECK(pool[0] == 0);
    OK("undecided", consilia_early_stop_is_decided(stop, 0.05, &is_decided, &error));
    CHECK(is_decided == 0);
    EXPECT("unknown", consilia_early_stop_add(stop, MEMBERS, test->probabilities, CLASSES, &error),
           CONSILIA_INVALID_ARGUMENT, "early_stop.member");
    EXPECT("classes", consilia_early_stop_add(stop, 0, test->probabilities, 2, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.votes");
    EXPECT("null", consilia_early_stop_add(stop, 0, NULL, CLASSES, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    OK("add", consilia_early_stop_add(stop, 0, test->probabilities, CLASSES, &error));
    EXPECT("twice", consilia_early_stop_drop(stop, 0, &error), CONSILIA_INVALID_ARGUMENT,
           "early_stop.member");
    OK("drop", consilia_early_stop_drop(stop, 1, &error));
    OK("drop", consilia_early_stop_drop(stop, 2, &error));
    OK("decided", consilia_early_stop_is_decided(stop, 0, &is_decided, &error));
    CHECK(is_decided == 1);
    OK("consensus", consilia_early_stop_consensus(stop, &consensus, pool, &error));
    CHECK(near(pool[0] + pool[1] + pool[2] + pool[3], 1) && consensus.agreement == 1);
    EXPECT("no stop", consilia_early_stop_drop(NULL, 0, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    consilia_early_stop_free(stop);
    EXPECT("no model", consilia_early_stop_new(NULL, &stop, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    CHECK(stop == NULL);
    consilia_early_stop_free(NULL);
}

static void fitted_models(const char* folder) {
    static double probabilities[CASES * MEMBERS * CLASSES];
    static double test_probabilities[CASES * MEMBERS * CLASSES];
    static double pool[CASES * CLASSES];
    static consilia_consensus_t consensus[CASES];
    static uint32_t labels[CASES];
    static uint32_t test_labels[CASES];
    const consilia_opinions_t panel = {probabilities, labels, CASES, MEMBERS, CLASSES};
    const consilia_opinions_t test = {test_probabilities, test_labels, CASES, MEMBERS, CLASSES};
    consilia_opinions_t other = test;
    const double costs[MEMBERS] = {40, 60, 50};
    consilia_opinion_model_options_t options;
    consilia_fit_options_t fit;
    consilia_opinion_model_t* model;
    consilia_buffer_t before = {0};
    consilia_buffer_t after = {0};
    uint32_t order[MEMBERS];
    size_t at;
    fill_panel(probabilities, labels);
    fill_panel(test_probabilities, test_labels);

    model = new_model(NULL);
    OK("agree", consilia_opinion_model_agree(model, &test, consensus, NULL, &error));
    stops_early_with_the_same_class(&test, consensus);
    consilia_opinion_model_free(model);

    CONSILIA_INIT(&options);
    options.rule = consilia_str_of("log_opinion_pool");
    options.confidence_threshold = 0.6;
    model = new_model(&options);
    OK("hash", consilia_opinion_model_hash(model, &before, &error));
    fits_name_what_is_wrong(model, &panel);
    OK("hash", consilia_opinion_model_hash(model, &after, &error));
    CHECK(strcmp(before.data, after.data) == 0); /* what failed changed nothing */
    consilia_buffer_free(&after);

    CONSILIA_INIT(&fit);
    fit.steps = CONSILIA_FIT_WEIGHTS | CONSILIA_FIT_ORDER | CONSILIA_FIT_TEMPERATURE |
                CONSILIA_FIT_CONFORMAL | CONSILIA_FIT_STOP_BOUNDS;
    fit.cost_ms = costs;
    OK("fit", consilia_opinion_model_fit(model, &panel, &fit, &error));
    OK("hash", consilia_opinion_model_hash(model, &after, &error));
    CHECK(strcmp(before.data, after.data) != 0);
    OK("order", consilia_opinion_model_order(model, order, &error));
    CHECK(order[0] == 1); /* the surest comes first */
    OK("agree", consilia_opinion_model_agree(model, &test, consensus, pool, &error));
    for (at = 0; at < CASES; ++at) {
        CHECK(consensus[at].confidence == pool[at * CLASSES + consensus[at].class_index]);
        CHECK(consensus[at].needs_review == (consensus[at].confidence < 0.6));
    }
    other.members = 2;
    EXPECT("members", consilia_opinion_model_agree(model, &other, consensus, pool, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.members");
    CHECK(consensus[0].confidence == 0 && pool[0] == 0);
    OK("agree", consilia_opinion_model_agree(model, &test, consensus, pool, &error));
    a_model_survives_its_file(model, folder);
    scores_are_told(model, &test);
    sets_are_told(model, pool);

    CONSILIA_INIT(&fit);
    fit.steps = CONSILIA_FIT_STACKING;
    OK("stack", consilia_opinion_model_fit(model, &panel, &fit, &error));
    consilia_buffer_free(&before);
    OK("json", consilia_opinion_model_json(model, &before, &error));
    CHECK(strstr(before.data, "\"rule\":\"stacking\"") != NULL);
    a_stop_names_what_is_wrong(model, &test);
    consilia_buffer_free(&before);
    consilia_buffer_free(&after);
}

int main(int count, char** arguments) {
    CHECK(count == 2);
    models_name_what_is_wrong();
    fitted_models(arguments[1]);
    return failures;
}
