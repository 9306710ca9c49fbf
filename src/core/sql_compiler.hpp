#pragma once
// The compiler of expressions: one walk over the tree, for both dialects and for the bindings alone.
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression_types.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::core {

/// Writes conditions with every NOT pushed down to the comparisons: in three-valued logic De Morgan's laws
/// hold and each comparison has its opposite, while `NOT` hides an index from the planner and fills the
/// parser's stack of SQLite.
///
/// INVARIANT: which values are bound, and in which order, depends on the tree and the values alone, never on
/// the dialect, the types of fields or whether text is written. On PostgreSQL an operand that the text needs
/// twice is compiled once: its numbered placeholders may stand in several places.
class SqlCompiler {
public:
    /// Without options nothing is written: the bindings are collected only.
    SqlCompiler(const SqlOptions* options, const Parameters& parameters, std::vector<Value>& bindings);

    /// Where SQL wants a truth value: a bare field is compared with it, which an index can serve.
    void condition(const Expression& expression, bool negated);
    /// Where SQL wants a value; `entries` of the parser's stack stand before it. In PostgreSQL a bound value
    /// is cast to its type and a null to the type `wanted`, if there is one: a server that infers types from
    /// what stands around would take `$1 < $2` for text.
    void operand(const Expression& expression, std::size_t entries, ValueType wanted = ValueType::Null);
    /// A key of an ORDER BY, with its direction.
    void order(const Expression& expression);

    [[nodiscard]] std::string& text() noexcept { return text_; }

private:
    using Operands = std::span<const Expression>;
    using Pieces = std::initializer_list<std::string_view>;
    class Stacked;

    // sql_conditions.cpp
    void truth(const Value& given, bool negated);
    void junction(const Expression& expression, std::string_view separator, bool negated);
    void run(std::span<const Expression* const> operands, std::string_view separator, bool negated);
    void predicate(const Expression& expression, bool negated);
    void comparison(const Expression& expression, std::string_view sql);
    void between(Operands operands, bool negated);
    void membership(Operands operands, bool negated);
    void like(Operands operands, bool negated);
    void subquery(const Expression& expression, bool negated);
    static void truth_type(ValueType type);
    void compared(std::string_view left, ValueType left_type, std::string_view sql, std::string_view right,
                  ValueType right_type);

    // sql_values.cpp
    void function(const Expression& expression, ValueType wanted);
    void case_when(Operands operands, ValueType wanted);
    void listed(Operands operands, std::string_view separator);
    void call_sqlite(const Expression& expression);

    // sql_postgres.cpp
    void call_postgres(const Expression& expression, ValueType type);
    void arithmetic_postgres(const Expression& expression);
    void text_postgres(const Expression& expression);
    void date_postgres(const Expression& expression);
    void json_postgres(const Expression& expression);
    std::string number_operand(const Expression& expression, std::size_t entries, ValueType type,
                               bool is_stepped);

    // sql_rows.cpp
    void aggregate(const Expression& function, const Expression* filter, const Expression* over);
    void window(const Expression& over);
    void window_rows(const Expression& over);
    void check_allowed(bool SqlOptions::*allowed, const char* code, const char* message) const;

    void put(std::string_view piece) {
        if (options_ != nullptr) text_ += piece;
    }
    void put(Pieces pieces) {
        for (const std::string_view piece : pieces) put(piece);
    }
    /// What `write` writes, apart from the text so far.
    template <class Write>
    std::string captured(Write write) {
        std::string before = std::move(text_);
        text_.clear();
        write();
        std::swap(before, text_);
        return before;
    }
    std::string captured_operand(const Expression& expression, ValueType wanted, std::size_t entries) {
        return captured([&] { operand(expression, entries, wanted); });
    }

    /// As `operand`, beside `column`: if that is one, the server knows the type, and an index serves whatever
    /// integer or text type a database that is not ours has given it.
    void beside(const Expression& column, const Expression& expression, std::size_t entries,
                ValueType wanted);
    void value(const Value& value, ValueType wanted = ValueType::Null, bool is_cast = true);
    const Value& parameter(const std::string& name) const;
    /// The value of a literal or parameter; nullptr for all else.
    const Value* known_value(const Expression& expression) const;
    [[nodiscard]] std::size_t next_placeholder() const noexcept {
        return options_->first_placeholder + bindings_.size() - bindings_before_;
    }
    [[nodiscard]] bool is_postgres() const noexcept {
        return options_ != nullptr && options_->dialect == SqlDialect::PostgreSql;
    }
    [[nodiscard]] ValueType type_of(const Expression& expression) const {
        return result_type(expression, types_, parameters_);
    }
    /// As `type_of`, where the text depends on it. @throws InvalidArgument (`expression.type`).
    [[nodiscard]] ValueType needed_type_of(const Expression& expression) const;
    /// ` COLLATE "C"` where PostgreSQL would compare text by another order, or not at all.
    [[nodiscard]] std::string_view collation(ValueType type) const noexcept {
        return is_postgres() && type == ValueType::Text ? R"( COLLATE "C")" : "";
    }

    const SqlOptions* options_;
    const Parameters& parameters_;
    std::vector<Value>& bindings_;
    std::size_t bindings_before_;
    FieldTypes types_;
    std::string text_;
    std::size_t stack_ = 0;
};

/// Entries of SQLite's parser stack (100 in all until 3.46) while a part is written.
class SqlCompiler::Stacked {
public:
    Stacked(SqlCompiler& compiler, std::size_t entries);
    ~Stacked() { compiler_.stack_ -= entries_; }
    Stacked(const Stacked&) = delete;
    Stacked& operator=(const Stacked&) = delete;

    /// What one expression may take; the statement around it needs the rest.
    static constexpr std::size_t kMax = 72;

private:
    SqlCompiler& compiler_;
    std::size_t entries_;
};

/// PostgreSQL's name of a type.
std::string_view postgres_name(ValueType type) noexcept;
/// The name of an operator's function on SQLite.
std::string_view sqlite_function_name(Operator op) noexcept;
/// A number or a moment within two bounds, null outside: each operand of the text stands in it once.
std::string postgres_within(std::string_view text, std::string_view below, std::string_view above);
/// A result of int64 that was calculated as a `numeric`, which has no end; null past the ends of int64.
std::string fitted_postgres(std::string_view text);
/// A double within the limit of arithmetic, null outside.
std::string bounded_postgres(std::string_view text);

}  // namespace consilia::core
