// Nothing escapes a history, and each version says who made it. On both databases.
#include "consilia/data/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/data/migrations.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/repository.hpp"
#include "consilia/data/schema.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;
using testing::ElementsAre;

constexpr core::Timestamp kStart{1'700'000'000'000'000};

struct Author {
    std::int64_t id = 0;
    std::string name;
    static Mapping<Author> mapping() {
        return Mapping<Author>("authors")
            .primary_key("id", &Author::id)
            .column("name", &Author::name)
            .history();
    }
};

struct Note {
    std::int64_t id = 0;
    std::int64_t author_id = 0;
    std::string text;
    double weight = 0.1;
    core::Blob scan{};
    core::Json tags{"{}"};
    core::Timestamp created_at{};
    core::Timestamp updated_at{};
    std::optional<std::int64_t> created_by{};
    std::optional<std::int64_t> updated_by{};
    bool is_deleted = false;
    std::optional<core::Timestamp> deleted_at{};
    std::optional<std::int64_t> deleted_by{};
    static Mapping<Note> mapping() {
        return Mapping<Note>("notes")
            .primary_key("id", &Note::id)
            .reference("author", &Note::author_id, mapping_of<Author>(), {.on_delete = OnDelete::Cascade})
            .column("text", &Note::text, {.is_unique = true})
            .column("weight", &Note::weight)
            .column("scan", &Note::scan)
            .column("tags", &Note::tags)
            .timestamps(&Note::created_at, &Note::updated_at)
            .audit(&Note::created_by, &Note::updated_by)
            .soft_delete(&Note::is_deleted, &Note::deleted_at, &Note::deleted_by)
            .history();
    }
    bool operator==(const Note&) const = default;
};

class HistoryTest : public test::OnBothDatabases {
protected:
    HistoryTest() {
        const std::array models = {&mapping_of<Author>().model(), &mapping_of<Note>().model()};
        create_tables(database, models);
        create_tables(database, models);  // What is there already is left as it is.
        authors.insert(author);
        note.author_id = author.id;
        note.scan.bytes = {std::byte{0}, std::byte{255}};
        notes.insert(note);
    }
    /// `insert`, `update by 7`: what happened to notes, oldest first.
    std::vector<std::string> happened(const char* column = "id", std::int64_t id = 1) {
        const RowSet rows = Query(history.model())
                                .where(core::field(column) == id)
                                .order_by("history_id")
                                .select({"history_action", "history_by"})
                                .run(database.autocommit());
        std::vector<std::string> lines;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            lines.emplace_back(rows.text(i, 0));
            if (!rows.is_null(i, 1)) lines.back() += " by " + std::to_string(rows.int64(i, 1));
        }
        return lines;
    }
    /// Gives the versions of the note the times 1, 2, 3 s after the start, so that no test waits.
    void space_versions() {
        database.execute(fresh.is_sqlite()
                             ? "UPDATE notes_history SET history_at = 1700000000000000 + 1000000 * history_id"
                             : "UPDATE notes_history SET history_at = to_timestamp(1700000000 + history_id)");
    }

    core::ManualClock clock{kStart};
    Database database{fresh.url()};
    Repository<Author> authors{database, clock};
    Repository<Note> notes{database, clock};
    History history{mapping_of<Note>().model()};
    Author author{.name = "Ann"};
    Note note{.text = "first"};
};

TEST_P(HistoryTest, EveryWayOfChangingARowIsSeen) {
    note.text = "second";
    notes.update(note);
    notes.update(database.autocommit(), note, &Note::weight);
    notes.query().update(database.autocommit(), {{"weight", 2.5}});
    database.execute("UPDATE notes SET weight = weight + 1");
    notes.soft_delete(database.autocommit(), note.id);
    notes.restore(database.autocommit(), note.id);
    notes.remove(database.autocommit(), note.id);
    EXPECT_THAT(happened(),
                ElementsAre("insert", "update", "update", "update", "update", "update", "update", "delete"));
}

