#include "inference/device_run.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "consilia/core/error.hpp"
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

}  // namespace

DeviceMembers::DeviceMembers(MemoryLedger& ledger, std::string device, ModelRunOptions run_options,
                             BackendFinder find_backend)
    : ledger_(ledger),
      device_(std::move(device)),
      run_options_(run_options),
      find_backend_(std::move(find_backend)) {}

void DeviceMembers::add(Member member) {
    slots_.push_back(std::make_unique<MemberSlot>(std::move(member), ledger_));
    backends_.emplace_back();
}

const Plan& DeviceMembers::plan() {
    bool has_change = plan_.members.size() != slots_.size();
    std::vector<MemberCost> costs;
    for (const auto& slot : slots_) {
        has_change |= slot->take_size_change();
        costs.push_back(slot->cost());
    }
    // Times alone do not move members: two that differ little would change places for ever.
    if (has_change) plan_ = plan_members(costs, ledger_.limit_bytes());
    return plan_;
}

std::vector<float> DeviceMembers::run(std::size_t index, std::span<const float> input,
                                      std::span<const std::size_t> order, RunRecord& record,
                                      Opinion& opinion) {
    MemberSlot& slot = *slots_[index];
    opinion.was_resident = slot.is_loaded();
    // Opening and running teach what code and activations really take. Where that was more than had been
    // reserved the step has failed, and with the right figures there may be room for it: once for each of the
    // two.
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
        const MemberCost expected = slot.cost();
        try {
            refuse_if_too_large(slot);
            make_room(slot.open_bytes(), index, order, record);
            open(slot, record, opinion);
            refuse_if_too_large(slot);
            make_room(slot.load_bytes() + slot.activation_bytes(), index, order, record);
            load(slot, record, opinion);
            return run_loaded(slot, input, record, opinion);
        } catch (const core::ResourceExhausted& error) {
            const bool has_learned = slot.cost().code_bytes != expected.code_bytes ||
                                     slot.cost().activation_bytes != expected.activation_bytes;
            if (attempt == kAttempts || !has_learned || error.code() != "memory.exhausted") throw;
        }
    }
}

void DeviceMembers::refuse_if_too_large(const MemberSlot& slot) {
    const MemberCost& cost = slot.cost();
    const std::uint64_t wanted =
        std::max(cost.code_bytes + cost.weights_bytes + cost.activation_bytes, slot.open_bytes());
    const std::uint64_t limit = ledger_.limit_bytes();
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

void DeviceMembers::open(MemberSlot& slot, RunRecord& record, Opinion& opinion) {
    if (slot.is_open()) return;
    const auto place = static_cast<std::size_t>(
        std::find_if(slots_.begin(), slots_.end(), [&](const auto& other) { return other.get() == &slot; }) -
        slots_.begin());
    const double begin_ms = record.watch.elapsed_ms();
    if (!backends_[place]) backends_[place] = find_backend_(slot.member().manifest().format);
    check_version(slot.member().manifest(), *backends_[place]);
    const double opening_ms =
        record.watch.elapsed_ms();  // Loading a runtime happens once: no cost of the member.
    const std::uint64_t held_bytes = ledger_.held_bytes() + slot.open_bytes();
    slot.open(*backends_[place], device_);
    record.note_held(held_bytes);
    slot.set_times(record.watch.elapsed_ms() - opening_ms, 0, 0);
    opinion.load_ms += record.watch.elapsed_ms() - begin_ms;
    add_event(record, TraceKind::Open, slot, begin_ms, slot.cost().code_bytes);
}

void DeviceMembers::load(MemberSlot& slot, RunRecord& record, Opinion& opinion) {
    if (slot.is_loaded()) return;
    const double begin_ms = record.watch.elapsed_ms();
    slot.load();
    const double load_ms = record.watch.elapsed_ms() - begin_ms;
    slot.set_times(0, load_ms, 0);
    opinion.load_ms += load_ms;
    add_event(record, TraceKind::Load, slot, begin_ms, slot.cost().weights_bytes);
}

std::vector<float> DeviceMembers::run_loaded(MemberSlot& slot, std::span<const float> input,
                                             RunRecord& record, Opinion& opinion) {
    const double begin_ms = record.watch.elapsed_ms();
    const std::uint64_t expected_bytes = slot.activation_bytes();
    std::vector<float> logits = slot.run(input, run_options_);
    const double run_ms = record.watch.elapsed_ms() - begin_ms;
    slot.set_times(0, 0, run_ms);
    opinion.run_ms = run_ms;
    add_event(record, TraceKind::Run, slot, begin_ms, slot.activation_bytes());
    const std::uint64_t held_bytes = ledger_.held_bytes() + std::max(expected_bytes, slot.activation_bytes());
    record.trace.back().held_bytes = held_bytes;
    record.note_held(held_bytes);
    return logits;
}

void DeviceMembers::make_room(std::uint64_t size_bytes, std::size_t index, std::span<const std::size_t> order,
                              RunRecord& record) {
    while (ledger_.available_bytes() < size_bytes && evict_one(index, order, record)) {
    }
}

bool DeviceMembers::evict_one(std::size_t index, std::span<const std::size_t> order, RunRecord& record) {
    const auto at = std::find(order.begin(), order.end(), index);
    std::vector<std::size_t> needed_last(std::make_reverse_iterator(at), order.rend());
    needed_last.insert(needed_last.end(), order.rbegin(), std::make_reverse_iterator(at));
    std::erase(needed_last, index);

    const auto placement = [this](std::size_t i) {
        return i < plan_.members.size() ? plan_.members[i].placement : Placement::Resident;
    };
    for (const std::size_t i : needed_last) {
        if (placement(i) == Placement::Reopened && slots_[i]->is_open())
            return close(*slots_[i], record), true;
    }
    for (const bool is_resident : {false, true}) {
        for (const std::size_t i : needed_last) {
            if ((placement(i) == Placement::Resident) != is_resident) continue;
            if (slots_[i]->has_weights_loaded()) return unload(*slots_[i], record), true;
        }
    }
    for (const std::size_t i : needed_last) {
        if (slots_[i]->is_open()) return close(*slots_[i], record), true;
    }
    return false;
}

void DeviceMembers::unload(MemberSlot& slot, RunRecord& record) {
    const double begin_ms = record.watch.elapsed_ms();
    const std::uint64_t before = slot.held_bytes();
    slot.unload();
    add_event(record, TraceKind::Evict, slot, begin_ms, before - slot.held_bytes());
}

void DeviceMembers::close(MemberSlot& slot, RunRecord& record) {
    const double begin_ms = record.watch.elapsed_ms();
    const std::uint64_t before = slot.held_bytes();
    slot.close();
    add_event(record, TraceKind::Close, slot, begin_ms, before);
}

void DeviceMembers::close_all(RunRecord& record) {
    for (const auto& slot : slots_) {
        if (slot->is_open()) close(*slot, record);
    }
}

void DeviceMembers::abandon() noexcept {
    for (const auto& slot : slots_) slot->abandon();
}

void DeviceMembers::add_event(RunRecord& record, TraceKind kind, const MemberSlot& slot, double begin_ms,
                              std::uint64_t size_bytes) {
    record.note_held(ledger_.held_bytes());
    record.trace.push_back(
        {kind, slot.id(), begin_ms, record.watch.elapsed_ms() - begin_ms, size_bytes, ledger_.held_bytes()});
}

}  // namespace consilia::inference
