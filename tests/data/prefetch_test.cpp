#include <gtest/gtest.h>

#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;

class Prefetch : public test::FilledShelter {};
INSTANTIATE_ON_BOTH(Prefetch);

TEST_P(Prefetch, GivesEachRowItsChildrenInTheirOrder) {
    const Query query = owners.query().order_by("-name").prefetch(
        "pets",
        animals.query().order_by("-name").prefetch("cheap", all.where(field("fee") < 2.0).order_by("-id"),
                                                   "animal"),
        "owner");
    const RowTree tree = query.run_tree(session);
    ASSERT_EQ(tree.rows.size(), 2U);
    ASSERT_EQ(tree.branches.size(), 1U);
    const RowBranch& pets = tree.branches[0];
    EXPECT_EQ(pets.name, "pets");
    ASSERT_EQ(pets.ranges.size(), 2U);
    EXPECT_EQ(tree.rows.text(0, 1), "Bob");
    EXPECT_EQ(pets.ranges[0].size(), 1U);
    ASSERT_EQ(pets.ranges[1].size(), 2U);
    const RowSet& rows = pets.children.rows;
    EXPECT_EQ(rows.text(pets.ranges[1].begin, rows.column_index("name")), "Tom");
    EXPECT_EQ(rows.text(pets.ranges[1].begin + 1, rows.column_index("name")), "Oz");
    const RowBranch& cheap = pets.children.branches[0];
    std::size_t children = 0;
    for (std::size_t pet = 0; pet < rows.size(); ++pet) {
        const RowSet& of = cheap.children.rows;
        std::int64_t last = 1'000'000;
        for (std::size_t at = cheap.ranges[pet].begin; at < cheap.ranges[pet].end; ++at, ++children) {
            EXPECT_EQ(of.int64(at, of.column_index("animal_id")), rows.int64(pet, 0));
            EXPECT_LT(of.int64(at, 0), last);
            last = of.int64(at, 0);
        }
    }
    EXPECT_EQ(static_cast<std::int64_t>(children),
              all.where(field("fee") < 2.0 && field("animal.owner_id").is_not_null()).count(session));
}

TEST_P(Prefetch, ALimitIsOfTheChildrenOfEachRow) {
    const Query whole = all.with_deleted().where(field("fee") < 5.0);
    const std::vector<Query> orders = {
        whole.order_by("-id"),
        whole.order_by("grade", {.is_descending = true, .nulls = Nulls::First})
            .order_by("fee")
            .order_by("-id"),
        whole.order_by("grade", {.nulls = Nulls::Last}).order_by("id"),
        whole.annotate("double_fee", field("fee") * 2).order_by("-double_fee").order_by("id"),
        whole.include("animal").order_by("-animal.owner.name").order_by("reason").order_by("id"),
        whole.select({"animal_id", "reason", "id"}).order_by("reason").order_by("-id")};
    for (const Query& order : orders) {
        for (const auto& [limit, offset] : {std::pair{3, 0}, {2, 1}, {1, 7}, {0, 0}, {100, 2}}) {
            const RowTree tree = animals.query()
                                     .order_by("id")
                                     .prefetch("visits", order.limit(limit).offset(offset), "animal")
                                     .run_tree(session);
            const RowSet& found = tree.branches[0].children.rows;
            const std::size_t id = found.column_index("id");
            for (std::size_t animal = 0; animal < tree.rows.size(); ++animal) {
                const std::vector<std::int64_t> wanted =
                    ids(order.where(field("animal_id") == tree.rows.int64(animal, 0))
                            .limit(limit)
                            .offset(offset));
                std::vector<std::int64_t> given;
                const RowRange range = tree.branches[0].ranges[animal];
                for (std::size_t at = range.begin; at < range.end; ++at) given.push_back(found.int64(at, id));
                EXPECT_EQ(given, wanted) << order.sql().text;
            }
        }
    }
    const std::vector<std::int64_t> keys = {4, 1};
    const auto first_of = [&](const Query& query) {
        return visits.list_for(session, query, &test::Visit::animal_id, keys).of(1)[0].id;
    };
    EXPECT_EQ(first_of(all.order_by("id").limit(1)), 1);
    EXPECT_EQ(first_of(all.order_by("-id").offset(2)),
              ids(all.where(field("animal_id") == 1).order_by("-id"))[2]);
    EXPECT_EQ(test::code_of([&] { (void)first_of(all.distinct().limit(1)); }), "query.unsupported");
}

