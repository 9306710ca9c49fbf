#include "consilia/access/audit_entry.hpp"

#include <array>
#include <utility>

#include "access/audit_line.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/text.hpp"
#include "core/utf8.hpp"

namespace consilia::access {
namespace {

constexpr core::Timestamp kFirstDated{-62'135'596'800'000'000};    // 0001-01-01
constexpr core::Timestamp kFirstUndated{253'402'300'800'000'000};  // 10000-01-01

void append_escape(std::string& out, char32_t c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 15U];
}

void append_text(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;  // Where what can be copied as it is begins.
    for (std::size_t at = 0; at < text.size();) {
        const char byte = text[at];
        if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
            ++at;
            continue;
        }
        const core::CodePoint c = core::decode_utf8(text, at);
        const bool is_quoted = byte == '"' || byte == '\\';
        if (is_quoted || !c.is_valid || core::is_hidden_control(c.value)) {
            out.append(text, plain, at - plain);
            if (is_quoted) {
                out += '\\';
                out += byte;
            } else {
                append_escape(out, c.value);
            }
            plain = at + c.size;
        }
        at += c.size;
    }
    out.append(text, plain);
    out += '"';
}

void append_field(std::string& out, std::string_view key, std::string_view text) {
    out += key;
    append_text(out, text);
}

void append_field(std::string& out, std::string_view key, const std::optional<std::string_view>& text) {
    if (text) return append_field(out, key, *text);
    out += key;
    out += "null";
}

std::optional<std::string_view> text_of(const core::Value& id) {
    const auto* text = id.if_as<std::string>();
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

core::Value value_of(const std::optional<std::string_view>& id) {
    return id ? core::Value(*id) : core::Value();
}

}  // namespace

std::string_view to_string(AuditOutcome outcome) noexcept {
    return outcome == AuditOutcome::Allowed ? "allowed" : "denied";
}

std::string roles_text(const Principal& principal) {
    std::string text;
    for (const std::string& role : principal.roles) text += (text.empty() ? "" : " ") + role;
    return std::string(core::truncated(text, AuditEvent::kNameBytesMax));
}

AuditEvent audit_event(const Policy& policy, const Attempt& attempt, const Decision& decision,
                       std::string_view address) {
    const auto cut = [](std::string_view text) {
        return std::string(core::truncated(text, AuditEvent::kNameBytesMax));
    };
    AuditEvent event;
    event.user_id = attempt.principal.user_id;
    event.user_name = cut(attempt.principal.name);
    event.roles = roles_text(attempt.principal);
    event.action = cut(attempt.action);
    event.resource = cut(attempt.resource);
    if (attempt.resource_id) event.record_id = *attempt.resource_id;
    event.outcome = decision.allowed ? AuditOutcome::Allowed : AuditOutcome::Denied;
    event.rule = cut(policy.name_of(decision));
    event.reason = to_string(decision.reason);
    event.address = cut(address);
    return event;
}

EntryView view_of(const data::CellReader& row) {
    const auto optional = [&](int column) {
        return row.is_null(column) ? std::nullopt : std::optional(row.text(column));
    };
    return {.sequence = row.int64(0),
            .at = row.timestamp(1),
            .user_id = optional(2),
            .user_name = row.text(3),
            .roles = row.text(4),
            .action = row.text(5),
            .resource = row.text(6),
            .record_id = optional(7),
            .outcome = row.text(8),
            .rule = row.text(9),
            .reason = row.text(10),
            .address = row.text(11),
            .details = row.text(12),
            .previous = row.text(13),
            .hash = row.text(14)};
}

EntryView view_of(const AuditEntry& entry) {
    return {.sequence = entry.sequence,
            .at = entry.at,
            .user_id = text_of(entry.user_id),
            .user_name = entry.user_name,
            .roles = entry.roles,
            .action = entry.action,
            .resource = entry.resource,
            .record_id = text_of(entry.record_id),
            .outcome = to_string(entry.outcome),
            .rule = entry.rule,
            .reason = entry.reason,
            .address = entry.address,
            .details = entry.details.text,
            .previous = entry.previous,
            .hash = entry.hash};
}

AuditEntry entry_of(const EntryView& view) {
    AuditEntry entry;
    entry.user_id = value_of(view.user_id);
    entry.user_name = view.user_name;
    entry.roles = view.roles;
    entry.action = view.action;
    entry.resource = view.resource;
    entry.record_id = value_of(view.record_id);
    entry.outcome =
        view.outcome == to_string(AuditOutcome::Allowed) ? AuditOutcome::Allowed : AuditOutcome::Denied;
    entry.rule = view.rule;
    entry.reason = view.reason;
    entry.address = view.address;
    entry.details.text = view.details;
    entry.sequence = view.sequence;
    entry.at = view.at;
    entry.previous = view.previous;
    entry.hash = view.hash;
    return entry;
}

void write_body(std::string& line, const EntryView& entry) {
    line = "{\"sequence\":";
    line += std::to_string(entry.sequence);
    line += ",\"at\":";
    if (entry.at >= kFirstDated && entry.at < kFirstUndated) {
        append_text(line, core::to_iso8601(entry.at));
    } else {
        line += std::to_string(entry.at.microseconds);
    }
    append_field(line, ",\"user_id\":", entry.user_id);
    append_field(line, ",\"user_name\":", entry.user_name);
    append_field(line, ",\"roles\":", entry.roles);
    append_field(line, ",\"action\":", entry.action);
    append_field(line, ",\"resource\":", entry.resource);
    append_field(line, ",\"record_id\":", entry.record_id);
    append_field(line, ",\"outcome\":", entry.outcome);
    append_field(line, ",\"rule\":", entry.rule);
    append_field(line, ",\"reason\":", entry.reason);
    append_field(line, ",\"address\":", entry.address);
    line += ",\"details\":";
    // What `append` wrote is plain ASCII; what somebody else put there must not break the line.
    const bool is_plain = entry.details.find_first_of("\r\n") == std::string_view::npos;
    if (is_plain) {
        line += entry.details;
    } else {
        append_text(line, entry.details);
    }
    append_field(line, ",\"previous\":", entry.previous);
    line += '}';
}

void add_hash(std::string& line, std::string_view hash) {
    line.pop_back();
    append_field(line, ",\"hash\":", hash);
    line += '}';
}

std::string to_json_line(const AuditEntry& entry) {
    std::string line;
    write_body(line, view_of(entry));
    add_hash(line, entry.hash);
    return line;
}

}  // namespace consilia::access
