// Goal: `scope` and `check` never disagree. Method: random policies over random rows; SQLite decides with the
// compiled scope, memory decides with check, and the two sets of rows are compared. A failure prints the seed
// that replays it.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "consilia/access/policy.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::access {
namespace {

using core::Expression;
using core::field;
using core::Value;

struct Row {
    Value owner;
    Value status;
    Value score;
    Value flag;

    [[nodiscard]] Value at(std::string_view path) const {
        return path == "owner" ? owner : path == "status" ? status : path == "score" ? score : flag;
    }
};

class Generator {
public:
    explicit Generator(std::uint32_t seed) : engine_(seed) {}

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
    bool one_in(std::size_t n) { return below(n) == 0; }

    Value owner() { return one_in(4) ? Value() : Value(static_cast<int>(below(3))); }
    Value status() { return one_in(4) ? Value() : Value(std::array{"new", "done", "Done"}[below(3)]); }
    Value score() { return one_in(4) ? Value() : Value(static_cast<double>(below(4)) / 2); }
    Value flag() { return one_in(4) ? Value() : Value(one_in(2)); }
    Row row() { return {owner(), status(), score(), flag()}; }

    core::Term compared_owner() { return one_in(2) ? core::parameter("principal_id") : core::Term(owner()); }

    Expression comparison() {
        switch (below(9)) {
            case 0:
                return field("owner") == compared_owner();
            case 1:
                return field("owner") != compared_owner();
            case 2:
                return field("status") == status();
            case 3:
                return field("status").in({status(), status()});
            case 4:
                return field("status").like(one_in(2) ? "d%" : "%o%");
            case 5:
                return field("score") < score();
            case 6:
                return field("score").between(score(), score());
            case 7:
                return field("flag") == flag();
            default:
                return one_in(2) ? field("status").is_null() : field("owner").is_not_null();
        }
    }

    Expression condition(int depth = 0) {
        if (one_in(8)) return {};
        if (depth >= 3 || one_in(2)) return comparison();
        switch (below(3)) {
            case 0:
                return condition(depth + 1) && condition(depth + 1);
            case 1:
                return condition(depth + 1) || condition(depth + 1);
            default:
                return !condition(depth + 1);
        }
    }

    PolicyDocument policy() {
        PolicyDocument document;
        document.resources = {{"thing", {"read", "write"}}};
        document.roles = {{"a", {}}, {"b", {}}, {"c", {}}};
        if (one_in(2)) document.roles[1].inherits.push_back("a");
        if (one_in(2)) document.roles[2].inherits.push_back("b");
        if (one_in(3)) document.roles[2].inherits.push_back("a");
        const std::size_t count = below(6);
        for (std::size_t i = 0; i < count; ++i) {
            document.rules.push_back({"", one_in(3) ? Effect::Deny : Effect::Allow,
                                      std::array{"a", "b", "c", "*"}[below(4)],
                                      std::array{"thing:read", "thing:*", "*:read"}[below(3)], condition()});
        }
        return document;
    }

private:
    std::mt19937 engine_;
};

void bind(SQLite::Statement& statement, int index, const Value& value) {
    if (const auto* text = value.if_as<std::string>()) return statement.bind(index, *text);
    if (const auto* number = value.if_as<double>()) return statement.bind(index, *number);
    if (const auto* integer = value.if_as<std::int64_t>()) return statement.bind(index, *integer);
    if (const auto* flag = value.if_as<bool>()) return statement.bind(index, *flag ? 1 : 0);
    ASSERT_TRUE(value.is_null());
    statement.bind(index);
}

class Table {
public:
    Table() {
        database_.exec("pragma case_sensitive_like = on");
        database_.exec(
            "create table thing (id integer primary key, owner integer, status text, score real, flag "
            "integer)");
    }

    void insert(std::size_t id, const Row& row) {
        SQLite::Statement statement(database_, "insert into thing values (?, ?, ?, ?, ?)");
        statement.bind(1, static_cast<std::int64_t>(id));
        bind(statement, 2, row.owner);
        bind(statement, 3, row.status);
        bind(statement, 4, row.score);
        bind(statement, 5, row.flag);
        statement.exec();
    }

    void clear() { database_.exec("delete from thing"); }

    std::set<std::size_t> ids_where(const Expression& scope) {
        core::SqlOptions options;
        options.column = [](std::string_view path) { return core::quote_identifier(path); };
        const core::SqlFragment sql = core::compile_sql(scope, options);
        SQLite::Statement statement(database_, "select id from thing where " + sql.text);
        for (std::size_t i = 0; i < sql.bindings.size(); ++i) {
            bind(statement, static_cast<int>(i + 1), sql.bindings[i]);
        }
        std::set<std::size_t> ids;
        while (statement.executeStep())
            ids.insert(static_cast<std::size_t>(statement.getColumn(0).getInt64()));
        return ids;
    }

private:
    SQLite::Database database_{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
};

TEST(Scope, SelectsExactlyTheRowsThatCheckAllows) {
    constexpr std::uint32_t kPolicies = 1000;
    constexpr std::size_t kRows = 12;
    std::size_t allowed = 0;
    std::size_t denied = 0;
    Table table;
    for (std::uint32_t seed = 0; seed < kPolicies; ++seed) {
        Generator generate(seed);
        const PolicyDocument document = generate.policy();
        const Policy policy(document);
        std::vector<Row> rows;
        table.clear();
        for (std::size_t i = 0; i < kRows; ++i) {
            rows.push_back(generate.row());
            table.insert(i, rows.back());
        }
        for (const char* role : {"a", "b", "c", "unknown"}) {
            for (const char* action : {"read", "write", "unknown"}) {
                const Principal principal{generate.owner(), role, "someone"};
                std::set<std::size_t> checked;
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const auto fields = [&](std::string_view path) { return rows[i].at(path); };
                    if (policy.check(principal, action, "thing", fields)) checked.insert(i);
                }
                const Expression scope = policy.scope(principal, action, "thing");
                ASSERT_EQ(table.ids_where(scope), checked)
                    << "seed " << seed << ", role " << role << ", scope " << core::to_text(scope) << "\n"
                    << to_json(document);
                allowed += checked.size();
                denied += rows.size() - checked.size();
            }
        }
    }
    EXPECT_GT(allowed, denied / 20) << "the generator allows too little for the comparison to mean something";
    EXPECT_GT(denied, allowed / 20);
}

}  // namespace
}  // namespace consilia::access