TEST_P(Prefetch, WritesNestedJson) {
    const Query query =
        owners.query()
            .select({"id", "name"})
            .order_by("id")
            .prefetch("pets", animals.query().select({"owner_id", "name"}).order_by("id"), "owner");
    EXPECT_EQ(to_json(query.run_tree(session)),
              R"([{"id":1,"name":"Ann","pets":[{"owner_id":1,"name":"Tom"},{"owner_id":1,"name":"Oz"}]},)"
              R"({"id":2,"name":"Bob","pets":[{"owner_id":2,"name":"Tom"}]}])");
    const RowTree none = query.where(field("id") > 5).run_tree(session);
    EXPECT_EQ(to_json(none), "[]");
    EXPECT_EQ(none.branches.size(), 1U);
}

TEST_P(Prefetch, ASingleRowComesWithItsChildren) {
    const Query query = owners.query().prefetch("pets", animals.query(), "owner");
    const auto pets_of = [](const RowTree& tree) { return tree.branches[0].ranges[0].size(); };
    EXPECT_EQ(pets_of(query.where(field("id") == 1).get_tree(session)), 2U);
    EXPECT_EQ(pets_of(query.order_by("-id").first_tree(session).value()), 1U);
    EXPECT_EQ(query.first_tree(session)->rows.int64(0, 0), 1);
    EXPECT_EQ(query.order_by("-id").limit(1).get_tree(session).rows.int64(0, 0), 2);
    EXPECT_FALSE(query.where(field("id") > 5).find_tree(session).has_value());
    EXPECT_FALSE(query.where(field("id") > 5).first_tree(session).has_value());
    EXPECT_EQ(test::code_of([&] { (void)query.find_tree(session); }), "query.many");
    EXPECT_EQ(test::code_of([&] { (void)query.where(field("id") > 5).get_tree(session); }), "query.none");
}

TEST_P(Prefetch, RefusesWhatWouldGiveOtherRowsThanMeant) {
    const Query query = owners.query();
    EXPECT_EQ(test::code_of([&] { (void)query.prefetch("pets", animals.query().distinct(), "owner"); }),
              "query.prefetch");
    EXPECT_EQ(test::code_of([&] { (void)query.prefetch("visits", all, "animal"); }), "query.prefetch");
    EXPECT_EQ(test::code_of([&] { (void)query.prefetch("pets", animals.query(), "keeper"); }),
              "query.unknown_field");
    EXPECT_EQ(test::code_of([&] { (void)query.prefetch("name", animals.query(), "owner"); }), "query.name");
    EXPECT_EQ(test::code_of([&] { (void)query.prefetch("a\"b", animals.query(), "owner"); }), "query.name");
    const Query right = query.prefetch("pets", animals.query(), "owner");
    EXPECT_EQ(test::code_of([&] { (void)right.run(session); }), "query.unsupported");
    EXPECT_EQ(right.count(session), 2);
    EXPECT_EQ(test::code_of([&] { (void)right.select({"name"}).run_tree(session); }), "row.unknown_column");
}

TEST_P(Prefetch, ObjectsOfManyParents) {
    const std::vector<std::int64_t> keys = {2, 9, 1, 2};
    const Grouped<test::Animal> grouped =
        animals.list_for(session, animals.query().order_by("name"), &test::Animal::owner_id, keys);
    ASSERT_EQ(grouped.ranges.size(), 4U);
    EXPECT_EQ(grouped.of(0).size(), 1U);
    EXPECT_TRUE(grouped.of(1).empty());
    ASSERT_EQ(grouped.of(2).size(), 2U);
    EXPECT_EQ(grouped.of(2)[0].name, "Oz");
    EXPECT_EQ(grouped.of(3)[0].name, "Tom");
    EXPECT_EQ(animals.list_for(session, animals.query().limit(1), &test::Animal::owner_id, keys).of(2).size(),
              1U)
        << "a limit is of each parent's own";
}

}  // namespace
}  // namespace consilia::data
