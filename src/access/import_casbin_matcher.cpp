// Casbin's matchers: read, with a row's values put in, and turned into alternatives.
#include <algorithm>
#include <map>
#include <optional>

#include "access/import_casbin_operand.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;
using core::Term;
using core::Value;
using core::ValueType;

constexpr std::size_t kMaxClauses = 1'000;
constexpr int kMaxDepth = 40;

using Clauses = std::vector<CasbinClause>;

// Reads a matcher and makes its clauses at once. A negation is carried down to what it negates.
class Matcher {
public:
    Matcher(const CasbinModel& model, const CasbinRow& row, CasbinUses& uses, const ImportSource& source,
            std::string_view text, TextPlace place, int depth)
        : model_(model),
          row_(row),
          uses_(uses),
          reader_(tokens_of(text, source, {.quotes = "\"'"}, place), source),
          operands_(model, row, uses, reader_),
          depth_(depth) {}

    Clauses read() {
        Clauses clauses = any(false);
        if (!reader_.is_at_end()) reader_.refuse(reader_.peek(), "wanted an operator or the end");
        return clauses;
    }
    Clauses read_negated() {
        Clauses clauses = any(true);
        if (!reader_.is_at_end()) reader_.refuse(reader_.peek(), "wanted an operator or the end");
        return clauses;
    }

private:
    Clauses any(bool is_negated) {
        if (++depth_ > kMaxDepth) reader_.refuse(reader_.peek(), "it is nested too deeply");
        Clauses clauses = all(is_negated);
        while (reader_.take_if("||"))
            clauses = is_negated ? both(clauses, all(true)) : either(clauses, all(false));
        --depth_;
        return clauses;
    }
    Clauses all(bool is_negated) {
        Clauses clauses = one(is_negated);
        while (reader_.take_if("&&"))
            clauses = is_negated ? either(clauses, one(true)) : both(clauses, one(false));
        return clauses;
    }
    Clauses one(bool is_negated) {
        if (reader_.peek().is("!")) {
            reader_.take();
            const bool is_call = reader_.peek(1).is("(");
            if (!reader_.peek().is("(") && !is_call)
                reader_.refuse(reader_.peek(), "what `!` negates must stand in parentheses");
            Clauses clauses = one(!is_negated);
            if (is_comparison(reader_.peek()))
                reader_.refuse(reader_.peek(), "what `!` negates must stand in parentheses");
            return clauses;
        }
        if (reader_.take_if("(")) {
            Clauses clauses = any(is_negated);
            reader_.want(")");
            return clauses;
        }
        if (reader_.peek(1).is("(")) return call(is_negated);
        return comparison(is_negated);
    }

    static Clauses nothing() { return {}; }
    static Clauses everything() { return {CasbinClause{}}; }
    static Clauses constant(bool truth) { return truth ? everything() : nothing(); }

    Clauses either(Clauses a, const Clauses& b) {
        a.insert(a.end(), b.begin(), b.end());
        if (a.size() > kMaxClauses)
            reader_.refuse(reader_.peek(), "the matcher has more than 1000 alternatives");
        return a;
    }
    Clauses both(const Clauses& a, const Clauses& b) {
        Clauses joined;
        if (a.size() * b.size() > kMaxClauses)
            reader_.refuse(reader_.peek(), "the matcher has more than 1000 alternatives");
        for (const CasbinClause& first : a) {
            for (const CasbinClause& second : b) {
                if (std::optional<CasbinClause> clause = both(first, second))
                    joined.push_back(*std::move(clause));
            }
        }
        return joined;
    }
    // Empty: they exclude each other.
    std::optional<CasbinClause> both(CasbinClause a, const CasbinClause& b) {
        const auto join = [](bool& has, std::string& name, bool has_other, const std::string& other) {
            if (has && has_other) return name == other;
            if (has_other) name = other;
            has |= has_other;
            return true;
        };
        if (a.has_role && b.has_role && a.role != b.role)
            reader_.refuse(reader_.peek(), "a rule is for one role: two at once have no counterpart");
        static_cast<void>(join(a.has_role, a.role, b.has_role, b.role));
        if (!join(a.has_object, a.object, b.has_object, b.object)) return std::nullopt;
        if (!join(a.has_action, a.action, b.has_action, b.action)) return std::nullopt;
        a.condition = a.condition && b.condition;
        return a;
    }

