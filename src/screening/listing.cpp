// Reading predictions: every query is joined to the scope of the caller, and names only fields that the
// caller may read.
#include <algorithm>
#include <vector>

#include "consilia/core/error.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::Expression;
using core::field;
using core::Value;

constexpr std::size_t kMaxWhereBytes = 4096;
constexpr std::size_t kMaxOrders = 5;
constexpr std::int64_t kMaxPage = 10'000'000;
constexpr std::int64_t kMaxPageSize = 100;

// The fields that a role reads, the id first. Sorted otherwise, so that the columns of one object stand
// together.
std::vector<std::string> readable_fields(const access::Policy& policy, const Attempt& attempt) {
    const Principal& principal = attempt.principal;
    std::vector<std::string> fields = policy.fields(principal, attempt.action, attempt.resource);
    if (fields.empty()) {  // an empty selection would mean every column
        constexpr const char* kCode = "access.no_fields";
        log_refusal("access denied", attempt, kCode);
        throw core::PermissionDenied(kCode,
                                     "role `" + std::string(principal.role()) + "` may read no field of a prediction");
    }
    std::stable_partition(fields.begin(), fields.end(), [](const std::string& path) { return path == "id"; });
    return fields;
}

void require_readable(const std::vector<std::string>& fields, std::string_view path, const char* code) {
    if (std::find(fields.begin(), fields.end(), path) != fields.end()) return;
    std::string names;
    for (const std::string& name : fields) names += (names.empty() ? "" : " ") + name;
    throw core::InvalidArgument(code,
                                "no field `" + std::string(path.substr(0, 100)) + "` that this role may read",
                                {{"path", Value(path.substr(0, 100))}, {"fields", Value(names)}});
}

Expression parse_filter(const std::string& where, const std::vector<std::string>& fields) {
    if (where.empty()) return {};
    if (where.size() > kMaxWhereBytes) {
        throw core::InvalidArgument("list.where", "a filter has at most 4096 bytes");
    }
    Expression filter = core::parse_expression(where);
    for (const std::string& path : core::field_paths(filter)) require_readable(fields, path, "list.field");
    return filter;
}

// `-created_at,id` as paths for the query; the id is always the last, so that pages never overlap.
std::vector<std::string> parse_order(std::string_view order, const std::vector<std::string>& fields) {
    std::vector<std::string> paths;
    bool has_id = false;
    while (!order.empty()) {
        const std::size_t comma = order.find(',');
        std::string_view item = order.substr(0, comma);
        order = comma == std::string_view::npos ? std::string_view() : order.substr(comma + 1);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        const std::string_view path = item.starts_with('-') ? item.substr(1) : item;
        require_readable(fields, path, "list.order");
        has_id = has_id || path == "id";
        paths.emplace_back(item);
        if (paths.size() > kMaxOrders)
            throw core::InvalidArgument("list.order", "an order has at most 5 fields");
    }
    if (!has_id) paths.emplace_back("-id");
    return paths;
}

void require_page(const ListOptions& options) {
    if (options.page < 1 || options.page > kMaxPage) {
        throw core::InvalidArgument("list.page", "a page is 1 to 10000000", {{"page", Value(options.page)}});
    }
    if (options.page_size < 1 || options.page_size > kMaxPageSize) {
        throw core::InvalidArgument("list.page_size", "a page size is 1 to 100",
                                    {{"page_size", Value(options.page_size)}});
    }
}

data::Query predictions() {
    return data::Query(*prediction_model());
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
    const Attempt attempt{principal, "read", "prediction"};
    const Expression scope = state_->require_scope(attempt);
    const std::vector<std::string> fields = readable_fields(state_->policy, attempt);
    require_page(options);
    data::Query query = predictions().where(parse_filter(options.where, fields)).where(scope).select(fields);
    for (const std::string& path : parse_order(options.order, fields)) query = query.order_by(path);

    const data::ReadScope session = state_->database.read();
    PredictionPage page;
    page.count = query.count(session);
    page.num_pages = std::max<std::int64_t>(1, (page.count + options.page_size - 1) / options.page_size);
    page.current_page = options.page;
    page.page_size = options.page_size;
    page.has_next = options.page < page.num_pages;
    page.has_previous = options.page > 1;
    page.results = query.page(options.page, options.page_size).run(session);
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
    const Attempt attempt{principal, "read", "prediction", prediction_id};
    const Expression scope = state_->require_scope(attempt);
    const data::ReadScope session = state_->database.read();
    data::RowSet rows = predictions()
                            .where(field("id") == prediction_id && scope)
                            .select(readable_fields(state_->policy, attempt))
                            .run(session);
    if (rows.empty()) refuse_unseen(session, *prediction_model(), attempt);
    return rows;
}

std::string Service::get_json(const Principal& principal, std::int64_t prediction_id) {
    std::string json;
    data::append_json(json, get(principal, prediction_id), 0);
    return json;
}

Statistics Service::statistics(const Principal& principal) {
    const Attempt attempt{principal, "read", "prediction"};
    const data::Query visible = predictions().where(state_->require_scope(attempt));
    const std::vector<std::string> fields = readable_fields(state_->policy, attempt);
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
