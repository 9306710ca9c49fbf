#include "inference/member_profile.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "inference/whole_number.hpp"

namespace consilia::inference {

namespace {

constexpr int kVersion = 1;
constexpr std::uint64_t kMaxFileBytes = 64 << 10;
constexpr std::size_t kMaxBatches = 64;

}  // namespace

void RecentTimes::add(double ms) {
    if (times_.size() < kKept) {
        times_.push_back(ms);
    } else {
        times_[next_] = ms;
    }
    next_ = (next_ + 1) % kKept;
}

double RecentTimes::median() const {
    if (times_.empty()) return 0;
    std::vector<double> sorted = times_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

void MemberProfile::note_load(std::uint64_t bytes, std::uint64_t whole_bytes, double ms) {
    if (bytes == 0) return;
    load_times_.add(ms * static_cast<double>(whole_bytes) / static_cast<double>(bytes));
}

void MemberProfile::note_run_size(std::size_t batch, std::uint64_t activation_bytes) {
    if (runs_.size() >= kMaxBatches && !runs_.contains(batch)) return;
    Runs& runs = runs_[batch];
    ++runs.count;
    if (activation_bytes > 0) runs.activation_bytes = activation_bytes;
}

std::size_t MemberProfile::runs(std::size_t batch) const {
    const auto found = runs_.find(batch);
    return found == runs_.end() ? 0 : found->second.count;
}

void MemberProfile::note_run_ms(std::size_t batch, double ms) {
    const auto found = runs_.find(batch);
    if (found != runs_.end()) found->second.times.add(ms);
}

std::optional<double> MemberProfile::open_ms() const {
    return open_times_.is_empty() ? std::nullopt : std::optional(open_times_.median());
}

std::optional<double> MemberProfile::load_ms() const {
    return load_times_.is_empty() ? std::nullopt : std::optional(load_times_.median());
}

std::optional<double> MemberProfile::run_ms(std::size_t batch) const {
    if (runs_.empty()) return std::nullopt;
    auto nearest = runs_.lower_bound(batch);
    if (nearest == runs_.end() || (nearest->first != batch && nearest != runs_.begin())) --nearest;
    return nearest->second.times.median() * static_cast<double>(batch) / static_cast<double>(nearest->first);
}

std::optional<std::uint64_t> MemberProfile::activation_bytes(std::size_t batch,
                                                             std::uint64_t room_bytes) const {
    // A larger batch takes at least as much and at most in proportion. If only larger ones are known the
    // upper bound is theirs; where that has no room this one may still have, and its first run tells.
    std::optional<std::uint64_t> found;
    for (const auto& [size, runs] : runs_) {
        if (runs.activation_bytes == 0) continue;
        if (size > batch && found) return found;
        if (size > batch && runs.activation_bytes <= room_bytes) return runs.activation_bytes;
        found = (runs.activation_bytes * batch + size - 1) / size;
        if (size > batch) return found;
    }
    return found;
}

std::string MemberProfile::to_json() const {
    nlohmann::ordered_json document = {{"version", kVersion}};
    if (code_bytes_) document["code_bytes"] = *code_bytes_;
    if (staging_bytes_) document["staging_bytes"] = *staging_bytes_;
    if (const auto ms = open_ms()) document["open_ms"] = *ms;
    if (const auto ms = load_ms()) document["load_ms"] = *ms;
    document["runs"] = nlohmann::ordered_json::array();
    for (const auto& [batch, runs] : runs_) {
        document["runs"].push_back(
            {{"batch", batch}, {"activation_bytes", runs.activation_bytes}, {"run_ms", runs.times.median()}});
    }
    return document.dump();
}

bool MemberProfile::read_json(const std::string& text) {
    const auto document = nlohmann::json::parse(text, nullptr, false);
    const auto size_of = [](const nlohmann::json& value) {
        return whole_number<std::uint64_t>(value, "profile.json");
    };
    try {
        if (!document.is_object() || size_of(document.at("version")) != kVersion) return false;
        MemberProfile read;
        if (document.contains("code_bytes")) read.code_bytes_ = size_of(document["code_bytes"]);
        if (document.contains("staging_bytes")) read.staging_bytes_ = size_of(document["staging_bytes"]);
        if (document.contains("open_ms")) read.open_times_.add(document["open_ms"].get<double>());
        if (document.contains("load_ms")) read.load_times_.add(document["load_ms"].get<double>());
        for (const auto& run : document.at("runs")) {
            const std::size_t batch = size_of(run.at("batch"));
            if (batch == 0) return false;
            read.note_run_size(batch, size_of(run.at("activation_bytes")));
            read.note_run_ms(batch, run.at("run_ms").get<double>());
        }
        *this = std::move(read);
    } catch (const nlohmann::json::exception&) {
        return false;
    } catch (const core::InvalidArgument&) {
        return false;
    }
    return true;
}

std::filesystem::path ProfileStore::path_of(const std::string& key) const {
    return directory_ / (core::sha256(std::string_view(key)) + ".profile.json");
}

void ProfileStore::read(const std::string& key, MemberProfile& profile) const {
    if (directory_.empty()) return;
    try {
        (void)profile.read_json(core::read_text_file(path_of(key), kMaxFileBytes));
    } catch (const core::Error&) {
        // Not there yet, or not to be read: it is measured again.
    }
}

void ProfileStore::write(const std::string& key, const MemberProfile& profile) const {
    if (directory_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    const std::filesystem::path path = path_of(key);
    const std::filesystem::path part = path.string() + "." + std::to_string(::getpid());
    {
        std::ofstream file(part, std::ios::binary | std::ios::trunc);
        file << profile.to_json();
        if (!file.flush()) {
            file.close();
            std::filesystem::remove(part, error);
            return;
        }
    }
    std::filesystem::rename(part, path, error);
    if (error) std::filesystem::remove(part, error);
}

}  // namespace consilia::inference
