// Quarantine and the store of uploads.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consilia/validation/upload_store.hpp"
#include "data.hpp"
#include "uploads.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
namespace validation = consilia::validation;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::counted;
using consilia::capi::enumerator;
using consilia::capi::guard;
using consilia::capi::quarantine_of;
using consilia::capi::receive_options;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::sent_text;
using consilia::capi::source_of;
using consilia::capi::to_buffer;
using consilia::capi::view;
using core::ValueType;
using validation::QuarantineEntry;
using validation::Upload;

struct consilia_quarantine {
    validation::Quarantine quarantine;
};

struct consilia_upload_store {
    consilia_upload_store(std::shared_ptr<data::Database> used, validation::UploadStoreOptions options)
        : database(std::move(used)), store(*database, std::move(options)) {}
    std::shared_ptr<data::Database> database;
    validation::UploadStore store;
};

static_assert(static_cast<int>(validation::UploadStatus::Quarantined) == CONSILIA_UPLOAD_QUARANTINED);
static_assert(static_cast<int>(validation::DuplicateScope::None) == CONSILIA_DUPLICATES_NONE);
static_assert(offsetof(consilia_upload_store_options_t, duplicates) == 32);
static_assert(sizeof(consilia_stored_upload_t) == 16 && sizeof(consilia_upload_usage_t) == 24);
static_assert(offsetof(consilia_upload_request_t, record) == 64);

namespace {

data::RowSet rows_of(const std::vector<QuarantineEntry>& entries) {
    data::RowSet rows({{"name", ValueType::Text},
                       {"code", ValueType::Text},
                       {"message", ValueType::Text},
                       {"details_json", ValueType::Json},
                       {"client_name", ValueType::Text},
                       {"sha256", ValueType::Text},
                       {"size_bytes", ValueType::Int64},
                       {"refused_at", ValueType::Timestamp}});
    for (const QuarantineEntry& entry : entries) {
        rows.append_bytes(ValueType::Text, entry.name);
        rows.append_bytes(ValueType::Text, entry.code);
        rows.append_bytes(ValueType::Text, entry.message);
        rows.append_bytes(ValueType::Json, entry.details_json.empty() ? "{}" : entry.details_json);
        rows.append_bytes(ValueType::Text, entry.client_name);
        rows.append_bytes(ValueType::Text, entry.sha256);
        rows.append_int64(ValueType::Int64, static_cast<std::int64_t>(entry.size_bytes));
        rows.append_int64(ValueType::Timestamp, entry.refused_at.microseconds);
    }
    return rows;
}

std::string_view name_of(validation::UploadStatus status) {
    return enum_names(status)[static_cast<std::size_t>(status)].second;
}

void append_upload(data::RowSet& rows, const Upload& upload) {
    const auto text = [&](std::string_view bytes) { rows.append_bytes(ValueType::Text, bytes); };
    const auto number = [&](std::int64_t value) { rows.append_int64(ValueType::Int64, value); };
    const auto optional = [&](const std::optional<std::string>& value) {
        value ? text(*value) : rows.append_null();
    };
    number(upload.id);
    number(upload.owner_id);
    text(name_of(upload.status));
    text(upload.stored_name);
    text(upload.client_name);
    text(upload.media_type);
    text(upload.sha256);
    number(upload.size_bytes);
    text(upload.received_sha256);
    number(upload.received_bytes);
    number(upload.width);
    number(upload.height);
    optional(upload.code);
    optional(upload.reason);
    rows.append_int64(ValueType::Timestamp, upload.created_at.microseconds);
}

data::RowSet rows_of(const std::vector<Upload>& uploads) {
    data::RowSet rows({{"id", ValueType::Int64},
                       {"owner_id", ValueType::Int64},
                       {"status", ValueType::Text},
                       {"stored_name", ValueType::Text},
                       {"client_name", ValueType::Text},
                       {"media_type", ValueType::Text},
                       {"sha256", ValueType::Text},
                       {"size_bytes", ValueType::Int64},
                       {"received_sha256", ValueType::Text},
                       {"received_bytes", ValueType::Int64},
                       {"width", ValueType::Int64},
                       {"height", ValueType::Int64},
                       {"code", ValueType::Text},
                       {"reason", ValueType::Text},
                       {"created_at", ValueType::Timestamp}});
    for (const Upload& upload : uploads) append_upload(rows, upload);
    return rows;
}

consilia_stored_upload_t to_c(const validation::StoredUpload& stored) {
    return {stored.upload.id, stored.is_duplicate ? 1 : 0, 0};
}

validation::UploadStore::Record record_of(const consilia_upload_request_t& given) {
    if (given.record == nullptr) return {};
    return [record = given.record, user_data = given.user_data](data::Transaction& transaction,
                                                                const validation::StoredUpload& stored) {
        consilia_session_t lent(transaction);
        const consilia_stored_upload_t out = to_c(stored);
        if (record(&lent, &out, user_data) != 0)
            throw core::Cancelled("upload.cancelled", "the caller's function gave up");
    };
}

/// Whether something was there, if the caller wants to know.
template <class Remove>
void removed(int32_t* out_was_there, const Remove& remove) {
    if (out_was_there != nullptr) *out_was_there = 0;
    const bool was_there = remove();
    if (out_was_there != nullptr) *out_was_there = was_there ? 1 : 0;
}

}  // namespace

