#include "imaging/dicom_dataset.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr Vr kSQ = vr_of("SQ");
constexpr Vr kUN = vr_of("UN");

struct Header {
    std::uint32_t tag = 0;
    Vr vr = 0;
    std::uint32_t length = 0;
    std::size_t offset = 0;
};

/// One walk over one run of bytes. INVARIANT: `at_ <= bytes_.size()`, and every read is checked against the
/// end of what encloses it first.
class Walker {
public:
    Walker(Bytes bytes, std::size_t at, const WalkOptions& options)
        : bytes_(bytes), at_(at), options_(options), encoding_(options.encoding) {}

    Elements read_all() {
        Elements elements;
        (void)read_run(elements, bytes_.size(), 0, false);
        return elements;
    }

    Elements read_group(std::uint32_t group) {
        Elements elements;
        group_ = group;
        (void)read_run(elements, bytes_.size(), 0, false);
        return elements;
    }

    [[nodiscard]] std::size_t position() const noexcept { return at_; }

private:
    [[nodiscard]] std::uint16_t next_16(std::size_t offset) const {
        return read_16(bytes_, at_ + offset, encoding_.is_big_endian);
    }
    [[nodiscard]] std::uint32_t next_32(std::size_t offset) const {
        return read_32(bytes_, at_ + offset, encoding_.is_big_endian);
    }
    [[nodiscard]] std::uint32_t next_tag() const { return std::uint32_t{next_16(0)} << 16 | next_16(2); }

    void count() {
        if (++count_ > options_.max_elements) throw_too_complex("segments", options_.max_elements, count_);
    }

    /// The tag, VR and length at the position, which is moved behind them.
    Header read_header(std::size_t end) {
        if (end - at_ < 8) throw_damaged("an element is cut", at_);
        Header header{.tag = next_tag(), .offset = at_};
        if (header.tag >> 16 == 0xFFFE || encoding_.is_implicit) {
            header.length = next_32(4);
            at_ += 8;
            return header;
        }
        header.vr = static_cast<Vr>(byte_at(bytes_, at_ + 4) << 8 | byte_at(bytes_, at_ + 5));
        const std::optional<bool> is_long = has_long_length(header.vr);
        if (!is_long) throw_damaged("an element has no valid VR", at_);
        if (!*is_long) {
            header.length = next_16(6);
            at_ += 8;
            return header;
        }
        if (end - at_ < 12) throw_damaged("an element is cut", at_);
        header.length = next_32(8);
        at_ += 12;
        return header;
    }

    /// Holds group lengths (gggg,0000), retired but still written, to what follows.
    struct GroupLength {
        std::uint32_t group = 0;
        std::size_t end = 0;  // 0: none
        void check(std::uint32_t next_group, std::size_t at) {
            if (end == 0 || next_group == group) return;
            if (at != end) throw_damaged("a group length is wrong", at);
            end = 0;
        }
    };

    /// Elements to `end`, or to an item delimiter; false if the walk stopped early, at cut pixel data.
    bool read_run(Elements& elements, std::size_t end, int depth, bool until_delimiter) {
        std::optional<std::uint32_t> previous;
        GroupLength length;
        while (at_ < end) {
            if (depth == 0 && previous && *previous >= tags::kPixelData) check_after_pixels(*previous, end);
            if (group_ && end - at_ >= 4 && next_tag() >> 16 != *group_) break;
            const Header header = read_header(end);
            if (header.tag == tags::kItemEnd && until_delimiter) {
                if (header.length != 0) throw_damaged("a delimiter has a length", header.offset);
                length.check(0, header.offset);
                return true;
            }
            if (header.tag >> 16 == 0xFFFE) throw_damaged("an item stands among elements", header.offset);
            if (previous && header.tag <= *previous) {
                throw_damaged("the elements are not in order", header.offset);
            }
            previous = header.tag;
            count();
            length.check(header.tag >> 16, header.offset);
            elements.push_back({.tag = header.tag, .vr = header.vr, .offset = header.offset});
            if (!read_value(elements.back(), header, end, depth)) return false;
            if ((header.tag & 0xFFFF) == 0) {
                if (elements.back().value.size() != 4)
                    throw_damaged("a group length is wrong", header.offset);
                length = {header.tag >> 16, at_ + read_32(elements.back().value, 0, encoding_.is_big_endian)};
            }
        }
        if (until_delimiter) throw_damaged("an item has no end", at_);
        length.check(0, at_);
        return true;
    }

