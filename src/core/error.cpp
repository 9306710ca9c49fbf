#include "consilia/core/error.hpp"

#include "core/utf8.hpp"

namespace consilia::core {
namespace {

struct KindFacts {
    std::string_view name;
    int http_status;
};

KindFacts facts_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::InvalidArgument:
            return {"invalid_argument", 400};
        case ErrorKind::Validation:
            return {"validation", 400};
        case ErrorKind::PermissionDenied:
            return {"permission_denied", 403};
        case ErrorKind::NotFound:
            return {"not_found", 404};
        case ErrorKind::Conflict:
            return {"conflict", 409};
        case ErrorKind::UploadRejected:
            return {"upload_rejected", 400};
        case ErrorKind::Unavailable:
            return {"unavailable", 503};
        case ErrorKind::ResourceExhausted:
            return {"resource_exhausted", 503};
        case ErrorKind::Cancelled:
            return {"cancelled", 499};
        case ErrorKind::TimedOut:
            return {"timed_out", 504};
        case ErrorKind::Inference:
            return {"inference", 500};
        case ErrorKind::Storage:
            return {"storage", 500};
        case ErrorKind::Internal:
            return {"internal", 500};
    }
    return {"internal", 500};
}

/// The message as one line of UTF-8: what it quotes from outside may hold line ends, hidden marks and bytes
/// that are no text, and would forge a line of a log.
std::string one_line(const std::string& message) {
    std::string line;
    line.reserve(message.size());
    for (std::size_t at = 0; at < message.size();) {
        const CodePoint c = decode_utf8(message, at);
        if (!c.is_valid) {
            line += "\xEF\xBF\xBD";
        } else if (is_hidden_control(c.value)) {
            line += ' ';
        } else {
            line.append(message, at, c.size);
        }
        at += c.size;
    }
    return line;
}

}  // namespace

std::string_view to_string(ErrorKind kind) noexcept {
    return facts_of(kind).name;
}

int default_http_status(ErrorKind kind) noexcept {
    return facts_of(kind).http_status;
}

Error::Error(ErrorKind kind, std::string code, const std::string& message, Details details, int http_status)
    : std::runtime_error(one_line(message)),
      kind_(kind),
      http_status_(http_status == 0 ? default_http_status(kind) : http_status),
      code_(std::move(code)),
      details_(std::move(details)) {}

std::string Error::details_json() const {
    std::string json = "{";
    for (const Detail& detail : details_) {
        if (json.size() > 1) json += ',';
        json += core::to_json(Value(detail.name));
        json += ':';
        json += core::to_json(detail.value);
    }
    json += '}';
    return json;
}

std::string Error::to_json() const {
    std::string json = R"({"error":{"kind":)";
    json += core::to_json(Value(to_string(kind_)));
    json += R"(,"code":)" + core::to_json(Value(code_));
    json += R"(,"message":)" + core::to_json(Value(what()));
    json += R"(,"http_status":)" + std::to_string(http_status_);
    json += R"(,"details":)" + details_json() + "}}";
    return json;
}

void throw_error(ErrorKind kind, std::string code, const std::string& message, Details details,
                 int http_status) {
    switch (kind) {
        case ErrorKind::InvalidArgument:
            throw InvalidArgument(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Validation:
            throw ValidationError(std::move(code), message, std::move(details), http_status);
        case ErrorKind::PermissionDenied:
            throw PermissionDenied(std::move(code), message, std::move(details), http_status);
        case ErrorKind::NotFound:
            throw NotFound(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Conflict:
            throw Conflict(std::move(code), message, std::move(details), http_status);
        case ErrorKind::UploadRejected:
            throw UploadRejected(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Unavailable:
            throw Unavailable(std::move(code), message, std::move(details), http_status);
        case ErrorKind::ResourceExhausted:
            throw ResourceExhausted(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Cancelled:
            throw Cancelled(std::move(code), message, std::move(details), http_status);
        case ErrorKind::TimedOut:
            throw TimedOut(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Inference:
            throw InferenceError(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Storage:
            throw StorageError(std::move(code), message, std::move(details), http_status);
        case ErrorKind::Internal:
            break;
    }
    throw Internal(std::move(code), message, std::move(details), http_status);
}

}  // namespace consilia::core
