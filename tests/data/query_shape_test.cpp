// Goal: a statement's text depends on the shape of a query alone. Method: values from a corpus of hostile
// texts, and such texts in every place that takes a name: the text stays, or the call is refused.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "consilia/core/functions.hpp"
#include "consilia/data/subquery.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;

/// Hand-made texts, and random ones of pieces that mean something in SQL.
std::vector<std::string> corpus() {
    std::vector<std::string> texts = test::kHostile;
    static const char* const kPieces[] = {
        "'",  "\"", ";",  "--", "/*", "*/", "(",  ")",  " ", "or 1=1", "union select",
        "$1", "?",  ":a", "\\", "%",  "\n", "\0", "id", ".", ",",      "\xC3",
        "#",  "`",  "]",  "a"};
    std::mt19937 random(7);
    for (int i = 0; i < 500; ++i) {
        std::string text;
        for (std::size_t n = 1 + random() % 6; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
        texts.push_back(text);
    }
    return texts;
}

class Shape : public testing::Test {
protected:
    /// All values of the query are `text` or made of it.
    Query query_of(const std::string& text) const {
        const Query inner = animals_.where(field("name") == text && field("id") == core::outer("animal_id"));
        return visits_.where(field("reason") == text)
            .exclude(field("reason").like(text))
            .where(exists(inner))
            .annotate("json", core::json_text(field("findings"), {text, 0}))
            .annotate("joined", core::concat({field("reason"), text}))
            .annotate("mates", scalar(inner, core::count()))
            .search("w" + text)
            .where(field("joined") != text)
            .order_by("-id")
            .after(std::vector<Value>{static_cast<std::int64_t>(text.size())})
            .page(2, 10);
    }
    Query visits_{mapping_of<test::Visit>().model()};
    Query animals_{mapping_of<test::Animal>().model()};
};

TEST_F(Shape, ValuesNeverChangeAStatement) {
    for (const auto dialect : {core::SqlDialect::Sqlite, core::SqlDialect::PostgreSql}) {
        const core::SqlFragment plain = query_of("plain").sql(dialect);
        for (const std::string& text : corpus()) {
            const core::SqlFragment hostile = query_of(text).sql(dialect);
            ASSERT_EQ(hostile.text, plain.text) << text;
            ASSERT_EQ(hostile.bindings.size(), plain.bindings.size()) << text;
        }
    }
}

TEST_F(Shape, NamesAreOfTheModelOrRefused) {
    const auto expect_refused = [](const std::string& name, const auto& step) {
        EXPECT_NE(test::code_of(step), "nothing was thrown") << name;
    };
    for (const std::string& name : corpus()) {
        const bool is_known = name == "id" || name == "-id" || name == "animal" || name == "a";
        if (is_known) continue;
        expect_refused(name, [&] { (void)visits_.order_by(name); });
        expect_refused(name, [&] { (void)visits_.select({name}); });
        expect_refused(name, [&] { (void)visits_.defer({name}); });
        expect_refused(name, [&] { (void)visits_.group_by({name}); });
        expect_refused(name, [&] { (void)visits_.include(name); });
        expect_refused(name, [&] { (void)visits_.scope(name); });
        expect_refused(name, [&] { (void)visits_.where(field(name) == 1).sql(); });
        expect_refused(name, [&] { (void)visits_.prefetch(name, visits_, "animal"); });
        expect_refused(name, [&] { (void)animals_.prefetch("visits", visits_, name); });
        expect_refused(name, [&] { (void)visits_.with_descendants(name); });
        expect_refused(name, [&] { (void)related(visits_, name); });
        const bool is_name =
            !name.empty() &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
        if (!is_name) expect_refused(name, [&] { (void)visits_.annotate(name, core::Term(1)); });
        if (!is_name)
            expect_refused(name, [&] { (void)visits_.search("x", {.rank_as = name.empty() ? " " : name}); });
    }
}

TEST_F(Shape, QueriesThatDifferHaveOtherStatements) {
    const std::vector<Query> queries = {
        visits_,
        visits_.with_deleted(),
        visits_.where(field("grade") == 1),
        visits_.where(field("grade") == Value()),
        visits_.where(field("grade") != 1),
        visits_.where(field("is_paid") == true),
        visits_.where(field("is_paid") == false),
        visits_.where(field("grade").in({1, 2})),
        visits_.where(field("grade").in({1, 2, 3})),
        visits_.order_by("grade"),
        visits_.order_by("-grade"),
        visits_.order_by("grade", {.nulls = Nulls::Last}),
        visits_.limit(1),
        visits_.limit(2),
        visits_.limit(2).offset(1),
        visits_.select({"id", "grade"}),
        visits_.select({"grade", "id"}),
        visits_.distinct(),
        visits_.include("animal"),
        visits_.annotate("x", field("grade") + 1),
        visits_.annotate("y", field("grade") - 1),
        visits_.group_by({"grade"}),
        visits_.rows(),
        visits_.rows().where(field("grade") == 1),
        visits_.union_all(visits_),
        visits_.union_distinct(visits_),
        visits_.where(exists(animals_)),
        visits_.where(exists(animals_.limit(1).offset(1))),
        visits_.where(exists(animals_.limit(1).offset(2))),
        animals_,
    };
    for (int round = 0; round < 2; ++round) {  // The second one finds the plans of the first.
        std::set<std::string> texts;
        for (const Query& query : queries) texts.insert(query.sql().text);
        EXPECT_EQ(texts.size(), queries.size());
    }
    EXPECT_EQ(visits_.limit(2).offset(1).sql().text, visits_.limit(2).offset(7).sql().text);
    EXPECT_EQ(
        visits_.limit(2)
            .offset(7)
            .sql(core::SqlDialect::PostgreSql)
            .text.substr(visits_.limit(2).offset(7).sql(core::SqlDialect::PostgreSql).text.find(" LIMIT")),
        " LIMIT 2 OFFSET 7");
}

TEST_F(Shape, AModelAtTheAddressOfAnotherGetsItsOwnStatements) {
    std::set<std::string> texts;
    for (const char* column : {"one", "two", "three"}) {
        Model model("things");
        model.add_column({.name = column, .type = core::ValueType::Int64});
        texts.insert(Query(model).sql().text);
    }
    EXPECT_EQ(texts.size(), 3U);
}

TEST_F(Shape, ManyShapesPushOldPlansOut) {
    for (std::int64_t limit = 0; limit < 5'000; ++limit) {
        const std::string text = visits_.limit(limit).sql().text;
        ASSERT_TRUE(text.ends_with(" LIMIT " + std::to_string(limit))) << text;
    }
}

}  // namespace
}  // namespace consilia::data
