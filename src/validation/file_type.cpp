#include "consilia/validation/file_type.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "validation/text_stream.hpp"

namespace consilia::validation {
namespace {

using enum FileType;

struct TypeNames {
    FileType type;
    std::string_view name;
    std::string_view media_type;
    std::array<std::string_view, 4> extensions;
};

constexpr std::size_t kTypes = static_cast<std::size_t>(kLastFileType) + 1;

/// In the order of the enumerators. Media types are those of the IANA registry, or as browsers send them.
constexpr std::array<TypeNames, kTypes> kNames = {{
    {Unknown, "unknown", "application/octet-stream", {}},
    {Jpeg, "jpeg", "image/jpeg", {".jpg", ".jpeg", ".jpe", ".jfif"}},
    {Png, "png", "image/png", {".png"}},
    {Gif, "gif", "image/gif", {".gif"}},
    {Bmp, "bmp", "image/bmp", {".bmp", ".dib"}},
    {Tiff, "tiff", "image/tiff", {".tif", ".tiff"}},
    {Webp, "webp", "image/webp", {".webp"}},
    {Heic, "heic", "image/heic", {".heic", ".heif"}},
    {Avif, "avif", "image/avif", {".avif"}},
    {Jp2, "jp2", "image/jp2", {".jp2", ".j2k", ".jpf", ".jpx"}},
    {Jxl, "jxl", "image/jxl", {".jxl"}},
    {Ico, "ico", "image/vnd.microsoft.icon", {".ico", ".cur"}},
    {Psd, "psd", "image/vnd.adobe.photoshop", {".psd"}},
    {Dicom, "dicom", "application/dicom", {".dcm", ".dicom"}},
    {Nifti, "nifti", "application/octet-stream", {".nii"}},
    {Pdf, "pdf", "application/pdf", {".pdf"}},
    {PostScript, "postscript", "application/postscript", {".ps", ".eps"}},
    {Rtf, "rtf", "application/rtf", {".rtf"}},
    {Ole2, "ole2", "application/x-ole-storage", {".doc", ".xls", ".ppt", ".msi"}},
    {Zip, "zip", "application/zip", {".zip", ".docx", ".xlsx", ".jar"}},
    {Gzip, "gzip", "application/gzip", {".gz", ".tgz"}},
    {Bzip2, "bz2", "application/x-bzip2", {".bz2"}},
    {Xz, "xz", "application/x-xz", {".xz"}},
    {Zstd, "zstd", "application/zstd", {".zst"}},
    {Lz4, "lz4", "application/x-lz4", {".lz4"}},
    {SevenZip, "7z", "application/x-7z-compressed", {".7z"}},
    {Rar, "rar", "application/vnd.rar", {".rar"}},
    {Tar, "tar", "application/x-tar", {".tar"}},
    {Cab, "cab", "application/vnd.ms-cab-compressed", {".cab"}},
    {Iso9660, "iso9660", "application/x-iso9660-image", {".iso"}},
    {Ar, "ar", "application/x-archive", {".a", ".deb"}},
    {Zlib, "zlib", "application/zlib", {}},
    {Elf, "elf", "application/x-elf", {".so", ".elf"}},
    {Pe, "pe", "application/vnd.microsoft.portable-executable", {".exe", ".dll", ".sys", ".scr"}},
    {MachO, "macho", "application/x-mach-binary", {".dylib"}},
    {Wasm, "wasm", "application/wasm", {".wasm"}},
    {JavaClass, "class", "application/java-vm", {".class"}},
    {Dex, "dex", "application/octet-stream", {".dex"}},
    {Script, "script", "text/x-shellscript", {".sh", ".py", ".pl", ".rb"}},
    {Lnk, "lnk", "application/x-ms-shortcut", {".lnk"}},
    {Mp4, "mp4", "video/mp4", {".mp4", ".m4v", ".mov", ".m4a"}},
    {Webm, "webm", "video/webm", {".webm", ".mkv"}},
    {Avi, "avi", "video/x-msvideo", {".avi"}},
    {Flv, "flv", "video/x-flv", {".flv"}},
    {MpegTs, "mpegts", "video/mp2t", {".ts"}},
    {Mp3, "mp3", "audio/mpeg", {".mp3"}},
    {Ogg, "ogg", "audio/ogg", {".ogg", ".oga", ".ogv", ".opus"}},
    {Wav, "wav", "audio/wav", {".wav"}},
    {Flac, "flac", "audio/flac", {".flac"}},
    {Midi, "midi", "audio/midi", {".mid", ".midi"}},
    {Aac, "aac", "audio/aac", {".aac"}},
    {Sqlite, "sqlite", "application/vnd.sqlite3", {".sqlite", ".sqlite3", ".db"}},
    {Hdf5, "hdf5", "application/x-hdf5", {".h5", ".hdf5"}},
    {Parquet, "parquet", "application/vnd.apache.parquet", {".parquet"}},
    {Npy, "npy", "application/octet-stream", {".npy"}},
    {Woff, "woff", "font/woff", {".woff"}},
    {Woff2, "woff2", "font/woff2", {".woff2"}},
    {Ttf, "ttf", "font/ttf", {".ttf"}},
    {Otf, "otf", "font/otf", {".otf"}},
    {Eot, "eot", "application/vnd.ms-fontobject", {".eot"}},
    {Html, "html", "text/html", {".html", ".htm", ".xhtml"}},
    {Svg, "svg", "image/svg+xml", {".svg"}},
    {Xml, "xml", "application/xml", {".xml"}},
    {Php, "php", "application/x-httpd-php", {".php"}},
    {Json, "json", "application/json", {".json"}},
    {Text, "text", "text/plain", {".txt", ".text", ".log", ".md"}},
    {Csv, "csv", "text/csv", {".csv"}},
}};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kTypes; ++i) {
        if (kNames[i].type != static_cast<FileType>(i)) return false;
    }
    return true;
}
static_assert(is_in_order());

