// Encoding with libjpeg-turbo.
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <jerror.h>

#include <csetjmp>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include "consilia/imaging/codec.hpp"
#include "imaging/image_shape.hpp"

namespace consilia::imaging {
namespace {

/// One encoding. Trivial on purpose: libjpeg leaves by longjmp, which must not skip a destructor.
struct Job {
    jpeg_compress_struct jpeg;
    jpeg_error_mgr errors;
    jpeg_destination_mgr target;
    std::jmp_buf failed;
    char reason[JMSG_LENGTH_MAX];
    bool is_out_of_memory;
    const Image* image;
    int quality;
    JOCTET* bytes;  // of malloc, freed by `encode_jpeg`
    std::size_t capacity;
    std::size_t size;
};
static_assert(std::is_trivially_destructible_v<Job>);

constexpr std::size_t kFirstBytes = 64 << 10;

[[noreturn]] void fail(j_common_ptr jpeg) {
    Job& job = *static_cast<Job*>(jpeg->client_data);
    job.is_out_of_memory = job.errors.msg_code == JERR_OUT_OF_MEMORY;
    job.errors.format_message(jpeg, job.reason);
    std::longjmp(job.failed, 1);
}

// libjpeg's own target in memory leaves a dangling pointer behind when growing fails.
void grow(j_compress_ptr jpeg) {
    Job& job = *static_cast<Job*>(jpeg->client_data);
    const std::size_t capacity = job.capacity == 0 ? kFirstBytes : 2 * job.capacity;
    void* grown = std::realloc(job.bytes, capacity);
    if (grown == nullptr) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
    job.bytes = static_cast<JOCTET*>(grown);
    job.target.next_output_byte = job.bytes + job.capacity;
    job.target.free_in_buffer = capacity - job.capacity;
    job.capacity = capacity;
}

boolean grow_when_full(j_compress_ptr jpeg) {
    grow(jpeg);  // called when all of it is filled, whatever free_in_buffer says
    return TRUE;
}

void finish(j_compress_ptr jpeg) {
    Job& job = *static_cast<Job*>(jpeg->client_data);
    job.size = job.capacity - job.target.free_in_buffer;
}

void write_image(Job& job) {
    const Image& image = *job.image;
    jpeg_create_compress(&job.jpeg);
    job.target.init_destination = grow;
    job.target.empty_output_buffer = grow_when_full;
    job.target.term_destination = finish;
    job.jpeg.dest = &job.target;
    job.jpeg.image_width = static_cast<JDIMENSION>(image.width);
    job.jpeg.image_height = static_cast<JDIMENSION>(image.height);
    job.jpeg.input_components = image.channels;
    job.jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&job.jpeg);
    jpeg_set_quality(&job.jpeg, job.quality, TRUE);
    job.jpeg.optimize_coding = TRUE;
    job.jpeg.comp_info[0].h_samp_factor = 1;  // colour is kept at full resolution
    job.jpeg.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&job.jpeg, TRUE);
    const std::size_t stride =
        static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
    while (job.jpeg.next_scanline < job.jpeg.image_height) {
        // SAFETY: libjpeg takes no const pointer; it does not write to what it compresses.
        auto* row = const_cast<JSAMPLE*>(image.pixels.data()) + stride * job.jpeg.next_scanline;  // NOLINT
        jpeg_write_scanlines(&job.jpeg, &row, 1);
    }
    jpeg_finish_compress(&job.jpeg);
}

/// SAFETY: between setjmp and longjmp there are only trivial objects, and no local is changed and read after.
bool run(Job& job) {
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.errors.error_exit = fail;
    job.errors.output_message = [](j_common_ptr) {};  // it would print
    job.jpeg.client_data = &job;
    if (setjmp(job.failed) != 0) {  // NOLINT(cert-err52-cpp): the interface of libjpeg
        jpeg_destroy_compress(&job.jpeg);
        return false;
    }
    write_image(job);
    jpeg_destroy_compress(&job.jpeg);
    return true;
}

}  // namespace

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
    check_shape(image);
    if (quality < 1 || quality > 100) {
        throw core::InvalidArgument("image.quality", "`quality` must be from 1 to 100",
                                    {{"field", "quality"}, {"found", quality}});
    }
    if (image.width > JPEG_MAX_DIMENSION || image.height > JPEG_MAX_DIMENSION) {
        throw core::InvalidArgument("image.shape",
                                    "a JPEG has at most " + std::to_string(JPEG_MAX_DIMENSION) +
                                        " pixels a side, the image is larger",
                                    {{"limit", static_cast<std::int64_t>(JPEG_MAX_DIMENSION)}});
    }
    Job job{};
    job.image = &image;
    job.quality = quality;
    const bool is_written = run(job);
    const std::unique_ptr<JOCTET, decltype(&std::free)> owned(job.bytes, &std::free);
    if (job.is_out_of_memory) throw std::bad_alloc();
    if (!is_written) {
        throw core::Internal("image.encode", "the JPEG encoder failed: " + std::string(job.reason));
    }
    const auto* first = reinterpret_cast<const std::byte*>(job.bytes);  // NOLINT: bytes as bytes
    return {first, first + job.size};
}

}  // namespace consilia::imaging
