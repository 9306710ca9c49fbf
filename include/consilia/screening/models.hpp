#pragma once
// The tables of a screening service: users, patients, radiographs and predictions.
#include <cstdint>
#include <memory>
#include <string_view>

#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"

namespace consilia::screening {

/// Where a prediction is in its life.
enum class PredictionStatus : std::uint8_t { Pending, Processing, Completed, Failed };
/// The lower-case name of a status: `pending`.
CONSILIA_API std::string_view to_string(PredictionStatus status) noexcept;

/// `consilia_users`: username (unique), role, display_name, email. Like the other three: id, created_at,
/// updated_at, is_deleted, deleted_at.
CONSILIA_API std::shared_ptr<const data::Model> user_model();

/// `consilia_patients`: record_number (unique), full_name, birth_date, sex; `user`: the account, if there is
/// one.
CONSILIA_API std::shared_ptr<const data::Model> patient_model();

/// `consilia_xrays`: stored_name, client_name, sha256, size_bytes, width, height, media_type; `patient`,
/// `uploaded_by`. A patient has each file (by sha256) once.
CONSILIA_API std::shared_ptr<const data::Model> xray_model();

/// `consilia_predictions`: status, diagnosis, confidence, agreement, needs_review, probabilities, opinions,
/// failure_code, failure_reason, started_at, completed_at, attempt; `xray`, `requested_by`.
CONSILIA_API std::shared_ptr<const data::Model> prediction_model();

/// Creates what is missing of the four tables and their indexes.
CONSILIA_API void create_schema(data::Database& database);

}  // namespace consilia::screening
