#pragma once
// Scanners: what looks into a file before it is kept, and ClamAV's daemon as one.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "consilia/core/export.hpp"

namespace consilia::validation {

/// What a scanner found.
struct ScanVerdict {
    enum class Kind : std::uint8_t { Clean, Infected, Failed };
    Kind kind = Kind::Clean;
    std::string name{};  ///< Infected: of the signature. Failed: why, in one line.

    static ScanVerdict clean() { return {}; }
    static ScanVerdict infected(std::string signature) { return {Kind::Infected, std::move(signature)}; }
    static ScanVerdict failed(std::string reason) { return {Kind::Failed, std::move(reason)}; }
};

/// Looks at the bytes of one file, which are valid for the call. Called on the thread of `receive`; what it
/// throws passes through, and the file is then not kept either.
using Scanner = std::function<ScanVerdict(std::span<const std::byte> bytes)>;

/// How to reach clamd. All times are of one scan.
struct ClamdOptions {
    /// `unix:/run/clamav/clamd.ctl`, `tcp:host:3310` or `tcp:[::1]:3310`.
    std::string address = "unix:/run/clamav/clamd.ctl";
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds read_timeout{30'000};  ///< For each answer, and for each piece that is sent.
    std::size_t piece_bytes = std::size_t{64} << 10;
};

/// ClamAV's daemon, by its protocol (clamd(8)): `INSTREAM`, so that the daemon needs no right to read the
/// file. Each call opens a connection of its own. Threading: safe.
class CONSILIA_API ClamdScanner {
public:
    /// @throws InvalidArgument (`scanner.options`) for an address of another form, or times that are not
    ///         above zero.
    explicit ClamdScanner(ClamdOptions options = {});

    /// Infected with the signature's name; Failed if the daemon cannot be reached, does not answer in time,
    /// answers something else, or takes no file of this size (`StreamMaxLength` in its configuration).
    [[nodiscard]] ScanVerdict scan(std::span<const std::byte> bytes) const;
    /// For use as a `Scanner`.
    ScanVerdict operator()(std::span<const std::byte> bytes) const { return scan(bytes); }

    /// Whether the daemon answers `PING`. Never throws for a daemon that does not.
    [[nodiscard]] bool ping() const;
    /// `ClamAV 1.0.3/27000/Mon Jan  1 00:00:00 2026`: version and date of its signatures.
    /// @throws Unavailable (`upload.scanner_unavailable`).
    [[nodiscard]] std::string version() const;

private:
    ClamdOptions options_;
};

}  // namespace consilia::validation
