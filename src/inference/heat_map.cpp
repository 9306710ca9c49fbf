#include "consilia/inference/heat_map.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/heat.hpp"
#include "inference/heat_masks.hpp"

namespace consilia::inference {
namespace {

using nlohmann::ordered_json;

/// Ranges of probabilities below this, or below so many times the noise, are drawn as no heat. The largest of
/// the hundred places or so that masks tell apart strays from the mean by two and a half times the noise.
constexpr double kLeastRange = 1e-4;
constexpr double kLeastNoises = 3;

Extent extent_of(const imaging::Tensor& tensor) {
    return {tensor.shape[1], tensor.shape[2]};
}

/// One member's input and what stands where it is covered.
struct Covering {
    std::size_t member = 0;
    std::shared_ptr<const imaging::Tensor> input{};
    std::vector<float> fills{};  ///< One a channel.
};

std::vector<float> fills_of(const imaging::Tensor& input, std::optional<float> fill) {
    const auto channels = static_cast<std::size_t>(input.shape[0]);
    if (fill) return std::vector<float>(channels, *fill);
    const std::size_t pixels = input.values.size() / channels;
    std::vector<float> means;
    for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (const float value : std::span(input.values).subspan(c * pixels, pixels)) {
            sum += static_cast<double>(value);
        }
        means.push_back(static_cast<float>(sum / static_cast<double>(pixels)));
    }
    return means;
}

std::shared_ptr<const imaging::Tensor> cover(const Covering& covering, const KeptPlane& kept) {
    imaging::Tensor covered = *covering.input;
    float* value = covered.values.data();
    for (const float fill : covering.fills) {
        // What is kept whole stays as it was, bit for bit.
        for (const float share : kept) {
            *value = *value * share + fill * (1 - share);
            ++value;
        }
    }
    return std::make_shared<const imaging::Tensor>(std::move(covered));
}

/// One map on its way. Threading: confined.
class Explanation {
public:
    Explanation(Engine& engine, const Inputs& inputs, const HeatMapOptions& options)
        : engine_(engine), inputs_(inputs), options_(options) {}

    HeatMap make() {
        check_options();
        Diagnosis uncovered = run({&inputs_, 1}, 0).front();
        const std::size_t class_index = find_class(uncovered);
        find_coverings(uncovered);
        const HeatMasks masks(options_, extent_of(*coverings_.front().input));
        masks_total_ = masks.size();

        HeatMap map;
        masks.describe(map);
        map.fill = options_.fill;
        map.member_id = options_.member_id;
        map.class_name = engine_.classes()[class_index];
        map.probability = score(uncovered, class_index);
        map.input_hash = hash_inputs();
        add_heat(map, masks, class_index);
        map.diagnosis = std::move(uncovered);
        return map;
    }

private:
    [[noreturn]] static void refuse(const char* field, const std::string& why) {
        throw core::InvalidArgument(std::string("heat_map.") + field, why, {{"field", field}});
    }

    void check_options() {
        check_mask_options(options_);
        if (options_.batch_max < 1 || options_.batch_max > Engine::kMaxBatch) {
            refuse("batch_max", "`batch_max` must be from 1 to " + std::to_string(Engine::kMaxBatch));
        }
        if (!options_.class_name.empty() && index_of(engine_.classes(), options_.class_name) < 0) {
            std::string known;
            for (const std::string& name : engine_.classes()) known += (known.empty() ? "" : ", ") + name;
            refuse("class_name",
                   "`" + options_.class_name.substr(0, 64) + "` is none of the classes " + known);
        }
        if (options_.member_id.empty()) return;
        const std::vector<MemberStatus> members = engine_.members();
        const auto found = std::ranges::find(members, options_.member_id, &MemberStatus::id);
        if (found == members.end()) {
            refuse("member_id", "no member has the id `" + options_.member_id.substr(0, 64) + "`");
        }
        member_ = static_cast<std::size_t>(found - members.begin());
    }

