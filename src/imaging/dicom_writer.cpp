#include "imaging/dicom_writer.hpp"

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

class Writer {
public:
    Writer(Encoding encoding, std::vector<std::byte>& out) : encoding_(encoding), out_(out) {}

    void write(const Elements& elements) {
        for (const Element& element : elements) write(element);
    }

private:
    void write(const Element& element) {
        if (element.is_encapsulated) {
            write_header(element, kUndefinedLength);
            append(element.value);
            return;
        }
        if (!element.is_sequence) {
            write_header(element, static_cast<std::uint32_t>(element.value.size()));
            append(element.value);
            return;
        }
        write_header(element, 0);
        const std::size_t start = out_.size();
        for (const Elements& item : element.items) {
            put_tag(tags::kItem);
            put_32(0);
            const std::size_t item_start = out_.size();
            write(item);
            set_length(item_start);
        }
        set_length(start);
    }

    void write_header(const Element& element, std::uint32_t length) {
        put_tag(element.tag);
        if (encoding_.is_implicit) {
            put_32(length);
            return;
        }
        out_.push_back(static_cast<std::byte>(element.vr >> 8));
        out_.push_back(static_cast<std::byte>(element.vr & 0xFF));
        const std::optional<bool> is_long = has_long_length(element.vr);
        if (!is_long) throw core::Internal("image.dicom_write", "an element has no VR to be written with");
        if (*is_long) {
            put_16(0);
            put_32(length);
        } else {
            put_16(static_cast<std::uint16_t>(length));
        }
    }

    /// What was written since `start` gets its length, in the four bytes before.
    void set_length(std::size_t start) {
        const auto length = static_cast<std::uint32_t>(out_.size() - start);
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t shift = encoding_.is_big_endian ? 24 - 8 * i : 8 * i;
            out_[start - 4 + i] = static_cast<std::byte>(length >> shift);
        }
    }

    void put_16(std::uint32_t value) {
        const auto low = static_cast<std::byte>(value);
        const auto high = static_cast<std::byte>(value >> 8);
        out_.push_back(encoding_.is_big_endian ? high : low);
        out_.push_back(encoding_.is_big_endian ? low : high);
    }
    void put_32(std::uint32_t value) {
        put_16(encoding_.is_big_endian ? value >> 16 : value & 0xFFFF);
        put_16(encoding_.is_big_endian ? value & 0xFFFF : value >> 16);
    }
    void put_tag(std::uint32_t tag) {
        put_16(tag >> 16);
        put_16(tag & 0xFFFF);
    }
    void append(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

    Encoding encoding_;
    std::vector<std::byte>& out_;
};

}  // namespace

void write_elements(const Elements& elements, Encoding encoding, std::vector<std::byte>& out) {
    Writer(encoding, out).write(elements);
}

}  // namespace consilia::imaging::dicom
