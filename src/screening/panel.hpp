#pragma once
// What the panel of models says of one stored image, in the form in which it is recorded.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "consilia/core/value.hpp"

namespace consilia::inference {
class Engine;
}

namespace consilia::screening {

/// The columns of a completed prediction.
struct Verdict {
    std::string diagnosis;
    double confidence = 0;
    double agreement = 0;
    bool needs_review = false;
    core::Json probabilities;  ///< `{"COVID": 0.91, …}`
    core::Json opinions;       ///< One object a member: its first choice and probabilities, or its error.
};

/// Called after each member. False: stop; `judge` then throws Cancelled.
using PanelProgress = std::function<bool(std::string_view member_id, std::size_t done, std::size_t total)>;

/// Asks the panel about a stored file, whose hash is checked before it is decoded.
/// @throws InferenceError if no member could answer, Cancelled, and what reading and decoding throw.
Verdict judge(inference::Engine& engine, const std::filesystem::path& file, const std::string& sha256,
              const PanelProgress& progress);

}  // namespace consilia::screening
