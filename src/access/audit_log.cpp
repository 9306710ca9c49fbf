#include "consilia/access/audit_log.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "access/audit_table.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/core/text.hpp"

namespace consilia::access {
namespace {

using core::field;

constexpr std::size_t kDetailsBytesMin = 1024;  // Those of a rotation, with any name of a file.
constexpr std::size_t kDetailsBytesMax = std::size_t{64} << 10;
constexpr int kDetailsDepthMax = 16;

[[noreturn]] void refuse_field(std::string_view field, const std::string& message, std::size_t limit) {
    throw core::InvalidArgument("audit.field", "`" + std::string(field) + "` " + message,
                                {{"field", field}, {"limit_bytes", limit}});
}

void require_text(std::string_view field, std::string_view text, std::size_t limit) {
    if (text.size() > limit) {
        refuse_field(
            field,
            "has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(limit) + " are kept",
            limit);
    }
    if (text.find('\0') != std::string_view::npos) refuse_field(field, "has a zero byte", limit);
    if (!core::is_valid_utf8(text)) refuse_field(field, "is not UTF-8", limit);
}

void require_texts(const AuditEvent& event) {
    constexpr std::size_t kMax = AuditEvent::kNameBytesMax;
    const std::pair<std::string_view, const std::string*> texts[] = {
        {"user_name", &event.user_name}, {"roles", &event.roles}, {"action", &event.action},
        {"resource", &event.resource},   {"rule", &event.rule},   {"address", &event.address}};
    for (const auto& [name, text] : texts) require_text(name, *text, kMax);
    require_text("reason", event.reason, AuditEvent::kReasonBytesMax);
    for (const auto& [name, text] : {texts[2], texts[3]}) {
        if (text->empty()) refuse_field(name, "is empty", kMax);
    }
}

core::Value stored_id(const core::Value& id, std::string_view field) {
    std::optional<std::string> text = id_text(id, field);
    if (!text) return {};
    require_text(field, *text, AuditEvent::kIdBytesMax);
    return *std::move(text);
}

[[noreturn]] void refuse_details(const std::string& message, std::size_t limit) {
    throw core::InvalidArgument("audit.details", "`details` " + message,
                                {{"field", "details"}, {"limit_bytes", limit}});
}

/// One form for one meaning: compact, keys in order, plain ASCII.
std::string canonical_details(const std::string& text, std::size_t limit) {
    if (text == "{}") return text;
    using Event = nlohmann::json::parse_event_t;
    const auto check_depth = [&](int depth, Event event, nlohmann::json&) {
        const bool opens = event == Event::object_start || event == Event::array_start;
        if (opens && depth >= kDetailsDepthMax) refuse_details("is nested too deep", limit);
        return true;
    };
    if (text.size() > 2 * limit) refuse_details("is too long", limit);
    const auto parsed = nlohmann::json::parse(text, check_depth, false);
    if (!parsed.is_object()) refuse_details("is not one JSON object", limit);
    std::string canonical = parsed.dump(-1, ' ', true);
    if (canonical.size() > limit) {
        refuse_details("has " + std::to_string(canonical.size()) + " bytes as compact JSON, at most " +
                           std::to_string(limit) + " are kept",
                       limit);
    }
    return canonical;
}

void bind(data::CellWriter& to, const EntryView& entry) {
    const auto optional = [&](int place, const std::optional<std::string_view>& text) {
        text ? to.text(place, *text) : to.null(place);
    };
    to.int64(0, entry.sequence);
    to.timestamp(1, entry.at);
    optional(2, entry.user_id);
    to.text(3, entry.user_name);
    to.text(4, entry.roles);
    to.text(5, entry.action);
    to.text(6, entry.resource);
    optional(7, entry.record_id);
    to.text(8, entry.outcome);
    to.text(9, entry.rule);
    to.text(10, entry.reason);
    to.text(11, entry.address);
    to.text(12, entry.details);
    to.text(13, entry.previous);
    to.text(14, entry.hash);
}

/// A reserved name would let a caller tell of a rotation that never was.
void require_foreign(std::span<const AuditEvent> events) {
    for (const AuditEvent& event : events) {
        if (event.resource == kAuditResource) {
            refuse_field("resource", "`consilia_audit` is the log's own", AuditEvent::kNameBytesMax);
        }
    }
    if (events.size() > AuditLog::kEventsMax) {
        throw core::InvalidArgument("audit.too_many", "at most 10000 entries are appended at once",
                                    {{"limit", AuditLog::kEventsMax}, {"found", events.size()}});
    }
}

}  // namespace

AuditLog::State::State(data::Database& used, const AuditLogOptions& options)
    : database(used),
      hasher(options.key),
      key_check(hasher.key_check()),
      details_bytes_max(options.details_bytes_max),
      clock(options.clock != nullptr ? *options.clock : core::SystemClock::instance()),
      insert(in_words_of(used.dialect(),
                         "INSERT INTO consilia_audit (sequence, at, user_id, user_name, roles, action, "
                         "resource, record_id, outcome, rule, reason, address, details, previous, hash) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      advance(
          in_words_of(used.dialect(), "UPDATE consilia_audit_head SET sequence = ?, hash = ? WHERE id = 1")) {
    if (details_bytes_max < kDetailsBytesMin || details_bytes_max > kDetailsBytesMax) {
        throw core::InvalidArgument("audit.options", "`details_bytes_max` is 1024 to 65536",
                                    {{"field", "details_bytes_max"}});
    }
}

AuditAnchor AuditLog::State::append(const data::Transaction& transaction, const AuditHead& head,
                                    std::span<const AuditEvent> events) {
    const core::Timestamp now = clock.now();
    AuditHasher chain(hasher);
    AuditAnchor last = head.newest;
    std::string line;
    std::vector<AuditEntry> entries;
    entries.reserve(events.size());
    for (const AuditEvent& event : events) {
        require_texts(event);
        AuditEntry& entry = entries.emplace_back(AuditEntry{event, last.sequence + 1, now, last.hash, {}});
        entry.user_id = stored_id(event.user_id, "user_id");
        entry.record_id = stored_id(event.record_id, "record_id");
        entry.details.text = canonical_details(event.details.text, details_bytes_max);
        write_body(line, view_of(entry));
        entry.hash = chain(line);
        last = {entry.sequence, entry.hash};
    }
    if (entries.size() == 1) {
        transaction.run(insert, [&](data::CellWriter& to) { bind(to, view_of(entries.front())); });
    } else {
        auto next = entries.begin();
        transaction.run_many(insert, [&](data::CellWriter& to) {
            if (next == entries.end()) return false;
            bind(to, view_of(*next++));
            return true;
        });
    }
    transaction.run(advance, [&](data::CellWriter& to) {
        to.int64(0, last.sequence);
        to.text(1, last.hash);
    });
    return last;
}

AuditLog::AuditLog(data::Database& database, AuditLogOptions options)
    : state_(std::make_unique<State>(database, options)) {}

AuditLog::~AuditLog() = default;

void AuditLog::create_schema() {
    data::Transaction transaction = state_->database.begin();
    const core::SqlDialect dialect = transaction.dialect();
    for (const std::string& sql : schema_statements(dialect)) transaction.execute(sql);
    const std::string zeros = AuditAnchor{}.hash;
    const core::Value values[] = {zeros, zeros, state_->key_check};
    transaction.execute(in_words_of(dialect,
                                    "INSERT INTO consilia_audit_head (id, sequence, hash, removed_sequence, "
                                    "removed_hash, key_check) SELECT 1, 0, ?, 0, ?, ? WHERE NOT EXISTS "
                                    "(SELECT 1 FROM consilia_audit_head)"),
                        values);
    (void)state_->head(transaction);
    transaction.commit();
}

AuditAnchor AuditLog::append(data::Transaction& transaction, const AuditEvent& event) {
    return append_many(transaction, {&event, 1});
}

AuditAnchor AuditLog::append(const AuditEvent& event) {
    return append_many({&event, 1});
}

AuditAnchor AuditLog::append_many(data::Transaction& transaction, std::span<const AuditEvent> events) {
    require_foreign(events);
    const AuditHead head = state_->head(transaction, true);
    return events.empty() ? head.newest : state_->append(transaction, head, events);
}

AuditAnchor AuditLog::append_many(std::span<const AuditEvent> events) {
    return state_->database.transact(
        [&](data::Transaction& transaction) { return append_many(transaction, events); });
}

AuditAnchor AuditLog::head() {
    return head(state_->database.autocommit());
}

AuditAnchor AuditLog::head(const data::Session& session) {
    return state_->head(session).newest;
}

std::vector<AuditEntry> AuditLog::find(const AuditFilter& filter, const AuditPage& page) {
    return find(state_->database.autocommit(), filter, page);
}

std::vector<AuditEntry> AuditLog::find(const data::Session& session, const AuditFilter& filter,
                                       const AuditPage& page) {
    if (page.limit < 1 || page.limit > AuditPage::kLimitMax || page.after_sequence < 0) {
        throw core::InvalidArgument("audit.page",
                                    "a page has 1 to 10000 entries, after a sequence that is not negative",
                                    {{"limit", page.limit}, {"after_sequence", page.after_sequence}});
    }
    data::Query found = query(filter).order_by(page.newest_first ? "-sequence" : "sequence");
    if (page.after_sequence > 0) {
        found = found.where(page.newest_first ? field("sequence") < page.after_sequence
                                              : field("sequence") > page.after_sequence);
    }
    std::vector<AuditEntry> entries;
    found.limit(page.limit).each(session, [&](const data::CellReader& row) {
        entries.push_back(entry_of(view_of(row)));
    });
    return entries;
}

std::int64_t AuditLog::each_json_line(const AuditFilter& filter,
                                      const std::function<void(std::string_view line)>& line) {
    std::int64_t count = 0;
    std::string text;
    query(filter).order_by("sequence").each(state_->database.read(), [&](const data::CellReader& row) {
        const EntryView entry = view_of(row);
        write_body(text, entry);
        add_hash(text, entry.hash);
        line(text);
        ++count;
    });
    return count;
}

}  // namespace consilia::access