TEST_P(HistoryTest, CascadesMovedKeysAndReplacedRowsAreSeen) {
    database.execute("UPDATE notes SET id = 9");
    EXPECT_THAT(happened(), ElementsAre("insert", "delete"));
    EXPECT_THAT(happened("id", 9), ElementsAre("update"));
    authors.remove(database.autocommit(), author.id);
    EXPECT_THAT(happened("id", 9), ElementsAre("update", "delete"));
    EXPECT_EQ(database.query("SELECT count(*) FROM authors_history").int64(0, 0), 2);
}

TEST_P(HistoryTest, WhatTheDatabaseHasOfItsOwnIsSeen) {
    if (fresh.is_sqlite()) {
        database.execute(
            "REPLACE INTO notes SELECT 2, author_id, text, weight, scan, tags, created_at, updated_at, "
            "created_by, "
            "updated_by, is_deleted, deleted_at, deleted_by FROM notes");
        EXPECT_THAT(happened(), ElementsAre("insert", "delete")) << "the displaced row";
        EXPECT_THAT(happened("id", 2), ElementsAre("insert"));
    } else {
        database.execute("TRUNCATE notes");
        EXPECT_THAT(happened(), ElementsAre("insert", "delete"));
    }
}

TEST_P(HistoryTest, ARolledBackChangeLeavesNoVersion) {
    {
        Transaction transaction = database.begin();
        notes.query().update(transaction, {{"weight", 3.0}});
    }
    EXPECT_THAT(happened(), ElementsAre("insert"));
}

TEST_P(HistoryTest, SaysWhoActedAndForgetsItWithTheTransaction) {
    {
        Transaction transaction = database.begin();
        transaction.act_as(7);
        notes.update(transaction, note);
        EXPECT_THROW(transaction.savepoint([&] {
            transaction.act_as(8);
            transaction.execute("UPDATE notes SET weight = 0");
            throw std::runtime_error("undo");
        }),
                     std::runtime_error);
        EXPECT_EQ(transaction.actor(), 7);
        transaction.execute("UPDATE notes SET weight = 1");
        transaction.act_as(9);
        transaction.execute("UPDATE notes SET weight = 2");
        transaction.commit();
    }
    database.execute("UPDATE notes SET weight = 3");
    {
        Transaction abandoned = database.begin();
        abandoned.act_as(10);
    }
    database.execute("UPDATE notes SET weight = 4");
    EXPECT_THAT(happened(),
                ElementsAre("insert", "update by 7", "update by 7", "update by 9", "update", "update"));
}

TEST_P(HistoryTest, RepositoriesSignWhatTheyWrite) {
    Transaction transaction = database.begin();
    transaction.act_as(5);
    Note mine{.author_id = author.id, .text = "mine"};
    notes.insert(transaction, mine);
    EXPECT_EQ(mine.created_by, 5);
    EXPECT_EQ(notes.get(transaction, mine.id), mine);
    transaction.act_as(6);
    mine.weight = 4;
    notes.update(transaction, mine);
    EXPECT_EQ(notes.get(transaction, mine.id).created_by, 5);
    EXPECT_EQ(notes.get(transaction, mine.id).updated_by, 6);
    transaction.act_as(7);
    notes.update(transaction, mine, &Note::weight);
    EXPECT_EQ(mine.updated_by, 7);
    EXPECT_EQ(notes.get(transaction, mine.id), mine);
    transaction.act_as(8);
    notes.soft_delete(transaction, mine.id);
    EXPECT_EQ(notes.find_with_deleted(transaction, mine.id)->deleted_by, 8);
    Note taken{.author_id = author.id, .text = "first"};
    transaction.savepoint([&] {
        EXPECT_EQ(test::code_of([&] { transaction.savepoint([&] { notes.insert(transaction, taken); }); }),
                  "database.unique");
    });
    EXPECT_EQ(taken.created_by, std::nullopt) << "a failed insert leaves the object as it was";
}