const TypeNames& names_of(FileType type) noexcept {
    const auto index = static_cast<std::size_t>(type);
    return kNames[index < kTypes ? index : 0];
}

/// Bytes that a file begins with. Of several that fit, the first in the table counts.
struct Signature {
    std::string_view bytes;
    FileType type;
};
using namespace std::string_view_literals;

/// Ordered by the first byte, so that most are never compared; see `kByFirstByte`.
constexpr auto kSignatures = std::to_array<Signature>({
    {"\0\0\0\x0CjP  \r\n\x87\n"sv, Jp2},
    {"\0\0\0\x0CJXL \r\n\x87\n"sv, Jxl},
    {"\0\0\1\0"sv, Ico},
    {"\0\0\2\0"sv, Ico},
    {"\0\1\0\0\0"sv, Ttf},
    {"\0asm"sv, Wasm},
    {"\4\x22\x4D\x18"sv, Lz4},
    {"\x1A\x45\xDF\xA3"sv, Webm},
    {"\x1F\x8B"sv, Gzip},
    {"!<arch>\n"sv, Ar},
    {"#!"sv, Script},
    {"%!PS"sv, PostScript},
    {"%PDF-"sv, Pdf},
    {"(\xB5/\xFD"sv, Zstd},
    {"7z\xBC\xAF\x27\x1C"sv, SevenZip},
    {"8BPS"sv, Psd},
    {"BZh"sv, Bzip2},
    {"FLV\1"sv, Flv},
    {"GIF87a"sv, Gif},
    {"GIF89a"sv, Gif},
    {"ID3"sv, Mp3},
    {"II*\0"sv, Tiff},
    {"II+\0"sv, Tiff},
    {"L\0\0\0\1\x14\2\0"sv, Lnk},
    {"MM\0*"sv, Tiff},
    {"MM\0+"sv, Tiff},
    {"MSCF\0\0\0\0"sv, Cab},
    {"MThd"sv, Midi},
    {"MZ"sv, Pe},
    {"OTTO\0"sv, Otf},
    {"OggS"sv, Ogg},
    {"PAR1"sv, Parquet},
    {"PK\3\4"sv, Zip},
    {"PK\5\6"sv, Zip},
    {"PK\7\x08"sv, Zip},
    {"Rar!\x1A\7"sv, Rar},
    {"SQLite format 3\0"sv, Sqlite},
    {"dex\n"sv, Dex},
    {"fLaC"sv, Flac},
    {"true\0"sv, Ttf},
    {"wOF2"sv, Woff2},
    {"wOFF"sv, Woff},
    {"{\\rtf"sv, Rtf},
    {"\x7F"
     "ELF"sv,
     Elf},
    {"\x89HDF\r\n\x1A\n"sv, Hdf5},
    {"\x89PNG\r\n\x1A\n"sv, Png},
    {"\x93NUMPY"sv, Npy},
    {"\xCA\xFE\xBA\xBE\0\0\0"sv, JavaClass},  // Told from a universal Mach-O by the number behind it.
    {"\xCE\xFA\xED\xFE"sv, MachO},
    {"\xCF\xFA\xED\xFE"sv, MachO},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, Ole2},
    {"\xFD"
     "7zXZ\0"sv,
     Xz},
    {"\xFE\xED\xFA\xCE"sv, MachO},
    {"\xFE\xED\xFA\xCF"sv, MachO},
    {"\xFF\x0A"sv, Jxl},
    {"\xFF\x4F\xFF\x51"sv, Jp2},
    {"\xFF\xD8\xFF"sv, Jpeg},
});

