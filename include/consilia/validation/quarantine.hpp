#pragma once
// Refused files that are kept for those who look into them.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"

namespace consilia::validation {

/// Where refused files are kept, and how many.
struct QuarantineOptions {
    std::filesystem::path directory{};     ///< Existing, and served to nobody. Empty: nothing is kept.
    std::size_t max_files = 1'000;         ///< What would pass it is refused all the same, and not kept.
    std::uint64_t max_bytes = 1ULL << 30;  ///< Of the files, without what is known of them.
};

/// What is known of a file in quarantine.
struct QuarantineEntry {
    std::string name{};  ///< `{32 random hexadecimal digits}.quarantined`.
    std::string code{};  ///< Why it was refused, as the error said: `upload.damaged`.
    std::string message{};
    std::string details_json{};
    std::string client_name{};  ///< Sanitised, for display.
    std::string sha256{};
    std::uint64_t size_bytes = 0;
    core::Timestamp refused_at{};
};

/// A directory of refused files: each under a random name, readable by its owner alone, with a document
/// `{name}.json` of what is known of it. Files are never overwritten and never opened by their type.
/// Threading: safe, for any number of processes.
class CONSILIA_API Quarantine {
public:
    /// @throws InvalidArgument (`quarantine.options`) without a directory, or with bounds of zero.
    explicit Quarantine(QuarantineOptions options, const core::Clock& clock = core::SystemClock::instance());

    /// Keeps a file that was refused. @return its name, or nothing where the bounds are reached.
    /// @throws StorageError.
    std::optional<std::string> keep(std::span<const std::byte> bytes, const core::Error& reason,
                                    std::string_view client_name) const;

    /// The oldest first. A file without a readable document is listed with the code `quarantine.unknown`.
    /// @throws StorageError.
    [[nodiscard]] std::vector<QuarantineEntry> list() const;
    /// @throws NotFound (`quarantine.not_found`), InvalidArgument (`quarantine.name`).
    [[nodiscard]] QuarantineEntry get(std::string_view name) const;
    /// Removes a file and what is known of it; whether it was there.
    bool remove(std::string_view name) const;
    /// Moves a file out, under `file_name` in `directory`, and forgets it: for one that was refused wrongly.
    /// @return its new path. @throws as `get`; Conflict (`file.exists`), StorageError.
    std::filesystem::path release(std::string_view name, const std::filesystem::path& directory,
                                  std::string_view file_name) const;

private:
    QuarantineOptions options_;
    const core::Clock& clock_;
};

}  // namespace consilia::validation
