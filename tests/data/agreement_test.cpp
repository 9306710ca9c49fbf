// Goal: a query selects exactly the rows for which the expression is true in memory. Method: random
// expressions over random rows with many nulls and near-equal values, across two references; SQLite answers
// one way, core::evaluate the other. A failure prints the seed that replays it.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "data/shelter.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::Value;
using core::ValueType;

struct Path {
    const char* name;
    ValueType type;
};
constexpr Path kPaths[] = {
    {"id", ValueType::Int64},
    {"reason", ValueType::Text},
    {"fee", ValueType::Double},
    {"is_paid", ValueType::Bool},
    {"grade", ValueType::Int64},
    {"created_at", ValueType::Timestamp},
    {"ticket", ValueType::Uuid},
    {"scan", ValueType::Blob},
    {"animal.name", ValueType::Text},
    {"animal.born", ValueType::Date},
    {"animal.owner_id", ValueType::Int64},
    {"animal.owner.email", ValueType::Text},
};

class Generator {
public:
    explicit Generator(std::uint32_t seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
    bool one_in(std::size_t n) { return below(n) == 0; }

    std::string text() {
        static const char* const kTexts[] = {"",         "a",         "A",  "ab", "a%", "_",
                                             "\xC3\xA9", "e\xCC\x81", "b'", "10", "9",  "\\"};
        return kTexts[below(std::size(kTexts))];
    }
    std::int64_t integer() {
        static const std::int64_t kNumbers[] = {0, 1, 2, 3, -1, 9007199254740993, INT64_MAX, INT64_MIN};
        return kNumbers[below(std::size(kNumbers))];
    }
    double number() {
        static const double kNumbers[] = {
            0, -0.0, 0.5, 1, 2, -1.5, 1e300, 9007199254740992.0, 9223372036854775808.0};
        return kNumbers[below(std::size(kNumbers))];
    }
    core::Date date() { return {static_cast<std::int32_t>(below(3)) * 20'000 - 20'000}; }
    core::Timestamp time() { return {static_cast<std::int64_t>(below(3)) - 1}; }
    core::Uuid uuid() {
        core::Uuid uuid;
        uuid.bytes.fill(static_cast<std::uint8_t>(below(3) * 100));
        return uuid;
    }
    core::Blob blob() {
        return {std::vector<std::byte>(below(3), std::byte{static_cast<std::uint8_t>(below(2) * 200)})};
    }

    Value value(ValueType type) {
        if (one_in(8)) return {};
        switch (type) {
            case ValueType::Bool:
                return one_in(2);
            case ValueType::Int64:
                return one_in(4) ? Value(number()) : Value(integer());
            case ValueType::Double:
                return one_in(4) ? Value(integer()) : Value(number());
            case ValueType::Text:
                return text();
            case ValueType::Date:
                return date();
            case ValueType::Timestamp:
                return time();
            case ValueType::Uuid:
                return uuid();
            default:
                return blob();
        }
    }
    /// A value, or another field of the type.
    core::Term operand(ValueType type) {
        if (one_in(4)) {
            const Path& path = kPaths[below(std::size(kPaths))];
            if (path.type == type) return core::field(path.name);
        }
        return core::Term(value(type));
    }

    Expression comparison() {
        const Path& path = kPaths[below(std::size(kPaths))];
        const core::Term field = core::field(path.name);
        switch (below(11)) {
            case 0:
                return field == operand(path.type);
            case 1:
                return field != operand(path.type);
            case 2:
                return field < operand(path.type);
            case 3:
                return field <= operand(path.type);
            case 4:
                return field > operand(path.type);
            case 5:
                return field >= operand(path.type);
            case 6:
                return field.in({value(path.type), value(path.type), value(path.type)});
            case 7:
                return field.between(operand(path.type), operand(path.type));
            case 8:
                return field.is_null();
            case 9:
                return path.type == ValueType::Bool ? field.expression() : field.is_not_null();
            default:
                return path.type == ValueType::Text ? field.like(text() + (one_in(2) ? "%" : "_"))
                                                    : field.in({});
        }
    }

    Expression condition(int depth = 0) {
        if (depth >= 4 || one_in(3)) return comparison();
        switch (below(3)) {
            case 0:
                return condition(depth + 1) && condition(depth + 1);
            case 1:
                return condition(depth + 1) || condition(depth + 1);
            default:
                return !condition(depth + 1);
        }
    }

private:
    std::mt19937 engine_;
};

class Agreement : public testing::Test {
protected:
    Agreement() {
        test::create_shelter(database);
        Generator generate(1);
        Transaction transaction = database.begin();
        for (int i = 0; i < 4; ++i) {
            test::Owner owner{.name = std::to_string(i)};
            if (i != 0) owner.email = generate.text();
            Repository<test::Owner>(database, clock).insert(transaction, owner);
            test::Animal animal{.name = generate.text()};
            if (i != 1) animal.owner_id = owner.id;
            if (i != 2) animal.born = generate.date();
            Repository<test::Animal>(database, clock).insert(transaction, animal);
        }
        for (int i = 0; i < 60; ++i) {
            test::Visit visit;
            visit.animal_id = static_cast<std::int64_t>(1 + generate.below(4));
            visit.reason = generate.text();
            visit.fee = generate.number();
            visit.is_paid = generate.one_in(2);
            if (!generate.one_in(3)) visit.grade = generate.integer();
            visit.scan = generate.blob();
            visit.ticket = generate.uuid();
            Repository<test::Visit>(database, clock).insert(transaction, visit);
            clock.advance(std::chrono::microseconds(i % 20 == 19 ? 1 : 0));
        }
        transaction.commit();
    }

    core::ManualClock clock{core::Timestamp{-1}};
    Database database{"sqlite::memory:"};
};

TEST_F(Agreement, AQuerySelectsTheRowsThatMatchInMemory) {
    constexpr std::uint32_t kCases = 20'000;
    const Query all(mapping_of<test::Visit>().model());
    std::vector<std::string> paths;
    for (const Path& path : kPaths) paths.emplace_back(path.name);
    const Autocommit session = database.autocommit();
    const RowSet rows = all.select(paths).run(session);
    ASSERT_EQ(rows.size(), 60U);
    std::vector<std::vector<Value>> values(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t column = 0; column < paths.size(); ++column)
            values[row].push_back(rows.value(row, column));
    }
    std::size_t selected_count = 0;
    for (std::uint32_t seed = 0; seed < kCases; ++seed) {
        const Expression expression = Generator(seed).condition();
        std::set<std::int64_t> selected;
        const RowSet found = all.select({"id"}).where(expression).run(session);
        for (std::size_t row = 0; row < found.size(); ++row) selected.insert(found.int64(row, 0));
        std::set<std::int64_t> matching;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const auto source = [&](std::string_view path) { return values[row][rows.column_index(path)]; };
            if (core::matches(expression, source)) matching.insert(rows.int64(row, 0));
        }
        ASSERT_EQ(selected, matching) << "seed " << seed;
        selected_count += selected.size();
    }
    const double part = static_cast<double>(selected_count) / static_cast<double>(kCases * rows.size());
    EXPECT_GT(part, 0.1) << "the generator selects too little for the comparison to mean something";
    EXPECT_LT(part, 0.9);
}

}  // namespace
}  // namespace consilia::data
