#include <consilia/core/expression.hpp>
#include <consilia/data/database.hpp>

int main() {
    consilia::data::Database database("sqlite::memory:");
    const auto rows = database.read().query("SELECT 1 AS one");
    const auto condition = consilia::core::parse_expression("one = 1");
    return consilia::core::matches(
               condition, [&](std::string_view name) { return rows.value(0, rows.column_index(name)); })
               ? 0
               : 1;
}
