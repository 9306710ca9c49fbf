#include "inference/member_slot.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/process_meter.hpp"
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

/// A runtime's own share of an opened member is at most so much; what is beyond came from other threads.
constexpr std::uint64_t kUntoldBytesMax = 64 << 20;
/// Below this a process takes and gives pages for other reasons; networks so small are told exactly enough.
constexpr std::uint64_t kUntoldBytesMin = 8 << 20;
constexpr std::uint64_t kUntoldStagingMax = 256 << 20;  ///< Likewise while it is opened.
/// The first runs of a batch size are watched.
constexpr std::size_t kMeasuredRuns = 3;

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

MemberSlot::MemberSlot(Member member, SlotSettings settings)
    : member_(std::move(member)), settings_(std::move(settings)) {
    if (member_.weights()) weights_bytes_ = WeightSlab::size_for(member_.weights()->tensors());
}

void MemberSlot::settle(SlotSettings settings) {
    close();
    profile_ = {};
    settings_ = std::move(settings);
    has_change_ = true;
}

std::uint64_t MemberSlot::code_bytes() const noexcept {
    return profile_.code_bytes().value_or(member_.manifest().code.size_bytes);
}

/// A guess must not keep out a member that may fit: at most what the budget leaves beside it.
std::uint64_t MemberSlot::guessed_activation_bytes(std::size_t batch) const noexcept {
    if (const auto& stated = member_.manifest().activation_bytes) return *stated * batch;
    return std::min(kActivationsPerInput * input_bytes(member_.manifest()) * batch, activation_room_bytes());
}

std::uint64_t MemberSlot::activation_room_bytes() const noexcept {
    return beyond(settings_.ledger->limit_bytes(), code_bytes() + weights_bytes_);
}

std::uint64_t MemberSlot::activation_bytes(std::size_t batch) const {
    return profile_.activation_bytes(batch, activation_room_bytes())
        .value_or(guessed_activation_bytes(batch));
}

std::uint64_t MemberSlot::open_bytes() const noexcept {
    return is_open() ? 0 : code_bytes() + staging_bytes();
}

std::uint64_t MemberSlot::staging_bytes() const noexcept {
    const std::uint64_t file_bytes = member_.manifest().code.size_bytes;
    if (profile_.staging_bytes()) return std::max(file_bytes, *profile_.staging_bytes());
    // A guess must not keep out a member that may fit.
    const std::uint64_t room = beyond(settings_.ledger->limit_bytes(), code_bytes() + file_bytes);
    return file_bytes + std::min(settings_.staging_guess_bytes, room);
}

MemberCost MemberSlot::cost(std::size_t batch) const {
    MemberCost cost;
    cost.id = id();
    cost.code_bytes = code_bytes();
    cost.staging_bytes = staging_bytes();
    cost.weights_bytes = weights_bytes_;
    cost.chunk_bytes = slab_ ? slab_->chunk_bytes() : 1;
    cost.activation_bytes = activation_bytes(batch);
    cost.open_ms = profile_.open_ms().value_or(kOpenMsGuess);
    cost.load_ms = profile_.load_ms().value_or(static_cast<double>(weights_bytes_) / kBytesPerMsGuess);
    cost.run_ms = profile_.run_ms(batch).value_or(0);
    return cost;
}

void MemberSlot::open(std::shared_ptr<const Backend> backend) {
    if (is_open()) return;
    const Manifest& manifest = member_.manifest();
    backend_ = std::move(backend);
    try {
        code_reservation_ = settings_.ledger->reserve(code_bytes(), id());
        const auto staging = settings_.ledger->reserve(staging_bytes(), id());
        ProcessMeter meter;
        std::optional<ProcessMeter::Watch> watch;
        if (settings_.device == "cpu" && !profile_.staging_bytes()) watch.emplace(meter);
        std::vector<std::byte> code = member_.read_code();
        model_ = backend_->open({.member_id = manifest.id,
                                 .format = manifest.format,
                                 .device = settings_.device,
                                 .code = code,
                                 .code_path = &manifest.code.path,
                                 .precision = settings_.precision,
                                 .threads = settings_.threads,
                                 .cache_path = settings_.cache_path});
        std::vector<std::byte>().swap(code);
        std::uint64_t found_bytes = model_->description().resident_bytes;
        // The first opening of all brings the runtime's tables, which are no member's.
        static std::atomic<bool> is_runtime_open = false;
        if (keeps_freed_memory() && is_runtime_open.exchange(true)) {
            const std::uint64_t kept_bytes = meter.grown_bytes();
            if (watch) {
                const std::uint64_t staged_bytes = beyond(watch->peak_bytes(), kept_bytes + kUntoldBytesMin);
                profile_.note_staging_size(std::min(staged_bytes, kUntoldStagingMax));
            }
            found_bytes += std::min(beyond(kept_bytes, found_bytes + kUntoldBytesMin), kUntoldBytesMax);
        }
        watch.reset();
        has_run_ = false;
        has_change_ |= profile_.code_bytes() != found_bytes;
        profile_.note_open_size(found_bytes);
        code_reservation_.resize(found_bytes);
        if (model_->description().needs_weights && !member_.weights()) {
            throw core::InferenceError("member.incompatible",
                                       "member `" + id() + "` has code without weights", {{"member", id()}});
        }
    } catch (...) {
        close();
        throw;
    }
}

