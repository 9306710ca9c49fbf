// Goal: any chain of query operations gives what a naive reference over a list of rows gives. Method: random
// chains on both databases; the reference filters with core::matches, sorts and cuts a vector. A failure
// prints the seed that replays it; CONSILIA_SEED and CONSILIA_PROPERTY_CASES choose seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>

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
    std::optional<std::int64_t> offset;
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
                return query.offset(*meaning.offset);
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
        for (std::size_t i = static_cast<std::size_t>(meaning.offset.value_or(0)); i < kept.size(); ++i) {
            if (meaning.limit && static_cast<std::int64_t>(found.size()) >= *meaning.limit) break;
            found.push_back(kept[i]->at("id").as<std::int64_t>());
        }
        return found;
    }

    /// Pages by keyset, one behind the other, are the rows in their order.
    void check_keyset(const Query& query, const Meaning& meaning) {
        for (const Ordered& by : meaning.order) {
            if (by.name.find('.') != std::string::npos) return;  // A key is read from the row itself.
        }
        const Query page = query.order_by("id").limit(5);
        std::vector<std::int64_t> found;
        Query next = page;
        for (;;) {
            const RowSet rows = next.run(session);
            for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.int64(row, 0));
            if (rows.size() < 5) break;
            next = page.after(page.key(rows, rows.size() - 1));
        }
        ASSERT_EQ(found, expected_ids(meaning)) << page.sql().text;
    }

    /// One row of aggregates, some of them over a part of the rows.
    void check_aggregates(const Query& query, const std::vector<const Row*>& matches) {
        const Expression part = field("grade") >= 1;
        std::int64_t sum = 0;
        std::int64_t counted = 0;
        double fee = -1;
        std::set<std::string> reasons;
        for (const Row* row : matches) {
            fee = std::max(fee, row->at("fee").as<double>());
            reasons.insert(row->at("reason").as<std::string>());
            const Value& grade = row->at("grade");
            if (grade.is_null() || grade.as<std::int64_t>() < 1) continue;
            sum += grade.as<std::int64_t>();
            ++counted;
        }
        const RowSet found =
            query.aggregate(session, {{"n", core::filter(core::count(), part)},
                                      {"total", core::filter(core::sum(field("grade")), part)},
                                      {"dearest", core::max(field("fee"))},
                                      {"reasons", core::count_distinct(field("reason"))}});
        ASSERT_EQ(found.int64(0, 0), counted) << query.sql().text;
        ASSERT_EQ(found.value(0, 1), counted == 0 ? Value() : Value(sum)) << query.sql().text;
        ASSERT_EQ(found.value(0, 2), matches.empty() ? Value() : Value(fee)) << query.sql().text;
        ASSERT_EQ(found.int64(0, 3), static_cast<std::int64_t>(reasons.size())) << query.sql().text;
    }

    /// Each different row once, and the rows of two chains together.
    void check_sets(const Query& query, const Meaning& meaning, const std::vector<const Row*>& matches) {
        if (!meaning.annotations.empty()) return;  // They would be part of the rows.
        std::set<std::pair<std::string, std::optional<std::int64_t>>> different;
        std::set<std::int64_t> ids;
        for (const Row* row : matches) {
            const Value& grade = row->at("grade");
            different.emplace(row->at("reason").as<std::string>(),
                              grade.is_null() ? std::nullopt : std::optional(grade.as<std::int64_t>()));
            ids.insert(row->at("id").as<std::int64_t>());
        }
        const RowSet distinct = query.unordered().select({"reason", "grade"}).distinct().run(session);
        ASSERT_EQ(distinct.size(), different.size()) << query.sql().text;

        Meaning other;
        other.conditions.push_back(condition());
        const std::vector<std::int64_t> others = expected_ids(other);
        const Query left = query.unordered().select({"id"});
        const Query right = all.where(other.conditions.back()).select({"id"});
        ASSERT_EQ(left.union_all(right).count(session), static_cast<std::int64_t>(ids.size() + others.size()))
            << query.sql().text;
        ids.insert(others.begin(), others.end());
        ASSERT_EQ(left.union_distinct(right).count(session), static_cast<std::int64_t>(ids.size()))
            << query.sql().text;
    }

    /// Changes and deletions meet the rows that the query gives; they are taken back.
    void check_changes(const Query& query, const std::vector<const Row*>& matches) {
        std::vector<Value> paid;
        for (const Row* row : matches) paid.push_back(row->at("id"));
        const Transaction transaction = database.begin();
        const Assignment raised{"fee", (field("fee") + 1.0).expression()};
        ASSERT_EQ(query.update(transaction, {raised}), static_cast<std::int64_t>(matches.size()))
            << query.sql().text;
        const RowSet now = all.with_deleted().where(field("id").in(paid)).order_by("id").run(transaction);
        ASSERT_EQ(now.size(), matches.size());
        for (std::size_t row = 0; row < now.size(); ++row) {
            ASSERT_EQ(now.number(row, now.column_index("fee")), matches[row]->at("fee").as<double>() + 1.0)
                << query.sql().text;
        }
        const Query all_rows = all.with_deleted();
        const std::int64_t before = all_rows.count(transaction);
        const std::int64_t gone = all_rows.where(field("id").in(paid)).remove(transaction);
        ASSERT_EQ(all_rows.count(transaction), before - gone);
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
    if (meaning.limit || meaning.offset) return;
    check_keyset(query, meaning);
    check_aggregates(query, matches);
    check_sets(query, meaning, matches);
    if (meaning.annotations.empty() && meaning.order.empty() && one_in(4)) check_changes(query, matches);
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
