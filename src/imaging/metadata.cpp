#include "consilia/imaging/metadata.hpp"

#include "consilia/imaging/dicom.hpp"
#include "imaging/metadata.hpp"

namespace consilia::imaging {

std::vector<std::byte> strip_metadata(Bytes bytes, const DecodeLimits& limits) {
    const ImageInfo info = check_structure(bytes, limits);
    if (info.format == ImageFormat::Dicom) return deidentify(bytes, {.limits = limits});
    return info.format == ImageFormat::Png ? strip_png(bytes) : strip_jpeg(bytes, info);
}

}  // namespace consilia::imaging
