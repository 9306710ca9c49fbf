#include "consilia/screening/forms.hpp"

#include "consilia/core/expression.hpp"

namespace consilia::screening {

using validation::Field;
using validation::FieldKind;
using validation::Form;

validation::Form user_form(const std::vector<std::string>& roles) {
    return Form({{.name = "username",
                  .length_max = 150,
                  .pattern = "^[A-Za-z0-9@.+_-]*$",
                  .messages = {{"pattern", "may hold letters, digits and @.+-_ only"}}},
                 {.name = "role", .choices = {roles.begin(), roles.end()}},
                 {.name = "display_name", .is_required = false, .length_max = 200, .allows_blank = true},
                 {.name = "email", .kind = FieldKind::Email, .is_required = false, .allows_blank = true}},
                {.title = "User"});
}

const Form& patient_form() {
    static const Form form(
        {{.name = "record_number", .length_max = 50},
         {.name = "full_name", .kind = FieldKind::PersonName, .length_max = 200},
         {.name = "birth_date", .kind = FieldKind::Date, .is_required = false, .is_nullable = true},
         {.name = "sex", .is_required = false, .choices = {"female", "male", "other"}, .allows_blank = true},
         {.name = "user_id",
          .kind = FieldKind::Integer,
          .is_required = false,
          .is_nullable = true,
          .minimum = 1}},
        {.title = "Patient",
         .rules = {{.check = core::parse_expression("birth_date <= :today"),
                    .code = "in_future",
                    .message = "must not be in the future",
                    .field = "birth_date"}}});
    return form;
}

}  // namespace consilia::screening
