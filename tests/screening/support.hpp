#pragma once
// A clinic of a test's own: a directory, a clock that is moved by hand, people, patients and small images.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/screening/service.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::screening {

using test::code_of;

/// 2023-11-14T22:13:20Z.
inline constexpr core::Timestamp kStart{1'700'000'000'000'000};

/// A small PNG that no other seed gives.
inline std::vector<std::byte> png(int seed) {
    imaging::Image image{.width = 32, .height = 32, .channels = 1, .pixels = {}};
    image.pixels.resize(32 * 32);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
        image.pixels[i] =
            static_cast<std::uint8_t>((i * 7 + static_cast<std::size_t>(seed) * 31 + i / 32 * 13) % 251);
    }
    return imaging::encode_png(image);
}

class ClinicTest : public testing::Test {
protected:
    /// Options over the test's directory; the panel is added by those tests that work.
    ServiceOptions options() {
        ServiceOptions result;
        result.database_url = "sqlite:" + (directory / "clinic.db").string();
        result.files_directory = directory / "images";
        result.clock = &clock;
        result.queue.random = [] { return 0.0; };
        return result;
    }

    /// Root, a member of staff, two patients with accounts, Ann and Bob.
    void populate(Service& service) {
        root = {service.bootstrap_admin({.username = "root", .role = "admin", .email = "root@example.org"}),
                {"admin"},
                "root"};
        staff = {service.create_user(root, {.username = "sam", .role = "staff", .email = "sam@example.org"}),
                 {"staff"},
                 "sam"};
        ann = {service.create_user(root, {.username = "ann", .role = "patient"}), {"patient"}, "ann"};
        bob = {service.create_user(root, {.username = "bob", .role = "patient"}), {"patient"}, "bob"};
        ann_id = service.create_patient(
            root,
            {.record_number = "P-1", .full_name = "Ann Example", .user_id = ann.user_id.as<std::int64_t>()});
        bob_id = service.create_patient(
            staff,
            {.record_number = "P-2", .full_name = "Bob Example", .user_id = bob.user_id.as<std::int64_t>()});
    }

    Submission submit(Service& service, const Principal& who, std::int64_t patient_id, int seed) {
        const std::vector<std::byte> bytes = png(seed);
        return service.submit(who, validation::UploadSource::bytes(bytes),
                              {.patient_id = patient_id, .client_name = "scan.png"});
    }

    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(directory / "images")) {
            static_cast<void>(entry);
            ++count;
        }
        return count;
    }

    test::TemporaryDirectory directory;
    core::ManualClock clock{kStart};
    Principal root;
    Principal staff;
    Principal ann;
    Principal bob;
    std::int64_t ann_id = 0;
    std::int64_t bob_id = 0;
};

}  // namespace consilia::screening
