#include "inference/device_run.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <thread>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/plan_simulation.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

/// `2.13.0+cpu` is 2013; what cannot be read is 0.
int version_number(std::string_view version) {
    int major = 0;
    int minor = 0;
    if (std::sscanf(std::string(version).c_str(), "%d.%d", &major, &minor) != 2) return 0;
    return major * 1000 + minor;
}

void check_version(const Manifest& manifest, const Backend& backend) {
    const auto made_with = manifest.created_with.find(backend.name());
    if (made_with == manifest.created_with.end()) return;
    if (version_number(made_with->second) <= version_number(backend.version())) return;
    throw core::InferenceError("member.incompatible",
                               "member `" + manifest.id + "` was made with " + std::string(backend.name()) +
                                   " " + made_with->second + ", " + std::string(backend.version()) +
                                   " is installed",
                               {{"member", manifest.id},
                                {"backend", backend.name()},
                                {"expected", made_with->second},
                                {"found", backend.version()}});
}

/// Parsing the code of a full-size network took up to 100 MB of the heap for a moment.
constexpr std::uint64_t kHeapStagingBytes = 112 << 20;

/// The plan is made anew after so many passes: by then times are no longer those of the first run.
bool is_time_to_plan_anew(std::uint64_t passes) {
    return passes == 4 || passes == 16;
}

}  // namespace

DeviceMembers::DeviceMembers(DeviceOptions options)
    : options_(std::move(options)),
      profiles_(options_.profile_directory),
      tenant_(*options_.ledger, options_.ledger_share, *this) {}

void DeviceMembers::add(Member member) {
    Place place;
    SlotSettings settings{
        .ledger = options_.ledger,
        .device = options_.device,
        .precision = options_.precision.value_or(member.manifest().precision),
        .staging = options_.staging,
        .threads = options_.threads,
        .cache_path = options_.cache_directory.empty() ? nullptr : &options_.cache_directory};
    place.slot = std::make_unique<MemberSlot>(std::move(member), std::move(settings));
    places_.push_back(std::move(place));
}

std::vector<MemberCost> DeviceMembers::costs(std::size_t batch) const {
    std::vector<MemberCost> costs;
    for (const Place& place : places_) {
        costs.push_back(place.slot->cost(std::min(batch, place.step_down.batch_max())));
        // On the processor it takes nothing of this device.
        if (!place.step_down.is_on_processor()) continue;
        MemberCost& cost = costs.back();
        cost.code_bytes = cost.staging_bytes = cost.weights_bytes = cost.activation_bytes = 0;
    }
    return costs;
}

const Plan& DeviceMembers::planned(std::size_t batch) {
    for (const Place& place : places_) {
        if (place.slot->take_change()) plans_.clear();
    }
    const std::uint64_t share_bytes = tenant_.share_bytes();
    if (std::exchange(planned_share_bytes_, share_bytes) != share_bytes) plans_.clear();
    const auto found = plans_.find(batch);
    if (found != plans_.end()) return found->second;
    const std::vector<MemberCost> members = costs(batch);
    // A member that is larger than the share runs all the same: then others make room for it.
    std::uint64_t limit_bytes = share_bytes;
    for (const MemberCost& cost : members) limit_bytes = std::max(limit_bytes, alone_bytes(cost));
    const PlanOptions options{.is_order_fixed = options_.is_order_fixed,
                              .can_prefetch = options_.can_prefetch,
                              .batch_size = batch};
    limit_bytes = std::min(limit_bytes, options_.ledger->limit_bytes());
    return plans_.emplace(batch, plan_members(members, limit_bytes, options)).first->second;
}

std::size_t DeviceMembers::best_batch(std::size_t images) {
    if (options_.runs_one_by_one) return 1;
    const auto refused = [](const Plan& plan) { return plan.members.size() - plan.order.size(); };
    std::size_t best = images;
    double best_ms = 0;
    std::size_t best_refused = 0;
    for (std::size_t batch = images; batch > 0; batch /= 2) {
        const Plan& plan = planned(batch);
        double ms = 0;
        for (const PlannedMember& member : plan.members) {
            ms += member.reload_ms +
                  member.cost.run_ms * static_cast<double>(images) / static_cast<double>(batch);
        }
        const bool is_better =
            refused(plan) < best_refused || (refused(plan) == best_refused && ms < best_ms * 0.98);
        if (batch != images && !is_better) continue;
        best = batch;
        best_ms = ms;
        best_refused = refused(plan);
    }
    return best;
}

