#pragma once
// A member's code for OpenVINO: graph and constants in one safetensors file.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace consilia::backends {

/// Views into the file.
struct CodeFile {
    std::string_view xml;                  ///< The graph, in OpenVINO's intermediate representation.
    std::span<const std::byte> constants;  ///< What the graph's offsets count in.
    std::string constants_sha256;          ///< As the file says, not checked; empty: it does not say.
};

/// Finds the byte tensors `xml` and `constants`. Nothing is copied.
/// @throws std::invalid_argument if this is no safetensors file, or one without them.
CodeFile read_code_file(std::span<const std::byte> file);

}  // namespace consilia::backends
