#pragma once
// What a file is, by its first bytes: never by the name or the header that a client sent.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "consilia/core/export.hpp"

namespace consilia::validation {

/// Types that are told apart. Most are known only so that a refusal can say what was found. The numbers are
/// stable: they are those of the C ABI.
enum class FileType : std::uint8_t {
    Unknown = 0,
    // Images
    Jpeg,
    Png,
    Gif,
    Bmp,
    Tiff,
    Webp,
    Heic,
    Avif,
    Jp2,
    Jxl,
    Ico,
    Psd,
    Dicom,
    Nifti,
    // Documents
    Pdf,
    PostScript,
    Rtf,
    Ole2,
    // Archives
    Zip,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Lz4,
    SevenZip,
    Rar,
    Tar,
    Cab,
    Iso9660,
    Ar,
    Zlib,
    // Programs
    Elf,
    Pe,
    MachO,
    Wasm,
    JavaClass,
    Dex,
    Script,
    Lnk,
    // Sound and video
    Mp4,
    Webm,
    Avi,
    Flv,
    MpegTs,
    Mp3,
    Ogg,
    Wav,
    Flac,
    Midi,
    Aac,
    // Data and fonts
    Sqlite,
    Hdf5,
    Parquet,
    Npy,
    Woff,
    Woff2,
    Ttf,
    Otf,
    Eot,
    // Text, by what it begins with; Text and Csv are UTF-8 without control characters
    Html,
    Svg,
    Xml,
    Php,
    Json,
    Text,
    Csv,
};
inline constexpr FileType kLastFileType = FileType::Csv;

/// The type by signature. Pure, allocates nothing, and looks at no more than `kTypeBytes`.
///
/// A container is named as such: an office document or a Java archive is a `Zip`. `Text` means that what is
/// there is UTF-8 without control characters; a type that begins with text (a script, HTML, SVG) is told
/// from it. Csv is never told from Text: only a name can.
CONSILIA_API FileType detect_type(std::span<const std::byte> head) noexcept;
/// The most bytes that `detect_type` looks at: of an ISO 9660 image the signature is that far.
inline constexpr std::size_t kTypeBytes = 32'774;

/// `jpeg`, `zip`, `7z`, `unknown`.
CONSILIA_API std::string_view to_string(FileType type) noexcept;
/// The type of a name that `to_string` gives; Unknown for another.
CONSILIA_API FileType file_type_of(std::string_view name) noexcept;
/// `image/jpeg`; `application/octet-stream` where nothing is known.
CONSILIA_API std::string_view media_type(FileType type) noexcept;
/// The extensions that files of this type have, lower case and with the dot; the usual one is the first.
CONSILIA_API std::span<const std::string_view> extensions(FileType type) noexcept;

}  // namespace consilia::validation
