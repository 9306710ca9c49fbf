#pragma once
// Following the chain from one entry to the next, over a table or a file.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "access/audit_line.hpp"
#include "consilia/access/audit_log.hpp"
#include "consilia/data/database.hpp"

namespace consilia::access {

/// What holds an entry in the chain.
struct Link {
    std::int64_t sequence = 0;
    std::string_view previous;
    std::string_view hash;
};

/// Follows links while they are good, and says what was wrong with the first that is not.
class AuditWalk {
public:
    /// @throws NotFound (`audit.anchor`) for an anchor before the beginning.
    AuditWalk(const AuditHasher& hasher, const AuditAnchor& begin, const std::optional<AuditAnchor>& anchor);

    /// Whether the link follows and hashes to what it says. `body` is what is hashed.
    bool follow(const Link& link, std::string_view body);
    /// The end was reached: the anchor must have been met.
    void end();
    void fail(AuditFault fault, std::int64_t sequence, std::string explain);

    [[nodiscard]] bool is_sound() const noexcept { return report_.is_sound(); }
    [[nodiscard]] std::int64_t next() const noexcept { return report_.end.sequence + 1; }
    [[nodiscard]] const AuditReport& report() const noexcept { return report_; }
    [[nodiscard]] AuditHasher& hasher() noexcept { return hasher_; }

private:
    void meet_anchor();

    AuditHasher hasher_;
    std::optional<AuditAnchor> anchor_;
    AuditReport report_;
};

/// Follows the entries of the table up to `last`, as long as they are good. `good` is called with the body of
/// each; @return the details of the newest rotation among them.
std::string walk_table(const data::Session& session, AuditWalk& walk, std::int64_t last,
                       const std::function<void(std::string& body, const EntryView& entry)>& good = {});

}  // namespace consilia::access
