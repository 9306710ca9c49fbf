// Mutations of a PNG that pass its checksums: most bytes that change are otherwise found by the first CRC.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kFrameBytes = 12;  // length, type and checksum of a chunk

std::uint32_t read_32(const std::uint8_t* at) {
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}
void write_32(std::uint8_t* at, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

/// Calls `visit(offset, content_bytes)` for each chunk that is there in full.
template <class Visit>
void for_chunks(const std::uint8_t* data, std::size_t size, Visit visit) {
    std::size_t at = kSignatureBytes;
    while (at + kFrameBytes <= size) {
        const std::size_t content_bytes = read_32(data + at);
        if (content_bytes > size - at - kFrameBytes) return;
        visit(at, content_bytes);
        at += kFrameBytes + content_bytes;
    }
}

void mend_checksums(std::uint8_t* data, std::size_t size) {
    for_chunks(data, size, [&](std::size_t at, std::size_t content_bytes) {
        const uLong sum = crc32_z(0, data + at + 4, content_bytes + 4);
        write_32(data + at + 8 + content_bytes, static_cast<std::uint32_t>(sum));
    });
}

/// Mutates the rows inside the first IDAT instead of their compressed form; 0 if there are none or they do
/// not fit.
std::size_t mutate_rows(std::uint8_t* data, std::size_t size, std::size_t max_size) {
    std::size_t found = 0;
    std::size_t content_bytes = 0;
    for_chunks(data, size, [&](std::size_t at, std::size_t bytes) {
        if (found != 0 || std::memcmp(data + at + 4, "IDAT", 4) != 0) return;
        found = at;
        content_bytes = bytes;
    });
    std::vector<std::uint8_t> rows(1 << 16);
    uLongf row_bytes = rows.size() / 2;
    if (found == 0 || uncompress(rows.data(), &row_bytes, data + found + 8, content_bytes) != Z_OK) return 0;
    row_bytes = LLVMFuzzerMutate(rows.data(), row_bytes, rows.size());
    uLongf packed_bytes = compressBound(row_bytes);
    std::vector<std::uint8_t> packed(packed_bytes);
    if (compress2(packed.data(), &packed_bytes, rows.data(), row_bytes, 1) != Z_OK) return 0;
    const std::size_t rest = size - found - 8 - content_bytes;
    if (found + 8 + packed_bytes + rest > max_size) return 0;
    std::memmove(data + found + 8 + packed_bytes, data + found + 8 + content_bytes, rest);
    std::copy_n(packed.begin(), packed_bytes, data + found + 8);
    write_32(data + found, static_cast<std::uint32_t>(packed_bytes));
    return found + 8 + packed_bytes + rest;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
    std::size_t changed = seed % 8 < 3 ? mutate_rows(data, size, max_size) : 0;
    if (changed == 0) changed = LLVMFuzzerMutate(data, size, max_size);
    mend_checksums(data, changed);
    return changed;
}
