#include "imaging/jpeg_codec.hpp"

// jpeglib.h needs FILE and size_t.
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <climits>
#include <csetjmp>
#include <new>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::imaging {
namespace {

constexpr std::size_t kRowsAtOnce = 16;

/// One decoding. Trivial on purpose: libjpeg leaves by longjmp, which must not skip a destructor.
struct Job {
    jpeg_decompress_struct jpeg;
    jpeg_error_mgr errors;
    jpeg_progress_mgr progress;
    std::jmp_buf failed;
    char reason[JMSG_LENGTH_MAX];
    bool is_out_of_memory;
    const unsigned char* bytes;
    unsigned long size;
    unsigned char* pixels;  // the whole image, or one row where only errors are looked for
    bool keeps_pixels;
    JDIMENSION width;
    JDIMENSION height;
    int channels;
    int max_scans;
    unsigned long offset;  // of the damage, at most a few coded units later
    int scan;
};
static_assert(std::is_trivially_destructible_v<Job>);

Job& job_of(j_common_ptr jpeg) {
    return *static_cast<Job*>(jpeg->client_data);
}

[[noreturn]] void fail(j_common_ptr jpeg) {
    Job& job = job_of(jpeg);
    job.is_out_of_memory = job.errors.msg_code == JERR_OUT_OF_MEMORY;
    job.errors.format_message(jpeg, job.reason);
    std::longjmp(job.failed, 1);
}

[[noreturn]] void fail_with(Job& job, const char* reason) {
    std::snprintf(job.reason, sizeof job.reason, "%s", reason);
    std::longjmp(job.failed, 1);
}

/// Level -1 is a warning: libjpeg would invent the missing pixels. Higher levels are traces.
void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) fail(jpeg);
}

/// The structure was walked before, so this only bites if libjpeg sees scans that the walk did not.
void on_progress(j_common_ptr jpeg) {
    Job& job = job_of(jpeg);
    if (job.jpeg.input_scan_number > job.max_scans) fail_with(job, "more scans than markers");
}

void read_rows(Job& job) {
    const std::size_t stride =
        job.keeps_pixels ? std::size_t{job.width} * static_cast<std::size_t>(job.channels) : 0;
    JSAMPROW rows[kRowsAtOnce];
    while (job.jpeg.output_scanline < job.jpeg.output_height) {
        const JDIMENSION first = job.jpeg.output_scanline;
        JDIMENSION count = 0;
        while (count < kRowsAtOnce && first + count < job.jpeg.output_height) {
            rows[count] = job.pixels + stride * (first + count);
            ++count;
        }
        jpeg_read_scanlines(&job.jpeg, rows, count);
    }
}

void read_pixels(Job& job) {
    jpeg_create_decompress(&job.jpeg);  // clears all but err and client_data
    job.progress.progress_monitor = on_progress;
    job.jpeg.progress = &job.progress;
    jpeg_mem_src(&job.jpeg, job.bytes, job.size);
    jpeg_read_header(&job.jpeg, TRUE);
    job.jpeg.out_color_space = job.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (!job.keeps_pixels) {
        job.jpeg.scale_num = 1;
        job.jpeg.scale_denom = DCTSIZE;
        job.jpeg.do_fancy_upsampling = FALSE;
        job.jpeg.do_block_smoothing = FALSE;
    }
    jpeg_start_decompress(&job.jpeg);
    if (job.jpeg.image_width != job.width || job.jpeg.image_height != job.height ||
        job.jpeg.output_components != job.channels) {
        fail_with(job, "the frame header is ambiguous");
    }
    read_rows(job);
    jpeg_finish_decompress(&job.jpeg);
}

/// SAFETY: between setjmp and longjmp there are only trivial objects, and no local is changed and read after.
bool run(Job& job) {
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.errors.error_exit = fail;
    job.errors.emit_message = on_message;
    job.jpeg.client_data = &job;
    if (setjmp(job.failed) != 0) {  // NOLINT(cert-err52-cpp): the interface of libjpeg
        if (job.jpeg.src != nullptr) job.offset = job.size - job.jpeg.src->bytes_in_buffer;
        job.scan = job.jpeg.input_scan_number;
        jpeg_destroy_decompress(&job.jpeg);
        return false;
    }
    read_pixels(job);
    jpeg_destroy_decompress(&job.jpeg);
    return true;
}

Job job_for(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits) {
    const bool is_turned = info.orientation >= 5;
    Job job{};
    job.bytes = reinterpret_cast<const unsigned char*>(bytes.data());  // NOLINT: bytes of the same size
    job.size = bytes.size();
    job.width = static_cast<JDIMENSION>(is_turned ? info.height : info.width);
    job.height = static_cast<JDIMENSION>(is_turned ? info.width : info.height);
    job.channels = info.channels;
    job.max_scans = static_cast<int>(std::min<std::uint32_t>(limits.max_scans, INT_MAX));
    return job;
}

void run_or_throw(Job& job) {
    if (run(job)) return;
    if (job.is_out_of_memory) throw std::bad_alloc();
    throw core::ValidationError("image.damaged", "the file is damaged",
                                {{"reason", std::string_view(job.reason)},
                                 {"format", "jpeg"},
                                 {"offset", static_cast<std::int64_t>(job.offset)},
                                 {"scan", job.scan}});
}

}  // namespace

Image decode_jpeg(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits) {
    Job job = job_for(bytes, info, limits);
    Image image;
    image.width = static_cast<std::int32_t>(job.width);
    image.height = static_cast<std::int32_t>(job.height);
    image.channels = job.channels;
    image.pixels.resize(info.pixels() * static_cast<std::size_t>(info.channels));
    job.pixels = image.pixels.data();
    job.keeps_pixels = true;
    run_or_throw(job);
    return image;
}

void verify_jpeg(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits) {
    Job job = job_for(bytes, info, limits);
    std::vector<unsigned char> row((std::size_t{job.width} + DCTSIZE) / DCTSIZE * std::size_t(job.channels));
    job.pixels = row.data();
    run_or_throw(job);
}

Image apply_orientation(Image image, int orientation) {
    if (orientation <= 1) return image;
    // Exif 2.32, 4.6.4 A: where row 0 and column 0 of the stored pixels lie in what is seen.
    const bool swaps = orientation >= 5;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    Image turned;
    turned.width = swaps ? image.height : image.width;
    turned.height = swaps ? image.width : image.height;
    turned.channels = image.channels;
    turned.pixels.resize(image.pixels.size());
    const auto channels = static_cast<std::size_t>(image.channels);
    const auto stored_width = static_cast<std::size_t>(image.width);
    const auto width = static_cast<std::size_t>(turned.width);
    const auto height = static_cast<std::size_t>(turned.height);
    std::uint8_t* out = turned.pixels.data();
    for (std::size_t y = 0; y < height; ++y) {
        const std::size_t from_y = from_bottom ? height - 1 - y : y;
        for (std::size_t x = 0; x < width; ++x) {
            const std::size_t from_x = from_right ? width - 1 - x : x;
            const std::size_t pixel = swaps ? from_x * stored_width + from_y : from_y * stored_width + from_x;
            for (std::size_t c = 0; c < channels; ++c) *out++ = image.pixels[pixel * channels + c];
        }
    }
    return turned;
}

}  // namespace consilia::imaging
