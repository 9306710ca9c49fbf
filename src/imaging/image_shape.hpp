#pragma once
// Whether an image agrees with itself.
#include <cstddef>

#include "consilia/core/error.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::imaging {

/// @throws InvalidArgument (`image.shape`).
inline void check_shape(const Image& image) {
    const bool has_size = image.width > 0 && image.height > 0 && (image.channels == 1 || image.channels == 3);
    const auto side = [](std::int32_t n) { return static_cast<std::size_t>(n); };
    if (!has_size || side(image.width) * side(image.height) * side(image.channels) != image.pixels.size()) {
        throw core::InvalidArgument("image.shape", "size, channels and pixels of the image do not agree");
    }
}

}  // namespace consilia::imaging
