// Writes the text form of expressions: what the parser reads back as the same tree.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/uuid.hpp"
#include "core/expression_words.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

void print_quoted(std::string& out, std::string_view text, char quote) {
    out += quote;
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    out += quote;
}

void print_double(std::string& out, double number) {
    if (!std::isfinite(number)) {
        throw InvalidArgument("expression.no_text", "a number that is not finite has no text form");
    }
    std::array<char, 40> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    const std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
    out += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void print_value(std::string& out, const Value& value) {
    switch (value.type()) {
        case ValueType::Null:
            out += "null";
            return;
        case ValueType::Bool:
            out += value.as<bool>() ? "true" : "false";
            return;
        case ValueType::Int64:
            out += std::to_string(value.as<std::int64_t>());
            return;
        case ValueType::Double:
            print_double(out, value.as<double>());
            return;
        case ValueType::Text:
            print_quoted(out, value.as<std::string>(), '\'');
            return;
        case ValueType::Date:
            out += "date '" + to_iso8601(value.as<Date>()) + "'";
            return;
        case ValueType::Timestamp:
            out += "timestamp '" + to_iso8601(value.as<Timestamp>()) + "'";
            return;
        case ValueType::Uuid:
            out += "uuid '" + to_string(value.as<Uuid>()) + "'";
            return;
        case ValueType::Blob:
        case ValueType::Json:
            break;
    }
    throw InvalidArgument("expression.no_text",
                          "a `" + std::string(to_string(value.type())) + "` value has no text form");
}

void print_field(std::string& out, std::string_view path) {
    while (!path.empty()) {
        const std::size_t dot = path.find('.');
        const std::string_view part = path.substr(0, dot);
        if (is_reserved_word(part)) {
            print_quoted(out, part, '"');
        } else {
            out += part;
        }
        if (dot == std::string_view::npos) return;
        out += '.';
        path.remove_prefix(dot + 1);
    }
}

void print(std::string& out, const Expression& expression);

/// An operand: in parentheses unless it is one word, or ends by itself.
void print_operand(std::string& out, const Expression& operand) {
    const OperatorKind kind = info_of(operand.op()).kind;
    if (operand.operands().empty() || kind == OperatorKind::Function || kind == OperatorKind::Aggregate ||
        operand.op() == Operator::Case) {
        print(out, operand);
        return;
    }
    out += '(';
    print(out, operand);
    out += ')';
}

void print_joined(std::string& out, std::span<const Expression> operands, std::string_view separator) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (i != 0) out += separator;
        print_operand(out, operands[i]);
    }
}

void print_list(std::string& out, std::span<const Expression> operands) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (i != 0) out += ", ";
        print(out, operands[i]);
    }
}

void print_case(std::string& out, std::span<const Expression> operands) {
    out += "case";
    std::size_t i = 0;
    for (; i + 1 < operands.size(); i += 2) {
        out += " when ";
        print(out, operands[i]);
        out += " then ";
        print(out, operands[i + 1]);
    }
    if (i < operands.size()) {
        out += " else ";
        print(out, operands[i]);
    }
    out += " end";
}

void print_over(std::string& out, std::span<const Expression> operands) {
    print(out, operands[0]);
    out += " over (";
    const auto first_order = std::find_if(
        operands.begin() + 1, operands.end(),
        [](const Expression& operand) { return info_of(operand.op()).kind == OperatorKind::Part; });
    const auto partitions = static_cast<std::size_t>(first_order - operands.begin());
    if (partitions > 1) {
        out += "partition by ";
        print_list(out, operands.subspan(1, partitions - 1));
    }
    if (partitions < operands.size()) {
        out += partitions > 1 ? " order by " : "order by ";
        print_list(out, operands.subspan(partitions));
    }
    out += ')';
}

void print_call(std::string& out, const Expression& expression) {
    const Operator op = expression.op();
    out += info_of(op).text;
    out += '(';
    if (op == Operator::CountDistinct) out += "distinct ";
    if (op == Operator::Count && expression.operands().empty()) out += '*';
    print_list(out, expression.operands());
    out += ')';
}

void print(std::string& out, const Expression& expression) {
    const auto operands = expression.operands();
    switch (expression.op()) {
        case Operator::Literal:
            print_value(out, expression.value());
            return;
        case Operator::Parameter:
            out += ':' + expression.name();
            return;
        case Operator::Field:
            print_field(out, expression.name());
            return;
        case Operator::Not:
            out += "not ";
            print_operand(out, operands[0]);
            return;
        case Operator::IsNull:
        case Operator::IsNotNull:
            print_operand(out, operands[0]);
            out += expression.op() == Operator::IsNull ? " is null" : " is not null";
            return;
        case Operator::In:
            print_operand(out, operands[0]);
            out += " in (";
            print_joined(out, operands.subspan(1), ", ");
            out += ')';
            return;
        case Operator::Between:
            print_operand(out, operands[0]);
            out += " between ";
            print_joined(out, operands.subspan(1), " and ");
            return;
        case Operator::Negate:  // `-5` would be a literal.
            out += "-(";
            print(out, operands[0]);
            out += ')';
            return;
        case Operator::Case:
            print_case(out, operands);
            return;
        case Operator::Filter:
            print(out, operands[0]);
            out += " filter (where ";
            print(out, operands[1]);
            out += ')';
            return;
        case Operator::Over:
            print_over(out, operands);
            return;
        case Operator::Ascending:
        case Operator::Descending:
            print(out, operands[0]);
            if (expression.op() == Operator::Descending) out += " desc";
            return;
        default:
            break;
    }
    const OperatorInfo& info = info_of(expression.op());
    switch (info.kind) {
        case OperatorKind::Leaf:
            throw InvalidArgument("expression.no_text", "a subquery has no text form");
        case OperatorKind::Function:
        case OperatorKind::Aggregate:
        case OperatorKind::Window:
            print_call(out, expression);
            return;
        default:
            print_joined(out, operands, ' ' + std::string(info.text) + ' ');
    }
}

}  // namespace

std::string to_text(const Expression& expression) {
    std::string out;
    print(out, expression);
    return out;
}

}  // namespace consilia::core
