// The columns of results: chosen, calculated, grouped, aggregated.
#include <gtest/gtest.h>

#include "consilia/core/functions.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::count;
using core::field;
using core::Value;

class QueryResult : public test::FilledShelter {};
INSTANTIATE_ON_BOTH(QueryResult);

TEST_P(QueryResult, DistinctGivesEachDifferentRowOnce) {
    const Query reasons = all.select({"reason"}).distinct().order_by("reason");
    const RowSet rows = reasons.run(session);
    ASSERT_EQ(rows.size(), 5U);
    EXPECT_EQ(rows.text(4, 0), "reason 4");
    EXPECT_EQ(reasons.count(session), 5);
    EXPECT_TRUE(reasons.exists(session));
    EXPECT_EQ(test::code_of([&] { (void)reasons.order_by("fee").run(session); }), "query.unsupported");
}

TEST_P(QueryResult, DeferLeavesColumnsOut) {
    const RowSet rows = animals.query().defer({"species", "born"}).order_by("id").limit(1).run(session);
    ASSERT_EQ(rows.columns().size(), 3U);
    EXPECT_EQ(rows.columns()[2].name, "name");
    EXPECT_EQ(rows.text(0, 2), "Tom");
    EXPECT_EQ(test::code_of([&] { (void)all.defer({"colour"}); }), "query.unknown_field");
    EXPECT_EQ(test::code_of([&] { (void)all.defer({"animal.name"}); }), "query.unknown_field");
    EXPECT_EQ(test::code_of([&] { all.defer({"fee"}).each(session, [](const CellReader&) {}); }),
              "query.unsupported");
}

TEST_P(QueryResult, NullsStandWhereTheyAreAskedFor) {
    const auto grades = [&](bool is_descending, Nulls nulls) {
        const Query ordered =
            all.order_by("grade", {.is_descending = is_descending, .nulls = nulls}).order_by("id");
        const RowSet rows = ordered.select({"grade"}).run(session);
        return std::pair(rows.is_null(0, 0), rows.is_null(rows.size() - 1, 0));
    };
    EXPECT_EQ(grades(false, Nulls::Default), std::pair(true, false));
    EXPECT_EQ(grades(true, Nulls::Default), std::pair(false, true));
    EXPECT_EQ(grades(false, Nulls::Last), std::pair(false, true));
    EXPECT_EQ(grades(true, Nulls::First), std::pair(true, false));
}

TEST_P(QueryResult, KeysetPagesFollowWhereNullsStand) {
    for (const bool is_descending : {false, true}) {
        for (const Nulls nulls : {Nulls::Default, Nulls::First, Nulls::Last}) {
            const Query ordered = all.select({"id", "grade"})
                                      .order_by("grade", {.is_descending = is_descending, .nulls = nulls})
                                      .order_by("id");
            std::vector<std::int64_t> found;
            Query next = ordered.limit(4);
            for (RowSet rows = next.run(session); !rows.empty(); rows = next.run(session)) {
                for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.int64(row, 0));
                next = ordered.limit(4).after(next.key(rows, rows.size() - 1));
            }
            EXPECT_EQ(found, ids(ordered)) << is_descending << static_cast<int>(nulls);
        }
    }
}

