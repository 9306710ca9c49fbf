#pragma once
// Files: streaming hashes, names that no client text reaches, writes that are whole or absent, maps.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::core {

/// SHA-256 (FIPS 180-4) of a stream. Threading: confined.
class CONSILIA_API Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::span<const std::byte> bytes);
    void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
    /// 64 lower-case hexadecimal digits. Ends the stream.
    /// @throws InvalidArgument (`hash.finished`) as `update` does, once it was finished.
    [[nodiscard]] std::string finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

CONSILIA_API std::string sha256(std::span<const std::byte> bytes);
CONSILIA_API std::string sha256(std::string_view text);
/// Reads the file in pieces: constant memory. @throws NotFound, StorageError.
CONSILIA_API std::string sha256_file(const std::filesystem::path& path);

/// The whole content. @throws NotFound (`file.not_found`), StorageError; ResourceExhausted past
/// `limit_bytes`.
CONSILIA_API std::vector<std::byte> read_file(const std::filesystem::path& path,
                                              std::uint64_t limit_bytes = std::uint64_t{1} << 32);
CONSILIA_API std::string read_text_file(const std::filesystem::path& path,
                                        std::uint64_t limit_bytes = std::uint64_t{1} << 26);

/// The bytes of a file, mapped for reading: pages come in as they are touched, and the system takes them back
/// when it needs the memory. Threading: compatible.
class CONSILIA_API FileMap {
public:
    FileMap() noexcept = default;
    ~FileMap();
    FileMap(FileMap&& other) noexcept;
    FileMap& operator=(FileMap&& other) noexcept;
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
    friend class AtomicFile;
    explicit FileMap(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    std::span<const std::byte> bytes_;
};

/// A file that appears whole or not at all: written without a name, synced, then linked into its place.
///
/// Without a name nobody else can open it, and nothing of it stays when the process is killed. Where the file
/// system knows no such files (or /proc is missing) it has a temporary name beside its place instead.
/// What is written is sent to the disk meanwhile, so that `commit` waits for little. Destroyed without
/// `commit`, it leaves nothing behind. Threading: confined.
class CONSILIA_API AtomicFile {
public:
    /// Opens a temporary file in `directory`, which must exist. @throws StorageError.
    explicit AtomicFile(std::filesystem::path directory);
    ~AtomicFile();
    AtomicFile(AtomicFile&&) noexcept;
    AtomicFile& operator=(AtomicFile&&) noexcept;

    /// @throws StorageError with the reason of the system (disk full, quota).
    void write(std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t size_bytes() const noexcept;
    /// Maps what was written so far; the map outlives the file. @throws StorageError.
    [[nodiscard]] FileMap map() const;
    /// Waits until what was written is on the disk, so that `commit` waits for less: for callers who hold a
    /// lock around that. @throws StorageError.
    void sync();
    /// Syncs the file, gives it `name` inside its directory and syncs the directory. Call once.
    /// @throws Conflict (`file.exists`) if the name is taken: nothing is ever overwritten; StorageError, and
    ///         then no file of this name is left; InvalidArgument (`file.committed`) the second time.
    std::filesystem::path commit(std::string_view name);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// `{prefix}_{32 random hexadecimal digits}{extension}`; the prefix is sanitised.
CONSILIA_API std::string unique_file_name(std::string_view prefix, std::string_view extension);
/// A name for display and headers: the last path component as UTF-8, without control characters, marks of
/// direction, reserved characters, leading dots or more than 150 bytes (cut at a character boundary, the
/// extension kept); `file` if nothing is left.
CONSILIA_API std::string safe_file_name(std::string_view client_name);
/// Lower-case extension with its dot (`.png`), or empty.
CONSILIA_API std::string file_extension(std::string_view name);

}  // namespace consilia::core
