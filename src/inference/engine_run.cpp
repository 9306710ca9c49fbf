// Running an engine: from inputs to diagnoses, member by member.
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/engine_state.hpp"

namespace consilia::inference {

namespace {

void check_input(const Manifest& manifest, const TensorPointer& input) {
    const bool fits =
        input && input->layout == imaging::Layout::Chw && input->shape == manifest.input_shape &&
        input->values.size() == static_cast<std::size_t>(input->shape[0] * input->shape[1] * input->shape[2]);
    if (fits) return;
    throw core::InferenceError("member.input",
                               "the input of member `" + manifest.id + "` has another shape than it wants",
                               {{"member", manifest.id}});
}

/// Failures of which a later run would find the same.
bool is_lasting(const core::Error& error) {
    return error.code() == "member.incompatible" || error.code() == "member.damaged";
}

/// Mean over the views of one image.
std::vector<double> mean_softmax(std::span<const Logits> views, double temperature) {
    std::vector<double> mean = softmax(views.front(), temperature);
    for (const Logits& view : views.subspan(1)) {
        const std::vector<double> seen = softmax(view, temperature);
        std::transform(mean.begin(), mean.end(), seen.begin(), mean.begin(), std::plus<>());
    }
    if (views.size() == 1) return mean;
    for (double& probability : mean) probability /= static_cast<double>(views.size());
    return mean;
}

}  // namespace

void Engine::State::check_batch_size(std::size_t count) {
    if (count > 0 && count <= kMaxBatch) return;
    throw core::InvalidArgument("engine.batch", "a batch is of 1 to " + std::to_string(kMaxBatch) + " images",
                                {{"found", static_cast<std::int64_t>(count)}});
}

void Engine::State::check_process() const {
    if (::getpid() == pid_) return;
    throw core::Unavailable("engine.forked",
                            "this engine was opened before a fork: open another one in this process");
}

Inputs Engine::State::prepare(const InputSource& source) const {
    check_process();
    Inputs inputs;
    inputs.tensors.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        bool is_ready = false;
        {
            const std::lock_guard lock(status_mutex);
            is_ready = entries[i].status.is_ready();
        }
        if (is_ready) inputs.tensors[i] = source(entries[i].manifest);
    }
    return inputs;
}

Diagnosis Engine::State::run(const InputSource& source, const RunOptions& run_options) {
    const Inputs inputs = prepare(source);
    std::vector<Item> items = begin({&inputs, 1}, {});
    run_items(items, [&](std::size_t entry, std::size_t done) {
        const Opinion& opinion = items.front().diagnosis.opinions[entry];
        const RunProgress progress{opinion.member_id, done, entries.size(), &opinion};
        if (run_options.progress && !run_options.progress(progress)) {
            throw core::Cancelled("run.cancelled",
                                  "the caller stopped the run after `" + opinion.member_id + "`",
                                  {{"members_done", static_cast<std::int64_t>(done)}});
        }
    });
    if (items.front().error) std::rethrow_exception(items.front().error);
    note_drift(items.front());
    return std::move(items.front().diagnosis);
}

