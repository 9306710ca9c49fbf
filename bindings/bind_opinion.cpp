// Opinion models for Python, over numpy arrays: loops run in C++ without the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "consilia/inference/drift.hpp"
#include "consilia/inference/early_stop.hpp"
#include "consilia/inference/opinion_fit.hpp"

namespace consilia::bindings {
namespace {

using inference::ConformalSets;
using inference::ConsensusRule;
using inference::EarlyStop;
using inference::OpinionModel;
using inference::OpinionSet;

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> span_of(const Doubles& array) {
    return {array.data(), static_cast<std::size_t>(array.size())};
}

std::size_t extent(const Doubles& array, py::ssize_t axis) {
    return static_cast<std::size_t>(array.shape(axis));
}

/// Class indices of any integer type; a copy, so that none wraps around or is cut.
std::vector<std::uint32_t> to_labels(const py::array& array, py::ssize_t cases) {
    const char kind = array.dtype().kind();
    if (array.ndim() != 1 || array.shape(0) != cases || (kind != 'i' && kind != 'u')) {
        throw core::InvalidArgument("opinions.labels", "`labels` need the shape [N] and a type of integers");
    }
    const auto wide = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
    std::vector<std::uint32_t> labels;
    for (py::ssize_t i = 0; i < cases; ++i) {
        const std::int64_t label = wide.data()[i];
        const bool fits = label >= 0 && label <= std::numeric_limits<std::uint32_t>::max();
        if (!fits) throw core::InvalidArgument("opinions.labels", "`labels` hold what is no class");
        labels.push_back(static_cast<std::uint32_t>(label));
    }
    return labels;
}

/// Calls `work(set)` without the GIL.
template <class Work>
auto over(const Doubles& probabilities, const py::array& labels, const Work& work) {
    if (probabilities.ndim() != 3) {
        throw core::InvalidArgument("opinions.probabilities", "`probabilities` need the shape [N, M, C]");
    }
    const std::vector<std::uint32_t> truth = to_labels(labels, probabilities.shape(0));
    const OpinionSet set = {span_of(probabilities), truth, extent(probabilities, 1),
                            extent(probabilities, 2)};
    const py::gil_scoped_release release;
    return work(set);
}

py::tuple to_tuple(const inference::Share& share) {
    return py::make_tuple(share.value, share.low, share.high);
}

py::dict agree_all(const OpinionModel& model, const Doubles& probabilities) {
    if (probabilities.ndim() != 3 || extent(probabilities, 1) != model.member_ids.size() ||
        extent(probabilities, 2) != model.classes.size()) {
        throw core::InvalidArgument("opinions.probabilities",
                                    "`probabilities` need the shape [N, members, classes]");
    }
    const std::size_t cases = extent(probabilities, 0);
    const std::size_t members = model.member_ids.size();
    const std::size_t classes = model.classes.size();
    Doubles pooled({cases, classes});
    py::array_t<std::int64_t> indices(static_cast<py::ssize_t>(cases));
    const auto column = [&] { return Doubles(static_cast<py::ssize_t>(cases)); };
    Doubles confidence = column();
    Doubles agreement = column();
    Doubles entropy = column();
    Doubles information = column();
    const double* in = probabilities.data();
    double* out = pooled.mutable_data();
    std::int64_t* out_indices = indices.mutable_data();
    double* columns[] = {confidence.mutable_data(), agreement.mutable_data(), entropy.mutable_data(),
                         information.mutable_data()};
    {
        const py::gil_scoped_release release;
        std::vector<std::span<const double>> opinions(members);
        for (std::size_t at = 0; at < cases; ++at) {
            for (std::size_t m = 0; m < members; ++m, in += classes) {
                opinions[m] = std::isnan(*in) ? std::span<const double>() : std::span(in, classes);
            }
            const inference::Consensus consensus = model.agree(opinions);
            out = std::copy(consensus.probabilities.begin(), consensus.probabilities.end(), out);
            out_indices[at] = static_cast<std::int64_t>(consensus.class_index);
            columns[0][at] = consensus.confidence;
            columns[1][at] = consensus.agreement;
            columns[2][at] = consensus.entropy;
            columns[3][at] = consensus.mutual_information;
        }
    }
    py::dict answer;
    answer["class_index"] = indices;
    answer["probabilities"] = pooled;
    answer["confidence"] = confidence;
    answer["agreement"] = agreement;
    answer["entropy"] = entropy;
    answer["mutual_information"] = information;
    return answer;
}

py::dict evaluate(const OpinionModel& model, const Doubles& probabilities, const py::array& labels,
                  double epsilon) {
    const inference::OpinionScores scores = over(probabilities, labels, [&](const OpinionSet& set) {
        return inference::evaluate(model, set, epsilon);
    });
    py::dict answer;
    answer["cases"] = scores.cases;
    answer["accuracy"] = to_tuple(scores.accuracy);
    answer["nll"] = scores.nll;
    answer["brier"] = scores.brier;
    answer["calibration_error"] = scores.calibration_error;
    answer["aurc"] = scores.aurc;
    if (model.conformal) {
        answer["coverage"] = to_tuple(scores.coverage);
        answer["mean_set_size"] = scores.mean_set_size;
    }
    answer["review_share"] = scores.review_share;
    answer["mean_members_run"] = scores.mean_members_run;
    answer["mean_members_run_bounded"] = scores.mean_members_run_bounded;
    answer["changed_share"] = scores.changed_share;
    return answer;
}

/// Fits what the options name, without the GIL.
void fit(OpinionModel& model, const Doubles& probabilities, const py::array& labels,
         const inference::FitOptions& options) {
    model = over(probabilities, labels,
                 [&](const OpinionSet& set) { return inference::fit(model, set, options); });
}

void bind_fits(py::class_<OpinionModel>& type) {
    const inference::FitOptions defaults;
    type.def(
            "fit_weights",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels) {
                fit(model, probabilities, labels, {.weights = true});
            },
            py::arg("probabilities"), py::arg("labels"),
            "Sets `weights` to those that minimise the negative log-likelihood of a soft vote or log pool.")
        .def(
            "fit_stacking",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels, double l2) {
                fit(model, probabilities, labels, {.stacking = true, .l2 = l2});
            },
            py::arg("probabilities"), py::arg("labels"), py::kw_only(), py::arg("l2") = defaults.l2,
            "Sets `rule` to `stacking` with a multinomial logistic regression on log-probabilities.")
        .def(
            "fit_temperature",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels) {
                fit(model, probabilities, labels, {.temperature = true});
            },
            py::arg("probabilities"), py::arg("labels"), "Sets `temperature`, of the pool.")
        .def(
            "fit_conformal",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels, double alpha,
               double penalty, std::uint32_t free_ranks) {
                const ConformalSets wanted{.alpha = alpha, .penalty = penalty, .free_ranks = free_ranks};
                fit(model, probabilities, labels, {.conformal = wanted});
            },
            py::arg("probabilities"), py::arg("labels"), py::kw_only(),
            py::arg("alpha") = ConformalSets{}.alpha, py::arg("penalty") = ConformalSets{}.penalty,
            py::arg("free_ranks") = ConformalSets{}.free_ranks,
            "Fits conformal sets (RAPS). Use cases that no other fit has seen: coverage needs exchangeable "
            "ones.")
        .def(
            "fit_order",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels,
               const std::vector<double>& cost_ms) {
                fit(model, probabilities, labels, {.order = true, .cost_ms = cost_ms});
            },
            py::arg("probabilities"), py::arg("labels"), py::kw_only(),
            py::arg("cost_ms") = std::vector<double>{},
            "Sets `order` by information gained per millisecond, greedily; clears the bounds, which are of "
            "an order.")
        .def(
            "fit_stop_bounds",
            [](OpinionModel& model, const Doubles& probabilities, const py::array& labels,
               double confidence) { fit(model, probabilities, labels, {.stop_confidence = confidence}); },
            py::arg("probabilities"), py::arg("labels"), py::kw_only(), py::arg("confidence") = 0.95,
            "Bounds of the probability that the members left change the diagnosis. Fit them last.");
}

