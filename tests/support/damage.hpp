#pragma once
// Seeded damage to JPEG and PNG files: what networks, disks and attackers do to them.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/images.hpp"

namespace consilia::test {

/// Beginnings of other formats, long enough that tools which look for them anywhere find them.
inline const std::vector<std::string>& foreign_formats() {
    static const std::vector<std::string> kFormats = {
        std::string(
            "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0ax"
            "PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0aPK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x20\0\0\0\0\0",
            32 + 47 + 22),
        "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        "<!DOCTYPE html><html><script>alert(document.cookie)</script></html>",
        std::string("\x7F"
                    "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0",
                    24),
        std::string("GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;",
                    35),
        "*/=alert(1);/*",
        "#!/bin/sh\nexit 0\n",
        "\n",
        std::string(1, '\0'),
    };
    return kFormats;
}

/// Damages a file in one of many ways. The same file and seed give the same damage. Threading: confined.
class Damage {
public:
    explicit Damage(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] ByteVector apply(const ByteVector& original) {
        bytes_ = original;
        is_png_ = original.size() > 8 && std::memcmp(original.data(), kPngSignature.data(), 8) == 0;
        const auto& [name, way] = kWays[below(kWays.size())];
        name_ = name;
        (this->*way)();
        return std::move(bytes_);
    }
    /// What was done, for messages.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }

private:
    using Way = std::pair<std::string_view, void (Damage::*)()>;
    static const std::array<Way, 16> kWays;

    /// A PNG chunk with its frame, or a JPEG marker with its segment and the coded data after it.
    struct Part {
        std::size_t begin = 0;
        std::size_t end = 0;
        [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
    };

    std::size_t below(std::size_t n) {
        return static_cast<std::size_t>(random_() % std::max<std::size_t>(n, 1));
    }
    std::byte any_byte() { return static_cast<std::byte>(random_() & 0xFFU); }
    ByteVector::iterator at(std::size_t offset) {
        return bytes_.begin() + static_cast<std::ptrdiff_t>(offset);
    }
    unsigned number(std::size_t offset) const { return std::to_integer<unsigned>(bytes_[offset]); }
    void insert(std::size_t offset, const ByteVector& more) {
        bytes_.insert(at(offset), more.begin(), more.end());
    }
    static ByteVector text(std::string_view characters) {
        ByteVector result;
        append(result, characters);
        return result;
    }

    /// The parts of a sound file, the signature or SOI not among them.
    [[nodiscard]] std::vector<Part> parts() const {
        std::vector<Part> found;
        std::size_t from = is_png_ ? 8 : 2;
        while (from + 4 <= bytes_.size()) {
            std::size_t end = from + 2;
            if (is_png_) {
                end =
                    from + 12 +
                    (number(from) << 24 | number(from + 1) << 16 | number(from + 2) << 8 | number(from + 3));
            } else {
                end += number(from + 2) << 8 | number(from + 3);
                const auto is_data = [&] {
                    return number(end) != 0xFF || number(end + 1) == 0 || (number(end + 1) & 0xF8U) == 0xD0;
                };
                while (number(from + 1) == 0xDA && end + 1 < bytes_.size() && is_data()) ++end;
            }
            found.push_back({from, std::min(end, bytes_.size())});
            from = end;
        }
        return found;
    }
    Part any_part() {
        const std::vector<Part> found = parts();
        return found.empty() ? Part{0, bytes_.size()} : found[below(found.size())];
    }
    ByteVector content(const Part& part) { return {at(part.begin), at(part.end)}; }

    /// Makes the checksum right again, so that what was edited is read.
    void mend(const Part& chunk) {
        if (!is_png_ || chunk.size() < 12) return;
        const auto* start = reinterpret_cast<const unsigned char*>(bytes_.data()) + chunk.begin + 4;
        ByteVector sum;
        append_big_endian_32(sum, static_cast<std::uint32_t>(crc32_z(0, start, chunk.size() - 8)));
        std::copy(sum.begin(), sum.end(), at(chunk.end - 4));
    }

    void flip_bits() {
        for (std::size_t count = 1 + below(8); count > 0; --count)
            bytes_[below(bytes_.size())] ^= std::byte{1} << below(8);
    }
    void flip_bits_in_front() {
        for (std::size_t count = 1 + below(4); count > 0; --count)
            bytes_[below(std::min<std::size_t>(bytes_.size(), 700))] ^= std::byte{1} << below(8);
    }
    void cut() { bytes_.resize(below(bytes_.size())); }
    void cut_the_end() { bytes_.resize(bytes_.size() - std::min(bytes_.size(), 1 + below(16))); }
    void overwrite_run() {
        const std::size_t from = below(bytes_.size());
        std::fill(at(from), at(from + below(std::min<std::size_t>(bytes_.size() - from, 512))), any_byte());
    }
    void remove_run() {
        const std::size_t from = below(bytes_.size());
        bytes_.erase(at(from), at(from + below(std::min<std::size_t>(bytes_.size() - from, 512))));
    }

