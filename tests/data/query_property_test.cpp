// Goal: any chain of query operations gives what a naive reference over a list of rows gives. Method: random
// chains on both databases; the reference filters with core::matches, sorts and cuts a vector. A failure
// prints the seed that replays it; CONSILIA_SEED and CONSILIA_PROPERTY_CASES choose seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "consilia/core/functions.hpp"
#include "consilia/data/subquery.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::field;
using core::Value;
using Row = std::map<std::string, Value, std::less<>>;

const std::vector<std::string> kPaths = {
    "id",         "reason",    "fee",         "is_paid",         "grade",
    "is_deleted", "animal_id", "animal.name", "animal.owner_id", "animal.owner.name"};

struct Ordered {
    std::string name;
    OrderOptions options;
};

/// What a chain means, step by step as it was built.
struct Meaning {
    std::vector<Expression> conditions;
    std::vector<Ordered> order;
    std::map<std::string, Expression> annotations;
    bool with_deleted = false;
    bool only_deleted = false;
    std::optional<std::int64_t> limit;
    std::int64_t offset = 0;
};

class Chains : public test::FilledShelter {
protected:
    void SetUp() override {
        for (int i = 0; i < 60; ++i) {
            test::Visit visit;
            visit.animal_id = 1 + i % 4;
            visit.reason = std::string(1, static_cast<char>('a' + i % 3));
            visit.fee = (i % 5) * 0.5;
            visit.is_paid = i % 2 == 0;
            visit.is_deleted = i % 6 == 0;
            if (i % 4 != 0) visit.grade = i % 3;
            visits.insert(session, visit);
        }
        const RowSet found = all.with_deleted().select(kPaths).order_by("id").run(session);
        for (std::size_t row = 0; row < found.size(); ++row) {
            Row& values = rows_.emplace_back();
            for (std::size_t i = 0; i < kPaths.size(); ++i) values[kPaths[i]] = found.value(row, i);
        }
    }

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    bool one_in(std::size_t n) { return below(n) == 0; }

    Expression comparison() {
        switch (below(9)) {
            case 0:
                return field("fee") > static_cast<double>(below(7));
            case 1:
                return field("grade") == static_cast<std::int64_t>(below(3));
            case 2:
                return field("reason") <= (one_in(2) ? "b" : "reason 2");
            case 3:
                return field("is_paid").expression();
            case 4:
                return field("animal.name") == (one_in(2) ? "Tom" : "Oz");
            case 5:
                return field("animal.owner.name") != "Ann";
            case 6:
                return field("grade").is_null();
            case 7:
                return field("fee") + field("grade") >= 2.0;
            default:
                return field("id").in({Value(static_cast<std::int64_t>(below(100))), 7, 41, 52, 66});
        }
    }
    Expression condition() {
        if (one_in(3)) return comparison() || comparison();
        if (one_in(4)) return !(comparison() && comparison());
        return comparison();
    }

    Query step(const Query& query, Meaning& meaning) {
        switch (below(8)) {
            case 0:
            case 1:
                meaning.conditions.push_back(condition());
                return query.where(meaning.conditions.back());
            case 2: {
                const Expression excluded = condition();
                meaning.conditions.push_back(!excluded);
                return query.exclude(excluded);
            }
            case 3: {
                static const char* const kOrders[] = {"fee",     "grade",       "reason",
                                                      "is_paid", "animal.name", "animal.owner.name"};
                const OrderOptions options{.is_descending = one_in(2), .nulls = static_cast<Nulls>(below(3))};
                meaning.order.push_back({kOrders[below(std::size(kOrders))], options});
                return query.order_by(meaning.order.back().name, options);
            }
            case 4:
                meaning.limit = static_cast<std::int64_t>(below(12));
                return query.limit(*meaning.limit);
            case 5:
                meaning.offset = static_cast<std::int64_t>(below(8));
                return query.offset(meaning.offset);
            case 6:
                if (meaning.with_deleted || meaning.only_deleted) return query;
                (one_in(2) ? meaning.with_deleted : meaning.only_deleted) = true;
                return meaning.with_deleted ? query.with_deleted() : query.only_deleted();
            default: {
                const std::string name = "extra" + std::to_string(meaning.annotations.size());
                const Expression value =
                    (field("fee") * static_cast<double>(1 + below(3)) + field("grade")).expression();
                meaning.annotations.emplace(name, value);
                const Query annotated = query.annotate(name, value);
                if (one_in(2)) return annotated;
                const double least = static_cast<double>(below(5));
                meaning.conditions.push_back(core::Term(value) > least);
                return annotated.where(field(name) > least);
            }
        }
    }

