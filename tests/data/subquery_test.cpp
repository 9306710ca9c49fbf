// Queries inside queries: exists, in, values of related rows, unions and trees.
#include "consilia/data/subquery.hpp"

#include <gtest/gtest.h>

#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::count;
using core::field;
using core::outer;
using core::Value;

struct Place {
    std::int64_t id = 0;
    std::optional<std::int64_t> parent_id{};
    std::string name;
};

class Subqueries : public test::FilledShelter {
protected:
    Query animals_ = animals.query();
    Query owners_ = owners.query();
};
INSTANTIATE_ON_BOTH(Subqueries);

TEST_P(Subqueries, ExistsLooksAtTheRowAround) {
    const Query with_cats =
        owners_.where(exists(animals_.where(field("owner_id") == outer("id") && field("name") == "Oz")));
    EXPECT_EQ(ids(with_cats), std::vector<std::int64_t>{1});
    EXPECT_EQ(ids(owners_.exclude(exists(related(animals_, "owner").where(field("name") == "Oz")))),
              std::vector<std::int64_t>{2});
    EXPECT_EQ(with_cats.count(session), 1);
}

TEST_P(Subqueries, ASubqueryOnTheSameTableKeepsItsRowsApart) {
    // The first animal of each owner: no other of the same owner has a smaller id.
    const Query first = animals_.exclude(
        exists(animals_.where(field("owner_id") == outer("owner_id") && field("id") < outer("id"))));
    EXPECT_EQ(ids(first.order_by("id")), (std::vector<std::int64_t>{1, 3, 4}));
    // Two levels: animals whose owner has an animal with more visits than a visit's id can be.
    const Query nested = owners_.where(
        exists(related(animals_, "owner").where(exists(related(all, "animal").where(field("fee") == 6.0)))));
    EXPECT_EQ(ids(nested.order_by("id")), (std::vector<std::int64_t>{1, 2}));
}

TEST_P(Subqueries, InLooksForAValueAmongRows) {
    const Query of_ann =
        all.where(in(field("animal_id"), animals_.where(field("owner.name") == "Ann").select({"id"})));
    EXPECT_EQ(of_ann.count(session), 20);
    EXPECT_EQ(all.exclude(in(field("animal_id"), animals_.where(field("owner.name") == "Ann").select({"id"})))
                  .count(session),
              15);
    const Query newest = animals_.order_by("-id").limit(1).select({"id"});
    EXPECT_EQ(all.where(in(field("animal_id"), newest)).count(session), 5);
    EXPECT_EQ(all.where(in(field("animal_id"), newest.offset(1))).count(session), 10);
    EXPECT_EQ(test::code_of([&] { (void)in(field("id"), animals_); }), "query.subquery");
    EXPECT_EQ(test::code_of([&] { (void)in(field("id"), animals_.for_update().select({"id"})); }),
              "query.unsupported");
}

TEST_P(Subqueries, ValuesOfRelatedRowsMultiplyNothing) {
    const Query query =
        owners_.annotate("animals", scalar(related(animals_, "owner"), count()))
            .annotate("visits", scalar(all.where(field("animal.owner_id") == outer("id")), count()))
            .annotate("dearest",
                      scalar(all.where(field("animal.owner_id") == outer("id")), core::max(field("fee"))))
            .where(field("animals") > 0)
            .order_by("-visits");
    const RowSet rows = query.run(session);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.int64(0, rows.column_index("animals")), 2);
    EXPECT_EQ(rows.int64(0, rows.column_index("visits")), 20);
    EXPECT_EQ(rows.number(0, rows.column_index("dearest")), 6.0);
    EXPECT_EQ(rows.int64(1, rows.column_index("animals")), 1);
    const Query last = owners_.annotate(
        "last", scalar(related(animals_, "owner").order_by("-id").limit(1).select({"name"})));
    EXPECT_EQ(last.order_by("id").run(session).text(0, 3), "Oz");
    EXPECT_EQ(test::code_of([&] { (void)scalar(animals_, field("id")); }), "query.aggregate");
    EXPECT_EQ(test::code_of([&] { (void)scalar(animals_.limit(1), count()); }), "query.unsupported");
}

