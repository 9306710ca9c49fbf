/* Fits an opinion model to the answers of a panel, judges it, and asks it about one case. The panel is made
 * up here: three members, of which the second is the surest. */
#include <consilia.h>
#include <stdio.h>

enum { CASES = 1000, MEMBERS = 3, CLASSES = 4 };

static int failed(const char* step, consilia_error_t* error) {
    consilia_str_t code = consilia_error_code(error);
    consilia_str_t message = consilia_error_message(error);
    fprintf(stderr, "%s: %.*s (%.*s)\n", step, (int)message.size, message.data, (int)code.size, code.data);
    consilia_error_free(error);
    return 1;
}

#define TRY(step, call) \
    if ((call) != CONSILIA_OK) return failed((step), error)

static double random_share(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) / 16777216.0;
}

/* Opinions [cases, members, classes] and the truth. */
static void observe(double* probabilities, uint32_t* labels) {
    static const double sureness[MEMBERS] = {2, 4, 3};
    size_t at, member, i;
    for (at = 0; at < CASES; ++at) {
        labels[at] = (uint32_t)(random_share() * CLASSES);
        for (member = 0; member < MEMBERS; ++member, probabilities += CLASSES) {
            double sum = 0;
            for (i = 0; i < CLASSES; ++i) {
                probabilities[i] = random_share() + 0.01;
                if (i == labels[at]) probabilities[i] += sureness[member] * random_share();
                sum += probabilities[i];
            }
            for (i = 0; i < CLASSES; ++i) probabilities[i] /= sum;
        }
    }
}

int main(void) {
    static double seen[CASES * MEMBERS * CLASSES];
    static double unseen[CASES * MEMBERS * CLASSES];
    static uint32_t seen_labels[CASES];
    static uint32_t unseen_labels[CASES];
    const char* const names[CLASSES] = {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"};
    const consilia_str_t members[MEMBERS] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const double cost_ms[MEMBERS] = {40, 60, 50};
    const consilia_opinions_t calibration = {seen, seen_labels, CASES, MEMBERS, CLASSES};
    const consilia_opinions_t test = {unseen, unseen_labels, CASES, MEMBERS, CLASSES};
    consilia_opinions_t one = {unseen, NULL, 1, MEMBERS, CLASSES};
    consilia_str_t classes[CLASSES];
    consilia_opinion_model_options_t options;
    consilia_fit_options_t fit;
    consilia_opinion_scores_t scores;
    consilia_consensus_t consensus;
    double pool[CLASSES];
    size_t likely[CLASSES];
    size_t likely_count;
    uint32_t order[MEMBERS];
    size_t asked;
    int32_t is_decided = 0;
    consilia_opinion_model_t* model = NULL;
    consilia_early_stop_t* stop = NULL;
    consilia_buffer_t json;
    consilia_error_t* error = NULL;

    for (asked = 0; asked < CLASSES; ++asked) classes[asked] = consilia_str_of(names[asked]);

    CONSILIA_INIT(&options);
    options.rule = consilia_str_of("weighted_soft_vote");
    options.confidence_threshold = 0.6;
    TRY("new", consilia_opinion_model_new(members, MEMBERS, classes, CLASSES, &options, &model, &error));

    observe(seen, seen_labels);
    CONSILIA_INIT(&fit);
    fit.steps = CONSILIA_FIT_WEIGHTS | CONSILIA_FIT_ORDER | CONSILIA_FIT_TEMPERATURE;
    fit.cost_ms = cost_ms;
    TRY("fit", consilia_opinion_model_fit(model, &calibration, &fit, &error));

    observe(seen,
            seen_labels); /* other cases: what covers the truth is fitted to ones that no fit has seen */
    CONSILIA_INIT(&fit);
    fit.steps = CONSILIA_FIT_CONFORMAL | CONSILIA_FIT_STOP_BOUNDS;
    fit.alpha = 0.05;
    fit.penalty = 0.1; /* for each class beyond the first */
    fit.free_ranks = 1;
    TRY("fit", consilia_opinion_model_fit(model, &calibration, &fit, &error));

    observe(unseen, unseen_labels);
    CONSILIA_INIT(&scores);
    TRY("evaluate", consilia_opinion_model_evaluate(model, &test, 0.02, &scores, &error));
    printf("accuracy %.3f (%.3f to %.3f), coverage %.3f, %.2f of %d members asked\n", scores.accuracy.value,
           scores.accuracy.low, scores.accuracy.high, scores.coverage.value, scores.mean_members_run,
           MEMBERS);

    TRY("agree", consilia_opinion_model_agree(model, &one, &consensus, pool, &error));
    TRY("set", consilia_opinion_model_conformal_set(model, pool, CLASSES, likely, &likely_count, &error));
    printf("%s, confidence %.3f%s; %d of 4 classes cover the truth\n", names[consensus.class_index],
           consensus.confidence, consensus.needs_review ? ", needs review" : "", (int)likely_count);

    /* The members one by one, until those left cannot change the class. */
    TRY("order", consilia_opinion_model_order(model, order, &error));
    TRY("stop", consilia_early_stop_new(model, &stop, &error));
    for (asked = 0; asked < MEMBERS && !is_decided; ++asked) {
        TRY("add",
            consilia_early_stop_add(stop, order[asked], unseen + order[asked] * CLASSES, CLASSES, &error));
        TRY("decided", consilia_early_stop_is_decided(stop, 0, &is_decided, &error));
    }
    TRY("consensus", consilia_early_stop_consensus(stop, &consensus, NULL, &error));
    printf("%s after %d members\n", names[consensus.class_index], (int)asked);

    TRY("json", consilia_opinion_model_json(model, &json, &error)); /* an engine's `opinion_model_json` */
    printf("%d bytes of JSON\n", (int)json.size);
    consilia_buffer_free(&json);
    consilia_early_stop_free(stop);
    consilia_opinion_model_free(model);
    return 0;
}
