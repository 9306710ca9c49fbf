#pragma once
// An audit log: an append-only table whose entries are chained by their hashes, with review, proof and
// archives.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/audit_entry.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/query.hpp"

namespace consilia::access {

struct AuditLogOptions {
    /// Of the hashes, HMAC-SHA-256 (RFC 2104): 16 bytes or more, random, kept where the database is not.
    /// Empty: SHA-256, which everybody who can write the table can calculate anew. One key for the life of a
    /// log.
    std::string key = {};
    std::size_t details_bytes_max = 4096;  ///< Of one entry's details as compact JSON; 1024 to 65536.
    const core::Clock* clock = nullptr;    ///< Must outlive the log. Null: the machine's.
};

/// A place in the chain. Kept elsewhere (another host, paper), the newest one proves that no entry up to it
/// was changed, whoever has the database and the key, and that the tail was not cut.
struct AuditAnchor {
    std::int64_t sequence = 0;  ///< Zero: before the first entry.
    std::string hash = std::string(64, '0');

    friend bool operator==(const AuditAnchor&, const AuditAnchor&) = default;
};

/// Which entries; what is not set does not matter.
struct AuditFilter {
    std::string resource = {};
    core::Value record_id = {};  ///< With `resource`: who saw this record.
    core::Value user_id = {};    ///< What this user did.
    std::string action = {};
    std::optional<AuditOutcome> outcome = {};
    std::optional<core::Timestamp> since = {};  ///< At or after.
    std::optional<core::Timestamp> until = {};  ///< Before.
};

/// A page of entries. The next page starts after the last entry of this one, and costs the same.
struct AuditPage {
    static constexpr std::int64_t kLimitMax = 10'000;
    std::int64_t limit = 100;
    std::int64_t after_sequence = 0;  ///< Of the last entry seen, in this order; zero: from the start.
    bool newest_first = false;
};

/// What is wrong with a log.
enum class AuditFault : std::uint8_t {
    None,
    Changed,    ///< An entry is not what was written.
    Removed,    ///< An entry is missing before others.
    Reordered,  ///< An entry stands in the place of another.
    Added,      ///< There is an entry after the last one that was written.
    CutTail,    ///< The newest entries are missing.
    Rewritten,  ///< All is sound by itself, but not what the anchor saw.
};
/// The lower-case name of a fault: `cut_tail`.
CONSILIA_API std::string_view to_string(AuditFault fault) noexcept;

/// What a verification found. A fault is an answer, not an error.
struct AuditReport {
    std::int64_t entries = 0;  ///< That were found good, one after the other.
    AuditAnchor begin;         ///< The place before the first of them.
    AuditAnchor end;           ///< The last of them.
    AuditFault fault = AuditFault::None;
    std::int64_t sequence = 0;  ///< The first that is bad; zero: none.
    std::string explain;        ///< One sentence for people; empty: none.

    [[nodiscard]] bool is_sound() const noexcept { return fault == AuditFault::None; }
};

struct AuditVerifyOptions {
    std::optional<AuditAnchor> after = {};   ///< Where an earlier one ended: only what is newer is read.
    std::optional<AuditAnchor> anchor = {};  ///< Kept elsewhere: must be part of the chain.
};

/// Which entries go into an archive: those that satisfy all of what is set; always the oldest.
struct AuditRotateOptions {
    std::filesystem::path file;                  ///< Must not exist; its directory must.
    std::optional<core::Timestamp> before = {};  ///< Up to the first entry that is not older.
    std::optional<std::int64_t> keep = {};       ///< All but so many of the newest.
    Principal by = {};                           ///< Who rotates: it is an entry itself.
};

/// What a rotation did.
struct AuditArchive {
    std::int64_t entries = 0;  ///< Zero: nothing was old enough, and no file was written.
    AuditAnchor begin;         ///< The place before the first of them.
    AuditAnchor end;           ///< The last one in the file.
};

/// An append-only log in the tables `consilia_audit` and `consilia_audit_head` of a database.
///
/// Each entry holds the hash of the one before: whoever changes, removes or reorders one is found by
/// `verify`. Triggers refuse UPDATE and DELETE, against accidents; `rotate` is the one way to remove, into a
/// file that proves itself. Writers take turns from `append` to the end of their transaction: append last.
/// Threading: safe. Any number of threads and processes may use logs over one database.
class CONSILIA_API AuditLog {
public:
    static constexpr std::size_t kEventsMax = 10'000;  ///< Of one `append_many`.
    static constexpr std::size_t kKeyBytesMin = 16;

