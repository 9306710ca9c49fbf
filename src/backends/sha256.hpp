#pragma once
// SHA-256, by which backends name what they keep.
#include <openssl/evp.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace consilia::backends {

/// Lower-case hexadecimal SHA-256.
inline std::string sha256_hex(const void* data, std::size_t size) {
    constexpr char kDigits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_Digest(data, size, digest, &length, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
        text += kDigits[digest[i] >> 4];
        text += kDigits[digest[i] & 15];
    }
    return text;
}

}  // namespace consilia::backends