TEST_P(QueryResult, OrdersByCalculatedValues) {
    const Query ordered = all.order_by(field("fee") * -1).order_by("id");
    EXPECT_EQ(ids(ordered.limit(2)), ids(all.order_by("-fee").order_by("id").limit(2)));
    EXPECT_EQ(ids(ordered.unordered().order_by("id").limit(2)), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(test::code_of([&] { (void)ordered.after(std::vector<Value>{1, 2}); }), "query.keyset");
}

TEST_P(QueryResult, AnnotationsAreColumnsConditionsAndOrders) {
    const Query query = all.annotate("twice", field("fee") * 2.0)
                            .annotate("is_dear", field("twice") > 8.0)
                            .where(field("twice") >= 4.0 && field("is_dear").expression())
                            .order_by("-twice")
                            .order_by("id");
    const RowSet rows = query.select({"id", "twice"}).run(session);
    ASSERT_FALSE(rows.empty());
    EXPECT_EQ(rows.columns()[1].name, "twice");
    EXPECT_EQ(rows.columns()[1].type, core::ValueType::Double);
    EXPECT_EQ(rows.columns()[2].name, "is_dear") << "annotations stand behind what is selected";
    EXPECT_EQ(rows.number(0, 1), 12.0);
    EXPECT_EQ(query.count(session), all.where(field("fee") > 4.0).count(session));
    std::size_t objects = 0;
    all.annotate("twice", field("fee") * 2.0).each(session, [&](const CellReader&) { ++objects; });
    EXPECT_EQ(objects, 35U);
}

TEST_P(QueryResult, NamesOfAnnotationsAreRefused) {
    for (const char* name : {"", "fee", "animal", "Fee", "a b", "a\"", "1a", "a.b", "a\nb"}) {
        EXPECT_EQ(test::code_of([&] { (void)all.annotate(name, core::Term(1)); }), "query.name") << name;
    }
    EXPECT_EQ(test::code_of([&] { (void)all.annotate("x", core::Term(1)).annotate("x", core::Term(2)); }),
              "query.name");
    EXPECT_EQ(test::code_of([&] { (void)all.annotate("x", field("colour")).run(session); }),
              "query.unknown_field");
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("x") == 1).run(session); }), "query.unknown_field");
}

TEST_P(QueryResult, GroupsByFieldsAndCalculatedKeys) {
    const RowSet rows = all.group_by({"animal.owner.name"})
                            .annotate("visits", count())
                            .annotate("paid", core::filter(core::sum(field("fee")), field("fee") > 3.0))
                            .having(count() > 5)
                            .order_by("-visits")
                            .run(session);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.text(0, 0), "Ann");
    EXPECT_EQ(rows.int64(0, 1), 20);
    EXPECT_EQ(rows.columns()[2].name, "paid");
    const Query halves =
        all.annotate("half", field("fee") / 2.0).group_by({"half"}).annotate("n", count()).order_by("half");
    const RowSet grouped = halves.run(session);
    ASSERT_EQ(grouped.size(), 7U);
    EXPECT_EQ(grouped.number(1, 0), 0.5);
    EXPECT_EQ(halves.count(session), 7);
    EXPECT_EQ(all.group_by({}).annotate("n", count()).run(session).int64(0, 0), 35);
}

TEST_P(QueryResult, AggregatesStandWhereTheyHaveAMeaning) {
    EXPECT_EQ(test::code_of([&] { (void)all.annotate("n", count()).run(session); }), "query.aggregate");
    EXPECT_EQ(test::code_of([&] { (void)all.where(count() > 1); }), "query.aggregate");
    EXPECT_EQ(test::code_of([&] { (void)all.having(count() > 1); }), "query.unsupported");
    EXPECT_EQ(test::code_of([&] { (void)all.group_by({"fee"}).group_by({"id"}); }), "query.unsupported");
    EXPECT_EQ(test::code_of([&] {
                  (void)all.aggregate(session, {{"fee", field("fee")}});
              }),
              "query.aggregate");
    EXPECT_EQ(test::code_of([&] { (void)all.aggregate(session, {}); }), "query.aggregate");
    EXPECT_EQ(test::code_of([&] {
                  (void)all.limit(1).aggregate(session, {{"n", count()}});
              }),
              "query.unsupported");
}

TEST_P(QueryResult, AggregatesSeveralValuesAtOnce) {
    const RowSet row = all.aggregate(session, {{"visits", count()},
                                               {"graded", count(field("grade"))},
                                               {"cheap", core::filter(count(), field("fee") < 2.0)},
                                               {"least", core::min(field("fee"))},
                                               {"mean", core::avg(field("fee"))},
                                               {"owners", core::count_distinct(field("animal.owner_id"))}});
    ASSERT_EQ(row.size(), 1U);
    EXPECT_EQ(row.int64(0, 0), 35);
    EXPECT_EQ(row.int64(0, 1), all.where(field("grade").is_not_null()).count(session));
    EXPECT_EQ(row.int64(0, 2), all.where(field("fee") < 2.0).count(session));
    EXPECT_EQ(row.number(0, 3), 0.0);
    EXPECT_EQ(row.columns()[4].type, core::ValueType::Double);
    EXPECT_EQ(row.int64(0, 5), 2);
}

