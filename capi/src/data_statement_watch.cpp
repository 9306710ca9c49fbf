#include "consilia/data/statement_watch.hpp"

#include "consilia/c/data/statement_watch.h"
#include "data.hpp"

namespace data = consilia::data;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::view;

static_assert(offsetof(consilia_statement_event_t, row_count) == 32 &&
              sizeof(consilia_statement_event_t) == 72);

struct consilia_statement_watch {
    std::shared_ptr<data::Database> database;
    /// Lives on in calls that are under way when the watch ends.
    std::shared_ptr<std::atomic<uint64_t>> count;
    data::StatementWatch watch;
};

namespace {

consilia_str_t lend(std::string_view text) noexcept {
    return {text.data(), text.size()};
}

void tell(consilia_statement_fn action, void* user_data, const data::StatementEvent& event) {
    consilia_statement_event_t told{};
    told.struct_size = sizeof told;
    told.sql = lend(event.sql);
    told.duration_ns = event.duration.count();
    told.row_count = event.rows;
    if (event.label != nullptr) told.label = lend(event.label->name());
    if (event.error != nullptr) told.error_code = borrow(event.error->code());
    action(&told, user_data);
}

/// A label and the text that it borrows.
struct Label {
    explicit Label(std::string_view text) : name(text), label(name) {}
    std::string name;
    data::StatementLabel label;
};
thread_local std::vector<std::unique_ptr<Label>> labels;  // The innermost last.

}  // namespace

extern "C" {

consilia_status_t consilia_database_watch(consilia_database_t* database, consilia_statement_fn action,
                                          void* user_data, consilia_statement_watch_t** out_watch,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_statement_watch_t*& out = cleared(out_watch, "out_watch");
        const auto& opened = require(database, "database").database;
        auto count = std::make_shared<std::atomic<uint64_t>>(0);
        data::StatementWatch watch =
            opened->on_statement([count, action, user_data](const data::StatementEvent& event) {
                ++*count;
                if (action != nullptr) tell(action, user_data, event);
            });
        out = new consilia_statement_watch_t{opened, std::move(count), std::move(watch)};
    });
}

uint64_t consilia_statement_watch_count(const consilia_statement_watch_t* watch) {
    return watch == nullptr ? 0 : watch->count->load();
}

void consilia_statement_watch_free(consilia_statement_watch_t* watch) {
    delete watch;
}

consilia_status_t consilia_label_begin(consilia_str_t name, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        labels.reserve(labels.size() + 1);  // What can fail comes before the label begins.
        labels.push_back(std::make_unique<Label>(view(name)));
    });
}

void consilia_label_end(void) {
    if (!labels.empty()) labels.pop_back();
}

}  // extern "C"
