// JSON that a form checks, and JSON Schemas that become forms: clean values stay what they are when they are
// checked again, and a schema that was read is written so that it is read alike.
//
// Input: one byte that chooses the entry, then the text. New entries go to the end: the corpus depends on it.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/validation/form.hpp"
#include "consilia/validation/form_schema.hpp"
#include "consilia/validation/html.hpp"
#include "fuzz/target.hpp"

namespace consilia::fuzz {
namespace {

using validation::Field;
using validation::FieldKind;
using validation::Form;
using validation::Mode;

/// A field of each kind, named by its letter; `z` is a list of objects.
const Form& every_kind() {
    static const Form form = [] {
        std::vector<Field> fields;
        for (int kind = 0; kind <= static_cast<int>(FieldKind::Json); ++kind)
            fields.push_back({.name = std::string(1, static_cast<char>('a' + kind)),
                              .kind = static_cast<FieldKind>(kind),
                              .is_required = false,
                              .is_nullable = kind % 2 == 0});
        fields[3].is_multiline = true;
        const auto inner = std::make_shared<const Form>(fields);
        fields.push_back({.name = "z",
                          .kind = FieldKind::List,
                          .is_required = false,
                          .has_unique_items = true,
                          .items = std::make_shared<const Field>(
                              Field{.name = "o", .kind = FieldKind::Object, .form = inner})});
        return Form(std::move(fields));
    }();
    return form;
}

void check_report(const validation::Report& report) {
    for (const auto& error : report.errors())
        holds(!error.code.empty() && !error.message.empty(), "an error has a code and a message");
    holds(nlohmann::json::accept(report.errors_json()), "errors are JSON");
    if (!report.is_valid()) (void)tolerate<core::ValidationError>("form.invalid", [&] { report.require(); });
}

void json_body(std::string_view text) {
    for (const Mode mode : {Mode::Coerce, Mode::Strict}) {
        const validation::Report report = every_kind().check_json(text, {.mode = mode});
        check_report(report);
        if (!report.is_valid()) continue;
        const std::string values = report.values_json();
        const validation::Report again = every_kind().check_json(values, {.mode = mode});
        holds(again.is_valid(), "clean values are valid");
        holds(again.values_json() == values, "clean values are clean");
    }
}

void schema(std::string_view text) {
    try {
        const Form form = validation::form_from_json_schema(text);
        const std::string written = validation::to_json_schema(form);
        holds(validation::to_json_schema(validation::form_from_json_schema(written)) == written,
              "a schema is read as written");
        for (const Field& field : form.fields()) (void)validation::html_attributes(field);
        check_report(form.check_json("{}"));
        check_report(form.check_json(text));
    } catch (const core::ValidationError& error) {
        check_error(error, "form.schema");
    } catch (const core::InvalidArgument& error) {
        check_error(error, error.code().starts_with("form.") ? "form." : "expression.");
    }
}

constexpr std::array kEntries = {json_body, schema};

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    consilia::fuzz::run_one_of(consilia::fuzz::kEntries, data, size);
    return 0;
}