    [[nodiscard]] std::vector<const Row*> matching(const Meaning& meaning) const {
        std::vector<const Row*> kept;
        for (const Row& row : rows_) {
            const bool is_deleted = row.at("is_deleted").as<bool>();
            const bool is_shown = meaning.with_deleted || (meaning.only_deleted ? is_deleted : !is_deleted);
            const bool matches =
                std::all_of(meaning.conditions.begin(), meaning.conditions.end(), [&](const Expression& e) {
                    return core::matches(e, [&](std::string_view path) { return row.find(path)->second; });
                });
            if (is_shown && matches) kept.push_back(&row);
        }
        return kept;
    }

    static bool comes_before(const Row& a, const Row& b, const std::vector<Ordered>& order) {
        for (const auto& [name, options] : order) {
            const Value& left = a.find(name)->second;
            const Value& right = b.find(name)->second;
            if (left == right) continue;
            const bool nulls_last =
                options.nulls == Nulls::Default ? options.is_descending : options.nulls == Nulls::Last;
            if (left.is_null()) return !nulls_last;
            if (right.is_null()) return nulls_last;
            return options.is_descending ? right.variant() < left.variant()
                                         : left.variant() < right.variant();
        }
        return false;
    }

    [[nodiscard]] std::vector<std::int64_t> expected_ids(const Meaning& meaning) const {
        std::vector<const Row*> kept = matching(meaning);
        std::stable_sort(kept.begin(), kept.end(),
                         [&](const Row* a, const Row* b) { return comes_before(*a, *b, meaning.order); });
        std::vector<std::int64_t> found;
        for (std::size_t i = static_cast<std::size_t>(meaning.offset); i < kept.size(); ++i) {
            if (meaning.limit && static_cast<std::int64_t>(found.size()) >= *meaning.limit) break;
            found.push_back(kept[i]->at("id").as<std::int64_t>());
        }
        return found;
    }

    void check(std::uint32_t seed);

    std::mt19937 random_;
    std::vector<Row> rows_;
};
INSTANTIATE_ON_BOTH(Chains);

void Chains::check(std::uint32_t seed) {
    random_.seed(seed);
    Meaning meaning;
    Query query = all;
    for (std::size_t steps = below(8); steps > 0; --steps) query = step(query, meaning);
    const Query ordered = query.order_by("id");
    const std::vector<std::int64_t> expected = expected_ids(meaning);
    const RowSet found = ordered.select({"id"}).run(session);
    ASSERT_EQ(found.size(), expected.size()) << ordered.sql().text;
    for (std::size_t row = 0; row < found.size(); ++row) {
        ASSERT_EQ(found.int64(row, 0), expected[row]) << ordered.sql().text;
        const Row& values = rows_[static_cast<std::size_t>(expected[row] - 1)];
        for (const auto& [name, value] : meaning.annotations) {
            const Value wanted =
                core::evaluate(value, [&](std::string_view path) { return values.find(path)->second; });
            ASSERT_EQ(found.value(row, found.column_index(name)), wanted) << ordered.sql().text;
        }
    }
    const std::vector<const Row*> matches = matching(meaning);
    ASSERT_EQ(query.count(session), static_cast<std::int64_t>(matches.size())) << query.sql().text;
    ASSERT_EQ(query.exists(session), !expected.empty()) << query.sql().text;
    ASSERT_EQ(query.rows().count(session), static_cast<std::int64_t>(expected.size())) << query.sql().text;
    ASSERT_EQ(all.with_deleted()
                  .where(in(field("id"), ordered.select({"id"}).rows().select({"id"})))
                  .count(session),
              static_cast<std::int64_t>(expected.size()))
        << query.sql().text;
    std::map<std::pair<bool, std::string>, std::int64_t> groups;
    for (const Row* row : matches) {
        const Value& name = row->at("animal.owner.name");
        ++groups[{name.is_null(), name.is_null() ? "" : name.as<std::string>()}];
    }
    if (meaning.limit || meaning.offset != 0) return;
    const RowSet counted = query.count_by(session, "animal.owner.name");
    ASSERT_EQ(counted.size(), groups.size());
    for (std::size_t row = 0; row < counted.size(); ++row) {
        const bool is_null = counted.is_null(row, 0);
        const std::string name = is_null ? "" : std::string(counted.text(row, 0));
        ASSERT_EQ(counted.int64(row, counted.column_index("count")), (groups[{is_null, name}]))
            << query.sql().text;
    }
}

TEST_P(Chains, GiveWhatAListOfRowsGives) {
    const auto number = [](const char* name, std::uint32_t otherwise) {
        const char* given = std::getenv(name);
        return given == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
    };
    const std::uint32_t first = number("CONSILIA_SEED", 1);
    const std::uint32_t cases = number("CONSILIA_PROPERTY_CASES", 3000);
    for (std::uint32_t seed = first; seed < first + cases; ++seed) {
        check(seed);
        if (HasFatalFailure()) FAIL() << "CONSILIA_SEED=" << seed;
    }
}

}  // namespace
}  // namespace consilia::data
