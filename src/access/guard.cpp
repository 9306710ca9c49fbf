#include "consilia/access/guard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "consilia/access/refusal_log.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::field;
using core::Value;

void add_fields(NamedTypes& types, const data::Model& model, const std::string& prefix, std::size_t levels) {
    for (const data::Column& column : model.columns()) types.emplace(prefix + column.name, column.type);
    if (levels == 0) return;
    for (const data::Reference& reference : model.references())
        add_fields(types, *reference.target, prefix + reference.relation + ".", levels - 1);
}

core::FieldSource source_of(const data::RowSet& rows) {
    return [&rows](std::string_view path) { return rows.value(0, rows.column_index(path)); };
}

// A row that is not there yet: what is assigned to it, where that is a value.
core::FieldSource source_of(std::span<const data::Assignment> values) {
    return [values](std::string_view path) {
        for (const data::Assignment& assignment : values) {
            if (assignment.name == path && assignment.value.op() == core::Operator::Literal)
                return assignment.value.value();
        }
        return Value();
    };
}

std::vector<std::string_view> names_of(std::span<const data::Assignment> values) {
    std::vector<std::string_view> names;
    for (const data::Assignment& assignment : values) names.push_back(assignment.name);
    return names;
}

// Sorted, so that the columns of one object stand together, but the key first.
void put_first(std::vector<std::string>& paths, const std::string& key) {
    std::stable_partition(paths.begin(), paths.end(), [&](const std::string& path) { return path == key; });
}

}  // namespace

NamedTypes fields_of(const data::Model& model, std::size_t levels) {
    NamedTypes types;
    add_fields(types, model, "", levels);
    return types;
}

Guard::Guard(Policy policy, Principal principal, std::string resource, data::ModelRepository records,
             Context context)
    : policy_(std::move(policy)),
      principal_(std::move(principal)),
      resource_(std::move(resource)),
      records_(std::move(records)),
      context_(std::move(context)) {}

Guard Guard::observed(AccessObserver observer) const {
    Guard guard = *this;
    guard.observer_ = std::move(observer);
    return guard;
}

AuditEvent Guard::event_of(std::string_view action, std::optional<std::int64_t> id,
                           const Decision& decision) const {
    return audit_event(policy_, {principal_, action, resource_, id}, decision, context_.address);
}

void Guard::tell(AuditEvent event) const {
    if (observer_) observer_(event);
}

// Runs what may be refused: a denial is logged, and told, on its way out.
template <class Action>
void Guard::refusing(std::string_view action, std::optional<std::int64_t> id, const Action& body) const {
    try {
        body();
    } catch (const core::PermissionDenied& error) {
        log_refusal("access denied", {principal_, action, resource_, id}, error.code());
        AuditEvent event = event_of(action, id, {});
        event.reason = error.code();
        for (const core::Detail& detail : error.details()) {
            if (detail.name == "rule") event.rule = detail.value.as<std::string>();
        }
        tell(std::move(event));
        throw;
    }
}

// Which rule allowed each row, the query's scope does not say: those that may have are named.
void Guard::tell_read(const data::RowSet& rows) const {
    if (!observer_) return;
    AuditEvent event = event_of("read", std::nullopt, {true, Reason::AllowedByRule, Decision::kNone});
    for (const RuleTrace& trace :
         policy_.explain(principal_, "read", resource_, Policy::nothing(), context_).rules) {
        if (trace.effect != Effect::Allow) continue;
        if (event.rule.size() + trace.rule.size() + 2 > AuditEvent::kNameBytesMax) break;
        event.rule += (event.rule.empty() ? "" : ", ") + trace.rule;
    }
    const auto columns = rows.columns();
    const auto key = std::find_if(columns.begin(), columns.end(), [&](const data::RowColumn& column) {
        return column.name == records_.model().primary_key()->name;
    });
    if (key == columns.end()) {
        event.details.text = nlohmann::json{{"rows", rows.size()}}.dump();
        return observer_(event);
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
        event.record_id = rows.value(row, static_cast<std::size_t>(key - columns.begin()));
        observer_(event);
    }
}

Expression Guard::scope(std::string_view action, std::optional<std::int64_t> id) const {
    Expression scope = policy_.scope(principal_, action, resource_, context_);
    if (scope.same_as(Expression::literal(false))) {
        refusing(action, id,
                 [&] { policy_.require(principal_, action, resource_, Policy::nothing(), context_); });
    }
    return scope;
}

std::vector<std::string> Guard::readable() const {
    std::vector<std::string> fields = policy_.fields(principal_, "read", resource_, context_);
    require_some(fields);
    put_first(fields, records_.model().primary_key()->name);
    return fields;
}

// An empty selection would mean every column.
void Guard::require_some(const std::vector<std::string>& fields) const {
    if (!fields.empty()) return;
    refusing("read", std::nullopt, [&] {
        throw core::PermissionDenied("access.no_fields", "role `" + std::string(principal_.role()) +
                                                             "` may read no field of `" + resource_ + "`");
    });
}

data::Query Guard::rows(std::string_view action) const {
    return records_.query().where(scope(action));
}

data::Query Guard::query(std::string_view action) const {
    return rows(action).select(readable());
}

Expression Guard::filter(std::string_view text) const {
    if (text.empty()) return {};
    if (text.size() > kMaxFilterBytes)
        throw core::InvalidArgument("access.filter", "a filter has at most 4096 bytes");
    Expression filter = core::parse_expression(text);
    const std::vector<std::string> fields = readable();
    for (const std::string& path : core::field_paths(filter)) require_readable(fields, path);
    return filter;
}