extern "C" {

consilia_status_t consilia_quarantine_open(const consilia_quarantine_options_t* options,
                                           consilia_quarantine_t** out_quarantine,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_quarantine_t*& out = cleared(out_quarantine, "out_quarantine");
        out = new consilia_quarantine_t{validation::Quarantine(quarantine_of(options))};
    });
}

void consilia_quarantine_free(consilia_quarantine_t* quarantine) {
    delete quarantine;
}

consilia_status_t consilia_quarantine_list(const consilia_quarantine_t* quarantine,
                                           consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(rows_of(require(quarantine, "quarantine").quarantine.list()));
    });
}

consilia_status_t consilia_quarantine_get(const consilia_quarantine_t* quarantine, consilia_str_t name,
                                          consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(rows_of(std::vector{require(quarantine, "quarantine").quarantine.get(view(name))}));
    });
}

consilia_status_t consilia_quarantine_remove(consilia_quarantine_t* quarantine, consilia_str_t name,
                                             int32_t* out_was_there, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        removed(out_was_there,
                [&] { return require(quarantine, "quarantine").quarantine.remove(view(name)); });
    });
}

consilia_status_t consilia_quarantine_release(consilia_quarantine_t* quarantine, consilia_str_t name,
                                              consilia_str_t directory, consilia_str_t file_name,
                                              consilia_buffer_t* out_path, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_path, "out_path");
        out = to_buffer(require(quarantine, "quarantine")
                            .quarantine.release(view(name), view(directory), view(file_name))
                            .native());
    });
}

consilia_status_t consilia_upload_tables_create(consilia_database_t* database, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { validation::create_upload_tables(*require(database, "database").database); });
}

consilia_status_t consilia_upload_store_open(consilia_database_t* database,
                                             const consilia_upload_store_options_t* options,
                                             consilia_upload_store_t** out_store,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_upload_store_t*& out = cleared(out_store, "out_store");
        const consilia_upload_store_options_t known = copy_options(&require(options, "options"));
        validation::UploadStoreOptions made;
        made.receive = receive_options(&require(known.receive, "options.receive"));
        made.files_per_day_max = known.files_per_day_max;
        made.bytes_per_day_max = known.bytes_per_day_max;
        made.duplicates = enumerator(known.duplicates, validation::DuplicateScope::None, "duplicates");
        out = new consilia_upload_store_t(require(database, "database").database, std::move(made));
    });
}

void consilia_upload_store_free(consilia_upload_store_t* store) {
    delete store;
}

consilia_status_t consilia_upload_store_receive(consilia_upload_store_t* store,
                                                const consilia_upload_source_t* source,
                                                const consilia_upload_request_t* request,
                                                consilia_stored_upload_t* out_stored,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_stored_upload_t& out = cleared(out_stored, "out_stored");
        const consilia_upload_request_t known = copy_options(&require(request, "request"));
        validation::UploadRequest made;
        made.owner_id = known.owner_id;
        made.client_name = sent_text(known.client_name);
        made.client_type = sent_text(known.client_type);
        if (known.field.size != 0) made.field = view(known.field);
        out = to_c(require(store, "store").store.receive(source_of(source), made, record_of(known)));
    });
}

consilia_status_t consilia_upload_store_find(const consilia_upload_store_t* store, int64_t id,
                                             consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const std::optional<Upload> found = require(store, "store").store.find(id);
        if (found) out = row_set(rows_of(std::vector{*found}));
    });
}

consilia_status_t consilia_upload_store_list(const consilia_upload_store_t* store, int64_t owner_id,
                                             int32_t status, int64_t before, int64_t limit,
                                             consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const auto wanted = enumerator(status, validation::UploadStatus::Quarantined, "status");
        out = row_set(
            rows_of(require(store, "store").store.list(owner_id, wanted, before, limit == 0 ? 100 : limit)));
    });
}

consilia_status_t consilia_upload_store_path(const consilia_upload_store_t* store, int64_t id,
                                             consilia_buffer_t* out_path, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_path, "out_path");
        const std::optional<Upload> found = require(store, "store").store.find(id);
        if (!found) throw core::NotFound("upload.not_found", "there is no such upload", {{"id", id}});
        out = to_buffer(store->store.path_of(*found).native());
    });
}

consilia_status_t consilia_upload_store_usage(const consilia_upload_store_t* store, int64_t owner_id,
                                              consilia_upload_usage_t* out_usage,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_upload_usage_t& out = cleared(out_usage, "out_usage");
        const validation::UploadUsage usage = require(store, "store").store.usage(owner_id);
        out = {usage.files, usage.bytes, usage.resets_at.microseconds};
    });
}

consilia_status_t consilia_upload_store_remove(consilia_upload_store_t* store, int64_t owner_id, int64_t id,
                                               int32_t* out_was_there, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        removed(out_was_there, [&] { return require(store, "store").store.remove(owner_id, id); });
    });
}

consilia_status_t consilia_upload_store_sweep(consilia_upload_store_t* store, int64_t older_than_s,
                                              int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const std::chrono::seconds older_than(older_than_s == 0 ? 86'400 : older_than_s);
        counted(out_count, [&] {
            return static_cast<std::int64_t>(require(store, "store").store.sweep_orphans(older_than));
        });
    });
}

}  // extern "C"
