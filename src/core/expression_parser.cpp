// Reads the text form of expressions: a recursive-descent parser.
#include <algorithm>
#include <array>
#include <charconv>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/text.hpp"
#include "consilia/core/uuid.hpp"
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

enum class TokenKind : std::uint8_t { End, Word, QuotedWord, Text, Number, Parameter, Symbol };

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;  ///< Without quotes; of a word as written.
    std::size_t offset = 0;
};

/// What stands at the place of an error, fit for one line.
std::string shown(std::string_view found) {
    constexpr std::size_t kShownBytes = 40;
    std::string text = to_valid_utf8(truncated(found, kShownBytes));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return text;
}

[[noreturn]] void throw_syntax(std::size_t offset, const std::string& wanted, std::string_view found) {
    const std::string text = shown(found);
    throw InvalidArgument(
        "expression.syntax",
        "expected " + wanted + " at byte " + std::to_string(offset) + ", found " +
            (text.empty() ? std::string("the end") : "`" + text + "`"),
        {{"offset", static_cast<std::int64_t>(offset)}, {"expected", wanted}, {"found", text}});
}

/// Cuts the text into tokens, one ahead of the parser.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) { advance(); }

    [[nodiscard]] const Token& peek() const noexcept { return token_; }

    Token take() {
        Token taken = std::move(token_);
        advance();
        return taken;
    }

    [[nodiscard]] bool is_keyword(std::string_view keyword) const {
        return token_.kind == TokenKind::Word && to_lower_ascii(token_.text) == keyword;
    }
    bool take_keyword(std::string_view keyword) {
        if (!is_keyword(keyword)) return false;
        advance();
        return true;
    }
    bool take_symbol(std::string_view symbol) {
        if (token_.kind != TokenKind::Symbol || token_.text != symbol) return false;
        advance();
        return true;
    }
    void expect_symbol(std::string_view symbol) {
        if (!take_symbol(symbol)) fail("`" + std::string(symbol) + "`");
    }
    void expect_keyword(std::string_view keyword) {
        if (!take_keyword(keyword)) fail("`" + std::string(keyword) + "`");
    }
    [[noreturn]] void fail(const std::string& wanted) const {
        throw_syntax(token_.offset, wanted, text_.substr(std::min(token_.offset, text_.size())));
    }

