#include "consilia/screening/default_policy.hpp"

#include <utility>

#include "consilia/access/guard.hpp"
#include "consilia/screening/models.hpp"

namespace consilia::screening {

using access::Effect;
using core::field;
using core::parameter;

access::PolicyDocument default_policy() {
    access::PolicyDocument document;
    const auto resource = [&](const char* name, std::vector<std::string> actions, const data::Model& model) {
        document.resources[name] = access::Resource(std::move(actions), access::fields_of(model));
    };
    resource("user", {"create"}, *user_model());
    resource("patient", {"create", "read", "update", "submit"}, *patient_model());
    resource("prediction", {"read", "retry", "delete"}, *prediction_model());
    // No role inherits from another one here: a patient is not less than staff, but somebody else.
    document.roles = {{"admin", {}}, {"staff", {}}, {"patient", {}}};
    document.rules = {
        {"admins do everything", Effect::Allow, "admin", "*:*", {}},
        {"staff register patients", Effect::Allow, "staff", "patient:create", {}},
        {"staff read all patients", Effect::Allow, "staff", "patient:read", {}},
        {"staff edit all patients", Effect::Allow, "staff", "patient:update", {}},
        {"staff submit for every patient", Effect::Allow, "staff", "patient:submit", {}},
        {"staff read all predictions", Effect::Allow, "staff", "prediction:read", {}},
        {"staff retry failed predictions", Effect::Allow, "staff", "prediction:retry", {}},
        {"staff delete pending predictions", Effect::Allow, "staff", "prediction:delete",
         field("status") == "pending"},
        {"patients read themselves", Effect::Allow, "patient", "patient:read",
         field("user_id") == parameter("principal_id")},
        {"patients submit for themselves", Effect::Allow, "patient", "patient:submit",
         field("user_id") == parameter("principal_id")},
        {"patients read their own predictions", Effect::Allow, "patient", "prediction:read",
         field("xray.patient.user_id") == parameter("principal_id")},
    };
    document.fields = {
        // What every reader sees: the outcome, and enough to recognise the image.
        {"*",
         "prediction:read",
         {"id", "status", "diagnosis", "confidence", "needs_review", "failure_code", "created_at",
          "completed_at", "xray.id", "xray.client_name", "xray.width", "xray.height", "xray.created_at",
          "xray.patient.record_number"}},
        // Patients know who they are; opinions of single members, reasons of failures and staff names are not
        // for them.
        // What clinicians need to judge the outcome, without accounts' addresses and storage details.
        {"staff",
         "prediction:read",
         {"agreement", "probabilities", "opinions", "failure_reason", "started_at", "attempt", "xray.sha256",
          "xray.size_bytes", "xray.media_type", "xray.patient.id", "xray.patient.full_name",
          "xray.patient.birth_date", "xray.patient.sex", "requested_by.username",
          "requested_by.display_name"}},
        {"admin",
         "prediction:read",
         {"agreement",
          "probabilities",
          "opinions",
          "failure_reason",
          "started_at",
          "attempt",
          "updated_at",
          "xray.sha256",
          "xray.size_bytes",
          "xray.media_type",
          "xray.stored_name",
          "xray.patient.id",
          "xray.patient.full_name",
          "xray.patient.birth_date",
          "xray.patient.sex",
          "xray.patient.user_id",
          "xray.uploaded_by.username",
          "requested_by.id",
          "requested_by.username",
          "requested_by.display_name",
          "requested_by.email",
          "requested_by.role"}},
        {"*", "patient:read", {"id", "record_number", "full_name", "birth_date", "sex", "created_at"}},
        {"staff", "patient:read", {"updated_at"}},
        {"admin", "patient:read", {"updated_at", "user_id"}},
        // Who a record belongs to, and under which number, is decided by admins.
        {"staff", "patient:update", {"full_name", "birth_date", "sex"}},
        {"admin", "patient:update", {"full_name", "birth_date", "sex", "record_number", "user_id"}},
    };
    // Whoever works here and is a patient here has two accounts; it is also what the proofs below rest on.
    document.separations = {{"one role an account", {"admin", "staff", "patient"}, {}, 1}};
    // Proved by the analysis: docs/policy-analysis.md.
    document.never = {
        {"patients reach no other patient", "patient", "patient:*",
         field("user_id") != parameter("principal_id")},
        {"patients reach no prediction of another", "patient", "prediction:*",
         field("xray.patient.user_id") != parameter("principal_id")},
        {"patients edit no patient", "patient", "patient:update", {}},
        {"staff delete nothing that was begun", "staff", "prediction:delete", field("status") != "pending"},
        {"only admins make users", "staff", "user:create", {}},
    };
    return document;
}

}  // namespace consilia::screening
