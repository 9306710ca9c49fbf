#pragma once
// A field that knows its type: comparing it with a value of another type does not compile.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/data/field_type.hpp"

namespace consilia::data {

namespace detail {

/// A typed field, or what is calculated from one.
template <class U>
concept Typed = requires(const U& typed) {
    typename U::Type;
    { typed.term() } -> std::convertible_to<const core::Term&>;
};

/// An integer that fits an int64.
template <class U>
concept Integer = std::integral<U> && !std::same_as<U, bool> && (sizeof(U) < 8 || std::is_signed_v<U>);

/// May a field of type F (without its optional) be compared with a U?
template <class F, class U>
constexpr bool is_comparable() {
    if constexpr (Typed<U>) {
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
constexpr bool is_ordered() {
    return !std::same_as<F, bool> && !std::is_enum_v<F> && !std::same_as<F, core::Json> &&
           !std::same_as<F, core::Blob>;
}

/// int64 or double where F, the type of a field, can be calculated with a U; else void.
template <class F, class U>
struct Calculated {
    using Type = void;
};
template <class F, class U>
requires(std::same_as<F, std::int64_t> || std::same_as<F, double>) struct Calculated<F, U> {
    using Type = decltype([] {
        if constexpr (Typed<U>) {
            if constexpr (std::same_as<typename U::Type, F>) {
                return F{};
            } else if constexpr (std::is_arithmetic_v<typename U::Type> &&
                                 !std::same_as<typename U::Type, bool>) {
                return double{};
            }
        } else if constexpr (Integer<U>) {
            return F{};
        } else if constexpr (std::floating_point<U>) {
            return double{};
        }
    }());
};

}  // namespace detail

/// A value of a known type inside an expression: a field, or what is calculated from fields. It stands on
/// the left. What may be null is compared as what it holds, with SQL's logic. Threading: safe.
template <class V>
class TypedTerm {
public:
    using Type = unwrapped_field_t<V>;  ///< What it is compared with.

    explicit TypedTerm(core::Term term) : term_(std::move(term)) {}

    [[nodiscard]] const core::Term& term() const noexcept { return term_; }

    /// Numbers are calculated with numbers: `field(&Job::attempt) + 1`. An integer and a double give a
    /// double.
    template <class U>
    [[nodiscard]] auto operator+(const U& other) const {
        return calculated(other, [](const auto& a, const auto& b) { return a + b; });
    }
    template <class U>
    [[nodiscard]] auto operator-(const U& other) const {
        return calculated(other, [](const auto& a, const auto& b) { return a - b; });
    }
    template <class U>
    [[nodiscard]] auto operator*(const U& other) const {
        return calculated(other, [](const auto& a, const auto& b) { return a * b; });
    }
    template <class U>
    [[nodiscard]] auto operator/(const U& other) const {
        return calculated(other, [](const auto& a, const auto& b) { return a / b; });
    }
    /// The remainder of integers.
    template <class U>
    [[nodiscard]] auto operator%(const U& other) const {
        static_assert(std::same_as<typename detail::Calculated<Type, U>::Type, std::int64_t>,
                      "only integers have a remainder: this is calculated with something else");
        return calculated(other, [](const auto& a, const auto& b) { return a % b; });
    }

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

    /// What it is compared with, or what is assigned to it, as a term; refused when it has another type.
    template <class U>
    static core::Term as_term(const U& other) {
        static_assert(
            !UnwrappedField<U>::kIsNullable && !std::same_as<U, std::nullptr_t>,
            "a comparison with nothing is never true: use is_null(), or the value inside the optional");
        static_assert(UnwrappedField<U>::kIsNullable || detail::is_comparable<Type, std::decay_t<U>>(),
                      "this field is compared with, or set to, a value of another type: give it the type of "
                      "the struct's member");
        if constexpr (detail::Typed<U>) {
            return other.term();
        } else if constexpr (std::same_as<Type, std::string>) {
            return core::Term(core::Value(std::string_view(other)));
        } else {
            return core::Term(FieldType<Type>::value(static_cast<Type>(other)));
        }
    }

private:
    template <class U, class F>
    auto calculated(const U& other, const F& made) const {
        using Result = typename detail::Calculated<Type, U>::Type;
        static_assert(!std::is_void_v<Result>,
                      "only numbers are calculated with: this field, or what stands beside it, is none");
        if constexpr (detail::Typed<U>) {
            return TypedTerm<Result>(made(term_, other.term()));
        } else {
            return TypedTerm<Result>(
                made(term_, core::Term(FieldType<Result>::value(static_cast<Result>(other)))));
        }
    }
    template <class U>
    static core::Term as_ordered(const U& other) {
        static_assert(detail::is_ordered<Type>(),
                      "fields of this type have no order: compare with == or in()");
        return as_term(other);
    }

    core::Term term_;
};

/// A field of a mapped struct inside an expression: `field(&Prediction::status) == Status::Completed`.
/// `is_null()` asks whether an optional member holds anything. Threading: safe.
template <class V>
class TypedField : public TypedTerm<V> {
public:
    explicit TypedField(std::string_view path) : TypedTerm<V>(core::field(path)), path_(path) {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

}  // namespace consilia::data
