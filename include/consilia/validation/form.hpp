#pragma once
// A form: rules declared once, checked on JSON, values and Python objects, with every error at once.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/validation/field.hpp"
#include "consilia/validation/input.hpp"
#include "consilia/validation/messages.hpp"
#include "consilia/validation/report.hpp"

namespace consilia::data {
class Session;
}

namespace consilia::validation {

/// How exactly a value must have the type of its field.
enum class Mode : std::uint8_t {
    /// What means the same is taken: `"12"`, `12.0` for 12; `"on"`, `1` for true; text is trimmed and
    /// normalised (NFC), and blank text counts as not given. For pages, queries and JSON of any client.
    Coerce,
    /// Only values of the type; text stays as it is. JSON has no dates and UUIDs: they are texts there.
    Strict,
};

struct FormOptions {
    std::string title = {};
    Mode mode = Mode::Coerce;
    bool refuses_unknown = true;            ///< A name that is no field is an error; else it is left out.
    std::vector<std::string> ignored = {};  ///< Names that are left out all the same: `csrfmiddlewaretoken`.
    std::vector<Rule> rules = {};
    std::vector<UniqueTogether> unique_together = {};
    std::uint64_t json_bytes_max = 1U << 20;
};

/// How one check is done.
struct CheckOptions {
    std::optional<Mode> mode = {};  ///< Instead of the form's.
    /// Fields that are not given are not missed and get no default: for a change of some fields.
    bool is_partial = false;
    /// Where `unique` and `exists` look; must not be null for a form that has any, unless
    /// `skips_database` leaves them to the constraints of the database.
    const data::Session* session = nullptr;
    bool skips_database = false;
    std::optional<std::int64_t> except_key = {};  ///< The row that is changed, which may keep its values.
    const core::Clock* clock = nullptr;           ///< Of `:today` and `:now`. Null: the machine's.
    const Messages* messages = nullptr;           ///< Null: English.
    std::size_t errors_max = 100;
};

/// An error as it was found, before it has a message.
struct FoundError {
    std::string path;
    std::string code;
    core::Details params;
    const std::string* own_message = nullptr;  ///< That of the field or rule; lives as long as the form.

    [[nodiscard]] std::string message(const Messages& messages) const;
};

/// Clean values and errors of one check, in the memory of the check itself: what bindings read, so that
/// nothing is made that nobody asks for. It ends with the input, and with the form. Threading: confined.
class CONSILIA_API Checked {
public:
    Checked() noexcept : arena_(buffer_, sizeof buffer_) {}
    Checked(const Checked&) = delete;
    Checked& operator=(const Checked&) = delete;

    [[nodiscard]] const CleanItems& values() const noexcept { return root_; }
    [[nodiscard]] std::span<const FoundError> errors() const noexcept { return errors_; }
    [[nodiscard]] std::vector<FoundError> take_errors() noexcept { return std::move(errors_); }

private:
    friend class FormCheck;
    std::byte buffer_[4096];
    std::pmr::monotonic_buffer_resource arena_;
    std::shared_ptr<const void> source_;  ///< What the texts of the input lie in.
    CleanItems root_;
    std::vector<FoundError> errors_;
};

/// Rules for the fields of an object. Immutable; copies share. Threading: safe.
///
/// ```cpp
/// const validation::Form form({{.name = "username", .length_min = 3, .length_max = 150, .pattern =
/// "^[a-z]+$"},
///                              {.name = "email", .kind = FieldKind::Email},
///                              validation::age_field("age")});
/// const validation::Report report = form.check_json(body);
/// if (!report.is_valid()) return answer(400, report.errors_json());
/// ```
class CONSILIA_API Form {
public:
    /// @throws InvalidArgument (`form.field`, `form.duplicate`, `form.rule`) for a declaration without a
    /// meaning, naming the field.
    explicit Form(std::vector<Field> fields, FormOptions options = {});

    [[nodiscard]] std::span<const Field> fields() const noexcept;
    [[nodiscard]] const Field* find_field(std::string_view name) const noexcept;
    [[nodiscard]] const FormOptions& options() const noexcept;
    [[nodiscard]] const FormShape& shape() const noexcept;
    /// It, or a form in it, has a `unique` or `exists`.
    [[nodiscard]] bool needs_database() const noexcept;

    /// Checks an object of JSON. What is no JSON is the one error `json`.
    /// @throws InvalidArgument (`form.session`) without a session that the form needs, here and below.
    [[nodiscard]] Report check_json(std::string_view json, const CheckOptions& options = {}) const;
    /// Checks values by name: the fields of a page as texts, a row. Several of one name are a list.
    [[nodiscard]] Report check(std::span<const NamedValue> values, const CheckOptions& options = {}) const;
    /// Checks what a reader reads, for bindings.
    void check(InputReader& reader, const Input& object, const CheckOptions& options, Checked& into) const;
    void check_json(std::string_view json, const CheckOptions& options, Checked& into) const;

    struct Plan;  ///< Of the library itself.
    [[nodiscard]] const Plan& plan() const noexcept { return *plan_; }

private:
    std::shared_ptr<const Plan> plan_;
};

}  // namespace consilia::validation
