#include "consilia/access/audit_trail.hpp"

#include <algorithm>
#include <utility>

#include "consilia/access/audit_log.hpp"
#include "consilia/core/log.hpp"
#include "consilia/data/database.hpp"

namespace consilia::access {

namespace {

bool is_same(const AuditEvent& a, const AuditEvent& b) {
    return a.action == b.action && a.resource == b.resource && a.record_id == b.record_id &&
           a.outcome == b.outcome && a.user_id == b.user_id;
}

}  // namespace

AuditTrail::~AuditTrail() {
    std::erase_if(events_, [](const AuditEvent& event) { return event.outcome == AuditOutcome::Allowed; });
    try {
        write();
    } catch (...) {
        core::log_security("audit entry lost");
    }
}

void AuditTrail::add(const AuditEvent& event) {
    if (log_ == nullptr) return;
    const auto is_known = [&](const AuditEvent& known) { return is_same(known, event); };
    if (std::none_of(events_.begin(), events_.end(), is_known)) events_.push_back(event);
}

AccessObserver AuditTrail::observer() {
    if (log_ == nullptr) return {};
    return [this](const AuditEvent& event) { add(event); };
}

void AuditTrail::write(data::Transaction& transaction) {
    if (events_.empty()) return;
    log_->append_many(transaction, events_);
    events_.clear();
}

void AuditTrail::write() {
    if (events_.empty()) return;
    log_->append_many(std::exchange(events_, {}));
}

}  // namespace consilia::access
