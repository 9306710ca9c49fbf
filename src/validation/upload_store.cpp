#include "consilia/validation/upload_store.hpp"

#include <array>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/core/log.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "consilia/data/schema.hpp"
#include "consilia/validation/stored_files.hpp"

namespace consilia::validation {
namespace {

using core::Timestamp;
using core::Value;
using data::field;

constexpr std::string_view kPrefix = "user_";
constexpr std::int64_t kOwnerLock = 0x636f'6e73'7500'0000;  // "consu"
constexpr std::int64_t kGlobalLock = kOwnerLock ^ (std::int64_t{1} << 62);
constexpr std::int64_t kMaxList = 1'000;

std::int64_t number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// Lets uploads of one owner wait for each other until the transaction ends, so that what was counted stays
// true. SQLite has one writer anyway.
void lock(const data::Transaction& transaction, std::int64_t key) {
    if (transaction.dialect() == core::SqlDialect::Sqlite) return;
    const Value keys[] = {Value(key)};
    transaction.query("SELECT pg_advisory_xact_lock($1)::text", keys);
}

Timestamp midnight_before(Timestamp now) {
    constexpr std::int64_t kDay = std::int64_t{86'400} * 1'000'000;
    return {std::int64_t{core::date_of(now).days} * kDay};
}

data::Query live_files() {
    return data::Query(data::mapping_of<Upload>().model())
        .where(field(&Upload::status) == UploadStatus::Stored);
}

bool is_recorded(const data::Session& session, const std::string& name) {
    return live_files().where(field(&Upload::stored_name) == name).exists(session);
}

Upload row_of(const FileFacts& facts, std::int64_t owner_id) {
    Upload row;
    row.owner_id = owner_id;
    row.stored_name = facts.stored_name;
    row.client_name = facts.client_name;
    row.media_type = media_type(facts.type);
    row.sha256 = facts.sha256;
    row.size_bytes = number(facts.size_bytes);
    row.received_sha256 = facts.received_sha256;
    row.received_bytes = number(facts.received_bytes);
    row.width = facts.width;
    row.height = facts.height;
    return row;
}

Value detail(const core::Error& error, std::string_view name) {
    for (const core::Detail& each : error.details()) {
        if (each.name == name) return each.value;
    }
    return {};
}

[[noreturn]] void refuse_quota(const char* code, const std::string& what, std::int64_t limit,
                               const UploadUsage& usage, std::int64_t used) {
    throw core::ResourceExhausted(
        code, "the " + std::to_string(limit) + " " + what + " of this user's day are used up",
        {{"limit", limit}, {"used", used}, {"resets_at", usage.resets_at}}, 429);
}

}  // namespace

data::Mapping<Upload> Upload::mapping() {
    return data::Mapping<Upload>("consilia_uploads")
        .primary_key("id", &Upload::id)
        .column("owner_id", &Upload::owner_id)
        .column("status", &Upload::status, {.choices = data::choices_of<UploadStatus>()})
        .column("stored_name", &Upload::stored_name, {.is_unique = true, .length_max = 150})
        .column("client_name", &Upload::client_name, {.length_max = 255})
        .column("media_type", &Upload::media_type, {.length_max = 100})
        .column("sha256", &Upload::sha256, {.length_max = 64})
        .column("size_bytes", &Upload::size_bytes)
        .column("received_sha256", &Upload::received_sha256, {.length_max = 64})
        .column("received_bytes", &Upload::received_bytes)
        .column("width", &Upload::width)
        .column("height", &Upload::height)
        .column("code", &Upload::code, {.length_max = 100})
        .column("reason", &Upload::reason)
        .timestamps(&Upload::created_at, &Upload::updated_at)
        .soft_delete(&Upload::is_deleted, &Upload::deleted_at, &Upload::deleted_by)
        .index({"owner_id", "created_at"})
        .index({"received_sha256", "owner_id"});
}

void create_upload_tables(data::Database& database) {
    const std::array models = {&data::mapping_of<Upload>().model()};
    data::create_tables(database, models);
}

UploadStore::UploadStore(data::Database& database, UploadStoreOptions options, const core::Clock& clock)
    : database_(database), options_(std::move(options)), clock_(clock) {
    if (options_.files_per_day_max < 0 || options_.bytes_per_day_max < 0)
        throw core::InvalidArgument("upload.options", "quotas are not below zero");
    if (options_.receive.directory.empty())
        throw core::InvalidArgument("upload.options", "a directory for the received files is needed");
}

UploadUsage UploadStore::usage_in(const data::Session& session, std::int64_t owner_id) const {
    const Timestamp midnight = midnight_before(clock_.now());
    const data::RowSet used =
        live_files()
            .with_deleted()
            .where(field(&Upload::owner_id) == owner_id && field(&Upload::created_at) >= midnight)
            .aggregate(session, {{"files", core::count()},
                                 {"bytes", core::coalesce({core::sum(core::field("size_bytes")), 0})}});
    return {used.int64(0, 0), used.int64(0, 1), midnight + std::chrono::hours(24)};
}

void UploadStore::require_quota(const data::Session& session, std::int64_t owner_id,
                                std::int64_t more_bytes) const {
    if (options_.files_per_day_max == 0 && options_.bytes_per_day_max == 0) return;
    const UploadUsage used = usage_in(session, owner_id);
    if (options_.files_per_day_max != 0 && used.files >= options_.files_per_day_max)
        refuse_quota("quota.files", "files", options_.files_per_day_max, used, used.files);
    if (options_.bytes_per_day_max != 0 && used.bytes > options_.bytes_per_day_max - more_bytes)
        refuse_quota("quota.bytes", "bytes", options_.bytes_per_day_max, used, used.bytes);
}

std::optional<Upload> UploadStore::find_duplicate(const data::Session& session, const UploadRequest& request,
                                                  const std::string& received_sha256) const {
    if (options_.duplicates == DuplicateScope::None) return std::nullopt;
    data::Query same = live_files().where(field(&Upload::received_sha256) == received_sha256);
    if (options_.duplicates == DuplicateScope::Owner)
        same = same.where(field(&Upload::owner_id) == request.owner_id);
    std::vector<Upload> found =
        data::Repository<Upload>(database_, clock_).list(session, same.order_by("id").limit(1));
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

void UploadStore::record_refusal(const core::UploadRejected& error, const UploadRequest& request) {
    const Value kept = detail(error, "quarantined");
    const std::string name = kept.is_null() ? "" : kept.as<std::string>();
    core::log_security("upload refused", {{"code", error.code()},
                                          {"field", request.field},
                                          {"owner_id", request.owner_id},
                                          {"quarantined", name}});
    if (name.empty()) return;
    const QuarantineEntry entry = Quarantine(options_.receive.quarantine, clock_).get(name);
    Upload row;
    row.owner_id = request.owner_id;
    row.status = UploadStatus::Quarantined;
    row.stored_name = entry.name;
    row.client_name = entry.client_name;
    row.media_type = media_type(FileType::Unknown);
    row.sha256 = row.received_sha256 = entry.sha256;
    row.size_bytes = row.received_bytes = number(entry.size_bytes);
    row.code = error.code();
    row.reason = error.what();
    data::Repository<Upload>(database_, clock_).insert(row);
}

ReceivedFile UploadStore::receive_file(const UploadSource& source, const UploadRequest& request) {
    ReceiveOptions options = options_.receive;
    options.prefix = std::string(kPrefix) + std::to_string(request.owner_id);
    options.client_name = request.client_name;
    options.client_type = request.client_type;
    options.field = request.field;
    try {
        return validation::receive(source, options);
    } catch (const core::UploadRejected& error) {
        record_refusal(error, request);
        throw;
    }
}

StoredUpload UploadStore::receive(const UploadSource& source, const UploadRequest& request,
                                  const Record& record) {
    require_quota(database_.read(), request.owner_id, 1);
    ReceivedFile file = receive_file(source, request);
    const std::string& hash = file.facts().received_sha256;
    // Outside the transaction, which others wait for.
    if (!find_duplicate(database_.read(), request, hash)) file.sync();

    data::Transaction transaction = database_.begin();
    if (options_.duplicates == DuplicateScope::Global) lock(transaction, kGlobalLock);
    lock(transaction, kOwnerLock ^ request.owner_id);
    if (std::optional<Upload> older = find_duplicate(transaction, request, hash)) {
        StoredUpload stored{*std::move(older), true};
        if (record) record(transaction, stored);
        transaction.commit();
        return stored;
    }
    require_quota(transaction, request.owner_id, number(file.facts().size_bytes));
    StoredUpload stored{row_of(file.facts(), request.owner_id)};
    data::Repository<Upload>(database_, clock_).insert(transaction, stored.upload);
    if (record) record(transaction, stored);
    commit_with_file(database_, transaction, file, is_recorded);
    return stored;
}

std::filesystem::path UploadStore::path_of(const Upload& upload) const {
    const bool is_stored = upload.status == UploadStatus::Stored;
    return (is_stored ? options_.receive.directory : options_.receive.quarantine.directory) /
           upload.stored_name;
}

std::optional<Upload> UploadStore::find(std::int64_t id) const {
    return data::Repository<Upload>(database_, clock_).find(id);
}

std::vector<Upload> UploadStore::list(std::int64_t owner_id, UploadStatus status, std::int64_t before,
                                      std::int64_t limit) const {
    if (limit < 1 || limit > kMaxList)
        throw core::InvalidArgument("upload.limit", "a list has 1 to 1000 uploads", {{"limit", limit}});
    data::Query rows = data::Query(data::mapping_of<Upload>().model())
                           .where(field(&Upload::owner_id) == owner_id && field(&Upload::status) == status)
                           .order_by("-id")
                           .limit(limit);
    if (before != 0) rows = rows.where(field(&Upload::id) < before);
    return data::Repository<Upload>(database_, clock_).list(database_.read(), rows);
}

UploadUsage UploadStore::usage(std::int64_t owner_id) const {
    return usage_in(database_.read(), owner_id);
}

bool UploadStore::remove(std::int64_t owner_id, std::int64_t id) {
    const data::Repository<Upload> uploads(database_, clock_);
    data::Transaction transaction = database_.begin();
    const std::optional<Upload> upload = uploads.find(transaction, id);
    if (!upload || upload->owner_id != owner_id || upload->status != UploadStatus::Stored) return false;
    uploads.soft_delete(transaction, id);
    transaction.commit();
    discard(path_of(*upload));
    return true;
}

std::size_t UploadStore::sweep_orphans(std::chrono::seconds older_than) {
    return validation::sweep_orphans(
        database_,
        {.directory = options_.receive.directory, .prefix = std::string(kPrefix), .older_than = older_than},
        clock_, is_recorded);
}

}  // namespace consilia::validation
