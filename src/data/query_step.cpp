#include "query_step.hpp"

#include <algorithm>
#include <functional>

#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood, 2014) over both.
std::uint64_t mix(std::uint64_t seed, std::uint64_t value) noexcept {
    std::uint64_t x = seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

std::uint64_t bits_of(const QueryStep& step) noexcept {
    return static_cast<std::uint64_t>(step.kind) | static_cast<std::uint64_t>(step.nulls) << 8 |
           (step.flag ? std::uint64_t{1} << 16 : 0);
}

/// Bound values of `extra` are no part of the shape; the number of `values` is.
std::uint64_t hash_of(const StepExtra& extra) noexcept {
    std::uint64_t hash = extra.values.size();
    for (const NamedExpression& named : extra.expressions) {
        hash = mix(mix(hash, std::hash<std::string_view>()(named.name)), named.value.shape_hash());
    }
    for (const Query& query : extra.queries) hash = mix(hash, nested_hash(*QueryStep::of(query)));
    return hash;
}

bool same_extra(const StepExtra* a, const StepExtra* b, bool with_values) noexcept {
    if (a == b) return true;
    if (a == nullptr || b == nullptr) return false;
    const auto same_named = [&](const NamedExpression& x, const NamedExpression& y) {
        return x.name == y.name && (with_values ? x.value.same_as(y.value) : x.value.same_shape(y.value));
    };
    const auto same_query = [&](const Query& x, const Query& y) {
        const QueryStep& left = *QueryStep::of(x);
        const QueryStep& right = *QueryStep::of(y);
        return with_values ? same_chain(left, right) : same_nested_shape(left, right);
    };
    return (with_values ? a->values == b->values : a->values.size() == b->values.size()) &&
           std::equal(a->expressions.begin(), a->expressions.end(), b->expressions.begin(),
                      b->expressions.end(), same_named) &&
           std::equal(a->queries.begin(), a->queries.end(), b->queries.begin(), b->queries.end(), same_query);
}

bool same_step(const QueryStep& a, const QueryStep& b, bool with_values) noexcept {
    return bits_of(a) == bits_of(b) && a.identity == b.identity && a.text == b.text &&
           ((a.kind == StepKind::Offset && !with_values) || a.number == b.number) &&
           (with_values ? a.expression.same_as(b.expression) : a.expression.same_shape(b.expression)) &&
           same_extra(a.extra.get(), b.extra.get(), with_values);
}

bool same_steps(const QueryStep& a, const QueryStep& b, bool with_values) noexcept {
    if (a.position != b.position || a.hash != b.hash) return false;
    const QueryStep* left = &a;
    const QueryStep* right = &b;
    while (left != right && left != nullptr && right != nullptr) {
        if (!same_step(*left, *right, with_values)) return false;
        left = left->parent.get();
        right = right->parent.get();
    }
    return left == right;
}

/// A value that is bound as this one, and says nothing.
core::Value empty_like(const core::Value& value) {
    switch (value.type()) {
        case core::ValueType::Int64:
            return 0;
        case core::ValueType::Text:
            return "";
        case core::ValueType::Blob:
            return core::Blob{};
        case core::ValueType::Json:
            return core::Json{"null"};
        default:  // Part of the text, or a few bytes.
            return value;
    }
}

core::Expression without_values(const core::Expression& expression) {
    if (expression.op() == core::Operator::Literal) {
        return expression.is_always_true() ? expression
                                           : core::Expression::literal(empty_like(expression.value()));
    }
    if (expression.operands().empty()) return expression;
    std::vector<core::Expression> operands;
    operands.reserve(expression.operands().size());
    for (const core::Expression& operand : expression.operands()) operands.push_back(without_values(operand));
    return expression.with_operands(std::move(operands));
}

StepExtra without_values(const StepExtra& extra) {
    StepExtra copy = extra;
    for (NamedExpression& named : copy.expressions) named.value = without_values(named.value);
    for (core::Value& value : copy.values) value = empty_like(value);
    return copy;
}

std::int64_t offset_of(const QueryStep& last) noexcept {
    if (!last.has(StepKind::Offset)) return 0;
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        if (step->kind == StepKind::Offset) return step->number;
    }
    return 0;
}

}  // namespace

