#pragma once
// The one error model: what fails anywhere in the library is one of these, on every surface.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::core {

/// What kind of failure it is. The numbers are stable: they are the C ABI's status codes.
enum class ErrorKind : std::int32_t {
    InvalidArgument = 1,    ///< The caller asked for something that has no meaning. HTTP 400.
    Validation = 2,         ///< Data from outside breaks its rules. HTTP 400.
    PermissionDenied = 3,   ///< The principal may not do this. HTTP 403.
    NotFound = 4,           ///< No such record, file or member. HTTP 404.
    Conflict = 5,           ///< The state does not allow it: a duplicate, a stale version. HTTP 409.
    UploadRejected = 6,     ///< A file that may not come in. HTTP 400, 413 or 415.
    Unavailable = 7,        ///< Something needed is not there now; trying later may help. HTTP 503.
    ResourceExhausted = 8,  ///< A stated bound (memory, queue, quota) would be passed. HTTP 503 or 429.
    Cancelled = 9,          ///< The caller withdrew the request. HTTP 499.
    TimedOut = 10,          ///< A deadline passed. HTTP 504.
    Inference = 11,         ///< A model could not be loaded or run. HTTP 500.
    Storage = 12,           ///< A database or a disk failed. HTTP 500.
    Internal = 13,          ///< A defect of the library. HTTP 500.
};

/// The lower-case name of a kind: `invalid_argument`, `upload_rejected`.
CONSILIA_API std::string_view to_string(ErrorKind kind) noexcept;

/// The HTTP status that a kind has when an error does not choose its own.
CONSILIA_API int default_http_status(ErrorKind kind) noexcept;

/// One structured fact about a failure: `{"limit_bytes", 10485760}`.
struct Detail {
    std::string name;
    Value value;
};
using Details = std::vector<Detail>;

/// Base of every exception that the library throws.
///
/// `code()` is stable and meant for programs (`upload.too_large`); `what()` is one line for people and may
/// change. Neither ever holds a secret, a patient's data or the values of a statement.
class CONSILIA_API Error : public std::runtime_error {
public:
    /// `http_status` zero: the default of the kind.
    Error(ErrorKind kind, std::string code, const std::string& message, Details details = {},
          int http_status = 0);

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] const std::string& code() const noexcept { return code_; }
    [[nodiscard]] int http_status() const noexcept { return http_status_; }
    [[nodiscard]] const Details& details() const noexcept { return details_; }

    /// The details as one JSON object.
    [[nodiscard]] std::string details_json() const;
    /// `{"error": {"kind", "code", "message", "http_status", "details"}}`: what a web adapter answers.
    [[nodiscard]] std::string to_json() const;

private:
    ErrorKind kind_;
    int http_status_;
    std::string code_;
    Details details_;
};

/// An error of one kind, so that it can be caught by type.
template <ErrorKind K>
class BasicError : public Error {
public:
    explicit BasicError(std::string code, const std::string& message, Details details = {},
                        int http_status = 0)
        : Error(K, std::move(code), message, std::move(details), http_status) {}
};

using InvalidArgument = BasicError<ErrorKind::InvalidArgument>;
using ValidationError = BasicError<ErrorKind::Validation>;
using PermissionDenied = BasicError<ErrorKind::PermissionDenied>;
using NotFound = BasicError<ErrorKind::NotFound>;
using Conflict = BasicError<ErrorKind::Conflict>;
using UploadRejected = BasicError<ErrorKind::UploadRejected>;
using Unavailable = BasicError<ErrorKind::Unavailable>;
using ResourceExhausted = BasicError<ErrorKind::ResourceExhausted>;
using Cancelled = BasicError<ErrorKind::Cancelled>;
using TimedOut = BasicError<ErrorKind::TimedOut>;
using InferenceError = BasicError<ErrorKind::Inference>;
using StorageError = BasicError<ErrorKind::Storage>;
using Internal = BasicError<ErrorKind::Internal>;

/// Throws the `BasicError` of `kind`: for code that carries errors across a boundary.
[[noreturn]] CONSILIA_API void throw_error(ErrorKind kind, std::string code, const std::string& message,
                                           Details details = {}, int http_status = 0);

}  // namespace consilia::core
