// What is carried over, and what is refused. That the decisions are the same is shown beside the other
// engines, in tests/python/access/test_import.py.
#include "consilia/access/policy_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "access/example_check.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {
namespace {

using core::Value;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRoles = R"([request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
)";

std::string model(std::string_view matcher, std::string_view policy = "sub, obj, act",
                  std::string_view effect = "some(where (p.eft == allow))", std::string_view roles = "") {
    return "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = " + std::string(policy) + "\n" +
           std::string(roles) + "[policy_effect]\ne = " + std::string(effect) +
           "\n[matchers]\nm = " + std::string(matcher) + "\n";
}

bool allows(const ImportedPolicy& imported, const std::string& subject, const std::string& action,
            const std::string& object) {
    const auto roles = imported.assignments.find(subject);
    const auto verb = imported.actions.find(action);
    if (verb == imported.actions.end()) return false;
    AccessExample asked;
    asked.principal = {Value(subject),
                       roles == imported.assignments.end() ? std::vector<std::string>() : roles->second};
    if (asked.principal.roles.empty() && !imported.other_role.empty())
        asked.principal.roles = {imported.other_role};
    asked.action = verb->second;
    asked.resource = imported.object_resource;
    if (asked.resource.empty()) {
        const auto resource = imported.resources.find(object);
        if (resource == imported.resources.end()) return false;
        asked.resource = resource->second;
    } else {
        asked.object.emplace("name", Value(object));
    }
    return answer(imported.document, asked);
}

template <class Import>
std::string refusal(const Import& import) {
    try {
        import();
    } catch (const core::ValidationError& error) {
        return error.code() + " " + error.what();
    }
    return "nothing was refused";
}

TEST(ImportCasbin, CarriesRolesOver) {
    const ImportedPolicy imported = import_casbin(kRoles, R"(
p, Admin, data1, GET, allow
p, editor, data2, read, allow
p, alice, data2, write, allow
p, bob, data1, GET, deny
g, alice, Admin
g, bob, Admin
g, Admin, editor
)");
    EXPECT_TRUE(allows(imported, "alice", "GET", "data1"));
    EXPECT_TRUE(allows(imported, "alice", "read", "data2"));
    EXPECT_TRUE(allows(imported, "alice", "write", "data2"));
    EXPECT_FALSE(allows(imported, "bob", "GET", "data1"));
    EXPECT_TRUE(allows(imported, "bob", "read", "data2"));
    EXPECT_FALSE(allows(imported, "bob", "write", "data2"));
    EXPECT_FALSE(allows(imported, "carol", "read", "data2"));
    EXPECT_EQ(imported.roles.at("Admin"), "admin");
    EXPECT_EQ(imported.actions.at("GET"), "get");
}

TEST(ImportCasbin, NamesThatMeetStayApart) {
    const ImportedNames names =
        import_casbin(kRoles, "p, A b, x, r, allow\np, a_b, x, r, allow\np, A-b, x, r, allow\n").roles;
    EXPECT_EQ(names.at("a_b"), "a_b");
    EXPECT_EQ(names.at("A b"), "a_b_2");
    EXPECT_EQ(names.at("A-b"), "a_b_3");
}

TEST(ImportCasbin, CarriesPathsAndSuperusersOver) {
    const ImportedPolicy imported = import_casbin(
        model("(r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act) || r.sub == 'root'"),
        "p, alice, /alice/*, read\np, bob, /bob/x, read\n");
    EXPECT_TRUE(allows(imported, "alice", "read", "/alice/1"));
    EXPECT_TRUE(allows(imported, "alice", "read", "/alice/"));
    EXPECT_FALSE(allows(imported, "alice", "read", "/bob/x"));
    EXPECT_TRUE(allows(imported, "bob", "read", "/bob/x"));
    EXPECT_TRUE(allows(imported, "root", "read", "/any"));
    EXPECT_EQ(imported.object_resource, "object");
    EXPECT_THAT(imported.notes, Contains(HasSubstr("every action")));
}

