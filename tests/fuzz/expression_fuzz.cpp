// Text of expressions: whatever is read is written so that it is read alike, and is evaluated, bound and
// compiled to SQL without more than the errors that are documented.
#include <array>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/sql.hpp"
#include "fuzz/target.hpp"

namespace consilia::fuzz {
namespace {

using core::Expression;
using core::Value;

constexpr std::string_view kArea = "expression.";

/// One value of each type, edges among them.
const std::array<Value, 16>& values() {
    static const std::array<Value, 16> kValues = {
        Value(),
        Value(true),
        Value(std::int64_t{0}),
        Value(INT64_MIN),
        Value(INT64_MAX),
        Value(-1.5),
        Value(1e300),
        Value(5e-324),
        Value(""),
        Value("Ärzte 100%_\\"),
        Value(core::Date{-719162}),
        Value(core::Timestamp{253402300799999999}),
        Value(core::Timestamp{-1}),
        Value(core::Uuid{}),
        Value(core::Json{R"({"a":[1,{"b":"\u00e4"}],"c":true,"d":-1e3})"}),
        Value(core::Blob{}),
    };
    return kValues;
}

const Value& value_of(std::string_view name) {
    std::size_t sum = 0;
    for (const char c : name) sum = sum * 31 + static_cast<unsigned char>(c);
    return values()[sum % values().size()];
}

core::Parameters make_parameters() {
    core::Parameters parameters;
    for (const char* const name : {"me", "a", "b", "now", "x1"}) parameters.emplace(name, value_of(name));
    return parameters;
}

core::SqlOptions make_options(core::SqlDialect dialect) {
    core::SqlOptions options;
    options.dialect = dialect;
    options.column = [](std::string_view path) { return core::quote_identifier(path); };
    options.type = [](std::string_view path) { return value_of(path).type(); };
    options.allows_aggregates = options.allows_windows = true;
    return options;
}

void read_by_everyone(const Expression& expression) {
    static const core::FieldSource fields = [](std::string_view path) { return value_of(path); };
    static const core::Parameters parameters = make_parameters();
    static const core::SqlOptions sqlite = make_options(core::SqlDialect::Sqlite);
    static const core::SqlOptions postgres = make_options(core::SqlDialect::PostgreSql);
    tolerate(kArea, [&] { (void)core::evaluate(expression, fields, parameters); });
    tolerate(kArea, [&] { (void)core::to_text(core::bind(expression, parameters)); });
    tolerate(kArea, [&] { (void)core::compile_sql(expression, sqlite, parameters); });
    tolerate(kArea, [&] { (void)core::compile_value_sql(expression, postgres, parameters); });
    (void)core::field_paths(expression);
}

}  // namespace
}  // namespace consilia::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace consilia;
    core::Expression expression;
    const auto parse = [&] { expression = core::parse_expression(fuzz::text_of(data, size)); };
    if (!fuzz::tolerate(fuzz::kArea, parse)) return 0;

    const std::string text = core::to_text(expression);
    const core::Expression again = core::parse_expression(text);
    fuzz::holds(again.same_as(expression), "what is written is read alike");
    fuzz::holds(core::to_text(again) == text, "what is read again is written alike");
    fuzz::read_by_everyone(expression);
    return 0;
}
