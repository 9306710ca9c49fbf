#pragma once
// Numbers over an image, drawn as colours: heat maps.
#include <cstdint>
#include <span>

#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::imaging {

/// Numbers over an image, row by row from the top, in a resolution of their own. The values are borrowed.
struct HeatPlane {
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::span<const float> values{};  ///< `width * height` numbers.
    float cold = 0;                   ///< This and what is below it is drawn as no heat.
    float hot = 1;  ///< This and what is above it as full heat. Not above `cold`: nothing has any heat.
};

/// An RGB image of the plane's size, in OpenCV's colour map `inferno`: from black over red to light yellow,
/// rising in lightness, so that it is read without colours too.
/// @throws InvalidArgument (`heat.plane`) if size and values do not agree, or a number is not finite.
[[nodiscard]] CONSILIA_API Image draw_heat(const HeatPlane& plane);

/// An RGB image of `image`'s size: the plane is stretched over all of it, and the hotter a place is the more
/// of the colour is seen, up to `opacity`; where there is no heat the image stays as it is.
/// @throws InvalidArgument (`heat.opacity`) unless from 0 to 1; `heat.plane`, `image.shape`.
[[nodiscard]] CONSILIA_API Image draw_heat_over(const Image& image, const HeatPlane& plane, double opacity);

}  // namespace consilia::imaging
