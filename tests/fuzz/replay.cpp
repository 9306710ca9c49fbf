// Runs a fuzz target over committed inputs, without libFuzzer: a corpus is an ordinary test.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz/target.hpp"

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& root) {
    std::vector<std::filesystem::path> files;
    if (!std::filesystem::is_directory(root)) return {root};
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

void run(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    if (stream.bad() || !stream.is_open()) throw std::runtime_error("cannot be read");
    // A copy of the exact size, never null, so that a sanitizer sees the first byte past the end.
    std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
    static const std::uint8_t kNothing = 0;
    LLVMFuzzerTestOneInput(exact.empty() ? &kNothing : exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const std::filesystem::path& file : files_of(argv[i])) {
            std::fprintf(stderr, "%s\n", file.filename().c_str());  // the last line names the culprit
            try {
                run(file);
            } catch (const std::exception& error) {
                std::fprintf(stderr, "%s: %s\n", file.c_str(), error.what());
                return 1;
            }
            ++count;
        }
    }
    std::printf("%zu inputs\n", count);
    return count == 0 ? 1 : 0;  // an empty corpus shows nothing
}
