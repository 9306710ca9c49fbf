// Values in SQL: literals, names and functions.
#include <cmath>

#include "consilia/core/error.hpp"
#include "core/operators.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {
namespace {

constexpr std::size_t entries_of_argument(std::size_t index) noexcept {
    return index == 0 ? 3 : 5;
}

}  // namespace

SqlCompiler::SqlCompiler(const SqlOptions* options, const Parameters& parameters,
                         std::vector<Value>& bindings)
    : options_(options), parameters_(parameters), bindings_(bindings), bindings_before_(bindings.size()) {
    if (options == nullptr) return;
    types_ = {options->type, options->outer_type};
    stack_ = options->parser_entries;
}

SqlCompiler::Stacked::Stacked(SqlCompiler& compiler, std::size_t entries)
    : compiler_(compiler), entries_(entries) {
    if (compiler.stack_ + entries > kMax) {
        throw InvalidArgument("expression.too_deep", "the expression is nested too deeply for a database",
                              {{"limit", static_cast<std::int64_t>(kMax)}});
    }
    compiler.stack_ += entries;
}

const Value& SqlCompiler::parameter(const std::string& name) const {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) {
        throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                              {{"parameter", name}});
    }
    return found->second;
}

const Value* SqlCompiler::known_value(const Expression& expression) const {
    if (expression.op() == Operator::Literal) return &expression.value();
    return expression.op() == Operator::Parameter ? &parameter(expression.name()) : nullptr;
}

ValueType SqlCompiler::needed_type_of(const Expression& expression) const {
    if (!options_->type && !field_paths(expression).empty()) {
        throw InvalidArgument("expression.type", "the type of a field is not known");
    }
    return type_of(expression);
}

/// Null and truth values are part of the text, so that the planner sees them (partial indexes need it);
/// all else is bound. Not a number is null, as SQLite binds it and the evaluator reads it.
void SqlCompiler::value(const Value& value, ValueType wanted, bool is_cast) {
    const double* number = value.if_as<double>();
    if (value.is_null() || (number != nullptr && std::isnan(*number))) {
        put("NULL");
        if (is_postgres() && wanted != ValueType::Null) put({"::", postgres_name(wanted)});
    } else if (const bool* truth = value.if_as<bool>()) {
        if (is_postgres()) {
            put(*truth ? "TRUE" : "FALSE");
        } else {
            put(*truth ? "1" : "0");
        }
    } else {
        if (is_postgres()) {
            put({"$", std::to_string(next_placeholder())});
            if (is_cast) put({"::", postgres_name(value.type())});
        } else {
            put("?");
        }
        bindings_.push_back(value);
    }
}

void SqlCompiler::beside(const Expression& column, const Expression& expression, std::size_t entries,
                         ValueType wanted) {
    const Value* known = known_value(expression);
    const bool is_column = column.op() == Operator::Field || column.op() == Operator::Outer;
    if (known == nullptr || !is_column) return operand(expression, entries, wanted);
    const Stacked behind(*this, entries);
    value(*known, wanted, false);
}

void SqlCompiler::operand(const Expression& expression, std::size_t entries, ValueType wanted) {
    const Stacked behind(*this, entries);
    switch (expression.op()) {
        case Operator::Literal:
        case Operator::Parameter:
            value(*known_value(expression), wanted);
            return;
        case Operator::Field:
            if (options_ != nullptr) put(options_->column(expression.name()));
            return;
        case Operator::Outer:
            if (options_ == nullptr) return;
            if (!options_->outer_column) {
                throw InvalidArgument("expression.outer", "`outer` stands in no subquery");
            }
            put(options_->outer_column(expression.name()));
            return;
        case Operator::ScalarSubquery:
            subquery(expression, false);
            return;
        case Operator::Filter:
            aggregate(expression.operands()[0], &expression.operands()[1], nullptr);
            return;
        case Operator::Over:
            window(expression);
            return;
        default:
            break;
    }
    switch (info_of(expression.op()).kind) {
        case OperatorKind::Aggregate:
            aggregate(expression, nullptr, nullptr);
            return;
        case OperatorKind::Window:
        case OperatorKind::Part:
            throw InvalidArgument("expression.window", "a window function needs its `over`");
        case OperatorKind::Arithmetic:
        case OperatorKind::Function:
            function(expression, wanted);
            return;
        default:
            break;
    }
    if (expression.op() == Operator::Concat || expression.op() == Operator::Case) {
        function(expression, wanted);
        return;
    }
    const Stacked parenthesis(*this, 1);
    put("(");
    condition(expression, false);
    put(")");
}

void SqlCompiler::function(const Expression& expression, ValueType wanted) {
    const Operator op = expression.op();
    const Stacked parenthesis(*this, 1);
    if (!is_postgres()) {
        if (op == Operator::Case) {
            case_when(expression.operands(), wanted);
        } else {
            call_sqlite(expression);
        }
        return;
    }
    const ValueType type = type_of(expression);
    if (type != ValueType::Null) {
        call_postgres(expression, type);
        return;
    }
    put("(");  // All of its values are null.
    call_postgres(expression, wanted);
    put(")");
    if (wanted != ValueType::Null) put({"::", postgres_name(wanted)});
}

void SqlCompiler::case_when(Operands operands, ValueType wanted) {
    put("(CASE");
    std::size_t i = 0;
    for (; i + 1 < operands.size(); i += 2) {
        put(" WHEN ");
        {
            const Stacked behind(*this, 5);
            condition(operands[i], false);
        }
        put(" THEN ");
        operand(operands[i + 1], 7, wanted);
    }
    if (i < operands.size()) {
        put(" ELSE ");
        operand(operands[i], 5, wanted);
    }
    put(" END)");
}

void SqlCompiler::listed(Operands operands, std::string_view separator) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (i != 0) put(separator);
        operand(operands[i], entries_of_argument(i));
    }
}

void SqlCompiler::call_sqlite(const Expression& expression) {
    switch (expression.op()) {
        case Operator::Concat:
            put("(");
            listed(expression.operands(), " || ");
            break;
        case Operator::Coalesce:
            put("coalesce(");
            listed(expression.operands(), ", ");
            break;
        case Operator::NullIf:
            put("nullif(");
            listed(expression.operands(), ", ");
            break;
        default:
            put({sqlite_function_name(expression.op()), "("});
            listed(expression.operands(), ", ");
    }
    put(")");
}

}  // namespace consilia::core
