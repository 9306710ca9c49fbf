#include "consilia/inference/opinion_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/inference/early_stop.hpp"

namespace consilia::inference {

namespace {

constexpr double kLeastWeight = 1e-6;
constexpr int kMaxSteps = 3000;

[[noreturn]] void refuse(const std::string& code, const std::string& why) {
    throw core::InvalidArgument(code, "`" + code.substr(code.find('.') + 1) + "` " + why);
}

std::vector<std::span<const double>> views(const OpinionSet& set, std::size_t at) {
    std::vector<std::span<const double>> opinions;
    for (std::size_t m = 0; m < set.members; ++m) opinions.push_back(set.opinion(at, m));
    return opinions;
}

double loss(std::span<const double> probabilities, std::size_t label) {
    return -std::log(std::max(probabilities[label], kLogFloor));
}

/// Adds the gradient of the loss of one case by the weights (on the simplex); returns the loss.
double weights_gradient(ConsensusRule rule, const OpinionSet& set, std::size_t at,
                        std::span<const double> weights, std::span<double> gradient) {
    const std::size_t label = set.labels[at];
    if (rule == ConsensusRule::WeightedSoftVote) {
        double truth = 0;
        for (std::size_t m = 0; m < set.members; ++m) truth += weights[m] * set.opinion(at, m)[label];
        truth = std::max(truth, kLogFloor);
        for (std::size_t m = 0; m < set.members; ++m) gradient[m] -= set.opinion(at, m)[label] / truth;
        return -std::log(truth);
    }
    std::vector<double> pool(set.classes, 0.0);
    const auto logarithm = [&](std::size_t m, std::size_t c) {
        return std::log(std::max(set.opinion(at, m)[c], kLogFloor));
    };
    for (std::size_t m = 0; m < set.members; ++m) {
        for (std::size_t c = 0; c < set.classes; ++c) pool[c] += weights[m] * logarithm(m, c);
    }
    pool = normalized_exponentials(std::move(pool));
    for (std::size_t m = 0; m < set.members; ++m) {
        for (std::size_t c = 0; c < set.classes; ++c) {
            gradient[m] += (pool[c] - (c == label ? 1 : 0)) * logarithm(m, c);
        }
    }
    return loss(pool, label);
}

double weights_loss(ConsensusRule rule, const OpinionSet& set, std::span<const double> weights,
                    std::vector<double>& gradient) {
    gradient.assign(set.members, 0.0);
    double sum = 0;
    for (std::size_t at = 0; at < set.cases(); ++at)
        sum += weights_gradient(rule, set, at, weights, gradient);
    for (double& value : gradient) value /= static_cast<double>(set.cases());
    return sum / static_cast<double>(set.cases());
}

/// Loss and gradient of the regression; `features` is [cases, columns], its last column 1.
double stacking_loss(const OpinionSet& set, std::span<const double> features, std::span<const double> matrix,
                     double l2, std::vector<double>& gradient) {
    const std::size_t columns = set.members * set.classes + 1;
    const auto cases = static_cast<double>(set.cases());
    gradient.assign(matrix.size(), 0.0);
    double sum = 0;
    std::vector<double> row(set.classes);
    for (std::size_t at = 0; at < set.cases(); ++at) {
        const auto x = features.subspan(at * columns, columns);
        for (std::size_t c = 0; c < set.classes; ++c) {
            row[c] = std::inner_product(x.begin(), x.end(),
                                        matrix.begin() + static_cast<std::ptrdiff_t>(c * columns), 0.0);
        }
        const double largest = *std::max_element(row.begin(), row.end());
        const double of_truth = row[set.labels[at]];
        double total = 0;
        for (double& value : row) total += value = std::exp(value - largest);
        sum += largest + std::log(total) - of_truth;
        for (std::size_t c = 0; c < set.classes; ++c) {
            const double error = row[c] / total - (c == set.labels[at] ? 1 : 0);
            for (std::size_t i = 0; i < columns; ++i) gradient[c * columns + i] += error * x[i];
        }
    }
    for (double& value : gradient) value /= cases;
    double squares = 0;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
        if (i % columns == columns - 1) continue;
        squares += matrix[i] * matrix[i];
        gradient[i] += l2 * matrix[i];
    }
    return sum / cases + l2 / 2 * squares;
}

double golden_section(double low, double high, const std::function<double(double)>& value) {
    const double ratio = (std::sqrt(5.0) - 1) / 2;
    double left = high - ratio * (high - low);
    double right = low + ratio * (high - low);
    double at_left = value(left);
    double at_right = value(right);
    while (high - low > 1e-7) {
        if (at_left <= at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - ratio * (high - low);
            at_left = value(left);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + ratio * (high - low);
            at_right = value(right);
        }
    }
    return (low + high) / 2;
}

/// The model as it is pooled: before the temperature.
OpinionModel untempered(const OpinionModel& model) {
    OpinionModel copy = model;
    copy.temperature = 1;
    return copy;
}

std::vector<std::uint32_t> order_of(const OpinionModel& model) {
    if (!model.order.empty()) return model.order;
    std::vector<std::uint32_t> order(model.member_ids.size());
    std::iota(order.begin(), order.end(), 0U);
    return order;
}

}  // namespace