/// Where the signatures of each first byte begin in `kSignatures`, which stands in their order.
constexpr auto kByFirstByte = [] {
    std::array<std::uint8_t, 257> begins{};
    std::size_t at = 0;
    for (std::size_t byte = 0; byte < 257; ++byte) {
        while (at < kSignatures.size() && static_cast<unsigned char>(kSignatures[at].bytes[0]) < byte) ++at;
        begins[byte] = static_cast<std::uint8_t>(at);
    }
    return begins;
}();
constexpr bool is_sorted_by_first_byte() {
    for (std::size_t i = 1; i < kSignatures.size(); ++i) {
        if (static_cast<unsigned char>(kSignatures[i - 1].bytes[0]) >
            static_cast<unsigned char>(kSignatures[i].bytes[0]))
            return false;
    }
    return true;
}
static_assert(is_sorted_by_first_byte());

bool stands_at(std::string_view head, std::size_t offset, std::string_view bytes) noexcept {
    return head.size() >= offset + bytes.size() &&
           std::memcmp(head.data() + offset, bytes.data(), bytes.size()) == 0;
}

unsigned byte_at(std::string_view head, std::size_t i) noexcept {
    return i < head.size() ? static_cast<unsigned char>(head[i]) : 0;
}

/// `ftyp` boxes (ISO/IEC 14496-12): the brand says what is inside.
FileType type_of_brand(std::string_view head) noexcept {
    if (!stands_at(head, 4, "ftyp")) return Unknown;
    const std::string_view brand = head.substr(8, std::min<std::size_t>(4, head.size() - 8));
    if (brand == "avif" || brand == "avis") return Avif;
    if (brand == "heic" || brand == "heix" || brand == "hevc" || brand == "mif1" || brand == "msf1")
        return Heic;
    return Mp4;
}

FileType type_of_riff(std::string_view head) noexcept {
    if (!stands_at(head, 0, "RIFF")) return Unknown;
    if (stands_at(head, 8, "WEBP")) return Webp;
    if (stands_at(head, 8, "WAVE")) return Wav;
    return stands_at(head, 8, "AVI ") ? Avi : Unknown;
}

