#pragma once
// How sources and options of uploads cross.
#include <functional>
#include <optional>
#include <string>

#include "consilia/c/uploads.h"
#include "consilia/validation/receive.hpp"
#include "guard.hpp"

namespace consilia::capi {

/// Null data gives nothing: the client sent none.
inline std::optional<std::string> sent_text(consilia_str_t text) {
    return text.data == nullptr && text.size == 0 ? std::nullopt : std::optional(std::string(view(text)));
}

/// Borrows the bytes. @throws InvalidArgument (`upload.source`) for more than one.
validation::UploadSource source_of(const consilia_upload_source_t* given);
validation::QuarantineOptions quarantine_of(const consilia_quarantine_options_t* given);
/// Copies all but the user data of the scanner. @throws InvalidArgument (`upload.options`).
validation::ReceiveOptions receive_options(const consilia_receive_options_t* given);

}  // namespace consilia::capi
