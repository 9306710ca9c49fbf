// How long does one radiograph take from bytes to tensor, and where does the time go?
#include <benchmark/benchmark.h>

#include "consilia/core/files.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/metadata.hpp"
#include "consilia/imaging/pipeline.hpp"
#include "consilia/imaging/preprocessor.hpp"
#include "support/images.hpp"

namespace consilia::imaging {
namespace {

const Pipeline& full_pipeline() {
    static const Pipeline pipeline({Grayscale{}, Clahe{}, Resize{224, 224},
                                    Normalize{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}, ToTensor{}});
    return pipeline;
}

Image square(const benchmark::State& state, std::int32_t channels) {
    const auto side = static_cast<std::int32_t>(state.range(0));
    return test::phantom(side, side, channels);
}

void count(benchmark::State& state, std::size_t bytes) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

// What does typing a file by its content cost? An upload is typed before anything else is done with it.
void detect(benchmark::State& state) {
    const auto bytes = test::jpeg(test::phantom(64, 64, 1));
    for (auto _ : state) benchmark::DoNotOptimize(detect_format(bytes));
    count(state, bytes.size());
}
BENCHMARK(detect)->Name("Imaging/DetectFormat");

// What does the walk to the end marker, checksums included, add to decoding?
template <bool kIsPng>
void check(benchmark::State& state) {
    const auto bytes = kIsPng ? test::png(square(state, 1)) : test::jpeg(square(state, 1));
    for (auto _ : state) benchmark::DoNotOptimize(check_structure(bytes));
    count(state, bytes.size());
}
BENCHMARK(check<true>)->Name("Imaging/CheckStructurePng")->Arg(512)->Arg(2048);
BENCHMARK(check<false>)->Name("Imaging/CheckStructureJpeg")->Arg(512)->Arg(2048);

template <bool kIsPng>
void decode_gray(benchmark::State& state) {
    const auto bytes = kIsPng ? test::png(square(state, 1)) : test::jpeg(square(state, 1));
    for (auto _ : state) benchmark::DoNotOptimize(decode(bytes));
    count(state, bytes.size());
}
BENCHMARK(decode_gray<true>)->Name("Imaging/DecodePng")->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_gray<false>)->Name("Imaging/DecodeJpeg")->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);

// How much of decoding does an upload save by being verified, and what does stripping its metadata cost?
template <bool kIsPng>
void verify_gray(benchmark::State& state) {
    const auto bytes = kIsPng ? test::png(square(state, 1)) : test::jpeg(square(state, 1));
    for (auto _ : state) benchmark::DoNotOptimize(verify(bytes));
    count(state, bytes.size());
}
BENCHMARK(verify_gray<true>)->Name("Imaging/VerifyPng")->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);
BENCHMARK(verify_gray<false>)->Name("Imaging/VerifyJpeg")->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);

template <bool kIsPng>
void strip(benchmark::State& state) {
    const auto bytes = kIsPng ? test::png(square(state, 1)) : test::jpeg(square(state, 1));
    for (auto _ : state) benchmark::DoNotOptimize(strip_metadata(bytes));
    count(state, bytes.size());
}
BENCHMARK(strip<true>)->Name("Imaging/StripPng")->Arg(512)->Arg(2048);
BENCHMARK(strip<false>)->Name("Imaging/StripJpeg")->Arg(512)->Arg(2048);

// What do grayscale, CLAHE, resize, normalize and the layout cost together?
void apply(benchmark::State& state) {
    const Image image = square(state, 1);
    for (auto _ : state) benchmark::DoNotOptimize(full_pipeline().apply(image));
    count(state, image.size_bytes());
}
BENCHMARK(apply)->Name("Imaging/ApplyPipeline")->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);

// What does asking for a tensor cost that is already there? The floor of every later member with the same
// pipeline.
void prepare_cached(benchmark::State& state) {
    const auto bytes = test::png(test::phantom(512, 512, 1));
    const std::string sha256 = core::sha256(bytes);
    Preprocessor preprocessor;
    (void)preprocessor.prepare(full_pipeline(), bytes);
    for (auto _ : state) benchmark::DoNotOptimize(preprocessor.prepare(full_pipeline(), "unread", sha256));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(prepare_cached)->Name("Imaging/PrepareCached");

void encode(benchmark::State& state) {
    const Image image = square(state, 1);
    for (auto _ : state) benchmark::DoNotOptimize(encode_png(image));
    count(state, image.size_bytes());
}
BENCHMARK(encode)->Name("Imaging/EncodePng")->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilia::imaging