    static std::ptrdiff_t index_of(const std::vector<std::string>& names, std::string_view name) {
        const auto found = std::ranges::find(names, name);
        return found == names.end() ? -1 : found - names.begin();
    }

    /// The class that was named, or what they say of the image.
    [[nodiscard]] std::size_t find_class(const Diagnosis& uncovered) const {
        const std::string& label = member_ ? uncovered.opinions[*member_].label : uncovered.label;
        return static_cast<std::size_t>(
            index_of(engine_.classes(), options_.class_name.empty() ? label : options_.class_name));
    }

    void find_coverings(const Diagnosis& uncovered) {
        for (std::size_t i = 0; i < uncovered.opinions.size(); ++i) {
            if (!uncovered.opinions[i].is_given()) continue;
            const auto& input = inputs_.tensors[i];
            coverings_.push_back({i, input, fills_of(*input, options_.fill)});
        }
    }

    [[nodiscard]] std::string hash_inputs() const {
        core::Sha256 hash;
        for (const Covering& covering : coverings_) {
            hash.update(std::as_bytes(std::span(covering.input->values)));
        }
        return hash.finish();
    }

    [[nodiscard]] double score(const Diagnosis& diagnosis, std::size_t class_index) const {
        return member_ ? diagnosis.opinions[*member_].probabilities[class_index]
                       : diagnosis.probabilities[class_index];
    }

    void add_heat(HeatMap& map, const HeatMasks& masks, std::size_t class_index) {
        const Extent extent = extent_of(*coverings_.front().input);
        HeatSum sum(options_.method, map.probability, static_cast<std::size_t>(extent.height * extent.width));
        for (std::size_t begin = 0; begin < masks.size(); begin += options_.batch_max) {
            const std::size_t count = std::min(options_.batch_max, masks.size() - begin);
            std::vector<Inputs> batch;
            std::vector<KeptPlane> kept;
            for (std::size_t i = begin; i < begin + count; ++i) batch.push_back(covered(masks, i, kept));
            const std::vector<Diagnosis> diagnoses = run(batch, begin);
            for (std::size_t i = 0; i < count; ++i) sum.add(kept[i], score(diagnoses[i], class_index));
        }
        map.values = sum.values();
        map.noise = sum.noise();
        const auto [least, most] = std::minmax_element(map.values.begin(), map.values.end());
        map.min = *least;
        map.max = *most;
    }

    /// The inputs under one mask; appends the mask as the map sees it. Members that did not answer before get
    /// no input, and so cannot begin to.
    Inputs covered(const HeatMasks& masks, std::size_t index, std::vector<KeptPlane>& kept) const {
        std::map<Extent, KeptPlane> drawn;
        Inputs inputs;
        inputs.tensors.resize(inputs_.tensors.size());
        for (const Covering& covering : coverings_) {
            const Extent extent = extent_of(*covering.input);
            auto found = drawn.find(extent);
            if (found == drawn.end()) found = drawn.emplace(extent, masks.draw(index, extent)).first;
            inputs.tensors[covering.member] = cover(covering, found->second);
        }
        kept.push_back(std::move(drawn.at(extent_of(*coverings_.front().input))));
        return inputs;
    }

    /// Runs a batch of which everyone who is asked must answer.
    std::vector<Diagnosis> run(std::span<const Inputs> batch, std::size_t masks_done) {
        bool is_stopped = false;
        BatchOptions run_options;
        run_options.only_member = member_;
        run_options.is_probe = true;
        run_options.is_cancelled = [&is_stopped](std::size_t) { return is_stopped; };
        run_options.progress = [&](const BatchProgress& at) {
            if (!options_.progress || masks_total_ == 0) return;
            const bool is_done = at.members_done == at.members_total;
            is_stopped |= !options_.progress({masks_done + (is_done ? batch.size() : 0), masks_total_});
        };
        std::vector<BatchOutcome> outcomes = engine_.run_batch(batch, run_options);
        if (is_stopped) {
            throw core::Cancelled("run.cancelled", "the caller stopped the heat map",
                                  {{"masks_done", static_cast<std::int64_t>(masks_done)},
                                   {"masks_total", static_cast<std::int64_t>(masks_total_)}});
        }
        std::vector<Diagnosis> diagnoses;
        for (BatchOutcome& outcome : outcomes) {
            if (outcome.error) std::rethrow_exception(outcome.error);
            diagnoses.push_back(std::move(outcome.diagnosis));
            check_answers(diagnoses.back());
        }
        return diagnoses;
    }

