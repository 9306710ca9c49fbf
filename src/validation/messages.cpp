#include "consilia/validation/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "consilia/core/clock.hpp"

namespace consilia::validation {
namespace {

std::string text_of(const core::Value& value) {
    if (const auto* text = value.if_as<std::string>()) return *text;
    if (const auto* date = value.if_as<core::Date>()) return core::to_iso8601(*date);
    if (const auto* instant = value.if_as<core::Timestamp>()) return core::to_iso8601(*instant);
    return core::to_json(value);
}

const core::Detail* find_param(const core::Details& params, std::string_view name) {
    const auto found = std::ranges::find(params, name, &core::Detail::name);
    return found == params.end() ? nullptr : &*found;
}

}  // namespace

const Messages& Messages::english() {
    static const Messages messages(Texts{
        {"blank", "this field must not be blank"},
        {"boolean", "wanted yes or no"},
        {"choice", "wanted one of {choices}"},
        {"control_character", "this has a character that cannot be seen"},
        {"date", "wanted a date like 2026-01-31"},
        {"duplicate", "this is there twice"},
        {"email", "this is no email address"},
        {"integer", "wanted a whole number"},
        {"json", "the content is no valid JSON ({reason})"},
        {"json_value", "wanted a value that JSON can say, at most 32 deep"},
        {"not_finite", "wanted a finite number"},
        {"not_found", "there is no such entry"},
        {"null", "this field must not be null"},
        {"number", "wanted a number"},
        {"pattern", "this does not have the wanted form"},
        {"person_name", "wanted a name: letters of any script, spaces, hyphens and apostrophes"},
        {"phone", "wanted 9 to 15 digits, with or without a + before them"},
        {"repeated", "this name is there twice"},
        {"required", "this field is required"},
        {"rule", "this does not hold: {rule}"},
        {"taken", "this is taken already"},
        {"taken_together", "there is an entry with the same {fields} already"},
        {"timestamp", "wanted an instant with a time zone, like 2026-01-31T12:00:00Z"},
        {"too_few", "at least {limit} entries are wanted, {found} were given"},
        {"too_few.one", "at least one entry is wanted, {found} were given"},
        {"too_large", "at most {limit} is allowed"},
        {"too_long", "at most {limit} characters are allowed"},
        {"too_long.one", "at most one character is allowed"},
        {"too_many", "at most {limit} entries are allowed, {found} were given"},
        {"too_many.one", "at most one entry is allowed, {found} were given"},
        {"too_short", "at least {limit} characters are wanted"},
        {"too_short.one", "at least one character is wanted"},
        {"too_small", "at least {limit} is wanted"},
        {"type", "wanted {wanted}, not {found}"},
        {"unknown", "there is no such field"},
        {"url", "wanted an address like https://example.org/"},
        {"uuid", "wanted a UUID"},
    });
    return messages;
}

const Messages& Messages::german() {
    static const Messages messages(Texts{
        {"blank", "dieses Feld darf nicht leer sein"},
        {"boolean", "erwartet wird ja oder nein"},
        {"choice", "erwartet wird eines von {choices}"},
        {"control_character", "enthält ein unsichtbares Zeichen"},
        {"date", "erwartet wird ein Datum wie 2026-01-31"},
        {"duplicate", "kommt doppelt vor"},
        {"email", "ist keine E-Mail-Adresse"},
        {"integer", "erwartet wird eine ganze Zahl"},
        {"json", "der Inhalt ist kein gültiges JSON ({reason})"},
        {"json_value", "erwartet wird ein Wert, den JSON darstellen kann, höchstens 32 Ebenen tief"},
        {"not_finite", "erwartet wird eine endliche Zahl"},
        {"not_found", "diesen Eintrag gibt es nicht"},
        {"null", "dieses Feld darf nicht null sein"},
        {"number", "erwartet wird eine Zahl"},
        {"pattern", "hat nicht die verlangte Form"},
        {"person_name",
         "erwartet wird ein Name: Buchstaben jeder Schrift, Leerzeichen, Bindestriche, Apostrophe"},
        {"phone", "erwartet werden 9 bis 15 Ziffern, mit oder ohne + davor"},
        {"repeated", "dieser Name kommt doppelt vor"},
        {"required", "dieses Feld ist erforderlich"},
        {"rule", "dies gilt nicht: {rule}"},
        {"taken", "ist schon vergeben"},
        {"taken_together", "es gibt schon einen Eintrag mit gleichem {fields}"},
        {"timestamp", "erwartet wird ein Zeitpunkt mit Zeitzone wie 2026-01-31T12:00:00Z"},
        {"too_few", "mindestens {limit} Einträge sind nötig, es sind {found}"},
        {"too_few.one", "mindestens ein Eintrag ist nötig, es sind {found}"},
        {"too_large", "höchstens {limit} ist erlaubt"},
        {"too_long", "höchstens {limit} Zeichen sind erlaubt"},
        {"too_long.one", "höchstens ein Zeichen ist erlaubt"},
        {"too_many", "höchstens {limit} Einträge sind erlaubt, es sind {found}"},
        {"too_many.one", "höchstens ein Eintrag ist erlaubt, es sind {found}"},
        {"too_short", "mindestens {limit} Zeichen sind nötig"},
        {"too_short.one", "mindestens ein Zeichen ist nötig"},
        {"too_small", "mindestens {limit} ist nötig"},
        {"type", "erwartet wird {wanted}, nicht {found}"},
        {"unknown", "dieses Feld gibt es nicht"},
        {"url", "erwartet wird eine Adresse wie https://example.org/"},
        {"uuid", "erwartet wird eine UUID"},
    });
    return messages;
}

Messages Messages::from_json(std::string_view json) {
    const auto document = nlohmann::json::parse(json, nullptr, false);
    if (!document.is_object())
        throw core::ValidationError("messages.document", "messages are one JSON object of texts by code");
    Texts texts;
    for (const auto& [code, text] : document.items()) {
        if (!text.is_string())
            throw core::ValidationError("messages.document", "the message of `" + code + "` must be a text",
                                        {{"code", code}});
        texts.emplace(code, text.get<std::string>());
    }
    return Messages(std::move(texts));
}

const std::string* Messages::find(std::string_view code, const core::Details& params) const {
    const core::Detail* limit = find_param(params, "limit");
    if (limit != nullptr && limit->value == core::Value(1)) {
        const auto one = texts_.find(std::string(code) + ".one");
        if (one != texts_.end()) return &one->second;
    }
    const auto found = texts_.find(code);
    return found == texts_.end() ? nullptr : &found->second;
}

std::string Messages::format(std::string_view code, const core::Details& params) const {
    const std::string* text = find(code, params);
    if (text == nullptr) text = english().find(code, params);
    if (text == nullptr) text = find("rule", params);
    if (text == nullptr) text = english().find("rule", params);
    return fill(*text, params);
}

std::string Messages::fill(std::string_view text, const core::Details& params) {
    std::string filled;
    filled.reserve(text.size() + 16);
    while (!text.empty()) {
        const std::size_t open = std::min(text.find('{'), text.size());
        filled += text.substr(0, open);
        text.remove_prefix(open);
        const std::size_t close = text.find('}');
        const core::Detail* param =
            close == std::string_view::npos ? nullptr : find_param(params, text.substr(1, close - 1));
        if (param != nullptr) {
            filled += text_of(param->value);
            text.remove_prefix(close + 1);
        } else if (!text.empty()) {
            filled += text.front();
            text.remove_prefix(1);
        }
    }
    return filled;
}

}  // namespace consilia::validation
