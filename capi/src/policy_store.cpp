#include "consilia/c/policy_store.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "access.hpp"
#include "consilia/access/policy_tables.hpp"
#include "policy_store.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::access::Policy;
using consilia::access::PolicyDocument;
using consilia::access::PolicyLoader;
using consilia::access::PolicyStore;
using consilia::access::WatchOptions;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(offsetof(consilia_watch_options_t, user_data) == 32);

struct consilia_policy_reader {
    PolicyStore::Reader reader;
    consilia_policy policy;
    std::uint64_t version;  ///< Of `policy`.
};

namespace {

PolicyStore& store_of(const consilia_policy_store_t* store) {
    return *require(store, "store").store;
}

PolicyLoader loader_of(consilia_policy_loader_fn loader, void* user_data) {
    return [loader, user_data]() -> std::optional<PolicyDocument> {
        consilia_str_t json{};
        consilia_error_t* error = nullptr;
        const consilia_status_t status = loader(&json, &error, user_data);
        if (error != nullptr) consilia::capi::throw_reported(error);
        if (status != CONSILIA_OK)
            throw core::Unavailable("policy.loader", "the caller's function gave no policy");
        if (json.size == 0) return std::nullopt;
        return consilia::access::parse_policy(view(json));
    };
}

WatchOptions watch_options(const consilia_watch_options_t* given) {
    const consilia_watch_options_t known = copy_options(given);
    WatchOptions options;
    if (known.interval_ms != 0) options.interval = std::chrono::milliseconds(known.interval_ms);
    if (known.on_change != nullptr) {
        options.on_change = [known](const Policy& policy) {
            const consilia_policy lent{policy};
            known.on_change(&lent, known.user_data);
        };
    }
    if (known.on_error != nullptr) {
        options.on_error = [known](const std::exception&) {
            // It is called while the exception is handled.
            consilia_error_t* error = nullptr;
            consilia::capi::report_current_exception(&error);
            known.on_error(error, known.user_data);
            consilia_error_free(error);
        };
    }
    return options;
}

}  // namespace

extern "C" {

consilia_status_t consilia_policy_store_open(consilia_str_t json, consilia_policy_store_t** out_store,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_store_t*& out = cleared(out_store, "out_store");
        out = new consilia_policy_store_t{
            {}, std::make_unique<PolicyStore>(consilia::access::parse_policy(view(json)))};
    });
}

consilia_status_t consilia_policy_store_open_file(consilia_str_t path, consilia_policy_store_t** out_store,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_store_t*& out = cleared(out_store, "out_store");
        out = new consilia_policy_store_t{
            {},
            std::make_unique<PolicyStore>(consilia::access::policy_file(std::filesystem::path(view(path))))};
    });
}

consilia_status_t consilia_policy_store_open_tables(consilia_database_t* database,
                                                    consilia_policy_store_t** out_store,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_store_t*& out = cleared(out_store, "out_store");
        const std::shared_ptr<data::Database> opened = require(database, "database").database;
        out = new consilia_policy_store_t{
            opened, std::make_unique<PolicyStore>(consilia::access::policy_tables(*opened))};
    });
}

consilia_status_t consilia_policy_store_open_loader(consilia_policy_loader_fn loader, void* user_data,
                                                    consilia_policy_store_t** out_store,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_store_t*& out = cleared(out_store, "out_store");
        if (loader == nullptr) throw core::InvalidArgument("c_api.null", "`loader` is null");
        out = new consilia_policy_store_t{{}, std::make_unique<PolicyStore>(loader_of(loader, user_data))};
    });
}

void consilia_policy_store_free(consilia_policy_store_t* store) {
    delete store;
}

consilia_status_t consilia_policy_store_current(const consilia_policy_store_t* store,
                                                consilia_policy_t** out_policy,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_t*& out = cleared(out_policy, "out_policy");
        out = new consilia_policy_t{store_of(store).current()};
    });
}

consilia_status_t consilia_policy_store_version(const consilia_policy_store_t* store, uint64_t* out_version,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        std::uint64_t& out = cleared(out_version, "out_version");
        out = store_of(store).version();
    });
}

consilia_status_t consilia_policy_store_replace(consilia_policy_store_t* store, consilia_str_t json,
                                                uint64_t* out_version, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_version != nullptr) *out_version = 0;
        const std::uint64_t version = store_of(store).replace(consilia::access::parse_policy(view(json)));
        if (out_version != nullptr) *out_version = version;
    });
}

consilia_status_t consilia_policy_store_refresh(consilia_policy_store_t* store, int32_t* out_changed,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_changed != nullptr) *out_changed = 0;
        const bool is_changed = store_of(store).refresh();
        if (out_changed != nullptr) *out_changed = is_changed ? 1 : 0;
    });
}

consilia_status_t consilia_policy_store_watch(consilia_policy_store_t* store,
                                              const consilia_watch_options_t* options,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] { store_of(store).watch(watch_options(options)); });
}

consilia_status_t consilia_policy_store_stop_watching(consilia_policy_store_t* store,
                                                      consilia_error_t** out_error) {
    return guard(out_error, [&] { store_of(store).stop_watching(); });
}

consilia_status_t consilia_policy_store_reader(const consilia_policy_store_t* store,
                                               consilia_policy_reader_t** out_reader,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_reader_t*& out = cleared(out_reader, "out_reader");
        PolicyStore::Reader reader = store_of(store).reader();
        consilia_policy policy{reader.policy()};
        const std::uint64_t version = reader.version();
        out = new consilia_policy_reader_t{std::move(reader), std::move(policy), version};
    });
}

void consilia_policy_reader_free(consilia_policy_reader_t* reader) {
    delete reader;
}

consilia_status_t consilia_policy_reader_policy(consilia_policy_reader_t* reader,
                                                const consilia_policy_t** out_policy,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia_policy_t*& out = cleared(out_policy, "out_policy");
        consilia_policy_reader_t& own = require(reader, "reader");
        const Policy& policy = own.reader.policy();
        if (own.version != own.reader.version()) {
            own.policy.policy = policy;
            own.version = own.reader.version();
        }
        out = &own.policy;
    });
}

consilia_status_t consilia_policy_tables_create(consilia_database_t* database, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { consilia::access::create_policy_tables(*require(database, "database").database); });
}

consilia_status_t consilia_policy_tables_save(consilia_session_t* session, consilia_str_t json,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia::access::save_policy(consilia::capi::transaction_of(session),
                                      consilia::access::parse_policy(view(json)));
    });
}

consilia_status_t consilia_policy_tables_load(consilia_session_t* session, consilia_buffer_t* out_json,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(
            consilia::access::to_json(consilia::access::load_policy(consilia::capi::session_of(session))));
    });
}

}  // extern "C"
