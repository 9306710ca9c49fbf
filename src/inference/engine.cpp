#include "consilia/inference/engine.hpp"

#include "inference/engine_state.hpp"

namespace consilia::inference {

Engine::Engine(const std::vector<std::filesystem::path>& members, EngineOptions options)
    : state_(std::make_unique<State>(members, std::move(options))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

namespace {

Engine::InputSource source_of(imaging::Preprocessor& preprocessor, const std::filesystem::path& file,
                              std::string_view sha256) {
    return [&preprocessor, &file, sha256](const Manifest& manifest) {
        return preprocessor.prepare(manifest.pipeline, file, sha256);
    };
}

Engine::InputSource source_of(imaging::Preprocessor& preprocessor, std::span<const std::byte> bytes) {
    return [&preprocessor, bytes](const Manifest& manifest) {
        return preprocessor.prepare(manifest.pipeline, bytes);
    };
}

Engine::InputSource source_of(const imaging::Image& image) {
    return [&image](const Manifest& manifest) {
        return std::make_shared<const imaging::Tensor>(manifest.pipeline.apply(image));
    };
}

}  // namespace

Diagnosis Engine::run(const std::filesystem::path& file, std::string_view sha256, const RunOptions& options) {
    return state_->run(source_of(*state_->options.preprocessor, file, sha256), options);
}

Diagnosis Engine::run(std::span<const std::byte> bytes, const RunOptions& options) {
    return state_->run(source_of(*state_->options.preprocessor, bytes), options);
}

Diagnosis Engine::run(const imaging::Image& image, const RunOptions& options) {
    return state_->run(source_of(image), options);
}

Diagnosis Engine::run(const InputSource& inputs, const RunOptions& options) {
    return state_->run(inputs, options);
}

Inputs Engine::prepare(const std::filesystem::path& file, std::string_view sha256) const {
    return state_->prepare(source_of(*state_->options.preprocessor, file, sha256));
}

Inputs Engine::prepare(std::span<const std::byte> bytes) const {
    return state_->prepare(source_of(*state_->options.preprocessor, bytes));
}

Inputs Engine::prepare(const imaging::Image& image) const {
    return state_->prepare(source_of(image));
}

Inputs Engine::prepare(const InputSource& inputs) const {
    return state_->prepare(inputs);
}

std::vector<BatchOutcome> Engine::run_batch(std::span<const Inputs> batch, const BatchOptions& options) {
    return state_->run_batch(batch, options);
}

std::vector<BatchOutcome> Engine::run_batch(std::size_t count,
                                            const std::function<Inputs(std::size_t)>& prepare_one,
                                            const BatchOptions& options) {
    return state_->run_batch(count, prepare_one, options);
}

void Engine::warm_up(std::span<const std::size_t> batches) {
    state_->warm_up(batches);
}

std::vector<MemberStatus> Engine::members() const {
    state_->check_process();
    const std::lock_guard lock(state_->status_mutex);
    std::vector<MemberStatus> statuses;
    for (const auto& entry : state_->entries) statuses.push_back(entry.status);
    return statuses;
}

const std::vector<std::string>& Engine::classes() const noexcept {
    return state_->classes;
}

Plan Engine::plan(std::size_t batch) const {
    state_->check_process();
    State::check_batch_size(batch);
    const std::lock_guard lock(state_->device->turn());
    return state_->device->plan(state_->planned_batch(batch));
}

MemoryUse Engine::memory() const {
    state_->check_process();
    const MemoryLedger& ledger = *state_->options.ledger;
    return {ledger.limit_bytes(), ledger.held_bytes(), ledger.peak_bytes(), ledger.holders()};
}

void Engine::release_memory() {
    state_->check_process();
    state_->release_memory();
}

}  // namespace consilia::inference
