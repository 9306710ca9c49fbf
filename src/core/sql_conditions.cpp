// Conditions in SQL: logic, comparisons and tests.
#include <algorithm>
#include <array>
#include <cmath>

#include "consilia/core/error.hpp"
#include "consilia/core/subquery.hpp"
#include "core/calculate.hpp"
#include "core/compare.hpp"
#include "core/operators.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {
namespace {

/// Operands in one run of AND or OR; longer ones become a tree, because SQLite bounds the depth of a run too.
constexpr std::size_t kRunMax = 16;

/// Deeper junctions begin with their deepest operand.
constexpr std::size_t kDepthInOrder = 4;

/// Entries that a subquery takes up to its own condition.
constexpr std::size_t kSubqueryEntries = 12;

constexpr std::size_t kRepeatedBytesMax = std::size_t{1} << 20;

bool is_exact_integer(const Value* value) noexcept {
    const auto* integer = value == nullptr ? nullptr : value->if_as<std::int64_t>();
    return integer != nullptr && is_exact_double(*integer);
}

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
        case Operator::InSubquery:
            return negated ? " NOT IN (" : " IN (";
        case Operator::Between:
            return negated ? " NOT BETWEEN " : " BETWEEN ";
        case Operator::Like:
            return negated ? " NOT LIKE " : " LIKE ";
        default:
            return "";
    }
}

/// The comparison that says the same with its sides exchanged.
std::string_view mirrored(std::string_view sql) noexcept {
    if (sql == " < ") return " > ";
    if (sql == " <= ") return " >= ";
    if (sql == " > ") return " < ";
    if (sql == " >= ") return " <= ";
    return sql;
}

bool is_order(std::string_view sql) noexcept {
    return sql != " = " && sql != " <> ";
}

bool is_mixed(ValueType a, ValueType b) noexcept {
    return (a == ValueType::Int64 && b == ValueType::Double) ||
           (a == ValueType::Double && b == ValueType::Int64);
}

/// Whether a `\` that escapes nothing ends the pattern: it stands for itself, and is doubled for databases,
/// of which one refuses it and the other finds nothing.
bool ends_in_escape(std::string_view pattern) noexcept {
    const std::size_t last = pattern.find_last_not_of('\\');
    return (pattern.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
}

}  // namespace

