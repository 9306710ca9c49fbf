#pragma once
// The forms of a screening service: what may be said of a user and of a patient.
#include <string>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/validation/form.hpp"

namespace consilia::screening {

/// `username` (1 to 150 of letters, digits and `@.+-_`), `role` (one of these), and optionally `display_name`
/// (200 characters) and `email`.
[[nodiscard]] CONSILIA_API validation::Form user_form(const std::vector<std::string>& roles = {
                                                          "admin", "staff", "patient"});

/// `record_number` (50 characters), `full_name` (a name of 200), and optionally `birth_date` (not in the
/// future), `sex` (`female`, `male`, `other` or blank: not stated) and `user_id`.
[[nodiscard]] CONSILIA_API const validation::Form& patient_form();

}  // namespace consilia::screening
