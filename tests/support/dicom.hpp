#pragma once
// Small DICOM files for tests, element by element, so that they do not depend on what they test.
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/images.hpp"

namespace consilia::test {

/// A data set under construction. Numbers are written in its byte order.
struct DicomWriter {
    bool implicit = false;
    bool big_endian = false;
    ByteVector bytes{};

    void put_16(std::uint32_t value) {
        const auto low = static_cast<std::byte>(value);
        const auto high = static_cast<std::byte>(value >> 8);
        bytes.push_back(big_endian ? high : low);
        bytes.push_back(big_endian ? low : high);
    }
    void put_32(std::uint32_t value) {
        put_16(big_endian ? value >> 16 : value & 0xFFFF);
        put_16(big_endian ? value & 0xFFFF : value >> 16);
    }
    void tag(std::uint32_t tag) {
        put_16(tag >> 16);
        put_16(tag & 0xFFFF);
    }
    DicomWriter& header(std::uint32_t number, std::string_view vr, std::uint32_t length) {
        tag(number);
        if (implicit) {
            put_32(length);
            return *this;
        }
        append(bytes, vr);
        if (std::string_view("OB OW SQ UN UT UC OF").find(vr) != std::string_view::npos) {
            put_16(0);
            put_32(length);
        } else {
            put_16(length);
        }
        return *this;
    }
    DicomWriter& element(std::uint32_t number, std::string_view vr, std::string_view value) {
        std::string padded(value);
        if (padded.size() % 2 != 0) padded += vr == "UI" || vr == "OB" ? '\0' : ' ';
        header(number, vr, static_cast<std::uint32_t>(padded.size()));
        append(bytes, padded);
        return *this;
    }
    DicomWriter& number(std::uint32_t tag_number, std::uint16_t value) {
        header(tag_number, "US", 2);
        put_16(value);
        return *this;
    }
    DicomWriter& item(std::uint32_t number, std::uint32_t length) {
        tag(number);
        put_32(length);
        return *this;
    }
};

struct DicomSpec {
    std::string syntax = "1.2.840.10008.1.2.1";
    std::uint16_t columns = 4;
    std::uint16_t rows = 3;
    std::uint16_t samples = 1;
    std::uint16_t bits_allocated = 8;
    std::uint16_t bits_stored = 8;
    std::string photometric = "MONOCHROME2";
    std::string frames{};        // of NumberOfFrames; empty: no element
    ByteVector before_image{};   // whole elements below group 0028
    ByteVector before_pixels{};  // whole elements between 0028,0103 and the pixels
    std::string pixels{};        // empty: 0, 1, 2, …
    bool without_pixels = false;
    ByteVector after_pixels{};
    std::string preamble = std::string(128, '\0');
};

inline DicomWriter dicom_writer(const DicomSpec& spec) {
    return {.implicit = spec.syntax == "1.2.840.10008.1.2",
            .big_endian = spec.syntax == "1.2.840.10008.1.2.2"};
}

inline ByteVector dicom_data_set(const DicomSpec& spec) {
    DicomWriter set = dicom_writer(spec);
    set.element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7").element(0x00080018, "UI", "1.2.3");
    append(set.bytes, spec.before_image);
    set.number(0x00280002, spec.samples).element(0x00280004, "CS", spec.photometric);
    if (!spec.frames.empty()) set.element(0x00280008, "IS", spec.frames);
    set.number(0x00280010, spec.rows).number(0x00280011, spec.columns);
    set.number(0x00280100, spec.bits_allocated).number(0x00280101, spec.bits_stored);
    set.number(0x00280102, static_cast<std::uint16_t>(spec.bits_stored - 1)).number(0x00280103, 0);
    append(set.bytes, spec.before_pixels);
    if (!spec.without_pixels) {
        std::string pixels = spec.pixels;
        const std::size_t size =
            std::size_t{spec.columns} * spec.rows * spec.samples * (spec.bits_allocated / 8U);
        for (std::size_t i = 0; pixels.size() < size; ++i) pixels += static_cast<char>(i);
        set.element(0x7FE00010, spec.bits_allocated == 16 ? "OW" : "OB", pixels);
    }
    append(set.bytes, spec.after_pixels);
    return set.bytes;
}

/// Preamble, magic number and group 0002, before a data set.
inline ByteVector dicom_file(const DicomSpec& spec, const ByteVector& data_set) {
    DicomWriter meta;
    meta.element(0x00020001, "OB", std::string_view("\0\1", 2));
    meta.element(0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.7").element(0x00020003, "UI", "1.2.3");
    meta.element(0x00020010, "UI", spec.syntax);
    DicomWriter file;
    append(file.bytes, spec.preamble + "DICM");
    file.header(0x00020000, "UL", 4).put_32(static_cast<std::uint32_t>(meta.bytes.size()));
    append(file.bytes, meta.bytes);
    append(file.bytes, data_set);
    return file.bytes;
}

inline ByteVector dicom(const DicomSpec& spec = {}) {
    return dicom_file(spec, dicom_data_set(spec));
}

/// A file of tests/imaging/dicom.
inline ByteVector dicom_sample(const std::string& name) {
    std::ifstream file(std::string(CONSILIA_SOURCE_DIR) + "/tests/imaging/dicom/" + name + ".dcm",
                       std::ios::binary);
    if (!file) throw std::runtime_error("no sample " + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ByteVector bytes;
    append(bytes, text);
    return bytes;
}

}  // namespace consilia::test