std::shared_ptr<const QueryStep> QueryStep::append(const std::shared_ptr<const QueryStep>& parent,
                                                   QueryStep&& step) {
    if (parent->position >= Query::kStepsMax) {
        throw core::InvalidArgument("query.too_long", "the query has too many steps",
                                    {{"limit", static_cast<std::int64_t>(Query::kStepsMax)}});
    }
    step.position = static_cast<std::uint16_t>(parent->position + 1);
    std::size_t depth = std::max<std::size_t>(parent->expression_depth, step.expression.depth());
    std::uint64_t hash = mix(parent->hash, bits_of(step));
    if (!step.text.empty()) hash = mix(hash, std::hash<std::string_view>()(step.text));
    if (step.kind != StepKind::Offset) hash = mix(hash, static_cast<std::uint64_t>(step.number));
    if (!step.expression.is_always_true()) hash = mix(hash, step.expression.shape_hash());
    if (step.extra) {
        hash = mix(hash, hash_of(*step.extra));
        for (const NamedExpression& named : step.extra->expressions) {
            depth = std::max(depth, named.value.depth());
        }
    }
    step.hash = hash;
    step.expression_depth = static_cast<std::uint16_t>(depth);
    step.kinds = parent->kinds | std::uint32_t{1} << static_cast<unsigned>(step.kind);
    step.identity = parent->identity;
    step.model = parent->model;
    step.parent = parent;
    return std::make_shared<const QueryStep>(std::move(step));
}

std::shared_ptr<const QueryStep> QueryStep::source(const Model& model, std::shared_ptr<const StepExtra> extra,
                                                   bool is_distinct) {
    QueryStep step;
    step.model = &model;
    step.flag = is_distinct;
    // The model of a query's rows is as good as the query: it has no identity of its own.
    step.identity = extra ? 0 : model.identity();
    step.hash = mix(step.identity, bits_of(step));
    if (extra) {
        step.hash = mix(step.hash, hash_of(*extra));
        std::size_t depth = 0;
        for (const Query& query : extra->queries) {
            depth = std::max<std::size_t>(depth, of(query)->expression_depth);
        }
        step.expression_depth = static_cast<std::uint16_t>(depth);
    }
    step.extra = std::move(extra);
    return std::make_shared<const QueryStep>(std::move(step));
}

std::uint64_t nested_hash(const QueryStep& last) noexcept {
    return mix(last.hash, static_cast<std::uint64_t>(offset_of(last)));
}

bool same_nested_shape(const QueryStep& a, const QueryStep& b) noexcept {
    return same_steps(a, b, false) && offset_of(a) == offset_of(b);
}

bool same_shape(const QueryStep& a, const QueryStep& b) noexcept {
    return same_steps(a, b, false);
}

bool same_chain(const QueryStep& a, const QueryStep& b) noexcept {
    return same_steps(a, b, true);
}

std::shared_ptr<const QueryStep> without_values(const std::shared_ptr<const QueryStep>& last) {
    std::vector<const QueryStep*> steps;
    for (const QueryStep* step = last.get(); step != nullptr; step = step->parent.get())
        steps.push_back(step);
    std::shared_ptr<const QueryStep> copied;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        QueryStep copy = **step;
        copy.parent = copied;
        copy.expression = without_values(copy.expression);
        if (copy.kind == StepKind::Search || copy.kind == StepKind::Keys ||
            (copy.extra && !copy.extra->expressions.empty())) {
            copy.extra = std::make_shared<const StepExtra>(without_values(*copy.extra));
        }
        copied = std::make_shared<const QueryStep>(std::move(copy));
    }
    return copied;
}

std::vector<std::string_view> names_of(std::string_view text) {
    std::vector<std::string_view> names;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(kNameSeparator), text.size());
        names.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return names;
}

const QueryStep* find_annotation(const QueryStep& last, std::string_view name) noexcept {
    if (!last.has(StepKind::Annotate)) return nullptr;
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        if (step->kind == StepKind::Annotate && step->text == name) return step;
    }
    return nullptr;
}

core::Expression with_annotations(const core::Expression& expression, const QueryStep& last) {
    if (!last.has(StepKind::Annotate)) return expression;
    if (expression.op() == core::Operator::Field) {
        const QueryStep* annotation = find_annotation(last, expression.name());
        return annotation == nullptr ? expression : annotation->expression;
    }
    if (expression.operands().empty()) return expression;
    std::vector<core::Expression> operands;
    operands.reserve(expression.operands().size());
    bool is_changed = false;
    for (const core::Expression& operand : expression.operands()) {
        operands.push_back(with_annotations(operand, last));
        is_changed = is_changed || !operands.back().same_as(operand);
    }
    return is_changed ? expression.with_operands(std::move(operands)) : expression;
}

std::vector<const QueryStep*> order_of(const QueryStep& last) {
    std::vector<const QueryStep*> order;
    if (!last.has(StepKind::Order)) return order;
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        if (step->kind == StepKind::Unordered) break;
        if (step->kind == StepKind::Order) order.push_back(step);
    }
    std::reverse(order.begin(), order.end());
    return order;
}

}  // namespace consilia::data