/// What has its signature further in, or one so short that a look at the rest is needed.
FileType type_behind_front(std::string_view head) noexcept {
    if (stands_at(head, 128, "DICM")) return Dicom;
    if (const FileType type = type_of_brand(head); type != Unknown) return type;
    if (const FileType type = type_of_riff(head); type != Unknown) return type;
    if (stands_at(head, 257, "ustar")) return Tar;
    if (stands_at(head, 344, "n+1\0"sv) || stands_at(head, 344, "ni1\0"sv)) return Nifti;
    if (stands_at(head, 0, "BM") && head.size() >= 26 && byte_at(head, 6) == 0 && byte_at(head, 7) == 0)
        return Bmp;
    if (stands_at(head, 34, "LP") && byte_at(head, 8) < 3 && byte_at(head, 10) < 3) return Eot;
    const unsigned first = byte_at(head, 0);
    const unsigned second = byte_at(head, 1);
    if (first == 0xFF && (second & 0xF6U) == 0xF0) return Aac;  // ADTS
    if (first == 0xFF && (second & 0xE6U) == 0xE2 && (second & 0x18U) != 0x08)
        return Mp3;  // A frame of MPEG audio, layer III, without a tag
    if (first == 0x47 && head.size() > 188 && byte_at(head, 188) == 0x47) return MpegTs;
    if (first == 0x78 && (second == 0x01 || second == 0x9C || second == 0xDA)) return Zlib;
    return stands_at(head, 32'769, "CD001") ? Iso9660 : Unknown;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Whether the text begins with a word, in any case; `word` is lower case.
bool begins_with(std::string_view text, std::string_view word) noexcept {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool holds(std::string_view text, std::string_view word) noexcept {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

/// Text that begins with a mark of its kind. `head` begins behind a byte order mark and white space.
FileType type_of_markup(std::string_view text) noexcept {
    constexpr std::size_t kSearched = 1024;
    if (text.empty() || text.front() != '<') return Unknown;
    if (begins_with(text, "<?php") || begins_with(text, "<?=")) return Php;
    if (begins_with(text, "<svg")) return Svg;
    const std::string_view front = text.substr(0, kSearched);
    if (begins_with(text, "<?xml") || begins_with(text, "<!--") || begins_with(text, "<!doctype")) {
        if (holds(front, "<svg") || holds(front, "<!doctype svg")) return Svg;
        if (holds(front, "<html") || holds(front, "<!doctype html")) return Html;
        return begins_with(text, "<?xml") ? Xml : Html;
    }
    for (const std::string_view tag :
         {"<html"sv, "<head"sv,   "<body"sv,  "<script"sv, "<iframe"sv, "<style"sv, "<title"sv, "<table"sv,
          "<div"sv,  "<a "sv,     "<h1"sv,    "<p"sv,      "<br"sv,     "<img"sv,   "<meta"sv,  "<link"sv,
          "<form"sv, "<object"sv, "<embed"sv, "<base"sv,   "<b>"sv,     "<font"sv}) {
        if (begins_with(text, tag)) return Html;
    }
    return Unknown;
}

FileType type_of_text(std::string_view head) noexcept {
    constexpr std::size_t kTextBytes = 512;
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    std::string_view text = head;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const std::size_t start = text.find_first_not_of(" \t\r\n\f");
    if (start != std::string_view::npos) {
        if (const FileType type = type_of_markup(text.substr(start)); type != Unknown) return type;
    }
    const std::string_view sample = head.substr(0, kTextBytes);
    TextStreamCheck check;
    if (check.add(std::as_bytes(std::span(sample))) || (sample.size() == head.size() && check.finish()))
        return Unknown;
    const std::string_view rest = start == std::string_view::npos ? std::string_view() : text.substr(start);
    if (rest.starts_with("{\"") || rest.starts_with("[{") || rest.starts_with("[\"")) return Json;
    return Text;
}

}  // namespace

FileType detect_type(std::span<const std::byte> head_bytes) noexcept {
    const std::string_view head(reinterpret_cast<const char*>(head_bytes.data()), head_bytes.size());
    if (head.empty()) return Unknown;
    const std::size_t first = byte_at(head, 0);
    for (std::size_t i = kByFirstByte[first]; i < kByFirstByte[first + 1]; ++i) {
        if (!stands_at(head, 0, kSignatures[i].bytes)) continue;
        const FileType type = kSignatures[i].type;
        // A universal Mach-O has a handful of architectures where a class file has a version above 44.
        if (type == JavaClass && byte_at(head, 7) < 40) return MachO;
        return type;
    }
    if (const FileType type = type_behind_front(head); type != Unknown) return type;
    return type_of_text(head);
}

std::string_view to_string(FileType type) noexcept {
    return names_of(type).name;
}

FileType file_type_of(std::string_view name) noexcept {
    const auto found = std::ranges::find(kNames, name, &TypeNames::name);
    return found == kNames.end() ? Unknown : found->type;
}

std::string_view media_type(FileType type) noexcept {
    return names_of(type).media_type;
}

std::span<const std::string_view> extensions(FileType type) noexcept {
    const auto& all = names_of(type).extensions;
    const auto end = std::ranges::find(all, std::string_view());
    return {all.begin(), end};
}

}  // namespace consilia::validation
