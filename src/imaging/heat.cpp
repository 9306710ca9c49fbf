#include "consilia/imaging/heat.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "imaging/pixels.hpp"

namespace consilia::imaging {
namespace {

/// 0 for no heat to 255 for full heat.
cv::Mat levels_of(const HeatPlane& plane) {
    const auto side = [](std::int32_t n) { return static_cast<std::size_t>(n); };
    const bool has_size = plane.width > 0 && plane.height > 0;
    if (!has_size || side(plane.width) * side(plane.height) != plane.values.size()) {
        throw core::InvalidArgument("heat.plane", "size and values of the heat do not agree");
    }
    const auto is_finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(plane.values, is_finite) || !is_finite(plane.cold) || !is_finite(plane.hot)) {
        throw core::InvalidArgument("heat.plane", "the heat holds what is no finite number");
    }
    cv::Mat levels = cv::Mat::zeros(plane.height, plane.width, CV_8UC1);
    if (!(plane.hot > plane.cold)) return levels;
    const double range = static_cast<double>(plane.hot) - plane.cold;
    std::transform(plane.values.begin(), plane.values.end(), levels.ptr(), [&](float value) {
        const double heat = std::clamp((static_cast<double>(value) - plane.cold) / range, 0.0, 1.0);
        return static_cast<std::uint8_t>(std::lround(heat * 255));
    });
    return levels;
}

/// 256 colours, red-green-blue.
cv::Mat colours() {
    cv::Mat levels(1, 256, CV_8UC1);
    for (int i = 0; i < 256; ++i) levels.at<std::uint8_t>(i) = static_cast<std::uint8_t>(i);
    cv::Mat coloured;
    cv::applyColorMap(levels, coloured, cv::COLORMAP_INFERNO);
    cv::cvtColor(coloured, coloured, cv::COLOR_BGR2RGB);
    return coloured;
}

Image new_image(std::int32_t width, std::int32_t height) {
    Image image{width, height, 3, {}};
    image.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
    return image;
}

}  // namespace

Image draw_heat(const HeatPlane& plane) {
    return with_opencv([&] {
        const cv::Mat levels = levels_of(plane);
        const cv::Mat palette = colours();
        Image drawn = new_image(plane.width, plane.height);
        std::uint8_t* out = drawn.pixels.data();
        for (const std::uint8_t* level = levels.datastart; level != levels.dataend; ++level) {
            out = std::copy_n(palette.ptr(0, *level), 3, out);
        }
        return drawn;
    });
}

Image draw_heat_over(const Image& image, const HeatPlane& plane, double opacity) {
    check_shape(image);
    if (!(opacity >= 0 && opacity <= 1)) {
        throw core::InvalidArgument("heat.opacity", "`opacity` must be from 0 to 1", {{"field", "opacity"}});
    }
    return with_opencv([&] {
        cv::Mat levels;
        cv::resize(levels_of(plane), levels, {image.width, image.height}, 0, 0, cv::INTER_LINEAR);
        const cv::Mat palette = colours();
        Image drawn = new_image(image.width, image.height);
        const std::uint8_t* in = image.pixels.data();
        std::uint8_t* out = drawn.pixels.data();
        const auto channels = static_cast<std::size_t>(image.channels);
        for (const std::uint8_t* level = levels.datastart; level != levels.dataend; ++level, in += channels) {
            const std::uint8_t* colour = palette.ptr(0, *level);
            const double share = opacity * *level / 255;
            for (std::size_t c = 0; c < 3; ++c) {
                const double pixel = in[channels == 1 ? 0 : c];
                *out++ = static_cast<std::uint8_t>(std::lround(pixel + share * (colour[c] - pixel)));
            }
        }
        return drawn;
    });
}

}  // namespace consilia::imaging
