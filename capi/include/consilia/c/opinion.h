#ifndef CONSILIA_C_OPINION_H
#define CONSILIA_C_OPINION_H
/* From several members' probabilities to one answer: pooled by a rule or by a model that was fitted to the
 * panel. Rules are named as in docs/opinions.md: "weighted_soft_vote", "majority", "log_opinion_pool",
 * "stacking" (which only a fitted model has). */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opinions of a panel on one case or many, borrowed for the call. Frozen: this struct does not grow. */
typedef struct consilia_opinions {
    const double* probabilities; /* [cases, members, classes], row by row, each 0 to 1 */
    const uint32_t* labels;      /* [cases]: the true class; read where a model is fitted or evaluated */
    size_t cases;
    size_t members;
    size_t classes;
} consilia_opinions_t;

/* What a panel agrees on. Numbers are 0 to 1. Frozen: this struct does not grow. */
typedef struct consilia_consensus {
    size_t class_index;
    double confidence;         /* of that class */
    double agreement;          /* share of the opinions given whose first choice it is */
    double entropy;            /* of the pool, divided by the logarithm of the number of classes */
    double mutual_information; /* how much of the uncertainty is disagreement, divided likewise */
    int32_t needs_review;      /* 1: below the model's confidence threshold, it abstains */
    int32_t reserved;          /* zero */
} consilia_consensus_t;

/* The consensus of each case by a rule. A member whose first number of a case is NaN has no opinion on it.
 * `weights`: one a member, above 0; NULL: equal. `out_consensus`: [cases]. `out_probabilities`: [cases,
 * classes], the pool, for a majority the share of first choices; may be NULL. Returns _OK or
 * _INVALID_ARGUMENT (`consensus.unknown`, `consensus.unfitted` for stacking, `consensus.votes` where no
 * member has an opinion or a number is none from 0 to 1, `opinions.<field>`). Thread-safe. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinions_agree(const consilia_opinions_t* opinions,
                                                         consilia_str_t rule, const double* weights,
                                                         consilia_consensus_t* out_consensus,
                                                         double* out_probabilities,
                                                         consilia_error_t** out_error);

/* What was fitted to one panel: rule, weights, temperature, conformal sets, order and bounds.
 * consilia_opinion_model_free(). Threading: compatible; only consilia_opinion_model_fit() writes. */
typedef struct consilia_opinion_model consilia_opinion_model_t;

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_opinion_model_options {
    size_t struct_size;
    consilia_str_t rule;         /* empty: "weighted_soft_vote"; stacking comes by fitting */
    consilia_str_t fallback;     /* of stacking where a member is missing; empty: "log_opinion_pool" */
    const double* weights;       /* [members], above 0; NULL: equal */
    double confidence_threshold; /* below it a case needs review: 0 (never) to 1 */
} consilia_opinion_model_options_t;

/* A model of a panel, not fitted yet; all that is given is copied. `options` may be NULL. Returns _OK or
 * _INVALID_ARGUMENT (`consensus.unknown`, `opinion_model.<field>`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_new(const consilia_str_t* member_ids,
                                                            size_t member_count,
                                                            const consilia_str_t* classes, size_t class_count,
                                                            const consilia_opinion_model_options_t* options,
                                                            consilia_opinion_model_t** out_model,
                                                            consilia_error_t** out_error);
/* Reads what consilia_opinion_model_json() wrote, in any language. Returns _OK or _INVALID_ARGUMENT
 * (`opinion_model.json`, `opinion_model.version`, `opinion_model.<field>`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_from_json(consilia_str_t json,
                                                                  consilia_opinion_model_t** out_model,
                                                                  consilia_error_t** out_error);
/* The same from a file; _NOT_FOUND or _STORAGE too. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_load(consilia_str_t path,
                                                             consilia_opinion_model_t** out_model,
                                                             consilia_error_t** out_error);
CONSILIA_C_API void consilia_opinion_model_free(consilia_opinion_model_t* model); /* NULL is allowed */

/* Canonical JSON, which an engine takes as `opinion_model_json`: equal models write equal text. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_json(const consilia_opinion_model_t* model,
                                                             consilia_buffer_t* out_json,
                                                             consilia_error_t** out_error);
/* Writes that JSON as a new file, whole or not at all; _CONFLICT (`file.exists`) or _STORAGE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_save(const consilia_opinion_model_t* model,
                                                             consilia_str_t path,
                                                             consilia_error_t** out_error);
/* SHA-256 of that JSON, in hexadecimal: what a diagnosis names as `opinion_model_hash`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_hash(const consilia_opinion_model_t* model,
                                                             consilia_buffer_t* out_text,
                                                             consilia_error_t** out_error);
/* 0 for NULL. */
CONSILIA_C_API size_t consilia_opinion_model_member_count(const consilia_opinion_model_t* model);
CONSILIA_C_API size_t consilia_opinion_model_class_count(const consilia_opinion_model_t* model);
/* The order in which members run: `out_order`, [members], holds the index of each once. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_order(const consilia_opinion_model_t* model,
                                                              uint32_t* out_order,
                                                              consilia_error_t** out_error);

/* What consilia_opinion_model_fit() sets, in this order. */
enum {
    CONSILIA_FIT_WEIGHTS = 1,
    CONSILIA_FIT_STACKING = 2,
    CONSILIA_FIT_ORDER = 4, /* takes the bounds back, which are of an order */
    CONSILIA_FIT_TEMPERATURE = 8,
    CONSILIA_FIT_CONFORMAL = 16, /* needs cases that no other fit has seen */
    CONSILIA_FIT_STOP_BOUNDS = 32
};

