#include "consilia/core/sql.hpp"

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

std::string_view sql_of(Operator op) noexcept {
    switch (op) {
        case Operator::And: return " AND ";
        case Operator::Or: return " OR ";
        case Operator::Equal: return " = ";
        case Operator::NotEqual: return " <> ";
        case Operator::Less: return " < ";
        case Operator::LessEqual: return " <= ";
        case Operator::Greater: return " > ";
        case Operator::GreaterEqual: return " >= ";
        default: return "";
    }
}

class Compiler {
public:
    Compiler(const SqlOptions& options, const Parameters& parameters) : options_(options), parameters_(parameters) {}

    SqlFragment compile(const Expression& expression) {
        condition(expression);
        return std::move(fragment_);
    }

private:
    std::string& text() noexcept { return fragment_.text; }

    /// An expression where SQL wants a truth value: a bare value is compared with true, which an index can serve.
    void condition(const Expression& expression) {
        const Operator op = expression.op();
        operand(expression);
        if (op == Operator::Field || op == Operator::Parameter) {
            text() += " = ";
            value(Value(true));
        }
    }

    void operand(const Expression& expression) {
        switch (expression.op()) {
            case Operator::Literal: value(expression.value()); return;
            case Operator::Parameter: value(parameter(expression.name())); return;
            case Operator::Field: text() += options_.column(expression.name()); return;
            default: break;
        }
        text() += '(';
        compound(expression);
        text() += ')';
    }

    void compound(const Expression& expression) {
        const auto operands = expression.operands();
        switch (expression.op()) {
            case Operator::And:
            case Operator::Or:
                for (std::size_t i = 0; i < operands.size(); ++i) {
                    if (i != 0) text() += sql_of(expression.op());
                    condition(operands[i]);
                }
                return;
            case Operator::Not: negation(operands[0]); return;
            case Operator::IsNull:
            case Operator::IsNotNull:
                operand(operands[0]);
                text() += expression.op() == Operator::IsNull ? " IS NULL" : " IS NOT NULL";
                return;
            case Operator::In: membership(operands); return;
            case Operator::Between:
                operand(operands[0]);
                text() += " BETWEEN ";
                operand(operands[1]);
                text() += " AND ";
                operand(operands[2]);
                return;
            case Operator::Like:
                operand(operands[0]);
                text() += " LIKE ";
                operand(operands[1]);
                text() += R"( ESCAPE '\')";
                return;
            default:
                operand(operands[0]);
                text() += sql_of(expression.op());
                operand(operands[1]);
                return;
        }
    }

    /// `NOT column` hides the index that `column = false` uses; both are unknown for null.
    void negation(const Expression& negated) {
        if (negated.op() == Operator::Field) {
            operand(negated);
            text() += " = ";
            value(Value(false));
            return;
        }
        text() += "NOT ";
        condition(negated);
    }

    void membership(std::span<const Expression> operands) {
        if (operands.size() == 1) {  // SQL has no empty list; nothing is in it, not even null.
            value(Value(false));
            return;
        }
        operand(operands[0]);
        text() += " IN (";
        for (std::size_t i = 1; i < operands.size(); ++i) {
            if (i != 1) text() += ", ";
            operand(operands[i]);
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

    /// Null and truth values are part of the text, so that the planner sees them (partial indexes need it); all else is
    /// bound.
    void value(const Value& value) {
        const bool is_sqlite = options_.dialect == SqlDialect::Sqlite;
        if (value.is_null()) {
            text() += "NULL";
        } else if (const bool* truth = value.if_as<bool>()) {
            text() += is_sqlite ? (*truth ? "1" : "0") : (*truth ? "TRUE" : "FALSE");
        } else {
            fragment_.bindings.push_back(value);
            text() += is_sqlite ? "?"
                                : "$" + std::to_string(options_.first_placeholder + fragment_.bindings.size() - 1);
        }
    }

    const SqlOptions& options_;
    const Parameters& parameters_;
    SqlFragment fragment_;
};

}  // namespace

SqlFragment compile_sql(const Expression& expression, const SqlOptions& options, const Parameters& parameters) {
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
