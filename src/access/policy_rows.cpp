// A policy asked about the rows of a result: its columns are the fields of objects.
#include <algorithm>
#include <utility>

#include "access/decide.hpp"
#include "access/field_names.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using data::RowSet;

// The fields that conditions ask for, each with its column: looked up once, not by row.
class RowFields {
public:
    explicit RowFields(const RowSet& rows) : rows_(rows) {}

    // @throws InvalidArgument (`access.missing_field`) for a field that is no column.
    void require(const Expression& condition) {
        if (condition.op() == core::Operator::Field) static_cast<void>(column_of(condition.name()));
        for (const Expression& operand : condition.operands()) require(operand);
    }
    [[nodiscard]] bool empty() const noexcept { return known_.empty(); }
    [[nodiscard]] core::Value value(std::size_t row, std::string_view path) {
        return rows_.value(row, column_of(path));
    }

private:
    [[nodiscard]] std::size_t column_of(std::string_view path) {
        const auto known = std::find_if(known_.begin(), known_.end(),
                                        [&](const auto& field) { return field.first == path; });
        if (known != known_.end()) return known->second;
        const auto columns = rows_.columns();
        const auto found = std::find_if(columns.begin(), columns.end(),
                                        [&](const data::RowColumn& column) { return column.name == path; });
        if (found == columns.end()) {
            throw core::InvalidArgument(
                "access.missing_field",
                "a condition asks for `" + std::string(path) + "`, which is no column of the rows",
                {{"field", path}});
        }
        known_.emplace_back(path, static_cast<std::size_t>(found - columns.begin()));
        return known_.back().second;
    }

    const RowSet& rows_;
    std::vector<std::pair<std::string_view, std::size_t>> known_;
};

// What `decide` may ask for these roles. Returns whether it may go on to ask a lender.
bool require_decided(const CompiledPolicy& policy, std::span<const std::uint32_t> roles, std::uint32_t column,
                     RowFields& fields) {
    const auto cell_of = [&](std::uint32_t role) -> const Cell& {
        return policy.cells[std::size_t{role} * policy.width() + column];
    };
    bool is_allowed = false;
    for (const std::uint32_t role : roles) {
        const Cell& cell = cell_of(role);
        if (cell.kind == CellKind::Denied) return false;
        is_allowed =
            is_allowed || cell.kind == CellKind::Allowed ||
            (cell.kind == CellKind::Conditional && policy.conditionals[cell.first].always_allows != kNone);
    }
    for (const std::uint32_t role : roles) {
        if (cell_of(role).kind != CellKind::Conditional) continue;
        const Conditional& rules = policy.conditionals[cell_of(role).first];
        for (const std::uint32_t number : rules.denies) fields.require(policy.rules[number].condition);
        if (is_allowed) continue;
        for (const std::uint32_t number : rules.allows) fields.require(policy.rules[number].condition);
    }
    return !is_allowed;
}

void require_named(const CompiledPolicy& policy, std::span<const std::uint32_t> roles, std::uint32_t column,
                   RowFields& fields) {
    for (const std::uint32_t role : roles) {
        for (const std::uint32_t number : policy.fields[std::size_t{role} * policy.width() + column])
            fields.require(policy.field_rules[number].condition);
    }
}

// Whether `names` holds the path, or an object that it lies in.
bool is_named(const Names& names, std::string_view path) {
    for (std::size_t end = path.find('.'); end != std::string_view::npos; end = path.find('.', end + 1)) {
        if (names.contains(path.substr(0, end))) return true;
    }
    return names.contains(path);
}

void append_cell(RowSet& to, const RowSet& from, std::size_t row, std::size_t column) {
    const data::ColumnData& cells = from.column(column);
    const core::ValueType type = cells.type(row);
    switch (type) {
        case core::ValueType::Null:
            return to.append_null();
        case core::ValueType::Bool:
        case core::ValueType::Int64:
        case core::ValueType::Timestamp:
            return to.append_int64(type, cells.int64(row));
        case core::ValueType::Double:
            return to.append_double(cells.number(row));
        case core::ValueType::Date:
            return to.append_date(cells.date(row));
        case core::ValueType::Uuid:
            return to.append_uuid(cells.uuid(row));
        case core::ValueType::Text:
        case core::ValueType::Blob:
        case core::ValueType::Json:
            return to.append_bytes(type, cells.bytes(row));
    }
}

}  // namespace

std::vector<Decision> Policy::check_rows(const Subject& subject, PermissionId permission, const RowSet& rows,
                                         const Context& context) const {
    const BoundPrincipal& bound = *subject.bound_;
    require_subject_of(*compiled_, bound);
    const auto column = static_cast<std::uint32_t>(permission);
    RowFields fields(rows);
    if (!is_barred(bound, column) && require_decided(*compiled_, bound.roles, column, fields)) {
        for (const BoundDelegation* lent : lent_now(bound, column, context))
            static_cast<void>(require_decided(*compiled_, lent->roles, column, fields));
    }
    // Without a field to ask for, all rows are one.
    if (fields.empty()) return std::vector(rows.size(), check(subject, permission, nothing(), context));
    const auto field = [&fields](std::size_t row, std::string_view path) { return fields.value(row, path); };
    return check_many(subject, permission, rows.size(), field, context);
}

RowSet Policy::redact_rows(const Principal& principal, std::string_view action, std::string_view resource,
                           const RowSet& rows, const Context& context) const {
    const BoundPrincipal bound = bind_principal(compiled_, principal);
    const std::uint32_t number = compiled_->column(action, resource);
    RowFields fields(rows);
    if (!is_barred(bound, number)) {
        require_named(*compiled_, bound.roles, number, fields);
        for (const BoundDelegation* lent : lent_now(bound, number, context)) {
            static_cast<void>(require_decided(*compiled_, lent->roles, number, fields));
            require_named(*compiled_, lent->roles, number, fields);
        }
    }
    std::size_t row = 0;
    const core::FieldSource object = [&](std::string_view path) { return fields.value(row, path); };
    const Names possible = names_of(bound, number, context, Certainty::Possible);
    std::vector<std::size_t> kept;
    std::vector<data::RowColumn> columns;
    for (std::size_t i = 0; i < rows.columns().size(); ++i) {
        if (!is_named(possible, rows.columns()[i].name)) continue;
        kept.push_back(i);
        columns.push_back(rows.columns()[i]);
    }
    RowSet redacted(std::move(columns));
    if (kept.empty()) return redacted;
    std::vector<bool> is_shown(kept.size());
    for (; row < rows.size(); ++row) {
        if (row == 0 || !fields.empty()) {  // Without a field to ask for, all rows are one.
            const Names names = names_of(bound, number, object, context);
            for (std::size_t i = 0; i < kept.size(); ++i)
                is_shown[i] = is_named(names, rows.columns()[kept[i]].name);
        }
        for (std::size_t i = 0; i < kept.size(); ++i) {
            if (is_shown[i]) {
                append_cell(redacted, rows, row, kept[i]);
            } else {
                redacted.append_null();
            }
        }
    }
    return redacted;
}

}  // namespace consilia::access
