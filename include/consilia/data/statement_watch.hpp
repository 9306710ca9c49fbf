#pragma once
// What a query log, a counter or an N+1 detector sees of each statement: never its values.
#include <chrono>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string_view>

#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"

namespace consilia::data {

/// Names the code that runs statements on this thread, until it is destroyed: `StatementLabel here("page");`.
/// Labels nest; the innermost is seen. Costs two stores. Threading: confined.
class CONSILIA_API StatementLabel {
public:
    /// `name` is borrowed for the label's life.
    explicit StatementLabel(std::string_view name,
                            const std::source_location& where = std::source_location::current()) noexcept;
    ~StatementLabel();
    StatementLabel(const StatementLabel&) = delete;
    StatementLabel& operator=(const StatementLabel&) = delete;

    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] const std::source_location& where() const noexcept { return where_; }
    /// The innermost label of this thread, or null.
    [[nodiscard]] static const StatementLabel* current() noexcept;

private:
    std::string_view name_;
    std::source_location where_;
    const StatementLabel* outer_;
};

/// One statement that has run; everything is borrowed for the call. BEGIN, COMMIT and savepoints are not
/// told.
struct StatementEvent {
    std::string_view sql;                   ///< With its placeholders. Of `copy_in`: `COPY` and the table.
    std::chrono::nanoseconds duration{};    ///< Reading the rows and the callbacks included.
    std::int64_t rows = 0;                  ///< Read or changed.
    const StatementLabel* label = nullptr;  ///< Null if the thread has none.
    const core::Error* error = nullptr;     ///< Null unless the statement failed.
};

/// Keeps a callback of `Database::on_statement` alive; the calls stop with it. Must end before the database.
/// Threading: safe.
class CONSILIA_API StatementWatch {
public:
    StatementWatch(StatementWatch&&) noexcept = default;
    StatementWatch& operator=(StatementWatch&&) = delete;
    ~StatementWatch();

private:
    friend class Database;
    using Action = std::function<void(const StatementEvent&)>;
    StatementWatch(std::shared_ptr<Database::State> database, std::shared_ptr<const Action> action) noexcept;
    std::shared_ptr<Database::State> database_;
    std::shared_ptr<const Action> action_;
};

}  // namespace consilia::data
