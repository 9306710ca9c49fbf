// JPEG and JPEG-LS inside DICOM, through DCMTK's codecs: the only file that includes DCMTK.
//
// DCMTK never sees a file here. JPEG streams go straight to its decoders; JPEG-LS has none that could be
// called alone, so that one frame is wrapped in a data set that is made here of numbers that were checked.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>

#include "imaging/dicom_codec_table.h"

namespace {

void write_error(std::string_view message, char* error, std::size_t error_size) noexcept {
    if (error == nullptr || error_size == 0) return;
    const std::size_t length = std::min(std::min(message.find('\n'), message.size()), error_size - 1);
    std::memcpy(error, message.data(), length);
    error[length] = '\0';
}

/// A decoder that counts what it would only warn of: it has invented pixels then.
template <class Decoder>
class Strict : public Decoder {
public:
    using Decoder::Decoder;
    void emitMessage(int level) const override {
        if (level < 0) ++warnings_;
    }
    [[nodiscard]] int warnings() const noexcept { return warnings_; }

private:
    mutable int warnings_ = 0;
};

struct Failure {
    bool is_memory = false;
    std::string_view reason;
};

const DJCodecParameter& jpeg_parameters() {
    static const DJCodecParameter parameters(ECC_lossyYCbCr, EDC_photometricInterpretation, EUC_never,
                                             EPC_colorByPixel);
    return parameters;
}

template <class Decoder>
bool decode_jpeg(const consilia_dicom_frame_t& frame, std::span<Uint8> samples, Failure& failure) {
    Strict<Decoder> decoder(jpeg_parameters(), frame.converts_ybr != 0);
    OFCondition status = decoder.init();
    if (status.good()) {
        // SAFETY: the decoder takes no const pointer; libjpeg does not write to its input.
        auto* data = static_cast<Uint8*>(const_cast<void*>(frame.data));  // NOLINT
        status = decoder.decode(data, static_cast<Uint32>(frame.size), samples.data(),
                                static_cast<Uint32>(samples.size()), OFFalse);
    }
    if (status == EC_MemoryExhausted) failure = {.is_memory = true, .reason = {}};
    if (status.bad()) failure.reason = "the JPEG stream is broken";
    if (status.good() && decoder.warnings() > 0) failure.reason = "the JPEG stream is not whole";
    return failure.reason.empty() && !failure.is_memory;
}

bool decode_any_jpeg(const consilia_dicom_frame_t& frame, std::span<Uint8> samples, Failure& failure) {
    if (frame.precision <= 8) return decode_jpeg<DJDecompressIJG8Bit>(frame, samples, failure);
    if (frame.precision <= 12) return decode_jpeg<DJDecompressIJG12Bit>(frame, samples, failure);
    return decode_jpeg<DJDecompressIJG16Bit>(frame, samples, failure);
}

/// DCMTK finds the decoder of JPEG-LS in a list of the process.
struct JpegLsRegistration {
    JpegLsRegistration() { DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel); }
    JpegLsRegistration(const JpegLsRegistration&) = delete;
    JpegLsRegistration& operator=(const JpegLsRegistration&) = delete;
    ~JpegLsRegistration() { DJLSDecoderRegistration::cleanup(); }
};

/// The data set of one frame, with nothing in it but what the decoder asks for.
std::unique_ptr<DcmDataset> data_set_of(const consilia_dicom_frame_t& frame, OFCondition& status) {
    auto set = std::make_unique<DcmDataset>();
    const Uint16 allocated = frame.precision > 8 ? 16 : 8;
    const auto put = [&](const DcmTagKey& key, Uint16 value) {
        if (status.good()) status = set->putAndInsertUint16(DcmTag(key, EVR_US), value);
    };
    put(DCM_SamplesPerPixel, frame.samples);
    put(DCM_Rows, frame.rows);
    put(DCM_Columns, frame.columns);
    put(DCM_BitsAllocated, allocated);
    put(DCM_BitsStored, static_cast<Uint16>(frame.precision));
    put(DCM_HighBit, static_cast<Uint16>(frame.precision - 1));
    put(DCM_PixelRepresentation, 0);
    put(DCM_PlanarConfiguration, 0);
    const char* interpretation = frame.samples == 1 ? "MONOCHROME2" : "RGB";
    if (status.good()) {
        status = set->putAndInsertString(DcmTag(DCM_PhotometricInterpretation, EVR_CS), interpretation);
    }
    return set;
}

