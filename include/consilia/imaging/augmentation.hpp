#pragma once
// A prepared image seen several ways, for averaging a model's answers over them.
#include <string>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::imaging {

/// One way to see a prepared image: mirrored first, then turned about its centre, then shifted.
struct View {
    bool is_mirrored = false;     ///< Left and right change places.
    double rotation_degrees = 0;  ///< Counter-clockwise.
    double shift_x = 0;           ///< Share of the width, to the right; rounded to whole pixels.
    double shift_y = 0;           ///< Share of the height, downwards; rounded likewise.
    friend bool operator==(const View&, const View&) = default;
};

/// Which ways an image is seen besides as it is. By default there are none.
///
/// Small shifts and rotations stand for how a patient may have stood. Mirroring is for tasks in which the
/// sides do not matter: in a chest radiograph they do, since a mirrored heart is another finding.
struct CONSILIA_API Augmentation {
    static constexpr double kMaxShift = 0.25;
    static constexpr double kMaxRotationDegrees = 45;

    bool mirrors = false;  ///< One view more: mirrored.
    double shift = 0;      ///< Share of a side, to `kMaxShift`: four views more, left, right, up, down.
    double rotation_degrees = 0;  ///< To `kMaxRotationDegrees`: two views more, one each way.

    /// @throws InvalidArgument (`augmentation.shift`, `augmentation.rotation_degrees`).
    void validate() const;
    /// The image as it is, then the others in the order above: 1 to 8.
    [[nodiscard]] std::vector<View> views() const;
    /// `{"mirrors":false,"rotation_degrees":4.0,"shift":0.02}`: canonical.
    [[nodiscard]] std::string to_json() const;
    friend bool operator==(const Augmentation&, const Augmentation&) = default;
};

/// The tensor seen so, of the same shape and layout. Whole pixels are moved as they are; between them it is
/// bilinear. What comes in from outside repeats the edge, so that no border appears that no training image
/// had. Deterministic on any number of threads.
[[nodiscard]] CONSILIA_API Tensor apply_view(const Tensor& tensor, const View& view);

}  // namespace consilia::imaging
