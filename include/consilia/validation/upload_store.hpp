#pragma once
// Uploads with an owner: received within quotas, recorded in a table, never twice, and swept.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/mapping.hpp"
#include "consilia/validation/receive.hpp"

namespace consilia::validation {

enum class UploadStatus : std::uint8_t {
    Stored,       ///< The file is in the directory of the store.
    Quarantined,  ///< It was refused; the file is in quarantine.
};
constexpr std::array<std::pair<UploadStatus, std::string_view>, 2> enum_names(UploadStatus) {
    return {{{UploadStatus::Stored, "stored"}, {UploadStatus::Quarantined, "quarantined"}}};
}

/// A row of `consilia_uploads`. A deleted one keeps its row, which counts in the quota of its day.
struct CONSILIA_API Upload {
    std::int64_t id = 0;
    std::int64_t owner_id = 0;
    UploadStatus status = UploadStatus::Stored;
    std::string stored_name;  ///< In the directory of the store or of the quarantine.
    std::string client_name;  ///< Sanitised, for display.
    std::string media_type;   ///< As detected; of a refused file it is not known.
    std::string sha256;       ///< Of what is stored.
    std::int64_t size_bytes = 0;
    std::string received_sha256;  ///< Of what came in.
    std::int64_t received_bytes = 0;
    std::int64_t width = 0;
    std::int64_t height = 0;
    std::optional<std::string> code;    ///< Why it was refused: `upload.infected`.
    std::optional<std::string> reason;  ///< The same for people.
    core::Timestamp created_at{};
    core::Timestamp updated_at{};
    bool is_deleted = false;
    std::optional<core::Timestamp> deleted_at;
    std::optional<std::int64_t> deleted_by;
    static data::Mapping<Upload> mapping();
};

/// Creates what is missing of `consilia_uploads`.
CONSILIA_API void create_upload_tables(data::Database& database);

/// Among whose uploads the same bytes are looked for.
enum class DuplicateScope : std::uint8_t {
    Owner,   ///< The owner's own.
    Global,  ///< Everybody's: tells an owner that somebody has the file.
    None,    ///< Nobody's: the same bytes are stored again.
};

struct UploadStoreOptions {
    /// What is accepted and where it goes. The directory belongs to the store alone. Prefix, names and field
    /// are set for each upload.
    ReceiveOptions receive{};
    std::int64_t files_per_day_max = 0;  ///< Of one owner on one UTC day. 0: no limit.
    std::int64_t bytes_per_day_max = 0;  ///< Of what is stored. 0: no limit.
    DuplicateScope duplicates = DuplicateScope::Owner;
};

/// Whose upload it is, and what the client said of it.
struct UploadRequest {
    std::int64_t owner_id = 0;
    std::optional<std::string> client_name{};
    std::optional<std::string> client_type{};
    std::string field = "file";
};

struct StoredUpload {
    Upload upload;
    bool is_duplicate = false;  ///< The upload is an older one with the same bytes; nothing was stored.
};

/// What an owner has used of the quotas of this UTC day.
struct UploadUsage {
    std::int64_t files = 0;
    std::int64_t bytes = 0;
    core::Timestamp resets_at{};
};

/// Stored files and their rows, which appear together or not at all.
///
/// Refused uploads go to the security log; those that are kept in quarantine have a row with the reason.
/// Threading: safe, for any number of processes.
class CONSILIA_API UploadStore {
public:
    /// What else is written in the transaction that records an upload. Called for duplicates too. It may run
    /// while the file has no name yet; what it throws undoes everything.
    using Record = std::function<void(data::Transaction& transaction, const StoredUpload& stored)>;

    /// Database and clock must outlive the store. The table must exist (`create_upload_tables`).
    /// @throws InvalidArgument (`upload.options`).
    explicit UploadStore(data::Database& database, UploadStoreOptions options,
                         const core::Clock& clock = core::SystemClock::instance());

    /// Receives a file and records it; one that is there already is given instead.
    /// @throws ResourceExhausted (`quota.files`, `quota.bytes`, HTTP 429) with `limit`, `used` and
    /// `resets_at`,
    ///         before anything is read where that is certain; as `validation::receive`; as `Transaction`.
    StoredUpload receive(const UploadSource& source, const UploadRequest& request, const Record& record = {});

    /// Where the file of an upload is.
    [[nodiscard]] std::filesystem::path path_of(const Upload& upload) const;
    [[nodiscard]] std::optional<Upload> find(std::int64_t id) const;
    /// Of one owner, the newest first, at most `limit` with ids below `before` (0: from the newest).
    [[nodiscard]] std::vector<Upload> list(std::int64_t owner_id, UploadStatus status = UploadStatus::Stored,
                                           std::int64_t before = 0, std::int64_t limit = 100) const;
    [[nodiscard]] UploadUsage usage(std::int64_t owner_id) const;
    /// Deletes an upload of this owner and its file; whether it was there. If the process ends in between,
    /// the file is swept.
    bool remove(std::int64_t owner_id, std::int64_t id);
    /// See `sweep_orphans` of stored_files.hpp.
    std::size_t sweep_orphans(std::chrono::seconds older_than = std::chrono::hours(24));

private:
    ReceivedFile receive_file(const UploadSource& source, const UploadRequest& request);
    void record_refusal(const core::UploadRejected& error, const UploadRequest& request);
    [[nodiscard]] std::optional<Upload> find_duplicate(const data::Session& session,
                                                       const UploadRequest& request,
                                                       const std::string& received_sha256) const;
    [[nodiscard]] UploadUsage usage_in(const data::Session& session, std::int64_t owner_id) const;
    void require_quota(const data::Session& session, std::int64_t owner_id, std::int64_t more_bytes) const;

    data::Database& database_;
    UploadStoreOptions options_;
    const core::Clock& clock_;
};

}  // namespace consilia::validation
