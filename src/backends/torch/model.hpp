#pragma once
// What an opened model is to the table, whatever its format.
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "consilia/c/backend.h"

/// One opened model. Threading: confined.
struct consilia_model {
    consilia_model() = default;
    consilia_model(const consilia_model&) = delete;
    consilia_model& operator=(const consilia_model&) = delete;
    virtual ~consilia_model() = default;

    virtual void describe(consilia_backend_description_t& out) const = 0;
    /// As the table's bind_weights: all or none.
    virtual void bind(std::span<const consilia_tensor_view_t> weights) = 0;
    virtual void unbind() = 0;
    /// The logits, of any floating type, on any device. Called in inference mode.
    virtual at::Tensor forward(at::Tensor input) = 0;

    c10::Device device = c10::kCPU;
};

namespace consilia::torch_backend {

std::unique_ptr<consilia_model> open_torchscript(const consilia_backend_open_options_t& options);
std::unique_ptr<consilia_model> open_aotinductor(const consilia_backend_open_options_t& options);

/// CONSILIA_PRECISION_F32 from a caller that knows no other. @throws std::invalid_argument for an unknown
/// one.
inline std::int32_t checked_precision(const consilia_backend_open_options_t& options) {
    if (options.struct_size < sizeof options) return CONSILIA_PRECISION_F32;
    if (options.precision < CONSILIA_PRECISION_F32 || options.precision > CONSILIA_PRECISION_F16) {
        throw std::invalid_argument("there is no precision " + std::to_string(options.precision));
    }
    return options.precision;
}

/// Finds for each place of the code the tensor that is given for it.
/// @param dtype_of  the element type that a place wants.
/// @throws std::invalid_argument if one is missing, unknown, doubled or of another element type.
template <class Place, class DtypeOf>
std::vector<std::pair<Place*, at::Tensor>> match_weights(std::map<std::string, Place>& places,
                                                         std::span<const consilia_tensor_view_t> weights,
                                                         c10::Device device, const DtypeOf& dtype_of) {
    std::map<std::string, std::pair<Place*, at::Tensor>> matched;
    for (const consilia_tensor_view_t& view : weights) {
        const auto found = places.find(view.name);
        if (found == places.end()) {
            throw std::invalid_argument(std::string("the code has no place for the tensor `") + view.name +
                                        "`");
        }
        at::Tensor given = borrow(view, device);
        if (given.scalar_type() != dtype_of(found->second)) {
            throw std::invalid_argument("the tensor `" + found->first +
                                        "` has another element type than the code wants");
        }
        if (!matched.emplace(found->first, std::pair(&found->second, std::move(given))).second)
            throw std::invalid_argument("the tensor `" + found->first + "` is given twice");
    }
    std::vector<std::pair<Place*, at::Tensor>> bound;
    bound.reserve(places.size());
    for (const auto& [name, place] : places) {
        const auto found = matched.find(name);
        if (found == matched.end()) throw std::invalid_argument("the tensor `" + name + "` is missing");
        bound.push_back(std::move(found->second));
    }
    return bound;
}

}  // namespace consilia::torch_backend
