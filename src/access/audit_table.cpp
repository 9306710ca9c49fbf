#include "access/audit_table.hpp"

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/uuid.hpp"
#include "consilia/data/model.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::SqlDialect;
using core::ValueType;

data::Model make_entries() {
    data::Model made(std::string{kAuditResource});
    // INVARIANT: the order of `view_of`.
    made.add_column({.name = "sequence", .type = ValueType::Int64, .is_primary_key = true});
    made.add_column({.name = "at", .type = ValueType::Timestamp});
    made.add_column({.name = "user_id", .is_nullable = true});
    for (const char* name : {"user_name", "roles", "action", "resource"}) made.add_column({.name = name});
    made.add_column({.name = "record_id", .is_nullable = true});
    made.add_column({.name = "outcome", .choices = {"allowed", "denied"}});
    for (const char* name : {"rule", "reason", "address", "details", "previous", "hash"}) {
        made.add_column({.name = name});
    }
    made.add_index({.columns = {"resource", "record_id", "sequence"}});
    made.add_index({.columns = {"user_id", "sequence"}});
    made.add_index({.columns = {"at"}});
    return made;
}

data::Model make_head() {
    data::Model made("consilia_audit_head");
    made.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
    made.add_column({.name = "sequence", .type = ValueType::Int64});
    made.add_column({.name = "hash"});
    made.add_column({.name = "removed_sequence", .type = ValueType::Int64});
    made.add_column({.name = "removed_hash"});
    made.add_column({.name = "key_check"});
    return made;
}

// The head only moves forward, past nothing that was not written, and keeps its key.
constexpr std::string_view kHeadGoesBack =
    "NEW.sequence < OLD.sequence OR NEW.removed_sequence < OLD.removed_sequence OR "
    "NEW.removed_sequence > NEW.sequence OR NEW.key_check <> OLD.key_check";
constexpr std::string_view kIsKept = "OLD.sequence > (SELECT removed_sequence FROM consilia_audit_head)";

std::vector<std::string> sqlite_triggers() {
    const auto refuse = [](std::string_view table, std::string_view event, std::string_view when) {
        std::string sql = "CREATE TRIGGER IF NOT EXISTS ";
        sql += std::string(table) + "_no_" + std::string(event) + " BEFORE " + std::string(event) + " ON ";
        sql += table;
        if (!when.empty()) sql += " WHEN " + std::string(when);
        return sql + " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END";
    };
    // INSERT OR REPLACE removes a row without asking the trigger on DELETE.
    return {refuse(kAuditResource, "update", ""),
            refuse(kAuditResource, "delete", kIsKept),
            refuse(kAuditResource, "insert", "NEW.sequence <= (SELECT sequence FROM consilia_audit_head)"),
            refuse("consilia_audit_head", "update", kHeadGoesBack),
            refuse("consilia_audit_head", "delete", ""),
            refuse("consilia_audit_head", "insert", "EXISTS (SELECT 1 FROM consilia_audit_head)")};
}

std::vector<std::string> postgres_triggers() {
    std::vector<std::string> statements;
    const auto refuse = [&](std::string_view table, std::string_view allowed) {
        const std::string name(table);
        std::string body = "BEGIN ";
        body += allowed;
        body += " RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'check_violation'; END";
        statements.push_back("CREATE OR REPLACE FUNCTION " + name +
                             "_guard() RETURNS trigger LANGUAGE plpgsql AS $consilia$" + body + "$consilia$");
        statements.push_back("CREATE OR REPLACE TRIGGER " + name + "_guard BEFORE UPDATE OR DELETE ON " +
                             name + " FOR EACH ROW EXECUTE FUNCTION " + name + "_guard()");
        statements.push_back("CREATE OR REPLACE TRIGGER " + name + "_guard_all BEFORE TRUNCATE ON " + name +
                             " FOR EACH STATEMENT EXECUTE FUNCTION " + name + "_guard()");
    };
    refuse(kAuditResource,
           "IF TG_OP = 'DELETE' THEN IF NOT (" + std::string(kIsKept) + ") THEN RETURN OLD; END IF; END IF;");
    refuse("consilia_audit_head", "IF TG_OP = 'UPDATE' THEN IF NOT (" + std::string(kHeadGoesBack) +
                                      ") THEN RETURN NEW; END IF; END IF;");
    return statements;
}

