#include <nlohmann/json.hpp>
#include <utility>

#include "access/audit_table.hpp"
#include "access/audit_walk.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {
namespace {

using core::field;

constexpr std::int64_t kChunk = 1000;
// Places that a wrong entry is tried in; one from farther away counts as changed.
constexpr std::int64_t kPlacesTried = 100'000;

/// Whether an entry that is wrong where it stands is right in another place.
bool belongs_elsewhere(AuditHasher& hasher, EntryView entry, std::int64_t first, std::int64_t last) {
    const std::int64_t here = entry.sequence;
    std::string body;
    const auto fits = [&](std::int64_t place) {
        if (place < first || place > last) return false;
        entry.sequence = place;
        write_body(body, entry);
        return hasher(body) == entry.hash;
    };
    for (std::int64_t distance = 1; distance <= std::min(kPlacesTried, last - first); ++distance) {
        if (fits(here - distance) || fits(here + distance)) return true;
    }
    return false;
}

[[noreturn]] void throw_archived(std::int64_t sequence) {
    throw core::NotFound("audit.anchor", "the place is before what can be read: look into the archives",
                         {{"sequence", sequence}});
}

std::optional<std::string> hash_at(const data::Session& session, std::int64_t sequence) {
    std::optional<std::string> hash;
    data::Query(AuditLog::model())
        .where(field("sequence") == sequence)
        .each(session, [&](const data::CellReader& row) { hash = view_of(row).hash; });
    return hash;
}

/// Whether the place to begin behind is as it was left.
void check_beginning(const data::Session& session, const AuditHead& head, AuditWalk& walk) {
    const AuditAnchor& after = walk.report().begin;
    if (after.sequence < head.removed.sequence) throw_archived(after.sequence);
    if (after.sequence > head.newest.sequence) {
        return walk.fail(AuditFault::CutTail, head.newest.sequence + 1, "the newest entries are missing");
    }
    const auto found = after.sequence == head.removed.sequence ? std::optional(head.removed.hash)
                                                               : hash_at(session, after.sequence);
    if (!found) return walk.fail(AuditFault::Removed, after.sequence, "the entry is missing");
    if (*found != after.hash) {
        walk.fail(AuditFault::Rewritten, after.sequence, "the entry is not the one that was there before");
    }
}

/// What is behind the last entry that the head knows, and what the head says of it.
void check_end(const data::Session& session, const AuditHead& head, AuditWalk& walk) {
    const AuditAnchor& end = walk.report().end;
    if (end.sequence < head.newest.sequence) {
        return walk.fail(AuditFault::CutTail, end.sequence + 1, "the newest entries are missing");
    }
    if (end.hash != head.newest.hash) {
        return walk.fail(AuditFault::Changed, end.sequence, "the head names another hash than the entry");
    }
    const data::Query behind = data::Query(AuditLog::model()).where(field("sequence") > end.sequence);
    if (behind.exists(session)) {
        walk.fail(AuditFault::Added, end.sequence + 1, "an entry was added behind the last one");
    }
}

/// Entries before the table's beginning must have gone by a rotation, which is an entry itself.
void check_rotation(const AuditHead& head, const std::string& details, AuditWalk& walk) {
    if (head.removed.sequence == 0) return;
    const auto told = nlohmann::json::parse(details, nullptr, false);
    if (!told.is_object() || told.value("sequence", std::int64_t{0}) != head.removed.sequence ||
        told.value("hash", "") != head.removed.hash) {
        walk.fail(AuditFault::Removed, head.removed.sequence,
                  "entries up to this one are gone, and no rotation tells of it");
    }
}

}  // namespace

std::string_view to_string(AuditFault fault) noexcept {
    switch (fault) {
        case AuditFault::None:
            return "none";
        case AuditFault::Changed:
            return "changed";
        case AuditFault::Removed:
            return "removed";
        case AuditFault::Reordered:
            return "reordered";
        case AuditFault::Added:
            return "added";
        case AuditFault::CutTail:
            return "cut_tail";
        case AuditFault::Rewritten:
            return "rewritten";
    }
    return "none";
}

