// Heat maps for Python: values as an array over the map itself, drawings as PNG.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/inference/heat_map.hpp"
#include "image_source.hpp"
#include "progress.hpp"

namespace consilia::bindings {
namespace {

using inference::Engine;
using inference::HeatMap;
using inference::HeatMapOptions;
using inference::HeatMapProgress;

HeatMap explain(Engine& engine, const py::object& image, std::string member_id, std::string class_name,
                const std::string& method, std::optional<float> fill, std::optional<std::int32_t> window,
                std::optional<std::int32_t> stride, std::size_t masks, std::int32_t cells,
                double keep_probability, std::uint64_t seed, std::size_t batch_max, py::object progress) {
    PythonProgress reporter(std::move(progress));
    HeatMapOptions options;
    options.method = inference::parse_heat_map_method(method);
    options.member_id = std::move(member_id);
    options.class_name = std::move(class_name);
    options.fill = fill;
    options.window = window;
    options.stride = stride;
    options.masks = masks;
    options.cells = cells;
    options.keep_probability = keep_probability;
    options.seed = seed;
    options.batch_max = batch_max;
    if (reporter.is_wanted()) {
        options.progress = [&reporter](const HeatMapProgress& at) {
            return reporter.report(at.masks_done, at.masks_total);
        };
    }
    const ImageSource source(image);
    return reporter.while_running(
        [&] { return inference::explain(engine, source.prepare(engine), options); });
}

/// Encoded without the GIL.
template <class Draw>
py::bytes png_of(const Draw& draw) {
    std::vector<std::byte> png;
    {
        const py::gil_scoped_release release;
        png = imaging::encode_png(draw());
    }
    return {reinterpret_cast<const char*>(png.data()), png.size()};
}

/// An array over the map's own numbers, which keeps the map alive and cannot be written to.
py::array_t<float> values_of(const py::object& self) {
    const auto& map = self.cast<const HeatMap&>();
    py::array_t<float> values({map.height, map.width}, map.values.data(), self);
    values.attr("setflags")(py::arg("write") = false);
    return values;
}

const HeatMapOptions kDefaults;

}  // namespace

void bind_heat_map(py::module_& module) {
    py::class_<HeatMap>(module, "HeatMap", "Where a member or the panel looked, with what reproduces it.")
        .def_property_readonly("values", &values_of,
                               "float32 [height, width] in the resolution of the input tensor: how much the "
                               "probability falls where a place is\ncovered (`occlusion`), or its mean where "
                               "the place is kept (`random_masks`). A view, not to be written to.")
        .def_readonly("min", &HeatMap::min)
        .def_readonly("max", &HeatMap::max)
        .def_readonly("noise", &HeatMap::noise,
                      "Of `random_masks`: by how much a value strays if the place makes no difference; less "
                      "with more masks.")
        .def_readonly("member_id", &HeatMap::member_id, "Empty: the panel.")
        .def_readonly("class_name", &HeatMap::class_name)
        .def_readonly("probability", &HeatMap::probability, "Of the class, nothing being covered.")
        .def(
            "to_dict",
            [](const HeatMap& map) { return py::module_::import("json").attr("loads")(map.to_json()); },
            "Everything but the values: method and parameters, hash of the input, and the diagnosis with "
            "members, pipelines and versions.")
        .def(
            "draw_png", [](const HeatMap& map) { return png_of([&] { return map.draw(); }); },
            "The map by itself in its own resolution.")
        .def(
            "draw_over_png",
            [](const HeatMap& map, const py::object& image, double opacity) {
                const ImageSource source(image);
                return png_of([&] { return map.draw_over(source.decode(), opacity); });
            },
            py::arg("image"), py::kw_only(), py::arg("opacity") = HeatMap::kOpacity,
            "The map over the image that was explained, a path or bytes, in the image's resolution; "
            "`opacity` from 0 to 1.")
        .def("__repr__", [](const HeatMap& map) {
            return "<HeatMap " + std::to_string(map.width) + "x" + std::to_string(map.height) + " of " +
                   map.class_name + " by " + (map.member_id.empty() ? "the panel" : map.member_id) + ">";
        });
    module.def(
        "explain", &explain, py::arg("engine"), py::arg("image"), py::kw_only(), py::arg("member_id") = "",
        py::arg("class_name") = "", py::arg("method") = std::string(to_string(kDefaults.method)),
        py::arg("fill") = kDefaults.fill, py::arg("window") = kDefaults.window,
        py::arg("stride") = kDefaults.stride, py::arg("masks") = kDefaults.masks,
        py::arg("cells") = kDefaults.cells, py::arg("keep_probability") = kDefaults.keep_probability,
        py::arg("seed") = kDefaults.seed, py::arg("batch_max") = kDefaults.batch_max,
        py::arg("progress") = py::none(),
        "Where a member, or the whole panel, looked: the image is run again and again with parts of it "
        "covered.\n\n"
        "Args:\n"
        "    engine: Runs the covered images in batches, within its budget.\n"
        "    image: A path or encoded bytes.\n"
        "    member_id: Empty: the probability that the panel pools.\n"
        "    class_name: Empty: the diagnosis of that member or of the panel.\n"
        "    method: `occlusion` (a moving window) or `random_masks` (RISE).\n"
        "    fill: What covered places hold, in the unit of the prepared tensor; None: the mean of each "
        "channel.\n"
        "    window: Of `occlusion`: its side in pixels of the input tensor; None: an eighth of the shorter "
        "side.\n"
        "    stride: Of `occlusion`: how far it moves; None: half of the window.\n"
        "    masks: Of `random_masks`: how many, 1 to 100000.\n"
        "    cells: Of `random_masks`: along each side.\n"
        "    keep_probability: Of `random_masks`: of each point of the grid.\n"
        "    seed: Of `random_masks`: the same masks for the same seed.\n"
        "    batch_max: Covered images that are handed to the engine together.\n"
        "    progress: Called as `progress(masks_done, masks_total)`; it may return False to stop.\n\n"
        "Raises:\n"
        "    InvalidArgument: `heat_map.<field>` has no meaning, or does not fit the input.\n"
        "    InferenceError: A member that is asked cannot answer.\n"
        "    Cancelled: `progress` said so.");
}

}  // namespace consilia::bindings
