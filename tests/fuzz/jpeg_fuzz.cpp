// JPEG: probed, walked and decoded within small limits.
#include "fuzz/image_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    consilia::fuzz::check_image(consilia::fuzz::bytes_of(data, size), consilia::imaging::ImageFormat::Jpeg);
    return 0;
}
