#include "consilia/validation/stored_files.hpp"

#include <sys/stat.h>

#include <string_view>
#include <system_error>

#include "consilia/core/error.hpp"

namespace consilia::validation {
namespace {

constexpr std::string_view kTemporaryPrefix = ".incoming_";  // of core::AtomicFile
constexpr std::size_t kDigits = 32;

bool is_hexadecimal(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_own_name(std::string_view name, std::string_view prefix) {
    if (name.starts_with(kTemporaryPrefix)) {
        const std::string_view digits = name.substr(kTemporaryPrefix.size());
        return digits.size() == kDigits && is_hexadecimal(digits);
    }
    const std::string_view stem = name.substr(0, name.rfind('.'));
    return name.starts_with(prefix) && stem.size() > kDigits + 1 && stem[stem.size() - kDigits - 1] == '_' &&
           is_hexadecimal(stem.substr(stem.size() - kDigits));
}

}  // namespace

std::filesystem::path commit_with_file(data::Database& database, data::Transaction& transaction,
                                       ReceivedFile& file, const IsRecorded& is_recorded) {
    std::filesystem::path path = file.commit();
    try {
        transaction.commit();
    } catch (...) {
        transaction.rollback();
        bool has_row = true;
        try {
            has_row = is_recorded(database.read(), file.facts().stored_name);
        } catch (const core::Error&) {
            // Unknown: the file stays.
        }
        if (!has_row) discard(path);
        throw;
    }
    return path;
}

std::size_t sweep_orphans(data::Database& database, const SweepOptions& options, const core::Clock& clock,
                          const IsRecorded& is_recorded) {
    if (options.older_than.count() <= 0)
        throw core::InvalidArgument("upload.options", "files are swept after a time longer than zero");
    const core::Timestamp limit = clock.now() - options.older_than;
    std::size_t removed = 0;
    std::error_code error;
    std::filesystem::directory_iterator entries(options.directory, error);
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        const std::filesystem::directory_entry& entry = *entries;
        const std::string name = entry.path().filename().string();
        struct ::stat facts {};
        if (!is_own_name(name, options.prefix) || ::lstat(entry.path().c_str(), &facts) != 0 ||
            !S_ISREG(facts.st_mode))
            continue;
        const core::Timestamp changed_at{std::int64_t{facts.st_mtim.tv_sec} * 1'000'000 +
                                         facts.st_mtim.tv_nsec / 1000};
        if (changed_at >= limit || is_recorded(database.read(), name)) continue;
        discard(entry.path());
        ++removed;
    }
    if (error) throw core::StorageError("file.io", "the directory of files: " + error.message());
    return removed;
}

}  // namespace consilia::validation
