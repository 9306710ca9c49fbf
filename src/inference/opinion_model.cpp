#include "consilia/inference/opinion_model.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "inference/whole_number.hpp"

namespace consilia::inference {

namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr const char* kJsonCode = "opinion_model.json";
constexpr std::size_t kMaxJsonBytes = std::size_t{64} << 20;

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
    throw core::InvalidArgument("opinion_model." + field, "`" + field + "` " + why);
}

void check_names(const std::vector<std::string>& names, const std::string& field) {
    if (names.empty()) refuse(field, "must name at least one");
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
        refuse(field, "must all be different");
    }
}

void check_stacking(const OpinionModel& model) {
    const std::size_t classes = model.classes.size();
    const std::size_t wanted = classes * (model.member_ids.size() * classes + 1);
    if (model.fallback == ConsensusRule::Stacking) refuse("fallback", "cannot be `stacking` itself");
    if (model.rule != ConsensusRule::Stacking && model.stacking.empty()) return;
    if (model.stacking.size() != wanted) {
        refuse("stacking", "needs " + std::to_string(wanted) + " numbers, found " +
                               std::to_string(model.stacking.size()));
    }
    for (const double value : model.stacking) {
        if (!std::isfinite(value)) refuse("stacking", "holds what is not a finite number");
    }
}

void check_conformal(const ConformalSets& sets) {
    if (!(sets.alpha > 0 && sets.alpha < 1)) refuse("conformal", "needs an alpha above 0 and below 1");
    if (!(sets.penalty >= 0) || !std::isfinite(sets.penalty))
        refuse("conformal", "needs a penalty of 0 or more");
    if (!(sets.threshold >= 0) || !std::isfinite(sets.threshold)) {
        refuse("conformal", "needs a threshold of 0 or more");
    }
}

void check_order(const OpinionModel& model) {
    if (model.order.empty()) return;
    std::vector<std::uint32_t> sorted = model.order;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::uint32_t> all(model.member_ids.size());
    std::iota(all.begin(), all.end(), 0U);
    if (sorted != all) refuse("order", "must hold the index of every member once");
}

void check_bounds(const OpinionModel& model) {
    for (const StopBound& bound : model.stop_bounds) {
        if (bound.members_run == 0 || bound.members_run >= model.member_ids.size()) {
            refuse("stop_bounds", "count at least one member, and fewer than all");
        }
        if (!(bound.margin >= 0 && bound.margin <= 1)) refuse("stop_bounds", "need a margin from 0 to 1");
        if (!(bound.change_bound >= 0 && bound.change_bound <= 1)) {
            refuse("stop_bounds", "need a probability from 0 to 1");
        }
    }
}

ConsensusRule read_rule(const ordered_json& document, const char* field) {
    try {
        return parse_consensus_rule(document.at(field).get<std::string>());
    } catch (const core::InvalidArgument& error) {
        refuse(field, std::string("cannot be used: ") + error.what());
    }
}

OpinionModel read(const ordered_json& document) {
    OpinionModel model;
    document.at("member_ids").get_to(model.member_ids);
    document.at("classes").get_to(model.classes);
    document.at("weights").get_to(model.weights);
    model.rule = read_rule(document, "rule");
    model.fallback = read_rule(document, "fallback");
    document.at("stacking").get_to(model.stacking);
    document.at("temperature").get_to(model.temperature);
    document.at("confidence_threshold").get_to(model.confidence_threshold);
    if (const auto& sets = document.at("conformal"); !sets.is_null()) {
        model.conformal =
            ConformalSets{.alpha = sets.at("alpha").get<double>(),
                          .penalty = sets.at("penalty").get<double>(),
                          .free_ranks = whole_number<std::uint32_t>(sets.at("free_ranks"), kJsonCode),
                          .threshold = sets.at("threshold").get<double>()};
    }
    for (const auto& index : document.at("order"))
        model.order.push_back(whole_number<std::uint32_t>(index, kJsonCode));
    for (const auto& bound : document.at("stop_bounds")) {
        model.stop_bounds.push_back(
            {.members_run = whole_number<std::uint32_t>(bound.at("members_run"), kJsonCode),
             .margin = bound.at("margin").get<double>(),
             .change_bound = bound.at("change_bound").get<double>()});
    }
    return model;
}

/// Logits of the fitted matrix over the opinions of all members.
std::vector<double> stack(const OpinionModel& model, std::span<const std::span<const double>> opinions) {
    const std::size_t classes = model.classes.size();
    const std::size_t columns = opinions.size() * classes + 1;
    std::vector<double> logits(classes);
    for (std::size_t row = 0; row < classes; ++row) {
        const double* matrix = model.stacking.data() + row * columns;
        double sum = matrix[columns - 1];
        for (std::size_t member = 0; member < opinions.size(); ++member) {
            for (std::size_t i = 0; i < classes; ++i) {
                sum += *matrix++ * std::log(std::max(opinions[member][i], kLogFloor));
            }
        }
        logits[row] = sum;
    }
    return logits;
}

