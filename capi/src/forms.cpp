#include "consilia/c/forms.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consilia/validation/form.hpp"
#include "consilia/validation/form_schema.hpp"
#include "consilia/validation/html.hpp"
#include "consilia/validation/model_form.hpp"
#include "consilia/validation/text_checks.hpp"
#include "data.hpp"
#include "guard.hpp"

namespace core = consilia::core;
namespace validation = consilia::validation;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::enumerator;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::in_use;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::session_of;
using consilia::capi::texts_of;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(offsetof(consilia_form_check_t, except_key) == 32);
static_assert(offsetof(consilia_form_check_t, messages_json) == 48);
static_assert(offsetof(consilia_field_error_t, message) == 40);

struct consilia_form {
    validation::Form form;
};

struct consilia_form_report {
    validation::Report report;
};

namespace {

/// What a check is asked to do; the catalog of the caller lives here.
struct Options {
    explicit Options(const consilia_form_check_t* given) {
        const consilia_form_check_t known = copy_options(given);
        switch (enumerator(known.mode, CONSILIA_FORM_MODE_STRICT, "mode")) {
            case CONSILIA_FORM_MODE_COERCE:
                check.mode = validation::Mode::Coerce;
                break;
            case CONSILIA_FORM_MODE_STRICT:
                check.mode = validation::Mode::Strict;
                break;
            default:
                break;
        }
        check.is_partial = known.is_partial != 0;
        check.skips_database = known.skips_database != 0;
        if (known.session != nullptr) check.session = &session_of(known.session);
        if (known.has_except_key != 0) check.except_key = known.except_key;
        if (known.errors_max != 0) check.errors_max = known.errors_max;
        if (const std::string_view texts = view(known.messages_json); !texts.empty())
            check.messages = &messages.emplace(validation::Messages::from_json(texts));
    }
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;
    ~Options() = default;

    validation::CheckOptions check;
    std::optional<validation::Messages> messages;
};

}  // namespace

extern "C" {

consilia_status_t consilia_form_from_schema(consilia_str_t schema_json, const consilia_model_t* const* models,
                                            size_t model_count, consilia_form_t** out_form,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_form_t*& out = cleared(out_form, "out_form");
        std::vector<std::shared_ptr<const consilia::data::Model>> tables;
        for (const consilia_model_t* model : items(models, model_count, "models"))
            tables.push_back(in_use(model));
        out = new consilia_form{validation::form_from_json_schema(view(schema_json), tables)};
    });
}

consilia_status_t consilia_form_of_model(const consilia_model_t* model, const consilia_str_t* columns,
                                         size_t column_count, consilia_form_t** out_form,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_form_t*& out = cleared(out_form, "out_form");
        out = new consilia_form{
            validation::form_of(in_use(model), {.only = texts_of(columns, column_count, "columns")})};
    });
}

void consilia_form_free(consilia_form_t* form) {
    delete form;
}

consilia_status_t consilia_form_to_schema(const consilia_form_t* form, consilia_buffer_t* out_json,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(validation::to_json_schema(require(form, "form").form));
    });
}

consilia_status_t consilia_form_html_attributes(const consilia_form_t* form, consilia_str_t field,
                                                consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const validation::Field* found = require(form, "form").form.find_field(view(field));
        if (found == nullptr)
            throw core::NotFound("form.no_field", "the form has no such field", {{"field", view(field)}});
        std::string json = "{";
        for (const auto& [name, value] : validation::html_attributes(*found))
            json += (json.size() > 1 ? "," : "") + core::to_json(name) + ':' + core::to_json(value);
        out = to_buffer(json += '}');
    });
}

consilia_status_t consilia_form_check_json(const consilia_form_t* form, consilia_str_t json,
                                           const consilia_form_check_t* options,
                                           consilia_form_report_t** out_report,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_form_report_t*& out = cleared(out_report, "out_report");
        const Options known(options);
        out = new consilia_form_report{require(form, "form").form.check_json(view(json), known.check)};
    });
}

void consilia_form_report_free(consilia_form_report_t* report) {
    delete report;
}

int32_t consilia_form_report_is_valid(const consilia_form_report_t* report) {
    return report != nullptr && report->report.is_valid() ? 1 : 0;
}

size_t consilia_form_report_error_count(const consilia_form_report_t* report) {
    return report == nullptr ? 0 : report->report.errors().size();
}

consilia_status_t consilia_form_report_error(const consilia_form_report_t* report, size_t index,
                                             consilia_field_error_t* out_field_error,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_field_error_t& out = cleared_sized(out_field_error, "out_field_error");
        const auto errors = require(report, "report").report.errors();
        if (index >= errors.size())
            throw core::InvalidArgument("form.no_error", "the report has fewer errors",
                                        {{"index", index}, {"count", errors.size()}});
        const validation::FieldError& error = errors[index];
        fill_sized(out, {0, borrow(error.path), borrow(error.code), borrow(error.message)});
    });
}

consilia_status_t consilia_form_report_errors_json(const consilia_form_report_t* report,
                                                   consilia_buffer_t* out_json,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(require(report, "report").report.errors_json());
    });
}

consilia_status_t consilia_form_report_values_json(const consilia_form_report_t* report,
                                                   consilia_buffer_t* out_json,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(require(report, "report").report.values_json());
    });
}

consilia_status_t consilia_email_normalize(consilia_str_t text, consilia_buffer_t* out_email,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_email, "out_email");
        const std::string_view problem = validation::check_email(view(text));
        if (!problem.empty())
            throw core::ValidationError("form.email", "this is no email address", {{"reason", problem}});
        out = to_buffer(validation::normalized_email(view(text)));
    });
}

int32_t consilia_is_phone(consilia_str_t text) {
    return text.data != nullptr && validation::is_phone({text.data, text.size}) ? 1 : 0;
}

int32_t consilia_is_person_name(consilia_str_t text) {
    return text.data != nullptr && validation::is_person_name({text.data, text.size}) ? 1 : 0;
}

}  // extern "C"