Plan DeviceMembers::plan(std::size_t images) {
    const std::size_t batch = best_batch(images);
    Plan plan = planned(batch);
    // Times alone do not move members: two that differ little would change places for ever.
    refresh_plan(plan, costs(batch), options_.can_prefetch);
    return plan;
}

Pass DeviceMembers::begin_pass(std::size_t images) {
    if (is_time_to_plan_anew(passes_)) plans_.clear();
    const Plan& plan = planned(best_batch(images));
    Pass pass{plan.order, plan};
    if (plan.is_alternating && passes_ % 2 == 1) std::reverse(pass.order.begin(), pass.order.end());
    ++passes_;
    // Those that the plan refuses still get their turn: it is theirs to say why they cannot run.
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (std::find(pass.order.begin(), pass.order.end(), i) == pass.order.end()) pass.order.push_back(i);
    }
    return pass;
}

std::string DeviceMembers::profile_key(const Place& place) const {
    const SlotSettings& settings = place.slot->settings();
    return place.slot->member().hash() + ' ' + settings.device + ' ' + std::string(place.backend->name()) +
           ' ' + std::string(place.backend->version()) + ' ' + std::to_string(settings.threads) + ' ' +
           std::string(to_string(settings.precision));
}

void DeviceMembers::prepare(Place& place) {
    if (!place.backend) {
        place.backend = options_.find_backend(place.slot->member().manifest().format);
        check_version(place.slot->member().manifest(), *place.backend);
    }
    if (!std::exchange(place.has_profile, true)) profiles_.read(profile_key(place), place.slot->profile());
}

void DeviceMembers::keep_profiles() const {
    for (const Place& place : places_) {
        if (place.backend && place.has_profile) profiles_.write(profile_key(place), place.slot->profile());
    }
}

MemberRun DeviceMembers::run(std::size_t index, const MemberInputs& inputs, const Pass& pass,
                             RunRecord& record) {
    Place& place = places_[index];
    last_pass_ = pass;
    last_position_ = pass.position_of(index);
    MemberRun outcome;
    outcome.was_resident = place.slot->is_loaded();
    for (std::size_t begin = 0; begin < inputs.size();) {
        const std::size_t count =
            std::min({inputs.size() - begin, pass.plan.batch_size, place.step_down.batch_max()});
        try {
            run_group(index, inputs.group(begin, count), pass, record, outcome);
            begin += count;
        } catch (const core::ResourceExhausted& error) {
            if (!step_down(index, count, pass, error, record)) throw;
        } catch (const core::InferenceError&) {
            // A runtime, or code that was compiled for its precision, may know no other: no fault of the
            // member.
            if (!place.step_down.take_back_precision()) throw;
            settle(place);
        }
    }
    if (place.step_down.note_clean_run() && place.step_down.step_up()) settle(place);
    outcome.device = place.slot->settings().device;
    outcome.backend = std::string(place.backend->name()) + ' ' + std::string(place.backend->version());
    outcome.precision = place.slot->settings().precision;
    return outcome;
}

void DeviceMembers::run_group(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                              RunRecord& record, MemberRun& outcome) {
    const MemberSlot& slot = *places_[index].slot;
    // Where opening or running took more than had been reserved the step has failed, and with the right
    // figures there may be room for it: once for each of the two.
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
        const MemberCost expected = slot.cost(inputs.size());
        try {
            return try_group(index, inputs, pass, record, outcome);
        } catch (const core::ResourceExhausted& error) {
            const MemberCost found = slot.cost(inputs.size());
            const bool has_learned = found.code_bytes != expected.code_bytes ||
                                     found.activation_bytes != expected.activation_bytes;
            if (attempt == kAttempts || !has_learned || error.code() != "memory.exhausted") throw;
        }
    }
}

void DeviceMembers::try_group(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                              RunRecord& record, MemberRun& outcome) {
    Place& place = places_[index];
    MemberSlot& slot = *place.slot;
    refuse_if_too_large(slot, inputs.size());
    make_room(slot.open_bytes(), index, pass, record);
    open(place, record, outcome);
    refuse_if_too_large(slot, inputs.size());
    const std::uint64_t wanted_bytes = slot.load_bytes() + slot.activation_bytes(inputs.size());
    make_room(wanted_bytes, index, pass, record);
    settle_heap(index, wanted_bytes, inputs.size(), pass, record);
    load(slot, record, outcome);
    run_loaded(index, inputs, pass, record, outcome);
}

