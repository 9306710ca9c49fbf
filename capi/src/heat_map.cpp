#include "consilia/c/heat_map.h"

#include <string_view>
#include <vector>

#include "consilia/imaging/codec.hpp"
#include "consilia/inference/heat_map.hpp"
#include "inference.hpp"

namespace core = consilia::core;
namespace imaging = consilia::imaging;
namespace inference = consilia::inference;
using consilia::capi::bytes_of;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::engine_of;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;

struct consilia_heat_map {
    inference::HeatMap map;
};

static_assert(sizeof(consilia_heat_values_t) == 48);
static_assert(offsetof(consilia_heat_map_options_t, member_id) == 16);
static_assert(offsetof(consilia_heat_map_options_t, window) == 56);
static_assert(offsetof(consilia_heat_map_options_t, batch_max) == 88);
static_assert(offsetof(consilia_heat_map_options_t, user_data) == 112);

namespace {

inference::HeatMapMethod method_of(std::int32_t given) {
    if (given < CONSILIA_HEAT_MAP_OCCLUSION || given > CONSILIA_HEAT_MAP_RANDOM_MASKS) {
        throw core::InvalidArgument("heat_map.method", "`method` is none of CONSILIA_HEAT_MAP_*",
                                    {{"field", "method"}});
    }
    return static_cast<inference::HeatMapMethod>(given);
}

inference::HeatMapOptions heat_map_options(const consilia_heat_map_options_t& given) {
    inference::HeatMapOptions options;
    options.method = method_of(given.method);
    options.member_id = view(given.member_id);
    options.class_name = view(given.class_name);
    if (given.has_fill != 0) options.fill = static_cast<float>(given.fill);
    if (given.window != 0) options.window = given.window;
    if (given.stride != 0) options.stride = given.stride;
    if (given.masks != 0) options.masks = given.masks;
    if (given.cells != 0) options.cells = given.cells;
    if (given.keep_probability != 0) options.keep_probability = given.keep_probability;
    options.seed = given.seed;
    if (given.batch_max != 0) options.batch_max = given.batch_max;
    if (given.progress != nullptr) {
        options.progress = [call = given.progress, data = given.user_data](const auto& at) {
            return call(at.masks_done, at.masks_total, data) == 0;
        };
    }
    return options;
}

consilia_buffer_t png_buffer(const imaging::Image& image) {
    const std::vector<std::byte> png = imaging::encode_png(image);
    return to_buffer({reinterpret_cast<const char*>(png.data()), png.size()});
}

}  // namespace

extern "C" {

consilia_status_t consilia_engine_explain(consilia_engine_t* engine, const void* data, size_t size,
                                          const consilia_heat_map_options_t* options,
                                          consilia_heat_map_t** out_map, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_heat_map_t*& out = cleared(out_map, "out_map");
        inference::Engine& running = engine_of(engine);
        const inference::HeatMapOptions known = heat_map_options(copy_options(options));
        out = new consilia_heat_map_t{
            inference::explain(running, running.prepare(bytes_of(data, size)), known)};
    });
}

void consilia_heat_map_free(consilia_heat_map_t* map) {
    delete map;
}

consilia_status_t consilia_heat_map_values(const consilia_heat_map_t* map, consilia_heat_values_t* out_values,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_heat_values_t& out = cleared(out_values, "out_values");
        const inference::HeatMap& made = require(map, "map").map;
        out = {made.values.data(),
               static_cast<size_t>(made.width),
               static_cast<size_t>(made.height),
               made.min,
               made.max,
               made.noise,
               made.probability};
    });
}

consilia_status_t consilia_heat_map_json(const consilia_heat_map_t* map, consilia_buffer_t* out_json,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(require(map, "map").map.to_json());
    });
}

consilia_status_t consilia_heat_map_draw_png(const consilia_heat_map_t* map, consilia_buffer_t* out_png,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_png, "out_png");
        out = png_buffer(require(map, "map").map.draw());
    });
}

consilia_status_t consilia_heat_map_draw_over_png(const consilia_heat_map_t* map, const void* data,
                                                  size_t size, double opacity, consilia_buffer_t* out_png,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_png, "out_png");
        const inference::HeatMap& made = require(map, "map").map;
        out = png_buffer(made.draw_over(imaging::decode(bytes_of(data, size)),
                                        opacity == 0 ? inference::HeatMap::kOpacity : opacity));
    });
}

}  // extern "C"
