#include "consilia/core/sql.hpp"

#include "consilia/core/error.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {

SqlFragment compile_sql(const Expression& expression, const SqlOptions& options,
                        const Parameters& parameters) {
    SqlFragment fragment;
    SqlCompiler compiler(&options, parameters, fragment.bindings);
    compiler.condition(expression, false);
    fragment.text = std::move(compiler.text());
    return fragment;
}

SqlFragment compile_value_sql(const Expression& expression, const SqlOptions& options,
                              const Parameters& parameters) {
    SqlFragment fragment;
    SqlCompiler compiler(&options, parameters, fragment.bindings);
    if (expression.op() == Operator::Ascending || expression.op() == Operator::Descending) {
        compiler.order(expression);
    } else {
        compiler.operand(expression, 0);
    }
    fragment.text = std::move(compiler.text());
    return fragment;
}

void collect_bindings(const Expression& expression, const Parameters& parameters, std::vector<Value>& out) {
    SqlCompiler compiler(nullptr, parameters, out);
    if (expression.op() == Operator::Ascending || expression.op() == Operator::Descending) {
        compiler.order(expression);
    } else {
        compiler.operand(expression, 0);
    }
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