const data::Model& head_model() {
    static const data::Model model = make_head();
    return model;
}

}  // namespace

const data::Model& AuditLog::model() {
    static const data::Model model = make_entries();
    return model;
}

std::vector<std::string> schema_statements(SqlDialect dialect) {
    std::vector<std::string> statements;
    const auto add = [&](const std::vector<std::string>& more) {
        statements.insert(statements.end(), more.begin(), more.end());
    };
    // Definitions that are made at once by two programs disturb each other on PostgreSQL.
    if (dialect == SqlDialect::PostgreSql) {
        statements.emplace_back("SELECT pg_advisory_xact_lock(hashtext('consilia_audit'))");
    }
    add(data::create_sql(AuditLog::model(), dialect));
    add(data::create_sql(head_model(), dialect));
    add(dialect == SqlDialect::Sqlite ? sqlite_triggers() : postgres_triggers());
    return statements;
}

AuditHead read_head(const data::Session& session, std::string_view key_check, bool locks) {
    // On SQLite a writer is alone already.
    constexpr std::string_view kRead =
        "SELECT sequence, hash, removed_sequence, removed_hash, key_check FROM consilia_audit_head WHERE id "
        "= 1";
    const bool is_locked = locks && session.dialect() == SqlDialect::PostgreSql;
    AuditHead head;
    const auto read = [&](const data::CellReader& row) {
        head.newest = {row.int64(0), std::string(row.text(1))};
        head.removed = {row.int64(2), std::string(row.text(3))};
        head.key_check = row.text(4);
    };
    const bool is_there = is_locked ? session.run_first(std::string(kRead) + " FOR UPDATE", nullptr, read)
                                    : session.run_first(kRead, nullptr, read);
    if (!is_there) throw core::StorageError("audit.head", "the row that begins the audit log is missing");
    if (head.key_check != key_check) {
        throw core::InvalidArgument("audit.key", "the audit log was begun with another key, or without one");
    }
    return head;
}

std::optional<std::string> id_text(const core::Value& id, std::string_view field) {
    if (id.is_null()) return std::nullopt;
    if (const auto* number = id.if_as<std::int64_t>()) return std::to_string(*number);
    if (const auto* text = id.if_as<std::string>()) return *text;
    if (const auto* uuid = id.if_as<core::Uuid>()) return core::to_string(*uuid);
    throw core::InvalidArgument("audit.field",
                                "`" + std::string(field) + "` is an integer, a text or a UUID, not `" +
                                    std::string(core::to_string(id.type())) + "`",
                                {{"field", field}});
}

std::string in_words_of(SqlDialect dialect, std::string_view sql) {
    if (dialect == SqlDialect::Sqlite) return std::string(sql);
    std::string out;
    int place = 0;
    for (const char c : sql) {
        if (c == '?') {
            out += '$' + std::to_string(++place);
        } else {
            out += c;
        }
    }
    return out;
}

data::Query AuditLog::query(const AuditFilter& filter) {
    data::Query found(model());
    if (!filter.record_id.is_null() && filter.resource.empty()) {
        throw core::InvalidArgument("audit.field", "`record_id` needs a `resource`", {{"field", "resource"}});
    }
    const auto equal = [&](const char* name, const std::optional<std::string>& text) {
        if (text) found = found.where(field(name) == *text);
    };
    const auto given = [](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional(text);
    };
    equal("resource", given(filter.resource));
    equal("record_id", id_text(filter.record_id, "record_id"));
    equal("user_id", id_text(filter.user_id, "user_id"));
    equal("action", given(filter.action));
    if (filter.outcome) found = found.where(field("outcome") == to_string(*filter.outcome));
    if (filter.since) found = found.where(field("at") >= *filter.since);
    if (filter.until) found = found.where(field("at") < *filter.until);
    return found;
}

}  // namespace consilia::access
