// DICOM: whatever the bytes, each reader gives an answer or one of its errors; what is whole is decoded, and
// what is de-identified can be read again and names no patient.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/imaging/dicom.hpp"
#include "fuzz/image_target.hpp"

namespace consilia::fuzz {
namespace {

/// Refusals of a file; Unavailable where the codec of compressed images is not built.
template <class Run>
bool is_read(Run run) {
    try {
        run();
        return true;
    } catch (const core::ValidationError& error) {
        check_error(error, error.code().starts_with("image.") ? "image." : "dicom.");
    } catch (const core::Unavailable& error) {
        check_error(error, "image.dicom_unavailable");
    }
    return false;
}

/// Name and id; of a clean file they are empty or made up.
std::string patient_of(const std::vector<imaging::DicomTag>& tags) {
    std::string found;
    for (const imaging::DicomTag& tag : tags) {
        if (tag.keyword == "PatientName" || tag.keyword == "PatientID") found += tag.text;
    }
    return found;
}

void check_clean(std::span<const std::byte> bytes, const imaging::DecodeLimits& limits) {
    imaging::DeidentifyOptions options;
    options.key = "sixteen bytes or more";
    options.limits = limits;
    std::vector<std::byte> clean;
    if (!is_read([&] { clean = imaging::deidentify(bytes, options); })) return;
    const std::string before = patient_of(imaging::read_tags(bytes, limits));
    const std::string after = patient_of(imaging::read_tags(clean, limits));
    holds(after.empty() || after != before, "a clean file does not name its patient");
    holds(imaging::deidentify(bytes, options) == clean, "the same key gives the same bytes");
}

void check_dicom(std::span<const std::byte> bytes) {
    const imaging::DecodeLimits limits = small_limits();
    imaging::DicomDecodeOptions options;
    options.limits = limits;
    options.frame = 0;
    std::optional<imaging::ImageInfo> info;
    is_read([&] { info = imaging::probe(bytes); });
    const bool is_whole = is_read([&] { (void)imaging::check_structure(bytes, limits); });
    holds(!is_whole || info, "what is whole can be probed");
    is_read([&] { (void)imaging::verify(bytes, limits); });
    is_read([&] {
        const imaging::Image image = imaging::decode(bytes, limits);
        holds(info && image.pixels.size() == info->pixels() * static_cast<std::uint64_t>(info->channels),
              "an image has the pixels that its header says");
    });
    is_read([&] { (void)imaging::dicom_values(bytes, options); });
    is_read([&] { (void)imaging::dicom_info(bytes); });
    is_read([&] { (void)imaging::read_tags(bytes, limits); });
    check_clean(bytes, limits);
}

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    consilia::fuzz::check_dicom(consilia::fuzz::bytes_of(data, size));
    return 0;
}