private:
    void advance() {
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
        } else if (is_digit(c) || (c == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
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

    template <class Accept>
    void read_while(TokenKind kind, Accept accept) {
        const std::size_t start = at_;
        while (at_ < text_.size() && accept(text_[at_])) ++at_;
        token_.kind = kind;
        token_.text = text_.substr(start, at_ - start);
    }

    void read_quoted(TokenKind kind, char quote, const char* wanted) {
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

    void read_number() {
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

    void read_symbol() {
        static constexpr std::array<std::string_view, 11> kSymbols{"<=", ">=", "<>", "!=", "=", "<",
                                                                   ">",  "(",  ")",  ",",  "."};
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

    std::string_view text_;
    std::size_t at_ = 0;
    Token token_;
};

class Parser {
public:
    explicit Parser(std::string_view text) : lexer_(text) {}

    Expression parse() {
        Expression result = parse_or();
        if (lexer_.peek().kind != TokenKind::End) lexer_.fail("an operator or the end");
        return result;
    }

private:
    /// Counts the nesting that recursion follows, so that hostile text cannot exhaust the stack.
    struct Nesting {
        explicit Nesting(std::size_t& depth) : depth_(depth) {
            if (++depth_ > Expression::kMaxDepth) {
                --depth_;
                throw InvalidArgument("expression.too_deep", "the expression is nested too deeply",
                                      {{"limit", static_cast<std::int64_t>(Expression::kMaxDepth)}});
            }
        }
        ~Nesting() { --depth_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        std::size_t& depth_;
    };

    Expression parse_or() { return parse_chain(Operator::Or, "or", &Parser::parse_and); }
    Expression parse_and() { return parse_chain(Operator::And, "and", &Parser::parse_not); }

    Expression parse_chain(Operator op, std::string_view keyword, Expression (Parser::*next)()) {
        std::vector<Expression> operands{(this->*next)()};
        while (lexer_.take_keyword(keyword)) operands.push_back((this->*next)());
        return operands.size() == 1 ? operands.front() : Expression::make(op, std::move(operands));
    }

    Expression parse_not() {
        if (!lexer_.take_keyword("not")) return parse_comparison();
        const Nesting nesting(depth_);
        return Expression::make(Operator::Not, {parse_not()});
    }

    Expression parse_comparison() {
        Expression left = parse_primary();
        static constexpr std::array<std::pair<std::string_view, Operator>, 7> kComparisons{
            {{"=", Operator::Equal},
             {"<>", Operator::NotEqual},
             {"!=", Operator::NotEqual},
             {"<=", Operator::LessEqual},
             {">=", Operator::GreaterEqual},
             {"<", Operator::Less},
             {">", Operator::Greater}}};
        for (const auto& [symbol, op] : kComparisons) {
            if (lexer_.take_symbol(symbol)) return Expression::make(op, {std::move(left), parse_primary()});
        }
        if (lexer_.take_keyword("is")) {
            const bool negated = lexer_.take_keyword("not");
            lexer_.expect_keyword("null");
            return Expression::make(negated ? Operator::IsNotNull : Operator::IsNull, {std::move(left)});
        }
        if (lexer_.take_keyword("not")) {
            if (!lexer_.is_keyword("in") && !lexer_.is_keyword("between") && !lexer_.is_keyword("like")) {
                lexer_.fail("`in`, `between` or `like`");
            }
            return Expression::make(Operator::Not, {parse_membership(std::move(left))});
        }
        return parse_membership(std::move(left));
    }

    Expression parse_membership(Expression left) {
        if (lexer_.take_keyword("in")) {
            std::vector<Expression> operands{std::move(left)};
            lexer_.expect_symbol("(");
            if (lexer_.take_symbol(")")) return Expression::make(Operator::In, std::move(operands));
            do {
                operands.push_back(parse_primary());
            } while (lexer_.take_symbol(","));
            lexer_.expect_symbol(")");
            return Expression::make(Operator::In, std::move(operands));
        }
        if (lexer_.take_keyword("between")) {
            Expression low = parse_primary();
            lexer_.expect_keyword("and");
            return Expression::make(Operator::Between, {std::move(left), std::move(low), parse_primary()});
        }
        if (lexer_.take_keyword("like"))
            return Expression::make(Operator::Like, {std::move(left), parse_primary()});
        return left;
    }

    Expression parse_primary() {
        if (lexer_.take_symbol("(")) {
            const Nesting nesting(depth_);
            Expression inner = parse_or();
            lexer_.expect_symbol(")");
            return inner;
        }
        switch (lexer_.peek().kind) {
            case TokenKind::Text:
                return Expression::literal(lexer_.take().text);
            case TokenKind::Number:
                return parse_number();
            case TokenKind::Parameter:
                return Expression::parameter(lexer_.take().text);
            case TokenKind::Word:
            case TokenKind::QuotedWord:
                return parse_word();
            default:
                lexer_.fail("a value, a field or `(`");
        }
    }

    Expression parse_number() {
        const Token token = lexer_.take();
        const char* const end = token.text.data() + token.text.size();
        const bool is_integer = token.text.find_first_not_of("-0123456789") == std::string::npos;
        if (is_integer) {
            std::int64_t number = 0;
            const auto [stop, error] = std::from_chars(token.text.data(), end, number);
            if (error == std::errc{} && stop == end) return Expression::literal(number);
            throw_syntax(token.offset, "an integer of 64 bits", token.text);
        }
        double number = 0;
        const auto [stop, error] = std::from_chars(token.text.data(), end, number);
        if (error != std::errc{} || stop != end) throw_syntax(token.offset, "a number", token.text);
        return Expression::literal(number);
    }

    Expression parse_word() {
        if (lexer_.peek().kind == TokenKind::Word) {
            if (lexer_.take_keyword("true")) return Expression::literal(true);
            if (lexer_.take_keyword("false")) return Expression::literal(false);
            if (lexer_.take_keyword("null")) return Expression::literal(Value());
            if (is_reserved_word(lexer_.peek().text)) lexer_.fail("a value, a field or `(`");
        }
        const Token first = lexer_.take();
        if (first.kind == TokenKind::Word && lexer_.peek().kind == TokenKind::Text) return parse_typed(first);
        std::string path = first.text;
        while (lexer_.take_symbol(".")) {
            if (lexer_.peek().kind != TokenKind::Word && lexer_.peek().kind != TokenKind::QuotedWord) {
                lexer_.fail("the name of a field");
            }
            path += '.';
            path += lexer_.take().text;
        }
        return Expression::field(std::move(path));
    }

    Expression parse_typed(const Token& type) {
        const std::string name = to_lower_ascii(type.text);
        const Token text = lexer_.take();
        try {
            if (name == "date") return Expression::literal(parse_date(text.text));
            if (name == "timestamp") return Expression::literal(parse_timestamp(text.text));
            if (name == "uuid") return Expression::literal(parse_uuid(text.text));
        } catch (const InvalidArgument&) {
            throw_syntax(text.offset, "a " + name, text.text);
        }
        throw_syntax(type.offset, "`date`, `timestamp` or `uuid` before a text", type.text);
    }

    Lexer lexer_;
    std::size_t depth_ = 0;
};

}  // namespace

Expression parse_expression(std::string_view text) {
    constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;
    if (text.size() > kTextBytesMax) {
        throw InvalidArgument("expression.too_long", "the text of the expression is too long",
                              {{"limit_bytes", static_cast<std::int64_t>(kTextBytesMax)}});
    }
    return Parser(text).parse();
}

}  // namespace consilia::core
