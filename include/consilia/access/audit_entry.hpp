#pragma once
// What an audit log keeps: who read or changed which record, when, from where, and why it was allowed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "consilia/access/policy.hpp"
#include "consilia/access/refusal_log.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::access {

enum class AuditOutcome : std::uint8_t { Allowed, Denied };
/// The lower-case name of an outcome: `allowed`.
CONSILIA_API std::string_view to_string(AuditOutcome outcome) noexcept;

/// What is to be written down. Never the values of the record: say which fields changed, not to what.
///
/// Texts are UTF-8 without zero bytes and have at most the bytes named here: cut what a client sent with
/// `core::truncated` and `core::to_valid_utf8`, or the entry is refused.
struct AuditEvent {
    static constexpr std::size_t kIdBytesMax = 200;
    static constexpr std::size_t kNameBytesMax = 200;
    static constexpr std::size_t kReasonBytesMax = 1000;

    core::Value user_id;    ///< An int64, text or UUID; null: nobody in particular.
    std::string user_name;  ///< For people; `kNameBytesMax`, as all texts below.
    std::string roles;      ///< With a space between.
    std::string action;     ///< Required: `read`, `update`.
    std::string resource;   ///< Required: what kind of record, as policies name it. `consilia_audit` is ours.
    core::Value record_id;  ///< As `user_id`; null: no single one.
    AuditOutcome outcome = AuditOutcome::Allowed;
    std::string rule;          ///< The rule that decided.
    std::string reason;        ///< Why, for people; `kReasonBytesMax`.
    std::string address;       ///< From where: an IP address, a host, a job.
    core::Json details{"{}"};  ///< One JSON object; see `AuditLogOptions::details_bytes_max`.
};

/// What a policy decided, for `AuditLog::append`: the rule by its name, the reason as `to_string` has it.
/// Texts are cut to their length. `address`: from where, as `Context` has it.
CONSILIA_API AuditEvent audit_event(const Policy& policy, const Attempt& attempt, const Decision& decision,
                                    std::string_view address = {});

/// One link of the chain, as it is stored. Ids are texts: 7, "7" and a UUID's text are what was given.
struct AuditEntry : AuditEvent {
    std::int64_t sequence = 0;  ///< From 1, without a gap.
    core::Timestamp at;
    std::string previous;  ///< The hash of the entry before; 64 zeros before the first.
    std::string hash;      ///< Of all the above: 64 hexadecimal digits.
};

/// The entry as one line of JSON, without a line end: keys in a fixed order, `hash` last; what is hidden or a
/// line end elsewhere (controls, U+2028, marks of direction) is escaped, so that a text cannot forge a line.
///
/// `hash` is that of the line without it: of `{"sequence":…,"previous":"…"}`.
CONSILIA_API std::string to_json_line(const AuditEntry& entry);

}  // namespace consilia::access
