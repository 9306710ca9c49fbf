// An engine as what runs a dispatcher's batches.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/inference/dispatcher.hpp"

namespace consilia::inference {
namespace {

std::shared_ptr<const imaging::Tensor> empty_input(const Manifest& manifest) {
    imaging::Tensor tensor;
    tensor.shape = manifest.input_shape;
    tensor.values.resize(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1] * tensor.shape[2]));
    return std::make_shared<const imaging::Tensor>(std::move(tensor));
}

}  // namespace

BatchRunner engine_runner(std::shared_ptr<Engine> engine) {
    if (!engine) throw core::InvalidArgument("dispatcher.engine", "there is no engine");
    const std::size_t member_count = engine->members().size();
    BatchRunner runner;
    runner.run = [engine](std::span<const Inputs> batch, const BatchOptions& options) {
        return engine->run_batch(batch, options);
    };
    runner.predict_ms = [engine](std::size_t batch_size) { return engine->plan(batch_size).pass_ms; };
    runner.check = [member_count](const Inputs& inputs) {
        if (inputs.tensors.size() == member_count) return;
        throw core::InvalidArgument("request.inputs",
                                    "the inputs were not prepared by the dispatcher's engine",
                                    {{"expected", static_cast<std::int64_t>(member_count)},
                                     {"found", static_cast<std::int64_t>(inputs.tensors.size())}});
    };
    runner.example = [engine] { return engine->prepare(Engine::InputSource(&empty_input)); };
    return runner;
}

}  // namespace consilia::inference
