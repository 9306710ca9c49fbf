// What does a form of eleven fields cost, without Python?
#include <benchmark/benchmark.h>

#include "consilia/validation/form.hpp"

namespace {

using namespace consilia::validation;

const Form& registration() {
    static const Form form(
        {{.name = "username", .length_min = 3, .length_max = 150, .pattern = "^[\\w.@+-]+$"},
         {.name = "email", .kind = FieldKind::Email},
         {.name = "password", .length_min = 12, .length_max = 128, .is_secret = true},
         {.name = "first_name", .kind = FieldKind::PersonName, .length_max = 100},
         {.name = "last_name", .kind = FieldKind::PersonName, .length_max = 100},
         {.name = "birth_date", .kind = FieldKind::Date},
         age_field("age"),
         {.name = "phone", .kind = FieldKind::Phone},
         {.name = "sex", .choices = {"female", "male", "other"}},
         {.name = "role", .choices = {"patient", "staff"}},
         {.name = "consent", .kind = FieldKind::Boolean}});
    return form;
}

constexpr std::string_view kGood =
    R"({"username":"jane.doe","email":"jane.doe@example.org","password":"correct horse battery",)"
    R"("first_name":"Jane","last_name":"Doe-Müller","birth_date":"1985-04-12","age":40,)"
    R"("phone":"+4915112345678","sex":"female","role":"patient","consent":true})";
constexpr std::string_view kBad =
    R"({"username":"jd","email":"jane.doe-at-example.org","password":"correct horse battery",)"
    R"("first_name":"Jane","last_name":"Doe-Müller","birth_date":"1985-04-12","age":240,)"
    R"("phone":"+4915112345678","sex":"female","role":"patient","consent":true})";

void form_of_json(benchmark::State& state) {
    for (auto _ : state) {
        const Report report = registration().check_json(kGood);
        if (!report.is_valid()) state.SkipWithError("the form must be valid");
        benchmark::DoNotOptimize(&report);
    }
}

void form_of_values(benchmark::State& state) {
    const Report given = registration().check_json(kGood);
    for (auto _ : state) {
        const Report report = registration().check(given.values());
        if (!report.is_valid()) state.SkipWithError("the form must be valid");
        benchmark::DoNotOptimize(&report);
    }
}

void form_with_three_errors(benchmark::State& state) {
    for (auto _ : state) {
        const Report report = registration().check_json(kBad);
        if (report.errors().size() != 3) state.SkipWithError("the form must have three errors");
        benchmark::DoNotOptimize(&report);
    }
}

BENCHMARK(form_of_json)->Name("Validation/FormOfJson/11");
BENCHMARK(form_of_values)->Name("Validation/FormOfValues/11");
BENCHMARK(form_with_three_errors)->Name("Validation/FormWithThreeErrors/11");

}  // namespace
