// Values that must be free in a table, or there: one statement for all values of a field.
#include <algorithm>

#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/query.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {
namespace {

constexpr std::size_t kValuesAtOnce = 1'000;

/// As the database compares without case: ASCII letters only.
core::Value folded(core::Value value, bool ignores_case) {
    const auto* text = value.if_as<std::string>();
    if (!ignores_case || text == nullptr) return value;
    std::string lower = *text;
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

core::Term term_of(const RowCheck& check) {
    const core::Term column = core::field(check.column);
    return check.ignores_case
               ? core::Term(core::Expression::make(core::Operator::Lower, {column.expression()}))
               : column;
}

}  // namespace

void FormCheck::ask_rows(const FieldPlan& plan, const Input& clean, const Step& at) {
    const Field& field = *plan.field;
    if (field.unique.model) questions_.push_back({&field.unique, false, clean, path_of(&at), &plan});
    if (field.exists.model) questions_.push_back({&field.exists, true, clean, path_of(&at), &plan});
}

void FormCheck::ask_together(const Object& object, const Step* at) {
    for (const UniqueTogether& unique : object.plan.options.unique_together) {
        Together asked{&unique, {}, path_of(at)};
        for (const std::string& name : unique.fields) {
            const std::size_t place = object.plan.shape.find(name);
            const Input& value = object.clean[place];
            if (!object.failed[place] && value.kind > InputKind::Null) asked.values.push_back(value);
        }
        if (asked.values.size() == unique.fields.size()) together_.push_back(std::move(asked));
    }
}

core::Expression FormCheck::apart_from_own(const data::Model& model) const {
    if (!options_.except_key || model.primary_key() == nullptr) return {};
    return core::field(model.primary_key()->name) != *options_.except_key;
}

void FormCheck::answer_rows() {
    std::ranges::stable_sort(questions_, std::less<>(), &RowQuestion::check);
    for (auto first = questions_.begin(); first != questions_.end();) {
        const auto last = std::find_if(first, questions_.end(),
                                       [&](const RowQuestion& each) { return each.check != first->check; });
        for (auto at = first; at != last;) {
            const auto end = at + std::min<std::ptrdiff_t>(last - at, kValuesAtOnce);
            answer({at, end});
            at = end;
        }
        first = last;
    }
    for (const Together& asked : together_) answer(*asked.unique, asked.values, asked.path);
}

void FormCheck::answer(std::span<const RowQuestion> questions) {
    const RowCheck& check = *questions.front().check;
    const bool must_exist = questions.front().must_exist;
    std::vector<core::Value> values;
    values.reserve(questions.size());
    for (const RowQuestion& question : questions)
        values.push_back(folded(to_value(question.value), check.ignores_case));

    data::Query query(*check.model);
    query = query.where(term_of(check).in(values));
    if (!must_exist) query = query.with_deleted().where(apart_from_own(*check.model));
    const data::RowSet rows = query.select({std::string_view(check.column)}).run(*options_.session);
    const std::size_t column = rows.column_index(check.column);
    std::vector<core::Value> found;
    found.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row)
        found.push_back(folded(rows.value(row, column), check.ignores_case));

    for (std::size_t i = 0; i < questions.size(); ++i) {
        const bool is_there = std::ranges::find(found, values[i]) != found.end();
        if (is_there == must_exist) continue;
        const std::string_view code = must_exist ? "not_found" : "taken";
        add(questions[i].path, code, {}, own_message(*questions[i].field->field, code));
    }
}

void FormCheck::answer(const UniqueTogether& unique, std::span<const Input> values, const std::string& path) {
    core::Expression condition = apart_from_own(*unique.model);
    for (std::size_t i = 0; i < values.size(); ++i)
        condition = condition && core::field(unique.columns[i]) == to_value(values[i]);
    if (!data::Query(*unique.model).with_deleted().where(condition).exists(*options_.session)) return;
    std::string fields;
    for (const std::string& field : unique.fields) fields += (fields.empty() ? "" : ", ") + field;
    add(path, "taken_together", {{"fields", fields}}, nullptr);
}

}  // namespace consilia::validation
