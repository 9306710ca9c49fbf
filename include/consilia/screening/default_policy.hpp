#pragma once
// The founding rules of a screening service: who may do what, and which fields each role reads.
#include "consilia/access/policy_document.hpp"
#include "consilia/core/export.hpp"

namespace consilia::screening {

/// Admins do everything; staff register, view and edit patients, submit for them, read and retry all
/// predictions and delete the pending ones; patients see themselves and their own predictions and submit for
/// themselves. docs/screening.md lists the fields.
///
/// A starting point: change a copy and hand it to `ServiceOptions::policy`. Resources and actions:
/// `user:create`, `patient:create`, `patient:read`, `patient:update`, `patient:submit`, `prediction:read`,
/// `prediction:retry`, `prediction:delete`.
CONSILIA_API access::PolicyDocument default_policy();

}  // namespace consilia::screening
