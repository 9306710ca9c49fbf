#include "consilia/inference/early_stop.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::inference {

namespace {

/// What the rounding of a sum of `terms` numbers can amount to, whose absolute values sum to `magnitude`:
/// (n + 1) * u * magnitude for each of two sums in any order (Higham, Accuracy and Stability of Numerical
/// Algorithms, section 4.2), u for each product and logarithm, and room for the division after.
double rounding(std::size_t terms, double magnitude) {
    return 8 * static_cast<double>(terms + 4) * std::numeric_limits<double>::epsilon() * magnitude;
}

const double kLogRange = -std::log(kLogFloor);

}  // namespace

double margin(std::span<const double> probabilities) noexcept {
    if (probabilities.size() < 2) return 1;
    double first = -1;
    double second = -1;
    for (const double value : probabilities) {
        if (value > first) {
            second = first;
            first = value;
        } else {
            second = std::max(second, value);
        }
    }
    return first - second;
}

EarlyStop::EarlyStop(const OpinionModel& model)
    : model_(model),
      opinions_(model.member_ids.size()),
      is_heard_(model.member_ids.size(), false),
      sums_(model.classes.size(), 0.0),
      weighted_sums_(model.classes.size(), 0.0),
      log_sums_(model.classes.size(), 0.0),
      first_choices_(model.classes.size(), 0),
      weight_left_(std::accumulate(model.weights.begin(), model.weights.end(), 0.0)),
      weight_total_(weight_left_),
      members_left_(model.member_ids.size()) {}

void EarlyStop::hear(std::size_t member) {
    if (member >= is_heard_.size()) {
        throw core::InvalidArgument("early_stop.member", "there is no member " + std::to_string(member));
    }
    if (is_heard_[member]) {
        throw core::InvalidArgument("early_stop.member",
                                    "member `" + model_.member_ids[member] + "` has been heard");
    }
    const std::size_t place = is_heard_.size() - members_left_;
    ran_in_order_ = ran_in_order_ && member == (model_.order.empty() ? place : model_.order[place]);
    is_heard_[member] = true;
    --members_left_;
    // Summed anew: what was subtracted from would keep the rounding of weights that are gone.
    weight_left_ = 0;
    for (std::size_t i = 0; i < is_heard_.size(); ++i) weight_left_ += is_heard_[i] ? 0 : model_.weights[i];
}

void EarlyStop::add(std::size_t member, std::span<const double> probabilities) {
    if (probabilities.size() != model_.classes.size()) {
        throw core::InvalidArgument("consensus.votes", "an opinion needs one probability a class");
    }
    for (const double value : probabilities) {
        if (!(value >= 0 && value <= 1)) {
            throw core::InvalidArgument("consensus.votes", "a probability must be from 0 to 1");
        }
    }
    hear(member);
    const double weight = model_.weights[member];
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        sums_[i] += probabilities[i];
        weighted_sums_[i] += weight * probabilities[i];
        log_sums_[i] += weight * std::log(std::max(probabilities[i], kLogFloor));
    }
    ++first_choices_[first_choice(probabilities)];
    ++members_run_;
    opinions_[member].assign(probabilities.begin(), probabilities.end());
}

void EarlyStop::drop(std::size_t member) {
    hear(member);
    has_failures_ = true;
}

Consensus EarlyStop::consensus() const {
    const std::vector<std::span<const double>> views(opinions_.begin(), opinions_.end());
    return model_.agree(views);
}

bool EarlyStop::is_decided() const {
    if (members_left_ == 0) return true;
    if (members_run_ == 0) return false;
    const std::size_t leader = consensus().class_index;
    if (model_.rule != ConsensusRule::Stacking) return is_settled(model_.rule, leader);
    if (!is_settled(model_.fallback, leader)) return false;
    return has_failures_ || is_settled(ConsensusRule::Stacking, leader);
}

bool EarlyStop::is_decided(double epsilon) const {
    if (is_decided()) return true;
    if (members_run_ == 0 || has_failures_ || !ran_in_order_) return false;
    const double reached = margin(consensus().probabilities);
    return std::any_of(model_.stop_bounds.begin(), model_.stop_bounds.end(), [&](const StopBound& bound) {
        return bound.members_run == members_run_ && reached >= bound.margin && bound.change_bound <= epsilon;
    });
}

bool EarlyStop::is_settled(ConsensusRule rule, std::size_t leader) const {
    for (std::size_t rival = 0; rival < model_.classes.size(); ++rival) {
        if (rival == leader) continue;
        const bool beats = rule == ConsensusRule::Majority   ? beats_in_majority(leader, rival)
                           : rule == ConsensusRule::Stacking ? beats_in_stacking(leader, rival)
                                                             : beats_in_pool(rule, leader, rival);
        if (!beats) return false;
    }
    return true;
}

bool EarlyStop::beats_in_pool(ConsensusRule rule, std::size_t leader, std::size_t rival) const {
    const bool is_log = rule == ConsensusRule::LogOpinionPool;
    const double range = is_log ? kLogRange : 1;
    const std::vector<double>& sums = is_log ? log_sums_ : weighted_sums_;
    const double slack = rounding(is_heard_.size(), weight_total_ * range);
    return sums[leader] - sums[rival] > weight_left_ * range + slack;
}

bool EarlyStop::beats_in_majority(std::size_t leader, std::size_t rival) const {
    const std::size_t reach = first_choices_[rival] + members_left_;
    if (first_choices_[leader] != reach) return first_choices_[leader] > reach;
    // A tie needs all members left to choose the rival: their sums then favour it by at most one each.
    const auto left = static_cast<double>(members_left_);
    return sums_[leader] - sums_[rival] >
           left + rounding(is_heard_.size(), static_cast<double>(is_heard_.size()));
}

bool EarlyStop::beats_in_stacking(std::size_t leader, std::size_t rival) const {
    const std::size_t classes = model_.classes.size();
    const std::size_t columns = is_heard_.size() * classes + 1;
    const double* of_leader = model_.stacking.data() + leader * columns;
    const double* of_rival = model_.stacking.data() + rival * columns;
    double lead = of_leader[columns - 1] - of_rival[columns - 1];
    double magnitude = std::abs(of_leader[columns - 1]) + std::abs(of_rival[columns - 1]);
    for (std::size_t member = 0; member < is_heard_.size(); ++member) {
        for (std::size_t i = 0; i < classes; ++i) {
            const std::size_t column = member * classes + i;
            const double slope = of_leader[column] - of_rival[column];
            magnitude += (std::abs(of_leader[column]) + std::abs(of_rival[column])) * kLogRange;
            if (is_heard_[member]) {
                lead += slope * std::log(std::max(opinions_[member][i], kLogFloor));
            } else {
                lead -= std::max(slope, 0.0) * kLogRange;  // A logarithm is from -kLogRange to 0.
            }
        }
    }
    return lead > rounding(columns, magnitude);
}

}  // namespace consilia::inference
