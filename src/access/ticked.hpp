#pragma once
// Names in sentences.
#include <string>
#include <string_view>

namespace consilia::access {

/// The text between backticks, as messages show names and values.
inline std::string ticked(std::string_view text) {
    return "`" + std::string(text) + "`";
}

}  // namespace consilia::access
