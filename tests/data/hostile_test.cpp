// Goal: a text from outside never changes a statement, wherever it is put. Method: a corpus of texts made of
// what ends a literal, a name or a statement; for each place that takes text, what runs is what runs with a
// harmless text, or the text is refused with a code. CONSILIA_SEED and CONSILIA_PROPERTY_CASES choose texts.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "consilia/core/files.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/data/full_text.hpp"
#include "consilia/data/listener.hpp"
#include "consilia/data/migrations.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/statement_watch.hpp"
#include "core/random_expressions.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;
using test::Owner;

/// Texts of one to five fragments.
class Corpus {
public:
    explicit Corpus(std::uint64_t seed) : random_(seed) {}

    std::string next(bool has_zero_bytes) {
        static const std::vector<std::string> kFragments = {"'",
                                                            "\"",
                                                            "`",
                                                            "\\",
                                                            "''",
                                                            "\"\"",
                                                            ";",
                                                            "--",
                                                            "/*",
                                                            "*/",
                                                            "#",
                                                            "(",
                                                            ")",
                                                            ",",
                                                            "=",
                                                            "%",
                                                            "_",
                                                            "?",
                                                            "?1",
                                                            "$1",
                                                            ":me",
                                                            "@x",
                                                            "$$",
                                                            "E'",
                                                            "\n",
                                                            "\r",
                                                            "\t",
                                                            " ",
                                                            ".",
                                                            "*",
                                                            "0",
                                                            "-1",
                                                            "id",
                                                            "reason",
                                                            "visits",
                                                            "owners",
                                                            "animal",
                                                            "name",
                                                            "rowid",
                                                            "ctid",
                                                            " OR 1=1 ",
                                                            " UNION ",
                                                            "SELECT ",
                                                            "DROP TABLE owners",
                                                            "DELETE FROM owners",
                                                            "CASE WHEN ",
                                                            " NULL ",
                                                            " DESC",
                                                            "[0]",
                                                            "$.a",
                                                            "\xC3\xA9",
                                                            "\xE2\x80\x99",
                                                            "\xF0\x9F\x92\xA9",
                                                            "\x01",
                                                            "\x7F",
                                                            std::string(1, '\0'),
                                                            std::string(300, 'a')};
        std::string text;
        for (std::size_t parts = 1 + below(5); parts > 0; --parts) {
            const std::string& fragment = kFragments[below(kFragments.size())];
            if (has_zero_bytes || fragment != std::string(1, '\0')) text += fragment;
        }
        return text.empty() ? "'" : text;
    }
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

private:
    std::mt19937_64 random_;
};

/// Calls `use` with each text of a document replaced in turn.
void replace_each(nlohmann::json& at, const std::string& text, const std::function<void()>& use) {
    if (at.is_string()) {
        const nlohmann::json before = std::exchange(at, text);
        use();
        at = before;
    } else if (at.is_structured()) {
        for (nlohmann::json& inner : at) replace_each(inner, text, use);
    }
}

class Hostile : public test::FilledShelter {
protected:
    using Use = std::function<void(const std::string&)>;

    /// The statements that ran; empty and refused: the text was turned away before any.
    struct Seen {
        std::vector<std::string> statements;
        std::string refusal;
    };
    Seen run(const Use& use, const std::string& text) {
        Seen seen;
        const StatementWatch watch = database.on_statement(
            [&](const StatementEvent& event) { seen.statements.emplace_back(event.sql); });
        seen.refusal = test::code_of([&] { use(text); });
        if (seen.refusal == "nothing was thrown") seen.refusal.clear();
        return seen;
    }
    std::vector<std::string> tables() {
        const RowSet rows =
            database.query(fresh.is_sqlite() ? "SELECT sql FROM sqlite_master ORDER BY name"
                                             : "SELECT table_name || '.' || column_name FROM "
                                               "information_schema.columns WHERE table_schema = "
                                               "'public' ORDER BY 1");
        std::vector<std::string> lines;
        for (std::size_t row = 0; row < rows.size(); ++row)
            lines.push_back(rows.is_null(row, 0) ? "" : std::string(rows.text(row, 0)));
        return lines;
    }
    std::int64_t total() {
        return owners.query().count(session) + animals.query().count(session) +
               all.with_deleted().count(session);
    }

    Corpus corpus{test::seed()};
    int cases = test::case_count(400);
};
INSTANTIATE_ON_BOTH(Hostile);

