#include "consilia/c/audit.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::access::AuditAnchor;
using consilia::access::AuditEvent;
using consilia::access::AuditFault;
using consilia::access::AuditFilter;
using consilia::access::AuditLog;
using consilia::access::AuditLogOptions;
using consilia::access::AuditOutcome;
using consilia::access::AuditReport;
using consilia::access::AuditRotateOptions;
using consilia::capi::cleared;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::counted;
using consilia::capi::enumerator;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::OpenedAuditLog;
using consilia::capi::OpenedAuditTrail;
using consilia::capi::require;
using consilia::capi::transaction_of;
using consilia::capi::value_of;
using consilia::capi::view;

static_assert(sizeof(consilia_audit_anchor_t) == 80);
static_assert(offsetof(consilia_audit_options_t, details_bytes_max) == 24);
static_assert(offsetof(consilia_audit_event_t, record_id) == 96);
static_assert(offsetof(consilia_audit_event_t, outcome) == 184);
static_assert(offsetof(consilia_audit_filter_t, allowed_only) == 108);
static_assert(offsetof(consilia_audit_report_t, fault) == 184);
static_assert(offsetof(consilia_audit_rotate_options_t, roles) == 80);
static_assert(static_cast<int>(AuditOutcome::Denied) == CONSILIA_AUDIT_DENIED);
static_assert(static_cast<int>(AuditFault::Rewritten) == CONSILIA_AUDIT_REWRITTEN);

namespace {

AuditLog& log_of(consilia_audit_log_t* log) {
    return require(log, "log").opened->log;
}

std::string key_of(const consilia_bytes_t& key) {
    if (key.size == 0) return {};
    return {&require(static_cast<const char*>(key.data), "key"), key.size};
}

std::optional<core::Timestamp> time_of(std::int64_t microseconds) {
    return microseconds == 0 ? std::nullopt : std::optional(core::Timestamp{microseconds});
}

AuditEvent event_of(const consilia_audit_event_t* given) {
    const consilia_audit_event_t known = copy_options(&require(given, "event"));
    AuditEvent event;
    event.user_id = value_of(known.user_id);
    event.user_name = view(known.user_name);
    event.roles = view(known.roles);
    event.action = view(known.action);
    event.resource = view(known.resource);
    event.record_id = value_of(known.record_id);
    event.outcome = enumerator(known.outcome, AuditOutcome::Denied, "outcome");
    event.rule = view(known.rule);
    event.reason = view(known.reason);
    event.address = view(known.address);
    if (known.details_json.size != 0) event.details.text = view(known.details_json);
    return event;
}

AuditFilter filter_of(const consilia_audit_filter_t* given) {
    const consilia_audit_filter_t known = copy_options(given);
    if (known.denied_only != 0 && known.allowed_only != 0) {
        throw core::InvalidArgument("audit.field", "`denied_only` and `allowed_only` leave nothing",
                                    {{"field", "denied_only"}});
    }
    AuditFilter filter{.resource = std::string(view(known.resource)),
                       .record_id = value_of(known.record_id),
                       .user_id = value_of(known.user_id),
                       .action = std::string(view(known.action)),
                       .since = time_of(known.since_us),
                       .until = time_of(known.until_us)};
    if (known.denied_only != 0) filter.outcome = AuditOutcome::Denied;
    if (known.allowed_only != 0) filter.outcome = AuditOutcome::Allowed;
    return filter;
}

/// Digits that a caller gave; what is not terminated ends with the array.
std::optional<AuditAnchor> anchor_of(const consilia_audit_anchor_t* given) {
    if (given == nullptr) return std::nullopt;
    if (given->sequence == 0 && given->hash[0] == '\0') return AuditAnchor{};
    const char* end = std::find(std::begin(given->hash), std::end(given->hash), '\0');
    return AuditAnchor{given->sequence, std::string(given->hash, end)};
}

consilia_audit_anchor_t to_c(const AuditAnchor& anchor) {
    consilia_audit_anchor_t out{};
    out.sequence = anchor.sequence;
    std::copy_n(anchor.hash.begin(), std::min(anchor.hash.size(), sizeof out.hash - 1), out.hash);
    return out;
}

void fill(consilia_audit_report_t& out, const AuditReport& report) {
    fill_sized(out, {.struct_size = 0,
                     .entries = report.entries,
                     .begin = to_c(report.begin),
                     .end = to_c(report.end),
                     .sequence = report.sequence,
                     .fault = static_cast<std::int32_t>(report.fault),
                     .reserved = 0});
}

}  // namespace

