#include "inference/member_slot.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

// Until a member has run once, what it will hold beyond its weights is guessed from its input. The six
// architectures of the founding use take 14 to 75 times their input at batch 1 (measured); this leaves room
// for others.
constexpr std::uint64_t kActivationsPerInput = 256;

// Only to compare placements until times have been measured.
constexpr double kOpenMsGuess = 200;
constexpr double kBytesPerMsGuess = 4e6;

/// Floats at an address that kernels are promised, so that they take the same path each time.
class AlignedFloats {
public:
    explicit AlignedFloats(std::size_t count) : lines_((count + kPerLine - 1) / kPerLine) {}
    [[nodiscard]] float* data() noexcept { return lines_.empty() ? nullptr : lines_.front().values; }

private:
    static constexpr std::size_t kPerLine = 16;
    struct alignas(64) Line {
        float values[kPerLine];
    };
    std::vector<Line> lines_;
};

std::uint64_t input_bytes(const Manifest& manifest) {
    std::uint64_t bytes = sizeof(float);
    for (const std::int64_t side : manifest.input_shape) bytes *= static_cast<std::uint64_t>(side);
    return bytes;
}

}  // namespace

MemberSlot::MemberSlot(Member member, MemoryLedger& ledger) : member_(std::move(member)), ledger_(ledger) {
    const Manifest& manifest = member_.manifest();
    if (member_.weights()) weights_bytes_ = WeightSlab::size_for(member_.weights()->tensors());
    cost_.id = manifest.id;
    cost_.weights_bytes = weights_bytes_;
    cost_.code_bytes = manifest.code.size_bytes;
    cost_.open_ms = kOpenMsGuess;
    cost_.load_ms = static_cast<double>(weights_bytes_) / kBytesPerMsGuess;
    is_activation_known_ = manifest.activation_bytes.has_value();
    cost_.activation_bytes = manifest.activation_bytes.value_or(0);
    guess_activations();
}

void MemberSlot::guess_activations() noexcept {
    if (is_activation_known_) return;
    // A guess must not keep out a member that may fit: at most what the budget leaves beside it.
    const std::uint64_t whole = cost_.code_bytes + cost_.weights_bytes;
    const std::uint64_t limit = ledger_.limit_bytes();
    const std::uint64_t left = limit > whole ? limit - whole : 0;
    learn_size(cost_.activation_bytes,
               std::min(kActivationsPerInput * input_bytes(member_.manifest()), left));
}

std::uint64_t MemberSlot::open_bytes() const noexcept {
    return is_open() ? 0 : cost_.code_bytes + member_.manifest().code.size_bytes;
}

void MemberSlot::set_times(double open_ms, double load_ms, double run_ms) noexcept {
    if (open_ms > 0) cost_.open_ms = open_ms;
    if (load_ms > 0) cost_.load_ms = load_ms;
    if (run_ms > 0) cost_.run_ms = run_ms;
}

void MemberSlot::learn_size(std::uint64_t& size, std::uint64_t found) noexcept {
    has_size_change_ |= size != found;
    size = found;
}

void MemberSlot::open(const Backend& backend, std::string_view device) {
    if (is_open()) return;
    const Manifest& manifest = member_.manifest();
    try {
        code_reservation_ = ledger_.reserve(cost_.code_bytes, id());
        const auto staging = ledger_.reserve(manifest.code.size_bytes, id());
        const std::vector<std::byte> code = member_.read_code();
        model_ = backend.open({.member_id = manifest.id,
                               .format = manifest.format,
                               .device = device,
                               .code = code,
                               .code_path = &manifest.code.path});
        learn_size(cost_.code_bytes, model_->description().resident_bytes);
        guess_activations();
        code_reservation_.resize(cost_.code_bytes);
        if (model_->description().needs_weights && !member_.weights()) {
            throw core::InferenceError("member.incompatible",
                                       "member `" + id() + "` has code without weights", {{"member", id()}});
        }
    } catch (...) {
        close();
        throw;
    }
}

void MemberSlot::load() {
    if (is_loaded()) return;
    try {
        weights_reservation_ = ledger_.reserve(weights_bytes_, id());
        slab_ = WeightSlab(*member_.weights());
        // After reading: what was written to meanwhile is refused too.
        member_.check_unchanged();
        model_->bind_weights(slab_.views());
        is_bound_ = true;
    } catch (...) {
        unload();
        throw;
    }
}

std::vector<float> MemberSlot::run(std::span<const float> input, const ModelRunOptions& options) {
    const Manifest& manifest = member_.manifest();
    const auto& side = manifest.input_shape;
    const std::array<std::int64_t, 4> input_shape = {1, side[0], side[1], side[2]};
    const std::array<std::int64_t, 2> output_shape = {1, static_cast<std::int64_t>(manifest.classes.size())};
    AlignedFloats inputs(input.size());
    std::copy(input.begin(), input.end(), inputs.data());
    AlignedFloats logits(manifest.classes.size());
    const consilia_tensor_view_t input_view = {nullptr, inputs.data(), input_shape.data(), 4,
                                               CONSILIA_DTYPE_F32};
    const consilia_tensor_view_t output_view = {nullptr, logits.data(), output_shape.data(), 2,
                                                CONSILIA_DTYPE_F32};

    auto activations = ledger_.reserve(cost_.activation_bytes, id());
    const std::uint64_t peak_bytes = model_->run(input_view, output_view, options);
    std::vector<float> answer(logits.data(), logits.data() + manifest.classes.size());
    if (peak_bytes == 0) return answer;  // The backend cannot tell: the estimate stands.
    const std::uint64_t reserved_bytes = activations.size_bytes();
    learn_size(cost_.activation_bytes,
               is_activation_known_ ? std::max(cost_.activation_bytes, peak_bytes) : peak_bytes);
    is_activation_known_ = true;
    // Counted after the fact; a refusal here says that the outcome took more than the budget had.
    if (peak_bytes > reserved_bytes) activations.resize(peak_bytes);
    return answer;
}

void MemberSlot::unload() noexcept {
    if (model_ && is_bound_) model_->unbind_weights();
    is_bound_ = false;
    slab_ = WeightSlab();
    weights_reservation_.release();
}

void MemberSlot::close() noexcept {
    unload();
    model_.reset();
    code_reservation_.release();
}

void MemberSlot::abandon() noexcept {
    if (model_) model_->abandon();
}

}  // namespace consilia::inference