    Clauses call(bool is_negated) {
        const ImportToken name = reader_.take();
        reader_.want("(");
        if (name.text == "eval") return inlined(is_negated);
        const CasbinOperand first = operands_.read();
        reader_.want(",");
        const CasbinOperand second = operands_.read();
        reader_.want(")");
        if (name.text == "g" && model_.has_roles) return membership(name, first, second, is_negated);
        if (name.text == "keyMatch") return key_match(name, first, second, is_negated);
        reader_.refuse(name, "this function is not carried over");
    }

    Clauses membership(const ImportToken& name, const CasbinOperand& subject, const CasbinOperand& role,
                       bool is_negated) {
        const std::string* text = role.value.if_as<std::string>();
        if (subject.kind != CasbinOperand::Kind::Subject || text == nullptr)
            reader_.refuse(name, "only `g(r.sub, role)` is carried over");
        if (is_negated) reader_.refuse(name, "not to have a role has no counterpart");
        CasbinClause clause;
        clause.has_role = true;
        clause.role = *text;
        return {clause};
    }

    // keyMatch(key, pattern): the part before `*` is the beginning of the key; what follows `*` is ignored.
    Clauses key_match(const ImportToken& name, const CasbinOperand& key, const CasbinOperand& pattern,
                      bool is_negated) {
        const std::string* text = pattern.value.if_as<std::string>();
        if (text == nullptr) reader_.refuse(name, "the pattern must be a text or come from `p`");
        const std::size_t star = text->find('*');
        if (star == std::string::npos) return compare(key, Operator::Equal, pattern, is_negated);
        if (star == 0) return constant(!is_negated);
        if (key.kind != CasbinOperand::Kind::Object)
            reader_.refuse(name, "only of `r.obj` is a beginning carried over");
        uses_.has_object_name = uses_.needs_object_field = true;
        const Expression begins = core::starts_with(core::field("name"), Value(text->substr(0, star)));
        return conditional(is_negated ? !begins : begins);
    }

    // The value of a row as a matcher of its own.
    Clauses inlined(bool is_negated) {
        const CasbinOperand rule = operands_.read();
        reader_.want(")");
        const std::string* text = rule.value.if_as<std::string>();
        if (text == nullptr) reader_.refuse(rule.token, "`eval` takes a part of `p`");
        static const ImportSource kPolicy{"import.casbin", "policy"};
        Matcher inner(model_, row_, uses_, kPolicy, *text, {row_.line, 1}, depth_ + 1);
        return is_negated ? inner.read_negated() : inner.read();
    }

    static Clauses conditional(Expression condition) {
        CasbinClause clause;
        clause.condition = std::move(condition);
        return {clause};
    }

    static bool is_comparison(const ImportToken& token) {
        for (const char* symbol : {"==", "!=", "<", "<=", ">", ">=", "in"}) {
            if (token.is(symbol)) return true;
        }
        return false;
    }

    Clauses comparison(bool is_negated) {
        const CasbinOperand left = operands_.read();
        const ImportToken symbol = reader_.peek();
        if (!is_comparison(symbol)) return truth(left, is_negated);
        reader_.take();
        if (symbol.is("in")) return among(left, is_negated);
        static const std::map<std::string, Operator> kOperators{
            {"==", Operator::Equal},     {"!=", Operator::NotEqual}, {"<", Operator::Less},
            {"<=", Operator::LessEqual}, {">", Operator::Greater},   {">=", Operator::GreaterEqual}};
        const CasbinOperand right = operands_.read();
        if (is_comparison(reader_.peek()))
            reader_.refuse(reader_.peek(), "comparisons in a row are not carried over");
        return compare(left, kOperators.at(symbol.text), right, is_negated);
    }

    Clauses among(const CasbinOperand& left, bool is_negated) {
        reader_.want("(");
        Clauses clauses = constant(is_negated);
        bool first = true;
        do {
            if (reader_.peek().is(")")) break;
            const CasbinOperand item = operands_.read();
            if (item.kind != CasbinOperand::Kind::Constant)
                reader_.refuse(item.token, "`in` takes a list of constants");
            const Clauses each = compare(left, Operator::Equal, item, is_negated);
            clauses = is_negated ? both(clauses, each) : either(clauses, each);
            // There ("a") is the text "a", of which `in` looks for a part.
            if (!reader_.peek().is(",") && first)
                reader_.refuse(item.token, "`in` takes a list: two or more");
            first = false;
        } while (reader_.take_if(","));
        reader_.want(")");
        return clauses;
    }