TEST_P(Hostile, ValuesAreBoundWhereverTheyAreGiven) {
    create_full_text(database, mapping_of<test::Visit>().model());
    const Model& model = mapping_of<Owner>().model();
    const Query ordered = all.select({"id", "reason"}).order_by("reason").order_by("id");
    const std::vector<std::pair<const char*, Use>> places = {
        {"where", [&](const std::string& text) { (void)all.where(field("reason") == text).count(session); }},
        {"in",
         [&](const std::string& text) {
             (void)all.where(field("reason").in({text, "b"})).run(session);
         }},
        {"like", [&](const std::string& text) { (void)all.where(field("reason").like(text)).run(session); }},
        {"parameter",
         [&](const std::string& text) {
             (void)all.where(core::parse_expression("reason = :me"), {{"me", text}}).exists(session);
         }},
        {"annotation",
         [&](const std::string& text) {
             (void)all.annotate("extra", core::concat({field("reason"), text})).first(session);
         }},
        {"after",
         [&](const std::string& text) {
             const std::vector<Value> key{text, 1};
             (void)ordered.after(key).run(session);
         }},
        {"JSON path",
         [&](const std::string& text) {
             (void)all.where(core::json_text(field("findings"), {text, "k"}) == "x").run(session);
         }},
        {"aggregate",
         [&](const std::string& text) {
             (void)all.aggregate(session, {{"n", core::filter(core::count(), field("reason") == text)}});
         }},
        {"update",
         [&](const std::string& text) {
             owners.query().where(field("id") < 0).update(session, {{"email", Value(text)}});
         }},
        {"insert",
         [&](const std::string& text) {
             (void)insert(session, model, {{"name", Value(text)}, {"email", Value(text)}});
             owners.query().where(field("id") > 2).remove(session);
         }},
        {"upsert",
         [&](const std::string& text) {
             const std::vector<std::vector<Value>> rows{{text, text}};
             upsert_many(session, model, {"name", "email"}, rows, {{"name"}, {"email"}});
             owners.query().where(field("id") > 2).remove(session);
         }},
    };
    const auto schema = tables();
    const std::int64_t count = total();
    for (const auto& [place, use] : places) {
        const Seen harmless = run(use, "harmless");
        ASSERT_EQ(harmless.refusal, "") << place;
        for (int n = 0; n < cases; ++n) {
            const std::string text = corpus.next(fresh.is_sqlite());
            const Seen seen = run(use, text);
            ASSERT_EQ(seen.refusal, "") << place << ": " << text << "\nCONSILIA_SEED=" << test::seed();
            ASSERT_EQ(seen.statements, harmless.statements)
                << place << ": " << text << "\nCONSILIA_SEED=" << test::seed();
        }
    }
    EXPECT_EQ(total(), count);
    EXPECT_EQ(tables(), schema);
}

TEST_P(Hostile, ASearchIsForWordsWhateverElseTheTextHolds) {
    create_full_text(database, mapping_of<test::Visit>().model());
    const Use search = [&](const std::string& text) { (void)all.search(text).run(session); };
    const Seen harmless = run(search, "harmless");
    for (int n = 0; n < cases; ++n) {
        const std::string text = corpus.next(fresh.is_sqlite());
        const Seen seen = run(search, text);
        if (!seen.refusal.empty()) {
            EXPECT_EQ(seen.refusal, "query.search") << text << "\nCONSILIA_SEED=" << test::seed();
        } else {
            EXPECT_EQ(seen.statements, harmless.statements) << text << "\nCONSILIA_SEED=" << test::seed();
        }
    }
}

TEST_P(Hostile, NamesAreThoseOfTheModelOrRefused) {
    const Model& model = mapping_of<test::Visit>().model();
    const auto refused_names = [&](const char* place, const Use& use) {
        for (int n = 0; n < cases; ++n) {
            // The corpus holds names that are right; a sign before them makes each one wrong.
            const std::string text = corpus.next(true) + "'";
            const Seen seen = run(use, text);
            ASSERT_NE(seen.refusal, "") << place << ": " << text << "\nCONSILIA_SEED=" << test::seed();
            ASSERT_EQ(seen.statements, std::vector<std::string>()) << place << ": " << text;
        }
    };
    const auto schema = tables();
    refused_names("field", [&](const std::string& text) { (void)all.where(field(text) == 1).run(session); });
    refused_names("order", [&](const std::string& text) { (void)all.order_by(text).run(session); });
    refused_names("select", [&](const std::string& text) { (void)all.select({text}).run(session); });
    refused_names("defer", [&](const std::string& text) { (void)all.defer({text}).run(session); });
    refused_names("include", [&](const std::string& text) { (void)all.include(text).run(session); });
    refused_names("annotate",
                  [&](const std::string& text) { (void)all.annotate(text, core::count()).run(session); });
    refused_names("group", [&](const std::string& text) {
        (void)all.group_by({text}).annotate("n", core::count()).run(session);
    });
    refused_names("count_by", [&](const std::string& text) { (void)all.count_by(session, text); });
    refused_names("aggregate", [&](const std::string& text) {
        (void)all.aggregate(session, {{text, core::count()}});
    });
    refused_names("rank",
                  [&](const std::string& text) { (void)all.search("word", {.rank_as = text}).run(session); });
    refused_names("prefetch", [&](const std::string& text) {
        (void)owners.query().prefetch(text, animals.query(), "owner").run_tree(session);
    });
    refused_names("relation", [&](const std::string& text) {
        (void)owners.query().prefetch("pets", animals.query(), text).run_tree(session);
    });
    refused_names("tree", [&](const std::string& text) { (void)all.with_descendants(text).run(session); });
    refused_names("scope", [&](const std::string& text) { (void)all.scope(text).run(session); });
    refused_names("update", [&](const std::string& text) { all.update(session, {{text, Value(1)}}); });
    refused_names("returning", [&](const std::string& text) {
        (void)all.update_returning(session, {{"fee", Value(1.0)}}, {text});
    });
    refused_names("insert", [&](const std::string& text) {
        (void)insert(session, model, {{text, Value(1)}});
    });
    refused_names("insert many", [&](const std::string& text) {
        const std::vector<std::vector<Value>> rows{{1}};
        insert_many(session, model, {text}, rows);
    });
    refused_names("conflict", [&](const std::string& text) {
        const std::vector<std::vector<Value>> rows{{"x"}};
        upsert_many(session, mapping_of<Owner>().model(), {"name"}, rows, {{text}});
    });
    refused_names("table", [&](const std::string& text) { (void)Model(text); });
    refused_names("column", [&](const std::string& text) {
        Model("things").add_column({.name = text, .type = core::ValueType::Int64});
    });
    EXPECT_EQ(tables(), schema);
    EXPECT_EQ(total(), 46);
}