std::vector<BatchOutcome> Engine::State::run_batch(std::span<const Inputs> batch,
                                                   const BatchOptions& run_options) {
    check_process();
    check_batch_size(batch.size());
    for (const Inputs& inputs : batch) {
        if (inputs.tensors.size() == entries.size()) continue;
        throw core::InvalidArgument("engine.batch", "an image was not prepared by this engine");
    }
    if (run_options.only_member && *run_options.only_member >= entries.size()) {
        throw core::InvalidArgument("engine.batch",
                                    "`only_member` is " + std::to_string(*run_options.only_member) + " of " +
                                        std::to_string(entries.size()) + " members",
                                    {{"field", "only_member"}});
    }
    std::vector<Item> items = begin(batch, run_options);
    const auto drop_cancelled = [&](std::size_t done) {
        if (!run_options.is_cancelled) return;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (items[i].error || !run_options.is_cancelled(i)) continue;
            items[i].error =
                std::make_exception_ptr(core::Cancelled("run.cancelled", "the caller stopped the run",
                                                        {{"members_done", static_cast<std::int64_t>(done)}}));
        }
    };
    drop_cancelled(0);
    run_items(items, [&](std::size_t entry, std::size_t done) {
        if (run_options.progress) run_options.progress({entries[entry].status.id, done, entries.size()});
        if (done < entries.size()) drop_cancelled(done);
    });
    std::vector<BatchOutcome> outcomes;
    if (!run_options.is_probe) {
        for (const Item& item : items) note_drift(item);
    }
    for (Item& item : items) outcomes.push_back({std::move(item.diagnosis), std::move(item.error)});
    return outcomes;
}

std::vector<BatchOutcome> Engine::State::run_batch(std::size_t count,
                                                   const std::function<Inputs(std::size_t)>& prepare_one,
                                                   const BatchOptions& run_options) {
    check_process();
    check_batch_size(count);
    std::vector<BatchOutcome> outcomes(count);
    std::vector<Inputs> batch;
    std::vector<std::size_t> places;
    for (std::size_t place = 0; place < count; ++place) {
        try {
            batch.push_back(prepare_one(place));
            places.push_back(place);
        } catch (const core::Error&) {
            outcomes[place].error = std::current_exception();
        }
    }
    if (batch.empty()) return outcomes;
    BatchOptions of_prepared = run_options;
    if (run_options.is_cancelled) {
        of_prepared.is_cancelled = [&](std::size_t item) { return run_options.is_cancelled(places[item]); };
    }
    std::vector<BatchOutcome> run = run_batch(batch, of_prepared);
    for (std::size_t i = 0; i < run.size(); ++i) outcomes[places[i]] = std::move(run[i]);
    return outcomes;
}

std::vector<Engine::State::Item> Engine::State::begin(std::span<const Inputs> batch,
                                                      const BatchOptions& run_options) const {
    std::vector<Item> items(batch.size());
    const std::lock_guard lock(status_mutex);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        items[i].inputs = &batch[i];
        for (std::size_t j = 0; j < entries.size(); ++j) {
            const Entry& entry = entries[j];
            Opinion& opinion = items[i].diagnosis.opinions.emplace_back();
            opinion.member_id = entry.status.id;
            opinion.error_code = entry.status.error_code;
            opinion.error_message = entry.status.error_message;
            opinion.member_hash = entry.status.hash;
            opinion.pipeline_hash = entry.input_hash;
            opinion.is_skipped = opinion.error_code.empty() && run_options.only_member.value_or(j) != j;
        }
        if (options.early_stop == EarlyStopping::Never || run_options.is_probe) continue;
        items[i].stop.emplace(opinion_model_);
        for (std::size_t j = 0; j < entries.size(); ++j) {
            if (!items[i].diagnosis.opinions[j].is_given()) items[i].stop->drop(j);
        }
    }
    return items;
}

void Engine::State::run_items(std::vector<Item>& items, const AfterMember& after_member) {
    RunRecord record(options.clock);
    Pass pass;
    {
        const std::lock_guard lock(device->turn());
        pass = device->begin_pass(planned_batch(items.size()));
    }
    std::vector<std::size_t> order;
    for (const std::size_t slot : pass.order) {
        const auto of_slot = [slot](const Entry& entry) { return entry.slot == slot; };
        order.push_back(static_cast<std::size_t>(std::find_if(entries.begin(), entries.end(), of_slot) -
                                                 entries.begin()));
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!entries[i].slot) order.push_back(i);
    }
    std::size_t done = 0;
    for (const std::size_t entry : order) {
        ask(entry, items, pass, record);
        after_member(entry, ++done);
        check_process();  // The callback may have forked.
    }
    for (Item& item : items) {
        if (item.error) continue;
        Diagnosis& diagnosis = item.diagnosis;
        diagnosis.trace = record.trace;
        diagnosis.peak_bytes = record.peak_bytes;
        diagnosis.budget_bytes = options.ledger->limit_bytes();
        diagnosis.batch_size = items.size();
        diagnosis.augmentation = options.augmentation;
        diagnosis.device = options.device;
        diagnosis.library_version = CONSILIA_VERSION;
        diagnosis.is_deterministic = options.is_deterministic;
        try {
            conclude(diagnosis);
        } catch (const core::Error&) {
            item.error = std::current_exception();
        }
        diagnosis.total_ms = record.watch.elapsed_ms();
    }
}