TEST_P(Subqueries, BindingsOfTheSameShapeAreCollectedAnew) {
    const auto count_of = [&](const char* name, double fee) {
        return all
            .where(exists(animals_.where(field("id") == outer("animal_id") && field("name") == name)) &&
                   field("fee") == fee)
            .count(session);
    };
    EXPECT_EQ(count_of("Oz", 1.0), count_of("Oz", 1.0));
    EXPECT_EQ(count_of("Nobody", 1.0), 0);
    EXPECT_EQ(count_of("Tom", 1.0) + count_of("Oz", 1.0) + count_of("Stray", 1.0),
              all.where(field("fee") == 1.0).count(session));
}

TEST_P(Subqueries, UnionsOfRows) {
    const Query names = owners_.select({"name"}).union_all(animals_.select({"name"}));
    EXPECT_EQ(names.count(session), 6);
    EXPECT_EQ(names.run(session).columns()[0].name, "name");
    EXPECT_EQ(owners_.select({"name"}).union_distinct(animals_.select({"name"})).count(session), 5);
    const RowSet rows = names.where(field("name") != "Tom").order_by("-name").limit(2).run(session);
    EXPECT_EQ(rows.text(0, 0), "Stray");
    EXPECT_EQ(rows.text(1, 0), "Oz");
    const Query ends = all.select({"id"}).order_by("id").limit(1).union_all(
        all.select({"id"}).order_by("-id").limit(2).offset(1));
    EXPECT_EQ(ids(ends.order_by("id")), (std::vector<std::int64_t>{1, 37, 38}));
    EXPECT_EQ(test::code_of([&] { (void)owners_.select({"name"}).union_all(animals_.select({"id"})); }),
              "query.union");
    EXPECT_EQ(test::code_of([&] { (void)owners_.select({"name"}).union_all(animals_); }), "query.union");
}

TEST_P(Subqueries, RowsAreBuiltUpon) {
    const Query grouped = all.group_by({"animal_id"}).annotate("visits", count());
    const RowSet most = grouped.rows().aggregate(session, {{"most", core::max(field("visits"))}});
    EXPECT_EQ(most.int64(0, 0), 10);
    EXPECT_EQ(all.order_by("id").limit(3).rows().aggregate(session, {{"n", count()}}).int64(0, 0), 3);
    EXPECT_EQ(all.with_deleted().rows().count(session), 40) << "rows are hidden once, by the query itself";
    EXPECT_EQ(test::code_of([&] { (void)all.include("animal").rows(); }), "query.name");
    EXPECT_EQ(test::code_of([&] { all.rows().remove(session); }), "query.unsupported");
}

TEST_P(Subqueries, TreesAreFollowedInBothDirectionsAndCyclesEnd) {
    Model model("places");
    model.add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
    model.add_column({.name = "parent_id", .type = core::ValueType::Int64, .is_nullable = true});
    model.add_column({.name = "name", .type = core::ValueType::Text});
    model.add_reference({"parent", "parent_id", model.self()});
    create_tables(database, std::array<const Model*, 1>{&model});
    // World > Europe > France > Paris, World > Asia; and two that are each other's parent.
    const std::vector<std::vector<Value>> rows = {
        {1, Value(), "World"}, {2, 1, "Europe"},     {3, 2, "France"}, {4, 3, "Paris"},
        {5, 1, "Asia"},        {6, Value(), "Left"}, {7, 6, "Right"}};
    { insert_many(session, model, {"id", "parent_id", "name"}, rows); }
    const Query places(model);
    places.where(field("id") == 6).update(session, {{"parent_id", 7}});
    EXPECT_EQ(ids(places.where(field("name") == "Europe").with_descendants("parent").order_by("id")),
              (std::vector<std::int64_t>{2, 3, 4}));
    EXPECT_EQ(ids(places.where(field("name") == "Paris").with_ancestors("parent").order_by("id")),
              (std::vector<std::int64_t>{1, 2, 3, 4}));
    EXPECT_EQ(ids(places.where(field("id") == 7).with_descendants("parent").order_by("id")),
              (std::vector<std::int64_t>{6, 7}));
    EXPECT_EQ(ids(places.where(field("parent.parent.name") == "World").order_by("id")),
              std::vector<std::int64_t>{3});
    EXPECT_EQ(test::code_of([&] { (void)animals_.with_descendants("owner"); }), "query.recursive");
    EXPECT_EQ(test::code_of([&] { (void)places.with_descendants("name"); }), "query.unknown_field");
}

}  // namespace
}  // namespace consilia::data
