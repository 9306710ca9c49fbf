#include "consilia/inference/safetensors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::inference {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian and is read as it lies");

namespace {

using nlohmann::json;

struct TypeRow {
    std::string_view name;
    ElementType type;
    std::size_t size_bytes;
};
constexpr std::array<TypeRow, 6> kTypes = {{{"F32", ElementType::F32, 4},
                                            {"F16", ElementType::F16, 2},
                                            {"BF16", ElementType::BF16, 2},
                                            {"I64", ElementType::I64, 8},
                                            {"U8", ElementType::U8, 1},
                                            {"BOOL", ElementType::Bool, 1}}};

constexpr std::size_t kLengthBytes = 8;  // The header's length stands before it.

[[noreturn]] void damaged(const std::string& what, std::string_view tensor = {}) {
    core::Details details;
    if (!tensor.empty()) details.push_back({"tensor", core::Value(tensor.substr(0, 200))});
    throw core::InferenceError("safetensors.damaged", what, std::move(details));
}

[[noreturn]] void unsupported(const std::string& what) {
    throw core::InferenceError("safetensors.unsupported", what);
}

/// Refuses names that stand twice: the parser would keep the last one silently.
json parse_without_duplicates(std::string_view text) {
    std::vector<std::vector<std::string>> keys;
    const auto watch = [&keys](int depth, json::parse_event_t event, json& parsed) {
        if (depth > 8) unsupported("the header of the weights is nested too deeply");
        if (event == json::parse_event_t::object_start) keys.emplace_back();
        if (event == json::parse_event_t::key) keys.back().push_back(parsed.get<std::string>());
        if (event == json::parse_event_t::object_end) {
            std::sort(keys.back().begin(), keys.back().end());
            if (std::adjacent_find(keys.back().begin(), keys.back().end()) != keys.back().end()) {
                damaged("the header of the weights names something twice");
            }
            keys.pop_back();
        }
        return true;
    };
    try {
        return json::parse(text, watch);
    } catch (const json::exception&) {
        damaged("the header of the weights is not JSON");
    }
}

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
    if (b != 0 && a > std::numeric_limits<std::int64_t>::max() / b) return std::nullopt;
    return a * b;
}

std::uint64_t require_number(const json& value, std::string_view tensor) {
    if (!value.is_number_unsigned()) damaged("a size in the header of the weights is not a number", tensor);
    const auto number = value.get<std::uint64_t>();
    if (number > std::numeric_limits<std::int64_t>::max())
        damaged("a size in the header is too large", tensor);
    return number;
}

TensorEntry parse_tensor(const std::string& name, const json& value, const SafetensorsLimits& limits) {
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
        damaged("a tensor lacks its type, shape or place", name);
    }
    TensorEntry entry;
    entry.name = name;
    const json& dtype = value["dtype"];
    const auto row = std::find_if(kTypes.begin(), kTypes.end(), [&dtype](const TypeRow& candidate) {
        return dtype.is_string() && dtype.get_ref<const std::string&>() == candidate.name;
    });
    if (row == kTypes.end()) unsupported("a tensor of the weights has an element type that is not read");
    entry.type = row->type;

    const json& shape = value["shape"];
    if (!shape.is_array()) damaged("the shape of a tensor is not a list", name);
    if (shape.size() > limits.rank_max) unsupported("a tensor of the weights has too many dimensions");
    std::optional<std::uint64_t> bytes = row->size_bytes;
    for (const json& dimension : shape) {
        const std::uint64_t length = require_number(dimension, name);
        entry.shape.push_back(static_cast<std::int64_t>(length));
        bytes = multiply(*bytes, length);
        if (!bytes) damaged("the shape of a tensor is too large", name);
    }

    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) damaged("the place of a tensor is not a pair", name);
    entry.offset = require_number(offsets[0], name);
    const std::uint64_t end = require_number(offsets[1], name);
    if (end < entry.offset || end - entry.offset != *bytes) {
        damaged("the place of a tensor is not as long as its type and shape say", name);
    }
    entry.size_bytes = *bytes;
    return entry;
}

}  // namespace

std::string_view to_string(ElementType type) noexcept {
    for (const TypeRow& row : kTypes) {
        if (row.type == type) return row.name;
    }
    return "unknown";
}

std::size_t element_size(ElementType type) noexcept {
    for (const TypeRow& row : kTypes) {
        if (row.type == type) return row.size_bytes;
    }
    return 0;
}

