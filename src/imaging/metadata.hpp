#pragma once
// Stripping by format.
#include <cstddef>
#include <vector>

#include "imaging/structure.hpp"

namespace consilia::imaging {

/// `bytes` passed `check_structure`, which gave `info`.
/// @throws ValidationError (`image.damaged`).
std::vector<std::byte> strip_jpeg(Bytes bytes, const ImageInfo& info);
std::vector<std::byte> strip_png(Bytes bytes);

inline void append(std::vector<std::byte>& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void append(std::vector<std::byte>& out, std::string_view bytes) {
    append(out, std::as_bytes(std::span(bytes)));
}
inline void append_byte(std::vector<std::byte>& out, std::uint32_t value) {
    out.push_back(static_cast<std::byte>(value));
}

}  // namespace consilia::imaging
