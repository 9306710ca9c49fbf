#pragma once
// Cuts the text form of expressions into tokens.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace consilia::core {

enum class TokenKind : std::uint8_t { End, Word, QuotedWord, Text, Number, Parameter, Symbol };

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;  ///< Without quotes; of a word as written.
    std::size_t offset = 0;
};

/// @throws InvalidArgument (`expression.syntax`) always.
[[noreturn]] void throw_syntax(std::size_t offset, const std::string& wanted, std::string_view found);

/// One token ahead of the parser. @throws InvalidArgument (`expression.syntax`) for what is no token.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) { advance(); }

    [[nodiscard]] const Token& peek() const noexcept { return token_; }
    Token take();
    /// Whether the byte after the token opens a parenthesis: a word before it is a function.
    [[nodiscard]] bool is_before_parenthesis() const noexcept;

    [[nodiscard]] bool is_keyword(std::string_view keyword) const;
    bool take_keyword(std::string_view keyword);
    bool take_symbol(std::string_view symbol);
    void expect_symbol(std::string_view symbol);
    void expect_keyword(std::string_view keyword);
    [[noreturn]] void fail(const std::string& wanted) const;

private:
    void advance();
    template <class Accept>
    void read_while(TokenKind kind, Accept accept);
    void read_quoted(TokenKind kind, char quote, const char* wanted);
    void read_number();
    void read_symbol();

    std::string_view text_;
    std::size_t at_ = 0;
    Token token_;
};

}  // namespace consilia::core