TEST_P(HistoryTest, GivesTheRowsOfATime) {
    database.execute("UPDATE notes SET text = 'second'");
    Note other{.author_id = author.id, .text = "other"};
    notes.insert(other);
    notes.remove(database.autocommit(), note.id);
    space_versions();
    const auto texts = [&](int seconds) {
        const RowSet rows = history.as_of(database.autocommit(), kStart + std::chrono::seconds(seconds));
        std::vector<std::string> found;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            found.emplace_back(rows.text(i, rows.column_index("text")));
        }
        return found;
    };
    EXPECT_THAT(texts(0), ElementsAre());
    EXPECT_THAT(texts(1), ElementsAre("first"));
    EXPECT_THAT(texts(2), ElementsAre("second"));
    EXPECT_THAT(texts(3), ElementsAre("second", "other"));
    EXPECT_THAT(texts(4), ElementsAre("other"));
}

TEST_P(HistoryTest, ShowsVersionsOfDeletedRowsInReflectedTablesToo) {
    notes.soft_delete(database.autocommit(), note.id);
    const Schema schema = reflect(database.autocommit());
    EXPECT_TRUE(schema.require("notes")->has_history());
    EXPECT_EQ(Query(*schema.require("notes")).count(database.autocommit()), 0);
    EXPECT_EQ(Query(*schema.require("notes_history")).count(database.autocommit()), 2);
}

TEST_P(HistoryTest, RestoresAVersion) {
    const Note first = notes.get(note.id);
    database.execute("UPDATE notes SET text = 'second', weight = 9");
    history.restore(database.autocommit(), 1, clock);
    Note restored = notes.get(note.id);
    EXPECT_GT(restored.updated_at, first.updated_at)
        << "whoever read the second version must not overwrite it";
    restored.updated_at = first.updated_at;
    EXPECT_EQ(restored, first);
    notes.remove(database.autocommit(), note.id);
    history.restore(database.autocommit(), 2, clock);
    EXPECT_EQ(notes.get(note.id).text, "second");
    EXPECT_THAT(happened(), ElementsAre("insert", "update", "update", "delete", "insert"));
    EXPECT_EQ(history.versions(note.id).count(database.autocommit()), 5);
    EXPECT_EQ(test::code_of([&] { history.restore(database.autocommit(), 99); }), "record.no_version");
    EXPECT_EQ(test::code_of([] { const History none(Model("t")); }), "record.no_history");
}

TEST_P(HistoryTest, BeginsFollowsAndEndsWithMigrations) {
    using core::ValueType;
    const auto model = [](const char* text, bool has_history, bool has_more) {
        auto made = std::make_shared<Model>("things");
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = text});
        if (has_more) made->add_column({.name = "more", .type = ValueType::Int64, .default_value = 4});
        if (has_history) made->keep_history();
        return made;
    };
    const test::TemporaryDirectory files;
    const auto step = [&](const std::shared_ptr<Model>& to, const char* title,
                          const MakeOptions& options = {}) {
        const std::vector<std::shared_ptr<const Model>> models{to};
        const Migrations migrations(database, models, {.directory = files.path()});
        EXPECT_TRUE(migrations.make(title, options));
        EXPECT_EQ(migrations.migrate().size(), 1U);
        return migrations;
    };
    const auto versions = [&](const char* column) {
        const RowSet rows = database.query("SELECT history_action, " + std::string(column) +
                                           " FROM things_history ORDER BY history_id");
        std::vector<std::string> lines;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            lines.push_back(std::string(rows.text(i, 0)) + ' ' + std::string(rows.text(i, 1)));
        }
        return lines;
    };
    step(model("text", false, false), "initial");
    database.execute("INSERT INTO things (text) VALUES ('a')");
    step(model("text", true, false), "history");
    database.execute("UPDATE things SET text = 'b'");
    EXPECT_THAT(versions("text"), ElementsAre("baseline a", "update b"));
    const auto last = step(model("title", true, true), "title", {.renames = {{"things", "text", "title"}}});
    database.execute("UPDATE things SET title = 'c', more = 5");
    EXPECT_THAT(versions("title"), ElementsAre("baseline a", "update b", "update c"));
    last.rollback("0001_initial", true);
    database.execute("UPDATE things SET text = 'd'");
    EXPECT_EQ(database.query("SELECT text FROM things").text(0, 0), "d");
}

INSTANTIATE_ON_BOTH(HistoryTest);

}  // namespace
}  // namespace consilia::data
