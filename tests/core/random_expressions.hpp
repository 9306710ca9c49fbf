#pragma once
// Random conditions that are well-typed over the columns of one table, for property tests.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
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

/// Columns: i, j (int64), d (double), t, u (text), b (bool), y (date), s (timestamp); each may be null.
class RandomExpressions {
public:
    explicit RandomExpressions(std::uint64_t from) : engine_(from) {}

    core::Expression condition(int depth) {
        if (depth == 0 || chance(0.25)) return leaf();
        switch (below(3)) {
            case 0:
                return core::Expression::make(core::Operator::And, some(depth));
            case 1:
                return core::Expression::make(core::Operator::Or, some(depth));
            default:
                return core::Expression::make(core::Operator::Not, {condition(depth - 1)});
        }
    }

    core::Value value(char kind) {
        if (chance(0.15)) return {};
        switch (kind) {
            case 'i':
                return kIntegers[below(kIntegers.size())];
            case 'd':
                return kDoubles[below(kDoubles.size())];
            case 't':
                return std::string(kTexts[below(kTexts.size())]);
            case 'b':
                return chance(0.5);
            case 'y':
                return core::Date{static_cast<std::int32_t>(below(5)) * 7000 - 10000};
            default:
                return core::Timestamp{static_cast<std::int64_t>(below(5)) * 999'999'999'999 - 1'000'000};
        }
    }

    bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(engine_) < p; }
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }

    inline static const std::array<std::pair<const char*, char>, 8> kColumns{
        {{"i", 'i'}, {"j", 'i'}, {"d", 'd'}, {"t", 't'}, {"u", 't'}, {"b", 'b'}, {"y", 'y'}, {"s", 's'}}};

private:
    inline static const std::array<std::int64_t, 9> kIntegers{
        0, 1, -1, 7, 1LL << 53, (1LL << 53) + 1, INT64_MAX, INT64_MIN, INT64_MAX - 1};
    inline static const std::array<double, 8> kDoubles{
        0.0, 1.0, -1.5, 9007199254740992.0, 9223372036854775807.0, -9223372036854775808.0, 1e300, 0.1};
    inline static const std::array<std::string_view, 17> kTexts{"",
                                                                "a",
                                                                "A",
                                                                "ab",
                                                                "a_b",
                                                                "100%",
                                                                "it's",
                                                                "\"; drop table x; --",
                                                                "\\",
                                                                "é",
                                                                "e\u0301",
                                                                "日本語",
                                                                "a\\_b",
                                                                "Z",
                                                                std::string_view("a\0b", 3),
                                                                "/* -- */",
                                                                "\xF0\x9F\x98\x80"};
    inline static const std::array<const char*, 12> kPatterns{"%",  "a%",  "%b",   "_",  "__",  "a\\_b",
                                                              "A%", "%'%", "%\\%", "é%", "%語", ""};

    std::vector<core::Expression> some(int depth) {
        std::vector<core::Expression> operands;
        for (std::size_t n = 2 + below(2); n > 0; --n) operands.push_back(condition(depth - 1));
        return operands;
    }

    core::Expression operand(char kind) {
        if (kind == 'b' && chance(0.2)) return condition(1);
        if ((kind == 'i' || kind == 'd') && chance(0.25)) kind = kind == 'i' ? 'd' : 'i';
        if (chance(0.4)) return core::Expression::literal(value(kind));
        std::vector<const char*> fitting;
        for (const auto& [name, of] : kColumns) {
            if (of == kind) fitting.push_back(name);
        }
        return core::Expression::field(fitting[below(fitting.size())]);
    }

    core::Expression leaf() {
        const char kind = kColumns[below(kColumns.size())].second;
        switch (below(8)) {
            case 0:
                return core::Expression::make(core::Operator::IsNull, {operand(kind)});
            case 1:
                return core::Expression::make(core::Operator::IsNotNull, {operand(kind)});
            case 2:
                return core::Expression::make(core::Operator::Between,
                                              {operand(kind), operand(kind), operand(kind)});
            case 3: {
                std::vector<core::Expression> operands{operand(kind)};
                for (std::size_t n = below(4); n > 0; --n) operands.push_back(operand(kind));
                return core::Expression::make(core::Operator::In, std::move(operands));
            }
            case 4:
                return core::Expression::make(
                    core::Operator::Like,
                    {operand('t'), core::Expression::literal(kPatterns[below(kPatterns.size())])});
            case 5:
                return core::Expression::field("b");
            default: {
                static constexpr std::array kOperators{core::Operator::Equal,   core::Operator::NotEqual,
                                                       core::Operator::Less,    core::Operator::LessEqual,
                                                       core::Operator::Greater, core::Operator::GreaterEqual};
                return core::Expression::make(kOperators[below(kOperators.size())],
                                              {operand(kind), operand(kind)});
            }
        }
    }

    std::mt19937_64 engine_;
};

}  // namespace consilia::test