std::vector<std::string> Guard::order(std::string_view text) const {
    const std::string& key = records_.model().primary_key()->name;
    const std::vector<std::string> fields = readable();
    std::vector<std::string> paths;
    bool has_key = false;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view item = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        const std::string_view path = item.starts_with('-') ? item.substr(1) : item;
        require_readable(fields, path);
        has_key = has_key || path == key;
        paths.emplace_back(item);
        if (paths.size() > kMaxOrders)
            throw core::InvalidArgument("access.order", "an order has at most 5 fields");
    }
    if (!has_key) paths.push_back("-" + key);
    return paths;
}

void Guard::require_readable(const std::vector<std::string>& fields, std::string_view path) {
    if (std::find(fields.begin(), fields.end(), path) != fields.end()) return;
    std::string names;
    for (const std::string& name : fields) names += (names.empty() ? "" : " ") + name;
    throw core::InvalidArgument("access.field",
                                "no field `" + std::string(path.substr(0, 100)) + "` that this role may read",
                                {{"path", Value(path.substr(0, 100))}, {"fields", Value(names)}});
}

data::Query Guard::with_key(std::int64_t id) const {
    return records_.query().where(field(records_.model().primary_key()->name) == id);
}

// What the conditions of `action` ask of the row; NotFound unless it may be read.
data::RowSet Guard::facts(const data::Session& session, std::int64_t id, std::string_view action) const {
    if (action != "read") static_cast<void>(scope(action, id));
    const Expression visible = scope("read", id);
    std::vector<std::string> paths = policy_.condition_fields(action, resource_);
    const std::string& key = records_.model().primary_key()->name;
    if (std::find(paths.begin(), paths.end(), key) == paths.end()) paths.push_back(key);
    data::RowSet rows = with_key(id).where(visible).select(paths).run(session);
    if (rows.empty()) refuse_unseen(session, id, action);
    return rows;
}

// The same statements for a row that is hidden as for one that does not exist, and a line in the log for
// both: only that line says which it was.
void Guard::refuse_unseen(const data::Session& session, std::int64_t id, std::string_view action) const {
    const std::string code = resource_ + ".not_found";
    const bool is_hidden = with_key(id).exists(session);
    log_refusal("record not found", {principal_, action, resource_, id}, code, is_hidden);
    AuditEvent event = event_of(action, id, {});
    event.reason = is_hidden ? "hidden" : "not there";
    tell(std::move(event));
    throw core::NotFound(code, "no " + resource_ + " " + std::to_string(id));
}

AuditEvent Guard::require(const core::FieldSource& facts, std::optional<std::int64_t> id,
                          std::string_view action, std::span<const data::Assignment> changes) const {
    const std::vector<std::string_view> names = names_of(changes);
    refusing(action, id, [&] {
        policy_.require(principal_, action, resource_, facts, context_);
        policy_.require_fields(principal_, action, resource_, names, facts, context_);
    });
    if (!observer_) return {};
    AuditEvent event = event_of(action, id, policy_.check(principal_, action, resource_, facts, context_));
    if (!names.empty()) event.details.text = nlohmann::json{{"fields", names}}.dump();
    return event;
}

void Guard::require(const data::Session& session, std::int64_t id, std::string_view action) const {
    const data::RowSet known = facts(session, id, action);
    tell(require(source_of(known), id, action, {}));
}

data::RowSet Guard::get(const data::Session& session, std::int64_t id) const {
    std::vector<std::string> fields = policy_.fields(principal_, "read", resource_, context_);
    const bool depends = fields != policy_.possible_fields(principal_, "read", resource_, context_);
    if (depends || observer_) {
        const data::RowSet known = facts(session, id, "read");
        fields = policy_.fields(principal_, "read", resource_, source_of(known), context_);
        tell(require(source_of(known), id, "read", {}));
    }
    const Expression visible = scope("read", id);
    require_some(fields);
    put_first(fields, records_.model().primary_key()->name);
    data::RowSet rows = with_key(id).where(visible).select(fields).run(session);
    if (rows.empty()) refuse_unseen(session, id, "read");
    return rows;
}

data::ModelRepository::Inserted Guard::insert(const data::Session& session,
                                              std::vector<data::Assignment> values) const {
    AuditEvent event = require(source_of(values), std::nullopt, "create", values);
    const data::ModelRepository::Inserted inserted = records_.insert(session, std::move(values));
    event.record_id = inserted.id;
    tell(std::move(event));
    return inserted;
}

std::optional<core::Timestamp> Guard::update(const data::Transaction& transaction, std::int64_t id,
                                             std::vector<data::Assignment> changes,
                                             std::optional<core::Timestamp> version) const {
    const data::RowSet known = facts(transaction, id, "update");
    tell(require(source_of(known), id, "update", changes));
    const auto changed = records_.update(transaction, id, std::move(changes), version);
    if (!with_key(id).where(scope("update", id)).exists(transaction)) {
        refusing("update", id, [&] {
            throw core::PermissionDenied("access.denied", "the change would put `" + resource_ + "` " +
                                                              std::to_string(id) +
                                                              " where its author may not change it");
        });
    }
    return changed;
}

void Guard::remove(const data::Transaction& transaction, std::int64_t id) const {
    const data::RowSet known = facts(transaction, id, "delete");
    tell(require(source_of(known), id, "delete", {}));
    if (records_.model().has_soft_delete()) {
        records_.soft_delete(transaction, id);
    } else {
        records_.remove(transaction, id);
    }
}

}  // namespace consilia::access
