#pragma once
// What an audit log and a trail of it are behind the C ABI.
#include <memory>
#include <optional>

#include "consilia/access/audit_log.hpp"
#include "consilia/access/audit_trail.hpp"
#include "data.hpp"

namespace consilia::capi {

/// A log and the database that it must not outlive.
struct OpenedAuditLog {
    std::shared_ptr<data::Database> database;
    access::AuditLog log;
};

/// A trail, which guards may know for longer than it is written.
struct OpenedAuditTrail {
    explicit OpenedAuditTrail(std::shared_ptr<OpenedAuditLog> of) : log(std::move(of)) {
        trail.emplace(&log->log);
    }
    std::shared_ptr<OpenedAuditLog> log;
    std::optional<access::AuditTrail> trail;  ///< Empty: it has ended.
};

}  // namespace consilia::capi

struct consilia_audit_log {
    std::shared_ptr<consilia::capi::OpenedAuditLog> opened;
};
struct consilia_audit_trail {
    std::shared_ptr<consilia::capi::OpenedAuditTrail> opened;
};
