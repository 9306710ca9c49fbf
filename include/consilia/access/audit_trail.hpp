#pragma once
// What one request did, on its way into the audit log.
#include <functional>
#include <vector>

#include "consilia/access/audit_entry.hpp"
#include "consilia/core/export.hpp"

namespace consilia::data {
class Transaction;
}

namespace consilia::access {

class AuditLog;

/// Is told what a guard decided. It must not use the guard's database.
using AccessObserver = std::function<void(const AuditEvent& event)>;

/// Collects what guards decide during one request, so that it is written where it belongs: what was allowed
/// with the change that it tells of, what was denied by itself, after the transaction that it ended. Begin
/// the trail before the transaction. Threading: confined.
///
/// ```cpp
/// access::AuditTrail trail(&log);
/// data::Transaction transaction = database.begin();
/// guard.observed(trail.observer()).update(transaction, id, changes);
/// trail.write(transaction);
/// transaction.commit();
/// ```
class CONSILIA_API AuditTrail {
public:
    /// Null: nothing is collected. The log must outlive the trail.
    explicit AuditTrail(AuditLog* log) noexcept : log_(log) {}
    AuditTrail(const AuditTrail&) = delete;
    AuditTrail& operator=(const AuditTrail&) = delete;
    /// Writes the denials that were not written. Where that fails the security log says so.
    ~AuditTrail();

    /// Adds an event, once. For a guard: `observer`, which must not outlive the trail.
    void add(const AuditEvent& event);
    [[nodiscard]] AccessObserver observer();

    /// Writes all, in this transaction: they exist if, and only if, it is committed. @throws as
    /// `AuditLog::append`.
    void write(data::Transaction& transaction);
    /// Writes all, by themselves: before what was read is handed out. @throws as `AuditLog::append`.
    void write();

private:
    AuditLog* log_;
    std::vector<AuditEvent> events_;
};

}  // namespace consilia::access