    /// Sizes, depths, tables and parameters: any byte of a header, made right for its checksum.
    void edit_header() {
        const std::vector<Part> found = parts();
        std::vector<Part> headers;
        for (const Part& part : found) {
            const bool is_pixels = is_png_ && std::memcmp(bytes_.data() + part.begin + 4, "IDAT", 4) == 0;
            if (!is_pixels && part.size() > 12) headers.push_back(part);
        }
        if (headers.empty()) return flip_bits_in_front();
        const Part part = headers[below(headers.size())];
        const std::size_t front = is_png_ ? 8 : 4;
        const std::size_t length = std::min<std::size_t>(part.size() - front - (is_png_ ? 4 : 0), 64);
        for (std::size_t count = 1 + below(3); count > 0; --count) {
            const std::array<std::byte, 4> kinds = {any_byte(), std::byte{0}, std::byte{0xFF}, std::byte{1}};
            bytes_[part.begin + front + below(length)] = kinds[below(kinds.size())];
        }
        mend(part);
    }
    /// The size of the image alone: the byte counts that a decoder allocates by.
    void edit_size() {
        for (const Part& part : parts()) {
            const bool is_frame =
                is_png_ ? part.begin == 8 : number(part.begin + 1) >= 0xC0 && number(part.begin + 1) <= 0xC2;
            if (!is_frame) continue;
            const std::size_t first = part.begin + (is_png_ ? 8 : 5);
            bytes_[first + below(is_png_ ? 8 : 4)] = any_byte();
            return mend(part);
        }
    }
    void edit_marker() {
        const Part part = any_part();
        if (!is_png_) {
            bytes_[part.begin + 1] = below(2) == 0 ? any_byte() : std::byte(0xC0 + below(32));
            return;
        }
        bytes_[part.begin + 4 + below(4)] ^= below(2) == 0 ? std::byte{0x20} : any_byte();
        mend(part);
    }
    void edit_length() {
        const Part part = any_part();
        const std::size_t last = part.begin + 3;
        if (below(3) == 0) {
            bytes_[part.begin + 2 + below(2)] = any_byte();
        } else {
            bytes_[last] = static_cast<std::byte>(number(last) + (below(2) == 0 ? 1 : 255));
        }
    }

    void append_foreign() { append(bytes_, foreign_formats()[below(foreign_formats().size())]); }
    void prepend_foreign() { insert(0, text(foreign_formats()[below(foreign_formats().size())])); }
    /// Between two parts, or as a well-formed part of its own: a comment, an application's segment, a text.
    void hide_foreign() {
        const std::string& foreign = foreign_formats()[below(foreign_formats().size())];
        const Part part = any_part();
        const std::size_t kind = below(3);
        if (kind == 0) return insert(part.begin, text(foreign));
        if (is_png_) return insert(part.begin, png_chunk(kind == 1 ? "tEXt" : "prVt", "Comment\0" + foreign));
        ByteVector segment = {std::byte{0xFF}, kind == 1 ? std::byte{0xFE} : std::byte{0xED}};
        const std::size_t length = foreign.size() + 2;
        segment.push_back(static_cast<std::byte>(length >> 8));
        segment.push_back(static_cast<std::byte>(length & 0xFFU));
        append(segment, foreign);
        insert(part.begin, segment);
    }

    void swap_parts() {
        const std::vector<Part> found = parts();
        if (found.size() < 2) return cut();
        const std::size_t i = below(found.size() - 1);
        std::rotate(at(found[i].begin), at(found[i + 1].begin), at(found[i + 1].end));
    }
    void double_part() {
        const Part part = any_part();
        insert(below(2) == 0 ? part.end : any_part().begin, content(part));
    }
    void drop_part() {
        const Part part = any_part();
        bytes_.erase(at(part.begin), at(part.end));
    }

    std::mt19937_64 random_;
    ByteVector bytes_;
    bool is_png_ = false;
    std::string_view name_;
};

inline constexpr std::array<Damage::Way, 16> Damage::kWays = {{
    {"flip_bits", &Damage::flip_bits},
    {"flip_bits_in_front", &Damage::flip_bits_in_front},
    {"cut", &Damage::cut},
    {"cut_the_end", &Damage::cut_the_end},
    {"overwrite_run", &Damage::overwrite_run},
    {"remove_run", &Damage::remove_run},
    {"edit_header", &Damage::edit_header},
    {"edit_size", &Damage::edit_size},
    {"edit_marker", &Damage::edit_marker},
    {"edit_length", &Damage::edit_length},
    {"append_foreign", &Damage::append_foreign},
    {"prepend_foreign", &Damage::prepend_foreign},
    {"hide_foreign", &Damage::hide_foreign},
    {"swap_parts", &Damage::swap_parts},
    {"double_part", &Damage::double_part},
    {"drop_part", &Damage::drop_part},
}};

}  // namespace consilia::test
