#include "consilia/validation/quarantine.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "consilia/core/files.hpp"
#include "consilia/core/text.hpp"
#include "core/file_system.hpp"

namespace consilia::validation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kExtension = ".quarantined";
constexpr std::string_view kDocument = ".json";
constexpr std::size_t kDigits = 32;
constexpr std::uint64_t kMaxDocumentBytes = 64 << 10;

bool is_name(std::string_view name) {
    return name.size() == kDigits + kExtension.size() && name.ends_with(kExtension) &&
           name.substr(0, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void require_name(std::string_view name) {
    if (!is_name(name))
        throw core::InvalidArgument("quarantine.name", "this is no name of a file in quarantine");
}

[[noreturn]] void throw_missing() {
    throw core::NotFound("quarantine.not_found", "no such file is in quarantine");
}

/// One process at a time changes the directory, so that its bounds hold.
class DirectoryLock {
public:
    explicit DirectoryLock(const fs::path& directory)
        : directory_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        if (directory_.get() < 0) core::throw_storage("the quarantine cannot be opened", errno);
        while (::flock(directory_.get(), LOCK_EX) != 0) {
            if (errno != EINTR) core::throw_storage("the quarantine cannot be locked", errno);
        }
    }

private:
    core::Descriptor directory_;
};

/// Calls `take(name, bytes)` for each file in quarantine.
template <class Take>
void each_file(const fs::path& directory, Take&& take) {
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        const std::string name = entries->path().filename().string();
        struct ::stat facts {};
        if (!is_name(name) || ::lstat(entries->path().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
            continue;
        take(name, static_cast<std::uint64_t>(facts.st_size));
    }
    if (error) throw core::StorageError("quarantine.io", "the quarantine: " + error.message());
}

/// Whether it was there.
bool unlink_quietly(const fs::path& path) {
    if (::unlink(path.c_str()) == 0) return true;
    if (errno == ENOENT) return false;
    core::throw_storage("the file cannot be removed", errno);
}

fs::path document_of(const fs::path& directory, std::string_view name) {
    return directory / (std::string(name) + std::string(kDocument));
}

QuarantineEntry read_entry(const fs::path& directory, const std::string& name, std::uint64_t size_bytes) {
    QuarantineEntry entry{.name = name, .code = "quarantine.unknown", .size_bytes = size_bytes};
    try {
        const json document =
            json::parse(core::read_text_file(document_of(directory, name), kMaxDocumentBytes));
        entry.message = document.at("message");
        entry.details_json = document.at("details").dump();
        entry.client_name = document.at("client_name");
        entry.sha256 = document.at("sha256");
        entry.refused_at = core::parse_timestamp(document.at("refused_at").get<std::string>());
        entry.code = document.at("code");
    } catch (const json::exception&) {
        // Listed as unknown: a crash between the file and its document, or a hand in between.
    } catch (const core::Error&) {
    }
    return entry;
}

}  // namespace

Quarantine::Quarantine(QuarantineOptions options, const core::Clock& clock)
    : options_(std::move(options)), clock_(clock) {
    if (options_.directory.empty() || options_.max_files == 0 || options_.max_bytes == 0) {
        throw core::InvalidArgument("quarantine.options",
                                    "a quarantine needs a directory and bounds above zero");
    }
}

std::optional<std::string> Quarantine::keep(std::span<const std::byte> bytes, const core::Error& reason,
                                            std::string_view client_name) const {
    const json document = {{"code", reason.code()},
                           {"message", reason.what()},
                           {"details", json::parse(reason.details_json())},
                           {"client_name", core::safe_file_name(client_name)},
                           {"sha256", core::sha256(bytes)},
                           {"size_bytes", bytes.size()},
                           {"refused_at", core::to_iso8601(clock_.now())}};
    const std::string text = document.dump(2, ' ', false, json::error_handler_t::replace);
    const DirectoryLock lock(options_.directory);
    std::size_t files = 0;
    std::uint64_t used = 0;
    each_file(options_.directory, [&](const std::string&, std::uint64_t size) {
        ++files;
        used += size;
    });
    if (files >= options_.max_files || bytes.size() > options_.max_bytes ||
        used > options_.max_bytes - bytes.size())
        return std::nullopt;
    const std::string name = core::random_hex() + std::string(kExtension);
    core::AtomicFile file(options_.directory);
    file.write(bytes);
    core::AtomicFile told(options_.directory);
    told.write(std::as_bytes(std::span(text)));
    // The document first: without its file it is not listed, and takes no part in the bounds.
    const fs::path document_path = told.commit(name + std::string(kDocument));
    try {
        file.commit(name);
    } catch (...) {
        ::unlink(document_path.c_str());
        throw;
    }
    return name;
}

std::vector<QuarantineEntry> Quarantine::list() const {
    std::vector<QuarantineEntry> entries;
    each_file(options_.directory, [&](const std::string& name, std::uint64_t size) {
        entries.push_back(read_entry(options_.directory, name, size));
    });
    std::ranges::sort(entries, [](const QuarantineEntry& a, const QuarantineEntry& b) {
        return std::pair(a.refused_at.microseconds, std::string_view(a.name)) <
               std::pair(b.refused_at.microseconds, std::string_view(b.name));
    });
    return entries;
}

QuarantineEntry Quarantine::get(std::string_view name) const {
    require_name(name);
    struct ::stat facts {};
    if (::lstat((options_.directory / name).c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) throw_missing();
    return read_entry(options_.directory, std::string(name), static_cast<std::uint64_t>(facts.st_size));
}

bool Quarantine::remove(std::string_view name) const {
    require_name(name);
    const DirectoryLock lock(options_.directory);
    const bool was_there = unlink_quietly(options_.directory / name);
    unlink_quietly(document_of(options_.directory, name));
    return was_there;
}

fs::path Quarantine::release(std::string_view name, const fs::path& directory,
                             std::string_view file_name) const {
    const QuarantineEntry entry = get(name);
    core::AtomicFile file(directory);
    file.write(core::read_file(options_.directory / name, entry.size_bytes));
    fs::path path = file.commit(file_name);
    remove(name);
    return path;
}

}  // namespace consilia::validation
