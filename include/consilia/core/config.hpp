#pragma once
// Settings with defaults: then a JSON document, then the environment, then code, the later over the earlier.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::core {

/// A stored name and what people read for it.
struct NamedChoice {
    std::string name;
    std::string display_name;
    bool operator==(const NamedChoice&) const = default;
};

/// What may come in.
struct UploadSettings {
    std::uint64_t limit_bytes = 10ULL << 20;           ///< Longest file that is accepted.
    std::vector<std::string> types = {"jpeg", "png"};  ///< Accepted types, by content.
    bool operator==(const UploadSettings&) const = default;
};

/// How predictions are made and kept.
struct PredictionSettings {
    std::int64_t per_user_and_day_max = 50;  ///< Submissions of one user in one UTC day.
    double confidence_threshold = 0.75;      ///< Below it a prediction is flagged for review; 0 to 1.
    std::int64_t batch_max = 10;             ///< Images in one batch.
    bool is_model_cache_enabled = true;      ///< Keep models that fit the budget loaded between predictions.
    bool operator==(const PredictionSettings&) const = default;
};

/// The settings of a service. A plain value: change a copy, then hand it over.
///
/// In JSON and in the environment a setting is known by its path: `uploads.limit_bytes` is
/// `{"uploads": {"limit_bytes": 5242880}}` and `CONSILIA_UPLOADS_LIMIT_BYTES=5242880`; lists are JSON there
/// too. Threading: compatible.
struct CONSILIA_API Config {
    std::vector<NamedChoice> roles = {
        {"admin", "Administrator"}, {"staff", "Medical staff"}, {"patient", "Patient"}};
    std::vector<std::string> diagnoses = {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"};
    std::vector<NamedChoice> prediction_statuses = {{"pending", "Pending"},
                                                    {"processing", "Processing"},
                                                    {"completed", "Completed"},
                                                    {"failed", "Failed"}};
    UploadSettings uploads;
    PredictionSettings predictions;
    std::chrono::days reports_kept{365};                ///< `reports_kept_days`
    std::chrono::minutes session_timeout{30};           ///< `session_timeout_minutes`
    std::map<std::string, bool, std::less<>> features;  ///< Feature flags; one that is absent is off.

    /// @return whether a feature is on.
    [[nodiscard]] bool is_enabled(std::string_view feature) const;

    /// The defaults with the settings of a JSON object over them.
    /// @throws InvalidArgument (`config.syntax`, `config.unknown_key`, `config.type`, `config.range`) with
    /// the key's path and
    ///         the source in its details.
    static Config from_json(std::string_view document);
    /// This configuration with the settings of a JSON object over it; `source` names the document in errors.
    [[nodiscard]] Config with_json(std::string_view document, std::string_view source = "document") const;
    /// This configuration with the `CONSILIA_` variables of an environment over it. Variables that name no
    /// setting are left alone: the prefix is not ours alone.
    /// @throws InvalidArgument as `from_json`, naming the variable.
    [[nodiscard]] Config with_environment(const std::map<std::string, std::string>& variables) const;
    /// As above, with the environment of the process.
    [[nodiscard]] Config with_environment() const;
    /// Every setting, as `from_json` reads it.
    [[nodiscard]] std::string to_json() const;

    bool operator==(const Config&) const = default;
};

}  // namespace consilia::core