void check_opinions(const OpinionModel& model, const OpinionSet& set) {
    model.validate();
    set.validate();
    if (set.members != model.member_ids.size()) refuse("opinions.members", "differs from that of the model");
    if (set.classes != model.classes.size()) refuse("opinions.classes", "differs from that of the model");
}

void OpinionSet::validate() const {
    if (members == 0) refuse("opinions.members", "must be at least one");
    if (classes < 2) refuse("opinions.classes", "must be at least two");
    if (labels.empty()) refuse("opinions.labels", "need at least one case");
    if (probabilities.size() != labels.size() * members * classes) {
        refuse("opinions.probabilities", "need cases x members x classes numbers");
    }
    for (const std::uint32_t label : labels) {
        if (label >= classes)
            refuse("opinions.labels", "hold " + std::to_string(label) + ", which is no class");
    }
    for (const double value : probabilities) {
        if (!(value >= 0 && value <= 1)) refuse("opinions.probabilities", "must be from 0 to 1");
    }
}

std::vector<double> fit_weights(const OpinionModel& model, const OpinionSet& calibration) {
    check_opinions(model, calibration);
    if (model.rule != ConsensusRule::WeightedSoftVote && model.rule != ConsensusRule::LogOpinionPool) {
        refuse("fit.rule", "must be a soft vote or a log opinion pool for weights to be fitted");
    }
    std::vector<double> weights(calibration.members, 1 / static_cast<double>(calibration.members));
    std::vector<double> gradient;
    std::vector<double> next_gradient;
    double at = weights_loss(model.rule, calibration, weights, gradient);
    double rate = 1;
    for (int step = 0; step < kMaxSteps && rate > 1e-12; ++step) {
        std::vector<double> next = weights;
        const double least = *std::min_element(gradient.begin(), gradient.end());
        for (std::size_t m = 0; m < next.size(); ++m) {
            next[m] = std::max(next[m] * std::exp(-rate * (gradient[m] - least)), kLeastWeight);
        }
        const double sum = std::accumulate(next.begin(), next.end(), 0.0);
        for (double& weight : next) weight /= sum;
        const double next_loss = weights_loss(model.rule, calibration, next, next_gradient);
        if (!(next_loss < at)) {
            rate /= 2;
            continue;
        }
        const bool is_done = at - next_loss < 1e-13;
        weights = std::move(next);
        std::swap(gradient, next_gradient);
        at = next_loss;
        rate *= 1.5;
        if (is_done) break;
    }
    return weights;
}

