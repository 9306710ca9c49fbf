#pragma once
// One entry on its way between a row, a line of JSON and its hash.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "consilia/access/audit_entry.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/cells.hpp"

namespace consilia::access {

constexpr std::string_view kAuditResource = "consilia_audit";  ///< Of entries about the log itself.
constexpr std::string_view kAuditRotate = "rotate";
constexpr std::size_t kHashDigits = 64;

/// The texts of an entry, wherever they lie.
struct EntryView {
    std::int64_t sequence = 0;
    core::Timestamp at;
    std::optional<std::string_view> user_id;
    std::string_view user_name;
    std::string_view roles;
    std::string_view action;
    std::string_view resource;
    std::optional<std::string_view> record_id;
    std::string_view outcome;
    std::string_view rule;
    std::string_view reason;
    std::string_view address;
    std::string_view details;
    std::string_view previous;
    std::string_view hash;
};

/// The principal's roles as the log keeps them: with a space between.
std::string roles_text(const Principal& principal);

/// A row of the table, whose columns are in this order. Lives until the statement moves on.
EntryView view_of(const data::CellReader& row);
EntryView view_of(const AuditEntry& entry);
AuditEntry entry_of(const EntryView& view);

/// Replaces `line` with what is hashed: the line of JSON without `hash`.
///
/// INVARIANT: different entries have different lines. Texts are escaped, so their ends are certain; `details`
/// stands as it is between keys that occur in no text unescaped; a time that has no date is a number.
void write_body(std::string& line, const EntryView& entry);
/// Makes a body the whole line.
void add_hash(std::string& line, std::string_view hash);

/// The chain's hash. Threading: confined; a copy is independent.
class AuditHasher {
public:
    /// Empty: SHA-256. @throws InvalidArgument (`audit.options`) for a key below `AuditLog::kKeyBytesMin`.
    explicit AuditHasher(std::string_view key);
    AuditHasher(const AuditHasher& other);
    AuditHasher& operator=(const AuditHasher&) = delete;
    ~AuditHasher();

    [[nodiscard]] std::string operator()(std::string_view text);
    /// What a log remembers of the key: tells whether it is the same, and nothing else of one that is random.
    [[nodiscard]] std::string key_check() { return (*this)("consilia_audit"); }

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::access
