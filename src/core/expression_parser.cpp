// Reads the text form of expressions: a recursive-descent parser.
#include <algorithm>
#include <array>
#include <charconv>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/uuid.hpp"
#include "core/expression_lexer.hpp"
#include "core/expression_words.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

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
        Expression left = parse_value();
        static constexpr std::array<std::pair<std::string_view, Operator>, 7> kComparisons{
            {{"=", Operator::Equal},
             {"<>", Operator::NotEqual},
             {"!=", Operator::NotEqual},
             {"<=", Operator::LessEqual},
             {">=", Operator::GreaterEqual},
             {"<", Operator::Less},
             {">", Operator::Greater}}};
        for (const auto& [symbol, op] : kComparisons) {
            if (lexer_.take_symbol(symbol)) return Expression::make(op, {std::move(left), parse_value()});
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
                operands.push_back(parse_value());
            } while (lexer_.take_symbol(","));
            lexer_.expect_symbol(")");
            return Expression::make(Operator::In, std::move(operands));
        }
        if (lexer_.take_keyword("between")) {
            Expression low = parse_value();
            lexer_.expect_keyword("and");
            return Expression::make(Operator::Between, {std::move(left), std::move(low), parse_value()});
        }
        if (lexer_.take_keyword("like"))
            return Expression::make(Operator::Like, {std::move(left), parse_value()});
        return left;
    }

    Expression parse_value() { return parse_texts(); }

    Expression parse_texts() {
        std::vector<Expression> operands{parse_sum()};
        while (lexer_.take_symbol("||")) operands.push_back(parse_sum());
        return operands.size() == 1 ? operands.front()
                                    : Expression::make(Operator::Concat, std::move(operands));
    }

    Expression parse_sum() {
        Expression left = parse_product();
        while (true) {
            if (lexer_.take_symbol("+")) {
                left = Expression::make(Operator::Add, {left, parse_product()});
            } else if (lexer_.take_symbol("-")) {
                left = Expression::make(Operator::Subtract, {left, parse_product()});
            } else {
                return left;
            }
        }
    }

    Expression parse_product() {
        Expression left = parse_signed();
        while (true) {
            if (lexer_.take_symbol("*")) {
                left = Expression::make(Operator::Multiply, {left, parse_signed()});
            } else if (lexer_.take_symbol("/")) {
                left = Expression::make(Operator::Divide, {left, parse_signed()});
            } else if (lexer_.take_symbol("%")) {
                left = Expression::make(Operator::Modulo, {left, parse_signed()});
            } else {
                return left;
            }
        }
    }

    /// A minus before a number belongs to it: only so can the least int64 be written.
    Expression parse_signed() {
        std::size_t count = 0;
        std::size_t offset = 0;
        while (lexer_.peek().kind == TokenKind::Symbol && lexer_.peek().text == "-") {
            offset = lexer_.take().offset;
            ++count;
        }
        const bool is_literal = count > 0 && lexer_.peek().kind == TokenKind::Number;
        Expression result = is_literal ? parse_number("-", offset) : parse_primary();
        for (std::size_t i = is_literal ? 1 : 0; i < count; ++i) {
            result = Expression::make(Operator::Negate, {std::move(result)});
        }
        return result;
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
                return parse_number("", lexer_.peek().offset);
            case TokenKind::Parameter:
                return Expression::parameter(lexer_.take().text);
            case TokenKind::Word:
            case TokenKind::QuotedWord:
                return parse_word();
            default:
                lexer_.fail("a value, a field or `(`");
        }
    }

    Expression parse_number(std::string_view sign, std::size_t offset) {
        Token token = lexer_.take();
        token.text.insert(0, sign);
        token.offset = offset;
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
            if (lexer_.take_keyword("case")) return parse_case();
            if (lexer_.is_before_parenthesis() && !is_reserved_word(lexer_.peek().text)) return parse_call();
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

    Expression parse_case() {
        const Nesting nesting(depth_);
        std::vector<Expression> operands;
        lexer_.expect_keyword("when");
        do {
            operands.push_back(parse_or());
            lexer_.expect_keyword("then");
            operands.push_back(parse_or());
        } while (lexer_.take_keyword("when"));
        if (lexer_.take_keyword("else")) operands.push_back(parse_or());
        lexer_.expect_keyword("end");
        return Expression::make(Operator::Case, std::move(operands));
    }

    Expression parse_call() {
        const Nesting nesting(depth_);
        const Token name = lexer_.take();
        const OperatorInfo* function = find_function(to_lower_ascii(name.text));
        if (function == nullptr) throw_syntax(name.offset, "a function", name.text);
        lexer_.expect_symbol("(");
        Operator op = function->op;
        std::vector<Expression> operands;
        if (op == Operator::Count && lexer_.take_symbol("*")) {
            lexer_.expect_symbol(")");
        } else {
            if (op == Operator::Count && lexer_.take_keyword("distinct")) op = Operator::CountDistinct;
            if (function->operands_max != 0) operands = parse_list();
            lexer_.expect_symbol(")");
        }
        Expression call = Expression::make(op, std::move(operands));
        if (function->kind != OperatorKind::Aggregate && function->kind != OperatorKind::Window) return call;
        return parse_rows(std::move(call));
    }

    std::vector<Expression> parse_list() {
        std::vector<Expression> operands;
        do {
            operands.push_back(parse_or());
        } while (lexer_.take_symbol(","));
        return operands;
    }

    /// `filter (where …)` and `over (…)` behind a function of rows.
    Expression parse_rows(Expression call) {
        if (lexer_.take_keyword("filter")) {
            lexer_.expect_symbol("(");
            lexer_.expect_keyword("where");
            call = Expression::make(Operator::Filter, {call, parse_or()});
            lexer_.expect_symbol(")");
        }
        if (!lexer_.take_keyword("over")) return call;
        std::vector<Expression> operands{std::move(call)};
        lexer_.expect_symbol("(");
        if (lexer_.take_keyword("partition")) {
            lexer_.expect_keyword("by");
            for (Expression& operand : parse_list()) operands.push_back(std::move(operand));
        }
        if (lexer_.take_keyword("order")) {
            lexer_.expect_keyword("by");
            do {
                Expression key = parse_or();
                const bool is_descending = lexer_.take_keyword("desc");
                if (!is_descending) (void)lexer_.take_keyword("asc");
                operands.push_back(Expression::make(
                    is_descending ? Operator::Descending : Operator::Ascending, {std::move(key)}));
            } while (lexer_.take_symbol(","));
        }
        lexer_.expect_symbol(")");
        return Expression::make(Operator::Over, std::move(operands));
    }

    static const OperatorInfo* find_function(std::string_view name) noexcept {
        const auto found = std::find_if(kOperators.begin(), kOperators.end(), [&](const OperatorInfo& info) {
            const bool is_call = info.kind == OperatorKind::Function ||
                                 info.kind == OperatorKind::Aggregate || info.kind == OperatorKind::Window;
            return is_call && info.text == name;
        });
        return found == kOperators.end() ? nullptr : &*found;
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
