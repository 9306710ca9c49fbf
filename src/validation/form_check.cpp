#include "validation/form_check.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "consilia/core/error.hpp"

namespace consilia::validation {
namespace {

std::string_view name_of(InputKind kind) {
    static constexpr std::string_view kNames[] = {"nothing", "null",   "boolean", "integer",
                                                  "number",  "text",   "date",    "timestamp",
                                                  "uuid",    "object", "list",    "json"};
    return kNames[static_cast<std::size_t>(kind)];
}

/// Whether a text within the JSON has the character that no text of PostgreSQL can have.
bool has_zero(std::string_view json) {
    constexpr std::string_view kZero = "\\u0000";
    for (std::size_t at = json.find(kZero); at != std::string_view::npos; at = json.find(kZero, at + 1)) {
        std::size_t first = at;
        while (first > 0 && json[first - 1] == '\\') --first;
        if ((at - first) % 2 == 0) return true;
    }
    return false;
}

}  // namespace

std::string path_of(const Step* step) {
    if (step == nullptr) return {};
    std::string path = path_of(step->up);
    if (!path.empty()) path += '.';
    return path += step->name.empty() ? std::to_string(step->index) : std::string(step->name);
}

FormCheck::FormCheck(const Form::Plan& plan, InputReader& reader, const CheckOptions& options, Checked& into)
    : plan_(plan),
      reader_(reader),
      options_(options),
      out_(into),
      is_strict_(options.mode.value_or(plan.options.mode) == Mode::Strict) {
    if (!plan.needs_database || options.skips_database) return;
    if (options.session == nullptr)
        throw core::InvalidArgument("form.session",
                                    "this form looks into the database: a session is needed to check it");
    asks_rows_ = true;
}

void FormCheck::run(const Input& object) {
    if (object.kind != InputKind::Object) {
        add(nullptr, "type",
            {{"wanted", "object"},
             {"found", object.kind == InputKind::Other ? object.text : name_of(object.kind)}},
            nullptr);
        return;
    }
    const CleanItems* clean = check_object(plan_, object, nullptr);
    reader_.finish();
    if (!questions_.empty() || !together_.empty()) answer_rows();
    out_.root_ = *clean;
}

void FormCheck::refuse_json(const JsonProblem& problem) {
    core::Details params{{"reason", problem.reason}};
    if (problem.reason == "too_large") {
        params.push_back({"limit", plan_.options.json_bytes_max});
    } else {
        params.push_back({"offset", problem.offset});
    }
    add(nullptr, "json", std::move(params), nullptr);
}

template <class T>
std::span<T> FormCheck::array(std::size_t count) {
    if (count == 0) return {};
    T* const first = static_cast<T*>(out_.arena_.allocate(count * sizeof(T), alignof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
}

std::string_view FormCheck::stored(std::string_view text) {
    const std::span<char> bytes = array<char>(text.size());
    std::ranges::copy(text, bytes.begin());
    return {bytes.data(), bytes.size()};
}

const CleanItems* FormCheck::check_object(const Form::Plan& plan, const Input& object, const Step* at) {
    const std::size_t count = plan.fields.size();
    const std::span<Input> given = array<Input>(count);
    StrayNames strays;
    reader_.read_object(object, plan.shape, given, strays);
    if (!strays.unknown.empty() || !strays.repeated.empty()) check_strays(plan, strays, at);

    Object found{plan, array<Input>(count), array<bool>(count)};
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t before = errors_;
        found.clean[i] = check_field(plan.field_plans[i], given[i], {at, plan.fields[i].name, 0});
        found.failed[i] = errors_ != before;
    }
    check_rules(found, at);
    if (asks_rows_) ask_together(found, at);
    CleanItems& items = array<CleanItems>(1).front();
    items = {&plan.shape, found.clean};
    return &items;
}

void FormCheck::check_strays(const Form::Plan& plan, const StrayNames& strays, const Step* at) {
    for (const std::string& name : strays.repeated) {
        const Step step{at, name, 0};
        add(&step, "repeated", {}, nullptr);
    }
    if (!plan.options.refuses_unknown) return;
    for (const std::string& name : strays.unknown) {
        if (plan.shape.is_ignored(name)) continue;
        const Step step{at, name, 0};
        add(&step, "unknown", {}, nullptr);
    }
}

Input FormCheck::fallback(const FieldPlan& plan) {
    if (options_.is_partial) return {};
    return to_input(plan.field->default_value);
}

Input FormCheck::absent(const FieldPlan& plan, const Step& at) {
    if (plan.field->is_required && !options_.is_partial) return fail(plan, at, "required");
    Input clean = fallback(plan);
    if (clean.kind == InputKind::Null) clean.kind = InputKind::Absent;
    return clean;
}

Input FormCheck::null(const FieldPlan& plan, const Step& at) {
    if (!plan.field->is_nullable) return fail(plan, at, "null");
    Input clean;
    clean.kind = InputKind::Null;
    return clean;
}

/// White space in the place of a value: what a page sends for a field that was left empty.
Input FormCheck::blank(const FieldPlan& plan, const Step& at) {
    if (is_strict_) return fail(plan, at, "blank");
    if (plan.field->is_nullable) return null(plan, at);
    if (plan.field->is_required) return fail(plan, at, "required");
    return absent(plan, at);
}

Input FormCheck::check_field(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind == InputKind::Absent) return absent(plan, at);
    if (given.kind == InputKind::Null) return null(plan, at);
    const std::size_t before = errors_;
    const Input clean = check_value(plan, given, at);
    if (errors_ != before) return {};
    if (asks_rows_ && clean.kind > InputKind::Null) ask_rows(plan, clean, at);
    return clean;
}

Input FormCheck::check_value(const FieldPlan& plan, const Input& given, const Step& at) {
    switch (plan.field->kind) {
        case FieldKind::Boolean:
            return check_boolean(plan, given, at);
        case FieldKind::Integer:
            return check_integer(plan, given, at);
        case FieldKind::Number:
            return check_number(plan, given, at);
        case FieldKind::Date:
            return check_date(plan, given, at);
        case FieldKind::Timestamp:
            return check_timestamp(plan, given, at);
        case FieldKind::Uuid:
            return check_uuid(plan, given, at);
        case FieldKind::Json:
            return check_json(plan, given, at);
        case FieldKind::Object:
            return check_nested(plan, given, at);
        case FieldKind::List:
            return check_list(plan, given, at);
        default:
            return check_text(plan, given, at);
    }
}

Input FormCheck::check_nested(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind != InputKind::Object) return fail_type(plan, at, given);
    Input clean;
    clean.kind = InputKind::Object;
    clean.items = check_object(plan.field->form->plan(), given, &at);
    return clean;
}

