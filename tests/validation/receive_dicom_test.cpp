// DICOM uploads: only where they are allowed, and never stored with their patient unless that is asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/dicom.hpp"
#include "consilia/validation/receive.hpp"
#include "support/dicom.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

class ReceiveDicom : public testing::Test {
protected:
    ReceiveOptions options(MetadataMode metadata = MetadataMode::Strip) const {
        return {.directory = stored_.path(),
                .prefix = "user_7",
                .client_name = "scan.dcm",
                .allowed = {FileType::Dicom},
                .metadata = metadata};
    }
    std::string code(const test::ByteVector& file, const ReceiveOptions& given) const {
        try {
            (void)receive(UploadSource::bytes(file), given);
        } catch (const core::UploadRejected& error) {
            return error.code();
        }
        return "accepted";
    }
    test::ByteVector stored(MetadataMode metadata) const {
        ReceivedFile file = receive(UploadSource::bytes(test::dicom_sample("gray_12")), options(metadata));
        EXPECT_EQ(file.facts().width, 28U);
        return core::read_file(file.commit());
    }

    test::TemporaryDirectory stored_;
};

bool names_the_patient(const test::ByteVector& file) {
    const std::string_view id = "P-0001";
    return !std::ranges::search(std::string_view(reinterpret_cast<const char*>(file.data()), file.size()), id)
                .empty();
}

TEST_F(ReceiveDicom, IsStoredWithoutItsPatientUnlessThatIsAskedFor) {
    for (const MetadataMode metadata : {MetadataMode::Strip, MetadataMode::Reencode}) {
        const test::ByteVector file = stored(metadata);
        EXPECT_FALSE(names_the_patient(file));
        EXPECT_EQ(imaging::decode(file), imaging::decode(test::dicom_sample("gray_12")));
    }
    EXPECT_EQ(stored(MetadataMode::Keep), test::dicom_sample("gray_12"));
}

TEST_F(ReceiveDicom, IsRefusedUnlessItIsAllowed) {
    ReceiveOptions images = options();
    images.allowed = {FileType::Jpeg, FileType::Png};
    EXPECT_EQ(code(test::dicom_sample("gray_12"), images), "upload.unsupported_type");
    EXPECT_EQ(code(test::dicom_sample("gray_12"), options()), "accepted");
}

TEST_F(ReceiveDicom, IsRefusedWithAForeignPreambleOrTail) {
    test::ByteVector file = test::dicom_sample("gray_12");
    file[64] = std::byte{1};
    EXPECT_EQ(code(file, options()), "upload.foreign_preamble");
    file[64] = std::byte{0};
    test::append(file, std::string_view("PK\x03\x04"));
    EXPECT_EQ(code(file, options()), "upload.trailing_data");
}

TEST_F(ReceiveDicom, IsRefusedWithTextInItsPixels) {
    const auto file = test::dicom({.before_pixels = [] {
        test::DicomWriter set;
        set.element(0x00280301, "CS", "YES");
        return set.bytes;
    }()});
    EXPECT_EQ(code(file, options()), "upload.burned_in_annotation");
    EXPECT_EQ(code(file, options(MetadataMode::Keep)), "accepted");
}

}  // namespace
}  // namespace consilia::validation