void bind_drift(py::module_& module) {
    using inference::DriftMonitor;
    using inference::DriftOptions;
    py::class_<DriftMonitor, std::shared_ptr<DriftMonitor>>(
        module, "DriftMonitor",
        "Histograms of named series against their reference. Safe to use from many threads.")
        .def(py::init([](std::uint32_t bins, std::uint64_t window_size, std::uint32_t max_series,
                         std::uint64_t reference_size) {
                 return std::make_shared<DriftMonitor>(
                     DriftOptions{bins, window_size, max_series, reference_size});
             }),
             py::kw_only(), py::arg("bins") = DriftOptions{}.bins,
             py::arg("window_size") = DriftOptions{}.window_size,
             py::arg("max_series") = DriftOptions{}.max_series,
             py::arg("reference_size") = DriftOptions{}.reference_size,
             "Args:\n"
             "    bins: Of equal width over a series' range.\n"
             "    window_size: Values a window that is judged.\n"
             "    max_series: Most series; one more is refused.\n"
             "    reference_size: A reference ends by itself after so many values; 0: when asked.")
        .def("declare", &DriftMonitor::declare, py::arg("series"), py::arg("low") = 0.0,
             py::arg("high") = 1.0, py::call_guard<py::gil_scoped_release>())
        .def("add", &DriftMonitor::add, py::arg("series"), py::arg("value"),
             py::call_guard<py::gil_scoped_release>())
        .def("end_reference", &DriftMonitor::end_reference, py::arg("series"),
             "From here on values are judged against those added so far.",
             py::call_guard<py::gil_scoped_release>())
        .def("end_references", &DriftMonitor::end_references, "Of every series that has values.",
             py::call_guard<py::gil_scoped_release>())
        .def(
            "statistics",
            [](const DriftMonitor& monitor, const std::string& series) {
                const inference::DriftStatistics found = [&] {
                    const py::gil_scoped_release release;
                    return monitor.statistics(series);
                }();
                py::dict answer;
                answer["reference_count"] = found.reference_count;
                answer["window_count"] = found.window_count;
                answer["reference_mean"] = found.reference_mean;
                answer["window_mean"] = found.window_mean;
                answer["psi"] = found.psi;
                return answer;
            },
            py::arg("series"), "Counts, means and the population stability index `psi`.")
        .def("series", &DriftMonitor::series, py::call_guard<py::gil_scoped_release>())
        .def("merge", &DriftMonitor::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>())
        .def("to_json", &DriftMonitor::to_json, py::call_guard<py::gil_scoped_release>())
        .def("read_json", &DriftMonitor::read_json, py::arg("json"),
             py::call_guard<py::gil_scoped_release>());
}

}  // namespace

