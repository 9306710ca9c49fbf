#pragma once
// The rules and the JSON form of a pipeline's steps.
#include <string>
#include <string_view>
#include <vector>

#include "consilia/imaging/pipeline.hpp"

namespace consilia::imaging {

/// The name of a step's operation in JSON.
std::string_view operation_of(const Step& step) noexcept;

/// Bounds, order and agreement of the steps.
/// @throws InvalidArgument (`pipeline.step`, `pipeline.order`) with `step` and `key` in its details.
void check_steps(const std::vector<Step>& steps);

/// @throws InvalidArgument (`pipeline.syntax`, `pipeline.version`, `pipeline.unknown`, `pipeline.type`).
std::vector<Step> parse_steps(std::string_view json);
std::string canonical_json(const std::vector<Step>& steps);

/// ``step 1 (`clahe`): `tiles` must be …``, with `step` and `key` in the details.
[[noreturn]] void throw_step(std::string code, std::size_t index, std::string_view operation,
                             std::string_view key, const std::string& message);

}  // namespace consilia::imaging
