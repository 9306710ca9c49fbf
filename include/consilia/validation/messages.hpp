#pragma once
// What errors say to people, in their language.
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"

namespace consilia::validation {

/// Texts by code, with `{name}` for a parameter: `{"too_long", "at most {limit} characters, {found} were
/// given"}`.
///
/// A code with `.one` is the text where `limit` is 1. A text that is not in the catalog is that of `english`.
/// Threading: safe.
class CONSILIA_API Messages {
public:
    using Texts = std::map<std::string, std::string, std::less<>>;
    explicit Messages(Texts texts) : texts_(std::move(texts)) {}
    /// From `{"required": "…", "too_long": "…"}`. @throws ValidationError (`messages.document`).
    static Messages from_json(std::string_view json);

    static const Messages& english();
    static const Messages& german();

    /// The message of a code; that of `rule` for a code without one.
    [[nodiscard]] std::string format(std::string_view code, const core::Details& params) const;
    /// A text with its parameters filled in; what is no parameter stays as it is.
    [[nodiscard]] static std::string fill(std::string_view text, const core::Details& params);
    [[nodiscard]] const Texts& texts() const noexcept { return texts_; }

private:
    [[nodiscard]] const std::string* find(std::string_view code, const core::Details& params) const;
    Texts texts_;
};

}  // namespace consilia::validation
