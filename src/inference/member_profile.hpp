#pragma once
// What a member was measured to take: sizes and times, by batch, kept between processes.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace consilia::inference {

/// The last few measurements of one quantity; its median stands for them, so that one slow run moves nothing.
class RecentTimes {
public:
    void add(double ms);
    [[nodiscard]] bool is_empty() const noexcept { return times_.empty(); }
    [[nodiscard]] double median() const;

private:
    static constexpr std::size_t kKept = 9;
    std::vector<double> times_;
    std::size_t next_ = 0;
};

/// Threading: confined.
class MemberProfile {
public:
    void note_open_size(std::uint64_t code_bytes) { code_bytes_ = code_bytes; }
    /// Held only while it was opened, beyond its code.
    void note_staging_size(std::uint64_t bytes) { staging_bytes_ = bytes; }
    void note_open_ms(double ms) { open_times_.add(ms); }
    /// `bytes` of `whole_bytes` of weights came in.
    void note_load(std::uint64_t bytes, std::uint64_t whole_bytes, double ms);
    /// Zero bytes: not known.
    void note_run_size(std::size_t batch, std::uint64_t activation_bytes);
    void note_run_ms(std::size_t batch, double ms);

    [[nodiscard]] const std::optional<std::uint64_t>& code_bytes() const noexcept { return code_bytes_; }
    [[nodiscard]] const std::optional<std::uint64_t>& staging_bytes() const noexcept {
        return staging_bytes_;
    }
    [[nodiscard]] std::optional<double> open_ms() const;
    /// Of all weights.
    [[nodiscard]] std::optional<double> load_ms() const;
    /// Measured, or in proportion to the nearest batch that was.
    [[nodiscard]] std::optional<double> run_ms(std::size_t batch) const;
    /// Measured, or a bound from other batches; `room_bytes` is what the budget leaves for it.
    [[nodiscard]] std::optional<std::uint64_t> activation_bytes(std::size_t batch,
                                                                std::uint64_t room_bytes) const;
    /// Runs of this batch whose size was noted.
    [[nodiscard]] std::size_t runs(std::size_t batch) const;

    [[nodiscard]] std::string to_json() const;
    /// Takes what can be read; false if the text is no profile.
    bool read_json(const std::string& text);

private:
    struct Runs {
        std::uint64_t activation_bytes = 0;
        std::size_t count = 0;
        RecentTimes times{};
    };
    std::optional<std::uint64_t> code_bytes_;
    std::optional<std::uint64_t> staging_bytes_;
    RecentTimes open_times_;
    RecentTimes load_times_;
    std::map<std::size_t, Runs> runs_;
};

/// Profiles in a folder, each under what it is true of: member, device, backend and its version, threads,
/// precision. Losing one costs a measurement, so a file that cannot be read or written is passed over.
/// Threading: safe.
class ProfileStore {
public:
    /// Empty: nothing is kept.
    explicit ProfileStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    void read(const std::string& key, MemberProfile& profile) const;
    void write(const std::string& key, const MemberProfile& profile) const;

private:
    [[nodiscard]] std::filesystem::path path_of(const std::string& key) const;
    std::filesystem::path directory_;
};

}  // namespace consilia::inference
