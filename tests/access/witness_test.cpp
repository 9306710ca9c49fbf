// Every witness is confirmed by the evaluator; whether there is one is compared with trying all values of
// small domains.
#include "consilia/access/witness.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::access {
namespace {

using core::Expression;
using core::Operator;
using core::Value;
using core::ValueType;

const WitnessOptions kTyped{
    .fields = {{"n", ValueType::Int64},
               {"m", ValueType::Int64},
               {"r", ValueType::Double},
               {"s", ValueType::Text},
               {"t", ValueType::Text},
               {"b", ValueType::Bool},
               {"day", ValueType::Date},
               {"at", ValueType::Timestamp},
               {"id", ValueType::Uuid},
               {"doc", ValueType::Json}},
    .parameters = {{"p", ValueType::Int64}, {"today", ValueType::Date}},
};

core::FieldSource source_of(const core::Parameters& fields) {
    return [&fields](std::string_view path) {
        const auto found = fields.find(path);
        return found == fields.end() ? Value() : found->second;
    };
}

Witness find(std::string_view text, const WitnessOptions& options = kTyped) {
    const Expression condition = core::parse_expression(text);
    const Witness witness = find_witness(condition, options);
    if (witness.answer == WitnessAnswer::Found) {
        EXPECT_TRUE(core::matches(condition, source_of(witness.values.fields), witness.values.parameters))
            << text;
    }
    return witness;
}

WitnessAnswer answer(std::string_view text, const WitnessOptions& options = kTyped) {
    return find(text, options).answer;
}

TEST(Witness, FindsValuesAtAndBetweenLiterals) {
    for (const char* text : {"n = 3",
                             "n > 3",
                             "n < 3",
                             "n between 3 and 3",
                             "n > 3 and n < 5",
                             "r > 3 and r < 4",
                             "s = 'a'",
                             "s > 'a' and s < 'b'",
                             "s < 'a'",
                             "s > 'a' and s < 'aa'",
                             "day > date '2026-01-31' and day < date '2026-02-02'",
                             "at < timestamp '2026-01-31T12:00:00Z'",
                             "n = m and m = :p and n > 7",
                             "n < m and m < :p and n > 7 and :p < 11",
                             "n in (1, 2) and n <> 1",
                             "b",
                             "not b",
                             "b is null",
                             "n is null and m is not null",
                             "(n = 1) is null",
                             "not (n in (1, 2)) and n between 1 and 3",
                             "true",
                             "n > -9223372036854775807 and n < -9223372036854775805"})
        EXPECT_EQ(answer(text), WitnessAnswer::Found) << text;
}

TEST(Witness, ProvesThatThereIsNone) {
    for (const char* text : {"n = 3 and n = 4",
                             "n > 3 and n < 4",
                             "n < m and m < n",
                             "n < m and m < :p and n > 7 and :p < 10",
                             "s = 'a' and s <> 'a'",
                             "s < ''",
                             "b and not b",
                             "n = null",
                             "not (n = null)",
                             "n in ()",
                             "n is null and n = 3",
                             "n <> n",
                             "n in (1, null) and n <> 1",
                             "day > date '2026-01-31' and day < date '2026-02-01'",
                             "false",
                             "(n = 1) is null and n is not null",
                             "n = 1.5",
                             "n > 1.2 and n < 1.9",
                             "n > 9223372036854775807",
                             "(n = 1 or n = 2) and not (n in (1, 2))"})
        EXPECT_EQ(answer(text), WitnessAnswer::Impossible) << text;
}

TEST(Witness, AFieldWithoutATypeMayHoldAnyNumber) {
    EXPECT_EQ(answer("x > 3 and x < 4"), WitnessAnswer::Found);
    EXPECT_EQ(answer("n > 3 and x > n and x < 5 and n < 5"), WitnessAnswer::Found);
    EXPECT_EQ(answer("owner = :me and state = 'open'"), WitnessAnswer::Found);
    EXPECT_EQ(answer("x = 9007199254740993 and x < y and y < 9007199254740995"), WitnessAnswer::Found);
}

TEST(Witness, TypesThatCannotMeetAreNotDecided) {
    const Witness witness = find("x = 1 and x = 'a'");
    EXPECT_EQ(witness.answer, WitnessAnswer::Unknown);
    EXPECT_FALSE(witness.reason.empty());
}

TEST(Witness, GuessesValuesForFunctions) {
    for (const char* text :
         {"s like 'ab%c_'", "starts_with(s, 'abc')", "ends_with(s, 'abc') and contains(s, 'q')",
          "lower(s) = 'abc' and s <> 'abc'", "length(s) > 5", "length(s) = 0", "n + 1 > 18", "n * 2 = 18",
          "coalesce(s, 'none') = 'none'", "coalesce(s, 'none') = 'some'", "add_days(day, 30) < :today",
          "days_between(day, :today) > 30", "year(day) = 2024", "month(day) = 2",
          "date(at) = date '2025-05-05'", "json_text(doc, 'kind') = 'x'",
          "not (s like 'a%') and s is not null", "case when n > 3 then 'x' else 'y' end = 'x'"})
        EXPECT_EQ(answer(text), WitnessAnswer::Found) << text;
}

TEST(Witness, WhatAFunctionGivesIsOneValue) {
    EXPECT_EQ(answer("lower(s) = 'a' and lower(s) = 'b'"), WitnessAnswer::Impossible);
    EXPECT_EQ(answer("s like 'a%' and not (s like 'a%')"), WitnessAnswer::Impossible);
    EXPECT_EQ(answer("n = 3 and n = 4 and s like 'a%'"), WitnessAnswer::Impossible);
    EXPECT_EQ(answer("lower(s) = 'A'"), WitnessAnswer::Unknown);
    EXPECT_EQ(answer("coalesce(n = 3, false) and n is null"), WitnessAnswer::Impossible);
    EXPECT_EQ(answer("not coalesce(n = 3, true) and n is null"), WitnessAnswer::Impossible);
    EXPECT_EQ(answer("not coalesce(n = 3, false) and n is null"), WitnessAnswer::Found);
}

TEST(Witness, EveryWishIsThreeValued) {
    const Expression condition = core::parse_expression("n = 1");
    const auto with = [&](std::string_view other, Wanted wanted) {
        const std::vector<Requirement> both{{core::parse_expression(other)}, {condition, wanted}};
        return find_witness(both, kTyped).answer;
    };
    EXPECT_EQ(with("n is null", Wanted::NotTrue), WitnessAnswer::Found);
    EXPECT_EQ(with("n is null", Wanted::NotFalse), WitnessAnswer::Found);
    EXPECT_EQ(with("n is null", Wanted::False), WitnessAnswer::Impossible);
    EXPECT_EQ(with("n = 1", Wanted::NotFalse), WitnessAnswer::Found);
    EXPECT_EQ(with("n = 1", Wanted::NotTrue), WitnessAnswer::Impossible);
}

TEST(Witness, GivesUpAfterTheStatedSteps) {
    WitnessOptions options = kTyped;
    options.max_steps = 1;
    const Witness witness = find("(n = 1 or m = 1) and (n = 2 or m = 2) and (n = 3 or m = 3)", options);
    EXPECT_EQ(witness.answer, WitnessAnswer::Unknown);
    EXPECT_NE(witness.reason.find("1 steps"), std::string::npos);
}

TEST(Witness, EquivalentPoliciesOfManyFieldsAreProvedEqual) {
    std::string first;
    std::string second;
    for (int i = 0; i < 40; ++i) {
        const std::string part = "f" + std::to_string(i) + " = 'v" + std::to_string(i) + "'";
        first = i == 0 ? part : first + " or " + part;
        second = i == 0 ? part : part + " or " + second;
    }
    const std::vector<Requirement> both{{core::parse_expression(first)},
                                        {core::parse_expression(second), Wanted::NotTrue}};
    const Witness witness = find_witness(both);
    EXPECT_EQ(witness.answer, WitnessAnswer::Impossible) << witness.reason;
    EXPECT_LT(witness.steps, 10U);
}

// ---- against brute force

struct Variable {
    std::string text;
    std::vector<std::string> literals;
    std::vector<Value> domain;
};

std::vector<Variable> variables() {
    const std::vector<Value> numbers{{}, -3, -2, -1, 0, 1, 2, 3, 4, 5};
    const std::vector<Value> texts{{}, "", "!", "\"", "#", "a", "aa", "ab", "ac", "b", "ba", "bb", "bc"};
    const std::vector<std::string> integers{"0", "1", "2", "null", "1.5"};
    const std::vector<std::string> quoted{"'a'", "'b'", "''", "null"};
    return {{"n", integers, numbers}, {"m", integers, numbers}, {":p", integers, numbers},
            {"s", quoted, texts},     {"t", quoted, texts},     {"b", {"true", "false"}, {{}, false, true}}};
}

class Generator {
public:
    Generator(std::mt19937& random, std::vector<Variable> variables)
        : random_(random), variables_(std::move(variables)) {}