    void check_answers(const Diagnosis& diagnosis) const {
        for (const Covering& covering : coverings_) {
            const Opinion& opinion = diagnosis.opinions[covering.member];
            if (opinion.is_given()) continue;
            throw core::InferenceError(
                "heat_map.member_failed",
                "member `" + opinion.member_id +
                    "` answered for the image and failed under a mask: " + opinion.error_message,
                {{"member", opinion.member_id}, {"code", opinion.error_code}});
        }
    }

    Engine& engine_;
    const Inputs& inputs_;
    const HeatMapOptions& options_;
    std::optional<std::size_t> member_{};
    std::vector<Covering> coverings_{};  ///< Of those who are asked; once they are known.
    std::size_t masks_total_ = 0;        ///< Once it is known.
};

}  // namespace

std::string_view to_string(HeatMapMethod method) noexcept {
    return method == HeatMapMethod::Occlusion ? "occlusion" : "random_masks";
}

HeatMapMethod parse_heat_map_method(std::string_view name) {
    for (const HeatMapMethod method : {HeatMapMethod::Occlusion, HeatMapMethod::RandomMasks}) {
        if (name == to_string(method)) return method;
    }
    throw core::InvalidArgument(
        "heat_map.method",
        "`" + std::string(name.substr(0, 64)) + "` is no method: `occlusion` or `random_masks`",
        {{"field", "method"}});
}

std::string HeatMap::to_json() const {
    ordered_json parameters = {{"name", to_string(method)},
                               {"algorithm_version", kAlgorithmVersion},
                               {"masks", masks},
                               {"fill", fill ? ordered_json(*fill) : ordered_json("mean")}};
    if (method == HeatMapMethod::Occlusion) {
        parameters["window"] = window;
        parameters["stride"] = stride;
    } else {
        parameters["cells"] = cells;
        parameters["keep_probability"] = keep_probability;
        parameters["seed"] = seed;
    }
    const ordered_json document = {{"width", width},
                                   {"height", height},
                                   {"min", min},
                                   {"max", max},
                                   {"noise", noise},
                                   {"member_id", member_id},
                                   {"class_name", class_name},
                                   {"probability", probability},
                                   {"method", std::move(parameters)},
                                   {"input_hash", input_hash},
                                   {"diagnosis", ordered_json::parse(diagnosis.to_json())}};
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

namespace {

imaging::HeatPlane plane_of(const HeatMap& map) {
    double cold = 0;
    if (map.method == HeatMapMethod::RandomMasks) {
        cold = std::accumulate(map.values.begin(), map.values.end(), 0.0) /
               static_cast<double>(map.values.size());
    }
    const bool has_heat = map.max - cold >= std::max(kLeastRange, kLeastNoises * map.noise);
    const auto cold_value = static_cast<float>(cold);
    return {map.width, map.height, map.values, cold_value, has_heat ? map.max : cold_value};
}

}  // namespace

imaging::Image HeatMap::draw() const {
    return imaging::draw_heat(plane_of(*this));
}

imaging::Image HeatMap::draw_over(const imaging::Image& image, double opacity) const {
    return imaging::draw_heat_over(image, plane_of(*this), opacity);
}

HeatMap explain(Engine& engine, const Inputs& inputs, const HeatMapOptions& options) {
    return Explanation(engine, inputs, options).make();
}

}  // namespace consilia::inference