void DeviceMembers::refuse_if_too_large(const MemberSlot& slot, std::size_t batch) const {
    const MemberCost cost = slot.cost(batch);
    const std::uint64_t wanted =
        std::max(cost.code_bytes + cost.weights_bytes + cost.activation_bytes, slot.open_bytes());
    const std::uint64_t limit = slot.settings().ledger->limit_bytes();
    if (wanted <= limit) return;
    throw core::ResourceExhausted(
        "member.too_large",
        "member `" + slot.id() + "` needs " + to_size_text(wanted) + ", the budget is " + to_size_text(limit),
        {{"member", slot.id()},
         {"requested_bytes", to_detail(wanted)},
         {"limit_bytes", to_detail(limit)},
         {"code_bytes", to_detail(cost.code_bytes)},
         {"weights_bytes", to_detail(cost.weights_bytes)},
         {"activation_bytes", to_detail(cost.activation_bytes)}});
}

void DeviceMembers::open(Place& place, RunRecord& record, MemberRun& outcome) {
    MemberSlot& slot = *place.slot;
    const double begin_ms = record.watch.elapsed_ms();
    prepare(place);
    if (slot.is_open()) return;
    const double opening_ms =
        record.watch.elapsed_ms();  // Loading a runtime happens once: no cost of the member.
    const std::uint64_t held_bytes = slot.settings().ledger->held_bytes() + slot.open_bytes();
    slot.open(place.backend);
    record.note_held(held_bytes);
    if (slot.keeps_freed_memory()) {
        for (const Place& other : places_) other.slot->guess_staging(kHeapStagingBytes);
    }
    slot.profile().note_open_ms(record.watch.elapsed_ms() - opening_ms);
    outcome.load_ms += record.watch.elapsed_ms() - begin_ms;
    add_event(record, TraceKind::Open, slot, begin_ms, slot.held_bytes());
}

void DeviceMembers::load(MemberSlot& slot, RunRecord& record, MemberRun& outcome) {
    if (slot.is_loaded()) return;
    const double begin_ms = record.watch.elapsed_ms();
    const std::uint64_t bytes = slot.load();
    const double load_ms = record.watch.elapsed_ms() - begin_ms;
    slot.profile().note_load(bytes, slot.loaded_bytes(), load_ms);
    outcome.load_ms += load_ms;
    add_event(record, TraceKind::Load, slot, begin_ms, bytes);
}

void DeviceMembers::run_loaded(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                               RunRecord& record, MemberRun& outcome) {
    MemberSlot& slot = *places_[index].slot;
    const std::size_t batch = inputs.size();
    MemberSlot* next = prefetch_target(index, batch, pass, record);
    const std::uint64_t expected_bytes = slot.activation_bytes(batch);
    const double begin_ms = record.watch.elapsed_ms();
    double prefetched_ms = begin_ms;
    std::uint64_t prefetched_bytes = 0;
    std::vector<Logits> logits;
    {
        std::jthread loader;
        if (next != nullptr) {
            const std::uint64_t available = options_.ledger->available_bytes();
            const std::uint64_t room = beyond(available, bytes_of_run(slot, batch));
            prefetched_bytes = next->loaded_bytes();
            loader = std::jthread([next, room, &record, &prefetched_ms] {
                next->prefetch(room);
                prefetched_ms = record.watch.elapsed_ms();
            });
        }
        logits = slot.run(inputs);
    }
    const double run_ms = record.watch.elapsed_ms() - begin_ms;
    slot.profile().note_run_ms(batch, run_ms);
    outcome.run_ms += run_ms;
    if (slot.keeps_freed_memory() && !places_[index].step_down.is_on_processor()) {
        // Between what is still used, the heap keeps some more than was freed: up to a quarter (measured).
        const std::uint64_t freed_bytes = slot.activation_bytes(batch);
        kept_by_heap_bytes_ = std::max(kept_by_heap_bytes_, freed_bytes + freed_bytes / 4);
    }
    for (Logits& of_one : logits) outcome.logits.push_back(std::move(of_one));
    const std::uint64_t run_bytes = std::max(expected_bytes, slot.activation_bytes(batch));
    add_event(record, TraceKind::Run, slot, begin_ms, slot.activation_bytes(batch));
    const std::uint64_t held_bytes = slot.settings().ledger->held_bytes() + run_bytes;
    record.trace.back().held_bytes = held_bytes;
    record.note_held(held_bytes);
    if (next == nullptr || next->loaded_bytes() == prefetched_bytes) return;
    record.trace.push_back({TraceKind::Load, next->id(), begin_ms, prefetched_ms - begin_ms,
                            next->loaded_bytes() - prefetched_bytes, held_bytes, "prefetch"});
}

