#pragma once
// A chain as a statement that can be run.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/value.hpp"
#include "consilia/data/database.hpp"
#include "query_compiler.hpp"

namespace consilia::data {

struct Runnable {
    std::shared_ptr<const Plan> plan;
    std::vector<core::Value> values;
    std::string spliced;  ///< The text, where it has an offset's digits.
    [[nodiscard]] std::string_view text() const noexcept { return spliced.empty() ? plan->text : spliced; }
};

Runnable runnable(const std::shared_ptr<const QueryStep>& last, core::SqlDialect dialect);
RowSet run_steps(const Session& session, const std::shared_ptr<const QueryStep>& last);

inline core::SqlDialect dialect_of(const Session& session) noexcept {
    return session.dialect();
}

}  // namespace consilia::data