/// Asks one member about all images that still want its word.
void Engine::State::ask(std::size_t entry, std::vector<Item>& items, const Pass& pass, RunRecord& record) {
    const auto fail = [entry](Item& item, const core::Error& error) {
        item.diagnosis.opinions[entry].error_code = error.code();
        item.diagnosis.opinions[entry].error_message = error.what();
    };
    std::vector<Item*> wanted;
    std::vector<Item*> asked;
    std::vector<TensorPointer> tensors;
    for (Item& item : items) {
        if (item.error || !item.diagnosis.opinions[entry].is_given()) continue;
        wanted.push_back(&item);
        try {
            check_input(entries[entry].manifest, item.inputs->tensors[entry]);
            asked.push_back(&item);
            tensors.push_back(item.inputs->tensors[entry]);
        } catch (const core::Error& error) {
            fail(item, error);
        }
    }
    if (!asked.empty()) {
        try {
            const std::lock_guard lock(device->turn());
            note_use();
            take_answers(entry, asked,
                         device->run(*entries[entry].slot, {std::move(tensors), views}, pass, record));
        } catch (const core::Error& error) {
            for (Item* item : asked) fail(*item, error);
            if (is_lasting(error)) {
                const std::lock_guard lock(status_mutex);
                entries[entry].status.error_code = error.code();
                entries[entry].status.error_message = error.what();
            }
        }
    }
    for (Item* item : wanted) weigh(entry, *item);
}

void Engine::State::weigh(std::size_t entry, Item& item) const {
    if (!item.stop) return;
    auto& opinions = item.diagnosis.opinions;
    if (opinions[entry].is_given()) {
        item.stop->add(entry, opinions[entry].probabilities);
    } else {
        item.stop->drop(entry);
    }
    if (item.stop->members_left() == 0) return;
    const bool is_decided = options.early_stop == EarlyStopping::Bounded
                                ? item.stop->is_decided(options.early_stop_epsilon)
                                : item.stop->is_decided();
    if (!is_decided) return;
    for (Opinion& opinion : opinions) {
        if (opinion.is_given() && opinion.probabilities.empty()) opinion.is_skipped = true;
    }
}

void Engine::State::take_answers(std::size_t entry, std::span<Item* const> asked, MemberRun answers) const {
    for (std::size_t i = 0; i < asked.size(); ++i) {
        Opinion& opinion = asked[i]->diagnosis.opinions[entry];
        opinion.load_ms = answers.load_ms;
        opinion.run_ms = answers.run_ms;
        opinion.was_resident = answers.was_resident;
        opinion.backend = answers.backend;
        opinion.device = answers.device;
        opinion.precision = to_string(answers.precision);
        try {
            opinion.probabilities =
                mean_softmax(std::span(answers.logits).subspan(i * views.size(), views.size()),
                             entries[entry].manifest.temperature);
        } catch (const core::Error& error) {
            opinion.error_code = error.code();
            opinion.error_message = error.what();
            continue;
        }
        const std::size_t choice = first_choice(opinion.probabilities);
        opinion.label = classes[choice];
        opinion.confidence = opinion.probabilities[choice];
    }
}

