#include "access/import_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxNameBytes = 90;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A name that a policy can have.
bool fits(const std::string& name) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; };
    return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), is_plain);
}

class Lexer {
public:
    Lexer(std::string_view text, const ImportSource& source, const ImportSyntax& syntax, TextPlace start)
        : text_(text), source_(source), syntax_(syntax), place_(start) {}

    std::vector<ImportToken> run() {
        if (text_.size() > kMaxTextBytes) source_.refuse(place_, "text", "it is longer than 4 MiB");
        std::vector<ImportToken> tokens;
        while (skip_space()) tokens.push_back(next());
        tokens.push_back({ImportToken::Kind::End, "", "", place_});
        return tokens;
    }

private:
    [[nodiscard]] char at(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    void advance(std::size_t count = 1) {
        for (; count > 0; --count, ++at_) {
            if (at() == '\n') {
                ++place_.line;
                place_.column = 1;
            } else {
                ++place_.column;
            }
        }
    }
    // False at the end.
    bool skip_space() {
        while (at_ < text_.size()) {
            if (at() == ' ' || at() == '\t' || at() == '\r' || at() == '\n') {
                advance();
            } else if (syntax_.has_comments && at() == '/' && at(1) == '/') {
                while (at_ < text_.size() && at() != '\n') advance();
            } else {
                return true;
            }
        }
        return false;
    }

    ImportToken next() {
        if (is_letter(at()))
            return run_of(ImportToken::Kind::Name, [](char c) { return is_letter(c) || is_digit(c); });
        if (is_digit(at())) return number();
        if (syntax_.quotes.find(at()) != std::string_view::npos) return quoted();
        const std::string_view two = text_.substr(at_, 2);
        const bool is_double = two.size() == 2 && two.find(' ') == std::string_view::npos &&
                               syntax_.doubles.find(two) != std::string_view::npos;
        const std::string_view symbols = "()[]{}<>,.;:!=&|+-*/%?@";
        if (!is_double && symbols.find(at()) == std::string_view::npos)
            source_.refuse(place_, text_.substr(at_, 1), "no token begins with it");
        ImportToken token{ImportToken::Kind::Symbol, std::string(text_.substr(at_, is_double ? 2 : 1)), "",
                          place_};
        advance(token.text.size());
        return token;
    }
    template <class Belongs>
    ImportToken run_of(ImportToken::Kind kind, const Belongs& belongs) {
        ImportToken token{kind, "", "", place_};
        while (at_ < text_.size() && belongs(at())) {
            token.text += at();
            advance();
        }
        return token;
    }
    ImportToken number() {
        ImportToken token = run_of(ImportToken::Kind::Integer, is_digit);
        if (at() == '.' && is_digit(at(1))) {
            token.kind = ImportToken::Kind::Real;
            token.text += '.';
            advance();
            token.text += run_of(ImportToken::Kind::Integer, is_digit).text;
        }
        if (is_letter(at())) source_.refuse(token.place, token.text + at(), "it is no number");
        return token;
    }
    ImportToken quoted() {
        ImportToken token{ImportToken::Kind::Text, "", "", place_};
        const char quote = at();
        advance();
        while (at() != quote) {
            if (at_ >= text_.size() || at() == '\n') source_.refuse(token.place, "text", "it does not end");
            token.raw += at();
            if (at() == '\\') {
                advance();
                token.raw += at();
                token.text += escaped();
            } else {
                token.text += at();
            }
            advance();
        }
        advance();
        return token;
    }
    std::string escaped() {
        switch (at()) {
            case 'n':
                return "\n";
            case 't':
                return "\t";
            case 'r':
                return "\r";
            case '0':
                return std::string(1, '\0');
            case '\\':
            case '"':
            case '\'':
                return std::string(1, at());
            case '*':
                return "*";  // Of a pattern, which is read from `raw`.
            default:
                source_.refuse(place_, std::string("\\") + at(), "it is no escape that is known here");
        }
    }

    std::string_view text_;
    const ImportSource& source_;
    const ImportSyntax& syntax_;
    TextPlace place_;
    std::size_t at_ = 0;
};

}  // namespace

