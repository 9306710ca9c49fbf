// The peer of `ensemble`: a plain C++ loop over TorchScript modules, as one writes it with libtorch. Prints
// one line of JSON.
//
//     torch_loop resident|reload --passes 7 --threads 2 [--optimize 1] a.pt b.pt …
//
// `resident` keeps all modules; `reload` loads each from its file, runs it and lets it go. `optimize` is
// libtorch's profiling executor, on unless switched off.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/script.h>
#include <torch/version.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "panel.hpp"
#include "process_memory.hpp"

namespace {

using nlohmann::json;

struct Arguments {
    bool is_resident = true;
    std::size_t passes = 5;
    std::int64_t batch = 1;
    int threads = 0;
    bool with_optimizer = true;
    std::string device = "cpu";
    std::vector<std::string> files{};
};

Arguments parse(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto value = [&] { return std::string(i + 1 < count ? words[++i] : ""); };
        if (word == "resident" || word == "reload") {
            arguments.is_resident = word == "resident";
        } else if (word == "--passes") {
            arguments.passes = std::stoul(value());
        } else if (word == "--batch") {
            arguments.batch = std::stoll(value());
        } else if (word == "--threads") {
            arguments.threads = std::stoi(value());
        } else if (word == "--optimize") {
            arguments.with_optimizer = value() != "0";
        } else if (word == "--device") {
            arguments.device = value();
        } else {
            arguments.files.push_back(word);
        }
    }
    return arguments;
}

/// As `ensemble` makes them; CrossViT takes 240 pixels, the others 224.
at::Tensor noise(const std::string& file, std::int64_t batch) {
    const std::int64_t side = file.find("crossvit") == std::string::npos ? 224 : 240;
    at::Tensor input = at::empty({batch, 3, side, side});
    const std::int64_t size = 3 * side * side;
    for (std::int64_t image = 0; image < batch; ++image) {
        consilia::benchmarks::fill_with_noise(input.data_ptr<float>() + image * size,
                                              static_cast<std::size_t>(size),
                                              static_cast<unsigned>(image + 1));
    }
    return input;
}

json measure(const Arguments& arguments) {
    const c10::InferenceMode inference;
    if (arguments.threads > 0) at::set_num_threads(arguments.threads);
    torch::jit::setGraphExecutorOptimize(arguments.with_optimizer);
    const c10::Device device(arguments.device);
    // Only the core is linked; what brings the device makes itself known when it is loaded.
    if (device.is_cuda() && ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
        throw std::runtime_error(::dlerror());
    }
    std::vector<at::Tensor> inputs;
    std::vector<torch::jit::Module> modules;
    for (const std::string& file : arguments.files) {
        inputs.push_back(noise(file, arguments.batch));
        if (arguments.is_resident) modules.push_back(torch::jit::load(file, device));
    }
    json result = {{"passes_ms", json::array()}, {"version", TORCH_VERSION}};
    for (std::size_t pass = 0; pass < arguments.passes + consilia::benchmarks::kWarmUpPasses; ++pass) {
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < arguments.files.size(); ++i) {
            at::Tensor logits;
            if (arguments.is_resident) {
                logits = modules[i].forward({inputs[i].to(device)}).toTensor().cpu();
            } else {
                torch::jit::Module module = torch::jit::load(arguments.files[i], device);
                logits = module.forward({inputs[i].to(device)}).toTensor().cpu();
            }
            const at::Tensor probabilities = logits.softmax(1).to(at::kDouble).contiguous();
            result["opinions"][i] = std::vector<double>(
                probabilities.data_ptr<double>(), probabilities.data_ptr<double>() + probabilities.size(1));
        }
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
        if (pass >= consilia::benchmarks::kWarmUpPasses) result["passes_ms"].push_back(took.count());
    }
    result["resident_bytes"] = consilia::benchmarks::peak_resident_bytes();
    return result;
}

}  // namespace

int main(int count, char** words) {
    try {
        std::printf("%s\n", measure(parse(count, words)).dump().c_str());
        return 0;
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "torch_loop: %s\n", error.what()));
        return 1;
    }
}