/// Classes from the most to the least probable; the earlier of equals first.
std::vector<std::size_t> ranking(std::span<const double> probabilities) {
    std::vector<std::size_t> ranked(probabilities.size());
    std::iota(ranked.begin(), ranked.end(), std::size_t{0});
    std::stable_sort(ranked.begin(), ranked.end(),
                     [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
    return ranked;
}

double rank_penalty(std::size_t rank, const ConformalSets& sets) {
    return rank > sets.free_ranks ? sets.penalty * static_cast<double>(rank - sets.free_ranks) : 0;
}

}  // namespace

void OpinionModel::validate() const {
    check_names(member_ids, "member_ids");
    check_names(classes, "classes");
    if (weights.size() != member_ids.size()) refuse("weights", "need one number a member");
    for (const double weight : weights) {
        if (!(weight > 0) || !std::isfinite(weight)) refuse("weights", "must be above 0");
    }
    check_stacking(*this);
    if (!(temperature > 0) || !std::isfinite(temperature)) refuse("temperature", "must be above 0");
    if (!(confidence_threshold >= 0 && confidence_threshold <= 1)) {
        refuse("confidence_threshold", "must be from 0 to 1");
    }
    if (conformal) check_conformal(*conformal);
    check_order(*this);
    check_bounds(*this);
}

std::string OpinionModel::to_json() const {
    ordered_json document = {{"version", kVersion},
                             {"member_ids", member_ids},
                             {"classes", classes},
                             {"weights", weights},
                             {"rule", to_string(rule)},
                             {"fallback", to_string(fallback)},
                             {"stacking", stacking},
                             {"temperature", temperature},
                             {"confidence_threshold", confidence_threshold},
                             {"conformal", nullptr},
                             {"order", order},
                             {"stop_bounds", ordered_json::array()}};
    if (conformal) {
        document["conformal"] = {{"alpha", conformal->alpha},
                                 {"penalty", conformal->penalty},
                                 {"free_ranks", conformal->free_ranks},
                                 {"threshold", conformal->threshold}};
    }
    for (const StopBound& bound : stop_bounds) {
        document["stop_bounds"].push_back({{"members_run", bound.members_run},
                                           {"margin", bound.margin},
                                           {"change_bound", bound.change_bound}});
    }
    return document.dump();
}

OpinionModel OpinionModel::from_json(std::string_view json) {
    if (json.size() > kMaxJsonBytes) refuse("json", "is larger than 64 MiB");
    OpinionModel model;
    try {
        const auto document = ordered_json::parse(json);
        const auto version = whole_number<std::uint32_t>(document.at("version"), kJsonCode);
        if (version != kVersion) {
            refuse("version", "must be " + std::to_string(kVersion) + ", not " + std::to_string(version));
        }
        model = read(document);
    } catch (const nlohmann::json::exception& error) {
        refuse("json", std::string("cannot be read: ") + error.what());
    }
    model.validate();
    return model;
}

OpinionModel OpinionModel::load(const std::filesystem::path& path) {
    return from_json(core::read_text_file(path, kMaxJsonBytes));
}

void OpinionModel::save(const std::filesystem::path& path) const {
    validate();
    const std::filesystem::path directory = path.parent_path();
    core::AtomicFile file(directory.empty() ? "." : directory);
    const std::string json = to_json();
    file.write(std::as_bytes(std::span(json)));
    file.commit(path.filename().string());
}

std::string OpinionModel::hash() const {
    return core::sha256(to_json());
}

Consensus OpinionModel::agree(std::span<const std::span<const double>> opinions) const {
    if (opinions.size() != member_ids.size()) {
        throw core::InvalidArgument("consensus.votes", "the model has " + std::to_string(member_ids.size()) +
                                                           " members, not " +
                                                           std::to_string(opinions.size()));
    }
    std::vector<Vote> votes;
    for (std::size_t i = 0; i < opinions.size(); ++i) {
        if (opinions[i].empty()) continue;
        if (opinions[i].size() != classes.size()) {
            throw core::InvalidArgument(
                "consensus.votes", "member `" + member_ids[i] + "` answered with another number of classes");
        }
        votes.push_back({opinions[i], weights[i]});
    }
    const bool stacks = rule == ConsensusRule::Stacking && votes.size() == opinions.size();
    Consensus consensus = inference::agree(votes, rule == ConsensusRule::Stacking ? fallback : rule);
    if (stacks) {
        std::vector<double> logits = stack(*this, opinions);
        consensus.class_index = first_choice(logits);
        consensus.probabilities = normalized_exponentials(std::move(logits));
        const auto agreeing = std::count_if(votes.begin(), votes.end(), [&](const Vote& vote) {
            return first_choice(vote.probabilities) == consensus.class_index;
        });
        consensus.agreement = static_cast<double>(agreeing) / static_cast<double>(votes.size());
    }
    consensus.probabilities = temper(consensus.probabilities, temperature);
    consensus.confidence = consensus.probabilities[consensus.class_index];
    consensus.entropy = normalized_entropy(consensus.probabilities);
    return consensus;
}

std::vector<std::size_t> OpinionModel::conformal_set(std::span<const double> probabilities) const {
    if (!conformal) refuse("conformal", "was not fitted");
    std::vector<std::size_t> set;
    double sum = 0;
    for (const std::size_t class_index : ranking(probabilities)) {
        sum += probabilities[class_index];
        if (!set.empty() && sum + rank_penalty(set.size() + 1, *conformal) > conformal->threshold) break;
        set.push_back(class_index);
    }
    return set;
}

std::vector<double> temper(std::span<const double> probabilities, double temperature) {
    if (!(temperature > 0) || !std::isfinite(temperature)) refuse("temperature", "must be above 0");
    std::vector<double> values(probabilities.begin(), probabilities.end());
    if (temperature == 1) return values;
    for (double& value : values) value = std::log(std::max(value, kLogFloor)) / temperature;
    return normalized_exponentials(std::move(values));
}

double conformal_score(std::span<const double> probabilities, std::size_t class_index,
                       const ConformalSets& sets) {
    double sum = 0;
    std::size_t rank = 0;
    for (const std::size_t ranked : ranking(probabilities)) {
        sum += probabilities[ranked];
        ++rank;
        if (ranked == class_index) return sum + rank_penalty(rank, sets);
    }
    throw core::InvalidArgument("conformal.class", "there is no class " + std::to_string(class_index));
}

}  // namespace consilia::inference
