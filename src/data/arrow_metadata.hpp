#pragma once
// A field's metadata, of which only the name of its extension type matters here.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace consilia::data {

// https://arrow.apache.org/docs/format/CanonicalExtensions.html
inline constexpr std::string_view kUuidExtension = "arrow.uuid";
inline constexpr std::string_view kJsonExtension = "arrow.json";

inline constexpr std::string_view kExtensionKey = "ARROW:extension:name";

/// The metadata of a field of this extension type: a count of pairs, and each text after its length.
inline std::string extension_metadata(std::string_view extension) {
    std::string metadata;
    const auto add_count = [&](std::size_t count) {
        const auto number = static_cast<std::int32_t>(count);
        metadata.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    add_count(1);
    for (const std::string_view text : {kExtensionKey, extension}) {
        add_count(text.size());
        metadata += text;
    }
    return metadata;
}

/// The extension type that metadata name; empty: none. `metadata` may be nullptr.
inline std::string_view extension_of(const char* metadata) noexcept {
    if (metadata == nullptr) return {};
    const auto take_count = [&] {
        std::int32_t count = 0;
        std::memcpy(&count, metadata, sizeof count);
        metadata += sizeof count;
        return count;
    };
    const auto take_text = [&] {
        const auto size = static_cast<std::size_t>(take_count());
        const std::string_view text(metadata, size);
        metadata += size;
        return text;
    };
    for (std::int32_t left = take_count(); left > 0; --left) {
        const std::string_view key = take_text();
        const std::string_view value = take_text();
        if (key == kExtensionKey) return value;
    }
    return {};
}

}  // namespace consilia::data