std::uint64_t MemberSlot::load() {
    if (is_loaded()) return 0;
    if (!slab_) {
        const auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
        slab_.emplace(*member_.weights(),
                      SlabPlace{.backend = backend_,
                                .device = settings_.device,
                                .staging = settings_.staging,
                                .threads = settings_.threads > 0 ? settings_.threads : cores});
        weights_reservation_ = settings_.ledger->reserve(0, id());
        has_change_ = true;  // The size of its chunks.
    }
    const std::uint64_t missing_bytes = load_bytes();
    try {
        weights_reservation_.resize(weights_bytes_);
        slab_->load(weights_bytes_);
        // After reading: what was written to meanwhile is refused too.
        member_.check_unchanged();
    } catch (...) {
        weights_reservation_.shrink(slab_->loaded_bytes());
        throw;
    }
    model_->bind_weights(slab_->views());
    is_bound_ = true;
    return missing_bytes;
}

void MemberSlot::prefetch(std::uint64_t room_bytes) noexcept {
    if (!slab_ || is_loaded()) return;
    const std::uint64_t wanted = slab_->chunks_within(slab_->loaded_bytes() + room_bytes);
    try {
        weights_reservation_.resize(std::max(wanted, slab_->loaded_bytes()));
        slab_->load(wanted);
    } catch (const core::Error&) {
        // Its own turn finds the same failure, and tells it.
    }
    weights_reservation_.shrink(slab_->loaded_bytes());
}

std::vector<Logits> MemberSlot::run(std::span<const TensorPointer> inputs) {
    const Manifest& manifest = member_.manifest();
    const auto& side = manifest.input_shape;
    const std::size_t batch = inputs.size();
    const std::size_t classes = manifest.classes.size();
    const auto values = static_cast<std::size_t>(side[0] * side[1] * side[2]);
    const std::array<std::int64_t, 4> input_shape = {static_cast<std::int64_t>(batch), side[0], side[1],
                                                     side[2]};
    const std::array<std::int64_t, 2> output_shape = {input_shape[0], static_cast<std::int64_t>(classes)};
    AlignedFloats gathered(batch * values);
    for (std::size_t i = 0; i < batch; ++i) {
        std::copy(inputs[i]->values.begin(), inputs[i]->values.end(), gathered.data() + i * values);
    }
    AlignedFloats logits(batch * classes);
    const consilia_tensor_view_t input_view = {nullptr, gathered.data(), input_shape.data(), 4,
                                               CONSILIA_DTYPE_F32};
    const consilia_tensor_view_t output_view = {nullptr, logits.data(), output_shape.data(), 2,
                                                CONSILIA_DTYPE_F32};

    auto activations = settings_.ledger->reserve(activation_bytes(batch), id());
    const std::uint64_t peak_bytes = run_model(input_view, output_view, batch);
    const std::uint64_t reserved_bytes = activations.size_bytes();
    has_change_ |= profile_.runs(batch) == 0 || (peak_bytes > 0 && peak_bytes != reserved_bytes);
    profile_.note_run_size(batch, peak_bytes);
    std::vector<Logits> answers;
    for (std::size_t i = 0; i < batch; ++i) {
        answers.emplace_back(logits.data() + i * classes, logits.data() + (i + 1) * classes);
    }
    // Counted after the fact; a refusal here says that the outcome took more than the budget had.
    if (peak_bytes > reserved_bytes) activations.resize(peak_bytes);
    return answers;
}

std::uint64_t MemberSlot::run_model(const consilia_tensor_view_t& input, const consilia_tensor_view_t& output,
                                    std::size_t batch) {
    const ModelRunOptions options{.threads = settings_.threads};
    if (!keeps_freed_memory()) return model_->run(input, output, options);
    if (has_run_ && profile_.runs(batch) >= kMeasuredRuns) {
        return std::max(model_->run(input, output, options), activation_bytes(batch));
    }
    ProcessMeter meter;
    std::uint64_t told_bytes = 0;
    std::uint64_t peak_bytes = 0;
    {
        ProcessMeter::Watch watch(meter);
        told_bytes = model_->run(input, output, options);
        peak_bytes = watch.peak_bytes();
    }
    // The first run of all starts the runtime's threads and tables, which are no member's.
    static std::atomic<bool> is_runtime_started = false;
    if (!is_runtime_started.exchange(true)) {
        has_run_ = true;
        return told_bytes;
    }
    const std::uint64_t kept_bytes = std::min(beyond(meter.grown_bytes(), kUntoldBytesMin), kUntoldBytesMax);
    if (!std::exchange(has_run_, true)) {
        // The first run prepares the graph, and that stays.
        profile_.note_open_size(code_reservation_.size_bytes() + kept_bytes);
        code_reservation_.resize(code_reservation_.size_bytes() + kept_bytes);
    }
    // Other threads take memory too: the least of what was seen is nearest to the truth.
    std::uint64_t used_bytes = beyond(peak_bytes, kept_bytes);
    if (used_bytes < told_bytes + kUntoldBytesMin) used_bytes = told_bytes;
    if (profile_.runs(batch) > 0 && used_bytes > 0)
        used_bytes = std::min(used_bytes, activation_bytes(batch));
    return used_bytes;
}

void MemberSlot::unbind() noexcept {
    if (model_ && is_bound_) model_->unbind_weights();
    is_bound_ = false;
}

void MemberSlot::shrink(std::uint64_t bytes) noexcept {
    if (!slab_ || bytes == 0) return;
    unbind();
    const std::uint64_t loaded = slab_->loaded_bytes();
    slab_->drop(beyond(loaded, bytes));
    weights_reservation_.shrink(slab_->loaded_bytes());
}

void MemberSlot::close() noexcept {
    unbind();
    model_.reset();
    slab_.reset();
    weights_reservation_.release();
    code_reservation_.release();
}

void MemberSlot::abandon() noexcept {
    if (model_) model_->abandon();
    if (slab_) slab_->abandon();
}

}  // namespace consilia::inference