MemberSlot* DeviceMembers::prefetch_target(std::size_t index, std::size_t batch, const Pass& pass,
                                           RunRecord& record) {
    if (!options_.can_prefetch) return nullptr;
    const std::size_t position = pass.position_of(index);
    if (position == pass.order.size()) return nullptr;
    const bool is_last = position + 1 == pass.order.size();
    if (is_last && pass.plan.is_alternating) return nullptr;
    const std::size_t after = is_last ? pass.order.front() : pass.order[position + 1];
    Place& place = places_[after];
    MemberSlot& next = *place.slot;
    if (after == index || !next.is_open() || next.load_bytes() == 0 || place.step_down.is_on_processor())
        return nullptr;
    const std::uint64_t beside = bytes_of_run(*places_[index].slot, batch);
    const std::uint64_t wanted = next.load_bytes() + beside;
    visit_eviction_order(pass.order, position, pass.plan.is_alternating, [&](std::size_t victim) {
        const std::uint64_t available = options_.ledger->available_bytes();
        if (available >= wanted) return false;
        if (victim != after && !pass.plan.members[victim].is_pinned) {
            evict(*places_[victim].slot, wanted - available, false, record);
        }
        return true;
    });
    return options_.ledger->available_bytes() > beside ? &next : nullptr;
}

bool DeviceMembers::step_down(std::size_t index, std::size_t batch, const Pass& pass, const core::Error& why,
                              RunRecord& record) {
    Place& place = places_[index];
    MemberSlot& slot = *place.slot;
    const double begin_ms = record.watch.elapsed_ms();
    const bool is_device = why.code() != "memory.exhausted" && why.code() != "member.too_large";
    std::string note;
    if (is_device && place.step_down.note_release()) {
        make_room(std::numeric_limits<std::uint64_t>::max(), index, pass, record);
        place.backend->release_cache(slot.settings().device);
        note = "released what others kept";
    } else if (batch > 1) {
        place.step_down.halve_batch(batch);
        note = "batch " + std::to_string(place.step_down.batch_max());
    } else if (options_.lower_precision && place.step_down.can_lower_precision() &&
               slot.settings().precision == Precision::F32) {
        place.step_down.lower_precision();
        settle(place);
        note = "precision " + std::string(to_string(slot.settings().precision));
    } else if (options_.host_ledger != nullptr && !place.step_down.is_on_processor() &&
               slot.settings().device != "cpu") {
        place.step_down.move_to_processor();
        settle(place);
        note = "device cpu";
    } else {
        return false;
    }
    plans_.clear();
    add_event(record, TraceKind::StepDown, slot, begin_ms, 0, std::move(note));
    return true;
}

/// Opens the member anew, where and how its steps down say.
void DeviceMembers::settle(Place& place) {
    SlotSettings settings = place.slot->settings();
    const bool is_on_processor = place.step_down.is_on_processor();
    settings.device = is_on_processor ? "cpu" : options_.device;
    settings.ledger = is_on_processor ? options_.host_ledger : options_.ledger;
    settings.precision = place.step_down.is_lower_precision()
                             ? *options_.lower_precision
                             : options_.precision.value_or(place.slot->member().manifest().precision);
    place.slot->settle(std::move(settings));
    place.has_profile = false;
}

void DeviceMembers::abandon() noexcept {
    for (const Place& place : places_) place.slot->abandon();
}

void DeviceMembers::add_event(RunRecord& record, TraceKind kind, const MemberSlot& slot, double begin_ms,
                              std::uint64_t size_bytes, std::string note) const {
    const std::uint64_t held_bytes = options_.ledger->held_bytes();
    record.note_held(held_bytes);
    record.trace.push_back({kind, slot.id(), begin_ms, record.watch.elapsed_ms() - begin_ms, size_bytes,
                            held_bytes, std::move(note)});
}

}  // namespace consilia::inference
