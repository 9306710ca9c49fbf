/* Opinions pooled by rules over the C ABI, against numbers worked out by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static int near(double a, double b) {
    return a - b < 1e-12 && b - a < 1e-12;
}

static void pools_by_rule(void) {
    const double two[] = {0.5, 0.25, 0.25, 0.25, 0.625, 0.125};
    const double three[] = {0.5, 0.5, 0, 0, 0.75, 0.25, 0.25, 0.5, 0.25};
    const double weights[] = {3, 1};
    consilia_opinions_t opinions = {two, NULL, 1, 2, 3};
    consilia_consensus_t consensus[2];
    double pool[6];

    OK("soft", consilia_opinions_agree(&opinions, consilia_str_of("weighted_soft_vote"), NULL, consensus,
                                       pool, &error));
    CHECK(consensus[0].class_index == 1 && consensus[0].confidence == 0.4375);
    CHECK(pool[0] == 0.375 && pool[1] == 0.4375 && pool[2] == 0.1875);
    CHECK(consensus[0].agreement == 0.5 && consensus[0].needs_review == 0);
    CHECK(consensus[0].entropy > 0.9 && consensus[0].mutual_information > 0.01);
    OK("weighted", consilia_opinions_agree(&opinions, consilia_str_of("weighted_soft_vote"), weights,
                                           consensus, NULL, &error));
    CHECK(consensus[0].class_index == 0 && consensus[0].confidence == 0.4375);
    OK("log", consilia_opinions_agree(&opinions, consilia_str_of("log_opinion_pool"), NULL, consensus, pool,
                                      &error));
    CHECK(consensus[0].class_index == 1 && near(pool[0] * pool[0] / (pool[1] * pool[1]), 0.8));
    CHECK(near(pool[0] + pool[1] + pool[2], 1));
    opinions.probabilities = three;
    opinions.members = 3;
    OK("majority",
       consilia_opinions_agree(&opinions, consilia_str_of("majority"), NULL, consensus, pool, &error));
    CHECK(consensus[0].class_index == 1 && near(pool[1], 2.0 / 3) && near(pool[0], 1.0 / 3));
}

static void leaves_out_who_is_missing(void) {
    const double missing[] = {NAN, NAN, 0.25, 0.75, 1, 0, 0.5, 0.5};
    const double silent[] = {1, 0, 1, 0, NAN, NAN, NAN, NAN};
    consilia_opinions_t opinions = {missing, NULL, 2, 2, 2};
    consilia_consensus_t consensus[2];
    double pool[4] = {1, 1, 1, 1};
    const consilia_str_t rule = consilia_str_of("weighted_soft_vote");
    OK("missing", consilia_opinions_agree(&opinions, rule, NULL, consensus, pool, &error));
    CHECK(consensus[0].class_index == 1 && pool[0] == 0.25 && pool[2] == 0.75);
    CHECK(consensus[0].agreement == 1 && consensus[1].agreement == 1);
    opinions.probabilities = silent;
    EXPECT("silent", consilia_opinions_agree(&opinions, rule, NULL, consensus, pool, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.votes");
    CHECK(consensus[0].confidence == 0 && pool[0] == 0 && pool[3] == 0);
    opinions.cases = 0;
    OK("no case", consilia_opinions_agree(&opinions, rule, NULL, consensus, NULL, &error));
}

static void refuses_what_is_no_panel(void) {
    const double values[] = {0.5, 0.5, 1.5, 0};
    const double no_weights[] = {1, 0};
    consilia_opinions_t opinions = {values, NULL, 1, 2, 2};
    consilia_consensus_t consensus;
    const consilia_str_t rule = consilia_str_of("majority");
    EXPECT("rule",
           consilia_opinions_agree(&opinions, consilia_str_of("dice"), NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.unknown");
    EXPECT("value", consilia_opinions_agree(&opinions, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.votes");
    EXPECT("null", consilia_opinions_agree(NULL, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("out", consilia_opinions_agree(&opinions, rule, NULL, NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    opinions.members = 1;
    EXPECT("unfitted",
           consilia_opinions_agree(&opinions, consilia_str_of("stacking"), NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.unfitted");
    EXPECT("weights", consilia_opinions_agree(&opinions, rule, no_weights + 1, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "consensus.votes");
    opinions.members = 0;
    EXPECT("members", consilia_opinions_agree(&opinions, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.members");
    opinions.members = 1;
    opinions.classes = 0;
    EXPECT("classes", consilia_opinions_agree(&opinions, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.classes");
    opinions.members = SIZE_MAX / 8;
    opinions.classes = 16;
    EXPECT("overflow", consilia_opinions_agree(&opinions, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "opinions.probabilities");
    opinions.members = 1;
    opinions.probabilities = NULL;
    EXPECT("values", consilia_opinions_agree(&opinions, rule, NULL, &consensus, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
}

int main(void) {
    pools_by_rule();
    leaves_out_who_is_missing();
    refuses_what_is_no_panel();
    return failures;
}