void bind_opinion(py::module_& module) {
    py::class_<OpinionModel> type(
        module, "OpinionModel",
        "What was fitted to the opinions of one panel. Arrays of opinions are float64 "
        "[N, M, C], labels [N].");
    type.def(py::init([](std::vector<std::string> member_ids, std::vector<std::string> classes,
                         const std::string& rule, const std::string& fallback, std::vector<double> weights,
                         double confidence_threshold) {
                 OpinionModel model;
                 model.member_ids = std::move(member_ids);
                 model.classes = std::move(classes);
                 model.rule = inference::parse_consensus_rule(rule);
                 model.fallback = inference::parse_consensus_rule(fallback);
                 model.weights = std::move(weights);
                 if (model.weights.empty()) model.weights.assign(model.member_ids.size(), 1.0);
                 model.confidence_threshold = confidence_threshold;
                 model.validate();
                 return model;
             }),
             py::arg("member_ids"), py::arg("classes"), py::kw_only(), py::arg("rule") = "weighted_soft_vote",
             py::arg("fallback") = "log_opinion_pool", py::arg("weights") = std::vector<double>{},
             py::arg("confidence_threshold") = OpinionModel{}.confidence_threshold)
        .def_static("from_json", &OpinionModel::from_json, py::arg("json"))
        .def("to_json", &OpinionModel::to_json, "Canonical: equal models write equal text.")
        .def_static("load", &OpinionModel::load, py::arg("path"), "Reads what `save` wrote.",
                    py::call_guard<py::gil_scoped_release>())
        .def("save", &OpinionModel::save, py::arg("path"),
             "Writes `to_json()` as a new file, whole or not at all; nothing is overwritten.",
             py::call_guard<py::gil_scoped_release>())
        .def("hash", &OpinionModel::hash, "SHA-256 of `to_json()`.")
        .def_readonly("member_ids", &OpinionModel::member_ids)
        .def_readonly("classes", &OpinionModel::classes)
        .def_readonly("weights", &OpinionModel::weights)
        .def_readonly("temperature", &OpinionModel::temperature)
        .def_readonly("order", &OpinionModel::order)
        .def_property_readonly("rule",
                               [](const OpinionModel& model) { return std::string(to_string(model.rule)); })
        .def(
            "agree", &agree_all, py::arg("probabilities"),
            "The consensus of each case, as a dict of arrays. A member whose first number is NaN is missing.")
        .def(
            "conformal_set",
            [](const OpinionModel& model, const Doubles& probabilities) {
                return model.conformal_set(span_of(probabilities));
            },
            py::arg("probabilities"),
            "Class indices for the probabilities of one consensus, most probable first.")
        .def("evaluate", &evaluate, py::arg("probabilities"), py::arg("labels"), py::kw_only(),
             py::arg("epsilon") = 0.0,
             "Accuracy and coverage as (value, low, high) at 95 %; nll, brier, calibration_error, aurc and "
             "what "
             "early stops save.");
    bind_fits(type);
    bind_drift(module);
    py::class_<EarlyStop>(module, "EarlyStop", "Says when the members left cannot change the diagnosis.")
        .def(py::init<const OpinionModel&>(), py::arg("model"), py::keep_alive<1, 2>())
        .def(
            "add",
            [](EarlyStop& stop, std::size_t member, const Doubles& probabilities) {
                stop.add(member, span_of(probabilities));
            },
            py::arg("member"), py::arg("probabilities"))
        .def("drop", &EarlyStop::drop, py::arg("member"), "The member failed or will not run.")
        .def("is_decided", py::overload_cast<>(&EarlyStop::is_decided, py::const_), "Lossless.")
        .def("is_decided", py::overload_cast<double>(&EarlyStop::is_decided, py::const_), py::arg("epsilon"),
             "Bounded: with a probability of at most `epsilon` by the fitted bounds.")
        .def_property_readonly("members_left", &EarlyStop::members_left)
        .def_property_readonly("class_index",
                               [](const EarlyStop& stop) { return stop.consensus().class_index; });
}

}  // namespace consilia::bindings
