#pragma once
// Words of the text form that a field's name must be quoted to use; shared by the parser and the printer.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace consilia::core {

inline constexpr std::array<std::string_view, 12> kReservedWords{
    "and", "or", "not", "is", "null", "in", "between", "like", "true", "false", "case", "distinct"};

/// ASCII letters in lower case.
inline std::string to_lower_ascii(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

inline bool is_reserved_word(std::string_view word) {
    return std::find(kReservedWords.begin(), kReservedWords.end(), to_lower_ascii(word)) !=
           kReservedWords.end();
}

}  // namespace consilia::core
