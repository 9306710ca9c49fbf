#include "consilia/access/policy_tables.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/policy_json.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/files.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::access {

namespace {

using core::Value;
using core::ValueType;

constexpr const char* kRoles = "consilia_policy_roles";
constexpr const char* kRules = "consilia_policy_rules";
constexpr const char* kSettings = "consilia_policy_settings";

enum Part : std::int64_t { kRolePart = 1, kRulePart = 2, kSettingPart = 3 };
enum Place : std::size_t { kPart, kId, kPosition, kName, kEffect, kRole, kPermission, kCondition, kJson };

// One statement for the three tables: under any isolation its rows are of one moment.
data::RowSet rows_of(const data::Session& session) {
    static const std::string kSql =
        std::string(
            "SELECT 1, id, position, name, CAST(NULL AS TEXT), CAST(NULL AS TEXT),"
            " CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(inherits AS TEXT) FROM ") +
        kRoles +
        " UNION ALL SELECT 2, id, position, name, effect, role, permission, condition,"
        " CAST(fields AS TEXT) FROM " +
        kRules + " UNION ALL SELECT 3, id, 0, key, NULL, NULL, NULL, NULL, CAST(value AS TEXT) FROM " +
        kSettings + " ORDER BY 1, 3, 2";
    return session.query(kSql, {},
                         {{"part", ValueType::Int64},
                          {"id", ValueType::Int64},
                          {"position", ValueType::Int64},
                          {"name", ValueType::Text},
                          {"effect", ValueType::Text},
                          {"role", ValueType::Text},
                          {"permission", ValueType::Text},
                          {"condition", ValueType::Text},
                          {"json", ValueType::Text}});
}

// One row, with the names that people know its cells by.
class Row {
public:
    Row(const data::RowSet& rows, std::size_t row, const char* table)
        : rows_(rows),
          row_(row),
          place_(std::string(table) + "[id=" + std::to_string(rows.int64(row, kId)) + "]") {}

    [[nodiscard]] const std::string& place() const noexcept { return place_; }
    [[nodiscard]] std::optional<std::string> text(Place cell, const char* column) const {
        if (rows_.is_null(row_, cell)) return std::nullopt;
        if (rows_.type(row_, cell) != ValueType::Text) refuse_json(place_ + "." + column, "wanted a text");
        return std::string(rows_.text(row_, cell));
    }
    // Puts a text into the item under its column's name; an empty one where it may be left out is left out.
    void put(Json& item, Place cell, const char* column, bool is_optional = false) const {
        const std::optional<std::string> found = text(cell, column);
        if (found && !(is_optional && found->empty())) item[column] = *found;
    }
    [[nodiscard]] Json json(const char* column) const {
        const std::optional<std::string> found = text(kJson, column);
        Json value = found ? Json::parse(*found, nullptr, false) : Json();
        if (value.is_discarded()) refuse_json(place_ + "." + column, "not JSON");
        return value;
    }

private:
    const data::RowSet& rows_;
    std::size_t row_;
    std::string place_;
};

void read_rule(PolicyDocument& document, const Row& row) {
    Json item = Json::object();
    row.put(item, kName, "name", true);
    row.put(item, kEffect, "effect");
    row.put(item, kRole, "role");
    row.put(item, kPermission, "permission");
    row.put(item, kCondition, "condition", true);
    if (Json fields = row.json("fields"); !fields.is_null()) {
        item["fields"] = std::move(fields);
        if (item.contains("name")) refuse_json(row.place() + ".name", "a field rule has no name");
        document.fields.push_back(field_rule_of(item, row.place()));
    } else {
        document.rules.push_back(rule_of(item, row.place()));
    }
}

PolicyDocument document_of(const data::RowSet& rows) {
    PolicyDocument document;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::int64_t part = rows.int64(i, kPart);
        const Row row(rows, i, part == kRolePart ? kRoles : part == kRulePart ? kRules : kSettings);
        if (part == kRulePart) {
            read_rule(document, row);
        } else if (part == kRolePart) {
            Json item = {{"inherits", row.json("inherits")}};
            row.put(item, kName, "name");
            document.roles.push_back(role_of(item, row.place()));
        } else {
            const std::string key = row.text(kName, "key").value_or("");
            if (!read_setting(document, key, row.json("value"), row.place() + ".value")) {
                refuse_json(row.place() + ".key",
                            "wanted `resources`, `separations`, `delegable`, `never` or "
                            "`attributes`");
            }
        }
    }
    return document;
}