bool decode_jpeg_ls(const consilia_dicom_frame_t& frame, std::span<Uint8> samples, Failure& failure) {
    static const JpegLsRegistration registration;
    OFCondition status = EC_Normal;
    const std::unique_ptr<DcmDataset> set = data_set_of(frame, status);
    auto sequence = std::make_unique<DcmPixelSequence>(DcmTag(DCM_PixelSequenceTag, EVR_OB));
    auto table = std::make_unique<DcmPixelItem>(DcmTag(DCM_PixelItemTag, EVR_OB));
    auto item = std::make_unique<DcmPixelItem>(DcmTag(DCM_PixelItemTag, EVR_OB));
    if (status.good()) {
        status = item->putUint8Array(static_cast<const Uint8*>(frame.data),
                                     static_cast<unsigned long>(frame.size));
    }
    if (status.good()) status = sequence->insert(table.get());
    if (status.good()) (void)table.release();
    if (status.good()) status = sequence->insert(item.get());
    if (status.good()) (void)item.release();
    if (status.good()) {
        DcmPixelData pixels(DcmTag(DCM_PixelData, EVR_OB));
        pixels.putOriginalRepresentation(EXS_JPEGLSLossless, nullptr, sequence.release());
        Uint32 fragment = 0;
        OFString color;
        status = pixels.getUncompressedFrame(set.get(), 0, fragment, samples.data(),
                                             static_cast<Uint32>(samples.size()), color);
    }
    if (status == EC_MemoryExhausted) failure.is_memory = true;
    if (status.bad()) failure.reason = "the JPEG-LS stream is broken";
    return status.good();
}

int decode(const consilia_dicom_frame_t* frame, void* out, size_t size, char* error, size_t error_size) {
    try {
        Failure failure;
        const std::size_t wanted =
            std::size_t{frame->rows} * frame->columns * frame->samples * (frame->precision > 8 ? 2U : 1U);
        if (size != wanted || size > UINT32_MAX || frame->size > UINT32_MAX) {
            write_error("the frame is too large", error, error_size);
            return CONSILIA_DICOM_CODEC_DAMAGED;
        }
        const std::span<Uint8> samples(static_cast<Uint8*>(out), size);
        const bool is_done = frame->coding == CONSILIA_DICOM_CODEC_JPEG_LS
                                 ? decode_jpeg_ls(*frame, samples, failure)
                                 : decode_any_jpeg(*frame, samples, failure);
        if (is_done) return CONSILIA_DICOM_CODEC_OK;
        write_error(failure.reason, error, error_size);
        return failure.is_memory ? CONSILIA_DICOM_CODEC_OUT_OF_MEMORY : CONSILIA_DICOM_CODEC_DAMAGED;
    } catch (const std::bad_alloc&) {
        return CONSILIA_DICOM_CODEC_OUT_OF_MEMORY;
    } catch (...) {
        write_error("the decoder failed", error, error_size);
        return CONSILIA_DICOM_CODEC_DAMAGED;
    }
}

const consilia_dicom_codec_t kTable = {sizeof(consilia_dicom_codec_t), CONSILIA_DICOM_CODEC_API_VERSION, 0,
                                       "DCMTK " PACKAGE_VERSION, decode};

}  // namespace

extern "C" __attribute__((visibility("default"))) const consilia_dicom_codec_t* consilia_dicom_codec_entry(
    uint32_t api_version) {
    if (api_version != CONSILIA_DICOM_CODEC_API_VERSION) return nullptr;
    // The runtime logs to the standard error otherwise; what it has to say comes back as a failure.
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    return &kTable;
}
