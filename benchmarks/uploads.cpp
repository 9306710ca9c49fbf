// What does it cost to receive a file durably, beside hashing, writing and syncing the same bytes by hand?
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "consilia/imaging/codec.hpp"
#include "consilia/validation/receive.hpp"
#include "support/images.hpp"

namespace {

namespace fs = std::filesystem;
using namespace consilia;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kSize = 10'000'000;

/// On the disk of the build folder: a file system in memory would make every sync free.
const fs::path& directory() {
    static const fs::path made = [] {
        fs::path path = fs::path(CONSILIA_BINARY_DIR) / "uploads-bench";
        fs::create_directories(path);
        return path;
    }();
    return made;
}

/// A table of 10 MB.
const Bytes& table() {
    static const Bytes bytes = [] {
        Bytes made;
        std::string line;
        for (int i = 0; made.size() < kSize; ++i) {
            line = std::to_string(i) + ";finding " + std::to_string(i * 7919 % 1000) + ";unremarkable\r\n";
            test::append(made, line);
        }
        made.resize(kSize);
        return made;
    }();
    return bytes;
}

/// A radiograph of about 10 MB: noise does not compress.
const Bytes& image(imaging::ImageFormat format) {
    static const imaging::Image noise = test::phantom(5'000, 4'000, 1);
    static const Bytes jpeg = test::jpeg(noise, {.quality = 97});
    static const Bytes png = test::png(noise);
    return format == imaging::ImageFormat::Jpeg ? jpeg : png;
}

void require(bool holds) {
    if (!holds) throw std::runtime_error("a call of the system failed");
}

/// The floor: what is hashed and written is synced, once, under its final name. Nothing is checked, and a
/// crash in between leaves half a file. Without the second sync the file may be there after a crash without
/// its name.
void hash_write_sync(const Bytes& bytes, bool is_directory_synced = true) {
    constexpr std::size_t kPiece = 256 << 10;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    require(EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1);
    const fs::path path = directory() / "floor";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(file >= 0);
    for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
        const std::size_t size = std::min(kPiece, bytes.size() - at);
        require(EVP_DigestUpdate(hash.get(), bytes.data() + at, size) == 1);
        require(::write(file, bytes.data() + at, size) == static_cast<ssize_t>(size));
    }
    unsigned char digest[32];
    require(EVP_DigestFinal_ex(hash.get(), digest, nullptr) == 1);
    benchmark::DoNotOptimize(digest);
    require(::fsync(file) == 0);
    ::close(file);
    if (!is_directory_synced) return;
    const int opened = ::open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(::fsync(opened) == 0);
    ::close(opened);
}

/// In pieces of 64 KiB, as a web server gives them.
validation::UploadSource stream_of(const Bytes& bytes) {
    return validation::UploadSource::stream(
        [&bytes, at = std::size_t{0}](std::span<std::byte> buffer) mutable {
            const std::size_t size = std::min({buffer.size(), bytes.size() - at, std::size_t{64} << 10});
            std::copy_n(bytes.data() + at, size, buffer.data());
            at += size;
            return size;
        });
}

void receive_and_commit(const Bytes& bytes, validation::FileType type) {
    validation::ReceivedFile file = validation::receive(
        stream_of(bytes), {.directory = directory(), .max_bytes = 64 << 20, .allowed = {type}});
    file.commit();
}

/// Files are removed outside the measured time.
template <class Work>
void measure(benchmark::State& state, const Bytes& bytes, const Work& work) {
    for (auto _ : state) {
        work();
        state.PauseTiming();
        for (const auto& entry : fs::directory_iterator(directory())) fs::remove(entry.path());
        state.ResumeTiming();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void hash_write_sync_text(benchmark::State& state) {
    measure(state, table(), [] { hash_write_sync(table()); });
}
BENCHMARK(hash_write_sync_text)
    ->Name("Uploads/HashWriteSync/text")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void nameless_text(benchmark::State& state) {
    measure(state, table(), [] { hash_write_sync(table(), false); });
}
BENCHMARK(nameless_text)
    ->Name("Uploads/HashWriteSync/text_without_its_name")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void receive_text(benchmark::State& state) {
    measure(state, table(), [] { receive_and_commit(table(), validation::FileType::Text); });
}
BENCHMARK(receive_text)->Name("Uploads/Receive/text")->UseRealTime()->Unit(benchmark::kMillisecond);

void floor_of_image(benchmark::State& state, imaging::ImageFormat format) {
    measure(state, image(format), [format] {
        benchmark::DoNotOptimize(imaging::decode(image(format)));
        hash_write_sync(image(format));
    });
}
BENCHMARK_CAPTURE(floor_of_image, jpeg, imaging::ImageFormat::Jpeg)
    ->Name("Uploads/DecodeHashWriteSync/jpeg")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(floor_of_image, png, imaging::ImageFormat::Png)
    ->Name("Uploads/DecodeHashWriteSync/png")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void receive_image(benchmark::State& state, imaging::ImageFormat format) {
    const auto type =
        format == imaging::ImageFormat::Jpeg ? validation::FileType::Jpeg : validation::FileType::Png;
    measure(state, image(format), [&] { receive_and_commit(image(format), type); });
}
BENCHMARK_CAPTURE(receive_image, jpeg, imaging::ImageFormat::Jpeg)
    ->Name("Uploads/Receive/jpeg")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(receive_image, png, imaging::ImageFormat::Png)
    ->Name("Uploads/Receive/png")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void detect(benchmark::State& state, std::string_view head) {
    const auto bytes = std::as_bytes(std::span(head));
    for (auto _ : state) benchmark::DoNotOptimize(validation::detect_type(bytes));
}
BENCHMARK_CAPTURE(detect, jpeg, "\xFF\xD8\xFF\xE0 some of the rest of it")->Name("Uploads/DetectType/jpeg");
BENCHMARK_CAPTURE(detect, text, "just some text, as long as this line is")->Name("Uploads/DetectType/text");

}  // namespace