TEST_P(Hostile, TextExpressionsNameFieldsAndHoldValuesAndNothingElse) {
    const std::vector<std::string> parts = {"reason = ", "fee > ", "id in (", "animal.name like ",
                                            "not ",      " and ",  " or ",    " is null",
                                            "lower(",    ")",      "1",       "'a'",
                                            ":me",       "(",      "-",       "*",
                                            " between ", "true"};
    const auto schema = tables();
    int accepted = 0;
    for (int n = 0; n < cases * 10; ++n) {
        std::string text;
        for (std::size_t count = 1 + corpus.below(4); count > 0; --count)
            text += corpus.below(3) == 0 ? corpus.next(true) : parts[corpus.below(parts.size())];
        if (n % 20 == 0) text = "fee > " + std::to_string(n) + " and reason = '" + std::to_string(n) + "'";
        const Seen seen = run(
            [&](const std::string& given) {
                (void)all.where(core::parse_expression(given), {{"me", "x"}}).run(session);
            },
            text);
        if (seen.refusal.empty()) ++accepted;
        // What the text holds of values stands in no statement, and a statement is one SELECT.
        for (const std::string& statement : seen.statements) {
            EXPECT_TRUE(statement.starts_with("SELECT ")) << text << "\n" << statement;
            for (const char* sign : {";", "--", "/*", "DROP", "DELETE", "UNION", "owners"}) {
                EXPECT_EQ(statement.find(sign), std::string::npos)
                    << text << "\n"
                    << statement << "\nCONSILIA_SEED=" << test::seed();
            }
        }
    }
    EXPECT_GE(accepted, cases / 2) << "nothing was put to the test";
    EXPECT_EQ(tables(), schema);
    EXPECT_EQ(total(), 46);
}

TEST_P(Hostile, CopiedColumnsAndChannelsKeepToTheirNames) {
    const auto schema = tables();
    for (int n = 0; n < cases; ++n) {
        const std::string text = corpus.next(false) + "'";
        const std::array<std::string_view, 1> columns{text};
        const auto no_row = [](CellWriter&) { return false; };
        EXPECT_NE(test::code_of([&] { session.copy_in("owners", columns, no_row); }), "nothing was thrown")
            << text;
        EXPECT_NE(test::code_of([&] { session.copy_in(text, columns, no_row); }), "nothing was thrown")
            << text;
        if (fresh.is_sqlite()) continue;
        const auto harmless = run([&](const std::string& given) { notify(session, given, given); }, "word");
        const auto seen = run([&](const std::string& given) { notify(session, given, given); }, text);
        EXPECT_EQ(seen.statements, harmless.statements) << "a channel is a value of a function: " << text;
    }
    EXPECT_EQ(tables(), schema);
    EXPECT_EQ(total(), 46);
}

TEST_P(Hostile, MigrationFilesTakeNoForeignNames) {
    const test::TemporaryDirectory directory;
    const std::vector<std::shared_ptr<const Model>> models = {mapping_of<Owner>().shared_model(),
                                                              mapping_of<test::Animal>().shared_model()};
    const test::FreshDatabase other(GetParam());
    Database empty(other.url());
    const Migrations migrations(empty, models, {.directory = directory.path()});
    const auto path = migrations.make("all");
    ASSERT_TRUE(path);
    nlohmann::json document = nlohmann::json::parse(core::read_text_file(*path));
    for (int n = 0; n < cases / 10; ++n) {
        replace_each(document, corpus.next(false) + "'", [&] {
            const std::string written = document.dump();
            std::ofstream(*path) << written;
            EXPECT_NE(test::code_of([&] { (void)migrations.plan(); }), "nothing was thrown") << written;
        });
    }
}

}  // namespace
}  // namespace consilia::data