    Clauses truth(const CasbinOperand& operand, bool is_negated) {
        if (const bool* constant_truth = operand.value.if_as<bool>())
            return constant(*constant_truth != is_negated);
        if (!operand.is_attribute()) reader_.refuse(operand.token, "it is no truth value");
        say_type(operand, ValueType::Bool);
        const Expression condition = term(operand).expression();
        return conditional(is_negated ? !condition : condition);
    }

    Clauses compare(const CasbinOperand& left, Operator op, const CasbinOperand& right, bool is_negated) {
        if (is_negated) op = opposite(op);
        if (left.kind == CasbinOperand::Kind::Constant && right.kind == CasbinOperand::Kind::Constant) {
            try {
                const Expression made =
                    Expression::make(op, {Expression::literal(left.value), Expression::literal(right.value)});
                return constant(core::matches(made, {}));
            } catch (const core::InvalidArgument&) {
                reader_.refuse(right.token, "these cannot be compared");
            }
        }
        if (left.kind == CasbinOperand::Kind::Constant) return compare(right, mirrored(op), left, false);
        const std::string* text = right.value.if_as<std::string>();
        const bool is_named = text != nullptr && op == Operator::Equal;
        CasbinClause clause;
        switch (left.kind) {
            case CasbinOperand::Kind::Subject:
                if (text != nullptr) uses_.subjects.insert(*text);
                if (!is_named || model_.has_roles) break;
                clause.has_role = true;
                clause.role = *text;
                return {clause};
            case CasbinOperand::Kind::Object:
                uses_.needs_object_field |= !is_named;
                if (!is_named) break;
                clause.has_object = true;
                clause.object = *text;
                return {clause};
            case CasbinOperand::Kind::Action:
                if (!is_named) reader_.refuse(left.token, "only `r.act == action` is carried over");
                clause.has_action = true;
                clause.action = *text;
                return {clause};
            default:
                break;
        }
        if (right.kind == CasbinOperand::Kind::Action)
            reader_.refuse(right.token, "only `r.act == action` is carried over");
        if (right.kind == CasbinOperand::Kind::Object) uses_.needs_object_field = true;
        say_type(left, type_of(right));
        say_type(right, type_of(left));
        if (left.is_attribute() && right.is_attribute()) uses_.types.link(left.key(), right.key());
        return conditional(Expression::make(op, {term(left).expression(), term(right).expression()}));
    }

    // Names are text; of attributes only the other side may say what they are.
    static ValueType type_of(const CasbinOperand& operand) {
        if (operand.kind == CasbinOperand::Kind::Constant) return operand.value.type();
        return operand.is_attribute() ? ValueType::Null : ValueType::Text;
    }

    static Term term(const CasbinOperand& operand) {
        switch (operand.kind) {
            case CasbinOperand::Kind::Constant:
                return Term(operand.value);
            case CasbinOperand::Kind::Subject:
                return core::parameter("principal_id");
            case CasbinOperand::Kind::Object:
                return core::field("name");
            case CasbinOperand::Kind::SubjectAttribute:
                return core::parameter("principal_" + operand.name);
            default:
                return core::field(operand.name);
        }
    }

    void say_type(const CasbinOperand& operand, ValueType type) {
        if (operand.is_attribute() && !uses_.types.say(operand.key(), type))
            reader_.refuse(operand.token, "it is compared with values of different types");
    }

    const CasbinModel& model_;
    const CasbinRow& row_;
    CasbinUses& uses_;
    TokenReader reader_;
    CasbinOperands operands_;
    int depth_;
};

}  // namespace

Clauses clauses_of(const CasbinModel& model, const CasbinRow& row, CasbinUses& uses) {
    static const ImportSource kModel{"import.casbin", "model"};
    return Matcher(model, row, uses, kModel, model.matcher, model.matcher_place, 0).read();
}

}  // namespace consilia::access
