#pragma once
// Random expressions that are well-typed over the columns of one table, for property tests.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/expression.hpp"

namespace consilia::test {

/// CONSILIA_SEED, or a fixed one: a failure prints it.
inline std::uint64_t seed() {
    const char* given = std::getenv("CONSILIA_SEED");
    return given == nullptr ? 20260101 : std::strtoull(given, nullptr, 10);
}

/// How many cases a property test runs: CONSILIA_PROPERTY_CASES, or `usual`.
inline int case_count(int usual) {
    const char* given = std::getenv("CONSILIA_PROPERTY_CASES");
    return given == nullptr ? usual : std::atoi(given);
}

/// Columns: i, j (int64), d, e (double), t, u (text), b (bool), y (date), s (timestamp), m (JSON); each may
/// be null. A kind is the first column of a type.
class RandomExpressions {
public:
    explicit RandomExpressions(std::uint64_t from) : engine_(from) {}

    struct Column {
        const char* name;
        char kind;
        core::ValueType type;
    };
    inline static const std::array<Column, 10> kColumns{{{"i", 'i', core::ValueType::Int64},
                                                         {"j", 'i', core::ValueType::Int64},
                                                         {"d", 'd', core::ValueType::Double},
                                                         {"e", 'd', core::ValueType::Double},
                                                         {"t", 't', core::ValueType::Text},
                                                         {"u", 't', core::ValueType::Text},
                                                         {"b", 'b', core::ValueType::Bool},
                                                         {"y", 'y', core::ValueType::Date},
                                                         {"s", 's', core::ValueType::Timestamp},
                                                         {"m", 'm', core::ValueType::Json}}};
    static core::ValueType type_of(std::string_view name) {
        for (const Column& column : kColumns) {
            if (column.name == name) return column.type;
        }
        return core::ValueType::Null;
    }

    /// PostgreSQL takes no zero byte in a text.
    bool has_zero_bytes = true;
    /// Timestamps outside the years 1 to 9999 have no text form.
    bool has_far_times = true;

    core::Expression condition(int depth) {
        if (depth <= 0 || chance(0.25)) return test(depth);
        switch (below(3)) {
            case 0:
                return core::Expression::make(core::Operator::And, some(depth));
            case 1:
                return core::Expression::make(core::Operator::Or, some(depth));
            default:
                return core::Expression::make(core::Operator::Not, {condition(depth - 1)});
        }
    }

    /// An expression of any type that can be compared.
    core::Expression any(int depth) {
        static constexpr std::string_view kKinds = "iiddttbys";
        return operand(kKinds[below(kKinds.size())], depth);
    }

    core::Value value(char kind) {
        if (chance(0.15)) return {};
        switch (kind) {
            case 'i':
                return kIntegers[below(kIntegers.size())];
            case 'd':
                return kDoubles[below(kDoubles.size())];
            case 't':
                return std::string(kTexts[below(kTexts.size() - (has_zero_bytes ? 0 : 1))]);
            case 'b':
                return chance(0.5);
            case 'y':
                return core::Date{kDays[below(kDays.size())]};
            case 'm':
                return core::Json{kDocuments[below(kDocuments.size())]};
            default:
                return core::Timestamp{kTimes[below(kTimes.size() - (has_far_times ? 0 : 2))]};
        }
    }

    bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(engine_) < p; }
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }

private:
    using Op = core::Operator;
    using Expression = core::Expression;

    inline static const std::array<std::int64_t, 15> kIntegers{0,
                                                               1,
                                                               -1,
                                                               2,
                                                               3,
                                                               7,
                                                               10,
                                                               -3,
                                                               86'400,
                                                               1LL << 53,
                                                               (1LL << 53) + 1,
                                                               (1LL << 53) + 2,
                                                               INT64_MAX,
                                                               INT64_MIN,
                                                               INT64_MAX - 1};
    inline static const std::array<double, 20> kDoubles{0.0,
                                                        1.0,
                                                        -1.5,
                                                        9007199254740992.0,
                                                        9223372036854775807.0,
                                                        -9223372036854775808.0,
                                                        1e300,
                                                        0.1,
                                                        0.5,
                                                        2.5,
                                                        -0.5,
                                                        9007199254740994.0,
                                                        5e-324,
                                                        1e-160,
                                                        1e150,
                                                        3e150,
                                                        -1e160,
                                                        1.7e308,
                                                        -2.0,
                                                        9223372036854774784.0};
    inline static const std::array<std::string_view, 20> kTexts{
        "",         "a",
        "A",        "ab",
        "a_b",      "100%",
        "it's",     "\"; drop table x; --",
        "\\",       "é",
        "e\u0301",  "日本語",
        "a\\_b",    "Z",
        "/* -- */", "\xF0\x9F\x98\x80",
        "  a b ",   "aab",
        "ÉA",       std::string_view("a\0b", 3)};  // The last one is left out where zero bytes are.
    inline static const std::array<const char*, 14> kPatterns{
        "%", "a%", "%b", "_", "__", "a\\_b", "A%", "%'%", "%\\%", "é%", "%語", "", "\\", "%\\\\"};
    inline static const std::array<std::int32_t, 10> kDays{-719'162, -10'000, -1,     0,         59,
                                                           11'016,   18'000,  20'484, 2'932'896, 789};
    inline static const std::array<std::int64_t, 9> kTimes{
        0,
        -1,
        999'999'999'999,
        1'767'225'599'999'999,
        951'782'400'000'001,
        -62'135'596'800'000'000,  // The start of the year 1.
        253'402'300'799'999'999,  // The end of the year 9999.
        -62'135'596'800'000'001,  // These two are left out where there are no far times.
        253'402'300'800'000'000};
    inline static const std::array<const char*, 12> kDocuments{
        R"({"a": "x", "n": 1.5, "b": true, "o": {"k": ["z", 2, false, null]}, "0": "zero"})",
        R"({"a": 12345678901234567890, "n": -0.0, "b": "true", "é": "u", "a\"b": "quoted", "'": "single"})",
        R"({"a": "first", "a": "last", "n": 1e400, "b": null})",
        R"({ "o" : [ [ ] , { "a" : "deep" } , "\u00e9\ud83d\ude00\n\"" ] , "n": 1e-400})",
        R"(["x", {"a": false}, 3, "}]{[", [["y"]]])",
        R"("alone")",
        "17",
        "null",
        "true",
        "[]",
        "{}",
        R"({"a b": 1, "$.a": "dollar", "a.b": "dot", "\u0061": "escaped key", "o": {"a": {"k": 4e2}}})"};
    inline static const std::array<const char*, 14> kKeys{
        "a", "n", "b", "o", "k", "0", "1", "a\"b", "'", "é", "$.a", "a.b", "'; drop table r; --", "[0]"};

    std::vector<Expression> some(int depth) {
        std::vector<Expression> operands;
        for (std::size_t n = 2 + below(2); n > 0; --n) operands.push_back(condition(depth - 1));
        return operands;
    }

    Expression leaf(char kind) {
        if (kind != 'm' && chance(0.4)) return Expression::literal(value(kind));
        std::vector<const char*> fitting;
        for (const Column& column : kColumns) {
            if (column.kind == kind) fitting.push_back(column.name);
        }
        return Expression::field(fitting[below(fitting.size())]);
    }

    template <class... Operands>
    static Expression made(Op op, Operands... operands) {
        return Expression::make(op, {std::move(operands)...});
    }

    /// A value of the kind: a leaf, or a function.
    Expression operand(char kind, int depth) {
        if (kind == 'm' || depth <= 0 || chance(0.3)) return leaf(kind);
        if (chance(0.2)) return of_any_type(kind, depth - 1);
        switch (kind) {
            case 'i':
                return integer(depth - 1);
            case 'd':
                return number(depth - 1);
            case 't':
                return text(depth - 1);
            case 'b':
                return condition(depth - 1);
            case 'y':
                return chance(0.4) ? made(Op::DateOf, operand('s', depth - 1))
                                   : made(Op::AddDays, operand('y', depth - 1), operand('i', depth - 1));
            default:
                return made(Op::AddSeconds, operand('s', depth - 1), operand('i', depth - 1));
        }
    }

    Expression of_any_type(char kind, int depth) {
        switch (below(4)) {
            case 0:
                return made(Op::NullIf, operand(kind, depth), operand(kind, depth));
            case 1:
                return made(Op::Coalesce, operand(kind, depth), operand(kind, depth));
            case 2: {
                std::vector<Expression> operands{condition(depth - 1), operand(kind, depth)};
                if (chance(0.3)) {
                    operands.push_back(condition(depth - 1));
                    operands.push_back(operand(kind, depth));
                }
                if (chance(0.7)) operands.push_back(operand(kind, depth));
                return Expression::make(Op::Case, std::move(operands));
            }
            default:
                return made(chance(0.5) ? Op::Least : Op::Greatest, operand(kind, depth),
                            operand(kind, depth), operand(kind, depth));
        }
    }

    Expression integer(int depth) {
        switch (below(8)) {
            case 0:
                return made(chance(0.5) ? Op::Negate : Op::Abs, operand('i', depth));
            case 1:
                return made(Op::Length, operand('t', depth));
            case 2: {
                const auto part = static_cast<Op>(static_cast<int>(Op::Year) + static_cast<int>(below(5)));
                return made(part, operand(chance(0.5) ? 'y' : 's', depth));
            }
            case 3: {
                const auto part = static_cast<Op>(static_cast<int>(Op::Hour) + static_cast<int>(below(3)));
                return made(part, operand('s', depth));
            }
            case 4:
                return made(Op::DaysBetween, operand('y', depth), operand('y', depth));
            default: {
                const auto op = static_cast<Op>(static_cast<int>(Op::Add) + static_cast<int>(below(5)));
                return made(op, operand('i', depth), operand('i', depth));
            }
        }
    }

    Expression number(int depth) {
        const char other = chance(0.3) ? 'i' : 'd';
        switch (below(7)) {
            case 0:
                return made(chance(0.5) ? Op::Negate : Op::Abs, operand('d', depth));
            case 1:
                return made(Op::SecondsBetween, operand('s', depth), operand('s', depth));
            case 2: {
                const auto op = static_cast<Op>(static_cast<int>(Op::Round) + static_cast<int>(below(3)));
                return made(op, operand(other, depth));
            }
            case 3:
                return in_json(Op::JsonNumber);
            default: {
                const auto op = static_cast<Op>(static_cast<int>(Op::Add) + static_cast<int>(below(4)));
                if (chance(0.5)) return made(op, operand('d', depth), operand(other, depth));
                return made(op, operand(other, depth), operand('d', depth));
            }
        }
    }

    Expression text(int depth) {
        switch (below(6)) {
            case 0:
                return made(Op::Concat, operand('t', depth), operand('t', depth));
            case 1:
                return made(chance(0.5) ? Op::Lower : Op::Upper, operand('t', depth));
            case 2:
                if (chance(0.3)) return made(Op::Substr, operand('t', depth), operand('i', depth));
                return made(Op::Substr, operand('t', depth), operand('i', depth), operand('i', depth));
            case 3:
                return made(Op::Trim, operand('t', depth));
            case 4:
                return made(Op::Replace, operand('t', depth), operand('t', depth), operand('t', depth));
            default:
                return in_json(Op::JsonText);
        }
    }

    Expression in_json(Op op) {
        std::vector<Expression> operands{leaf('m')};
        for (std::size_t n = 1 + below(3); n > 0; --n) {
            operands.push_back(Expression::literal(chance(0.7) ? core::Value(kKeys[below(kKeys.size())])
                                                               : core::Value(below(3))));
        }
        return Expression::make(op, std::move(operands));
    }

    Expression test(int depth) {
        static constexpr std::string_view kKinds = "iiddttbys";
        const char kind = kKinds[below(kKinds.size())];
        const auto any_of_kind = [&] {
            const bool is_number = kind == 'i' || kind == 'd';
            return operand(is_number && chance(0.25) ? (kind == 'i' ? 'd' : 'i') : kind, depth);
        };
        switch (below(11)) {
            case 0:
                return made(Op::IsNull, any_of_kind());
            case 1:
                return made(Op::IsNotNull, any_of_kind());
            case 2:
                return made(Op::Between, any_of_kind(), any_of_kind(), any_of_kind());
            case 3: {
                std::vector<Expression> operands{any_of_kind()};
                for (std::size_t n = below(4); n > 0; --n) operands.push_back(any_of_kind());
                return Expression::make(Op::In, std::move(operands));
            }
            case 4:
                if (chance(0.2)) return made(Op::Like, operand('t', depth), operand('t', depth));
                return made(Op::Like, operand('t', depth),
                            Expression::literal(kPatterns[below(kPatterns.size())]));
            case 5:
                return depth > 0 && chance(0.3) ? of_any_type('b', depth - 1) : Expression::field("b");
            case 6: {
                if (chance(0.3)) return in_json(Op::JsonBool);
                const auto op =
                    static_cast<Op>(static_cast<int>(Op::StartsWith) + static_cast<int>(below(3)));
                return made(op, operand('t', depth), operand('t', depth));
            }
            default: {
                static constexpr std::array kOperators{Op::Equal,     Op::NotEqual, Op::Less,
                                                       Op::LessEqual, Op::Greater,  Op::GreaterEqual};
                return made(kOperators[below(kOperators.size())], any_of_kind(), any_of_kind());
            }
        }
    }

    std::mt19937_64 engine_;
};

}  // namespace consilia::test