AuditWalk::AuditWalk(const AuditHasher& hasher, const AuditAnchor& begin,
                     const std::optional<AuditAnchor>& anchor)
    : hasher_(hasher), anchor_(anchor) {
    report_.begin = report_.end = begin;
    if (anchor_ && anchor_->sequence < begin.sequence) throw_archived(anchor_->sequence);
    meet_anchor();
}

void AuditWalk::meet_anchor() {
    if (!anchor_ || anchor_->sequence != report_.end.sequence) return;
    if (anchor_->hash != report_.end.hash) {
        fail(AuditFault::Rewritten, anchor_->sequence, "the entry is not the one that the anchor names");
    }
}

void AuditWalk::fail(AuditFault fault, std::int64_t sequence, std::string explain) {
    report_.fault = fault;
    report_.sequence = sequence;
    report_.explain = std::move(explain);
}

bool AuditWalk::follow(const Link& link, std::string_view body) {
    if (link.sequence > next()) {
        fail(AuditFault::Removed, next(), "the entry is missing");
    } else if (link.sequence < next()) {
        fail(AuditFault::Reordered, link.sequence, "the entry stands behind a later one");
    } else if (hasher_(body) != link.hash) {
        fail(AuditFault::Changed, link.sequence, "the entry is not what was written");
    } else if (link.previous != report_.end.hash) {
        // The entry vouches for itself: what it followed was another one.
        fail(AuditFault::Changed, report_.end.sequence, "the next entry was written after another one");
    } else {
        report_.end = {link.sequence, std::string(link.hash)};
        ++report_.entries;
        meet_anchor();
    }
    return is_sound();
}

void AuditWalk::end() {
    if (is_sound() && anchor_ && anchor_->sequence > report_.end.sequence) {
        fail(AuditFault::CutTail, next(), "the newest entries are missing");
    }
}

std::string walk_table(const data::Session& session, AuditWalk& walk, std::int64_t last,
                       const std::function<void(std::string& body, const EntryView& entry)>& good) {
    std::string rotation;
    std::string body;
    const auto take = [&](const data::CellReader& row) {
        if (!walk.is_sound()) return;
        const EntryView entry = view_of(row);
        write_body(body, entry);
        if (walk.follow({entry.sequence, entry.previous, entry.hash}, body)) {
            if (entry.resource == kAuditResource && entry.action == kAuditRotate) rotation = entry.details;
            if (good) good(body, entry);
        } else if (walk.report().fault == AuditFault::Changed && walk.next() == entry.sequence &&
                   belongs_elsewhere(walk.hasher(), entry, walk.report().begin.sequence + 1, last)) {
            walk.fail(AuditFault::Reordered, entry.sequence, "the entry stands in the place of another");
        }
    };
    const data::Query all =
        data::Query(AuditLog::model()).where(field("sequence") <= last).order_by("sequence").limit(kChunk);
    // In chunks, so that nothing is read behind the first that is wrong.
    for (std::int64_t before = -1; walk.is_sound() && before != walk.report().end.sequence;) {
        before = walk.report().end.sequence;
        all.where(field("sequence") > before).each(session, take);
    }
    return rotation;
}

AuditReport AuditLog::verify(const AuditVerifyOptions& options) {
    const data::ReadScope scope = state_->database.read();
    const AuditHead head = state_->head(scope);
    AuditWalk walk(state_->hasher, options.after.value_or(head.removed), options.anchor);
    if (walk.is_sound() && options.after) check_beginning(scope, head, walk);
    if (!walk.is_sound()) return walk.report();
    const std::string rotation = walk_table(scope, walk, head.newest.sequence);
    if (walk.is_sound()) check_end(scope, head, walk);
    if (walk.is_sound() && !options.after) check_rotation(head, rotation, walk);
    walk.end();
    return walk.report();
}

}  // namespace consilia::access
