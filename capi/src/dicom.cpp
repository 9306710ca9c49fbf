#include "consilia/c/dicom.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/imaging/dicom.hpp"
#include "guard.hpp"

namespace imaging = consilia::imaging;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::enumerator;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(sizeof(consilia_dicom_size_t) == 12);
static_assert(offsetof(consilia_dicom_decode_options_t, center) == 16);
static_assert(offsetof(consilia_dicom_decode_options_t, frame) == 40);
static_assert(offsetof(consilia_dicom_deidentify_options_t, dates) == 24);

namespace {

std::span<const std::byte> file_of(const void* data, size_t size) {
    return items(static_cast<const std::byte*>(data), size, "data");
}

imaging::DicomDecodeOptions decode_options(const consilia_dicom_decode_options_t* given) {
    const consilia_dicom_decode_options_t known = copy_options(given);
    imaging::DicomDecodeOptions options;
    options.source = enumerator(known.source, imaging::WindowSource::Given, "source");
    options.window.function = enumerator(known.function, imaging::WindowFunction::Sigmoid, "function");
    options.window.center = known.center;
    options.window.width = known.width;
    options.index = known.index;
    if (known.has_frame != 0) options.frame = known.frame;
    return options;
}

template <class T>
consilia_buffer_t bytes_buffer(const std::vector<T>& values) {
    return to_buffer({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

nlohmann::json windows_json(const std::vector<imaging::Window>& windows) {
    nlohmann::json out = nlohmann::json::array();
    for (const imaging::Window& window : windows) {
        out.push_back({{"center", window.center},
                       {"width", window.width},
                       {"function", std::string(to_string(window.function))},
                       {"explanation", window.explanation}});
    }
    return out;
}

std::string info_json(const imaging::DicomInfo& info) {
    return nlohmann::json({{"transfer_syntax", info.transfer_syntax},
                           {"transfer_syntax_name", info.transfer_syntax_name},
                           {"photometric_interpretation", info.photometric_interpretation},
                           {"width", info.width},
                           {"height", info.height},
                           {"frames", info.frames},
                           {"channels", info.channels},
                           {"bits_allocated", info.bits_allocated},
                           {"bits_stored", info.bits_stored},
                           {"is_signed", info.is_signed},
                           {"rescale_slope", info.rescale_slope},
                           {"rescale_intercept", info.rescale_intercept},
                           {"has_modality_lut", info.has_modality_lut},
                           {"has_voi_lut", info.has_voi_lut},
                           {"windows", windows_json(info.windows)},
                           {"has_foreign_preamble", info.has_foreign_preamble},
                           {"has_burned_in_annotation", info.has_burned_in_annotation}})
        .dump();
}

std::string tags_json(const std::vector<imaging::DicomTag>& tags) {
    nlohmann::json out = nlohmann::json::array();
    for (const imaging::DicomTag& tag : tags) {
        char number[9];
        std::snprintf(number, sizeof number, "%08X", static_cast<unsigned>(tag.tag));
        out.push_back({{"tag", std::string(number)},
                       {"keyword", std::string(tag.keyword)},
                       {"vr", std::string(tag.vr)},
                       {"text", tag.text}});
    }
    return out.dump();
}

}  // namespace

extern "C" {

consilia_status_t consilia_dicom_info_json(const void* data, size_t size, consilia_buffer_t* out_json,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(info_json(imaging::dicom_info(file_of(data, size))));
    });
}

consilia_status_t consilia_dicom_decode(const void* data, size_t size,
                                        const consilia_dicom_decode_options_t* options,
                                        consilia_dicom_size_t* out_size, consilia_buffer_t* out_pixels,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_dicom_size_t& shape = cleared(out_size, "out_size");
        consilia_buffer_t& out = cleared(out_pixels, "out_pixels");
        const imaging::Image image = imaging::decode_dicom(file_of(data, size), decode_options(options));
        out = bytes_buffer(image.pixels);
        shape = {static_cast<uint32_t>(image.width), static_cast<uint32_t>(image.height),
                 static_cast<uint32_t>(image.channels)};
    });
}

consilia_status_t consilia_dicom_values(const void* data, size_t size,
                                        const consilia_dicom_decode_options_t* options,
                                        consilia_dicom_size_t* out_size, consilia_buffer_t* out_values,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_dicom_size_t& shape = cleared(out_size, "out_size");
        consilia_buffer_t& out = cleared(out_values, "out_values");
        const imaging::ModalityValues values =
            imaging::dicom_values(file_of(data, size), decode_options(options));
        out = bytes_buffer(values.values);
        shape = {values.width, values.height, 1};
    });
}

consilia_status_t consilia_dicom_tags_json(const void* data, size_t size, consilia_buffer_t* out_json,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(tags_json(imaging::read_tags(file_of(data, size))));
    });
}

consilia_status_t consilia_dicom_deidentify(const void* data, size_t size,
                                            const consilia_dicom_deidentify_options_t* options,
                                            consilia_buffer_t* out_file, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_file, "out_file");
        const consilia_dicom_deidentify_options_t known = copy_options(options);
        imaging::DeidentifyOptions wanted;
        wanted.key = view(known.key);
        wanted.dates = enumerator(known.dates, imaging::DeidentifyDates::Shift, "dates");
        wanted.allow_burned_in = known.allow_burned_in != 0;
        out = bytes_buffer(imaging::deidentify(file_of(data, size), wanted));
    });
}

}  // extern "C"