    std::string condition(int depth) {
        if (depth == 0 || below(4) == 0) return atom();
        switch (below(6)) {
            case 3:
                return "coalesce(" + condition(depth - 1) + (below(2) == 0 ? ", false)" : ", true)");
            case 0:
                return "not (" + condition(depth - 1) + ")";
            case 1:
                return "((" + condition(depth - 1) + ") is " + (below(2) == 0 ? "" : "not ") + "null)";
            case 2:
                return "(" + condition(depth - 1) + " or " + condition(depth - 1) + ")";
            default:
                return "(" + condition(depth - 1) + " and " + condition(depth - 1) + ")";
        }
    }

private:
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    std::string operand(const Variable& like) {
        for (int tries = 0; tries < 3 && below(2) == 0; ++tries) {
            const Variable& other = variables_[below(variables_.size())];
            if (other.literals == like.literals) return other.text;
        }
        return like.literals[below(like.literals.size())];
    }
    std::string atom() {
        const Variable& variable = variables_[below(variables_.size())];
        static const std::vector<std::string> kComparisons{"=", "<>", "<", "<=", ">", ">="};
        switch (below(6)) {
            case 0:
                return variable.text + (below(2) == 0 ? " is null" : " is not null");
            case 1:
                return variable.text + " in (" + operand(variable) + ", " + operand(variable) + ")";
            case 2:
                return variable.text + " between " + operand(variable) + " and " + operand(variable);
            default:
                return variable.text + " " + kComparisons[below(kComparisons.size())] + " " +
                       operand(variable);
        }
    }