Value json_value(const WrittenJson& json) {
    return Value(core::Json{json.dump()});
}
Value text_or_null(std::string text) {
    return text.empty() ? Value() : Value(std::move(text));
}
Value condition_value(const core::Expression& condition) {
    return condition.is_always_true() ? Value() : Value(core::to_text(condition));
}

std::vector<std::vector<Value>> rule_rows(const PolicyDocument& document) {
    std::vector<std::vector<Value>> rows;
    rows.reserve(document.rules.size() + document.fields.size());
    const auto position = [&] { return Value(static_cast<std::int64_t>(rows.size() + 1)); };
    for (const Rule& rule : document.rules) {
        rows.push_back({position(), text_or_null(rule.name), name_of(rule.effect), rule.role, rule.permission,
                        condition_value(rule.condition), Value()});
    }
    for (const FieldRule& rule : document.fields) {
        rows.push_back({position(), Value(), name_of(rule.effect), rule.role, rule.permission,
                        condition_value(rule.condition), json_value(rule.fields)});
    }
    return rows;
}

}  // namespace

std::shared_ptr<const data::Model> policy_role_model() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>(kRoles);
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "position", .type = ValueType::Int64, .default_value = Value(0)});
        made->add_column({.name = "name", .is_unique = true, .length_max = 100});
        made->add_column(
            {.name = "inherits", .type = ValueType::Json, .default_value = Value(core::Json{"[]"})});
        return made;
    }();
    return model;
}

std::shared_ptr<const data::Model> policy_rule_model() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>(kRules);
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "position", .type = ValueType::Int64, .default_value = Value(0)});
        made->add_column({.name = "name", .is_nullable = true, .is_unique = true});
        made->add_column({.name = "effect", .choices = {"allow", "deny"}});
        made->add_column({.name = "role"});
        made->add_column({.name = "permission"});
        made->add_column({.name = "condition", .is_nullable = true});
        made->add_column({.name = "fields", .type = ValueType::Json, .is_nullable = true});
        return made;
    }();
    return model;
}

std::shared_ptr<const data::Model> policy_setting_model() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>(kSettings);
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "key",
                          .is_unique = true,
                          .choices = {"resources", "separations", "delegable", "never", "attributes"}});
        made->add_column({.name = "value", .type = ValueType::Json});
        return made;
    }();
    return model;
}

void create_policy_tables(data::Database& database) {
    const std::array models = {policy_role_model().get(), policy_rule_model().get(),
                               policy_setting_model().get()};
    data::create_tables(database, models);
}

void save_policy(data::Transaction& transaction, const PolicyDocument& document) {
    static_cast<void>(Policy(document));  // Refuses what makes no policy.
    for (const auto& model : {policy_role_model(), policy_rule_model(), policy_setting_model()})
        data::Query(*model).remove(transaction);
    std::vector<std::vector<Value>> roles;
    for (const Role& role : document.roles)
        roles.push_back({static_cast<std::int64_t>(roles.size() + 1), role.name, json_value(role.inherits)});
    data::insert_many(transaction, *policy_role_model(), {"position", "name", "inherits"}, roles);
    data::insert_many(transaction, *policy_rule_model(),
                      {"position", "name", "effect", "role", "permission", "condition", "fields"},
                      rule_rows(document));
    std::vector<std::vector<Value>> settings;
    const WrittenJson written = json_of(document);
    for (const std::string& key : policy_setting_model()->find_column("key")->choices) {
        if (const auto found = written.find(key); found != written.end())
            settings.push_back({key, json_value(*found)});
    }
    data::insert_many(transaction, *policy_setting_model(), {"key", "value"}, settings);
}

PolicyDocument load_policy(const data::Session& session) {
    return document_of(rows_of(session));
}

PolicyLoader policy_tables(data::Database& database) {
    // Rows that are as they were are not parsed; rows that say the same under other ids are no change.
    struct Seen {
        std::string rows;
        std::string document;
    };
    return [&database, seen = Seen()]() mutable -> std::optional<PolicyDocument> {
        const data::RowSet rows = rows_of(database.autocommit());
        std::string hash = core::sha256(data::to_json(rows));
        if (hash == seen.rows) return std::nullopt;
        PolicyDocument document = document_of(rows);  // What cannot be read is not seen, and refused again.
        seen.rows = std::move(hash);
        const std::string before = std::exchange(seen.document, core::sha256(to_json(document)));
        if (before == seen.document) return std::nullopt;
        return document;
    };
}

}  // namespace consilia::access
