#include "consilia/core/sql.hpp"

#include <algorithm>
#include <cmath>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

/// Entries of SQLite's parser stack (100 in all until 3.46) that one expression may take; the statement
/// around it needs the rest.
constexpr std::size_t kStackMax = 72;
/// Operands in one run of AND or OR; longer ones become a tree, because SQLite bounds the depth of a run too.
constexpr std::size_t kRunMax = 16;
constexpr std::size_t kPatternBytesMax = 50'000;  ///< SQLite's limit for LIKE.

std::string_view sql_of(Operator op, bool negated) noexcept {
    switch (op) {
        case Operator::Equal:
            return negated ? " <> " : " = ";
        case Operator::NotEqual:
            return negated ? " = " : " <> ";
        case Operator::Less:
            return negated ? " >= " : " < ";
        case Operator::LessEqual:
            return negated ? " > " : " <= ";
        case Operator::Greater:
            return negated ? " <= " : " > ";
        case Operator::GreaterEqual:
            return negated ? " < " : " >= ";
        case Operator::IsNull:
            return negated ? " IS NOT NULL" : " IS NULL";
        case Operator::IsNotNull:
            return negated ? " IS NULL" : " IS NOT NULL";
        case Operator::In:
            return negated ? " NOT IN (" : " IN (";
        case Operator::Between:
            return negated ? " NOT BETWEEN " : " BETWEEN ";
        case Operator::Like:
            return negated ? " NOT LIKE " : " LIKE ";
        default:
            return "";
    }
}

/// Writes conditions with every NOT pushed down to the comparisons: in three-valued logic De Morgan's laws
/// hold and each comparison has its opposite, while `NOT` hides an index from the planner and fills the
/// parser's stack.
class Compiler {
public:
    Compiler(const SqlOptions& options, const Parameters& parameters)
        : options_(options), parameters_(parameters) {}

    SqlFragment compile(const Expression& expression) {
        condition(expression, false);
        return std::move(fragment_);
    }

private:
    std::string& text() noexcept { return fragment_.text; }

    /// Entries of the parser's stack that are taken while a part is written.
    class Stacked {
    public:
        Stacked(Compiler& compiler, std::size_t entries) : compiler_(compiler), entries_(entries) {
            if (compiler.stack_ + entries > kStackMax) {
                throw InvalidArgument("expression.too_deep",
                                      "the expression is nested too deeply for a database",
                                      {{"limit", static_cast<std::int64_t>(kStackMax)}});
            }
            compiler.stack_ += entries;
        }
        ~Stacked() { compiler_.stack_ -= entries_; }
        Stacked(const Stacked&) = delete;
        Stacked& operator=(const Stacked&) = delete;

    private:
        Compiler& compiler_;
        std::size_t entries_;
    };

    /// Where SQL wants a truth value: a bare field is compared with it, which an index can serve.
    void condition(const Expression& expression, bool negated) {
        switch (expression.op()) {
            case Operator::Literal:
                truth(expression.value(), negated);
                return;
            case Operator::Parameter:
                truth(parameter(expression.name()), negated);
                return;
            case Operator::Field:
                text() += options_.column(expression.name());
                text() += " = ";
                value(Value(!negated));
                return;
            case Operator::Not:
                condition(expression.operands()[0], !negated);
                return;
            case Operator::And:
                junction(expression, negated ? " OR " : " AND ", negated);
                return;
            case Operator::Or:
                junction(expression, negated ? " AND " : " OR ", negated);
                return;
            default:
                break;
        }
        const Stacked parenthesis(*this, 1);
        text() += '(';
        predicate(expression, negated);
        text() += ')';
    }

    void truth(const Value& given, bool negated) {
        if (given.is_null()) {
            value(given);
        } else if (const bool* known = given.if_as<bool>()) {
            value(Value(*known != negated));
        } else {
            throw InvalidArgument(
                "expression.type",
                "a condition is `" + std::string(to_string(given.type())) + "`, wanted `bool`",
                {{"found", to_string(given.type())}});
        }
    }

    /// The deepest operand comes first where depth matters: there it takes one entry of the parser's stack,
    /// elsewhere three. Order means nothing to AND and OR.
    void junction(const Expression& expression, std::string_view separator, bool negated) {
        std::vector<const Expression*> operands;
        operands.reserve(expression.operands().size());
        for (const Expression& operand : expression.operands()) operands.push_back(&operand);
        const auto deepest =
            std::max_element(operands.begin(), operands.end(),
                             [](const auto* a, const auto* b) { return a->depth() < b->depth(); });
        const std::size_t entries_in_order = stack_ + 3 * expression.depth();
        if (entries_in_order > kStackMax / 2) std::rotate(operands.begin(), deepest, deepest + 1);
        run(operands, separator, negated);
    }

