#pragma once
// What is behind the handles of engines and of what they share, and what runs share with those of a
// dispatcher.
#include <cstddef>
#include <memory>
#include <span>

#include "consilia/c/inference.h"
#include "consilia/core/files.hpp"
#include "consilia/inference/drift.hpp"
#include "consilia/inference/engine.hpp"
#include "guard.hpp"

struct consilia_engine {
    /// Kept by dispatchers too: either may be freed first.
    std::shared_ptr<consilia::inference::Engine> engine;
};

struct consilia_memory_ledger {
    std::shared_ptr<consilia::inference::MemoryLedger> ledger;
};

struct consilia_drift_monitor {
    std::shared_ptr<consilia::inference::DriftMonitor> monitor;
};

namespace consilia::capi {

inline inference::Engine& engine_of(const consilia_engine_t* engine) {
    return *require(engine, "engine").engine;
}

inline std::span<const std::byte> bytes_of(const void* data, std::size_t size) {
    return items(static_cast<const std::byte*>(data), size, "data");
}

/// Tells a callback of `inference::RunProgress` or `inference::BatchProgress`; true if it asks to stop.
template <class Progress>
bool report(consilia_run_progress_fn progress, void* user_data, const Progress& at) {
    const consilia_run_progress_t told = {sizeof(consilia_run_progress_t),
                                          {at.member_id.data(), at.member_id.size()},
                                          at.members_done,
                                          at.members_total};
    return progress(&told, user_data) != 0;
}

}  // namespace consilia::capi
