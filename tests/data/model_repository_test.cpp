#include "consilia/data/model_repository.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

#include "consilia/core/error.hpp"
#include "data/fresh_database.hpp"
#include "data/shelter.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;

constexpr core::Timestamp kStart{1'700'000'000'000'000};

class ModelRepositoryTest : public test::OnBothDatabases {
protected:
    ModelRepositoryTest() { test::create_shelter(database); }

    /// An animal's first visit.
    std::int64_t add_visit() {
        const auto owner = owners.insert(session, {{"name", Value("Ann")}});
        const auto animal = animals.insert(
            session, {{"owner_id", Value(owner.id)}, {"name", Value("Tom")}, {"species", Value("cat")}});
        return visits.insert(session, visit_of(animal.id)).id;
    }
    [[nodiscard]] static std::vector<Assignment> visit_of(std::int64_t animal) {
        return {{"animal_id", Value(animal)},
                {"reason", Value("cough")},
                {"fee", Value(2)},
                {"is_paid", Value(false)},
                {"findings", Value(core::Json{"{}"})},
                {"scan", Value(core::Blob{})},
                {"ticket", Value(core::Uuid{})},
                {"is_deleted", Value(false)}};
    }
    template <class T>
    ModelRepository repository() {
        return ModelRepository(mapping_of<T>().shared_model(), clock);
    }
    [[nodiscard]] Value cell(const RowSet& row, std::string_view name) const {
        return row.value(0, row.column_index(name));
    }

    core::ManualClock clock{kStart};
    Database database{fresh.url()};
    ModelRepository owners = repository<test::Owner>();
    ModelRepository animals = repository<test::Animal>();
    ModelRepository visits = repository<test::Visit>();
    Autocommit session = database.autocommit();
};
INSTANTIATE_ON_BOTH(ModelRepositoryTest);

TEST_P(ModelRepositoryTest, ManyRowsAreSignedByWhoActs) {
    const auto notes = std::make_shared<Model>("notes");
    notes->add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
    notes->add_column({.name = "name", .type = core::ValueType::Text, .is_unique = true});
    for (const char* name : {"created_by", "updated_by"})
        notes->add_column({.name = name, .type = core::ValueType::Int64, .is_nullable = true});
    create_tables(database, std::array<const Model*, 1>{notes.get()});
    const ModelRepository repository(notes, clock);
    RowSet rows({{"name", core::ValueType::Text}});
    for (const char* name : {"a", "b"}) rows.append(Value(name));
    const auto signatures = [&] {
        const RowSet found = repository.query().select({"created_by", "updated_by"}).run(session);
        return std::pair(found.value(0, 0), found.value(1, 1));
    };
    Transaction first = database.begin();
    first.act_as(7);
    EXPECT_EQ(repository.insert_all(first, rows), 2);
    first.commit();
    EXPECT_EQ(signatures(), std::pair(Value(7), Value(7)));
    Transaction second = database.begin();
    second.act_as(8);
    EXPECT_EQ(repository.upsert_all(second, rows, {{"name"}, {"name"}}), 2);
    second.commit();
    EXPECT_EQ(signatures(), std::pair(Value(7), Value(8)));
}

TEST_P(ModelRepositoryTest, FindsWhatWasInsertedWithItsTimes) {
    const RowSet row = visits.get(session, add_visit());
    EXPECT_EQ(cell(row, "reason"), Value("cough"));
    EXPECT_EQ(cell(row, "fee"), Value(2.0));
    EXPECT_EQ(cell(row, "created_at"), Value(kStart));
    EXPECT_EQ(cell(row, "updated_at"), Value(kStart));
    EXPECT_TRUE(visits.find(session, 99).empty());
    EXPECT_EQ(test::code_of([&] { (void)visits.get(session, 99); }), "record.not_found");
}

TEST_P(ModelRepositoryTest, RefusesAStaleUpdate) {
    const std::int64_t id = add_visit();
    const auto second = visits.update(session, id, {{"reason", Value("fever")}}, kStart);
    ASSERT_TRUE(second);
    EXPECT_GT(second->microseconds, kStart.microseconds);  // The clock stands still.
    EXPECT_EQ(test::code_of([&] {
                  visits.update(session, id, {{"reason", Value("x")}}, kStart);
              }),
              "record.stale");
    EXPECT_EQ(test::code_of([&] {
                  visits.update(session, 99, {{"reason", Value("x")}}, kStart);
              }),
              "record.not_found");
    EXPECT_EQ(cell(visits.get(session, id), "reason"), Value("fever"));
    EXPECT_FALSE(owners.update(session, 1, {{"name", Value("Bob")}}));
}

TEST_P(ModelRepositoryTest, HidesAndRestoresRows) {
    const std::int64_t id = add_visit();
    visits.soft_delete(session, id, 5);
    EXPECT_TRUE(visits.find(session, id).empty());
    EXPECT_EQ(cell(visits.find_with_deleted(session, id), "deleted_by"), Value(5));
    EXPECT_EQ(test::code_of([&] { visits.soft_delete(session, id); }), "record.not_found");
    visits.restore(session, id);
    EXPECT_TRUE(cell(visits.get(session, id), "deleted_at").is_null());
    EXPECT_EQ(test::code_of([&] { owners.soft_delete(session, 1); }), "record.no_soft_delete");
    visits.remove(session, id);
    EXPECT_EQ(test::code_of([&] { visits.remove(session, id); }), "record.not_found");
}

TEST_P(ModelRepositoryTest, InsertsAndUpsertsRowsByColumn) {
    RowSet rows(std::vector<RowColumn>{{"name", core::ValueType::Text}, {"email", core::ValueType::Text}});
    for (const char* name : {"Ann", "Bob"}) {
        rows.append(Value(name));
        rows.append(Value());
    }
    EXPECT_EQ(owners.insert_all(session, rows), 2);
    RowSet changed(std::vector<RowColumn>{{"name", core::ValueType::Text}, {"email", core::ValueType::Text}});
    for (const char* name : {"Bob", "Cid"}) {
        changed.append(Value(name));
        changed.append(Value("new"));
    }
    owners.upsert_all(session, changed, {{"name"}, {"email"}});
    const RowSet all = owners.query().order_by("name").run(session);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_TRUE(all.is_null(0, all.column_index("email")));
    EXPECT_EQ(all.text(1, all.column_index("email")), "new");
}

TEST_P(ModelRepositoryTest, RefusesColumnsAndTypesThatTheModelDoesNotHave) {
    RowSet unknown(std::vector<RowColumn>{{"colour", core::ValueType::Text}});
    unknown.append(Value("red"));
    EXPECT_EQ(test::code_of([&] { owners.insert_all(session, unknown); }), "query.unknown_field");
    RowSet wrong(std::vector<RowColumn>{{"name", core::ValueType::Int64}});
    wrong.append(Value(1));
    EXPECT_EQ(test::code_of([&] { owners.insert_all(session, wrong); }), "query.type");
    EXPECT_EQ(owners.query().count(session), 0);
}

TEST_P(ModelRepositoryTest, SavepointsOfLanguagesWithoutFunctionsForBlocksNest) {
    Transaction transaction = database.begin();
    transaction.begin_savepoint();
    owners.insert(transaction, {{"name", Value("Ann")}});
    transaction.begin_savepoint();
    owners.insert(transaction, {{"name", Value("Bob")}});
    transaction.undo_savepoint();
    transaction.release_savepoint();
    EXPECT_EQ(test::code_of([&] { transaction.release_savepoint(); }), "database.transaction");
    EXPECT_EQ(test::code_of([&] { transaction.undo_savepoint(); }), "database.transaction");
    transaction.commit();
    EXPECT_EQ(owners.query().count(session), 1);
}

}  // namespace
}  // namespace consilia::data