    void run(std::span<const Expression* const> operands, std::string_view separator, bool negated) {
        const Stacked parenthesis(*this, 1);
        text() += '(';
        if (operands.size() > kRunMax) {
            const std::size_t half = operands.size() / 2;
            run(operands.first(half), separator, negated);
            text() += separator;
            const Stacked behind(*this, 2);
            run(operands.subspan(half), separator, negated);
        } else {
            for (std::size_t i = 0; i < operands.size(); ++i) {
                if (i != 0) text() += separator;
                const Stacked behind(*this, i == 0 ? 0 : 2);
                condition(*operands[i], negated);
            }
        }
        text() += ')';
    }

    void predicate(const Expression& expression, bool negated) {
        const auto operands = expression.operands();
        const std::string_view sql = sql_of(expression.op(), negated);
        switch (expression.op()) {
            case Operator::IsNull:
            case Operator::IsNotNull:
                operand(operands[0], 0);
                text() += sql;
                return;
            case Operator::In:
                membership(operands, sql, negated);
                return;
            case Operator::Between:
                operand(operands[0], 0);
                text() += sql;
                operand(operands[1], 2);
                text() += " AND ";
                operand(operands[2], 4);
                return;
            case Operator::Like:
                operand(operands[0], 0);
                text() += sql;
                pattern(operands[1]);
                text() += R"( ESCAPE '\')";
                return;
            default:
                operand(operands[0], 0);
                text() += sql;
                operand(operands[1], 2);
                return;
        }
    }

    /// Where SQL wants a value; `before` entries of the parser's stack stand before it.
    void operand(const Expression& expression, std::size_t before) {
        const Stacked behind(*this, before);
        switch (expression.op()) {
            case Operator::Literal:
                value(expression.value());
                return;
            case Operator::Parameter:
                value(parameter(expression.name()));
                return;
            case Operator::Field:
                text() += options_.column(expression.name());
                return;
            default:
                break;
        }
        const Stacked parenthesis(*this, 1);
        text() += '(';
        condition(expression, false);
        text() += ')';
    }

    void pattern(const Expression& expression) {
        const Value* known = expression.op() == Operator::Literal     ? &expression.value()
                             : expression.op() == Operator::Parameter ? &parameter(expression.name())
                                                                      : nullptr;
        const std::string* like = known == nullptr ? nullptr : known->if_as<std::string>();
        if (like != nullptr && like->size() > kPatternBytesMax) {
            throw InvalidArgument("expression.pattern_too_long", "the pattern of `like` is too long",
                                  {{"limit_bytes", static_cast<std::int64_t>(kPatternBytesMax)}});
        }
        operand(expression, 2);
    }

    void membership(std::span<const Expression> operands, std::string_view sql, bool negated) {
        if (operands.size() == 1) {  // SQL has no empty list; nothing is in it, not even null.
            value(Value(negated));
            return;
        }
        operand(operands[0], 0);
        text() += sql;
        for (std::size_t i = 1; i < operands.size(); ++i) {
            if (i != 1) text() += ", ";
            operand(operands[i], 5);
        }
        text() += ')';
    }

    const Value& parameter(const std::string& name) const {
        const auto found = parameters_.find(name);
        if (found == parameters_.end()) {
            throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                                  {{"parameter", name}});
        }
        return found->second;
    }

    /// Null and truth values are part of the text, so that the planner sees them (partial indexes need it);
    /// all else is bound. Not a number is null, as SQLite binds it and the evaluator reads it.
    void value(const Value& value) {
        const bool is_sqlite = options_.dialect == SqlDialect::Sqlite;
        const double* number = value.if_as<double>();
        if (value.is_null() || (number != nullptr && std::isnan(*number))) {
            text() += "NULL";
        } else if (const bool* truth = value.if_as<bool>()) {
            text() += is_sqlite ? (*truth ? "1" : "0") : (*truth ? "TRUE" : "FALSE");
        } else {
            fragment_.bindings.push_back(value);
            text() += is_sqlite
                          ? "?"
                          : "$" + std::to_string(options_.first_placeholder + fragment_.bindings.size() - 1);
        }
    }

    const SqlOptions& options_;
    const Parameters& parameters_;
    SqlFragment fragment_;
    std::size_t stack_ = 0;
};

}  // namespace

SqlFragment compile_sql(const Expression& expression, const SqlOptions& options,
                        const Parameters& parameters) {
    return Compiler(options, parameters).compile(expression);
}

std::string quote_identifier(std::string_view name) {
    if (name.empty() || name.find('\0') != std::string_view::npos) {
        throw InvalidArgument("sql.identifier", "an identifier must not be empty or hold a zero byte");
    }
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    quoted += '"';
    return quoted;
}

}  // namespace consilia::core
