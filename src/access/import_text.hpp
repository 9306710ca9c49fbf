#pragma once
// What the readers of other engines' policies share: tokens with their places, and names.
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/access/policy_import.hpp"

namespace consilia::access {

/// A place in a text, from 1.
struct TextPlace {
    std::size_t line = 1;
    std::size_t column = 1;
};

/// Which text of which engine is read, for errors.
struct ImportSource {
    std::string code;  ///< `import.casbin`
    std::string name;  ///< `model`; empty: there is one text only.

    /// Refuses a construct. @throws ValidationError always.
    [[noreturn]] void refuse(TextPlace place, std::string_view construct, std::string_view why) const;
};

struct ImportToken {
    enum class Kind { End, Name, Text, Integer, Real, Symbol };

    Kind kind = Kind::End;
    std::string text;  ///< Of a text: unquoted.
    std::string raw;   ///< Of a text: between its quotes, as written.
    TextPlace place;

    [[nodiscard]] bool is(std::string_view symbol) const noexcept {
        return (kind == Kind::Symbol || kind == Kind::Name) && text == symbol;
    }
};

struct ImportSyntax {
    std::string_view quotes = "\"";                  ///< Characters that a text may be quoted with.
    bool has_comments = false;                       ///< `//` to the end of the line.
    std::string_view doubles = "&& || == != <= >=";  ///< Symbols of two characters.
};

/// The last token is the end. @throws ValidationError.
std::vector<ImportToken> tokens_of(std::string_view text, const ImportSource& source,
                                   const ImportSyntax& syntax, TextPlace start = {});

/// Reads tokens one after the other. Threading: confined.
class TokenReader {
public:
    TokenReader(std::vector<ImportToken> tokens, const ImportSource& source)
        : tokens_(std::move(tokens)), source_(source) {}

    [[nodiscard]] const ImportToken& peek(std::size_t ahead = 0) const noexcept {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }
    const ImportToken& take() noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
    bool take_if(std::string_view symbol) {
        if (!peek().is(symbol)) return false;
        take();
        return true;
    }
    void want(std::string_view symbol) {
        if (!take_if(symbol)) refuse(peek(), "wanted `" + std::string(symbol) + "`");
    }
    [[nodiscard]] bool is_at_end() const noexcept { return peek().kind == ImportToken::Kind::End; }
    [[noreturn]] void refuse(const ImportToken& token, std::string_view why) const {
        source_.refuse(token.place, token.kind == ImportToken::Kind::End ? "the end" : token.text, why);
    }

private:
    std::vector<ImportToken> tokens_;
    const ImportSource& source_;
    std::size_t at_ = 0;
};

/// The types of attributes, from what they are compared with. Keys are `principal.age`, `context.hour`,
/// `resource.level`.
class AttributeTypes {
public:
    /// False if it was said to be of a type that cannot be compared with this one.
    bool say(const std::string& key, core::ValueType type);
    /// Compared with each other: of one type.
    void link(const std::string& a, const std::string& b) {
        say(a, core::ValueType::Null);
        say(b, core::ValueType::Null);
        links_.emplace_back(a, b);
    }
    /// Carries types over links. Gives a key of two types; empty: there is none.
    std::string resolve();
    /// By the rest of the keys with this prefix; text where nothing says it.
    [[nodiscard]] std::map<std::string, core::ValueType> of(std::string_view prefix) const;
    /// Notes on those whose type nothing says.
    void note_guesses(std::string_view prefix, std::vector<std::string>& notes) const;

private:
    std::map<std::string, core::ValueType> types_;  // Null: not known yet.
    std::vector<std::pair<std::string, std::string>> links_;
};

/// Names for these, none of which is reserved; see `ImportedNames`.
ImportedNames names_for(const std::set<std::string>& originals, const std::set<std::string>& reserved = {});

/// Fails where the document does not make a policy: what was read has no meaning here.
void require_policy(const PolicyDocument& document, const ImportSource& source);

}  // namespace consilia::access
