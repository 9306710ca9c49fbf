#include "consilia/c/opinion.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consilia/inference/early_stop.hpp"
#include "consilia/inference/opinion_fit.hpp"
#include "guard.hpp"

namespace core = consilia::core;
namespace inference = consilia::inference;
using consilia::capi::cleared;
using consilia::capi::cleared_items;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::texts_of;
using consilia::capi::to_buffer;
using consilia::capi::view;
using inference::OpinionModel;

static_assert(sizeof(consilia_opinions_t) == 40 && sizeof(consilia_consensus_t) == 48);
static_assert(sizeof(consilia_share_t) == 24 && offsetof(consilia_consensus_t, needs_review) == 40);
static_assert(offsetof(consilia_opinion_model_options_t, confidence_threshold) == 48);
static_assert(offsetof(consilia_fit_options_t, stop_confidence) == 48);
static_assert(offsetof(consilia_opinion_scores_t, coverage) == 72 &&
              offsetof(consilia_opinion_scores_t, changed_share) == 128);

struct consilia_opinion_model {
    /// Replaced by a fit, so that an early stop keeps the one that it began with.
    std::shared_ptr<const OpinionModel> model;
};

struct consilia_early_stop {
    std::shared_ptr<const OpinionModel> model;
    inference::EarlyStop stop;
};

namespace {

/// Numbers that opinions of this shape have.
std::size_t count_of(const consilia_opinions_t& given) {
    const auto times = [](std::size_t a, std::size_t b) {
        constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / sizeof(double);
        if (b != 0 && a > kMost / b) {
            throw core::InvalidArgument("opinions.probabilities",
                                        "`cases` x `members` x `classes` is more than memory can hold");
        }
        return a * b;
    };
    return times(times(given.cases, given.members), given.classes);
}

void check_extent(std::size_t found, std::size_t wanted, const char* name) {
    if (found == wanted) return;
    throw core::InvalidArgument(
        std::string("opinions.") + name, std::string("`") + name + "` differs from that of the model",
        {{"wanted", static_cast<std::int64_t>(wanted)}, {"found", static_cast<std::int64_t>(found)}});
}

inference::OpinionSet labelled(const consilia_opinions_t* given) {
    const consilia_opinions_t& opinions = require(given, "opinions");
    return {items(opinions.probabilities, count_of(opinions), "probabilities"),
            items(opinions.labels, opinions.cases, "labels"), opinions.members, opinions.classes};
}

consilia_consensus_t told(const inference::Consensus& consensus, double confidence_threshold) {
    return {consensus.class_index,
            consensus.confidence,
            consensus.agreement,
            consensus.entropy,
            consensus.mutual_information,
            consensus.confidence < confidence_threshold ? 1 : 0,
            0};
}

/// Where the consensus of each case goes: zero until all of them are known.
struct Outputs {
    std::span<consilia_consensus_t> consensus;
    std::span<double> probabilities;  ///< Empty if they are not wanted.
};

Outputs cleared_outputs(const consilia_opinions_t& given, consilia_consensus_t* out_consensus,
                        double* out_probabilities) {
    if (given.members == 0) throw core::InvalidArgument("opinions.members", "`members` must be at least one");
    if (given.classes == 0) throw core::InvalidArgument("opinions.classes", "`classes` must be at least one");
    static_cast<void>(count_of(given));  // So that fewer numbers can be counted, too.
    return {cleared_items(&require(out_consensus, "out_consensus"), given.cases),
            cleared_items(out_probabilities, given.cases * given.classes)};
}

/// `agree(views)` of each case; a member without an opinion has an empty view.
template <class Agree>
void agree_all(const consilia_opinions_t& given, double confidence_threshold, const Agree& agree,
               const Outputs& outputs) {
    std::span<const double> left = items(given.probabilities, count_of(given), "probabilities");
    std::vector<consilia_consensus_t> consensus;
    std::vector<double> pooled;
    for (std::size_t at = 0; at < given.cases; ++at) {
        std::vector<std::span<const double>> views;
        for (std::size_t m = 0; m < given.members; ++m, left = left.subspan(given.classes)) {
            views.push_back(std::isnan(left.front()) ? std::span<const double>() : left.first(given.classes));
        }
        const inference::Consensus found = agree(views);
        consensus.push_back(told(found, confidence_threshold));
        pooled.insert(pooled.end(), found.probabilities.begin(), found.probabilities.end());
    }
    std::copy(consensus.begin(), consensus.end(), outputs.consensus.begin());
    if (!outputs.probabilities.empty())
        std::copy(pooled.begin(), pooled.end(), outputs.probabilities.begin());
}

const OpinionModel& model_of(const consilia_opinion_model_t* model) {
    return *require(model, "model").model;
}

consilia_opinion_model_t* opened(OpinionModel model) {
    return new consilia_opinion_model_t{std::make_shared<const OpinionModel>(std::move(model))};
}

inference::FitOptions fit_options(const consilia_fit_options_t& given, std::size_t members) {
    constexpr std::uint32_t kAll = 2 * CONSILIA_FIT_STOP_BOUNDS - 1;
    if (given.steps > kAll)
        throw core::InvalidArgument("fit.steps", "`steps` holds what is no CONSILIA_FIT_*");
    const auto has = [&](std::uint32_t step) { return (given.steps & step) != 0; };
    inference::FitOptions options;
    options.weights = has(CONSILIA_FIT_WEIGHTS);
    options.stacking = has(CONSILIA_FIT_STACKING);
    if (given.l2 != 0) options.l2 = given.l2;
    options.order = has(CONSILIA_FIT_ORDER);
    if (given.cost_ms != nullptr) options.cost_ms = {given.cost_ms, members};
    options.temperature = has(CONSILIA_FIT_TEMPERATURE);
    if (has(CONSILIA_FIT_CONFORMAL)) {
        options.conformal =
            inference::ConformalSets{.penalty = given.penalty, .free_ranks = given.free_ranks};
        if (given.alpha != 0) options.conformal->alpha = given.alpha;
    }
    constexpr double kStopConfidence = 0.95;
    if (has(CONSILIA_FIT_STOP_BOUNDS)) {
        options.stop_confidence = given.stop_confidence == 0 ? kStopConfidence : given.stop_confidence;
    }
    return options;
}

consilia_share_t told(const inference::Share& share) {
    return {share.value, share.low, share.high};
}

}  // namespace