TEST_P(QueryResult, WindowFunctionsAreFilteredByTheirRows) {
    const Query ranked =
        all.select({"id", "animal_id", "fee"})
            .annotate("place", core::over(core::row_number(), {.partition_by = {field("animal_id")},
                                                               .order_by = {core::descending(field("fee")),
                                                                            core::ascending(field("id"))}}));
    const RowSet best = ranked.rows().where(field("place") == 1).order_by("animal_id").run(session);
    ASSERT_EQ(best.size(), 4U);
    EXPECT_EQ(best.number(0, 2), 6.0);
    EXPECT_EQ(test::code_of([&] { (void)ranked.where(field("place") == 1); }), "query.window");
}

TEST_P(QueryResult, FirstGetAndFindSayHowManyRowsThereAre) {
    EXPECT_EQ(all.first(session)->int64(0, 0), 1);
    EXPECT_EQ(all.order_by("-id").first(session)->int64(0, 0), 39);
    EXPECT_FALSE(all.where(field("id") == 99).first(session));
    EXPECT_EQ(all.where(field("id") == 7).get(session).int64(0, 0), 7);
    EXPECT_FALSE(all.where(field("id") == 99).find(session));
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("id") == 99).get(session); }), "query.none");
    EXPECT_EQ(test::code_of([&] { (void)all.get(session); }), "query.many");
    EXPECT_EQ(test::code_of([&] { (void)all.find(session); }), "query.many");
    EXPECT_EQ(visits.get(session, all.where(field("id") == 7)).id, 7);
    EXPECT_FALSE(visits.find(session, all.where(field("id") == 99)));
    EXPECT_EQ(test::code_of([&] { (void)visits.get(session, all); }), "query.many");
    EXPECT_EQ(test::code_of([&] { (void)visits.get(session, all.where(field("id") == 99)); }), "query.none");
}

TEST_P(QueryResult, ChunksGiveEveryRowOnceInOrder) {
    for (const std::int64_t size : {1, 4, 35, 36}) {
        Chunks chunks = all.select({"id", "fee"}).order_by("-fee").chunks(size);
        std::vector<std::int64_t> found;
        for (RowSet rows = chunks.next(session); !rows.empty(); rows = chunks.next(session)) {
            EXPECT_LE(rows.size(), static_cast<std::size_t>(size));
            for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.int64(row, 0));
        }
        EXPECT_EQ(found, ids(all.order_by("-fee").order_by("id"))) << size;
        EXPECT_TRUE(chunks.next(session).empty());
    }
    EXPECT_EQ(test::code_of([&] { (void)all.select({"fee"}).chunks(3); }), "query.keyset");
    EXPECT_EQ(test::code_of([&] { (void)all.limit(3).chunks(3); }), "query.keyset");
    EXPECT_EQ(test::code_of([&] { (void)all.chunks(0); }), "query.limit");
}

TEST_P(QueryResult, ScopesChain) {
    const auto cheap = [](const Query& query) { return query.where(field("fee") < 3.0); };
    EXPECT_EQ(all.apply(cheap).scope("graded").count(session),
              all.where(field("fee") < 3.0 && field("grade").is_not_null()).count(session));
    EXPECT_EQ(all.scope("dearer_than", {{"fee", 4.0}}).count(session),
              all.where(field("fee") > 4.0).count(session));
    EXPECT_EQ(test::code_of([&] { (void)all.scope("dearer_than").run(session); }),
              "expression.missing_parameter");
    for (const std::string& name : test::kHostile) {
        EXPECT_EQ(test::code_of([&] { (void)all.scope(name); }), "query.unknown_scope") << name;
    }
}

TEST_P(QueryResult, AQueryHasABoundOfSteps) {
    Query query = all;
    for (std::size_t i = 0; i < Query::kStepsMax; ++i) query = query.where(field("id") > 0);
    EXPECT_EQ(test::code_of([&] { (void)query.where(field("id") > 0); }), "query.too_long");
}

}  // namespace
}  // namespace consilia::data
