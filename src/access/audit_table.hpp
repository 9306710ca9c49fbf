#pragma once
// The two tables of an audit log: the entries, and one row that says where the chain begins and ends.
#include <string>
#include <string_view>
#include <vector>

#include "access/audit_line.hpp"
#include "consilia/access/audit_log.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/data/database.hpp"

namespace consilia::access {

/// The row of `consilia_audit_head`. Locked, it is the place in the queue of writers.
struct AuditHead {
    AuditAnchor newest;
    AuditAnchor removed;  ///< The newest that went into an archive.
    std::string key_check;
};

/// @throws InvalidArgument (`audit.key`) if the log was begun with another key.
AuditHead read_head(const data::Session& session, std::string_view key_check, bool locks = false);

/// The statements that make tables, indexes and triggers where they are missing, but for the head's row.
std::vector<std::string> schema_statements(core::SqlDialect dialect);

/// An id as it is stored. @throws InvalidArgument (`audit.field`).
std::optional<std::string> id_text(const core::Value& id, std::string_view field);

/// The text of a trusted statement with `?`, in the words of the database.
std::string in_words_of(core::SqlDialect dialect, std::string_view sql);

struct AuditLog::State {
    data::Database& database;
    AuditHasher hasher;
    std::string key_check;
    std::size_t details_bytes_max;
    const core::Clock& clock;
    std::string insert;
    std::string advance;

    State(data::Database& used, const AuditLogOptions& options);
    [[nodiscard]] AuditHead head(const data::Session& session, bool locks = false) const {
        return read_head(session, key_check, locks);
    }
    /// Appends entries behind the head, which must be locked, and moves it.
    AuditAnchor append(const data::Transaction& transaction, const AuditHead& head,
                       std::span<const AuditEvent> events);
};

}  // namespace consilia::access
