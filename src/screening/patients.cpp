// Patients: who they are, and who may see and change that.
#include <algorithm>
#include <utility>

#include "consilia/core/error.hpp"
#include "screening/forms.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

constexpr const char* kInvalid = "patient.invalid";
constexpr const char* kTaken = "the record number is taken";

void require_patient(const NewPatient& patient, core::Timestamp now) {
    require_text(patient.record_number, kInvalid, "record_number", 1, 50);
    require_text(patient.full_name, kInvalid, "full_name", 1, 200);
    if (patient.birth_date && *patient.birth_date > core::date_of(now)) {
        refuse(kInvalid, "birth_date", "must not be in the future");
    }
    const std::string& sex = patient.sex;
    if (!sex.empty() && sex != "female" && sex != "male" && sex != "other") {
        refuse(kInvalid, "sex", "is `female`, `male`, `other` or empty");
    }
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

template <class T>
std::optional<T> changed_value(const data::Assignment& change, bool may_be_null, const char* rule) {
    const Value& value = change.value.value();
    if (const T* given = value.if_as<T>()) return *given;
    if (change.value.op() != core::Operator::Literal || !value.is_null() || !may_be_null)
        refuse(kInvalid, change.name.c_str(), rule);
    return std::nullopt;
}

// What is said of a patient that is changed; what is not changed passes every rule.
NewPatient changed_patient(const std::vector<data::Assignment>& changes) {
    NewPatient patient{.record_number = "-", .full_name = "-"};
    for (const data::Assignment& change : changes) {
        if (change.name == "record_number") {
            patient.record_number = *changed_value<std::string>(change, false, "must be a text");
        } else if (change.name == "full_name") {
            patient.full_name = *changed_value<std::string>(change, false, "must be a text");
        } else if (change.name == "sex") {
            patient.sex = *changed_value<std::string>(change, false, "must be a text");
        } else if (change.name == "birth_date") {
            patient.birth_date = changed_value<core::Date>(change, true, "must be a date or null");
        } else if (change.name == "user_id") {
            patient.user_id = changed_value<std::int64_t>(change, true, "must be the id of a user or null");
        } else {
            refuse(kInvalid, change.name.substr(0, 100).c_str(),
                   "is no field of a patient that can be changed");
        }
    }
    return patient;
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
    require_patient(patient, state_->clock.now());
    data::Transaction transaction = state_->database.begin();
    if (patient.user_id) require_user(transaction, *patient.user_id);
    std::vector<data::Assignment> values = {{"record_number", patient.record_number},
                                            {"full_name", patient.full_name},
                                            {"sex", patient.sex},
                                            {"is_deleted", false}};
    if (patient.user_id) values.push_back({"user_id", *patient.user_id});
    if (patient.birth_date) values.push_back({"birth_date", *patient.birth_date});
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
    const NewPatient patient = changed_patient(changes);
    require_patient(patient, state_->clock.now());
    access::AuditTrail trail(state_->audit_log.get());
    data::Transaction transaction = state_->database.begin();
    const access::Guard patients = state_->patients(principal, trail);
    unless_taken("patient.exists", kTaken,
                 [&] { return update(patients, transaction, patient_id, changes); });
    // Afterwards: who may not change the patient learns nothing of users.
    if (patient.user_id) require_user(transaction, *patient.user_id);
    trail.write(transaction);
    transaction.commit();
}

}  // namespace consilia::screening