/* Prepare with CONSILIA_INIT(&options). Zero means default in every field but `steps`. */
typedef struct consilia_fit_options {
    size_t struct_size;
    uint32_t steps;         /* required: CONSILIA_FIT_*, or-ed together */
    uint32_t free_ranks;    /* of CONFORMAL: ranks up to it cost nothing */
    double l2;              /* of STACKING; 0: 0.001 */
    const double* cost_ms;  /* of ORDER: [members], above 0; NULL: equal */
    double alpha;           /* of CONFORMAL: share of sets that may miss the truth; 0: 0.1 */
    double penalty;         /* of CONFORMAL, for each rank beyond `free_ranks` */
    double stop_confidence; /* of STOP_BOUNDS; 0: 0.95 */
} consilia_fit_options_t;

/* Fits the model to cases whose truth is known. What they mean is in docs/opinions.md; fit again with other
 * cases for what needs others. Deterministic. Returns _OK or _INVALID_ARGUMENT (`fit.steps`, `fit.rule`,
 * `fit.l2`, `fit.cost_ms`, `fit.confidence`, `opinions.<field>`, `opinion_model.<field>`): the model is then
 * as it was. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_fit(consilia_opinion_model_t* model,
                                                            const consilia_opinions_t* opinions,
                                                            const consilia_fit_options_t* options,
                                                            consilia_error_t** out_error);

/* The consensus of each case by the model; missing members and outputs as in consilia_opinions_agree(). The
 * class is that of the pool before the temperature. Returns _OK or _INVALID_ARGUMENT (`opinions.members`,
 * `opinions.classes`: others than the model's; `consensus.votes`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_agree(const consilia_opinion_model_t* model,
                                                              const consilia_opinions_t* opinions,
                                                              consilia_consensus_t* out_consensus,
                                                              double* out_probabilities,
                                                              consilia_error_t** out_error);
/* The classes that cover the truth as the model was fitted to, for the probabilities of one consensus.
 * `out_classes`: room for `class_count` indices, of which the first `out_count` are set, the most probable
 * first. Returns _OK or _INVALID_ARGUMENT (`opinion_model.conformal`: none were fitted; `opinions.classes`:
 * `class_count` is not the model's). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_conformal_set(const consilia_opinion_model_t* model,
                                                                      const double* probabilities,
                                                                      size_t class_count, size_t* out_classes,
                                                                      size_t* out_count,
                                                                      consilia_error_t** out_error);

/* A share with its 95 % interval (Wilson). Frozen: this struct does not grow. */
typedef struct consilia_share {
    double value;
    double low;
    double high;
} consilia_share_t;

/* How well a model does on cases whose truth is known. Prepare with CONSILIA_INIT(&scores). */
typedef struct consilia_opinion_scores {
    size_t struct_size;
    size_t cases;
    consilia_share_t accuracy;
    double nll;                      /* mean negative log-likelihood in nats */
    double brier;                    /* 0 to 2 */
    double calibration_error;        /* ECE over 15 bins */
    double aurc;                     /* mean error over all coverages, the most confident first */
    consilia_share_t coverage;       /* of the conformal sets; {0, 0, 1} where none were fitted */
    double mean_set_size;            /* likewise; 0 */
    double review_share;             /* below the confidence threshold */
    double mean_members_run;         /* with the lossless early stop, in the model's order */
    double mean_members_run_bounded; /* with the bounded one, at `epsilon` */
    double changed_share;            /* share of diagnoses that the bounded one changed */
} consilia_opinion_scores_t;

/* Judges the model on test cases. Returns _OK or _INVALID_ARGUMENT (`opinions.<field>`,
 * `c_api.struct_size`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_opinion_model_evaluate(const consilia_opinion_model_t* model,
                                                                 const consilia_opinions_t* opinions,
                                                                 double epsilon,
                                                                 consilia_opinion_scores_t* out_scores,
                                                                 consilia_error_t** out_error);

/* Follows a panel on one case and says when the members left no longer matter. It keeps the model as it was
 * when the stop was made. consilia_early_stop_free(). Threading: confined. */
typedef struct consilia_early_stop consilia_early_stop_t;

CONSILIA_C_API consilia_status_t consilia_early_stop_new(const consilia_opinion_model_t* model,
                                                         consilia_early_stop_t** out_stop,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_early_stop_free(consilia_early_stop_t* stop); /* NULL is allowed */
/* A member answered. Returns _OK or _INVALID_ARGUMENT (`early_stop.member`: unknown, or heard already;
 * `consensus.votes`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_early_stop_add(consilia_early_stop_t* stop, size_t member,
                                                         const double* probabilities, size_t class_count,
                                                         consilia_error_t** out_error);
/* A member failed or will not run; errors as above. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_early_stop_drop(consilia_early_stop_t* stop, size_t member,
                                                          consilia_error_t** out_error);
/* `out_is_decided`: 1 once the members left cannot change the class, or, with an `epsilon` above 0, change it
 * with at most this probability by the model's bounds. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_early_stop_is_decided(const consilia_early_stop_t* stop,
                                                                double epsilon, int32_t* out_is_decided,
                                                                consilia_error_t** out_error);
/* The consensus of the opinions given; `out_probabilities`, [classes], may be NULL. Returns _OK or
 * _INVALID_ARGUMENT (`consensus.votes`: there are none). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_early_stop_consensus(const consilia_early_stop_t* stop,
                                                               consilia_consensus_t* out_consensus,
                                                               double* out_probabilities,
                                                               consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
