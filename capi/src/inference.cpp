#include "consilia/c/inference.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inference.hpp"

namespace core = consilia::core;
namespace inference = consilia::inference;
using consilia::capi::bytes_of;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::engine_of;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::report;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(sizeof(consilia_image_bytes_t) == 16 && sizeof(consilia_memory_use_t) == 24);
static_assert(offsetof(consilia_engine_options_t, device) == 16);
static_assert(offsetof(consilia_engine_options_t, early_stop_epsilon) == 40);
static_assert(offsetof(consilia_engine_options_t, confidence_threshold) == 80);
static_assert(offsetof(consilia_engine_options_t, staging_bytes) == 128);
static_assert(offsetof(consilia_engine_options_t, backend_directory) == 176);
static_assert(offsetof(consilia_engine_options_t, augment_mirrors) == 208);
static_assert(offsetof(consilia_engine_options_t, ledger_share) == 224);
static_assert(offsetof(consilia_engine_options_t, class_count) == 248);
static_assert(offsetof(consilia_run_progress_t, members_total) == 32);

namespace {

std::optional<inference::Precision> precision_of(consilia_str_t name) {
    return name.size == 0 ? std::nullopt : std::optional(inference::parse_precision(view(name)));
}

inference::EarlyStopping early_stopping(std::int32_t given) {
    if (given < CONSILIA_EARLY_STOP_NEVER || given > CONSILIA_EARLY_STOP_BOUNDED) {
        throw core::InvalidArgument("engine.options", "`early_stop` is none of CONSILIA_EARLY_STOP_*");
    }
    return static_cast<inference::EarlyStopping>(given);
}

std::optional<bool> prefetching(std::int32_t given) {
    if (given < CONSILIA_PREFETCH_AUTO || given > CONSILIA_PREFETCH_OFF) {
        throw core::InvalidArgument("engine.options", "`prefetch` is none of CONSILIA_PREFETCH_*");
    }
    return given == CONSILIA_PREFETCH_AUTO ? std::nullopt : std::optional(given == CONSILIA_PREFETCH_ON);
}

inference::EngineOptions engine_options(const consilia_engine_options_t& given) {
    inference::EngineOptions options;
    options.budget_bytes = given.budget_bytes;
    options.device = view(given.device);
    options.threads = given.threads;
    options.early_stop = early_stopping(given.early_stop);
    if (given.early_stop_epsilon != 0) options.early_stop_epsilon = given.early_stop_epsilon;
    if (given.consensus.size != 0) options.consensus = inference::parse_consensus_rule(view(given.consensus));
    if (given.opinion_model_json.size != 0) {
        options.opinion_model = std::make_shared<const inference::OpinionModel>(
            inference::OpinionModel::from_json(view(given.opinion_model_json)));
    }
    if (given.confidence_threshold != 0) {
        options.confidence_threshold = given.confidence_threshold < 0 ? 0 : given.confidence_threshold;
    }
    options.is_deterministic = given.is_deterministic != 0;
    options.may_use_processor = given.may_use_processor != 0;
    options.precision = precision_of(given.precision);
    options.lower_precision = precision_of(given.lower_precision);
    options.staging_bytes = given.staging_bytes;
    options.can_prefetch = prefetching(given.prefetch);
    options.idle_release = std::chrono::milliseconds(given.idle_release_ms);
    options.profile_directory = view(given.profile_directory);
    options.cache_directory = view(given.cache_directory);
    options.backend_directory = view(given.backend_directory);
    options.augmentation = {.mirrors = given.augment_mirrors != 0,
                            .shift = given.augment_shift,
                            .rotation_degrees = given.augment_rotation_degrees};
    if (given.ledger != nullptr) options.ledger = given.ledger->ledger;
    if (given.ledger_share != 0) options.ledger_share = given.ledger_share;
    if (given.drift != nullptr) options.drift = given.drift->monitor;
    for (const consilia_str_t& name : items(given.classes, given.class_count, "classes")) {
        options.classes.emplace_back(view(name));
    }
    return options;
}

inference::RunOptions run_options(consilia_run_progress_fn progress, void* user_data) {
    inference::RunOptions options;
    if (progress == nullptr) return options;
    options.progress = [progress, user_data](const inference::RunProgress& at) {
        return !report(progress, user_data, at);
    };
    return options;
}

nlohmann::ordered_json document_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const core::Error& thrown) {
        return {
            {"error",
             {{"code", thrown.code()}, {"message", thrown.what()}, {"http_status", thrown.http_status()}}}};
    } catch (const std::exception& thrown) {
        return {
            {"error", {{"code", "internal.unexpected"}, {"message", thrown.what()}, {"http_status", 500}}}};
    }
}

/// Once `progress` has asked to stop, every image counts as cancelled.
inference::BatchOptions batch_options(const consilia_batch_options_t& given, bool& is_stopped) {
    inference::BatchOptions options;
    options.is_cancelled = [&given, &is_stopped](std::size_t image) {
        return is_stopped ||
               (given.is_cancelled != nullptr && given.is_cancelled(image, given.user_data) != 0);
    };
    if (given.progress == nullptr) return options;
    options.progress = [&given, &is_stopped](const inference::BatchProgress& at) {
        is_stopped |= report(given.progress, given.user_data, at);
    };
    return options;
}

