#pragma once
// One check of one input.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "validation/form_plan.hpp"

namespace consilia::validation {

/// Where a value stands, from inside out; a path is made only for an error.
struct Step {
    const Step* up = nullptr;
    std::string_view name;  ///< Empty: an element of a list.
    std::size_t index = 0;
};
std::string path_of(const Step* step);

/// Why a text is no JSON.
struct JsonProblem {
    std::string_view reason;  ///< `syntax`, `too_large`, `encoding`, `depth`, `number`, `not_an_object`.
    std::size_t offset = 0;
};

/// A value of a column that must be free, or taken, once everything else was looked at.
struct RowQuestion {
    const RowCheck* check;
    bool must_exist;
    Input value;
    std::string path;
    const FieldPlan* field;
};

/// A report owns what a check found.
Report make_report(const Form::Plan& plan, const Checked& checked, const CheckOptions& options);

/// A value as an input; its text is borrowed.
Input to_input(const core::Value& value);
/// The value behind a clean one; objects and lists as Json.
core::Value to_value(const Input& clean);
/// Appends a clean value as JSON.
void append_json(std::string& json, const Input& clean);

class FormCheck {
public:
    FormCheck(const Form::Plan& plan, InputReader& reader, const CheckOptions& options, Checked& into);

    void run(const Input& object);
    void refuse_json(const JsonProblem& problem);
    void keep(std::shared_ptr<const void> source) { out_.source_ = std::move(source); }

private:
    /// The clean values of one object, and which of them have errors.
    struct Object {
        const Form::Plan& plan;
        std::span<Input> clean;
        std::span<bool> failed;
    };

    const CleanItems* check_object(const Form::Plan& plan, const Input& object, const Step* at);
    void check_strays(const Form::Plan& plan, const StrayNames& strays, const Step* at);
    Input check_field(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_value(const FieldPlan& plan, const Input& given, const Step& at);
    Input absent(const FieldPlan& plan, const Step& at);
    Input null(const FieldPlan& plan, const Step& at);
    Input blank(const FieldPlan& plan, const Step& at);
    Input fallback(const FieldPlan& plan);

    Input check_boolean(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_integer(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_number(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_date(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_timestamp(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_uuid(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_json(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_list(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_nested(const FieldPlan& plan, const Input& given, const Step& at);
    Input check_text(const FieldPlan& plan, const Input& given, const Step& at);
    std::string_view clean_text(const FieldPlan& plan, std::string_view text, bool is_ascii);
    void check_format(const FieldPlan& plan, Input& text, const Step& at);
    template <class T>
    bool is_within(const FieldPlan& plan, T value, const Step& at);
    /// What a text of a page says, where it may stand for another type; empty: it is blank.
    std::optional<std::string_view> spelled(const FieldPlan& plan, const Input& given) const;

    void check_rules(Object& object, const Step* at);
    bool is_required_now(const FieldPlan& plan, const Object& object);
    [[nodiscard]] std::optional<bool> truth(const core::Expression& condition, const Object& object) const;
    void ask_rows(const FieldPlan& plan, const Input& clean, const Step& at);
    void ask_together(const Object& object, const Step* at);
    void answer_rows();
    void answer(std::span<const RowQuestion> questions);
    void answer(const UniqueTogether& unique, std::span<const Input> values, const std::string& path);
    [[nodiscard]] core::Expression apart_from_own(const data::Model& model) const;

    /// What the field says instead of the message of a code; null: nothing.
    static const std::string* own_message(const Field& field, std::string_view code) noexcept;
    Input fail(const FieldPlan& plan, const Step& at, std::string_view code, core::Details params = {});
    Input fail_type(const FieldPlan& plan, const Step& at, const Input& given);
    void add(const Step* at, std::string_view code, core::Details params, const std::string* own_message);
    void add(std::string path, std::string_view code, core::Details params, const std::string* own_message);
    [[nodiscard]] std::string_view stored(std::string_view text);
    template <class T>
    std::span<T> array(std::size_t count);

    const Form::Plan& plan_;
    InputReader& reader_;
    const CheckOptions& options_;
    Checked& out_;
    const bool is_strict_;
    bool asks_rows_ = false;
    std::size_t errors_ = 0;  ///< Also those past the limit.
    std::vector<RowQuestion> questions_;
    struct Together {
        const UniqueTogether* unique;
        std::vector<Input> values;
        std::string path;
    };
    std::vector<Together> together_;
};

}  // namespace consilia::validation