std::vector<double> fit_stacking(const OpinionSet& calibration, double l2) {
    calibration.validate();
    if (!(l2 > 0) || !std::isfinite(l2)) refuse("fit.l2", "must be above 0");
    const std::size_t columns = calibration.members * calibration.classes + 1;
    std::vector<double> features;
    features.reserve(calibration.cases() * columns);
    for (std::size_t at = 0; at < calibration.cases(); ++at) {
        for (const double p : calibration.probabilities.subspan(at * (columns - 1), columns - 1)) {
            features.push_back(std::log(std::max(p, kLogFloor)));
        }
        features.push_back(1);
    }
    std::vector<double> matrix(calibration.classes * columns, 0.0);
    std::vector<double> ahead = matrix;
    std::vector<double> gradient;
    std::vector<double> unused;
    double rate = 1;
    double momentum = 1;
    for (int step = 0; step < kMaxSteps; ++step) {
        const double at = stacking_loss(calibration, features, ahead, l2, gradient);
        const double squares = std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0);
        if (squares < 1e-16) break;
        std::vector<double> next(matrix.size());
        for (;; rate /= 2) {
            for (std::size_t i = 0; i < next.size(); ++i) next[i] = ahead[i] - rate * gradient[i];
            const double reached = stacking_loss(calibration, features, next, l2, unused);
            if (reached <= at - rate / 2 * squares || rate < 1e-12) break;
        }
        double uphill = 0;
        for (std::size_t i = 0; i < next.size(); ++i) uphill += gradient[i] * (next[i] - matrix[i]);
        if (uphill > 0) momentum = 1;
        const double grown = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
        for (std::size_t i = 0; i < next.size(); ++i) {
            ahead[i] = next[i] + (momentum - 1) / grown * (next[i] - matrix[i]);
        }
        momentum = grown;
        matrix = std::move(next);
    }
    return matrix;
}

double fit_temperature(const OpinionModel& model, const OpinionSet& calibration) {
    check_opinions(model, calibration);
    const OpinionModel pool = untempered(model);
    std::vector<std::vector<double>> pooled;
    for (std::size_t at = 0; at < calibration.cases(); ++at) {
        pooled.push_back(pool.agree(views(calibration, at)).probabilities);
    }
    const double logarithm = golden_section(std::log(0.05), std::log(20.0), [&](double candidate) {
        double sum = 0;
        for (std::size_t at = 0; at < pooled.size(); ++at) {
            sum += loss(temper(pooled[at], std::exp(candidate)), calibration.labels[at]);
        }
        return sum;
    });
    return std::exp(logarithm);
}

