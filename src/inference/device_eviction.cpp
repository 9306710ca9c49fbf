// Who gives way on a device: members of this engine, and of others that share its ledger.
#include <algorithm>

#include "inference/device_run.hpp"
#include "inference/plan_simulation.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

std::uint64_t DeviceMembers::bytes_of_run(const MemberSlot& slot, std::size_t batch) const {
    // The run takes what the heap keeps before it takes more.
    return std::max(slot.activation_bytes(batch), kept_by_heap_bytes_);
}

void DeviceMembers::settle_heap(std::size_t index, std::uint64_t wanted_bytes, std::size_t batch,
                                const Pass& pass, RunRecord& record) {
    if (places_[index].step_down.is_on_processor()) return;
    const MemberSlot& slot = *places_[index].slot;
    const std::uint64_t beside = bytes_of_run(slot, batch) - slot.activation_bytes(batch);
    if (beside == 0) return;
    const auto missing = [&] { return missing_bytes(wanted_bytes + beside); };
    // Weights are read again faster than pages of the heap are taken again.
    evict_in_order(pass, pass.position_of(index), missing, Evicted::Weights, record);
    if (missing() == 0) return;
    places_[index].backend->release_cache(options_.device);
    kept_by_heap_bytes_ = 0;
}

std::uint64_t DeviceMembers::missing_bytes(std::uint64_t wanted_bytes) const {
    return beyond(wanted_bytes, options_.ledger->available_bytes());
}

void DeviceMembers::make_room(std::uint64_t size_bytes, std::size_t index, const Pass& pass,
                              RunRecord& record) {
    if (places_[index].step_down.is_on_processor()) return;
    if (missing_bytes(size_bytes) == 0) return;
    tenant_.reclaim_excess(size_bytes, record);
    evict_in_order(
        pass, pass.position_of(index), [&] { return missing_bytes(size_bytes); }, Evicted::WeightsAndCode,
        record);
    if (missing_bytes(size_bytes) > 0) tenant_.reclaim_all(size_bytes, record);
}

void DeviceMembers::evict_in_order(const Pass& pass, std::size_t position,
                                   const std::function<std::uint64_t()>& missing, Evicted evicted,
                                   RunRecord& record) {
    enum Round { Planned, DespitePins, WithCode };
    for (const Round round : {Planned, DespitePins, WithCode}) {
        if (round == WithCode && evicted == Evicted::Weights) return;
        visit_eviction_order(pass.order, position, pass.plan.is_alternating, [&](std::size_t victim) {
            const std::uint64_t missing_bytes = missing();
            if (missing_bytes == 0) return false;
            const PlannedMember& member = pass.plan.members[victim];
            if (places_[victim].step_down.is_on_processor() || (round == Planned && member.is_pinned))
                return true;
            const bool with_code = evicted == Evicted::WeightsAndCode &&
                                   (round == WithCode || (round == Planned && !member.is_code_pinned));
            evict(*places_[victim].slot, missing_bytes, with_code, record);
            return true;
        });
    }
}

std::uint64_t DeviceMembers::held_bytes() const {
    std::uint64_t held_bytes = 0;
    for (const Place& place : places_) {
        if (!place.step_down.is_on_processor()) held_bytes += place.slot->held_bytes();
    }
    return held_bytes;
}

void DeviceMembers::give_back(std::uint64_t wanted_bytes, std::uint64_t kept_bytes, RunRecord& record) {
    if (!last_pass_) return;  // Nothing has run.
    const auto missing = [&] {
        return std::min(missing_bytes(wanted_bytes), beyond(held_bytes(), kept_bytes));
    };
    // As if the next member were about to run; then that one.
    evict_in_order(*last_pass_, last_position_ + 1, missing, Evicted::WeightsAndCode, record);
    if (last_position_ + 1 < last_pass_->order.size() && missing() > 0) {
        evict(*places_[last_pass_->order[last_position_ + 1]].slot, missing(), true, record);
    }
}

/// Takes weights from the end, then, if that was not enough, the code.
void DeviceMembers::evict(MemberSlot& slot, std::uint64_t size_bytes, bool with_code, RunRecord& record) {
    const double begin_ms = record.watch.elapsed_ms();
    const std::uint64_t before = slot.held_bytes();
    slot.shrink(size_bytes);
    if (slot.held_bytes() < before) {
        add_event(record, TraceKind::Evict, slot, begin_ms, before - slot.held_bytes());
    }
    if (!with_code || !slot.is_open() || before - slot.held_bytes() >= size_bytes) return;
    const std::uint64_t left = slot.held_bytes();
    slot.close();
    add_event(record, TraceKind::Close, slot, begin_ms, left);
}

void DeviceMembers::close_all(RunRecord& record) {
    for (const Place& place : places_) {
        const std::uint64_t held = place.slot->held_bytes();
        if (!place.slot->is_open()) continue;
        const double begin_ms = record.watch.elapsed_ms();
        place.slot->close();
        add_event(record, TraceKind::Close, *place.slot, begin_ms, held);
        if (place.backend) place.backend->release_cache(place.slot->settings().device);
    }
}

}  // namespace consilia::inference
