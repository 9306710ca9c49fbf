#pragma once
// One schema of a document, with what `$ref` and `anyOf` lead to.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consilia::validation {

using SchemaJson = nlohmann::ordered_json;

/// @throws ValidationError (`form.schema`).
[[noreturn]] void refuse_schema(const std::string& at, std::string_view reason);

/// Parses a document within its bounds. @throws ValidationError (`form.schema`).
SchemaJson parse_schema(std::string_view text);

/// Layers of keywords, outermost first: what stands beside a `$ref` before what it leads to.
class SchemaNode {
public:
    /// @throws ValidationError (`form.schema`) for a reference that leads nowhere or in a circle.
    SchemaNode(const SchemaJson& root, const SchemaJson& schema, std::string at,
               std::vector<const SchemaJson*> followed);

    [[nodiscard]] const std::string& at() const noexcept { return at_; }
    [[nodiscard]] bool is_nullable() const noexcept { return is_nullable_; }
    /// The targets of the references that led here; one of them again is a circle.
    [[nodiscard]] const std::vector<const SchemaJson*>& followed() const noexcept { return followed_; }
    [[nodiscard]] const SchemaJson* find(std::string_view key) const;
    [[nodiscard]] std::string at(std::string_view key) const;
    /// Refuses each keyword that is neither among these nor an annotation.
    void allow(const std::vector<std::string_view>& keywords) const;

    // Nothing where the keyword is not there. @throws ValidationError (`form.schema`) for another type.
    [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    [[nodiscard]] std::int64_t length(std::string_view key) const;  ///< 0: none.
    [[nodiscard]] bool flag(std::string_view key, bool otherwise = false) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;

private:
    void add(const SchemaJson& root, const SchemaJson& schema);
    void follow(const SchemaJson& root, const SchemaJson& reference);
    void choose(const SchemaJson& root, const SchemaJson& branches, std::string_view keyword);
    void allow_beside(const SchemaJson& layer, std::string_view keyword) const;

    std::string at_;
    std::vector<const SchemaJson*> layers_;
    std::vector<const SchemaJson*> followed_;
    bool is_nullable_ = false;
};

/// A number of JSON as an int64; nothing for what is none.
std::optional<std::int64_t> whole_number(const SchemaJson& json);

}  // namespace consilia::validation