void Engine::State::note_drift(const Item& item) const {
    if (drift_ && !item.error) drift_->add(item.diagnosis, item.inputs->tensors[drift_entry_].get());
}

std::size_t Engine::State::planned_batch(std::size_t images) const noexcept {
    return std::min(images * views.size(), kMaxBatch);
}

void Engine::State::warm_up(std::span<const std::size_t> batches) {
    Inputs empty = prepare([](const Manifest& manifest) {
        const auto& side = manifest.input_shape;
        return std::make_shared<const imaging::Tensor>(
            imaging::Tensor{side, imaging::Layout::Chw,
                            std::vector<float>(static_cast<std::size_t>(side[0] * side[1] * side[2]))});
    });
    for (const std::size_t batch : batches) {
        check_batch_size(batch);
        const std::vector<Inputs> inputs(batch, empty);
        std::vector<Item> items = begin(inputs, {});
        run_items(items, [](std::size_t, std::size_t) {});
    }
    const std::lock_guard lock(device->turn());
    device->keep_profiles();
}

void Engine::State::release_memory() {
    const std::lock_guard lock(device->turn());
    RunRecord unused(options.clock);
    device->close_all(unused);
}

void Engine::State::note_use() {
    if (!idle_) return;
    idle_->last_use = std::chrono::steady_clock::now();
    idle_->condition.notify_one();
}

void Engine::State::release_when_idle(const std::stop_token& stop) {
    std::unique_lock lock(device->turn());
    while (!stop.stop_requested()) {
        const auto seen = idle_->last_use;
        const auto is_used = [&] { return idle_->last_use != seen; };
        if (seen == std::chrono::steady_clock::time_point{}) {
            idle_->condition.wait(lock, stop, is_used);
            continue;
        }
        if (idle_->condition.wait_until(lock, stop, seen + options.idle_release, is_used)) continue;
        if (stop.stop_requested()) return;
        RunRecord unused(options.clock);
        device->close_all(unused);
        idle_->last_use = {};
    }
}

void Engine::State::conclude(Diagnosis& diagnosis) const {
    std::vector<std::span<const double>> given;
    bool is_any_given = false;
    for (const Opinion& opinion : diagnosis.opinions) {
        const bool is_given = opinion.is_given() && !opinion.probabilities.empty();
        given.push_back(is_given ? std::span<const double>(opinion.probabilities)
                                 : std::span<const double>());
        is_any_given |= is_given;
    }
    if (!is_any_given) {
        core::Details details;
        const Opinion* first = nullptr;
        for (const Opinion& opinion : diagnosis.opinions) {
            if (opinion.is_skipped) continue;
            if (first == nullptr) first = &opinion;
            details.push_back({opinion.member_id, opinion.error_code + ": " + opinion.error_message});
        }
        const std::string asked = std::to_string(details.size());
        throw core::InferenceError(
            "ensemble.no_opinion",
            "none of " + asked + " members could answer; `" + first->member_id + "`: " + first->error_message,
            std::move(details));
    }
    Consensus consensus = opinion_model_.agree(given);
    diagnosis.label = classes[consensus.class_index];
    diagnosis.classes = classes;
    diagnosis.confidence = consensus.confidence;
    if (opinion_model_.conformal) {
        for (const std::size_t index : opinion_model_.conformal_set(consensus.probabilities)) {
            diagnosis.conformal_set.push_back(classes[index]);
        }
    }
    diagnosis.probabilities = std::move(consensus.probabilities);
    diagnosis.agreement = consensus.agreement;
    diagnosis.entropy = consensus.entropy;
    diagnosis.mutual_information = consensus.mutual_information;
    diagnosis.consensus = opinion_model_.rule;
    diagnosis.confidence_threshold = opinion_model_.confidence_threshold;
    diagnosis.needs_review = consensus.confidence < opinion_model_.confidence_threshold;
    diagnosis.opinion_model_hash = opinion_model_hash_;
}

}  // namespace consilia::inference
