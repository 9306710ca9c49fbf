#include "consilia/data/schema.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "ddl.hpp"
#include "live.hpp"

namespace consilia::data {

struct Schema::State {
    // References between the models do not own: the whole schema does.
    std::map<std::string, std::unique_ptr<Model>, std::less<>> models;
    std::vector<LeftOut> left_out;
};

namespace {

using core::ValueType;

bool is_plain(std::string_view name) {
    return !name.empty() && name.size() <= 63 && (name[0] < '0' || name[0] > '9') &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

constexpr const char* kNameReason = "its name is not lower-case letters, digits and `_`";

/// Makes the model of one live table; what cannot be described is added to `left_out`.
class Describer {
public:
    Describer(const LiveTable& table, core::SqlDialect dialect, std::vector<LeftOut>& left_out)
        : table_(table), dialect_(dialect), left_out_(left_out) {}

    std::unique_ptr<Model> columns() {
        auto model = std::make_unique<Model>(table_.name);
        for (const LiveColumn& column : table_.columns) {
            const auto type = value_type(column.sql_type, dialect_);
            if (!is_plain(column.name)) {
                leave_out(column.name, kNameReason);
            } else if (!type) {
                leave_out(column.name, "its type `" + column.sql_type + "` is not known");
            } else {
                model->add_column(describe(column, *type));
            }
        }
        return model;
    }

    void references(Model& model, const std::map<std::string, std::unique_ptr<Model>, std::less<>>& models) {
        for (const LiveReference& reference : table_.references) {
            const std::string& column = reference.columns.front();
            const auto target = models.find(reference.target);
            const Column* key = target == models.end() ? nullptr : target->second->primary_key();
            if (reference.columns.size() != 1) {
                leave_out(column, "a reference of several columns");
            } else if (key == nullptr || key->name != reference.target_columns.front()) {
                leave_out(column, "a reference to something else than a described primary key");
            } else if (model.find_column(column) != nullptr) {
                refer(model, reference, target->second->self());
            }
        }
    }

    void indexes(Model& model) {
        for (const LiveIndex& index : table_.indexes) {
            const bool is_known =
                std::all_of(index.columns.begin(), index.columns.end(), [&](const std::string& column) {
                    return model.find_column(column.starts_with('-') ? column.substr(1) : column) != nullptr;
                });
            if (!is_known) {
                leave_out(index.name, "an index on an expression or on a column that is left out");
            } else if (!index.where_sql.empty()) {
                leave_out(index.name, "the condition of an index: " + index.where_sql);
            } else {
                model.add_index({.columns = index.columns, .is_unique = index.is_unique});
            }
        }
    }

    void history(Model& model) {
        if (model.primary_key() == nullptr) return;
        const auto triggers = ddl::history_triggers(table_of(model), dialect_);
        const bool is_kept = std::all_of(triggers.begin(), triggers.end(), [&](const std::string& name) {
            return std::find(table_.triggers.begin(), table_.triggers.end(), name) != table_.triggers.end();
        });
        if (is_kept) model.keep_history();
    }

private:
    void leave_out(const std::string& part, std::string reason) {
        left_out_.push_back({table_.name, part, std::move(reason)});
    }

    Column describe(const LiveColumn& live, ValueType type) {
        Column column{.name = live.name, .type = type, .is_nullable = !live.is_not_null};
        column.is_primary_key = live.is_primary_key && type == ValueType::Int64;
        if (column.is_primary_key) {
            column.is_nullable = false;
        } else if (const auto found = read_default(live.default_sql, type, dialect_)) {
            column.default_value = found->value;
            column.defaults_to_now = found->is_now;
        } else {
            leave_out(live.name, "the default of a column: " + live.default_sql);
        }
        column.length_max = live.length_max;
        if (live.length_max == 0 && type == ValueType::Text) column.length_max = declared_length(live.name);
        if (live.sql_type != ddl::type(type, dialect_)) column.sql_type = live.sql_type;
        return column;
    }

    /// The length that a rule of ours is called after.
    [[nodiscard]] std::int64_t declared_length(const std::string& column) const {
        const std::string prefix = column + "_max";
        const auto rule = table_.checks.lower_bound(prefix);
        if (rule == table_.checks.end() || !rule->first.starts_with(prefix)) return 0;
        const std::string digits = rule->first.substr(prefix.size());
        const bool is_number = !digits.empty() && digits.size() < 18 &&
                               digits.find_first_not_of("0123456789") == std::string::npos;
        return is_number ? std::stoll(digits) : 0;
    }

    void refer(Model& model, const LiveReference& live, std::shared_ptr<const Model> target) {
        const std::string& column = live.columns.front();
        const auto is_taken = [&](const std::string& name) {
            return model.find_column(name) != nullptr || model.find_reference(name) != nullptr;
        };
        std::string relation =
            column.ends_with("_id") && column.size() > 3 ? column.substr(0, column.size() - 3) : column;
        if (is_taken(relation)) relation = column + "_row";
        if (is_taken(relation) || !is_plain(relation)) {
            leave_out(column, "a reference without a name that is free");
            return;
        }
        const bool can_be_null = model.find_column(column)->is_nullable;
        const OnDelete action =
            live.on_delete == OnDelete::SetNull && !can_be_null ? OnDelete::Restrict : live.on_delete;
        model.add_reference({relation, column, std::move(target), action});
    }

    const LiveTable& table_;
    core::SqlDialect dialect_;
    std::vector<LeftOut>& left_out_;
};

}  // namespace

std::shared_ptr<const Model> Schema::find(std::string_view table) const noexcept {
    const auto found = state_->models.find(table);
    if (found == state_->models.end()) return nullptr;
    return {state_, found->second.get()};
}

std::shared_ptr<const Model> Schema::require(std::string_view table) const {
    if (auto model = find(table)) return model;
    throw core::NotFound("schema.unknown_table", "the database has no such table", {{"table", table}});
}

std::vector<std::shared_ptr<const Model>> Schema::models() const {
    std::vector<std::shared_ptr<const Model>> models;
    for (const auto& [name, model] : state_->models) models.push_back({state_, model.get()});
    return models;
}

std::span<const LeftOut> Schema::left_out() const noexcept {
    return state_->left_out;
}

Schema reflect(const Session& session) {
    const core::SqlDialect dialect = session.dialect();
    const LiveTables live = read_live(session);
    auto state = std::make_shared<Schema::State>();
    for (const auto& [name, table] : live) {
        if (!is_plain(name)) {
            state->left_out.push_back({name, "", kNameReason});
        } else {
            state->models.emplace(name, Describer(table, dialect, state->left_out).columns());
        }
    }
    for (const auto& [name, model] : state->models) {
        Describer describer(live.find(name)->second, dialect, state->left_out);
        describer.references(*model, state->models);
        describer.indexes(*model);
        describer.history(*model);
    }
    Schema schema;
    schema.state_ = std::move(state);
    return schema;
}

}  // namespace consilia::data
