#include "consilia/core/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "core/file_system.hpp"
#include "core/hex.hpp"
#include "core/utf8.hpp"

namespace consilia::core {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxNameBytes = 150;

int open_for_reading(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) return fd;
    if (errno == ENOENT || errno == ENOTDIR) {
        throw NotFound("file.not_found", "no such file", {{"name", path.filename().string()}});
    }
    throw_storage("the file cannot be opened", errno);
}

/// Calls `take(piece)` until the end of the file.
template <class Take>
void read_pieces(const fs::path& path, Take&& take) {
    const Descriptor file(open_for_reading(path));
    std::vector<std::byte> piece(kPieceBytes);
    while (true) {
        const ssize_t size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw_storage("the file cannot be read", errno);
        if (size == 0) return;
        take(std::span<const std::byte>(piece.data(), static_cast<std::size_t>(size)));
    }
}

bool is_reserved(char32_t c) noexcept {
    constexpr std::u32string_view kReserved = U"/\\:*?\"<>|";
    return is_hidden_control(c) || kReserved.find(c) != std::u32string_view::npos;
}

}  // namespace

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    bool is_finished = false;
    State() {
        if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
            EVP_MD_CTX_free(context);
            throw Internal("hash.unavailable", "SHA-256 cannot be started");
        }
    }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    if (state_->is_finished) throw InvalidArgument("hash.finished", "the hash was finished");
    if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) {
        throw Internal("hash.unavailable", "SHA-256 cannot go on");
    }
}

std::string Sha256::finish() {
    if (std::exchange(state_->is_finished, true))
        throw InvalidArgument("hash.finished", "the hash was finished");
    std::array<unsigned char, 32> digest{};
    if (EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) != 1) {
        throw Internal("hash.unavailable", "SHA-256 cannot be finished");
    }
    return hex(std::as_bytes(std::span(digest)));
}

std::string sha256(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

std::string sha256(std::string_view text) {
    return sha256(std::as_bytes(std::span(text)));
}

std::string sha256_file(const fs::path& path) {
    Sha256 hash;
    read_pieces(path, [&](std::span<const std::byte> piece) { hash.update(piece); });
    return hash.finish();
}

std::vector<std::byte> read_file(const fs::path& path, std::uint64_t limit_bytes) {
    std::vector<std::byte> content;
    read_pieces(path, [&](std::span<const std::byte> piece) {
        if (content.size() + piece.size() > limit_bytes) {
            throw ResourceExhausted("file.too_large", "the file is larger than may be read",
                                    {{"limit_bytes", static_cast<std::int64_t>(limit_bytes)}});
        }
        content.insert(content.end(), piece.begin(), piece.end());
    });
    return content;
}

std::string read_text_file(const fs::path& path, std::uint64_t limit_bytes) {
    const std::vector<std::byte> content = read_file(path, limit_bytes);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

std::string unique_file_name(std::string_view prefix, std::string_view extension) {
    std::string name;
    for (const char c : truncated(prefix, 64)) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        name += plain ? c : '_';
    }
    return name + '_' + random_hex() + file_extension(extension);
}

std::string safe_file_name(std::string_view client_name) {
    const std::size_t slash = client_name.find_last_of("/\\");
    if (slash != std::string_view::npos) client_name.remove_prefix(slash + 1);
    std::string name;
    for (std::size_t at = 0; at < client_name.size();) {
        const CodePoint c = decode_utf8(client_name, at);
        const bool is_leading_dot = name.empty() && (c.value == U'.' || c.value == U' ');
        if (c.is_valid && !is_reserved(c.value) && !is_leading_dot) name += client_name.substr(at, c.size);
        at += c.size;
    }
    if (name.empty()) return "file";
    if (name.size() <= kMaxNameBytes) return name;
    const std::string extension = file_extension(name);
    return std::string(truncated(name, kMaxNameBytes - extension.size())) + extension;
}

std::string file_extension(std::string_view name) {
    const std::size_t dot = name.find_last_of("./\\");
    if (dot == std::string_view::npos || name[dot] != '.' || dot + 1 == name.size() || name.size() - dot > 16)
        return {};
    std::string extension(name.substr(dot));
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return extension;
}

}  // namespace consilia::core
