// `validation::receive`: whatever comes in is kept whole under a name of ours, or refused with a code of the
// documented ones and leaves nothing.
//
// Input: one byte of options, one byte n, n bytes of the client's name, the content.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "consilia/core/files.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/validation/receive.hpp"
#include "fuzz/image_target.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::fuzz {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 14;

struct Upload {
    unsigned options = 0;
    std::string name;
    std::span<const std::byte> content;
};

Upload upload_of(std::span<const std::byte> bytes) {
    Upload upload;
    if (bytes.size() < 2) return upload;
    upload.options = std::to_integer<unsigned>(bytes[0]);
    const std::size_t name_bytes = std::min(std::to_integer<std::size_t>(bytes[1]), bytes.size() - 2);
    upload.name.assign(reinterpret_cast<const char*>(bytes.data()) + 2, name_bytes);
    upload.content = bytes.subspan(2 + name_bytes);
    return upload;
}

/// As a web server feeds it: in pieces of uneven sizes.
validation::UploadSource streamed(std::span<const std::byte> content) {
    return validation::UploadSource::stream(
        [content, piece = std::size_t{1}](std::span<std::byte> buffer) mutable {
            piece = piece * 3 % 4096 + 1;
            const std::size_t count = std::min({buffer.size(), content.size(), piece});
            std::copy_n(content.begin(), count, buffer.begin());
            content = content.subspan(count);
            return count;
        });
}

bool is_documented(const std::string& code) {
    static constexpr std::array kCodes = {"upload.unsafe_name",
                                          "upload.empty",
                                          "upload.too_large",
                                          "upload.unsupported_type",
                                          "upload.extension_mismatch",
                                          "upload.too_many_pixels",
                                          "upload.too_complex",
                                          "upload.damaged",
                                          "upload.trailing_data",
                                          "upload.media_type_mismatch",
                                          "upload.not_text"};
    return std::ranges::find(kCodes, code) != kCodes.end();
}

void check_kept(validation::ReceivedFile& received, const Upload& upload) {
    const validation::FileFacts& facts = received.facts();
    holds(facts.received_bytes == upload.content.size(), "the size is that of the content");
    holds(facts.received_sha256 == core::sha256(upload.content), "the hash is that of the content");
    const validation::FileType type = validation::detect_type(upload.content);
    const bool is_same = type == facts.type || facts.type == validation::FileType::Text ||
                         facts.type == validation::FileType::Csv;
    holds(is_same, "the type is that of the content");
    const bool is_image = facts.type == validation::FileType::Jpeg || facts.type == validation::FileType::Png;
    imaging::Image image;
    if (is_image) image = imaging::decode(upload.content, small_limits());
    holds(static_cast<std::uint32_t>(image.width) == facts.width &&
              static_cast<std::uint32_t>(image.height) == facts.height,
          "the size is that of the image");
    const std::filesystem::path path = received.commit();
    holds(path.filename() == facts.stored_name && facts.stored_name.starts_with("user_7_"),
          "the name is ours");
    const std::vector<std::byte> stored = core::read_file(path);
    holds(facts.sha256 == core::sha256(stored), "the other hash is that of the file");
    if (is_image) {
        holds(imaging::decode(stored, small_limits()).pixels == image.pixels, "no pixel is changed");
    } else {
        holds(std::ranges::equal(stored, upload.content), "text is stored as it came");
    }
    validation::discard(path);
}

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace consilia;
    static const test::TemporaryDirectory directory;
    const fuzz::Upload upload = fuzz::upload_of(fuzz::bytes_of(data, size));
    validation::ReceiveOptions options;
    options.directory = directory.path();
    options.prefix = "user_7";
    options.max_bytes = fuzz::kMaxBytes;
    options.limits = fuzz::small_limits();
    if ((upload.options & 1U) != 0) options.client_name = upload.name;
    if ((upload.options & 2U) != 0) options.allowed = {validation::FileType::Png};
    if ((upload.options & 8U) != 0)
        options.allowed = {validation::FileType::Text, validation::FileType::Csv, validation::FileType::Jpeg};
    if ((upload.options & 16U) != 0) options.client_type = upload.name;
    if ((upload.options & 32U) != 0) options.metadata = validation::MetadataMode::Keep;
    const auto source = (upload.options & 4U) != 0 ? fuzz::streamed(upload.content)
                                                   : validation::UploadSource::bytes(upload.content);
    try {
        validation::ReceivedFile received = validation::receive(source, options);
        fuzz::check_kept(received, upload);
    } catch (const core::UploadRejected& error) {
        fuzz::check_error(error, "upload.");
        fuzz::holds(fuzz::is_documented(error.code()), "a refusal has a documented code");
    }
    fuzz::holds(std::filesystem::is_empty(directory.path()), "nothing is left behind");
    return 0;
}
