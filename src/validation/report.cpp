#include "consilia/validation/report.hpp"

#include <algorithm>
#include <iterator>

#include "consilia/core/clock.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {

Input to_input(const core::Value& value) {
    Input input;
    switch (value.type()) {
        case core::ValueType::Bool:
            input.kind = InputKind::Boolean;
            input.boolean = value.as<bool>();
            break;
        case core::ValueType::Int64:
            input.kind = InputKind::Integer;
            input.integer = value.as<std::int64_t>();
            break;
        case core::ValueType::Double:
            input.kind = InputKind::Number;
            input.number = value.as<double>();
            break;
        case core::ValueType::Text:
            return Input::of(value.as<std::string>());
        case core::ValueType::Date:
            input.kind = InputKind::Date;
            input.date = value.as<core::Date>();
            break;
        case core::ValueType::Timestamp:
            input.kind = InputKind::Timestamp;
            input.timestamp = value.as<core::Timestamp>();
            break;
        case core::ValueType::Uuid:
            input.kind = InputKind::Uuid;
            input.uuid = value.as<core::Uuid>();
            break;
        case core::ValueType::Json:
            input = Input::of(value.as<core::Json>().text);
            input.kind = InputKind::Json;
            break;
        case core::ValueType::Blob:
            return Input::other("bytes");
        case core::ValueType::Null:
            input.kind = InputKind::Null;
            break;
    }
    return input;
}

core::Value to_value(const Input& clean) {
    switch (clean.kind) {
        case InputKind::Boolean:
            return clean.boolean;
        case InputKind::Integer:
            return clean.integer;
        case InputKind::Number:
            return clean.number;
        case InputKind::Text:
            return clean.text;
        case InputKind::Date:
            return clean.date;
        case InputKind::Timestamp:
            return clean.timestamp;
        case InputKind::Uuid:
            return clean.uuid;
        case InputKind::Json:
            return core::Json{std::string(clean.text)};
        case InputKind::Object:
        case InputKind::List: {
            core::Json json;
            append_json(json.text, clean);
            return json;
        }
        default:
            return {};
    }
}

void append_json(std::string& json, const Input& clean) {
    if (clean.kind != InputKind::Object && clean.kind != InputKind::List) {
        json += core::to_json(to_value(clean));
        return;
    }
    const CleanItems& items = *clean.items;
    json += items.shape != nullptr ? '{' : '[';
    bool is_first = true;
    for (std::size_t i = 0; i < items.values.size(); ++i) {
        if (items.values[i].kind == InputKind::Absent) continue;
        if (!is_first) json += ',';
        is_first = false;
        if (items.shape != nullptr) json += '"' + items.shape->names()[i].text + "\":";
        append_json(json, items.values[i]);
    }
    json += items.shape != nullptr ? '}' : ']';
}

std::string FoundError::message(const Messages& messages) const {
    return own_message != nullptr ? Messages::fill(*own_message, params) : messages.format(code, params);
}

Report make_report(const Form::Plan& plan, const Checked& checked, const CheckOptions& options) {
    const Messages& messages = options.messages != nullptr ? *options.messages : Messages::english();
    std::vector<FieldError> errors;
    errors.reserve(checked.errors().size());
    for (const FoundError& error : checked.errors())
        errors.push_back({error.path, error.code, error.params, error.message(messages)});
    std::vector<NamedValue> values;
    const std::span<const Input> clean = checked.values().values;
    values.reserve(clean.size());
    for (std::size_t i = 0; i < clean.size(); ++i) {
        if (clean[i].kind != InputKind::Absent) values.emplace_back(plan.fields[i].name, to_value(clean[i]));
    }
    return {std::move(values), std::move(errors)};
}

const core::Value* Report::find_value(std::string_view name) const noexcept {
    const auto found = std::ranges::find(values_, name, &NamedValue::first);
    return found == values_.end() ? nullptr : &found->second;
}

const core::Value& Report::value(std::string_view name) const {
    if (const core::Value* found = find_value(name)) return *found;
    throw core::NotFound("form.no_value", "the report has no value of this field", {{"field", name}});
}

std::vector<data::Assignment> Report::assignments() const {
    require();
    std::vector<data::Assignment> assignments;
    assignments.reserve(values_.size());
    for (const auto& [name, value] : values_) assignments.emplace_back(name, core::Term(value));
    return assignments;
}

std::string Report::values_json() const {
    std::string json = "{";
    for (const auto& [name, value] : values_) {
        if (json.size() > 1) json += ',';
        json += '"' + name + "\":" + core::to_json(value);
    }
    return json += '}';
}

std::string Report::errors_json() const {
    std::string json = "[";
    for (const FieldError& error : errors_) {
        if (json.size() > 1) json += ',';
        json += "{\"path\":" + core::to_json(error.path) + ",\"code\":" + core::to_json(error.code) +
                ",\"message\":" + core::to_json(error.message) + ",\"params\":{";
        for (std::size_t i = 0; i < error.params.size(); ++i) {
            json += (i > 0 ? "," : "") + core::to_json(error.params[i].name) + ':' +
                    core::to_json(error.params[i].value);
        }
        json += "}}";
    }
    return json += ']';
}

void Report::require() const {
    if (is_valid()) return;
    const FieldError& first = errors_.front();
    std::string message = first.path.empty() ? first.message : "`" + first.path + "`: " + first.message;
    if (errors_.size() > 1) message += " (and " + std::to_string(errors_.size() - 1) + " more)";
    throw core::ValidationError("form.invalid", message, {{"errors", core::Json{errors_json()}}});
}

}  // namespace consilia::validation
