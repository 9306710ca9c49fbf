#include "core/log_format.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "consilia/core/text.hpp"
#include "core/expression_words.hpp"
#include "core/utf8.hpp"

namespace consilia::core {
namespace {

constexpr std::size_t kTextBytesMax = 8 << 10;
constexpr std::size_t kFieldsMax = 64;

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::Debug:
            return "DEBUG";
        case LogLevel::Info:
            return "INFO";
        case LogLevel::Warning:
            return "WARNING";
        case LogLevel::Error:
            return "ERROR";
    }
    return "ERROR";
}

void append_escape(std::string& out, char32_t c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case U'\n':
            out += "\\n";
            return;
        case U'\r':
            out += "\\r";
            return;
        case U'\t':
            out += "\\t";
            return;
        default:
            break;
    }
    out += "\\u";  // Every hidden control has four digits.
    for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[c >> shift & 15U];
}

/// Text that cannot end a line, hide what follows it or close its own quotes. It is valid inside a JSON
/// string.
void append_escaped(std::string& out, std::string_view text) {
    const std::string_view kept = truncated(text, kTextBytesMax);
    for (std::size_t at = 0; at < kept.size();) {
        const CodePoint c = decode_utf8(kept, at);
        if (!c.is_valid) {
            out += "\xEF\xBF\xBD";
        } else if (c.value == U'"' || c.value == U'\\') {
            out += '\\';
            out += static_cast<char>(c.value);
        } else if (is_hidden_control(c.value)) {
            append_escape(out, c.value);
        } else {
            out += kept.substr(at, c.size);
        }
        at += c.size;
    }
    if (kept.size() < text.size()) out += "…";
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

/// Names whose values are never written, wherever the word stands in them: `user_password`, `X-Api-Key`.
bool is_secret(std::string_view name) {
    static constexpr std::array<std::string_view, 9> kWords{"password", "passwd",        "secret",
                                                            "token",    "authorization", "api_key",
                                                            "apikey",   "api-key",       "credential"};
    const std::string lowered = to_lower_ascii(name);
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](std::string_view word) { return lowered.find(word) != std::string::npos; });
}

bool is_plain_line(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        if (!c.is_valid || is_hidden_control(c.value)) return false;
        at += c.size;
    }
    return true;
}

void append_value(std::string& out, const Detail& field) {
    if (is_secret(field.name) && !field.value.is_null()) {
        out += R"("[redacted]")";
    } else if (const auto* text = field.value.if_as<std::string>()) {
        append_quoted(out, *text);
    } else if (const auto* json = field.value.if_as<Json>()) {
        // A document is data from somewhere: it goes in as it stands only if it is one, short, and on one
        // line.
        if (json->text.size() <= kTextBytesMax && is_plain_line(json->text) &&
            nlohmann::json::accept(json->text)) {
            out += json->text;
        } else {
            append_quoted(out, json->text);
        }
    } else if (const auto* blob = field.value.if_as<Blob>();
               blob != nullptr && blob->bytes.size() > kTextBytesMax) {
        append_quoted(out, std::to_string(blob->bytes.size()) + " bytes");
    } else {
        out += to_json(field.value);
    }
}

/// The fields of the call and those of the context that they do not replace, the latest of a name first to
/// go.
std::vector<const Detail*> merged_fields(const LogEntry& entry) {
    std::vector<const Detail*> merged;
    for (const Details* part : {entry.context, entry.fields}) {
        if (part == nullptr) continue;
        for (const Detail& field : *part) {
            std::erase_if(merged, [&](const Detail* earlier) { return earlier->name == field.name; });
            merged.push_back(&field);
        }
    }
    if (merged.size() > kFieldsMax) {
        merged.erase(merged.begin(), merged.end() - static_cast<std::ptrdiff_t>(kFieldsMax));
    }
    return merged;
}

std::string json_line(const LogEntry& entry) {
    std::string line = R"({"time":")" + to_iso8601(entry.time) + R"(","level":")";
    line += name_of(entry.level);
    line += R"(","logger":)";
    append_quoted(line, entry.logger);
    line += R"(,"message":)";
    append_quoted(line, entry.message);
    line += R"(,"fields":{)";
    bool is_first = true;
    for (const Detail* field : merged_fields(entry)) {
        if (!std::exchange(is_first, false)) line += ',';
        append_quoted(line, field->name);
        line += ':';
        append_value(line, *field);
    }
    return line + "}}";
}

/// A name as a word, so that no field can pass for two.
void append_name(std::string& out, std::string_view name) {
    for (const char c : truncated(name, kTextBytesMax)) {
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              c == '.' || c == '-';
        out += is_plain ? c : '_';
    }
}

std::string text_line(const LogEntry& entry, bool is_verbose) {
    std::string line;
    if (is_verbose) line = to_iso8601(entry.time) + ' ';
    line += name_of(entry.level);
    line += ' ';
    if (is_verbose) {
        line += '[';
        append_escaped(line, entry.logger);
        line += "] ";
    }
    append_escaped(line, entry.message);
    for (const Detail* field : merged_fields(entry)) {
        line += ' ';
        append_name(line, field->name);
        line += '=';
        append_value(line, *field);
    }
    return line;
}

}  // namespace

std::string format_line(const LogEntry& entry, LogFormat format) {
    return format == LogFormat::Json ? json_line(entry) : text_line(entry, format == LogFormat::Verbose);
}

}  // namespace consilia::core