Input FormCheck::check_list(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind != InputKind::List) return fail_type(plan, at, given);
    std::vector<Input> elements;
    const std::size_t count = reader_.read_list(given, plan.length_max, elements);
    if (count < plan.length_min)
        return fail(plan, at, "too_few", {{"limit", plan.length_min}, {"found", count}});
    if (count > plan.length_max)
        return fail(plan, at, "too_many", {{"limit", plan.length_max}, {"found", count}});
    const std::span<Input> values = array<Input>(elements.size());
    for (std::size_t i = 0; i < elements.size(); ++i)
        values[i] = check_field(*plan.items, elements[i], {&at, {}, i});
    if (plan.field->has_unique_items) {
        std::vector<std::string> seen(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i].kind == InputKind::Absent) continue;
            append_json(seen[i], values[i]);
            if (std::find(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(i), seen[i]) !=
                seen.begin() + static_cast<std::ptrdiff_t>(i))
                fail(plan, {&at, {}, i}, "duplicate");
        }
    }
    CleanItems& items = array<CleanItems>(1).front();
    items = {nullptr, values};
    Input clean;
    clean.kind = InputKind::List;
    clean.items = &items;
    return clean;
}

Input FormCheck::check_json(const FieldPlan& plan, const Input& given, const Step& at) {
    const std::string json = reader_.to_json(given);
    if (json.empty()) return fail(plan, at, "json_value");
    if (has_zero(json)) return fail(plan, at, "control_character");
    Input clean = Input::of(stored(json), reader_.gives_objects() ? given.node : nullptr);
    clean.kind = InputKind::Json;
    return clean;
}

const std::string* FormCheck::own_message(const Field& field, std::string_view code) noexcept {
    const std::string* own = nullptr;
    for (const auto& [named, message] : field.messages) {
        if (named == code) own = &message;
    }
    return own;
}

Input FormCheck::fail(const FieldPlan& plan, const Step& at, std::string_view code, core::Details params) {
    add(&at, code, std::move(params), own_message(*plan.field, code));
    return {};
}

Input FormCheck::fail_type(const FieldPlan& plan, const Step& at, const Input& given) {
    return fail(plan, at, "type",
                {{"wanted", to_string(plan.field->kind)},
                 {"found", given.kind == InputKind::Other ? given.text : name_of(given.kind)}});
}

void FormCheck::add(const Step* at, std::string_view code, core::Details params,
                    const std::string* own_message) {
    if (errors_ < options_.errors_max) {
        add(path_of(at), code, std::move(params), own_message);
    } else {
        ++errors_;
    }
}

void FormCheck::add(std::string path, std::string_view code, core::Details params,
                    const std::string* own_message) {
    if (++errors_ > options_.errors_max) return;
    out_.errors_.push_back({std::move(path), std::string(code), std::move(params), own_message});
}

}  // namespace consilia::validation