    std::mt19937& random_;
    std::vector<Variable> variables_;
};

bool exists(const Expression& condition, const std::vector<Variable>& variables) {
    Assignment values;
    std::vector<std::size_t> at(variables.size(), 0);
    const core::FieldSource source = source_of(values.fields);
    while (true) {
        for (std::size_t i = 0; i < at.size(); ++i) {
            const std::string& name = variables[i].text;
            const Value& value = variables[i].domain[at[i]];
            if (name[0] == ':') {
                values.parameters[name.substr(1)] = value;
            } else {
                values.fields[name] = value;
            }
        }
        if (core::matches(condition, source, values.parameters)) return true;
        std::size_t i = 0;
        while (i < at.size() && ++at[i] == variables[i].domain.size()) at[i++] = 0;
        if (i == at.size()) return false;
    }
}

TEST(Witness, ThereIsOneExactlyIfTryingAllValuesFindsOne) {
    const auto seed = static_cast<unsigned>(std::random_device()());
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    int possible = 0;
    for (int round = 0; round < 1500; ++round) {
        std::vector<Variable> chosen = variables();
        std::shuffle(chosen.begin(), chosen.end(), random);
        chosen.resize(3);
        const std::string text = Generator(random, chosen).condition(4);
        const Expression condition = core::parse_expression(text);
        const Witness witness = find(text);
        const bool expected = exists(condition, chosen);
        possible += expected ? 1 : 0;
        ASSERT_EQ(witness.answer, expected ? WitnessAnswer::Found : WitnessAnswer::Impossible)
            << text << "\n"
            << witness.reason;
    }
    EXPECT_GT(possible, 300);
    EXPECT_LT(possible, 1450);
}

}  // namespace
}  // namespace consilia::access
