#include "consilia/data/repository.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "data/shelter.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using test::Animal;
using test::Owner;
using test::Species;
using test::Visit;
using namespace std::chrono_literals;

constexpr core::Timestamp kStart{1'700'000'000'000'000};

class RepositoryTest : public testing::Test {
protected:
    RepositoryTest() {
        test::create_shelter(database);
        Owner owner{.name = "Ann"};
        owners.insert(owner);
        Animal animal{.owner_id = owner.id, .name = "Tom"};
        animals.insert(animal);
        visit.animal_id = animal.id;
        visit.reason = "it's \"sick\"; DROP TABLE visits; --";
        visit.fee = 12.5;
        visit.scan.bytes = {std::byte{0}, std::byte{255}};
        visit.ticket.bytes.fill(7);
        visits.insert(visit);
    }

    core::ManualClock clock{kStart};
    Database database{"sqlite::memory:"};
    Repository<Owner> owners{database, clock};
    Repository<Animal> animals{database, clock};
    Repository<Visit> visits{database, clock};
    Visit visit;
};

TEST_F(RepositoryTest, InsertGivesIdAndTimes) {
    EXPECT_EQ(visit.id, 1);
    EXPECT_EQ(visit.created_at, kStart);
    EXPECT_EQ(visit.updated_at, kStart);
    Owner chosen{.id = 77, .name = "Bob"};
    EXPECT_EQ(owners.insert(chosen), 77);
    Owner next{.name = "Cid"};
    EXPECT_EQ(owners.insert(next), 78);
}

TEST_F(RepositoryTest, GivesBackWhatWasInserted) {
    EXPECT_EQ(visits.get(visit.id), visit);
    Animal owl{.name = "Oz", .species = Species::Owl, .born = core::Date{-1}};
    animals.insert(owl);
    EXPECT_EQ(animals.get(owl.id), owl);
    visit.id = 0;
    visit.fee = -0.0;
    visit.grade = std::numeric_limits<std::int64_t>::min();
    visit.reason.assign("\0x\xC3\xA9", 4);
    visit.scan.bytes.clear();
    visits.insert(visit);
    EXPECT_EQ(visits.get(visit.id), visit);
}

TEST_F(RepositoryTest, AMissingRowIsNoneOrNotFound) {
    EXPECT_EQ(visits.find(99), std::nullopt);
    try {
        (void)visits.get(99);
        FAIL();
    } catch (const core::NotFound& error) {
        EXPECT_EQ(error.code(), "record.not_found");
        EXPECT_EQ(error.details_json(), R"({"model":"visits","id":99})");
    }
}

TEST_F(RepositoryTest, AFailedInsertLeavesTheObjectAsItWas) {
    Owner again{.name = "Ann"};
    EXPECT_EQ(test::code_of([&] { owners.insert(again); }), "database.unique");
    EXPECT_EQ(again.id, 0);
    Visit stray = visit;
    stray.id = 0;
    stray.animal_id = 99;
    clock.advance(1s);
    EXPECT_EQ(test::code_of([&] { visits.insert(stray); }), "database.foreign_key");
    EXPECT_EQ(stray.created_at, visit.created_at);
    EXPECT_EQ(stray.id, 0);
}

TEST_F(RepositoryTest, TakesPartInATransaction) {
    {
        Transaction transaction = database.begin();
        Owner owner{.name = "Bob"};
        owners.insert(transaction, owner);
        EXPECT_EQ(owners.get(transaction, owner.id), owner);
    }
    EXPECT_FALSE(owners.first(database.autocommit(), owners.query().where(field(&Owner::name) == "Bob")));
}

TEST_F(RepositoryTest, UpdateStoresEverythingAndMovesUpdatedAt) {
    clock.advance(5s);
    visit.reason = "better";
    visit.is_paid = true;
    visits.update(visit);
    EXPECT_EQ(visit.updated_at, kStart + 5s);
    EXPECT_EQ(visit.created_at, kStart);
    EXPECT_EQ(visits.get(visit.id), visit);
}

TEST_F(RepositoryTest, AStaleUpdateIsAConflictEvenWhenTheClockStandsStill) {
    Visit mine = visits.get(visit.id);
    Visit theirs = visits.get(visit.id);
    theirs.reason = "theirs";
    visits.update(theirs);
    mine.reason = "mine";
    EXPECT_EQ(test::code_of([&] { visits.update(mine); }), "record.stale");
    EXPECT_EQ(mine.updated_at, kStart) << "a refused update must not change the object";
    EXPECT_EQ(test::code_of([&] { visits.update(database.autocommit(), mine, &Visit::reason); }),
              "record.stale");
    EXPECT_EQ(visits.get(visit.id).reason, "theirs");
    mine.id = 99;
    EXPECT_EQ(test::code_of([&] { visits.update(mine); }), "record.not_found");
    EXPECT_EQ(test::code_of([&] { visits.update(database.autocommit(), mine, &Visit::reason); }),
              "record.not_found");
}

TEST_F(RepositoryTest, UpdateOfNamedMembersLeavesTheOthers) {
    visit.reason = "named";
    visit.fee = 99;
    visits.update(database.autocommit(), visit, &Visit::reason);
    const Visit stored = visits.get(visit.id);
    EXPECT_EQ(stored.reason, "named");
    EXPECT_EQ(stored.fee, 12.5);
    EXPECT_EQ(stored.updated_at, visit.updated_at);
    Owner owner = owners.get(1);
    owner.name = "Zoe";
    owners.update(database.autocommit(), owner, &Owner::name);
    EXPECT_EQ(owners.get(1).name, "Zoe");
}

TEST_F(RepositoryTest, ASoftDeletedRowIsHiddenAndComesBack) {
    clock.advance(1s);
    const Autocommit session = database.autocommit();
    visits.soft_delete(session, visit.id, 42);
    EXPECT_EQ(visits.find(session, visit.id), std::nullopt);
    EXPECT_EQ(visits.query().count(session), 0);
    EXPECT_EQ(visits.query().with_deleted().count(session), 1);
    const auto hidden = visits.find_with_deleted(session, visit.id);
    ASSERT_TRUE(hidden);
    EXPECT_TRUE(hidden->is_deleted);
    EXPECT_EQ(hidden->deleted_at, kStart + 1s);
    EXPECT_EQ(hidden->deleted_by, 42);
    EXPECT_EQ(test::code_of([&] { visits.soft_delete(session, visit.id); }), "record.not_found")
        << "deleted twice";
    EXPECT_EQ(test::code_of([&] { visits.update(session, visit); }), "record.stale");

    visits.restore(session, visit.id);
    const Visit restored = visits.get(session, visit.id);
    EXPECT_EQ(restored.deleted_at, std::nullopt);
    EXPECT_EQ(restored.deleted_by, std::nullopt);
    EXPECT_EQ(test::code_of([&] { visits.restore(session, visit.id); }), "record.not_found");
    EXPECT_EQ(test::code_of([&] { owners.soft_delete(session, 1); }), "record.no_soft_delete");
}

TEST_F(RepositoryTest, RemoveDeletesForGood) {
    const Autocommit session = database.autocommit();
    EXPECT_EQ(test::code_of([&] { animals.remove(session, visit.animal_id); }), "database.foreign_key");
    visits.soft_delete(session, visit.id);
    visits.remove(session, visit.id);
    EXPECT_EQ(visits.find_with_deleted(session, visit.id), std::nullopt);
    EXPECT_EQ(test::code_of([&] { visits.remove(session, visit.id); }), "record.not_found");
    Visit next = visit;
    next.id = 0;
    next.is_deleted = false;
    visits.insert(session, next);
    EXPECT_GT(next.id, visit.id) << "the id of a removed row was given again";
}

TEST_F(RepositoryTest, PagesCountAndGoEmptyPastTheEnd) {
    for (int i = 0; i < 10; ++i) {
        Owner owner{.name = "owner " + std::to_string(i)};
        owners.insert(owner);
    }
    const ReadScope scope = database.read();
    const Query all = owners.query().order_by("id");
    const Page<Owner> last = owners.page(scope, all, 3, 5);
    EXPECT_EQ(last.count, 11);
    EXPECT_EQ(last.num_pages, 3);
    EXPECT_EQ(last.results.size(), 1U);
    EXPECT_FALSE(last.has_next);
    EXPECT_TRUE(last.has_previous);
    EXPECT_TRUE(owners.page(scope, all, 2, 5).has_next);
    EXPECT_TRUE(owners.page(scope, all, 4, 5).results.empty());
    EXPECT_FALSE(owners.page(scope, all, 1, 11).has_next);
    for (const std::int64_t wrong :
         {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
        EXPECT_EQ(test::code_of([&] { (void)owners.page(scope, all, wrong, 5); }), "query.page") << wrong;
        EXPECT_EQ(test::code_of([&] { (void)all.page(5, wrong); }), "query.page") << wrong;
    }
}

TEST_F(RepositoryTest, TypedFieldsFollowReferences) {
    EXPECT_EQ(core::to_text(field(&Animal::species) == Species::Dog), "species = 'dog'");
    const auto owner_name = field(&Visit::animal_id, &Animal::owner_id, &Owner::name);
    EXPECT_EQ(owner_name.path(), "animal.owner.name");
    const Autocommit session = database.autocommit();
    EXPECT_EQ(visits.list(session, visits.query().where(owner_name == "Ann")).size(), 1U);
    EXPECT_EQ(visits.list(session, visits.query().where(owner_name.in({"Bob", "Cid"}))).size(), 0U);
    EXPECT_EQ(visits.list(session, visits.query().where(field(&Visit::fee) > 12)).size(), 1U);
    EXPECT_EQ(test::code_of([] { (void)field(&Visit::grade, &Owner::name); }), "mapping.member");
    EXPECT_EQ(visits.list(session, visits.query().include("animal")).size(), 1U);
    EXPECT_EQ(test::code_of([&] { (void)visits.list(session, visits.query().select({"id"})); }),
              "query.unsupported");
}

TEST_F(RepositoryTest, AStoredNameWithoutEnumeratorIsAnError) {
    database.execute("INSERT INTO animals (name, species) VALUES ('Rex', 'dragon')");
    EXPECT_EQ(test::code_of([&] { (void)animals.get(2); }), "field.enum");
}

}  // namespace
}  // namespace consilia::data