extern "C" {

consilia_status_t consilia_opinions_agree(const consilia_opinions_t* opinions, consilia_str_t rule,
                                          const double* weights, consilia_consensus_t* out_consensus,
                                          double* out_probabilities, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia_opinions_t& given = require(opinions, "opinions");
        const Outputs outputs = cleared_outputs(given, out_consensus, out_probabilities);
        const auto agree = [&, parsed = inference::parse_consensus_rule(view(rule))](const auto& views) {
            std::vector<inference::Vote> votes;
            for (std::size_t m = 0; m < views.size(); ++m) {
                if (!views[m].empty()) votes.push_back({views[m], weights == nullptr ? 1.0 : weights[m]});
            }
            return inference::agree(votes, parsed);
        };
        agree_all(given, 0, agree, outputs);
    });
}

consilia_status_t consilia_opinion_model_new(const consilia_str_t* member_ids, size_t member_count,
                                             const consilia_str_t* classes, size_t class_count,
                                             const consilia_opinion_model_options_t* options,
                                             consilia_opinion_model_t** out_model,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_opinion_model_t*& out = cleared(out_model, "out_model");
        const consilia_opinion_model_options_t known = copy_options(options);
        OpinionModel model;
        model.member_ids = texts_of(member_ids, member_count, "member_ids");
        model.classes = texts_of(classes, class_count, "classes");
        if (known.rule.size != 0) model.rule = inference::parse_consensus_rule(view(known.rule));
        if (known.fallback.size != 0) model.fallback = inference::parse_consensus_rule(view(known.fallback));
        model.weights.assign(member_count, 1.0);
        if (known.weights != nullptr) model.weights.assign(known.weights, known.weights + member_count);
        model.confidence_threshold = known.confidence_threshold;
        model.validate();
        out = opened(std::move(model));
    });
}

consilia_status_t consilia_opinion_model_from_json(consilia_str_t json, consilia_opinion_model_t** out_model,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_opinion_model_t*& out = cleared(out_model, "out_model");
        out = opened(OpinionModel::from_json(view(json)));
    });
}

consilia_status_t consilia_opinion_model_load(consilia_str_t path, consilia_opinion_model_t** out_model,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_opinion_model_t*& out = cleared(out_model, "out_model");
        out = opened(OpinionModel::load(view(path)));
    });
}

void consilia_opinion_model_free(consilia_opinion_model_t* model) {
    delete model;
}

consilia_status_t consilia_opinion_model_json(const consilia_opinion_model_t* model,
                                              consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(model_of(model).to_json());
    });
}

consilia_status_t consilia_opinion_model_save(const consilia_opinion_model_t* model, consilia_str_t path,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] { model_of(model).save(view(path)); });
}

consilia_status_t consilia_opinion_model_hash(const consilia_opinion_model_t* model,
                                              consilia_buffer_t* out_text, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_text, "out_text");
        out = to_buffer(model_of(model).hash());
    });
}

size_t consilia_opinion_model_member_count(const consilia_opinion_model_t* model) {
    return model == nullptr ? 0 : model->model->member_ids.size();
}

size_t consilia_opinion_model_class_count(const consilia_opinion_model_t* model) {
    return model == nullptr ? 0 : model->model->classes.size();
}

