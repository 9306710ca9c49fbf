#pragma once
// Images as OpenCV sees them, and its exceptions as ours.
#include <new>
#include <opencv2/core.hpp>

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

/// A view of the image's pixels. SAFETY: OpenCV takes no const pointer; nobody writes to it.
inline cv::Mat view_of(const Image& image) {
    return {image.height, image.width, image.channels == 1 ? CV_8UC1 : CV_8UC3,
            const_cast<std::uint8_t*>(image.pixels.data())};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

/// What `work` returns. @throws std::bad_alloc; Internal (`image.operation`).
template <class Work>
auto with_opencv(const Work& work) {
    try {
        return work();
    } catch (const cv::Exception& error) {
        if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
        throw core::Internal("image.operation", "an image operation failed", {{"operation", error.func}});
    }
}

}  // namespace consilia::imaging
