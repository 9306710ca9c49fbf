// Views of prepared images, against index arithmetic.
#include "consilia/imaging/augmentation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "consilia/core/error.hpp"

namespace consilia::imaging {
namespace {

using testing::ElementsAre;

/// Two planes of 4 x 3; the value says where it stands: plane, row, column.
Tensor numbered(Layout layout = Layout::Chw) {
    Tensor tensor{{2, 3, 4}, layout, {}};
    for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < 4; ++x) tensor.values.push_back(static_cast<float>(c * 100 + y * 10 + x));
        }
    }
    return tensor;
}

float at(const Tensor& tensor, int c, int y, int x) {
    return tensor.values[static_cast<std::size_t>((c * 3 + y) * 4 + x)];
}

TEST(Augmentation, IsOnlyTheImageItselfUnlessAsked) {
    EXPECT_THAT(Augmentation{}.views(), ElementsAre(View{}));
    const auto views = Augmentation{.mirrors = true, .shift = 0.1, .rotation_degrees = 5}.views();
    EXPECT_THAT(views, ElementsAre(View{}, View{.is_mirrored = true}, View{.shift_x = -0.1},
                                   View{.shift_x = 0.1}, View{.shift_y = -0.1}, View{.shift_y = 0.1},
                                   View{.rotation_degrees = 5}, View{.rotation_degrees = -5}));
}

TEST(Augmentation, RefusesWhatIsOutOfRangeAndNamesIt) {
    const auto code = [](const Augmentation& augmentation) -> std::string {
        try {
            augmentation.validate();
        } catch (const core::InvalidArgument& error) {
            return error.code();
        }
        return "";
    };
    EXPECT_EQ(code({.shift = 0.25, .rotation_degrees = 45}), "");
    EXPECT_EQ(code({.shift = 0.26}), "augmentation.shift");
    EXPECT_EQ(code({.shift = -0.01}), "augmentation.shift");
    EXPECT_EQ(code({.shift = std::numeric_limits<double>::quiet_NaN()}), "augmentation.shift");
    EXPECT_EQ(code({.rotation_degrees = 46}), "augmentation.rotation_degrees");
}

TEST(Augmentation, WritesItselfAsJson) {
    EXPECT_EQ((Augmentation{.shift = 0.02, .rotation_degrees = 4}.to_json()),
              R"({"mirrors":false,"rotation_degrees":4.0,"shift":0.02})");
}

TEST(ApplyView, MirrorsEachPlane) {
    const Tensor in = numbered();
    const Tensor out = apply_view(in, {.is_mirrored = true});
    for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < 4; ++x) EXPECT_EQ(at(out, c, y, x), at(in, c, y, 3 - x));
        }
    }
}

TEST(ApplyView, ShiftsByWholePixelsAndRepeatsTheEdge) {
    const Tensor in = numbered();
    const Tensor right = apply_view(in, {.shift_x = 0.3});  // 1.2 of 4 pixels.
    const Tensor up = apply_view(in, {.shift_y = -0.3});
    for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < 4; ++x) {
                EXPECT_EQ(at(right, c, y, x), at(in, c, y, std::max(0, x - 1)));
                EXPECT_EQ(at(up, c, y, x), at(in, c, std::min(2, y + 1), x));
            }
        }
    }
}

TEST(ApplyView, TurnsCounterClockwise) {
    Tensor in{{1, 3, 3}, Layout::Chw, {0, 1, 2, 3, 4, 5, 6, 7, 8}};
    const Tensor out = apply_view(in, {.rotation_degrees = 90});
    EXPECT_THAT(out.values, testing::Pointwise(testing::FloatNear(1e-4F), {2, 5, 8, 1, 4, 7, 0, 3, 6}));
}

TEST(ApplyView, SeesInterleavedChannelsTogether) {
    Tensor in{{1, 2, 3}, Layout::Hwc, {1, 2, 3, 4, 5, 6}};
    EXPECT_THAT(apply_view(in, {.is_mirrored = true}).values, ElementsAre(4, 5, 6, 1, 2, 3));
}

TEST(ApplyView, RefusesATensorWhoseShapeIsNotItsOwn) {
    Tensor in = numbered();
    in.values.pop_back();
    EXPECT_THROW((void)apply_view(in, {}), core::InvalidArgument);
}

}  // namespace
}  // namespace consilia::imaging
