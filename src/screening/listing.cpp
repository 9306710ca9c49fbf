// Reading predictions: every query is joined to the scope of the caller, and names only fields that the
// caller may read.
#include <algorithm>
#include <vector>

#include "consilia/core/error.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

constexpr std::int64_t kMaxPage = 10'000'000;
constexpr std::int64_t kMaxPageSize = 100;

void require_page(const ListOptions& options) {
    if (options.page < 1 || options.page > kMaxPage) {
        throw core::InvalidArgument("list.page", "a page is 1 to 10000000", {{"page", Value(options.page)}});
    }
    if (options.page_size < 1 || options.page_size > kMaxPageSize) {
        throw core::InvalidArgument("list.page_size", "a page size is 1 to 100",
                                    {{"page_size", Value(options.page_size)}});
    }
}

std::map<std::string, std::int64_t> counts(const data::RowSet& rows) {
    std::map<std::string, std::int64_t> result;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (!rows.is_null(row, 0)) result.emplace(rows.text(row, 0), rows.int64(row, 1));
    }
    return result;
}

const char* boolean(bool value) {
    return value ? "true" : "false";
}

}  // namespace

PredictionPage Service::list(const Principal& principal, const ListOptions& options) {
    access::AuditTrail trail(state_->audit_log.get());
    const access::Guard guard = state_->predictions(principal, trail);
    data::Query query = guard.query().where(guard.filter(options.where));
    for (const std::string& path : guard.order(options.order)) query = query.order_by(path);
    require_page(options);

    PredictionPage page;
    {
        const data::ReadScope session = state_->database.read();
        page.count = query.count(session);
        page.results = query.page(options.page, options.page_size).run(session);
    }
    guard.tell_read(page.results);
    trail.write();
    page.num_pages = std::max<std::int64_t>(1, (page.count + options.page_size - 1) / options.page_size);
    page.current_page = options.page;
    page.page_size = options.page_size;
    page.has_next = options.page < page.num_pages;
    page.has_previous = options.page > 1;
    return page;
}

std::string Service::list_json(const Principal& principal, const ListOptions& options) {
    const PredictionPage page = list(principal, options);
    std::string json = "{\"count\":" + std::to_string(page.count);
    json += ",\"num_pages\":" + std::to_string(page.num_pages);
    json += ",\"current_page\":" + std::to_string(page.current_page);
    json += ",\"page_size\":" + std::to_string(page.page_size);
    json += std::string(",\"has_next\":") + boolean(page.has_next);
    json += std::string(",\"has_previous\":") + boolean(page.has_previous);
    json += ",\"results\":" + data::to_json(page.results) + "}";
    return json;
}

data::RowSet Service::get(const Principal& principal, std::int64_t prediction_id) {
    access::AuditTrail trail(state_->audit_log.get());
    data::RowSet rows = state_->predictions(principal, trail).get(state_->database.read(), prediction_id);
    trail.write();
    return rows;
}

std::string Service::get_json(const Principal& principal, std::int64_t prediction_id) {
    std::string json;
    data::append_json(json, get(principal, prediction_id), 0);
    return json;
}

Statistics Service::statistics(const Principal& principal) {
    access::AuditTrail trail(state_->audit_log.get());
    const access::Guard guard = state_->predictions(principal, trail);
    const data::Query visible = guard.rows();
    const std::vector<std::string> fields =
        guard.policy().fields(principal, "read", "prediction", guard.context());
    const auto may_read = [&](const char* path) {
        return std::find(fields.begin(), fields.end(), path) != fields.end();
    };
    const data::ReadScope session = state_->database.read();
    Statistics statistics;
    statistics.total = visible.count(session);
    if (may_read("needs_review"))
        statistics.needs_review = visible.where(field("needs_review") == true).count(session);
    if (may_read("status")) statistics.by_status = counts(visible.count_by(session, "status"));
    if (may_read("diagnosis")) statistics.by_diagnosis = counts(visible.count_by(session, "diagnosis"));
    return statistics;
}

}  // namespace consilia::screening
