// Goal: a type is told by the first bytes alone, whatever they are.
#include "consilia/validation/file_type.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace consilia::validation {
namespace {

using namespace std::string_literals;

FileType type_of(std::string_view bytes) {
    return detect_type(std::as_bytes(std::span(bytes)));
}

std::string at(std::size_t offset, std::string_view bytes) {
    return std::string(offset, '\0') + std::string(bytes) + std::string(16, '\0');
}

struct Sample {
    FileType type;
    std::string head;
};

const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = {
        {FileType::Jpeg, "\xFF\xD8\xFF\xE0\0\x10JFIF\0"s},
        {FileType::Png, "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s},
        {FileType::Gif, "GIF89a\1\0\1\0"s},
        {FileType::Gif, "GIF87a\1\0\1\0"s},
        {FileType::Bmp, "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0"s},
        {FileType::Tiff, "II*\0\x08\0\0\0"s},
        {FileType::Tiff, "MM\0*\0\0\0\x08"s},
        {FileType::Webp, "RIFF\x24\0\0\0WEBPVP8 "s},
        {FileType::Heic,
         "\0\0\0\x18"
         "ftypheic\0\0\0\0"s},
        {FileType::Heic,
         "\0\0\0\x18"
         "ftypmif1\0\0\0\0"s},
        {FileType::Avif,
         "\0\0\0\x1C"
         "ftypavif\0\0\0\0"s},
        {FileType::Jp2, "\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14"s},
        {FileType::Jp2, "\xFF\x4F\xFF\x51\0\x2F"s},
        {FileType::Jxl, "\xFF\x0A\xFA\x1F"s},
        {FileType::Jxl, "\0\0\0\x0CJXL \r\n\x87\n"s},
        {FileType::Ico, "\0\0\1\0\1\0\x10\x10"s},
        {FileType::Psd, "8BPS\0\1"s},
        {FileType::Dicom, at(128, "DICM\2\0\0\0UL\4\0")},
        {FileType::Nifti, at(344, "n+1\0"s)},
        {FileType::Pdf, "%PDF-1.7\n%\xE2\xE3\xCF\xD3"s},
        {FileType::PostScript, "%!PS-Adobe-3.0"s},
        {FileType::Rtf, "{\\rtf1\\ansi"s},
        {FileType::Ole2, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"s},
        {FileType::Zip, "PK\3\4\x14\0\6\0[Content_Types].xml"s},
        {FileType::Zip, "PK\5\6\0\0\0\0"s},
        {FileType::Gzip, "\x1F\x8B\x08\0\0\0\0\0"s},
        {FileType::Bzip2, "BZh91AY&SY"s},
        {FileType::Xz,
         "\xFD"
         "7zXZ\0\0\4"s},
        {FileType::Zstd, "(\xB5/\xFD\4\0"s},
        {FileType::Lz4, "\4\x22\x4D\x18\x64"s},
        {FileType::SevenZip, "7z\xBC\xAF\x27\x1C\0\4"s},
        {FileType::Rar, "Rar!\x1A\7\1\0"s},
        {FileType::Tar, at(257, "ustar\00000")},
        {FileType::Cab, "MSCF\0\0\0\0"s},
        {FileType::Iso9660, at(32'769, "CD001\1")},
        {FileType::Ar, "!<arch>\ndebian-binary"s},
        {FileType::Zlib, "\x78\x9C\x4B\xCE"s},
        {FileType::Elf,
         "\x7F"
         "ELF\2\1\1\0"s},
        {FileType::Pe, "MZ\x90\0\3\0\0\0"s},
        {FileType::MachO, "\xCF\xFA\xED\xFE\7\0\0\1"s},
        {FileType::MachO, "\xCA\xFE\xBA\xBE\0\0\0\2"s},
        {FileType::Wasm, "\0asm\1\0\0\0"s},
        {FileType::JavaClass, "\xCA\xFE\xBA\xBE\0\0\0\x34"s},
        {FileType::Dex, "dex\n035\0"s},
        {FileType::Script, "#!/bin/sh\nrm -rf ~\n"s},
        {FileType::Lnk, "L\0\0\0\1\x14\2\0\0\0"s},
        {FileType::Mp4,
         "\0\0\0\x18"
         "ftypisom\0\0\2\0"s},
        {FileType::Webm, "\x1A\x45\xDF\xA3\x9F\x42\x86"s},
        {FileType::Avi, "RIFF\x24\0\0\0AVI LIST"s},
        {FileType::Flv, "FLV\1\5"s},
        {FileType::MpegTs, "G" + std::string(187, '\xFF') + "G" + std::string(187, '\xFF')},
        {FileType::Mp3, "ID3\4\0\0"s},
        {FileType::Mp3, "\xFF\xFB\x90\x64"s},
        {FileType::Ogg, "OggS\0\2"s},
        {FileType::Wav, "RIFF\x24\0\0\0WAVEfmt "s},
        {FileType::Flac, "fLaC\0\0\0\x22"s},
        {FileType::Midi, "MThd\0\0\0\6"s},
        {FileType::Aac, "\xFF\xF1\x50\x80"s},
        {FileType::Sqlite, "SQLite format 3\0\x10\0"s},
        {FileType::Hdf5, "\x89HDF\r\n\x1A\n"s},
        {FileType::Parquet, "PAR1\x15\0"s},
        {FileType::Npy, "\x93NUMPY\1\0"s},
        {FileType::Woff, "wOFF\0\1\0\0"s},
        {FileType::Woff2, "wOF2\0\1\0\0"s},
        {FileType::Ttf, "\0\1\0\0\0\x0F"s},
        {FileType::Otf, "OTTO\0\x0B"s},
        {FileType::Eot, at(34, "LP")},
        {FileType::Html, "<!DOCTYPE html><html>"s},
        {FileType::Html, "\xEF\xBB\xBF \n<HTML><body>"s},
        {FileType::Html, "<script>alert(1)</script>"s},
        {FileType::Html, "<!-- x --><p>"s},
        {FileType::Svg, "<svg xmlns='http://www.w3.org/2000/svg'/>"s},
        {FileType::Svg, "<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>"s},
        {FileType::Xml, "<?xml version='1.0'?><note/>"s},
        {FileType::Php, "<?php system($_GET['c']);"s},
        {FileType::Json, "{\"a\": 1}"s},
        {FileType::Text, "just text\n"s},
        {FileType::Text, "R\xC3\xB6ntgen, \xE8\x83\xB8\xE9\x83\xA8\r\n"s},
        {FileType::Text, "name;age\nAda;36\n"s},
        {FileType::Unknown, ""s},
        {FileType::Unknown, "\1\2\3\4"s},
        {FileType::Unknown, "text with a \0 byte"s},
        {FileType::Unknown, "not utf-8: \xE4\xF6\xFC."s},
        {FileType::Unknown, "\x89PN"s},
        {FileType::Unknown, "\xFF\xFE<\0s\0v\0g\0"s},  // UTF-16
    };
    return all;
}

TEST(DetectType, KnowsEachTypeByItsFirstBytes) {
    std::set<FileType> seen;
    for (const Sample& sample : samples()) {
        EXPECT_EQ(to_string(type_of(sample.head)), to_string(sample.type)) << sample.head.substr(0, 40);
        seen.insert(sample.type);
    }
    for (int i = 0; i <= static_cast<int>(kLastFileType); ++i) {
        const auto type = static_cast<FileType>(i);
        EXPECT_TRUE(seen.contains(type) || type == FileType::Csv) << "no sample of " << to_string(type);
    }
}

TEST(DetectType, LooksAtNothingBehindItsLimit) {
    for (const Sample& sample : samples()) {
        if (sample.head.empty() || sample.type == FileType::Text || sample.type == FileType::Unknown)
            continue;
        std::string longer = sample.head;
        longer.resize(kTypeBytes + 1000, '\0');
        const std::string first = longer.substr(0, kTypeBytes);
        EXPECT_EQ(type_of(longer), type_of(first)) << to_string(sample.type);
    }
}

// Of any bytes there is an answer, and no byte behind the end is read (for the address sanitizer to see).
TEST(DetectType, AnswersForAnyBytesCutAnywhere) {
    std::mt19937 random(7);
    for (const Sample& sample : samples()) {
        const std::size_t step = sample.head.size() > 1000 ? 611 : 1;
        for (std::size_t cut = 0; cut <= sample.head.size(); cut += step) {
            const std::vector<char> exact(sample.head.begin(),
                                          sample.head.begin() + static_cast<std::ptrdiff_t>(cut));
            const FileType type = type_of({exact.data(), exact.size()});
            EXPECT_LE(type, kLastFileType);
        }
    }
    for (int i = 0; i < 20'000; ++i) {
        std::vector<char> bytes(random() % 400);
        std::ranges::generate(bytes, [&] { return static_cast<char>(random()); });
        EXPECT_LE(type_of({bytes.data(), bytes.size()}), kLastFileType);
    }
}

TEST(DetectType, ACharacterThatIsCutAtTheEndOfTheSampleIsText) {
    for (std::size_t before = 505; before < 516; ++before) {
        EXPECT_EQ(type_of(std::string(before, 'a') + "\xF0\x9F\xAB\x81" + std::string(100, 'b')),
                  FileType::Text)
            << before;
    }
    EXPECT_EQ(type_of("cut \xF0\x9F\xAB"), FileType::Unknown) << "nothing comes behind it";
}

TEST(FileTypes, HaveNamesMediaTypesAndExtensionsOfTheirOwn) {
    std::set<std::string_view> names;
    std::set<std::string_view> known;
    for (int i = 0; i <= static_cast<int>(kLastFileType); ++i) {
        const auto type = static_cast<FileType>(i);
        EXPECT_TRUE(names.insert(to_string(type)).second) << to_string(type);
        EXPECT_EQ(file_type_of(to_string(type)), type);
        EXPECT_NE(media_type(type).find('/'), std::string_view::npos) << to_string(type);
        for (const std::string_view extension : extensions(type)) {
            EXPECT_TRUE(extension.starts_with('.')) << extension;
            EXPECT_TRUE(known.insert(extension).second) << extension << " stands twice";
        }
    }
    EXPECT_EQ(file_type_of("nothing"), FileType::Unknown);
    EXPECT_EQ(to_string(static_cast<FileType>(200)), "unknown");
}

}  // namespace
}  // namespace consilia::validation