    /// After pixel data come signatures and zeros, and after these nothing.
    void check_after_pixels(std::uint32_t previous, std::size_t end) const {
        const bool known =
            end - at_ >= 8 && ((next_tag() == tags::kSignatures && previous < next_tag()) ||
                               (next_tag() == tags::kTrailingPadding && previous < next_tag()));
        if (known) return;
        throw core::ValidationError(
            "image.trailing_data", "something follows the pixel data",
            {{"offset", static_cast<std::int64_t>(at_)}, {"found", static_cast<std::int64_t>(end - at_)}});
    }

    bool read_value(Element& element, const Header& header, std::size_t end, int depth) {
        if (header.length == kUndefinedLength) return read_undefined(element, header, end, depth);
        if (header.length % 2 != 0) throw_damaged("an element has an odd length", header.offset);
        if (header.length > end - at_) {
            if (options_.stops_at_pixels && depth == 0 && header.tag == tags::kPixelData) return false;
            throw_damaged("an element is cut", header.offset);
        }
        const bool is_sequence = header.vr == kSQ || (encoding_.is_implicit && is_sequence_tag(header.tag));
        if (is_sequence) {
            read_items(element, at_ + header.length, depth + 1, false);
            return true;
        }
        element.value = bytes_.subspan(at_, header.length);
        at_ += header.length;
        if (header.tag == tags::kTrailingPadding && depth == 0 &&
            std::ranges::any_of(element.value, [](std::byte b) { return b != std::byte{0}; })) {
            throw core::ValidationError("image.trailing_data", "something is hidden in the padding",
                                        {{"offset", static_cast<std::int64_t>(header.offset)},
                                         {"found", static_cast<std::int64_t>(element.value.size())}});
        }
        return true;
    }

    bool read_undefined(Element& element, const Header& header, std::size_t end, int depth) {
        if (header.tag == tags::kPixelData && depth == 0) {
            if (!options_.allows_encapsulated) throw_damaged("pixel data have no length", header.offset);
            return read_fragments(element, header, end);
        }
        const bool may_be_sequence = encoding_.is_implicit || header.vr == kSQ || header.vr == kUN;
        if (!may_be_sequence) throw_damaged("an element has no length", header.offset);
        // PS3.5, 6.2.2: UN of undefined length is a sequence in implicit VR, little endian.
        const Encoding outer = encoding_;
        if (header.vr == kUN) encoding_ = {.is_implicit = true, .is_big_endian = false};
        read_items(element, end, depth + 1, true);
        encoding_ = outer;
        return true;
    }

    /// The items of a sequence to `end`, or to a sequence delimiter before it.
    void read_items(Element& element, std::size_t end, int depth, bool until_delimiter) {
        if (depth > kMaxDepth) {
            throw_too_complex("nested sequences", kMaxDepth, static_cast<std::uint64_t>(depth));
        }
        element.is_sequence = true;
        if (element.vr == 0) element.vr = kSQ;
        while (at_ < end) {
            const std::size_t offset = at_;
            if (end - at_ < 8) throw_damaged("an item is cut", offset);
            const std::uint32_t tag = next_tag();
            const std::uint32_t length = next_32(4);
            at_ += 8;
            if (tag == tags::kSequenceEnd && until_delimiter) {
                if (length != 0) throw_damaged("a delimiter has a length", offset);
                return;
            }
            if (tag != tags::kItem) throw_damaged("a sequence holds something that is no item", offset);
            count();
            element.items.emplace_back();
            if (length == kUndefinedLength) {
                (void)read_run(element.items.back(), end, depth, true);
                continue;
            }
            if (length > end - at_) throw_damaged("an item is cut", offset);
            (void)read_run(element.items.back(), at_ + length, depth, false);
        }
        if (until_delimiter) throw_damaged("a sequence has no end", at_);
    }

