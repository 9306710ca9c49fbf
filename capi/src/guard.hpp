#pragma once
// What every function of the C ABI is made of: exceptions become statuses, C views become C++ ones.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/c/core.h"
#include "consilia/core/error.hpp"

struct consilia_error {
    consilia_status_t status;
    std::int32_t http_status;
    std::string code;
    std::string message;
    std::string details_json;
    consilia::core::Details details;
};

namespace consilia::capi {

/// The error of an allocation that failed: static, so that reporting it needs no memory. Freeing it does
/// nothing.
consilia_error_t* out_of_memory_error() noexcept;

/// Translates the exception in flight; `out_error` may be null.
consilia_status_t report_current_exception(consilia_error_t** out_error) noexcept;

/// Throws what an error of the caller's tells, and frees it.
[[noreturn]] void throw_reported(consilia_error_t* reported);

/// Runs the body of a C function: clears the error, lets no exception out.
template <class Body>
consilia_status_t guard(consilia_error_t** out_error, Body&& body) noexcept {
    if (out_error != nullptr) *out_error = nullptr;
    try {
        body();
        return CONSILIA_OK;
    } catch (...) {
        return report_current_exception(out_error);
    }
}

/// A borrowed text. @throws InvalidArgument (`c_api.null`) for a null pointer with a size.
inline std::string_view view(consilia_str_t text) {
    if (text.data == nullptr && text.size != 0) {
        throw core::InvalidArgument("c_api.null", "text has a size but no data");
    }
    return text.size == 0 ? std::string_view{} : std::string_view(text.data, text.size);
}

inline consilia_str_t borrow(const std::string& text) noexcept {
    return {text.data(), text.size()};
}

/// @throws InvalidArgument (`c_api.null`) naming the argument.
template <class T>
T& require(T* pointer, const char* name) {
    if (pointer == nullptr) throw core::InvalidArgument("c_api.null", std::string("`") + name + "` is null");
    return *pointer;
}

/// Sets an output to zero on entry, so that it is zero after a failure.
template <class T>
T& cleared(T* output, const char* name) {
    require(output, name) = T{};
    return *output;
}

/// An array of the caller's, which may be null where it is empty.
template <class T>
std::span<const T> items(const T* first, std::size_t count, const char* name) {
    return count == 0 ? std::span<const T>{} : std::span(&require(first, name), count);
}

/// Copies of the caller's texts.
std::vector<std::string> texts_of(const consilia_str_t* texts, std::size_t count, const char* name);
/// Texts as a JSON array.
std::string json_list(std::span<const std::string> texts);

/// An enumerator that crosses as a number from 0 to `last`.
/// @throws InvalidArgument (`c_api.enum`) naming the field.
template <class E>
E enumerator(std::int32_t number, E last, const char* name) {
    if (number < 0 || number > static_cast<std::int32_t>(last)) {
        throw core::InvalidArgument("c_api.enum", std::string("`") + name + "` is no number of its list",
                                    {{"number", number}});
    }
    return static_cast<E>(number);
}

/// An output array of the caller's, set to zero on entry; empty where it is null and may be.
template <class T>
std::span<T> cleared_items(T* first, std::size_t count) {
    if (first == nullptr) return {};
    std::fill_n(first, count, T{});
    return {first, count};
}

/// A versioned output that the caller prepared with CONSILIA_INIT, set to zero but for its size.
template <class T>
T& cleared_sized(T* output, const char* name) {
    T& out = require(output, name);
    const std::size_t size = out.struct_size;
    if (size < sizeof size) {
        throw core::InvalidArgument("c_api.struct_size", std::string("`") + name +
                                                             "` has no struct_size: prepare it with "
                                                             "CONSILIA_INIT");
    }
    std::memset(&out, 0, size);
    out.struct_size = size;
    return out;
}
/// Fills in as much as the caller's version of the struct has.
template <class T>
void fill_sized(T& out, T known) {
    known.struct_size = out.struct_size;
    std::memcpy(&out, &known, std::min(sizeof(T), out.struct_size));
}

/// A copy of a versioned option struct: what the caller does not know is zero, and a tail that this library
/// does not know must be zero. Null gives all defaults.
template <class T>
T copy_options(const T* given) {
    T known{};
    known.struct_size = sizeof(T);
    if (given == nullptr) return known;
    if (given->struct_size < sizeof(std::size_t)) {
        throw core::InvalidArgument("c_api.struct_size",
                                    "struct_size is not set: prepare options with CONSILIA_INIT");
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    for (std::size_t i = sizeof(T); i < given->struct_size; ++i) {
        if (bytes[i] != 0) {
            throw core::InvalidArgument("c_api.struct_size",
                                        "an option is set that this version does not know",
                                        {{"struct_size", static_cast<std::int64_t>(given->struct_size)},
                                         {"known_size", static_cast<std::int64_t>(sizeof(T))}});
        }
    }
    std::memcpy(&known, given, std::min(sizeof(T), given->struct_size));
    known.struct_size = sizeof(T);
    return known;
}

/// A buffer of the caller's own with a copy of `text`.
inline consilia_buffer_t to_buffer(std::string_view text) {
    char* data = static_cast<char*>(std::malloc(text.size() + 1));
    if (data == nullptr) throw std::bad_alloc();
    std::memcpy(data, text.data(), text.size());
    data[text.size()] = '\0';
    return {data, text.size()};
}

}  // namespace consilia::capi