ConformalSets fit_conformal(const OpinionModel& model, const OpinionSet& calibration,
                            const ConformalSets& wanted) {
    OpinionModel checked = model;
    checked.conformal = wanted;
    check_opinions(checked, calibration);
    std::vector<double> scores;
    for (std::size_t at = 0; at < calibration.cases(); ++at) {
        const Consensus consensus = model.agree(views(calibration, at));
        scores.push_back(conformal_score(consensus.probabilities, calibration.labels[at], wanted));
    }
    std::sort(scores.begin(), scores.end());
    const double rank = std::ceil(static_cast<double>(scores.size() + 1) * (1 - wanted.alpha) - 1e-9);
    ConformalSets fitted = wanted;
    const auto classes = static_cast<double>(model.classes.size());
    fitted.threshold = rank > static_cast<double>(scores.size())
                           ? 2 + wanted.penalty * classes  // No score is larger: every class belongs.
                           : scores[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
    return fitted;
}

std::vector<std::uint32_t> fit_order(const OpinionModel& model, const OpinionSet& calibration,
                                     std::span<const double> cost_ms) {
    check_opinions(model, calibration);
    if (!cost_ms.empty() && cost_ms.size() != calibration.members)
        refuse("fit.cost_ms", "needs one number a member");
    for (const double cost : cost_ms) {
        if (!(cost > 0) || !std::isfinite(cost)) refuse("fit.cost_ms", "must be above 0");
    }
    const auto cost_of = [&](std::size_t m) { return cost_ms.empty() ? 1 : cost_ms[m]; };
    std::vector<std::uint32_t> order;
    std::vector<bool> is_taken(calibration.members, false);
    double reached = std::log(static_cast<double>(calibration.classes));  // Of knowing nothing.
    while (order.size() < calibration.members) {
        std::uint32_t best = 0;
        double best_rate = 0;
        double best_loss = 0;
        bool is_found = false;
        for (std::uint32_t candidate = 0; candidate < calibration.members; ++candidate) {
            if (is_taken[candidate]) continue;
            double sum = 0;
            for (std::size_t at = 0; at < calibration.cases(); ++at) {
                std::vector<std::span<const double>> opinions = views(calibration, at);
                for (std::size_t m = 0; m < opinions.size(); ++m) {
                    if (!is_taken[m] && m != candidate) opinions[m] = {};
                }
                sum += loss(model.agree(opinions).probabilities, calibration.labels[at]);
            }
            const double mean = sum / static_cast<double>(calibration.cases());
            const double gain = reached - mean;
            const double rate = gain > 0 ? gain / cost_of(candidate) : gain;
            if (!is_found || rate > best_rate) {
                is_found = true;
                best = candidate;
                best_rate = rate;
                best_loss = mean;
            }
        }
        order.push_back(best);
        is_taken[best] = true;
        reached = best_loss;
    }
    return order;
}

std::vector<StopBound> fit_stop_bounds(const OpinionModel& model, const OpinionSet& calibration,
                                       double confidence) {
    check_opinions(model, calibration);
    if (!(confidence > 0 && confidence < 1)) refuse("fit.confidence", "must be above 0 and below 1");
    constexpr std::size_t kMargins = 20;
    const std::vector<std::uint32_t> order = order_of(model);
    std::vector<std::array<std::size_t, kMargins>> cases(order.size());
    std::vector<std::array<std::size_t, kMargins>> changes(order.size());
    for (std::size_t at = 0; at < calibration.cases(); ++at) {
        const std::size_t whole = model.agree(views(calibration, at)).class_index;
        std::vector<std::span<const double>> opinions(calibration.members);
        for (std::size_t run = 1; run < order.size(); ++run) {
            opinions[order[run - 1]] = calibration.opinion(at, order[run - 1]);
            const Consensus part = model.agree(opinions);
            const double reached = margin(part.probabilities);
            for (std::size_t i = 0; i < kMargins && reached >= static_cast<double>(i) / kMargins; ++i) {
                ++cases[run][i];
                if (part.class_index != whole) ++changes[run][i];
            }
        }
    }
    std::vector<StopBound> bounds;
    const double rows = static_cast<double>(kMargins * order.size() - kMargins);
    const double level = 1 - (1 - confidence) / std::max(rows, 1.0);
    for (std::size_t run = 1; run < order.size(); ++run) {
        for (std::size_t i = 0; i < kMargins; ++i) {
            if (cases[run][i] == 0) continue;
            bounds.push_back({.members_run = static_cast<std::uint32_t>(run),
                              .margin = static_cast<double>(i) / kMargins,
                              .change_bound = clopper_pearson_upper(changes[run][i], cases[run][i], level)});
        }
    }
    return bounds;
}

OpinionModel fit(OpinionModel model, const OpinionSet& calibration, const FitOptions& options) {
    if (!options.weights && !options.stacking && !options.order && !options.temperature &&
        !options.conformal && !options.stop_confidence) {
        refuse("fit.steps", "name nothing that is to be fitted");
    }
    if (options.weights) model.weights = fit_weights(model, calibration);
    if (options.stacking) {
        model.rule = model.fallback;  // Valid without a matrix, which comes now.
        check_opinions(model, calibration);
        model.stacking = fit_stacking(calibration, options.l2);
        model.rule = ConsensusRule::Stacking;
    }
    if (options.order) {
        model.order = fit_order(model, calibration, options.cost_ms);
        model.stop_bounds.clear();
    }
    if (options.temperature) model.temperature = fit_temperature(model, calibration);
    if (options.conformal) model.conformal = fit_conformal(model, calibration, *options.conformal);
    if (options.stop_confidence) {
        model.stop_bounds = fit_stop_bounds(model, calibration, *options.stop_confidence);
    }
    return model;
}

double clopper_pearson_upper(std::size_t hits, std::size_t trials, double confidence) {
    if (hits >= trials) return 1;
    // P(X <= hits | p) falls with p: bisection for the p at which it is 1 - confidence.
    const auto n = static_cast<double>(trials);
    const auto tail = [&](double p) {
        double sum = 0;
        for (std::size_t k = 0; k <= hits; ++k) {
            const auto x = static_cast<double>(k);
            sum += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) +
                            x * std::log(p) + (n - x) * std::log1p(-p));
        }
        return sum;
    };
    double low = 0;
    double high = 1;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (tail(middle) > 1 - confidence ? low : high) = middle;
    }
    return high;
}

Share wilson(std::size_t hits, std::size_t trials) {
    if (trials == 0) return {};
    constexpr double z = 1.959963984540054;  // Quantile 0.975 of the normal distribution.
    const auto n = static_cast<double>(trials);
    const double share = static_cast<double>(hits) / n;
    const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return {.value = share, .low = std::max(middle - half, 0.0), .high = std::min(middle + half, 1.0)};
}

}  // namespace consilia::inference
