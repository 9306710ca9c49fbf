#pragma once
// What one member is run on: several images, each of them seen in several ways.
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "consilia/imaging/augmentation.hpp"
#include "inference/member_slot.hpp"

namespace consilia::inference {

/// The views of an image stand one after the other. They are made when they are asked for, so that no more of
/// them lie in memory than run together. Threading: compatible.
class MemberInputs {
public:
    /// The views must outlive this and be at least one.
    MemberInputs(std::vector<TensorPointer> images, std::span<const imaging::View> views)
        : images_(std::move(images)), views_(views) {}

    [[nodiscard]] std::size_t size() const noexcept { return images_.size() * views_.size(); }
    [[nodiscard]] std::vector<TensorPointer> group(std::size_t begin, std::size_t count) const {
        std::vector<TensorPointer> tensors;
        for (std::size_t i = begin; i < begin + count; ++i) {
            const TensorPointer& image = images_[i / views_.size()];
            const imaging::View& view = views_[i % views_.size()];
            tensors.push_back(view == imaging::View{} ? image
                                                      : std::make_shared<const imaging::Tensor>(
                                                            imaging::apply_view(*image, view)));
        }
        return tensors;
    }

private:
    std::vector<TensorPointer> images_;
    std::span<const imaging::View> views_;
};

}  // namespace consilia::inference
