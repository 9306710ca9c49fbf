// Heat over an image: sizes, ends of the colour map, and what stays as it was.
#include "consilia/imaging/heat.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::imaging {
namespace {

std::string code_of(const Image& image, const HeatPlane& plane, double opacity) {
    try {
        (void)draw_heat_over(image, plane, opacity);
    } catch (const core::InvalidArgument& error) {
        return error.code();
    }
    return "";
}

int lightness(const Image& image, std::size_t pixel) {
    return image.pixels[pixel * 3] + image.pixels[pixel * 3 + 1] + image.pixels[pixel * 3 + 2];
}

TEST(Heat, RisesInLightness) {
    std::vector<float> values;
    for (int i = 0; i < 256; ++i) values.push_back(static_cast<float>(i) / 255);
    const Image drawn = draw_heat({256, 1, values});
    EXPECT_EQ(drawn.width, 256);
    EXPECT_EQ(drawn.channels, 3);
    EXPECT_LT(lightness(drawn, 0), 10);
    EXPECT_GT(lightness(drawn, 255), 500);
    for (std::size_t i = 8; i < 256; i += 8) EXPECT_GT(lightness(drawn, i), lightness(drawn, i - 8));
    // Red before blue: inferno is warm at its upper end.
    EXPECT_GT(drawn.pixels[192 * 3], drawn.pixels[192 * 3 + 2]);
}

TEST(Heat, IsCutAtBothEnds) {
    const std::vector<float> values = {-5, 0.25F, 0.5F, 9};
    const std::vector<float> cut = {0.25F, 0.25F, 0.5F, 0.5F};
    EXPECT_EQ(draw_heat({4, 1, values, 0.25F, 0.5F}), draw_heat({4, 1, cut, 0.25F, 0.5F}));
}

TEST(Heat, LeavesTheImageWhereThereIsNone) {
    const Image gray{4, 4, 1, std::vector<std::uint8_t>(16, 77)};
    const std::vector<float> values = {0, 0, 0, 1};
    const Image drawn = draw_heat_over(gray, {2, 2, values}, 1.0);
    EXPECT_EQ(drawn.width, 4);
    EXPECT_EQ(drawn.height, 4);
    for (const std::size_t i : {0U, 1U, 2U}) EXPECT_EQ(drawn.pixels[i], 77);  // The first pixel.
    EXPECT_GT(drawn.pixels[45], 200);                                         // The last one's red.
    const std::vector<float> flat = {3, 3, 3, 3};
    const Image cold = draw_heat_over(gray, {2, 2, flat, 3, 3}, 1.0);
    EXPECT_EQ(cold.pixels, std::vector<std::uint8_t>(48, 77));
    const Image colours{1, 1, 3, {10, 20, 30}};
    EXPECT_EQ(draw_heat_over(colours, {2, 2, values}, 0.0).pixels, colours.pixels);
}

TEST(Heat, RefusesWhatCannotBeDrawn) {
    const Image gray{2, 1, 1, {1, 2}};
    std::vector<float> values = {0, 1};
    EXPECT_EQ(code_of(gray, {2, 1, values}, 1.1), "heat.opacity");
    EXPECT_EQ(code_of(gray, {2, 1, values}, std::numeric_limits<double>::quiet_NaN()), "heat.opacity");
    EXPECT_EQ(code_of(gray, {2, 2, values}, 0.5), "heat.plane");
    EXPECT_EQ(code_of(gray, {0, 1, {}}, 0.5), "heat.plane");
    EXPECT_EQ(code_of({2, 2, 1, {1, 2}}, {2, 1, values}, 0.5), "image.shape");
    values[0] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(code_of(gray, {2, 1, values}, 0.5), "heat.plane");
}

}  // namespace
}  // namespace consilia::imaging
