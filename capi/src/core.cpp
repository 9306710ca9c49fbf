#include "consilia/c/core.h"

#include <memory>

#include "consilia/core/value.hpp"
#include "guard.hpp"

namespace consilia::capi {
namespace {

static_assert(static_cast<int>(core::ErrorKind::InvalidArgument) == CONSILIA_INVALID_ARGUMENT);
static_assert(static_cast<int>(core::ErrorKind::UploadRejected) == CONSILIA_UPLOAD_REJECTED);
static_assert(static_cast<int>(core::ErrorKind::Internal) == CONSILIA_INTERNAL);
static_assert(sizeof(consilia_str_t) == 16 && sizeof(consilia_buffer_t) == 16);

void set_error(consilia_error_t** out_error, const core::Error& error) {
    if (out_error == nullptr) return;
    auto made = std::make_unique<consilia_error_t>();
    made->status = static_cast<consilia_status_t>(error.kind());
    made->http_status = error.http_status();
    made->code = error.code();
    made->message = error.what();
    made->details_json = error.details_json();
    made->details = error.details();
    *out_error = made.release();
}

// Made when the library is loaded: when it is needed there is no memory left to make it.
consilia_error_t the_out_of_memory_error{CONSILIA_OUT_OF_MEMORY, 503,  "memory.exhausted",
                                         "out of memory",        "{}", {}};

}  // namespace

consilia_error_t* out_of_memory_error() noexcept {
    return &the_out_of_memory_error;
}

consilia_status_t report_current_exception(consilia_error_t** out_error) noexcept {
    try {
        try {
            throw;
        } catch (const core::Error& error) {
            set_error(out_error, error);
            return static_cast<consilia_status_t>(error.kind());
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception& error) {
            set_error(out_error, core::Internal("internal.unexpected", error.what()));
        } catch (...) {
            set_error(out_error, core::Internal("internal.unexpected", "an unknown exception"));
        }
        return CONSILIA_INTERNAL;
    } catch (...) {  // Only allocation fails here, in the body or while reporting it.
        if (out_error != nullptr) *out_error = out_of_memory_error();
        return CONSILIA_OUT_OF_MEMORY;
    }
}

void throw_reported(consilia_error_t* reported) {
    const std::unique_ptr<consilia_error_t, void (*)(consilia_error_t*)> error(reported, consilia_error_free);
    if (error->status == CONSILIA_OUT_OF_MEMORY) throw std::bad_alloc();
    core::throw_error(static_cast<core::ErrorKind>(error->status), error->code, error->message,
                      error->details, error->http_status);
}

std::vector<std::string> texts_of(const consilia_str_t* texts, std::size_t count, const char* name) {
    std::vector<std::string> made;
    made.reserve(count);
    for (const consilia_str_t& text : items(texts, count, name)) made.emplace_back(view(text));
    return made;
}

std::string json_list(std::span<const std::string> texts) {
    std::string json = "[";
    for (const std::string& text : texts) {
        if (json.size() > 1) json += ',';
        json += core::to_json(core::Value(text));
    }
    return json += ']';
}

}  // namespace consilia::capi

namespace {
const consilia_str_t kEmpty{"", 0};
}  // namespace

extern "C" {

void consilia_buffer_free(consilia_buffer_t* buffer) {
    if (buffer == nullptr) return;
    std::free(buffer->data);
    *buffer = {nullptr, 0};
}

consilia_status_t consilia_error_status(const consilia_error_t* error) {
    return error == nullptr ? CONSILIA_OK : error->status;
}
consilia_str_t consilia_error_code(const consilia_error_t* error) {
    return error == nullptr ? kEmpty : consilia::capi::borrow(error->code);
}
consilia_str_t consilia_error_message(const consilia_error_t* error) {
    return error == nullptr ? kEmpty : consilia::capi::borrow(error->message);
}
int32_t consilia_error_http_status(const consilia_error_t* error) {
    return error == nullptr ? 200 : error->http_status;
}
consilia_str_t consilia_error_details_json(const consilia_error_t* error) {
    return error == nullptr ? kEmpty : consilia::capi::borrow(error->details_json);
}
void consilia_error_free(consilia_error_t* error) {
    if (error != consilia::capi::out_of_memory_error()) delete error;
}

const char* consilia_version(void) {
    return CONSILIA_VERSION;
}

}  // extern "C"