TEST(ImportCasbin, CarriesAttributesOver) {
    const ImportedPolicy imported = import_casbin(
        model("eval(p.sub_rule) && r.obj.Kind == p.obj && r.act == p.act", "sub_rule, obj, act"),
        "p, r.sub.Age >= 18 && !(r.sub.Name == 'x'), note, read\np, r.sub.Name == r.obj.Owner, note, "
        "write\n");
    EXPECT_EQ(imported.document.principal_attributes.at("age"), core::ValueType::Int64);
    ASSERT_EQ(imported.document.rules.size(), 2U);
    EXPECT_EQ(core::to_text(imported.document.rules[0].condition),
              "(:principal_age >= 18) and (:principal_name_2 <> 'x') and (Kind = 'note')");
    EXPECT_EQ(core::to_text(imported.document.rules[1].condition),
              "(:principal_name_2 = Owner) and (Kind = 'note')");
}

TEST(ImportCasbin, RefusesWhatDoesNotCarryOverAndSaysWhere) {
    const auto refused = [](const std::string& text, const char* policy = "p, a, b, c\n") {
        return refusal([&] { import_casbin(text, policy); });
    };
    EXPECT_THAT(
        refused(model("regexMatch(r.act, p.act)")),
        AllOf(HasSubstr("import.casbin"), HasSubstr("model line 8, column 5"), HasSubstr("`regexMatch`")));
    EXPECT_THAT(refused(model("r.sub == p.sub", "sub, obj, act", "!some(where (p.eft == deny))")),
                HasSubstr("line 6"));
    EXPECT_THAT(refused(model("r.sub == p.sub", "sub, obj, act", "priority(p.eft) || deny")),
                HasSubstr("priority"));
    EXPECT_THAT(refused(model("g(r.sub, p.sub)", "sub, obj, act", "some(where (p.eft == allow))",
                              "[role_definition]\ng = _, _, _\n")),
                HasSubstr("no domains"));
    EXPECT_THAT(refused(model("g(r.sub, p.sub)", "sub, obj, act", "some(where (p.eft == allow))",
                              "[role_definition]\ng2 = _, _\n")),
                HasSubstr("`g2`"));
    EXPECT_THAT(refused(model("!r.sub == p.sub")), HasSubstr("parentheses"));
    EXPECT_THAT(refused(model("r.act != p.act")), HasSubstr("only `r.act == action`"));
    EXPECT_THAT(refused(model("r.obj in ('data')")), HasSubstr("two or more"));
    EXPECT_THAT(refused(model("r.sub == p.sub"), "p, a, b\n"), HasSubstr("policy line 1"));
    EXPECT_THAT(refused(model("r.sub == p.sub"), "g, a, b\n"), HasSubstr("does not define it"));
    EXPECT_THAT(refused("[request_definition]\nr = sub, dom, obj, act\n"), HasSubstr("sub, obj, act"));
    EXPECT_THAT(refused(kRoles, "g, a, b\ng, b, a\np, a, x, y, allow\n"), HasSubstr("circle"));
}

TEST(ImportCedar, CarriesPoliciesOver) {
    const ImportedPolicy imported = import_cedar(R"(
// Doctors.
@id("read") permit (principal in Role::"doctor", action in [Action::"view", Action::"list"], resource is Record)
when { resource.owner == principal || resource has ward && resource.ward == principal.ward }
unless { resource.sealed };
forbid (principal, action == Action::"view", resource is Record)
when { resource.name like "x*\*_" && !(context.purpose == "care") && ["a", "b"].contains(resource.kind) };
)");
    const PolicyDocument& document = imported.document;
    ASSERT_EQ(document.rules.size(), 3U);
    EXPECT_EQ(document.rules[0].name, "read view");
    EXPECT_EQ(document.rules[0].role, "doctor");
    EXPECT_EQ(document.rules[0].permission, "record:view");
    EXPECT_EQ(
        core::to_text(document.rules[2].condition),
        "coalesce((name like 'x%*\\_') and (:context_purpose <> 'care') and (kind in ('a', 'b')), false)");
    EXPECT_THAT(imported.notes, Contains(HasSubstr("inherits")));
}