    /// Encapsulated pixel data (PS3.5, A.4): an offset table, fragments, a delimiter.
    bool read_fragments(Element& element, const Header& header, std::size_t end) {
        const std::size_t start = at_;
        element.is_encapsulated = true;
        while (end - at_ >= 8) {
            const std::size_t offset = at_;
            const std::uint32_t tag = next_tag();
            const std::uint32_t length = next_32(4);
            at_ += 8;
            if (tag == tags::kSequenceEnd) {
                if (length != 0) throw_damaged("a delimiter has a length", offset);
                element.value = bytes_.subspan(start, at_ - start);
                return true;
            }
            if (tag != tags::kItem) throw_damaged("pixel data hold something that is no fragment", offset);
            if (length % 2 != 0) throw_damaged("a fragment has an odd length", offset);
            count();
            if (length > end - at_) break;
            at_ += length;
        }
        if (options_.stops_at_pixels) return false;
        throw_damaged("pixel data are cut", header.offset);
    }

    Bytes bytes_;
    std::size_t at_;
    WalkOptions options_;
    Encoding encoding_;
    std::optional<std::uint32_t> group_;
    std::uint32_t count_ = 0;
};

constexpr std::string_view kShort = "AEASATCSDADSDTFLFDISLOLTPNSHSLSSSTTMUIULUS";
constexpr std::string_view kLong = "OBODOFOLOVOWSQSVUCUNURUTUV";

bool is_listed(std::string_view pairs, Vr vr) {
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
        const auto first = static_cast<unsigned char>(pairs[i]);
        const auto second = static_cast<unsigned char>(pairs[i + 1]);
        if (vr == static_cast<Vr>(first << 8 | second)) return true;
    }
    return false;
}

}  // namespace

std::string vr_name(Vr vr) {
    if (vr == 0) return {};
    return {static_cast<char>(vr >> 8), static_cast<char>(vr & 0xFF)};
}

std::optional<bool> has_long_length(Vr vr) noexcept {
    if (is_listed(kShort, vr)) return false;
    if (is_listed(kLong, vr)) return true;
    return std::nullopt;
}

Elements read_elements(Bytes bytes, std::size_t at, const WalkOptions& options) {
    return Walker(bytes, at, options).read_all();
}

Elements read_meta_elements(Bytes bytes, std::size_t& at, std::uint32_t max_elements) {
    Walker walker(bytes, at, {.max_elements = max_elements});
    Elements elements = walker.read_group(2);
    at = walker.position();
    return elements;
}

const Element* find(const Elements& elements, std::uint32_t tag) noexcept {
    const auto found = std::ranges::lower_bound(elements, tag, {}, &Element::tag);
    return found == elements.end() || found->tag != tag ? nullptr : &*found;
}

std::uint16_t read_16(Bytes bytes, std::size_t at, bool is_big_endian) {
    const std::uint32_t first = byte_at(bytes, at);
    const std::uint32_t second = byte_at(bytes, at + 1);
    return static_cast<std::uint16_t>(is_big_endian ? first << 8 | second : second << 8 | first);
}

std::uint32_t read_32(Bytes bytes, std::size_t at, bool is_big_endian) {
    const std::uint32_t first = read_16(bytes, at, is_big_endian);
    const std::uint32_t second = read_16(bytes, at + 2, is_big_endian);
    return is_big_endian ? first << 16 | second : second << 16 | first;
}

std::string_view trimmed(Bytes value) noexcept {
    std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return text;
}

std::vector<std::string_view> split_values(std::string_view text) {
    std::vector<std::string_view> values;
    for (;;) {
        const std::size_t end = text.find('\\');
        std::string_view value = text.substr(0, end);
        while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        values.push_back(value);
        if (end == std::string_view::npos) return values;
        text.remove_prefix(end + 1);
    }
}

std::optional<double> to_number(std::string_view text) noexcept {
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

}  // namespace consilia::imaging::dicom