void SqlCompiler::condition(const Expression& expression, bool negated) {
    switch (expression.op()) {
        case Operator::Literal:
            truth(expression.value(), negated);
            return;
        case Operator::Parameter:
            truth(parameter(expression.name()), negated);
            return;
        case Operator::Field:
        case Operator::Outer:
            operand(expression, 0);
            put(" = ");
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
    put("(");
    predicate(expression, negated);
    put(")");
}

void SqlCompiler::truth(const Value& given, bool negated) {
    if (given.is_null()) {
        value(given);
    } else if (const bool* known = given.if_as<bool>()) {
        value(Value(*known != negated));
    } else {
        throw InvalidArgument("expression.type",
                              "a condition is `" + std::string(to_string(given.type())) + "`, wanted `bool`",
                              {{"found", to_string(given.type())}});
    }
}

/// The deepest operand comes first where depth matters: there it takes one entry of the parser's stack,
/// elsewhere three. Order means nothing to AND and OR.
void SqlCompiler::junction(const Expression& expression, std::string_view separator, bool negated) {
    std::vector<const Expression*> operands;
    operands.reserve(expression.operands().size());
    for (const Expression& operand : expression.operands()) operands.push_back(&operand);
    if (expression.depth() > kDepthInOrder) {
        const auto deepest =
            std::max_element(operands.begin(), operands.end(),
                             [](const auto* a, const auto* b) { return a->depth() < b->depth(); });
        std::rotate(operands.begin(), deepest, deepest + 1);
    }
    run(operands, separator, negated);
}

void SqlCompiler::run(std::span<const Expression* const> operands, std::string_view separator, bool negated) {
    const Stacked parenthesis(*this, 1);
    put("(");
    if (operands.size() > kRunMax) {
        const std::size_t half = operands.size() / 2;
        run(operands.first(half), separator, negated);
        put(separator);
        const Stacked behind(*this, 2);
        run(operands.subspan(half), separator, negated);
    } else {
        for (std::size_t i = 0; i < operands.size(); ++i) {
            if (i != 0) put(separator);
            const Stacked behind(*this, i == 0 ? 0 : 2);
            condition(*operands[i], negated);
        }
    }
    put(")");
}

void SqlCompiler::predicate(const Expression& expression, bool negated) {
    const auto operands = expression.operands();
    switch (expression.op()) {
        case Operator::IsNull:
        case Operator::IsNotNull:
            operand(operands[0], 0);
            put(sql_of(expression.op(), negated));
            return;
        case Operator::In:
            membership(operands, negated);
            return;
        case Operator::Between:
            between(operands, negated);
            return;
        case Operator::Like:
            like(operands, negated);
            return;
        case Operator::Exists:
        case Operator::InSubquery:
            subquery(expression, negated);
            return;
        default:
            break;
    }
    if (info_of(expression.op()).kind == OperatorKind::Comparison) {
        comparison(expression, sql_of(expression.op(), negated));
        return;
    }
    if (options_ != nullptr) {
        if (const ValueType type = type_of(expression); type != ValueType::Null) truth_type(type);
    }
    operand(expression, 0, ValueType::Bool);
    put(" = ");
    value(Value(!negated));
}

void SqlCompiler::truth_type(ValueType type) {
    if (type == ValueType::Bool) return;
    throw InvalidArgument("expression.type",
                          "a condition is `" + std::string(to_string(type)) + "`, wanted `bool`",
                          {{"found", to_string(type)}});
}

void SqlCompiler::comparison(const Expression& expression, std::string_view sql) {
    const auto operands = expression.operands();
    if (!is_postgres()) {
        operand(operands[0], 0);
        put(sql);
        operand(operands[1], 2);
        return;
    }
    const ValueType left_type = type_of(operands[0]);
    const ValueType right_type = type_of(operands[1]);
    if (is_mixed(left_type, right_type)) {
        const std::string left = captured_operand(operands[0], left_type, 0);
        const std::string right = captured_operand(operands[1], right_type, 2);
        const Value* known = known_value(operands[left_type == ValueType::Int64 ? 0 : 1]);
        if (is_exact_integer(known)) {  // An index of the other side can serve.
            put({left, left_type == ValueType::Int64 ? "::float8" : "", sql, right});
            put(right_type == ValueType::Int64 ? "::float8" : "");
        } else {
            compared(left, left_type, sql, right, right_type);
        }
        return;
    }
    const bool is_text = left_type == ValueType::Text || right_type == ValueType::Text;
    // The equality of text is that of its bytes in every collation, unless two that differ meet.
    const bool is_plain = known_value(operands[0]) != nullptr || known_value(operands[1]) != nullptr;
    beside(operands[1], operands[0], 0, right_type);
    if (is_text && (is_order(sql) || !is_plain)) put(collation(ValueType::Text));
    put(sql);
    beside(operands[0], operands[1], 2, left_type);
}

/// PostgreSQL compares an integer with a double by rounding the integer. Exactly: let `high` be the integer
/// rounded towards zero to a multiple of 2048, which a double holds, and `low` the rest. Then `high - x` is
/// exact wherever it is not greater than `low` by far, and stands to `-low` as the integer to x.
void SqlCompiler::compared(std::string_view left, ValueType left_type, std::string_view sql,
                           std::string_view right, ValueType right_type) {
    if (!is_mixed(left_type, right_type)) {
        put({left, left_type == ValueType::Text && is_order(sql) ? collation(left_type) : "", sql, right});
        return;
    }
    if (left_type == ValueType::Double) {
        compared(right, right_type, mirrored(sql), left, left_type);
        return;
    }
    if (text_.size() + 2 * left.size() + right.size() > kRepeatedBytesMax) {
        throw InvalidArgument("expression.too_long", "the SQL of the expression is too long",
                              {{"limit_bytes", static_cast<std::int64_t>(kRepeatedBytesMax)}});
    }
    put({"((", left, " / 2048 * 2048)::float8 - ", right, ")", sql, "(- (", left, " % 2048))::float8"});
}

void SqlCompiler::between(Operands operands, bool negated) {
    if (!is_postgres()) {
        operand(operands[0], 0);
        put(sql_of(Operator::Between, negated));
        operand(operands[1], 2);
        put(" AND ");
        operand(operands[2], 4);
        return;
    }
    std::array<ValueType, 3> types{};
    ValueType common = ValueType::Null;
    for (std::size_t i = 0; i < 3; ++i) {
        types[i] = type_of(operands[i]);
        if (common == ValueType::Null) common = types[i];
    }
    if (is_mixed(types[0], types[1]) || is_mixed(types[0], types[2])) {
        const std::string value = captured_operand(operands[0], types[0], 0);
        const std::string low = captured_operand(operands[1], common, 2);
        const std::string high = captured_operand(operands[2], common, 4);
        compared(value, types[0], negated ? " < " : " >= ", low, types[1]);
        put(negated ? " OR " : " AND ");
        compared(value, types[0], negated ? " > " : " <= ", high, types[2]);
        return;
    }
    operand(operands[0], 0, common);
    put(collation(common));
    put(sql_of(Operator::Between, negated));
    beside(operands[0], operands[1], 2, common);
    put(" AND ");
    beside(operands[0], operands[2], 4, common);
}

void SqlCompiler::membership(Operands operands, bool negated) {
    if (operands.size() == 1) {  // SQL has no empty list; nothing is in it, not even null.
        value(Value(negated));
        return;
    }
    ValueType common = ValueType::Null;
    bool mixes = false;
    bool is_plain = true;
    if (is_postgres()) {
        const ValueType first = type_of(operands[0]);
        for (const Expression& each : operands) {
            const ValueType type = type_of(each);
            mixes |= is_mixed(first, type);
            if (common == ValueType::Null) common = type;
            if (&each != &operands[0]) is_plain &= known_value(each) != nullptr;
        }
    }
    if (mixes) {
        const ValueType first = type_of(operands[0]);
        const std::string value = captured_operand(operands[0], first, 0);
        for (std::size_t i = 1; i < operands.size(); ++i) {
            if (i != 1) put(negated ? " AND " : " OR ");
            const std::string candidate = captured_operand(operands[i], common, 5);
            compared(value, first, negated ? " <> " : " = ", candidate, type_of(operands[i]));
        }
        return;
    }
    operand(operands[0], 0, common);
    if (!is_plain) put(collation(common));
    put(sql_of(Operator::In, negated));
    for (std::size_t i = 1; i < operands.size(); ++i) {
        if (i != 1) put(", ");
        beside(operands[0], operands[i], 5, common);
    }
    put(")");
}

void SqlCompiler::like(Operands operands, bool negated) {
    const Value* known = known_value(operands[1]);
    const std::string* pattern = known == nullptr ? nullptr : known->if_as<std::string>();
    if (pattern != nullptr || (known != nullptr && known->is_null())) {
        check_pattern(*known);
        operand(operands[0], 0, ValueType::Text);
        put(sql_of(Operator::Like, negated));
        const Stacked behind(*this, 2);
        value(pattern != nullptr && ends_in_escape(*pattern) ? Value(*pattern + '\\') : *known,
              ValueType::Text, false);
        put(R"( ESCAPE '\')");
        return;
    }
    if (is_postgres()) {
        operand(operands[0], 0, ValueType::Text);
        put({collation(ValueType::Text), sql_of(Operator::Like, negated), "regexp_replace("});
        operand(operands[1], 5, ValueType::Text);
        put(R"(, '^((?:[^\\]|\\.)*)\\$', '\1\\\\') ESCAPE '\')");
        return;
    }
    put("consilia_like(");
    listed(operands, ", ");
    put(") = ");
    value(Value(!negated));
}

void SqlCompiler::subquery(const Expression& expression, bool negated) {
    const Subquery& query = *expression.subquery();
    const bool is_scalar = expression.op() == Operator::ScalarSubquery;
    switch (expression.op()) {
        case Operator::Exists:
            put(negated ? "NOT EXISTS (" : "EXISTS (");
            break;
        case Operator::InSubquery: {
            operand(expression.operands()[0], 0, query.type());
            put(sql_of(Operator::InSubquery, negated));
            break;
        }
        default:
            put("(");
    }
    const Stacked inside(*this, kSubqueryEntries);
    if (options_ == nullptr) {
        query.collect_bindings(parameters_, bindings_);
        return;
    }
    SubqueryContext context{.dialect = options_->dialect,
                            .parameters = &parameters_,
                            .first_placeholder = next_placeholder(),
                            .outer_column = options_->column,
                            .outer_type = options_->type,
                            .parser_entries = stack_,
                            .is_scalar = is_scalar};
    SqlFragment inner = query.compile(context);
    put(inner.text);
    put(")");
    bindings_.insert(bindings_.end(), std::move_iterator(inner.bindings.begin()),
                     std::move_iterator(inner.bindings.end()));
}

}  // namespace consilia::core
