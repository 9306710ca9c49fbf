#include "consilia/imaging/pipeline.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "consilia/core/files.hpp"
#include "imaging/pipeline_steps.hpp"
#include "imaging/pixels.hpp"

namespace consilia::imaging {
namespace {

using Table = std::array<float, 256>;

/// What each sample becomes, for each channel of the tensor. Computed in double and rounded once.
std::vector<Table> make_tables(const Normalize* normalize, std::size_t channels) {
    std::vector<Table> tables(channels);
    for (std::size_t c = 0; c < channels; ++c) {
        const double mean = normalize != nullptr ? normalize->mean[c] : 0;
        const double deviation = normalize != nullptr ? normalize->deviation[c] : 1;
        for (std::size_t x = 0; x < 256; ++x) {
            tables[c][x] = static_cast<float>((static_cast<double>(x) / 255 - mean) / deviation);
        }
    }
    return tables;
}

cv::Mat apply_step(const cv::Mat& in, const Grayscale&) {
    if (in.channels() == 1) return in;
    cv::Mat out;
    cv::cvtColor(in, out, cv::COLOR_RGB2GRAY);
    return out;
}

cv::Mat apply_step(const cv::Mat& in, const Clahe& step) {
    cv::Mat out;
    cv::createCLAHE(step.clip_limit, {step.tiles_x, step.tiles_y})->apply(in, out);
    return out;
}

cv::Mat apply_step(const cv::Mat& in, const Resize& step) {
    if (in.cols == step.width && in.rows == step.height) return in;
    cv::Mat out;
    cv::resize(in, out, {step.width, step.height}, 0, 0,
               step.interpolation == Interpolation::Area ? cv::INTER_AREA : cv::INTER_LINEAR);
    return out;
}

/// Normalize and tensor are not steps over pixels: the tables do both.
cv::Mat apply_step(const cv::Mat& in, const Normalize&) {
    return in;
}
cv::Mat apply_step(const cv::Mat& in, const ToTensor&) {
    return in;
}

cv::Mat run_pixel_steps(const Image& image, std::span<const Step> steps) {
    check_shape(image);
    return with_opencv([&] {
        cv::Mat pixels = view_of(image);
        for (const Step& step : steps) {
            pixels = std::visit([&pixels](const auto& s) { return apply_step(pixels, s); }, step);
        }
        return pixels;
    });
}

void write_planes(const cv::Mat& pixels, const std::vector<Table>& tables, float* out) {
    const auto stored = static_cast<std::size_t>(pixels.channels());
    const auto columns = static_cast<std::size_t>(pixels.cols);
    for (std::size_t c = 0; c < tables.size(); ++c) {
        const Table& table = tables[c];
        for (int y = 0; y < pixels.rows; ++y) {
            const std::uint8_t* row = pixels.ptr(y) + (stored == 1 ? 0 : c);
            for (std::size_t x = 0; x < columns; ++x) *out++ = table[row[x * stored]];
        }
    }
}

void write_interleaved(const cv::Mat& pixels, const std::vector<Table>& tables, float* out) {
    const auto stored = static_cast<std::size_t>(pixels.channels());
    const auto columns = static_cast<std::size_t>(pixels.cols);
    for (int y = 0; y < pixels.rows; ++y) {
        const std::uint8_t* row = pixels.ptr(y);
        for (std::size_t x = 0; x < columns; ++x) {
            for (std::size_t c = 0; c < tables.size(); ++c) {
                *out++ = tables[c][row[stored == 1 ? x : x * stored + c]];
            }
        }
    }
}

template <class S>
const S* find_step(std::span<const Step> steps) noexcept {
    for (const Step& step : steps) {
        if (const S* found = std::get_if<S>(&step)) return found;
    }
    return nullptr;
}

std::array<std::int64_t, 3> shape_of(const ToTensor& tensor, std::int64_t width, std::int64_t height) {
    if (tensor.layout == Layout::Chw) return {tensor.channels, height, width};
    return {height, width, tensor.channels};
}

}  // namespace

struct Pipeline::Compiled {
    std::vector<Step> steps;
    std::string json;
    std::string hash;
    ToTensor tensor;
    std::vector<Table> tables;
};

Pipeline::Pipeline() : Pipeline(std::vector<Step>{ToTensor{}}) {}

Pipeline::Pipeline(std::vector<Step> steps) {
    check_steps(steps);
    Compiled compiled;
    compiled.json = canonical_json(steps);
    compiled.hash =
        core::sha256("consilia pipeline " + std::to_string(kAlgorithmVersion) + "\n" + compiled.json);
    compiled.tensor = *find_step<ToTensor>(steps);
    compiled.tables =
        make_tables(find_step<Normalize>(steps), static_cast<std::size_t>(compiled.tensor.channels));
    compiled.steps = std::move(steps);
    compiled_ = std::make_shared<const Compiled>(std::move(compiled));
}

Pipeline Pipeline::from_json(std::string_view text) {
    return Pipeline(parse_steps(text));
}

const std::string& Pipeline::to_json() const noexcept {
    return compiled_->json;
}
const std::string& Pipeline::hash() const noexcept {
    return compiled_->hash;
}
std::span<const Step> Pipeline::steps() const noexcept {
    return compiled_->steps;
}

std::optional<std::array<std::int64_t, 3>> Pipeline::output_shape() const noexcept {
    const auto* resize = find_step<Resize>(compiled_->steps);
    if (resize == nullptr) return std::nullopt;
    return shape_of(compiled_->tensor, resize->width, resize->height);
}

Tensor Pipeline::apply(const Image& image) const {
    const cv::Mat pixels = run_pixel_steps(image, compiled_->steps);
    Tensor tensor;
    tensor.layout = compiled_->tensor.layout;
    tensor.shape = shape_of(compiled_->tensor, pixels.cols, pixels.rows);
    tensor.values.resize(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1] * tensor.shape[2]));
    const auto write = tensor.layout == Layout::Chw ? write_planes : write_interleaved;
    write(pixels, compiled_->tables, tensor.values.data());
    return tensor;
}

Image Pipeline::apply_pixels(const Image& image) const {
    const cv::Mat pixels = run_pixel_steps(image, compiled_->steps);
    Image out;
    out.width = pixels.cols;
    out.height = pixels.rows;
    out.channels = pixels.channels();
    out.pixels.reserve(pixels.total() * pixels.elemSize());
    for (int y = 0; y < pixels.rows; ++y) {
        const std::uint8_t* row = pixels.ptr(y);
        out.pixels.insert(out.pixels.end(), row,
                          row + static_cast<std::size_t>(pixels.cols) * pixels.elemSize());
    }
    return out;
}

}  // namespace consilia::imaging
