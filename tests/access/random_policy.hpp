#pragma once
// Random policies, principals and objects over two tables, one of them behind a reference: with nulls, with
// several roles, separations, delegations, attributes and times, so that every path of a decision is taken.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "consilia/access/policy.hpp"
#include "consilia/data/model.hpp"

namespace consilia::access::random {

using core::Expression;
using core::field;
using core::parameter;
using core::Value;

/// `thing`, which refers to a `person` as `holder`.
inline const data::Model& thing_model() {
    static const std::shared_ptr<const data::Model> person = [] {
        auto model = std::make_shared<data::Model>("person");
        model->add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
        model->add_column({.name = "user_id", .type = core::ValueType::Int64, .is_nullable = true});
        return model;
    }();
    static const data::Model thing = [] {
        data::Model model("thing");
        model.add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
        model.add_column({.name = "holder_id", .type = core::ValueType::Int64, .is_nullable = true});
        model.add_column({.name = "owner", .type = core::ValueType::Int64, .is_nullable = true});
        model.add_column({.name = "status", .type = core::ValueType::Text, .is_nullable = true});
        model.add_column({.name = "score", .type = core::ValueType::Double, .is_nullable = true});
        model.add_column({.name = "flag", .type = core::ValueType::Bool, .is_nullable = true});
        model.add_column({.name = "made_at", .type = core::ValueType::Timestamp, .is_nullable = true});
        model.add_reference({.relation = "holder", .column = "holder_id", .target = person});
        return model;
    }();
    return thing;
}

/// The user of person 1, 2, …; null is nobody's.
inline const std::array<Value, 4>& people() {
    static const std::array<Value, 4> users = {Value(0), Value(1), Value(2), Value()};
    return users;
}

inline constexpr std::int64_t kHour = 3'600'000'000;
inline constexpr std::int64_t kNoon = 1'800'000'000'000'000;

struct Thing {
    std::vector<Value> cells;  ///< holder_id, owner, status, score, flag, made_at

    [[nodiscard]] core::FieldSource source() const {
        return [this](std::string_view path) -> Value {
            static const std::map<std::string, std::size_t, std::less<>> kColumns = {
                {"holder_id", 0}, {"owner", 1}, {"status", 2}, {"score", 3}, {"flag", 4}, {"made_at", 5}};
            if (path == "holder.user_id") {
                return cells[0].is_null()
                           ? Value()
                           : people()[static_cast<std::size_t>(cells[0].as<std::int64_t>() - 1)];
            }
            return cells[kColumns.find(path)->second];
        };
    }
};

class Generator {
public:
    explicit Generator(std::uint32_t seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <std::size_t N>
    const char* any_of(const char* const (&choices)[N]) {
        return choices[below(N)];
    }

    Value or_null(const Value& value) { return one_in(5) ? Value() : value; }
    Value owner() { return or_null(static_cast<int>(below(3))); }
    Value status() { return or_null(any_of({"new", "done", "Done", "d%"})); }
    Value score() { return or_null(static_cast<double>(below(4)) / 2); }
    Value flag() { return or_null(one_in(2)); }
    core::Timestamp time() { return {kNoon + (static_cast<std::int64_t>(below(5)) - 2) * kHour}; }
    Value made_at() { return or_null(time()); }
    Thing thing() {
        return {{or_null(static_cast<int>(1 + below(4))), owner(), status(), score(), flag(), made_at()}};
    }

    core::Term user() {
        switch (below(4)) {
            case 0:
                return core::Term(owner());
            case 1:
                return parameter("principal_ward");
            default:
                return parameter("principal_id");
        }
    }
    Expression comparison() {
        switch (below(14)) {
            case 0:
                return field("owner") == user();
            case 1:
                return field("holder.user_id") == user();
            case 2:
                return field("owner") != user();
            case 3:
                return field("status") == status();
            case 4:
                return field("status").in({status(), status()});
            case 5:
                return field("status").like(any_of({"d%", "%o%", "d\\%"}));
            case 6:
                return field("score") < score();
            case 7:
                return field("score").between(score(), score());
            case 8:
                return field("flag") == flag();
            case 9:
                return field("made_at") <= parameter("now");
            case 10:
                return parameter("address").like("10.%");
            case 11:
                return parameter("context_purpose") == field("status");
            case 12:
                return parameter("principal_role") == any_of({"a", "b"});
            default:
                return one_in(2) ? field("status").is_null() : field("holder.user_id").is_not_null();
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

    std::string role() { return any_of({"a", "b", "c", "d"}); }
    std::string permission() {
        return any_of({"thing:read", "thing:write", "thing:*", "*:read", "*:*", "note:read"});
    }

    PolicyDocument document() {
        PolicyDocument document;
        document.resources = {{"thing", {"read", "write", "approve"}}, {"note", {"read"}}};
        document.principal_attributes = {{"ward", core::ValueType::Int64}};
        document.context_attributes = {{"purpose", core::ValueType::Text}};
        document.roles = {{"a"}, {"b"}, {"c"}, {"d"}};
        for (std::size_t role = 1; role < 4; ++role) {
            for (std::size_t parent = 0; parent < role; ++parent) {
                if (one_in(4)) document.roles[role].inherits.push_back(document.roles[parent].name);
            }
        }
        const std::size_t count = below(8);
        for (std::size_t i = 0; i < count; ++i) {
            document.rules.push_back({"rule " + std::to_string(i), one_in(4) ? Effect::Deny : Effect::Allow,
                                      one_in(6) ? "*" : role(), permission(), condition()});
        }
        for (std::size_t left = below(5); left > 0; --left) {
            document.fields.push_back(
                {one_in(4) ? "*" : role(),
                 permission(),
                 {any_of({"id", "owner", "status"}), any_of({"score", "holder.user_id"})},
                 one_in(4) ? Effect::Deny : Effect::Allow,
                 one_in(2) ? Expression() : condition()});
        }
        if (one_in(3)) document.separations.push_back({"roles", {"c", "d"}, {}, 1});
        if (one_in(3)) document.separations.push_back({"permissions", {}, {"thing:write", "note:*"}, 1});
        if (!one_in(4)) document.delegable.push_back(one_in(2) ? "*:*" : permission());
        return document;
    }

    std::vector<std::string> roles() {
        std::vector<std::string> roles;
        for (std::size_t left = one_in(10) ? 0 : 1 + below(3); left > 0; --left)
            roles.push_back(one_in(20) ? "visitor" : role());
        return roles;
    }
    Attributes attributes() { return one_in(2) ? Attributes{} : Attributes{{"ward", owner()}}; }
    Principal principal() {
        Principal principal{owner(), roles(), "someone", attributes(), {}};
        for (std::size_t left = below(3); left > 0; --left) {
            const core::Timestamp start = time();
            principal.delegations.push_back({owner(),
                                             roles(),
                                             permission(),
                                             {start.microseconds + 2 * kHour},
                                             start,
                                             "lender",
                                             attributes()});
        }
        return principal;
    }
    Context context() {
        return {time(), one_in(3) ? "" : any_of({"10.1.2.3", "192.168.0.1"}),
                one_in(3) ? Attributes{} : Attributes{{"purpose", status()}}};
    }

private:
    std::mt19937 engine_;
};

}  // namespace consilia::access::random
