// The attributes that people look at, as text in UTF-8.
#include <algorithm>
#include <array>
#include <string>

#include "consilia/imaging/dicom.hpp"
#include "imaging/dicom_file.hpp"
#include "imaging/dicom_text.hpp"

namespace consilia::imaging {
namespace {

using namespace dicom;

struct Listed {
    std::uint32_t tag;
    std::string_view keyword;
    std::string_view vr;
};

// Ascending; keywords and VRs of the data dictionary (PS3.6).
constexpr auto kListed = std::to_array<Listed>({{0x00080005, "SpecificCharacterSet", "CS"},
                                                {0x00080008, "ImageType", "CS"},
                                                {0x00080016, "SOPClassUID", "UI"},
                                                {0x00080018, "SOPInstanceUID", "UI"},
                                                {0x00080020, "StudyDate", "DA"},
                                                {0x00080021, "SeriesDate", "DA"},
                                                {0x00080022, "AcquisitionDate", "DA"},
                                                {0x00080023, "ContentDate", "DA"},
                                                {0x0008002A, "AcquisitionDateTime", "DT"},
                                                {0x00080030, "StudyTime", "TM"},
                                                {0x00080031, "SeriesTime", "TM"},
                                                {0x00080032, "AcquisitionTime", "TM"},
                                                {0x00080033, "ContentTime", "TM"},
                                                {0x00080050, "AccessionNumber", "SH"},
                                                {0x00080060, "Modality", "CS"},
                                                {0x00080064, "ConversionType", "CS"},
                                                {0x00080068, "PresentationIntentType", "CS"},
                                                {0x00080070, "Manufacturer", "LO"},
                                                {0x00080080, "InstitutionName", "LO"},
                                                {0x00080081, "InstitutionAddress", "ST"},
                                                {0x00080090, "ReferringPhysicianName", "PN"},
                                                {0x00081010, "StationName", "SH"},
                                                {0x00081030, "StudyDescription", "LO"},
                                                {0x0008103E, "SeriesDescription", "LO"},
                                                {0x00081040, "InstitutionalDepartmentName", "LO"},
                                                {0x00081050, "PerformingPhysicianName", "PN"},
                                                {0x00081070, "OperatorsName", "PN"},
                                                {0x00081090, "ManufacturerModelName", "LO"},
                                                {0x00100010, "PatientName", "PN"},
                                                {0x00100020, "PatientID", "LO"},
                                                {0x00100021, "IssuerOfPatientID", "LO"},
                                                {0x00100030, "PatientBirthDate", "DA"},
                                                {0x00100032, "PatientBirthTime", "TM"},
                                                {0x00100040, "PatientSex", "CS"},
                                                {0x00101001, "OtherPatientNames", "PN"},
                                                {0x00101010, "PatientAge", "AS"},
                                                {0x00101020, "PatientSize", "DS"},
                                                {0x00101030, "PatientWeight", "DS"},
                                                {0x00101040, "PatientAddress", "LO"},
                                                {0x00104000, "PatientComments", "LT"},
                                                {0x00120062, "PatientIdentityRemoved", "CS"},
                                                {0x00120063, "DeidentificationMethod", "LO"},
                                                {0x00180015, "BodyPartExamined", "CS"},
                                                {0x00180060, "KVP", "DS"},
                                                {0x00181000, "DeviceSerialNumber", "LO"},
                                                {0x00181020, "SoftwareVersions", "LO"},
                                                {0x00181030, "ProtocolName", "LO"},
                                                {0x00181150, "ExposureTime", "IS"},
                                                {0x00181151, "XRayTubeCurrent", "IS"},
                                                {0x00181152, "Exposure", "IS"},
                                                {0x00181164, "ImagerPixelSpacing", "DS"},
                                                {0x00185100, "PatientPosition", "CS"},
                                                {0x00185101, "ViewPosition", "CS"},
                                                {0x00187004, "DetectorType", "CS"},
                                                {0x0020000D, "StudyInstanceUID", "UI"},
                                                {0x0020000E, "SeriesInstanceUID", "UI"},
                                                {0x00200010, "StudyID", "SH"},
                                                {0x00200011, "SeriesNumber", "IS"},
                                                {0x00200012, "AcquisitionNumber", "IS"},
                                                {0x00200013, "InstanceNumber", "IS"},
                                                {0x00200020, "PatientOrientation", "CS"},
                                                {0x00200052, "FrameOfReferenceUID", "UI"},
                                                {0x00200060, "Laterality", "CS"},
                                                {0x00200062, "ImageLaterality", "CS"},
                                                {0x00204000, "ImageComments", "LT"},
                                                {0x00280002, "SamplesPerPixel", "US"},
                                                {0x00280004, "PhotometricInterpretation", "CS"},
                                                {0x00280008, "NumberOfFrames", "IS"},
                                                {0x00280010, "Rows", "US"},
                                                {0x00280011, "Columns", "US"},
                                                {0x00280030, "PixelSpacing", "DS"},
                                                {0x00280034, "PixelAspectRatio", "IS"},
                                                {0x00280100, "BitsAllocated", "US"},
                                                {0x00280101, "BitsStored", "US"},
                                                {0x00280102, "HighBit", "US"},
                                                {0x00280103, "PixelRepresentation", "US"},
                                                {0x00280301, "BurnedInAnnotation", "CS"},
                                                {0x00280303, "LongitudinalTemporalInformationModified", "CS"},
                                                {0x00281050, "WindowCenter", "DS"},
                                                {0x00281051, "WindowWidth", "DS"},
                                                {0x00281052, "RescaleIntercept", "DS"},
                                                {0x00281053, "RescaleSlope", "DS"},
                                                {0x00281054, "RescaleType", "LO"},
                                                {0x00281055, "WindowCenterWidthExplanation", "LO"},
                                                {0x00282110, "LossyImageCompression", "CS"},
                                                {0x00282112, "LossyImageCompressionRatio", "DS"},
                                                {0x00321060, "RequestedProcedureDescription", "LO"},
                                                {0x00400254, "PerformedProcedureStepDescription", "LO"},
                                                {0x20500020, "PresentationLUTShape", "CS"}});
static_assert(std::ranges::is_sorted(kListed, {}, &Listed::tag));

/// Numbers as decimals; the header's are all of 16 bits.
std::string numbers(const Element& element, bool is_big_endian) {
    std::string text;
    for (std::size_t at = 0; at + 2 <= element.value.size() && text.size() < kDicomTextMax; at += 2) {
        text += (text.empty() ? "" : "\\") + std::to_string(read_16(element.value, at, is_big_endian));
    }
    return text;
}

/// At most kDicomTextMax bytes, whole characters.
void shorten(std::string& text) {
    if (text.size() <= kDicomTextMax) return;
    std::size_t size = kDicomTextMax;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    text.resize(size);
}

std::string text_of_listed(const File& file, const Element& element, const Listed& listed) {
    if (element.is_sequence || element.value.empty()) return {};
    if (listed.vr == "US") return numbers(element, file.syntax.encoding.is_big_endian);
    std::string text = text_in_utf8(file.elements, listed.tag);
    shorten(text);
    return text;
}

}  // namespace

std::vector<DicomTag> read_tags(std::span<const std::byte> bytes, const DecodeLimits& limits) {
    const File file = read_file(bytes, limits);
    std::vector<DicomTag> tags;
    for (const Listed& listed : kListed) {
        const Element* element = find(file.elements, listed.tag);
        if (element == nullptr) continue;
        std::string text = text_of_listed(file, *element, listed);
        if (text.empty()) continue;
        tags.push_back({listed.tag, listed.keyword, listed.vr, std::move(text)});
    }
    return tags;
}

}  // namespace consilia::imaging
