#include "consilia/screening/models.hpp"

#include <utility>

namespace consilia::screening {

namespace {

using core::ValueType;
using data::Model;

// The columns that every table has.
void add_common_columns(Model& model) {
    model.add_column({.name = "created_at", .type = ValueType::Timestamp});
    model.add_column({.name = "updated_at", .type = ValueType::Timestamp});
    model.add_column({.name = "is_deleted", .type = ValueType::Bool});
    model.add_column({.name = "deleted_at", .type = ValueType::Timestamp, .is_nullable = true});
}

Model table(const char* name) {
    Model model(name);
    model.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
    return model;
}

void add_reference(Model& model, const std::string& relation, std::shared_ptr<const Model> target,
                   bool is_nullable = false) {
    const std::string column = relation + "_id";
    model.add_column({.name = column, .type = ValueType::Int64, .is_nullable = is_nullable});
    model.add_reference({.relation = relation, .column = column, .target = std::move(target)});
}

std::shared_ptr<const Model> make_user() {
    Model model = table("consilia_users");
    model.add_column({.name = "username", .is_unique = true});
    model.add_column({.name = "role"});
    model.add_column({.name = "display_name"});
    model.add_column({.name = "email"});
    add_common_columns(model);
    return std::make_shared<const Model>(std::move(model));
}

std::shared_ptr<const Model> make_patient() {
    Model model = table("consilia_patients");
    add_reference(model, "user", user_model(), true);
    model.add_column({.name = "record_number", .is_unique = true});
    model.add_column({.name = "full_name"});
    model.add_column({.name = "birth_date", .type = ValueType::Date, .is_nullable = true});
    model.add_column({.name = "sex"});
    add_common_columns(model);
    model.add_index({.columns = {"user_id"}});
    return std::make_shared<const Model>(std::move(model));
}

std::shared_ptr<const Model> make_xray() {
    Model model = table("consilia_xrays");
    add_reference(model, "patient", patient_model());
    add_reference(model, "uploaded_by", user_model());
    model.add_column({.name = "stored_name", .is_unique = true});
    model.add_column({.name = "client_name"});
    model.add_column({.name = "sha256"});
    model.add_column({.name = "size_bytes", .type = ValueType::Int64});
    model.add_column({.name = "width", .type = ValueType::Int64});
    model.add_column({.name = "height", .type = ValueType::Int64});
    model.add_column({.name = "media_type"});
    add_common_columns(model);
    model.add_index({.columns = {"patient_id", "sha256"}, .is_unique = true, .ignores_deleted = true});
    return std::make_shared<const Model>(std::move(model));
}

std::shared_ptr<const Model> make_prediction() {
    Model model = table("consilia_predictions");
    add_reference(model, "xray", xray_model());
    add_reference(model, "requested_by", user_model());
    model.add_column({.name = "status"});
    model.add_column({.name = "diagnosis", .is_nullable = true});
    model.add_column({.name = "confidence", .type = ValueType::Double, .is_nullable = true});
    model.add_column({.name = "agreement", .type = ValueType::Double, .is_nullable = true});
    model.add_column({.name = "needs_review", .type = ValueType::Bool});
    model.add_column({.name = "probabilities", .type = ValueType::Json, .is_nullable = true});
    model.add_column({.name = "opinions", .type = ValueType::Json, .is_nullable = true});
    model.add_column({.name = "failure_code", .is_nullable = true});
    model.add_column({.name = "failure_reason", .is_nullable = true});
    model.add_column({.name = "started_at", .type = ValueType::Timestamp, .is_nullable = true});
    model.add_column({.name = "completed_at", .type = ValueType::Timestamp, .is_nullable = true});
    model.add_column({.name = "attempt", .type = ValueType::Int64});
    add_common_columns(model);
    model.add_index({.columns = {"-created_at", "-id"}});            // the list page
    model.add_index({.columns = {"status", "-created_at", "-id"}});  // the list page of one status
    model.add_index({.columns = {"xray_id"}});  // a patient's list, from the patient downwards
    model.add_index({.columns = {"requested_by_id", "created_at"}});  // the quota of a day
    return std::make_shared<const Model>(std::move(model));
}

}  // namespace

std::string_view to_string(PredictionStatus status) noexcept {
    switch (status) {
        case PredictionStatus::Pending:
            return "pending";
        case PredictionStatus::Processing:
            return "processing";
        case PredictionStatus::Completed:
            return "completed";
        case PredictionStatus::Failed:
            return "failed";
    }
    return "failed";
}

std::shared_ptr<const Model> user_model() {
    static const std::shared_ptr<const Model> model = make_user();
    return model;
}

std::shared_ptr<const Model> patient_model() {
    static const std::shared_ptr<const Model> model = make_patient();
    return model;
}

std::shared_ptr<const Model> xray_model() {
    static const std::shared_ptr<const Model> model = make_xray();
    return model;
}

std::shared_ptr<const Model> prediction_model() {
    static const std::shared_ptr<const Model> model = make_prediction();
    return model;
}

void create_schema(data::Database& database) {
    const Model* const models[] = {user_model().get(), patient_model().get(), xray_model().get(),
                                   prediction_model().get()};
    data::create_tables(database, models);
}

}  // namespace consilia::screening
