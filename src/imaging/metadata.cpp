#include "consilia/imaging/metadata.hpp"

#include "imaging/metadata.hpp"

namespace consilia::imaging {

std::vector<std::byte> strip_metadata(Bytes bytes, const DecodeLimits& limits) {
    const ImageInfo info = check_structure(bytes, limits);
    return info.format == ImageFormat::Png ? strip_png(bytes) : strip_jpeg(bytes, info);
}

}  // namespace consilia::imaging
