#pragma once
// The parts of a policy as JSON: what a document and tables are read from and written to.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "consilia/access/policy_document.hpp"

namespace consilia::access {

using Json = nlohmann::json;
using WrittenJson = nlohmann::ordered_json;  ///< Keys stay in the order in which people read them.

/// Refuses what stands at `place`. @throws ValidationError (`policy.syntax`).
[[noreturn]] void refuse_json(const std::string& place, const std::string& message);

/// Each reads one item; `place` names it in errors. @throws ValidationError (`policy.syntax`).
[[nodiscard]] Role role_of(const Json& item, const std::string& place);
[[nodiscard]] Rule rule_of(const Json& item, const std::string& place);
[[nodiscard]] FieldRule field_rule_of(const Json& item, const std::string& place);
/// Reads what stands under a key other than `roles`, `rules` and `fields`. @return false for an unknown key.
bool read_setting(PolicyDocument& document, std::string_view key, const Json& value,
                  const std::string& place);

/// The whole document.
[[nodiscard]] WrittenJson json_of(const PolicyDocument& document);
[[nodiscard]] const char* name_of(Effect effect) noexcept;

}  // namespace consilia::access