    /// `database` must outlive the log. Nothing is read or created yet.
    /// @throws InvalidArgument (`audit.options`).
    explicit AuditLog(data::Database& database, AuditLogOptions options = {});
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    /// Creates tables, indexes and triggers where they are missing, and binds a new log to the key.
    void create_schema();

    /// Writes an entry that exists if, and only if, `transaction` is committed: what tells of a change
    /// belongs into its transaction, a denial into one of its own. @return its place in the chain.
    /// @throws InvalidArgument (`audit.field` with the field in its details; `audit.details`), or if the log
    /// was begun with another key (`audit.key`); as `Session::execute`.
    AuditAnchor append(data::Transaction& transaction, const AuditEvent& event);
    /// As above, in a transaction of its own.
    AuditAnchor append(const AuditEvent& event);
    /// As `append`, for the records of a page: one entry each, all or none. @return the place of the last.
    /// @throws also InvalidArgument (`audit.too_many`) above `kEventsMax`.
    AuditAnchor append_many(data::Transaction& transaction, std::span<const AuditEvent> events);
    AuditAnchor append_many(std::span<const AuditEvent> events);

    /// The newest place in the chain: to be kept elsewhere.
    [[nodiscard]] AuditAnchor head();
    [[nodiscard]] AuditAnchor head(const data::Session& session);

    /// The entries in their order. @throws InvalidArgument (`audit.page`), (`audit.field`) for an id of
    /// another type, or a `record_id` without `resource`.
    [[nodiscard]] std::vector<AuditEntry> find(const AuditFilter& filter, const AuditPage& page = {});
    [[nodiscard]] std::vector<AuditEntry> find(const data::Session& session, const AuditFilter& filter,
                                               const AuditPage& page = {});
    /// As `find` without pages: a query to be narrowed, counted and grouped. It may outlive the log.
    [[nodiscard]] static data::Query query(const AuditFilter& filter = {});
    /// The table as a model.
    [[nodiscard]] static const data::Model& model();

    /// Reads the chain, in one snapshot and constant memory. Without an anchor a tail is only found cut if
    /// the row that counts the entries was not set back too.
    /// @throws InvalidArgument (`audit.key`); NotFound (`audit.anchor`) for a place that is in an archive.
    [[nodiscard]] AuditReport verify(const AuditVerifyOptions& options = {});

    /// Calls `line` with each entry as `to_json_line` writes it, oldest first, in one snapshot. @return how
    /// many.
    std::int64_t each_json_line(const AuditFilter& filter,
                                const std::function<void(std::string_view line)>& line);
    /// Writes a file of JSON lines, whole or not at all. @return how many.
    /// @throws Conflict (`file.exists`), StorageError.
    std::int64_t export_json_lines(const AuditFilter& filter, const std::filesystem::path& file);

    /// Moves the oldest entries into a file, then removes them, and says so in an entry (`rotate` of
    /// `consilia_audit`). The file is whole and synced before anything is removed; after a crash between the
    /// two it holds entries that the table has too, and may be deleted.
    /// @throws InvalidArgument (`audit.rotate`) unless `before` or `keep` is set; Conflict: `audit.broken`
    /// with the first bad sequence, `audit.rotated` if another rotation came between, `file.exists`.
    AuditArchive rotate(const AuditRotateOptions& options);

private:
    struct State;
    std::unique_ptr<State> state_;
};

struct AuditFileOptions {
    std::string key = {};                    ///< Of the log.
    std::optional<AuditAnchor> after = {};   ///< The end of the archive before: this one must follow it.
    std::optional<AuditAnchor> anchor = {};  ///< Kept elsewhere: must be a line of this file.
};

/// Verifies an archive by itself, in constant memory. Archives belong back to back, and the last one to the
/// table: the `end` of one is the `begin` of the next.
/// @throws NotFound (`file.not_found`), StorageError, InvalidArgument (`audit.options`).
CONSILIA_API AuditReport verify_audit_file(const std::filesystem::path& file,
                                           const AuditFileOptions& options = {});

}  // namespace consilia::access
