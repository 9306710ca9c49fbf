#include "inference/ledger_tenant.hpp"

#include <unistd.h>

#include <algorithm>

#include "consilia/core/error.hpp"

namespace consilia::inference {

LedgerTenant::LedgerTenant(MemoryLedger& ledger, double weight, LedgerHoldings& holdings)
    : ledger_(ledger), weight_(weight), holdings_(holdings) {
    if (ledger.tenants_->pid != ::getpid()) {
        throw core::Unavailable("ledger.forked",
                                "this ledger was made before a fork: make another one in this process");
    }
    const std::lock_guard lock(turn());
    ledger.tenants_->all.push_back(this);
}

LedgerTenant::~LedgerTenant() {
    // SAFETY: after a fork whoever had the turn may be gone; nobody else is left who would read the list.
    if (ledger_.tenants_->pid != ::getpid()) return;
    const std::lock_guard lock(turn());
    std::erase(ledger_.tenants_->all, this);
}

FairMutex& LedgerTenant::turn() noexcept {
    return ledger_.tenants_->turn;
}

std::uint64_t LedgerTenant::share_of(const LedgerTenant& tenant) const {
    double weights = 0;
    bool is_alone = true;
    for (const LedgerTenant* each : ledger_.tenants_->all) {
        if (each != this && each->holdings_.held_bytes() == 0) continue;
        weights += each->weight_;
        is_alone &= each == this;
    }
    if (is_alone) return ledger_.limit_bytes();
    return static_cast<std::uint64_t>(static_cast<double>(ledger_.limit_bytes()) * tenant.weight_ / weights);
}

std::uint64_t LedgerTenant::share_bytes() const {
    return share_of(*this);
}

void LedgerTenant::reclaim_excess(std::uint64_t wanted_bytes, RunRecord& record) {
    struct Excess {
        LedgerTenant* tenant;
        std::uint64_t share_bytes;
        std::uint64_t bytes;
    };
    std::vector<Excess> beyond;
    for (LedgerTenant* each : ledger_.tenants_->all) {
        const std::uint64_t held_bytes = each->holdings_.held_bytes();
        if (each == this || held_bytes == 0) continue;
        const std::uint64_t share_bytes = share_of(*each);
        if (held_bytes > share_bytes) beyond.push_back({each, share_bytes, held_bytes - share_bytes});
    }
    std::sort(beyond.begin(), beyond.end(),
              [](const Excess& a, const Excess& b) { return a.bytes > b.bytes; });
    for (const Excess& each : beyond) {
        each.tenant->holdings_.give_back(wanted_bytes, each.share_bytes, record);
    }
}

void LedgerTenant::reclaim_all(std::uint64_t wanted_bytes, RunRecord& record) {
    for (LedgerTenant* each : ledger_.tenants_->all) {
        if (each != this) each->holdings_.give_back(wanted_bytes, 0, record);
    }
}

}  // namespace consilia::inference