TEST(ImportCedar, AnAttributeThatIsMissingMakesAPolicyNotApply) {
    const ImportedPolicy imported = import_cedar(
        "permit (principal in Role::\"r\", action == Action::\"a\", resource is T) when { resource.x == 1 || "
        "resource.y == 2 };"
        "forbid (principal, action == Action::\"a\", resource is T) when { resource.z == 3 };");
    const auto allowed = [&](core::Parameters object) {
        return answer(imported.document, {{Value(1), {"r"}}, "a", "t", std::move(object), {}});
    };
    EXPECT_TRUE(allowed({{"x", 1}}));
    EXPECT_TRUE(allowed({{"x", 0}, {"y", 2}}));
    EXPECT_FALSE(allowed({{"y", 2}}));
    EXPECT_FALSE(allowed({{"x", 1}, {"z", 3}}));
}

TEST(ImportCedar, RefusesWhatDoesNotCarryOverAndSaysWhere) {
    const auto refused = [](const std::string& scope, const std::string& condition = "true") {
        return refusal([&] { import_cedar("permit (" + scope + ")\nwhen { " + condition + " };"); });
    };
    const std::string scope = R"(principal in Role::"r", action == Action::"a", resource is T)";
    EXPECT_EQ(refused(scope), "nothing was refused");
    EXPECT_THAT(refused(R"(principal in Group::"r", action == Action::"a", resource is T)"),
                AllOf(HasSubstr("import.cedar"), HasSubstr("line 1, column 22"), HasSubstr("`Group`")));
    EXPECT_THAT(refused(R"(principal == ?principal, action, resource is T)"), HasSubstr("templates"));
    EXPECT_THAT(refused(R"(principal, action, resource in Folder::"x")"), HasSubstr("no hierarchy"));
    EXPECT_THAT(refused(scope, R"(!(principal in Role::"x"))"), HasSubstr("not to have a role"));
    EXPECT_THAT(refused(scope, R"(principal in Role::"x" || true)"), HasSubstr("`&&`"));
    EXPECT_THAT(refused(scope, R"(principal in Role::"x")"), HasSubstr("two at once"));
    EXPECT_THAT(refused(scope, "resource.tags.contains(\"x\")"), HasSubstr("method"));
    EXPECT_THAT(refused(scope, "ip(\"1.2.3.4\") == resource.ip"),
                AllOf(HasSubstr("line 2, column 8"), HasSubstr("`ip`")));
    EXPECT_THAT(refused(scope, "if true then false else true"), HasSubstr("`if`"));
    EXPECT_THAT(refused(scope, "resource.a + 1 == 2"), HasSubstr("`+`"));
    EXPECT_THAT(refused(scope, "resource.a == \"x"), HasSubstr("does not end"));
    EXPECT_THAT(refused(scope, "resource.a == 99999999999999999999"), HasSubstr("64 bits"));
    EXPECT_THAT(refused("principal, action, resource"), HasSubstr("no policy names an action"));
    EXPECT_THAT(import_cedar("").notes, IsEmpty());
}

TEST(PolicyImport, JsonHasEverything) {
    const std::string json = to_json(import_casbin(kRoles, "p, a, b, c, allow\ng, u, a\n"));
    EXPECT_THAT(json, AllOf(HasSubstr(R"("assignments":{"a":["a"],"u":["a"]})"),
                            HasSubstr(R"("document":{"version":1)"), HasSubstr(R"("object_resource":"")")));
}

}  // namespace
}  // namespace consilia::access
