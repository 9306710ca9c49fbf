#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "consilia/access/policy_store.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::access {

namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{16} << 20;  // As of `parse_policy`.
constexpr int kReadingsMax = 10;

// What a change of a file changes. The clock of a file system may stand still for milliseconds (two seconds
// on FAT), so a file that was changed just now may change again under the same stamp.
struct Stamp {
    std::array<std::int64_t, 5> parts{};  // device, inode, size, time of content, time of the entry
    core::Timestamp changed_at{};

    [[nodiscard]] bool is_settled() const {
        return core::SystemClock::instance().now() - changed_at > std::chrono::seconds(3);
    }
    friend bool operator==(const Stamp& a, const Stamp& b) { return a.parts == b.parts; }
};

std::int64_t nanoseconds_of(const ::timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Stamp stamp_of(const std::filesystem::path& path) {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        const core::Details details = {{"path", core::Value(path.string())}};
        if (errno == ENOENT || errno == ENOTDIR)
            throw core::NotFound("file.not_found", "there is no policy file of this name", details);
        throw core::StorageError("file.read", "the policy file cannot be read", details);
    }
    if (!S_ISREG(status.st_mode)) {
        throw core::InvalidArgument("policy.file", "a policy is read from a regular file",
                                    {{"path", core::Value(path.string())}});
    }
    return {{static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
             static_cast<std::int64_t>(status.st_size), nanoseconds_of(status.st_mtim),
             nanoseconds_of(status.st_ctim)},
            {nanoseconds_of(status.st_ctim) / 1000}};
}

class FileLoader {
public:
    explicit FileLoader(std::filesystem::path path) : path_(std::move(path)) {}

    std::optional<PolicyDocument> operator()() {
        Stamp stamp = stamp_of(path_);
        if (stamp == seen_) return std::nullopt;
        std::string content;
        for (int reading = 1;; ++reading) {
            content = core::read_text_file(path_, kMaxFileBytes);
            const Stamp before = std::exchange(stamp, stamp_of(path_));
            if (before == stamp) break;
            if (reading == kReadingsMax) {
                throw core::Unavailable("policy.unsettled", "the policy file is being written",
                                        {{"path", core::Value(path_.string())}});
            }
        }
        std::string hash = core::sha256(content);
        std::optional<PolicyDocument> document;
        if (hash != hash_) document = parse_policy(content);
        // Only what was read well counts as seen: what cannot be read is read, and refused, again.
        hash_ = std::move(hash);
        seen_ = stamp.is_settled() ? stamp : Stamp();
        return document;
    }

private:
    std::filesystem::path path_;
    Stamp seen_;
    std::string hash_;
};

}  // namespace

PolicyLoader policy_file(std::filesystem::path path) {
    return FileLoader(std::move(path));
}

}  // namespace consilia::access
