// Goal: behind PgBouncer in transaction mode all works that works without, and nothing stays on the server
// connection. Method: a pool that has one server connection, so that every client meets what another left.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/repository.hpp"
#include "data/shelter.hpp"
#include "support/errors.hpp"
#include "support/pgbouncer.hpp"

namespace consilia::data {
namespace {

using core::Value;
using test::Owner;
using test::PostgresServer;

constexpr DatabaseOptions kPooled{
    .connections_max = 4, .busy_timeout = std::chrono::seconds(5), .prepared_statements = false};

class PgBouncerTest : public testing::Test {
protected:
    PgBouncerTest() { test::create_shelter(database); }
    void TearDown() override {
        Database next(url, kPooled);
        EXPECT_EQ(next.query("SELECT count(*) FROM pg_prepared_statements").int64(0, 0), 0);
        EXPECT_EQ(next.query("SHOW lock_timeout").text(0, 0), "0");
    }

    test::PgBouncer pool{PostgresServer::instance()};
    std::string url = pool.url(PostgresServer::instance().create_database());
    Database database{url, kPooled};
    core::ManualClock clock{core::Timestamp{1'700'000'000'000'000}};
    Repository<Owner> owners{database, clock};
    Repository<test::Animal> animals{database, clock};
    Autocommit session = database.autocommit();
};

TEST_F(PgBouncerTest, ClientsTakeTurnsOnOneServerConnection) {
    Database other(url, kPooled);
    const auto process = [](Database& from) { return from.query("SELECT pg_backend_pid()").int64(0, 0); };
    ASSERT_EQ(process(database), process(other)) << "otherwise nothing here is put to the test";
    for (std::int64_t i = 0; i < 5; ++i) {
        // One statement, with other types for its place.
        EXPECT_EQ(database.query("SELECT $1::bigint + 1", std::vector<Value>{i}).int64(0, 0), i + 1);
        EXPECT_EQ(other.query("SELECT $1::text || '!'", std::vector<Value>{"a"}).text(0, 0), "a!");
    }
}

TEST_F(PgBouncerTest, ThreadsThatReadAndWriteTheSameRowLoseNothing) {
    Owner owner{.name = "Ann", .email = "0"};
    owners.insert(session, owner);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            Database mine(url, kPooled);
            const Repository<Owner> repository(mine, clock);
            for (int i = 0; i < 25; ++i) {
                mine.transact([&](Transaction& transaction) {
                    Owner found = *repository.find(
                        transaction, repository.query().where(field(&Owner::name) == "Ann").for_update());
                    found.email = std::to_string(std::stoi(*found.email) + 1);
                    repository.update(transaction, found);
                });
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(owners.get(session, owner.id).email, "100");
}

TEST_F(PgBouncerTest, SavepointsAndFailuresUndoWhatTheyShould) {
    {
        Transaction transaction = database.begin();
        Owner kept{.name = "kept"};
        owners.insert(transaction, kept);
        EXPECT_EQ(test::code_of([&] {
                      transaction.savepoint([&] {
                          Owner twice{.name = "kept"};
                          owners.insert(transaction, twice);
                      });
                  }),
                  "database.unique");
        transaction.commit();
    }
    {
        const Transaction abandoned = database.begin();
        Owner lost{.name = "lost"};
        owners.insert(abandoned, lost);
    }
    EXPECT_EQ(owners.query().count(session), 1);
    const ReadScope snapshot = database.read();
    EXPECT_EQ(owners.query().count(snapshot), 1);
}

TEST_F(PgBouncerTest, ManyRowsGoInAndComeOut) {
    constexpr std::int64_t kMany = 3000;
    const std::array<std::string_view, 2> columns{"id", "name"};
    std::int64_t row = 0;
    session.copy_in("owners", columns, [&](CellWriter& to) {
        if (row == kMany) return false;
        to.int64(0, ++row);
        to.text_copy(1, "owner " + std::to_string(row));
        return true;
    });
    std::int64_t changed = 0;
    session.run_many("UPDATE owners SET email = $2 WHERE id = $1", [&](CellWriter& to) {
        if (changed == kMany) return false;
        to.int64(0, ++changed);
        to.text_copy(1, "e");
        return true;
    });
    const std::vector<std::vector<Value>> again{{"owner 1", "new"}, {"owner 0", "new"}};
    session.execute("SELECT setval(pg_get_serial_sequence('owners', 'id'), 5000)");
    upsert_many(session, mapping_of<Owner>().model(), {"name", "email"}, again, {{"name"}, {"email"}});
    EXPECT_EQ(owners.query().where(field(&Owner::email) == "e").count(session), kMany - 1);
    std::int64_t sum = 0;
    for (const Owner& owner : owners.list(session, owners.query().order_by("id").limit(kMany)))
        sum += owner.id;
    EXPECT_EQ(sum, kMany * (kMany + 1) / 2);
    const std::vector<Statement> two{{.sql = "SELECT 1"}, {.sql = "SELECT count(*) FROM owners"}};
    EXPECT_EQ(session.query_all(two)[1].int64(0, 0), kMany + 1);
}

}  // namespace
}  // namespace consilia::data
