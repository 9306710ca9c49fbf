#include "consilia/core/value.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"

namespace consilia::core {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const std::vector<std::byte>& bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (k < have ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += k <= have ? kBase64[group >> (18 - 6 * k) & 63U] : '=';
        }
    }
    return text;
}

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(ValueType type) noexcept {
    constexpr std::array<std::string_view, 10> kNames{"null", "bool", "int64",     "double", "text",
                                                      "blob", "date", "timestamp", "uuid",   "json"};
    const auto index = static_cast<std::size_t>(type);
    return index < kNames.size() ? kNames[index] : "unknown";
}

std::int64_t Value::checked(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw InvalidArgument("value.range", "the number does not fit into 64 bits with a sign");
    }
    return static_cast<std::int64_t>(value);
}

void Value::throw_type_mismatch(ValueType wanted) const {
    throw InvalidArgument("value.type",
                          "the value is `" + std::string(to_string(type())) + "`, wanted `" +
                              std::string(to_string(wanted)) + "`",
                          {{"found", to_string(type())}, {"wanted", to_string(wanted)}});
}

std::string to_json(const Value& value) {
    switch (value.type()) {
        case ValueType::Null:
            return "null";
        case ValueType::Bool:
            return value.as<bool>() ? "true" : "false";
        case ValueType::Int64:
            return std::to_string(value.as<std::int64_t>());
        case ValueType::Double:
            return nlohmann::json(value.as<double>()).dump();
        case ValueType::Text:
            return json_text(value.as<std::string>());
        case ValueType::Blob:
            return json_text(base64(value.as<Blob>().bytes));
        case ValueType::Date:
            return json_text(to_iso8601(value.as<Date>()));
        case ValueType::Timestamp:
            return json_text(to_iso8601(value.as<Timestamp>()));
        case ValueType::Uuid:
            return json_text(to_string(value.as<Uuid>()));
        case ValueType::Json:
            return value.as<Json>().text;
    }
    return "null";
}

}  // namespace consilia::core