consilia_status_t consilia_opinion_model_order(const consilia_opinion_model_t* model, uint32_t* out_order,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const OpinionModel& known = model_of(model);
        uint32_t* out = &require(out_order, "out_order");
        for (std::size_t i = 0; i < known.member_ids.size(); ++i) {
            out[i] = known.order.empty() ? static_cast<uint32_t>(i) : known.order[i];
        }
    });
}

consilia_status_t consilia_opinion_model_fit(consilia_opinion_model_t* model,
                                             const consilia_opinions_t* opinions,
                                             const consilia_fit_options_t* options,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const OpinionModel& known = model_of(model);
        const inference::FitOptions wanted = fit_options(copy_options(options), known.member_ids.size());
        model->model =
            std::make_shared<const OpinionModel>(inference::fit(known, labelled(opinions), wanted));
    });
}

consilia_status_t consilia_opinion_model_agree(const consilia_opinion_model_t* model,
                                               const consilia_opinions_t* opinions,
                                               consilia_consensus_t* out_consensus, double* out_probabilities,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia_opinions_t& given = require(opinions, "opinions");
        const Outputs outputs = cleared_outputs(given, out_consensus, out_probabilities);
        const OpinionModel& known = model_of(model);
        check_extent(given.members, known.member_ids.size(), "members");
        check_extent(given.classes, known.classes.size(), "classes");
        const auto agree = [&](const auto& views) { return known.agree(views); };
        agree_all(given, known.confidence_threshold, agree, outputs);
    });
}

consilia_status_t consilia_opinion_model_conformal_set(const consilia_opinion_model_t* model,
                                                       const double* probabilities, size_t class_count,
                                                       size_t* out_classes, size_t* out_count,
                                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        size_t& count = cleared(out_count, "out_count");
        const auto out = cleared_items(&require(out_classes, "out_classes"), class_count);
        const OpinionModel& known = model_of(model);
        check_extent(class_count, known.classes.size(), "classes");
        const std::vector<std::size_t> found =
            known.conformal_set(items(probabilities, class_count, "probabilities"));
        std::copy(found.begin(), found.end(), out.begin());
        count = found.size();
    });
}

consilia_status_t consilia_opinion_model_evaluate(const consilia_opinion_model_t* model,
                                                  const consilia_opinions_t* opinions, double epsilon,
                                                  consilia_opinion_scores_t* out_scores,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_opinion_scores_t& out = cleared_sized(out_scores, "out_scores");
        const inference::OpinionScores found =
            inference::evaluate(model_of(model), labelled(opinions), epsilon);
        fill_sized(out, {.struct_size = 0,
                         .cases = found.cases,
                         .accuracy = told(found.accuracy),
                         .nll = found.nll,
                         .brier = found.brier,
                         .calibration_error = found.calibration_error,
                         .aurc = found.aurc,
                         .coverage = told(found.coverage),
                         .mean_set_size = found.mean_set_size,
                         .review_share = found.review_share,
                         .mean_members_run = found.mean_members_run,
                         .mean_members_run_bounded = found.mean_members_run_bounded,
                         .changed_share = found.changed_share});
    });
}

consilia_status_t consilia_early_stop_new(const consilia_opinion_model_t* model,
                                          consilia_early_stop_t** out_stop, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_early_stop_t*& out = cleared(out_stop, "out_stop");
        const auto& kept = require(model, "model").model;
        out = new consilia_early_stop_t{kept, inference::EarlyStop(*kept)};
    });
}

void consilia_early_stop_free(consilia_early_stop_t* stop) {
    delete stop;
}

consilia_status_t consilia_early_stop_add(consilia_early_stop_t* stop, size_t member,
                                          const double* probabilities, size_t class_count,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        require(stop, "stop").stop.add(member, items(probabilities, class_count, "probabilities"));
    });
}

consilia_status_t consilia_early_stop_drop(consilia_early_stop_t* stop, size_t member,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] { require(stop, "stop").stop.drop(member); });
}

consilia_status_t consilia_early_stop_is_decided(const consilia_early_stop_t* stop, double epsilon,
                                                 int32_t* out_is_decided, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_is_decided, "out_is_decided");
        const inference::EarlyStop& asked = require(stop, "stop").stop;
        out = (epsilon == 0 ? asked.is_decided() : asked.is_decided(epsilon)) ? 1 : 0;
    });
}

consilia_status_t consilia_early_stop_consensus(const consilia_early_stop_t* stop,
                                                consilia_consensus_t* out_consensus,
                                                double* out_probabilities, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_consensus_t& out = cleared(out_consensus, "out_consensus");
        const consilia_early_stop_t& asked = require(stop, "stop");
        const auto pooled = cleared_items(out_probabilities, asked.model->classes.size());
        const inference::Consensus found = asked.stop.consensus();
        out = told(found, asked.model->confidence_threshold);
        if (!pooled.empty()) {
            std::copy(found.probabilities.begin(), found.probabilities.end(), pooled.begin());
        }
    });
}

}  // extern "C"
