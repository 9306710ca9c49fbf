#pragma once
// A field that knows its type: comparing it with a value of another type does not compile.
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/data/field_type.hpp"

namespace consilia::data {

template <class V>
class TypedField;

namespace detail {

template <class V>
struct IsTypedField : std::false_type {};
template <class V>
struct IsTypedField<TypedField<V>> : std::true_type {};

/// An integer that fits an int64.
template <class U>
concept Integer = std::integral<U> && !std::same_as<U, bool> && (sizeof(U) < 8 || std::is_signed_v<U>);

/// May a field of type F (without its optional) be compared with a U?
template <class F, class U>
constexpr bool is_comparable() {
    if constexpr (IsTypedField<U>::value) {
        return std::same_as<F, typename U::Type>;
    } else if constexpr (std::same_as<F, std::string>) {
        return std::convertible_to<const U&, std::string_view>;
    } else if constexpr (std::same_as<F, std::int64_t>) {
        return Integer<U>;
    } else if constexpr (std::same_as<F, double>) {
        return Integer<U> || std::floating_point<U>;
    } else {
        return std::same_as<F, U>;
    }
}

template <class F>
constexpr bool is_number() {
    return std::same_as<F, std::int64_t> || std::same_as<F, double>;
}

template <class F>
constexpr bool is_ordered() {
    return !std::same_as<F, bool> && !std::is_enum_v<F> && !std::same_as<F, core::Json> &&
           !std::same_as<F, core::Blob>;
}

}  // namespace detail

/// A field of a mapped struct inside an expression: `field(&Prediction::status) == Status::Completed`. The
/// field stands on the left. An optional member is compared as what it holds, with SQL's logic; `is_null()`
/// asks whether it holds anything. Threading: safe.
template <class V>
class TypedField {
public:
    using Type = unwrapped_field_t<V>;  ///< What the field is compared with.

    explicit TypedField(std::string_view path) : term_(core::field(path)), path_(path) {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const core::Term& term() const noexcept { return term_; }

    template <class U>
    [[nodiscard]] core::Expression operator==(const U& other) const {
        return term_ == as_term(other);
    }
    template <class U>
    [[nodiscard]] core::Expression operator!=(const U& other) const {
        return term_ != as_term(other);
    }
    template <class U>
    [[nodiscard]] core::Expression operator<(const U& other) const {
        return term_ < as_ordered(other);
    }
    template <class U>
    [[nodiscard]] core::Expression operator<=(const U& other) const {
        return term_ <= as_ordered(other);
    }
    template <class U>
    [[nodiscard]] core::Expression operator>(const U& other) const {
        return term_ > as_ordered(other);
    }
    template <class U>
    [[nodiscard]] core::Expression operator>=(const U& other) const {
        return term_ >= as_ordered(other);
    }
    template <class A, class B>
    [[nodiscard]] core::Expression between(const A& low, const B& high) const {
        return term_.between(as_ordered(low), as_ordered(high));
    }
    [[nodiscard]] core::Expression in(std::initializer_list<Type> values) const {
        return in(std::vector<Type>(values));
    }
    [[nodiscard]] core::Expression in(const std::vector<Type>& values) const {
        std::vector<core::Value> operands;
        operands.reserve(values.size());
        for (const Type& value : values) operands.push_back(FieldType<Type>::value(value));
        return term_.in(operands);
    }
    /// `%` any run, `_` one character, `\` escapes; case-sensitive.
    [[nodiscard]] core::Expression like(std::string_view pattern) const {
        static_assert(std::same_as<Type, std::string>, "only a text field is matched with a pattern");
        return term_.like(pattern);
    }
    [[nodiscard]] core::Expression is_null() const { return term_.is_null(); }
    [[nodiscard]] core::Expression is_not_null() const { return term_.is_not_null(); }

    /// Calculated with a number or a field of numbers, for conditions, annotations and assignments:
    /// `{{"attempt", field(&Prediction::attempt) + 1}}`.
    template <class U>
    [[nodiscard]] core::Term operator+(const U& other) const {
        return term_ + as_number(other);
    }
    template <class U>
    [[nodiscard]] core::Term operator-(const U& other) const {
        return term_ - as_number(other);
    }
    template <class U>
    [[nodiscard]] core::Term operator*(const U& other) const {
        return term_ * as_number(other);
    }
    template <class U>
    [[nodiscard]] core::Term operator/(const U& other) const {
        return term_ / as_number(other);
    }

private:
    template <class U>
    static core::Term as_number(const U& other) {
        static_assert(detail::is_number<Type>(), "only a field of numbers is calculated with");
        if constexpr (detail::IsTypedField<U>::value) {
            static_assert(detail::is_number<typename U::Type>(),
                          "only a field of numbers is calculated with");
            return other.term();
        } else if constexpr (std::same_as<U, core::Term>) {
            return other;
        } else if constexpr (detail::Integer<U>) {
            return core::Term(core::Value(static_cast<std::int64_t>(other)));
        } else {
            static_assert(std::floating_point<U>, "a field of numbers is calculated with numbers");
            return core::Term(core::Value(static_cast<double>(other)));
        }
    }
    template <class U>
    static core::Term as_term(const U& other) {
        static_assert(
            !UnwrappedField<U>::kIsNullable && !std::same_as<U, std::nullptr_t>,
            "a comparison with nothing is never true: use is_null(), or the value inside the optional");
        static_assert(
            UnwrappedField<U>::kIsNullable || detail::is_comparable<Type, std::decay_t<U>>(),
            "this field is compared with a value of another type: give it the type of the struct's member");
        if constexpr (detail::IsTypedField<U>::value) {
            return other.term();
        } else if constexpr (std::same_as<Type, std::string>) {
            return core::Term(core::Value(std::string_view(other)));
        } else {
            return core::Term(FieldType<Type>::value(static_cast<Type>(other)));
        }
    }
    template <class U>
    static core::Term as_ordered(const U& other) {
        static_assert(detail::is_ordered<Type>(),
                      "fields of this type have no order: compare with == or in()");
        return as_term(other);
    }

    core::Term term_;
    std::string path_;
};

}  // namespace consilia::data
