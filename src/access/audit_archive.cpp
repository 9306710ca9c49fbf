#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "access/audit_table.hpp"
#include "access/audit_walk.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/files.hpp"
#include "consilia/core/text.hpp"

namespace consilia::access {
namespace {

namespace fs = std::filesystem;
using core::field;

/// Lines on their way into a file that appears whole or not at all.
class LineFile {
public:
    explicit LineFile(const fs::path& path)
        : name_(path.filename().string()),
          file_(path.has_parent_path() ? path.parent_path() : fs::path(".")) {
        // It is looked at again when the file is put in place; here so that nothing is read in vain.
        std::error_code ignored;
        if (fs::exists(path, ignored)) {
            throw core::Conflict("file.exists", "a file of this name is there already", {{"name", name_}});
        }
    }

    void add(std::string_view line) {
        buffer_ += line;
        buffer_ += '\n';
        if (buffer_.size() >= kBufferBytes) flush();
    }
    void commit() {
        flush();
        (void)file_.commit(name_);
    }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    static constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

    void flush() {
        file_.write(std::as_bytes(std::span(buffer_)));
        buffer_.clear();
    }

    std::string name_;
    core::AtomicFile file_;
    std::string buffer_;
};

/// The newest entry that is old enough.
std::int64_t last_to_move(const data::Session& session, const AuditHead& head,
                          const AuditRotateOptions& options) {
    std::int64_t last = head.newest.sequence;
    if (options.keep) last -= std::min(*options.keep, last);
    if (options.before) {
        const data::RowSet rows = data::Query(AuditLog::model())
                                      .where(field("at") >= *options.before)
                                      .order_by("sequence")
                                      .limit(1)
                                      .select({"sequence"})
                                      .run(session);
        if (!rows.empty()) last = std::min(last, rows.int64(0, 0) - 1);
    }
    return last;
}

void require_options(const AuditRotateOptions& options) {
    const auto refuse = [](const char* field, const char* message) {
        throw core::InvalidArgument("audit.rotate", message, {{"field", field}});
    };
    if (!options.before && !options.keep) refuse("before", "a rotation needs `before` or `keep`");
    if (options.keep.value_or(0) < 0) refuse("keep", "`keep` is not negative");
    if (!options.file.has_filename()) refuse("file", "`file` is the path of a new file");
}

/// Writes the entries behind `archive.begin` up to `last`, each proved.
void write_archive(const data::Session& session, const AuditHasher& hasher, std::int64_t last, LineFile& file,
                   AuditArchive& archive) {
    AuditWalk walk(hasher, archive.begin, {});
    (void)walk_table(session, walk, last, [&](std::string& body, const EntryView& entry) {
        add_hash(body, entry.hash);
        file.add(body);
    });
    const AuditReport& report = walk.report();
    if (!report.is_sound() || report.end.sequence != last) {
        const std::int64_t bad = report.is_sound() ? walk.next() : report.sequence;
        throw core::Conflict("audit.broken", "the chain is broken: verify the log, and keep it as it is",
                             {{"sequence", bad}, {"fault", to_string(report.fault)}});
    }
    archive.end = report.end;
    archive.entries = report.entries;
}

AuditEvent rotation_event(const Principal& by, const AuditArchive& archive, const std::string& file) {
    AuditEvent event;
    event.user_id = by.user_id;
    event.user_name = core::truncated(by.name, AuditEvent::kNameBytesMax);
    event.roles = roles_text(by);
    event.action = kAuditRotate;
    event.resource = kAuditResource;
    event.details.text = nlohmann::json{{"entries", archive.entries},
                                        {"file", core::to_valid_utf8(file)},
                                        {"hash", archive.end.hash},
                                        {"sequence", archive.end.sequence}}
                             .dump();
    return event;
}

/// A line taken apart without being parsed: what comes before the end is only hashed.
struct Line {
    Link link;
    std::string body;
};

std::optional<Line> read_line(std::string_view text) {
    constexpr std::string_view kBegin = "{\"sequence\":";
    constexpr std::string_view kPrevious = ",\"previous\":\"";
    constexpr std::string_view kHash = "\",\"hash\":\"";
    constexpr std::string_view kEnd = "\"}";
    constexpr std::size_t kTail = kPrevious.size() + kHashDigits + kHash.size() + kHashDigits + kEnd.size();
    if (!text.starts_with(kBegin) || text.size() < kBegin.size() + kTail) return std::nullopt;
    Line line;
    const auto number =
        std::from_chars(text.data() + kBegin.size(), text.data() + text.size(), line.link.sequence);
    const std::string_view tail = text.substr(text.size() - kTail);
    line.link.previous = tail.substr(kPrevious.size(), kHashDigits);
    line.link.hash = tail.substr(kTail - kEnd.size() - kHashDigits, kHashDigits);
    const bool is_whole = number.ec == std::errc() && *number.ptr == ',' && tail.starts_with(kPrevious) &&
                          tail.substr(kPrevious.size() + kHashDigits).starts_with(kHash) &&
                          tail.ends_with(kEnd);
    if (!is_whole) return std::nullopt;
    line.body = text.substr(0, text.size() - kEnd.size() - kHashDigits - kHash.size() + 1);
    line.body += '}';
    return line;
}

/// Lines of a file, none longer than an entry can be.
class Lines {
public:
    explicit Lines(const fs::path& path) {
        if (fs::is_regular_file(path) && file_.open(path, std::ios::in | std::ios::binary) != nullptr) return;
        throw core::NotFound("file.not_found", "no such file", {{"name", path.filename().string()}});
    }
    /// The next line, or nothing at the end. What is longer is cut, and then is no entry.
    std::optional<std::string_view> next() {
        line_.clear();
        try {
            constexpr auto kEnd = std::char_traits<char>::eof();
            for (int c = file_.sbumpc(); c != kEnd; c = file_.sbumpc()) {
                if (c == '\n') return line_;
                if (line_.size() < kBytesMax) line_ += static_cast<char>(c);
            }
        } catch (const std::ios_base::failure&) {
            throw core::StorageError("file.io", "the file cannot be read");
        }
        return line_.empty() ? std::nullopt : std::optional<std::string_view>(line_);
    }

private:
    static constexpr std::size_t kBytesMax = std::size_t{1} << 18;
    std::filebuf file_;
    std::string line_;
};

/// Whether the entry that was missed comes later.
bool comes_later(Lines& lines, std::int64_t sequence) {
    while (const auto text = lines.next()) {
        const std::optional<Line> line = read_line(*text);
        if (line && line->link.sequence == sequence) return true;
    }
    return false;
}

}  // namespace

std::int64_t AuditLog::export_json_lines(const AuditFilter& filter, const fs::path& file) {
    LineFile lines(file);
    const std::int64_t count = each_json_line(filter, [&](std::string_view line) { lines.add(line); });
    lines.commit();
    return count;
}

AuditArchive AuditLog::rotate(const AuditRotateOptions& options) {
    require_options(options);
    AuditArchive archive;
    std::optional<LineFile> file;
    {
        // Writers go on meanwhile: what is read here does not change any more.
        const data::ReadScope scope = state_->database.read();
        const AuditHead head = state_->head(scope);
        archive.begin = archive.end = head.removed;
        const std::int64_t last = last_to_move(scope, head, options);
        if (last <= head.removed.sequence) return archive;
        file.emplace(options.file);
        write_archive(scope, state_->hasher, last, *file, archive);
    }
    data::Transaction transaction = state_->database.begin();
    const AuditHead head = state_->head(transaction, true);
    if (head.removed != archive.begin) {
        throw core::Conflict("audit.rotated", "another rotation came between",
                             {{"sequence", head.removed.sequence}});
    }
    const core::Value values[] = {archive.end.sequence, archive.end.hash};
    transaction.execute(in_words_of(transaction.dialect(),
                                    "UPDATE consilia_audit_head SET removed_sequence = ?, removed_hash = ? "
                                    "WHERE id = 1"),
                        values);
    data::Query(model()).where(field("sequence") <= archive.end.sequence).remove(transaction);
    const AuditEvent event = rotation_event(options.by, archive, file->name());
    (void)state_->append(transaction, head, {&event, 1});
    // INVARIANT: the file is in its place before the entries are gone, and nothing can be refused between.
    file->commit();
    transaction.commit();
    return archive;
}

AuditReport verify_audit_file(const fs::path& file, const AuditFileOptions& options) {
    const AuditHasher hasher(options.key);
    Lines lines(file);
    std::optional<AuditWalk> walk;
    if (options.after) walk.emplace(hasher, *options.after, options.anchor);
    while (const auto text = lines.next()) {
        const std::optional<Line> line = read_line(*text);
        if (!walk) {
            const AuditAnchor begin =
                line ? AuditAnchor{line->link.sequence - 1, std::string(line->link.previous)} : AuditAnchor{};
            walk.emplace(hasher, begin, options.anchor);
        }
        if (!walk->is_sound()) break;
        if (!line) {
            walk->fail(AuditFault::Changed, walk->next(), "the line is no entry");
        } else if (!walk->follow(line->link, line->body) && walk->report().fault == AuditFault::Removed &&
                   comes_later(lines, walk->next())) {
            walk->fail(AuditFault::Reordered, walk->next(), "the entry stands behind a later one");
        }
    }
    if (!walk) walk.emplace(hasher, AuditAnchor{}, options.anchor);
    walk->end();
    return walk->report();
}

}  // namespace consilia::access