void ImportSource::refuse(TextPlace place, std::string_view construct, std::string_view why) const {
    const std::string shown(construct.substr(0, 100));
    const std::string where = (name.empty() ? "" : name + " ") + "line " + std::to_string(place.line) +
                              ", column " + std::to_string(place.column);
    throw core::ValidationError(code, where + ": `" + shown + "`: " + std::string(why),
                                {{"source", core::Value(name)},
                                 {"line", static_cast<std::int64_t>(place.line)},
                                 {"column", static_cast<std::int64_t>(place.column)},
                                 {"construct", core::Value(shown)}});
}

std::vector<ImportToken> tokens_of(std::string_view text, const ImportSource& source,
                                   const ImportSyntax& syntax, TextPlace start) {
    return Lexer(text, source, syntax, start).run();
}

bool AttributeTypes::say(const std::string& key, core::ValueType type) {
    using core::ValueType;
    ValueType& known = types_.try_emplace(key, ValueType::Null).first->second;
    const auto is_number = [](ValueType each) {
        return each == ValueType::Int64 || each == ValueType::Double;
    };
    if (type == ValueType::Null || known == type) return true;
    const bool widens = is_number(known) && is_number(type);
    if (known != ValueType::Null && !widens) return false;
    known = widens ? ValueType::Double : type;
    return true;
}

std::string AttributeTypes::resolve() {
    for (bool changed = true; changed;) {
        changed = false;
        for (const auto& [a, b] : links_) {
            const core::ValueType first = types_.at(a);
            const core::ValueType second = types_.at(b);
            if (!say(a, second) || !say(b, first)) return a;
            changed |= types_.at(a) != first || types_.at(b) != second;
        }
    }
    return {};
}

std::map<std::string, core::ValueType> AttributeTypes::of(std::string_view prefix) const {
    std::map<std::string, core::ValueType> found;
    for (const auto& [key, type] : types_) {
        if (key.starts_with(prefix))
            found.emplace(key.substr(prefix.size()),
                          type == core::ValueType::Null ? core::ValueType::Text : type);
    }
    return found;
}

void AttributeTypes::note_guesses(std::string_view prefix, std::vector<std::string>& notes) const {
    for (const auto& [key, type] : types_) {
        if (type == core::ValueType::Null && key.starts_with(prefix))
            notes.push_back("nothing says of which type `" + key + "` is: it is declared as text");
    }
}

ImportedNames names_for(const std::set<std::string>& originals, const std::set<std::string>& reserved) {
    ImportedNames names;
    std::set<std::string> taken = reserved;
    for (const std::string& original : originals) {
        if (fits(original) && taken.insert(original).second) names.emplace(original, original);
    }
    for (const std::string& original : originals) {
        if (names.contains(original)) continue;
        std::string stem;
        for (const char c : original.substr(0, kMaxNameBytes)) {
            const bool is_capital = c >= 'A' && c <= 'Z';
            const char lower = is_capital ? static_cast<char>(c - 'A' + 'a') : c;
            const bool is_plain = (lower >= 'a' && lower <= 'z') || is_digit(lower);
            if (is_plain || stem.empty() || stem.back() != '_') stem += is_plain ? lower : '_';
        }
        if (stem.empty()) stem = "_";
        std::string name = stem;
        for (int number = 2; !taken.insert(name).second; ++number) name = stem + "_" + std::to_string(number);
        names.emplace(original, std::move(name));
    }
    return names;
}

void require_policy(const PolicyDocument& document, const ImportSource& source) {
    try {
        const Policy policy(document);
    } catch (const core::ValidationError& error) {
        source.refuse({}, error.code(), std::string("it makes no policy: ") + error.what());
    }
}

std::string to_json(const ImportedPolicy& imported) {
    using Json = nlohmann::ordered_json;
    Json root = {{"document", Json::parse(to_json(imported.document))},
                 {"assignments", imported.assignments},
                 {"other_role", imported.other_role},
                 {"roles", imported.roles},
                 {"resources", imported.resources},
                 {"actions", imported.actions},
                 {"principal_attributes", imported.principal_attributes},
                 {"context_attributes", imported.context_attributes},
                 {"object_resource", imported.object_resource},
                 {"notes", imported.notes}};
    return root.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace consilia::access
