// Every entry that reads JSON: what is read is written so that it is read alike, what is refused has a code.
//
// Input: one byte that chooses the entry, then the text. New entries go to the end: the corpus depends on it.
#include <array>
#include <string>
#include <vector>

#include "consilia/core/config.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/imaging/pipeline.hpp"
#include "consilia/inference/drift.hpp"
#include "consilia/inference/member.hpp"
#include "consilia/inference/opinion_model.hpp"
#include "consilia/inference/safetensors.hpp"
#include "fuzz/target.hpp"

namespace consilia::fuzz {
namespace {

void config(std::string_view text) {
    tolerate("config.", [&] {
        const core::Config config = core::Config::from_json(text);
        holds(core::Config::from_json(config.to_json()) == config, "a configuration is read as written");
    });
}

void pipeline(std::string_view text) {
    tolerate("pipeline.", [&] {
        const imaging::Pipeline pipeline = imaging::Pipeline::from_json(text);
        const imaging::Pipeline again = imaging::Pipeline::from_json(pipeline.to_json());
        holds(again == pipeline && again.hash() == pipeline.hash(), "a pipeline is read as written");
    });
}

void manifest(std::string_view text) {
    tolerate<core::InferenceError>("member.", [&] {
        const inference::Manifest manifest = inference::parse_manifest(text, "/members/a.member");
        for (const auto& part : manifest.code.path.lexically_relative("/members/a.member"))
            holds(part != "..", "a file lies inside its package");
        holds(manifest.weight > 0 && manifest.temperature > 0, "weight and temperature are above zero");
    });
}

void safetensors(std::string_view text) {
    tolerate<core::InferenceError>("safetensors.", [&] {
        // The header says how much should follow: two sizes are enough to reach both answers.
        for (const std::uint64_t data_bytes : {std::uint64_t{24}, std::uint64_t{1} << 62}) {
            std::uint64_t end = 0;
            for (const auto& tensor : inference::parse_safetensors_header(text, data_bytes)) {
                holds(tensor.offset == end, "tensors lie one after the other");
                end += tensor.size_bytes;
            }
            holds(end == data_bytes, "tensors end with the data");
        }
    });
}

void opinion_model(std::string_view text) {
    tolerate("opinion_model.", [&] {
        const auto model = inference::OpinionModel::from_json(text);
        holds(inference::OpinionModel::from_json(model.to_json()) == model, "a model is read as written");
    });
}

void drift(std::string_view text) {
    inference::DriftMonitor monitor({.bins = 4, .window_size = 8, .max_series = 4});
    tolerate("drift.", [&] {
        monitor.read_json(text);
        const std::string written = monitor.to_json();
        inference::DriftMonitor again({.bins = 4, .window_size = 8, .max_series = 4});
        again.read_json(written);
        holds(again.to_json() == written, "a monitor is read as written");
        for (const std::string& name : again.series()) {
            again.add(name, 0.5);
            (void)again.statistics(name);
        }
        again.merge(monitor);
    });
}

/// A JSON column, which a condition looks into: any text may stand in it.
void json_column(std::string_view text) {
    using core::Operator;
    using core::Value;
    const Value document(core::Json{std::string(text)});
    for (const Operator op : {Operator::JsonText, Operator::JsonNumber, Operator::JsonBool}) {
        (void)core::calculate(op, std::vector<Value>{document, Value("a")});
        (void)core::calculate(op, std::vector<Value>{document, Value("a"), Value(1), Value("b")});
        (void)core::calculate(op, std::vector<Value>{document, Value(0), Value("")});
    }
}

constexpr std::array kEntries = {config, pipeline, manifest, safetensors, opinion_model, drift, json_column};

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    consilia::fuzz::run_one_of(consilia::fuzz::kEntries, data, size);
    return 0;
}
