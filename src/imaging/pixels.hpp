#pragma once
// Images as OpenCV sees them, and its exceptions as ours.
#include <new>
#include <opencv2/core.hpp>

#include "consilia/core/error.hpp"
#include "consilia/imaging/image.hpp"
#include "imaging/image_shape.hpp"

namespace consilia::imaging {

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
