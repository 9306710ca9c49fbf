#pragma once
// The founding rules of a screening service: who may do what, and which fields each role reads.
#include "consilia/access/policy_document.hpp"
#include "consilia/core/export.hpp"

namespace consilia::screening {

/// Admins do everything; staff register patients, submit for them, and read and retry all predictions;
/// patients submit for themselves and read their own predictions. docs/screening.md lists the fields.
///
/// A starting point: change a copy and hand it to `ServiceOptions::policy`. Resources and actions:
/// `user:create`, `patient:create`, `patient:submit`, `prediction:read`, `prediction:retry`.
CONSILIA_API access::PolicyDocument default_policy();

}  // namespace consilia::screening
