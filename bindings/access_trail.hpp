#pragma once
// An audit trail of Python: written by a guard, ended by a `with` block.
#include <optional>

#include "consilia/access/audit_trail.hpp"

namespace consilia::bindings {

/// Threading: confined, as the trail.
struct BoundAuditTrail {
    explicit BoundAuditTrail(access::AuditLog& log) { trail.emplace(&log); }
    std::optional<access::AuditTrail> trail;  ///< Empty: it has ended.
};

}  // namespace consilia::bindings
