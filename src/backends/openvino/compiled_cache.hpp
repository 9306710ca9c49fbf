#pragma once
// Where compiled models are kept between processes: one file each, in a folder that the caller names.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "sha256.hpp"

namespace consilia::backends {

/// A file in memory, read as it is touched. Its pages are the system's to reclaim.
class MappedFile {
public:
    MappedFile() = default;
    MappedFile(void* data, std::size_t size) noexcept : data_(data), size_(size) {}
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    [[nodiscard]] void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Takes the pages out of this process; what is read again comes from the file.
    void drop_pages() const noexcept;

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// One entry of the folder. What lies there is trusted like this process's own memory, so only regular files
/// that belong to its user and that nobody else may write to are read. Files are complete or absent and never
/// changed afterwards; removing them is safe at any time.
class CompiledCache {
public:
    /// `key` is everything that the entry depends on.
    CompiledCache(std::filesystem::path folder, std::string_view key);

    /// Empty if there is none that may be used.
    [[nodiscard]] std::optional<MappedFile> find() const noexcept;
    /// Writes the entry, readable by this user alone. Keeping it is a favour: a full disk or a folder that
    /// cannot be written to leaves no entry, and is no failure. What `write` throws passes through.
    void store(const std::function<void(std::ostream&)>& write) const;
    void remove() const noexcept;

private:
    std::filesystem::path path_;
};

}  // namespace consilia::backends