extern "C" {

consilia_status_t consilia_audit_log_open(consilia_database_t* database,
                                          const consilia_audit_options_t* options,
                                          consilia_audit_log_t** out_log, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_audit_log_t*& out = cleared(out_log, "out_log");
        const consilia_audit_options_t known = copy_options(options);
        AuditLogOptions made;
        made.key = key_of(known.key);
        if (known.details_bytes_max != 0) made.details_bytes_max = known.details_bytes_max;
        const auto& opened = require(database, "database").database;
        out = new consilia_audit_log_t{
            std::shared_ptr<OpenedAuditLog>(new OpenedAuditLog{opened, AuditLog(*opened, std::move(made))})};
    });
}

void consilia_audit_log_free(consilia_audit_log_t* log) {
    delete log;
}

consilia_status_t consilia_audit_log_create_schema(consilia_audit_log_t* log, consilia_error_t** out_error) {
    return guard(out_error, [&] { log_of(log).create_schema(); });
}

consilia_status_t consilia_audit_log_append(consilia_audit_log_t* log, consilia_session_t* transaction,
                                            const consilia_audit_event_t* const* events, size_t event_count,
                                            consilia_audit_anchor_t* out_anchor,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_anchor != nullptr) *out_anchor = {};
        AuditLog& opened = log_of(log);
        std::vector<AuditEvent> made;
        for (const consilia_audit_event_t* event : items(events, event_count, "events"))
            made.push_back(event_of(event));
        const AuditAnchor place = transaction == nullptr
                                      ? opened.append_many(made)
                                      : opened.append_many(consilia::capi::transaction_of(transaction), made);
        if (out_anchor != nullptr) *out_anchor = to_c(place);
    });
}

consilia_status_t consilia_audit_log_head(consilia_audit_log_t* log, consilia_audit_anchor_t* out_anchor,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_audit_anchor_t& out = cleared(out_anchor, "out_anchor");
        out = to_c(log_of(log).head());
    });
}

consilia_status_t consilia_audit_log_query(consilia_audit_log_t* log, const consilia_audit_filter_t* filter,
                                           consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = cleared(out_query, "out_query");
        (void)log_of(log);
        out = new consilia_query_t{AuditLog::query(filter_of(filter)), nullptr};
    });
}

consilia_status_t consilia_audit_log_export(consilia_audit_log_t* log, const consilia_audit_filter_t* filter,
                                            consilia_str_t file, int64_t* out_count,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        counted(out_count, [&] { return log_of(log).export_json_lines(filter_of(filter), view(file)); });
    });
}

consilia_status_t consilia_audit_log_verify(consilia_audit_log_t* log, const consilia_audit_anchor_t* after,
                                            const consilia_audit_anchor_t* anchor,
                                            consilia_audit_report_t* out_report,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_audit_report_t& out = cleared_sized(out_report, "out_report");
        fill(out, log_of(log).verify({.after = anchor_of(after), .anchor = anchor_of(anchor)}));
    });
}

consilia_status_t consilia_audit_file_verify(consilia_str_t file, consilia_bytes_t key,
                                             const consilia_audit_anchor_t* after,
                                             const consilia_audit_anchor_t* anchor,
                                             consilia_audit_report_t* out_report,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_audit_report_t& out = cleared_sized(out_report, "out_report");
        fill(out,
             consilia::access::verify_audit_file(
                 view(file), {.key = key_of(key), .after = anchor_of(after), .anchor = anchor_of(anchor)}));
    });
}

consilia_status_t consilia_audit_log_rotate(consilia_audit_log_t* log,
                                            const consilia_audit_rotate_options_t* options,
                                            int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_count != nullptr) *out_count = 0;
        const consilia_audit_rotate_options_t known = copy_options(&require(options, "options"));
        AuditRotateOptions made{.file = view(known.file), .before = time_of(known.before_us)};
        if (known.keep != 0) made.keep = known.keep;
        made.by.user_id = value_of(known.user_id);
        made.by.name = view(known.user_name);
        if (known.roles.size != 0) made.by.roles = {std::string(view(known.roles))};
        counted(out_count, [&] { return log_of(log).rotate(made).entries; });
    });
}

consilia_status_t consilia_audit_trail_new(consilia_audit_log_t* log, consilia_audit_trail_t** out_trail,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_audit_trail_t*& out = cleared(out_trail, "out_trail");
        out = new consilia_audit_trail_t{std::make_shared<OpenedAuditTrail>(require(log, "log").opened)};
    });
}

void consilia_audit_trail_free(consilia_audit_trail_t* trail) {
    if (trail != nullptr) trail->opened->trail.reset();
    delete trail;
}

consilia_status_t consilia_audit_trail_write(consilia_audit_trail_t* trail, consilia_session_t* transaction,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia::access::AuditTrail& written = *require(trail, "trail").opened->trail;
        if (transaction == nullptr) {
            written.write();
        } else {
            written.write(transaction_of(transaction));
        }
    });
}

}  // extern "C"
