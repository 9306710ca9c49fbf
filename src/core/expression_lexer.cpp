#include "core/expression_lexer.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "core/expression_words.hpp"

namespace consilia::core {
namespace {

bool is_word_start(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// What stands at the place of an error, fit for one line.
std::string shown(std::string_view found) {
    constexpr std::size_t kShownBytes = 40;
    std::string text = to_valid_utf8(truncated(found, kShownBytes));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return text;
}

}  // namespace

void throw_syntax(std::size_t offset, const std::string& wanted, std::string_view found) {
    const std::string text = shown(found);
    throw InvalidArgument(
        "expression.syntax",
        "expected " + wanted + " at byte " + std::to_string(offset) + ", found " +
            (text.empty() ? std::string("the end") : "`" + text + "`"),
        {{"offset", static_cast<std::int64_t>(offset)}, {"expected", wanted}, {"found", text}});
}

Token Lexer::take() {
    Token taken = std::move(token_);
    advance();
    return taken;
}

bool Lexer::is_before_parenthesis() const noexcept {
    std::size_t next = at_;
    while (next < text_.size() && is_space(text_[next])) ++next;
    return next < text_.size() && text_[next] == '(';
}

bool Lexer::is_keyword(std::string_view keyword) const {
    return token_.kind == TokenKind::Word && to_lower_ascii(token_.text) == keyword;
}

bool Lexer::take_keyword(std::string_view keyword) {
    if (!is_keyword(keyword)) return false;
    advance();
    return true;
}

bool Lexer::take_symbol(std::string_view symbol) {
    if (token_.kind != TokenKind::Symbol || token_.text != symbol) return false;
    advance();
    return true;
}

void Lexer::expect_symbol(std::string_view symbol) {
    if (!take_symbol(symbol)) fail("`" + std::string(symbol) + "`");
}

void Lexer::expect_keyword(std::string_view keyword) {
    if (!take_keyword(keyword)) fail("`" + std::string(keyword) + "`");
}

void Lexer::fail(const std::string& wanted) const {
    throw_syntax(token_.offset, wanted, text_.substr(std::min(token_.offset, text_.size())));
}

template <class Accept>
void Lexer::read_while(TokenKind kind, Accept accept) {
    const std::size_t start = at_;
    while (at_ < text_.size() && accept(text_[at_])) ++at_;
    token_.kind = kind;
    token_.text = text_.substr(start, at_ - start);
}

void Lexer::advance() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    token_ = {TokenKind::End, {}, at_};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    if (is_word_start(c)) {
        read_while(TokenKind::Word, [](char x) { return is_word_start(x) || is_digit(x); });
    } else if (c == '\'') {
        read_quoted(TokenKind::Text, '\'', "a closing `'`");
    } else if (c == '"') {
        read_quoted(TokenKind::QuotedWord, '"', "a closing `\"`");
    } else if (is_digit(c)) {
        read_number();
    } else if (c == ':') {
        ++at_;
        if (at_ == text_.size() || !is_word_start(text_[at_])) {
            throw_syntax(at_, "the name of a parameter", text_.substr(at_));
        }
        read_while(TokenKind::Parameter, [](char x) { return is_word_start(x) || is_digit(x); });
    } else {
        read_symbol();
    }
}

void Lexer::read_quoted(TokenKind kind, char quote, const char* wanted) {
    token_.kind = kind;
    for (++at_; at_ < text_.size(); ++at_) {
        if (text_[at_] == quote) {
            ++at_;
            if (at_ == text_.size() || text_[at_] != quote) return;
        }
        token_.text += text_[at_];
    }
    throw_syntax(at_, wanted, {});
}

void Lexer::read_number() {
    const std::size_t start = at_++;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        const bool sign_of_exponent =
            (c == '-' || c == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
        if (!is_digit(c) && c != '.' && !is_word_start(c) && !sign_of_exponent) break;
        ++at_;
    }
    token_.kind = TokenKind::Number;
    token_.text = text_.substr(start, at_ - start);
}

void Lexer::read_symbol() {
    static constexpr std::array<std::string_view, 17> kSymbols{
        "<=", ">=", "<>", "!=", "||", "=", "<", ">", "(", ")", ",", ".", "+", "-", "*", "/", "%"};
    // `==` is a slip that deserves its own words.
    if (text_.substr(at_, 2) == "==") throw_syntax(at_, "`=` for equality", "==");
    for (const std::string_view symbol : kSymbols) {
        if (text_.substr(at_, symbol.size()) == symbol) {
            token_.kind = TokenKind::Symbol;
            token_.text = symbol;
            at_ += symbol.size();
            return;
        }
    }
    throw_syntax(at_, "a value, a field or an operator", text_.substr(at_, 1));
}

}  // namespace consilia::core