std::vector<TensorEntry> parse_safetensors_header(std::string_view header, std::uint64_t data_bytes,
                                                  const SafetensorsLimits& limits) {
    if (header.size() > limits.header_bytes_max) unsupported("the header of the weights is too long");
    if (header.empty() || header.front() != '{') damaged("the header of the weights does not begin with `{`");
    const json document = parse_without_duplicates(header);
    if (document.size() > limits.tensors_max) unsupported("the weights have too many tensors");

    std::vector<TensorEntry> tensors;
    for (const auto& [name, value] : document.items()) {
        if (name != "__metadata__") tensors.push_back(parse_tensor(name, value, limits));
    }
    std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
        if (a.offset != b.offset) return a.offset < b.offset;
        return a.size_bytes != b.size_bytes ? a.size_bytes < b.size_bytes : a.name < b.name;
    });
    std::uint64_t end = 0;
    for (const TensorEntry& tensor : tensors) {
        if (tensor.offset != end) damaged("tensors overlap or leave a gap", tensor.name);
        end += tensor.size_bytes;
        if (end > data_bytes) damaged("a tensor reaches past the end of the file", tensor.name);
    }
    if (end != data_bytes) damaged("the file is longer than its tensors");
    return tensors;
}

struct SafetensorsFile::State {
    int descriptor = -1;
    struct stat opened {};
    std::uint64_t data_begin = 0;
    std::uint64_t data_bytes = 0;
    std::vector<TensorEntry> tensors;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (descriptor >= 0) ::close(descriptor);
    }

    void read_at(std::uint64_t offset, std::span<std::byte> target) const {
        while (!target.empty()) {
            const ssize_t count =
                ::pread(descriptor, target.data(), target.size(), static_cast<off_t>(offset));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) {
                throw core::StorageError(
                    "file.read", count == 0
                                     ? std::string("the weights have been cut short")
                                     : std::string("the weights could not be read: ") + std::strerror(errno));
            }
            offset += static_cast<std::uint64_t>(count);
            target = target.subspan(static_cast<std::size_t>(count));
        }
    }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, const SafetensorsLimits& limits)
    : state_(std::make_unique<State>()) {
    state_->descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (state_->descriptor < 0) {
        const std::string message =
            "`" + path.filename().string() + "` could not be opened: " + std::strerror(errno);
        if (errno == ENOENT) throw core::NotFound("file.not_found", message);
        throw core::StorageError("file.open", message);
    }
    if (::fstat(state_->descriptor, &state_->opened) != 0 || !S_ISREG(state_->opened.st_mode)) {
        throw core::StorageError("file.open", "`" + path.filename().string() + "` is not a regular file");
    }
    const auto size = static_cast<std::uint64_t>(state_->opened.st_size);
    std::uint64_t header_bytes = 0;
    if (size < kLengthBytes) damaged("the weights are shorter than the length of their header");
    state_->read_at(0, std::as_writable_bytes(std::span(&header_bytes, 1)));
    if (header_bytes > size - kLengthBytes)
        damaged("the header of the weights reaches past the end of the file");
    if (header_bytes > limits.header_bytes_max) unsupported("the header of the weights is too long");
    std::string header(static_cast<std::size_t>(header_bytes), '\0');
    state_->read_at(kLengthBytes, std::as_writable_bytes(std::span(header)));
    state_->data_begin = kLengthBytes + header_bytes;
    state_->data_bytes = size - state_->data_begin;
    state_->tensors = parse_safetensors_header(header, state_->data_bytes, limits);
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

std::span<const TensorEntry> SafetensorsFile::tensors() const noexcept {
    return state_->tensors;
}

std::uint64_t SafetensorsFile::data_bytes() const noexcept {
    return state_->data_bytes;
}

std::string SafetensorsFile::sha256() const {
    constexpr std::size_t kPieceBytes = 1 << 20;
    core::Sha256 hash;
    std::vector<std::byte> piece(kPieceBytes);
    const std::uint64_t size = state_->data_begin + state_->data_bytes;
    for (std::uint64_t offset = 0; offset < size; offset += kPieceBytes) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size - offset));
        state_->read_at(offset, std::span(piece).first(count));
        hash.update(std::span<const std::byte>(piece).first(count));
    }
    return hash.finish();
}

bool SafetensorsFile::is_unchanged() const noexcept {
    struct stat now {};
    if (::fstat(state_->descriptor, &now) != 0) return false;
    const struct stat& then = state_->opened;
    return now.st_size == then.st_size && now.st_mtim.tv_sec == then.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then.st_mtim.tv_nsec;
}

void SafetensorsFile::read(const TensorEntry& tensor, std::span<std::byte> target) const {
    read(tensor, 0, target.first(tensor.size_bytes));
}

void SafetensorsFile::read(const TensorEntry& tensor, std::uint64_t offset,
                           std::span<std::byte> target) const {
    if (offset > tensor.size_bytes || target.size() > tensor.size_bytes - offset) {
        throw core::InvalidArgument("safetensors.range",
                                    "tensor `" + tensor.name + "` ends before the range does");
    }
    state_->read_at(state_->data_begin + tensor.offset + offset, target);
}

}  // namespace consilia::inference
