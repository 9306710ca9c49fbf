#include "core/json_path.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace consilia::core {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0U | c >> 6U);
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0U | c >> 12U);
        out += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | c >> 18U);
        out += static_cast<char>(0x80U | (c >> 12U & 0x3FU));
        out += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    }
}

/// Reads a document from left to right. Never reads past its end; nesting is counted, not followed.
class Scanner {
public:
    explicit Scanner(std::string_view json) : json_(json) {}

    /// Moves to the value of a key or position of the value here; false if there is none.
    bool enter(const Value& element) {
        const std::string* key = element.if_as<std::string>();
        if (key != nullptr) return enter_key(*key);
        return enter_position(element.as<std::int64_t>());
    }

    Value scalar() {
        switch (peek()) {
            case '"': {
                std::optional<std::string> text = string();
                return text ? Value(std::move(*text)) : Value();
            }
            case 't':
                return word() == "true" ? Value(true) : Value();
            case 'f':
                return word() == "false" ? Value(false) : Value();
            default:
                return number();
        }
    }

private:
    /// The next byte that is no space; 0 at the end.
    char peek() {
        while (at_ < json_.size() && std::string_view(" \t\r\n").find(json_[at_]) != std::string_view::npos)
            ++at_;
        return at_ < json_.size() ? json_[at_] : '\0';
    }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    bool enter_key(const std::string& key) {
        if (!take('{')) return false;
        std::optional<std::size_t> found;
        do {
            const std::optional<std::string> name = string();
            if (!name || !take(':')) break;
            (void)peek();
            if (*name == key) found = at_;
            skip();
        } while (take(','));
        if (found) at_ = *found;
        return found.has_value();
    }

    bool enter_position(std::int64_t position) {
        if (!take('[') || peek() == ']') return false;
        for (; position > 0; --position) {
            skip();
            if (!take(',')) return false;
        }
        return peek() != '\0';
    }

    void skip() {
        std::size_t open = 0;
        do {
            const char c = peek();
            if (c == '\0') return;
            if (c == '"') {
                skip_string();
            } else if (c == '{' || c == '[') {
                ++open;
                ++at_;
            } else if (c == '}' || c == ']') {
                if (open == 0) return;
                --open;
                ++at_;
            } else if (open != 0 && (c == ',' || c == ':')) {
                ++at_;
            } else if (word().empty()) {
                return;
            }
        } while (open != 0);
    }

    void skip_string() {
        for (++at_; at_ < json_.size() && json_[at_] != '"'; ++at_) {
            if (json_[at_] == '\\') ++at_;
        }
        at_ = std::min(at_ + 1, json_.size());
    }

    /// What stands here up to a separator: a number, true, false or null.
    std::string_view word() {
        const std::size_t start = at_;
        at_ = std::min(json_.find_first_of(",:]}[{\" \t\r\n", at_), json_.size());
        return json_.substr(start, at_ - start);
    }

    Value number() {
        const std::string_view text = word();
        constexpr std::string_view kDigits = "+-.0123456789eE";
        double found = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), found);
        const double magnitude = std::abs(found);
        const bool is_number = !text.empty() && error == std::errc{} && stop == text.data() + text.size() &&
                               text.find_first_not_of(kDigits) == std::string_view::npos;
        const bool is_in_range = magnitude == 0 || (magnitude >= 1e-300 && magnitude <= 1e300);
        return is_number && is_in_range ? Value(found) : Value();
    }

    std::optional<std::string> string() {
        if (!take('"')) return std::nullopt;
        std::string text;
        while (at_ < json_.size()) {
            const char c = json_[at_++];
            if (c == '"') return text;
            if (c != '\\') {
                text += c;
            } else if (!escape(text)) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    bool escape(std::string& text) {
        if (at_ == json_.size()) return false;
        constexpr std::string_view kNames = "\"\\/bfnrt";
        constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
        const char c = json_[at_++];
        if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
            text += kMeant[known];
            return true;
        }
        std::optional<std::uint32_t> unit = c == 'u' ? hexadecimal() : std::nullopt;
        if (unit && *unit >= 0xD800 && *unit < 0xDC00 && json_.substr(at_, 2) == "\\u") {
            at_ += 2;
            const std::optional<std::uint32_t> low = hexadecimal();
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
            unit = 0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00);
        }
        if (!unit || (*unit >= 0xD800 && *unit < 0xE000)) return false;
        append_utf8(text, *unit);
        return true;
    }

    std::optional<std::uint32_t> hexadecimal() {
        const std::string_view digits = json_.substr(at_, 4);
        std::uint32_t unit = 0;
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
        if (digits.size() != 4 || error != std::errc{} || stop != digits.data() + 4) return std::nullopt;
        at_ += 4;
        return unit;
    }

    std::string_view json_;
    std::size_t at_ = 0;
};

}  // namespace

Value find_in_json(std::string_view json, std::span<const Value> path) {
    Scanner scanner(json);
    for (const Value& element : path) {
        if (!scanner.enter(element)) return {};
    }
    return scanner.scalar();
}

}  // namespace consilia::core