std::string run_batch(inference::Engine& engine, std::span<const consilia_image_bytes_t> images,
                      const consilia_batch_options_t& options) {
    bool is_stopped = false;
    const auto prepare_one = [&](std::size_t i) {
        return engine.prepare(bytes_of(images[i].data, images[i].size));
    };
    auto documents = nlohmann::ordered_json::array();
    for (const inference::BatchOutcome& outcome :
         engine.run_batch(images.size(), prepare_one, batch_options(options, is_stopped))) {
        if (outcome.error) {
            documents.push_back(document_of(outcome.error));
        } else {
            documents.push_back({{"diagnosis", nlohmann::ordered_json::parse(outcome.diagnosis.to_json())}});
        }
    }
    return documents.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string members_json(const inference::Engine& engine) {
    auto documents = nlohmann::ordered_json::array();
    for (const inference::MemberStatus& member : engine.members()) {
        documents.push_back({{"id", member.id},
                             {"architecture", member.architecture},
                             {"format", member.format},
                             {"hash", member.hash},
                             {"is_ready", member.is_ready()},
                             {"error_code", member.error_code},
                             {"error_message", member.error_message}});
    }
    return documents.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

extern "C" {

consilia_status_t consilia_memory_ledger_new(uint64_t budget_bytes, uint64_t reserve_bytes,
                                             consilia_memory_ledger_t** out_ledger,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_memory_ledger_t*& out = cleared(out_ledger, "out_ledger");
        out = new consilia_memory_ledger_t{std::make_shared<inference::MemoryLedger>(
            inference::LedgerOptions{.budget_bytes = budget_bytes, .reserve_bytes = reserve_bytes})};
    });
}

void consilia_memory_ledger_free(consilia_memory_ledger_t* ledger) {
    delete ledger;
}

consilia_status_t consilia_memory_ledger_holders(const consilia_memory_ledger_t* ledger,
                                                 consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        auto holders = nlohmann::ordered_json::array();
        for (const inference::LedgerHolder& holder : require(ledger, "ledger").ledger->holders()) {
            holders.push_back({{"owner", holder.owner}, {"held_bytes", holder.held_bytes}});
        }
        out = to_buffer(holders.dump());
    });
}

consilia_status_t consilia_engine_open(const consilia_str_t* member_paths, size_t member_count,
                                       const consilia_engine_options_t* options,
                                       consilia_engine_t** out_engine, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_engine_t*& out = cleared(out_engine, "out_engine");
        std::vector<std::filesystem::path> members;
        for (const consilia_str_t& path : items(member_paths, member_count, "member_paths")) {
            members.emplace_back(view(path));
        }
        out = new consilia_engine_t{
            std::make_shared<inference::Engine>(members, engine_options(copy_options(options)))};
    });
}

void consilia_engine_free(consilia_engine_t* engine) {
    delete engine;
}

consilia_status_t consilia_engine_run_file(consilia_engine_t* engine, consilia_str_t path,
                                           consilia_run_progress_fn progress, void* user_data,
                                           consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const std::filesystem::path file = view(path);
        out = to_buffer(
            engine_of(engine).run(file, core::sha256_file(file), run_options(progress, user_data)).to_json());
    });
}

consilia_status_t consilia_engine_run_bytes(consilia_engine_t* engine, const void* data, size_t size,
                                            consilia_run_progress_fn progress, void* user_data,
                                            consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(
            engine_of(engine).run(bytes_of(data, size), run_options(progress, user_data)).to_json());
    });
}

consilia_status_t consilia_engine_run_batch(consilia_engine_t* engine, const consilia_image_bytes_t* images,
                                            size_t image_count, const consilia_batch_options_t* options,
                                            consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(
            run_batch(engine_of(engine), items(images, image_count, "images"), copy_options(options)));
    });
}

consilia_status_t consilia_engine_warm_up(consilia_engine_t* engine, const size_t* batches,
                                          size_t batch_count, consilia_error_t** out_error) {
    return guard(out_error, [&] { engine_of(engine).warm_up(items(batches, batch_count, "batches")); });
}

consilia_status_t consilia_engine_plan(const consilia_engine_t* engine, size_t batch,
                                       consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(engine_of(engine).plan(batch).to_json());
    });
}

consilia_status_t consilia_engine_plan_text(const consilia_engine_t* engine, size_t batch, size_t columns,
                                            consilia_buffer_t* out_text, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_text, "out_text");
        constexpr size_t kColumns = 60;
        out = to_buffer(engine_of(engine).plan(batch).to_text(columns == 0 ? kColumns : columns));
    });
}

consilia_status_t consilia_engine_members(const consilia_engine_t* engine, consilia_buffer_t* out_json,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(members_json(engine_of(engine)));
    });
}

consilia_status_t consilia_engine_memory(const consilia_engine_t* engine, consilia_memory_use_t* out_memory,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_memory_use_t& out = cleared(out_memory, "out_memory");
        const inference::MemoryUse use = engine_of(engine).memory();
        out = {use.budget_bytes, use.held_bytes, use.peak_bytes};
    });
}

consilia_status_t consilia_engine_release_memory(consilia_engine_t* engine, consilia_error_t** out_error) {
    return guard(out_error, [&] { engine_of(engine).release_memory(); });
}

}  // extern "C"
