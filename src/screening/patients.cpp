// Patients: who they are, and who may see and change that.
#include <algorithm>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/screening/forms.hpp"
#include "screening/form_answers.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

constexpr const char* kInvalid = "patient.invalid";
constexpr const char* kTaken = "the record number is taken";

std::vector<data::Assignment> require_patient(const NewPatient& patient, const core::Clock& clock) {
    std::vector<validation::NamedValue> values = {
        {"record_number", patient.record_number}, {"full_name", patient.full_name}, {"sex", patient.sex}};
    if (patient.birth_date) values.emplace_back("birth_date", *patient.birth_date);
    if (patient.user_id) values.emplace_back("user_id", *patient.user_id);
    return require_valid(patient_form().check(values, {.clock = &clock}), kInvalid);
}

/// What is said of a patient that is changed.
std::vector<data::Assignment> require_changes(const std::vector<data::Assignment>& changes,
                                              const core::Clock& clock) {
    std::vector<validation::NamedValue> values;
    values.reserve(changes.size());
    for (const data::Assignment& change : changes) {
        if (change.value.op() != core::Operator::Literal)
            refuse(kInvalid, change.name.substr(0, 100).c_str(), "must be a value");
        values.emplace_back(change.name, change.value.value());
    }
    return require_valid(patient_form().check(values, {.is_partial = true, .clock = &clock}), kInvalid);
}

void require_user(const data::Session& session, std::int64_t user_id) {
    if (!data::Query(*user_model()).where(field("id") == user_id).exists(session))
        refuse(kInvalid, "user_id", "names no user");
}

auto update(const access::Guard& patients, const data::Transaction& transaction, std::int64_t patient_id,
            const std::vector<data::Assignment>& changes) {
    try {
        return patients.update(transaction, patient_id, changes);
    } catch (const core::Conflict& error) {
        if (error.code() != "database.foreign_key") throw;
        refuse(kInvalid, "user_id", "names no user");
    }
}

}  // namespace

std::int64_t Service::create_patient(const Principal& principal, const NewPatient& patient) {
    access::AuditTrail trail(state_->audit_log.get());
    access::AuditEvent event = state_->require_create(
        principal, "patient",
        [&](std::string_view path) {
            return path == "user_id" && patient.user_id ? Value(*patient.user_id) : Value();
        },
        trail);
    std::vector<data::Assignment> values = require_patient(patient, state_->clock);
    values.emplace_back("is_deleted", core::Term(false));
    data::Transaction transaction = state_->database.begin();
    if (patient.user_id) require_user(transaction, *patient.user_id);
    const data::ModelRepository patients(patient_model(), state_->clock);
    const std::int64_t id = unless_taken("patient.exists", kTaken,
                                         [&] { return patients.insert(transaction, std::move(values)).id; });
    event.record_id = id;
    trail.add(event);
    trail.write(transaction);
    transaction.commit();
    return id;
}

data::RowSet Service::get_patient(const Principal& principal, std::int64_t patient_id) {
    access::AuditTrail trail(state_->audit_log.get());
    data::RowSet rows = state_->patients(principal, trail).get(state_->database.read(), patient_id);
    trail.write();
    return rows;
}

std::string Service::get_patient_json(const Principal& principal, std::int64_t patient_id) {
    std::string json;
    data::append_json(json, get_patient(principal, patient_id), 0);
    return json;
}

void Service::update_patient(const Principal& principal, std::int64_t patient_id,
                             const std::vector<data::Assignment>& changes) {
    const std::vector<data::Assignment> values = require_changes(changes, state_->clock);
    access::AuditTrail trail(state_->audit_log.get());
    data::Transaction transaction = state_->database.begin();
    const access::Guard patients = state_->patients(principal, trail);
    unless_taken("patient.exists", kTaken, [&] { return update(patients, transaction, patient_id, values); });
    // Afterwards: who may not change the patient learns nothing of users.
    for (const data::Assignment& value : values) {
        if (const auto* user = value.value.value().if_as<std::int64_t>();
            user != nullptr && value.name == "user_id")
            require_user(transaction, *user);
    }
    trail.write(transaction);
    transaction.commit();
}

}  // namespace consilia::screening
