#include "consilia/validation/html.hpp"

#include <algorithm>
#include <array>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::validation {
namespace {

using Attributes = std::vector<std::pair<std::string, std::string>>;

bool is_choice(const Field& field) {
    return !field.choices.empty() || (field.items && !field.items->choices.empty());
}

bool is_text(const Field& field) {
    return field.kind >= FieldKind::Text && field.kind <= FieldKind::Url;
}

bool is_area(const Field& field) {
    return field.is_multiline || field.kind == FieldKind::Json;
}

std::string shown(const core::Value& value) {
    if (const auto* text = value.if_as<std::string>()) return *text;
    if (const auto* date = value.if_as<core::Date>()) return core::to_iso8601(*date);
    return core::to_json(value);
}

std::string_view type_of(const Field& field) {
    if (field.is_secret) return "password";
    switch (field.kind) {
        case FieldKind::Boolean:
            return "checkbox";
        case FieldKind::Integer:
        case FieldKind::Number:
            return "number";
        case FieldKind::Email:
            return "email";
        case FieldKind::Phone:
            return "tel";
        case FieldKind::Url:
            return "url";
        case FieldKind::Date:
            return "date";
        default:
            return "text";
    }
}

/// Browsers ask that the whole value has the form, RE2 looks for it anywhere. Empty: the two would not agree
/// on what the pattern means, as on POSIX classes and on what browsers read as operations on sets. What
/// browsers do not understand they skip.
std::string pattern_of(const Field& field) {
    if (field.kind == FieldKind::Phone) return R"(\+?1?[0-9]{9,15})";
    if (field.kind == FieldKind::Uuid) return "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
    const std::string& pattern = field.pattern;
    if (pattern.empty()) return {};
    for (const char* risky : {"[:", "&&", "--", "\\s", "\\S", "(?"}) {
        const std::size_t found = pattern.find(risky);
        if (found != std::string::npos && pattern.compare(found, 3, "(?:") != 0) return {};
    }
    const bool has_branches = pattern.find('|') != std::string::npos;
    const bool ends = pattern.size() >= 2 && pattern.back() == '$' && pattern[pattern.size() - 2] != '\\';
    if (pattern.front() == '^' && ends && !has_branches) return pattern.substr(1, pattern.size() - 2);
    return R"([\s\S]*(?:)" + pattern + R"()[\s\S]*)";
}

/// What a browser may fill in by itself (HTML, 4.10.18.7).
std::string_view autocomplete_of(const Field& field) {
    struct Known {
        std::string_view name;
        std::string_view token;
    };
    static constexpr std::array<Known, 10> kKnown{{{"username", "username"},
                                                   {"first_name", "given-name"},
                                                   {"given_name", "given-name"},
                                                   {"last_name", "family-name"},
                                                   {"family_name", "family-name"},
                                                   {"birth_date", "bday"},
                                                   {"date_of_birth", "bday"},
                                                   {"birthdate", "bday"},
                                                   {"birthday", "bday"},
                                                   {"dob", "bday"}}};
    // Only who chooses a secret is told how long it must be.
    if (field.is_secret) return field.length_min > 0 ? "new-password" : "current-password";
    if (field.kind == FieldKind::Email) return "email";
    if (field.kind == FieldKind::Phone) return "tel";
    const auto known = std::ranges::find(kKnown, field.name, &Known::name);
    const bool fits = known != kKnown.end() && (known->token == "bday") == (field.kind == FieldKind::Date);
    if (fits && (is_text(field) || field.kind == FieldKind::Date)) return known->token;
    return field.kind == FieldKind::PersonName ? "name" : "";
}

void add_lengths(const Field& field, Attributes& attributes) {
    if (!is_text(field) || is_choice(field)) return;
    if (field.length_min > 0) attributes.emplace_back("minlength", std::to_string(field.length_min));
    if (field.length_max > 0) attributes.emplace_back("maxlength", std::to_string(field.length_max));
}

void add_bounds(const Field& field, Attributes& attributes) {
    const bool is_number = field.kind == FieldKind::Integer || field.kind == FieldKind::Number;
    if ((!is_number && field.kind != FieldKind::Date) || is_choice(field)) return;
    if (!field.minimum.is_null()) attributes.emplace_back("min", shown(field.minimum));
    if (!field.maximum.is_null()) attributes.emplace_back("max", shown(field.maximum));
    if (!is_number) return;
    const bool is_whole = field.kind == FieldKind::Integer;
    attributes.emplace_back("step", is_whole ? "1" : "any");
    // The keys of a telephone that these ask for have no minus.
    const auto* whole = field.minimum.if_as<std::int64_t>();
    const auto* number = field.minimum.if_as<double>();
    if ((whole != nullptr && *whole >= 0) || (number != nullptr && *number >= 0))
        attributes.emplace_back("inputmode", is_whole ? "numeric" : "decimal");
}

std::string attributes_html(const Attributes& attributes) {
    std::string html;
    for (const auto& [name, value] : attributes) {
        html += ' ' + name;
        if (!value.empty()) html += "=\"" + escape_html(value) + '"';
    }
    return html;
}

std::string options_html(const Field& field, std::span<const std::string> given) {
    const bool is_list = field.kind == FieldKind::List;
    std::string html = is_list || field.is_required ? "" : "<option value=\"\"></option>";
    for (const core::Value& choice : is_list ? field.items->choices : field.choices) {
        const std::string text = shown(choice);
        const bool is_given = std::ranges::find(given, text) != given.end();
        html += "<option value=\"" + escape_html(text) + '"' + (is_given ? " selected>" : ">") +
                escape_html(text) + "</option>";
    }
    return html;
}

/// The control alone; `attributes` has its name, class and what it is described by.
std::string control_html(const Field& field, Attributes attributes, std::span<const std::string> given) {
    const std::string first = given.empty() || field.is_secret ? std::string() : given.front();
    if (is_choice(field))
        return "<select" + attributes_html(attributes) + '>' + options_html(field, given) + "</select>";
    if (is_area(field))  // A line end just after the tag is dropped, so that one of the text would be.
        return "<textarea" + attributes_html(attributes) + ">\n" + escape_html(first) + "</textarea>";
    if (field.kind == FieldKind::Boolean) {
        attributes.emplace_back("value", "true");
        if (first == "true" || first == "on" || first == "1") attributes.emplace_back("checked", "");
    } else if (!first.empty()) {
        attributes.emplace_back("value", first);
    }
    return "<input" + attributes_html(attributes) + '>';
}

/// The errors of a field are also those of its elements.
std::vector<std::string_view> errors_of(const Field& field, std::span<const FieldError> errors) {
    std::vector<std::string_view> messages;
    for (const FieldError& error : errors) {
        const bool is_own = error.path == field.name || error.path.starts_with(field.name + '.');
        if (is_own) messages.push_back(error.message);
    }
    return messages;
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

std::string label_of(const Field& field) {
    if (!field.label.empty()) return field.label;
    std::string label = field.name;
    std::ranges::replace(label, '_', ' ');
    std::ranges::replace(label, '-', ' ');
    if (!label.empty() && label.front() >= 'a' && label.front() <= 'z')
        label.front() = static_cast<char>(label.front() - 32);
    return label;
}

Attributes html_attributes(const Field& field) {
    Attributes attributes;
    const bool has_type = !is_choice(field) && !is_area(field) && field.kind < FieldKind::Object;
    if (has_type) attributes.emplace_back("type", type_of(field));
    // A box that must be ticked is another thing than a yes or no that must be given.
    const bool is_asked = field.is_required && !field.is_nullable && !field.allows_blank;
    if (is_asked && field.kind != FieldKind::Boolean && field.kind < FieldKind::Object)
        attributes.emplace_back("required", "");
    add_lengths(field, attributes);
    add_bounds(field, attributes);
    const std::string pattern = has_type ? pattern_of(field) : std::string();
    if (!pattern.empty()) attributes.emplace_back("pattern", pattern);
    const std::string_view autocomplete = autocomplete_of(field);
    if (!autocomplete.empty()) attributes.emplace_back("autocomplete", autocomplete);
    if (field.kind == FieldKind::List && is_choice(field)) attributes.emplace_back("multiple", "");
    return attributes;
}

std::string html_input(const Field& field, const HtmlInput& input) {
    if (field.kind == FieldKind::Object || (field.kind == FieldKind::List && !is_choice(field)))
        throw core::InvalidArgument("form.html",
                                    "field `" + field.name + "`: no control has an object or a list",
                                    {{"field", field.name}});
    const bool is_box = field.kind == FieldKind::Boolean;
    const std::string id = input.id_prefix + field.name;
    const std::vector<std::string_view> errors = errors_of(field, input.errors);
    std::string described;
    if (!field.help.empty()) described = id + "_help";
    if (!errors.empty()) described += (described.empty() ? "" : " ") + id + "_error";

    Attributes attributes{{"id", id}, {"name", field.name}};
    const char* const look = is_box ? "form-check-input" : is_choice(field) ? "form-select" : "form-control";
    attributes.emplace_back("class", std::string(look) + (errors.empty() ? "" : " is-invalid"));
    for (auto& attribute : html_attributes(field)) attributes.push_back(std::move(attribute));
    if (!errors.empty()) attributes.emplace_back("aria-invalid", "true");
    if (!described.empty()) attributes.emplace_back("aria-describedby", described);

    const std::string label = std::string("<label class=\"") + (is_box ? "form-check-label" : "form-label") +
                              "\" for=\"" + escape_html(id) + "\">" + escape_html(label_of(field)) +
                              "</label>";
    const std::string control = control_html(field, std::move(attributes), input.given);
    std::string html = std::string("<div class=\"mb-3") + (is_box ? " form-check" : "") + "\">";
    html += is_box ? control + label : label + control;
    if (!field.help.empty())
        html += "<div class=\"form-text\" id=\"" + escape_html(id) + "_help\">" + escape_html(field.help) +
                "</div>";
    if (!errors.empty()) {
        html += "<div class=\"invalid-feedback\" id=\"" + escape_html(id) + "_error\">";
        for (std::size_t i = 0; i < errors.size(); ++i)
            html += (i > 0 ? "<br>" : "") + escape_html(errors[i]);
        html += "</div>";
    }
    return html += "</div>";
}

}  // namespace consilia::validation
