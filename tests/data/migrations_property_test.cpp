// Goal: from any models to any others, the live tables become what is declared, rows keep what both have, and
// the way back gives the first tables again. Method: random models, compared with the database's own
// catalogue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "consilia/data/migrations.hpp"
#include "core/random_expressions.hpp"
#include "data/fresh_database.hpp"
#include "data/live.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;
using core::ValueType;
using testing::IsEmpty;

using Models = std::vector<std::shared_ptr<const Model>>;

class RandomModels {
public:
    explicit RandomModels(std::uint64_t seed) : engine_(seed) {}

    Models models() {
        Models models;
        for (const char* name : {"alpha", "beta", "gamma"}) {
            if (chance(0.75)) models.push_back(model(name, models));
        }
        return models;
    }

private:
    bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(engine_) < p; }
    int below(int n) { return std::uniform_int_distribution<>(0, n - 1)(engine_); }

    /// A column that takes a default, so that rows can be there whatever changes.
    Column column(const char* name, ValueType type, Value value) {
        Column made{.name = name, .type = type, .is_nullable = chance(0.5)};
        if (!made.is_nullable || chance(0.5)) made.default_value = std::move(value);
        return made;
    }

    std::shared_ptr<Model> model(const char* name, const Models& others) {
        auto model = std::make_shared<Model>(name);
        model->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        const bool is_double = chance(0.3);
        const Value number = is_double ? Value(below(3) + 0.5) : Value(below(3));
        if (chance(0.8))
            model->add_column(column("n", is_double ? ValueType::Double : ValueType::Int64, number));
        const bool is_flag = chance(0.5);
        const Value flag = is_flag ? Value(chance(0.5)) : Value(below(2));
        if (chance(0.6)) model->add_column(column("f", is_flag ? ValueType::Bool : ValueType::Int64, flag));
        if (chance(0.8)) model->add_column(text());
        if (chance(0.4)) model->add_column(column("d", ValueType::Date, core::Date{below(20'000)}));
        if (chance(0.4))
            model->add_column(column("s", ValueType::Timestamp, core::Timestamp{below(9) * 1'000'000}));
        if (chance(0.4)) model->add_column(column("j", ValueType::Json, core::Json{"{\"a\": [1, 2]}"}));
        if (chance(0.3))
            model->add_column(column("x", ValueType::Blob, core::Blob{{std::byte{7}, std::byte{200}}}));
        if (chance(0.3))
            model->add_column({.name = "now", .type = ValueType::Timestamp, .defaults_to_now = true});
        refer(*model, others);
        add_rules(*model);
        if (chance(0.3)) model->keep_history();
        return model;
    }

    Column text() {
        Column made = column("t", ValueType::Text, chance(0.5) ? "a" : "b");
        if (chance(0.4)) made.length_max = 1 + below(3);
        if (chance(0.3)) made.choices = {"a", "b", "it's"};
        if (chance(0.3)) made.check = field("t") != "c";
        return made;
    }

    void refer(Model& model, const Models& others) {
        constexpr OnDelete kActions[] = {OnDelete::Restrict, OnDelete::Cascade, OnDelete::SetNull};
        const auto add = [&](const char* relation, std::shared_ptr<const Model> target) {
            const std::string name = std::string(relation) + "_id";
            model.add_column({.name = name, .type = ValueType::Int64, .is_nullable = true});
            model.add_reference({relation, name, std::move(target), kActions[below(3)]});
        };
        if (!others.empty() && chance(0.6))
            add("other", others[static_cast<std::size_t>(below(static_cast<int>(others.size())))]);
        if (chance(0.3)) add("parent", model.self());
    }

    void add_rules(Model& model) {
        const bool has_text = model.find_column("t") != nullptr;
        const bool has_number = model.find_column("n") != nullptr;
        if (has_text && chance(0.5))
            model.add_index({.columns = {chance(0.5) ? "t" : "-t", "id"}, .is_unique = chance(0.5)});
        if (has_text && chance(0.4))
            model.add_index({.columns = {"id"}, .where = field("t") == (chance(0.5) ? "a" : "it's")});
        if (has_number && chance(0.4)) model.add_check(field("n") >= (chance(0.5) ? -1 : 0));
        if (has_number && has_text && chance(0.3)) model.add_check(field("n") < 100 || field("t").is_null());
    }

    std::mt19937_64 engine_;
};

class MigrationsProperty : public test::OnBothDatabases {
protected:
    /// The columns of the same type and name, row by row, as text.
    std::string contents(const Tables& a, const Tables& b) {
        std::string all;
        for (const auto& [name, table] : a) {
            const auto other = b.find(name);
            if (other == b.end() || name.ends_with("_history")) continue;
            for (const Column& column : table.columns) {
                const Column* twin = other->second.find_column(column.name);
                // A null becomes the default where nulls are refused from then on.
                if (twin == nullptr || twin->type != column.type || twin->is_nullable != column.is_nullable)
                    continue;
                const RowSet rows = database.query("SELECT " + core::quote_identifier(column.name) +
                                                   " FROM " + name + " ORDER BY id");
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    all += name + '.' + column.name + '=' + core::to_json(rows.value(i, 0)) + '\n';
                }
            }
        }
        return all;
    }
    std::vector<std::string> drift(const Tables& wanted) {
        const Autocommit session = database.autocommit();
        return differences(wanted, read_live(session), session.dialect());
    }

    Database database{fresh.url()};
};

TEST_P(MigrationsProperty, AnyModelsBecomeAnyOthersAndBack) {
    const int cases = test::case_count(fresh.is_sqlite() ? 120 : 30);
    for (int i = 0; i < cases; ++i) {
        const std::uint64_t seed = test::seed() + static_cast<std::uint64_t>(i);
        SCOPED_TRACE("CONSILIA_SEED=" + std::to_string(seed));
        RandomModels random(seed);
        const Models first = random.models();
        const Models second = random.models();
        const Tables before = tables_of(first);
        const Tables after = tables_of(second);
        const test::TemporaryDirectory files;
        const Migrations from(database, first, {.directory = files.path()});
        const Migrations to(database, second, {.directory = files.path()});
        from.make("first");
        from.migrate();
        ASSERT_THAT(drift(before), IsEmpty());
        for (const auto& model : first) {
            for (int row = 0; row < 3; ++row)
                database.execute("INSERT INTO " + model->table() + " DEFAULT VALUES");
        }
        const std::string kept = contents(before, after);
        to.make("second", {.allows_data_loss = true});
        to.migrate();
        ASSERT_THAT(drift(after), IsEmpty());
        ASSERT_EQ(contents(before, after), kept);
        ASSERT_EQ(to.make("third"), std::nullopt);
        if (!first.empty()) {
            to.rollback("0001_first", true);
            ASSERT_THAT(drift(before), IsEmpty());
            ASSERT_EQ(contents(before, after), kept);
        }
        to.rollback("", true);
        for (const auto& [name, table] : read_live(database.autocommit())) {
            ASSERT_TRUE(name == "consilia_migrations" || name == "consilia_actor") << name;
        }
    }
}

INSTANTIATE_ON_BOTH(MigrationsProperty);

}  // namespace
}  // namespace consilia::data
