#include "consilia/imaging/augmentation.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "imaging/pixels.hpp"

namespace consilia::imaging {
namespace {

void check_range(double value, double most, const char* field) {
    if (value >= 0 && value <= most) return;  // Not true of what is no number.
    throw core::InvalidArgument(
        std::string("augmentation.") + field,
        std::string("`") + field + "` must be from 0 to " + nlohmann::json(most).dump(), {{"field", field}});
}

/// From where a pixel stands to where it is seen.
cv::Matx23d matrix_of(const View& view, int width, int height) {
    const cv::Point2f centre(static_cast<float>(width - 1) / 2, static_cast<float>(height - 1) / 2);
    cv::Mat matrix = cv::getRotationMatrix2D(centre, view.rotation_degrees, 1);
    matrix.at<double>(0, 2) += std::round(view.shift_x * width);
    matrix.at<double>(1, 2) += std::round(view.shift_y * height);
    return matrix;
}

void apply_view(const cv::Mat& in, cv::Mat out, const View& view) {
    cv::Mat mirrored;
    if (view.is_mirrored) cv::flip(in, mirrored, 1);
    const cv::Mat& seen = view.is_mirrored ? mirrored : in;
    if (view == View{.is_mirrored = view.is_mirrored}) {
        seen.copyTo(out);
        return;
    }
    cv::warpAffine(seen, out, matrix_of(view, in.cols, in.rows), in.size(), cv::INTER_LINEAR,
                   cv::BORDER_REPLICATE);
}

}  // namespace

void Augmentation::validate() const {
    check_range(shift, kMaxShift, "shift");
    check_range(rotation_degrees, kMaxRotationDegrees, "rotation_degrees");
}

std::vector<View> Augmentation::views() const {
    std::vector<View> views(1);
    if (mirrors) views.push_back({.is_mirrored = true});
    if (shift > 0) {
        for (const double by : {-shift, shift}) views.push_back({.shift_x = by});
        for (const double by : {-shift, shift}) views.push_back({.shift_y = by});
    }
    if (rotation_degrees > 0) {
        for (const double by : {rotation_degrees, -rotation_degrees}) {
            views.push_back({.rotation_degrees = by});
        }
    }
    return views;
}

std::string Augmentation::to_json() const {
    return nlohmann::json{{"mirrors", mirrors}, {"rotation_degrees", rotation_degrees}, {"shift", shift}}
        .dump();
}

Tensor apply_view(const Tensor& tensor, const View& view) {
    const bool is_chw = tensor.layout == Layout::Chw;
    const auto planes = static_cast<std::size_t>(is_chw ? tensor.shape[0] : 1);
    const int channels = is_chw ? 1 : static_cast<int>(tensor.shape[2]);
    const auto height = static_cast<int>(tensor.shape[is_chw ? 1 : 0]);
    const auto width = static_cast<int>(tensor.shape[is_chw ? 2 : 1]);
    const std::size_t values = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                               static_cast<std::size_t>(channels);
    if (width < 1 || height < 1 || channels < 1 || planes * values != tensor.values.size()) {
        throw core::InvalidArgument("image.shape", "shape and values of the tensor do not agree");
    }
    Tensor seen{tensor.shape, tensor.layout, std::vector<float>(tensor.values.size())};
    with_opencv([&] {
        for (std::size_t i = 0; i < planes; ++i) {
            // SAFETY: OpenCV takes no const pointer; it is only read.
            auto* from = const_cast<float*>(tensor.values.data());  // NOLINT(*-const-cast)
            apply_view(cv::Mat(height, width, CV_32FC(channels), from + i * values),
                       cv::Mat(height, width, CV_32FC(channels), seen.values.data() + i * values), view);
        }
    });
    return seen;
}

}  // namespace consilia::imaging
