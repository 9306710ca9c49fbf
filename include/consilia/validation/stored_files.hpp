#pragma once
// Files and the rows that name them: placed together, and swept where a crash left a file alone.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/validation/receive.hpp"

namespace consilia::validation {

/// Whether a row names the stored file `name`.
using IsRecorded = std::function<bool(const data::Session& session, const std::string& name)>;

/// Puts the file in its place, then commits the transaction that records it. If that fails the file is
/// removed again; where nobody can say whether it failed (the server was lost in mid-commit) the file stays:
/// a file without a row is swept later, a row without a file could not be mended. @return the file's path.
/// @throws what `ReceivedFile::commit` and `Transaction::commit` throw.
CONSILIA_API std::filesystem::path commit_with_file(data::Database& database, data::Transaction& transaction,
                                                    ReceivedFile& file, const IsRecorded& is_recorded);

struct SweepOptions {
    std::filesystem::path directory{};
    std::string prefix = "file";  ///< Of the stored names, as `ReceiveOptions::prefix` begins.
    std::chrono::seconds older_than = std::chrono::hours(24);  ///< Longer than any upload takes.
};

/// Removes files that `receive` made and that no row names: what a crash between a file and its row leaves.
/// Only names of our own making are touched, so that a directory chosen by mistake loses nothing.
/// @return how many. @throws InvalidArgument (`upload.options`) for an age that is not above zero,
///         StorageError.
CONSILIA_API std::size_t sweep_orphans(data::Database& database, const SweepOptions& options,
                                       const core::Clock& clock, const IsRecorded& is_recorded);

}  // namespace consilia::validation
