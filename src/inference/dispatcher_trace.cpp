#include "inference/dispatcher_trace.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace consilia::inference {
namespace {

using nlohmann::ordered_json;

/// Which thread of the picture a request is drawn on: the first that is free when it begins.
class Lanes {
public:
    std::size_t place(std::int64_t begin_us, std::int64_t end_us) {
        auto lane = std::find_if(ends_.begin(), ends_.end(), [&](auto end) { return end <= begin_us; });
        if (lane == ends_.end()) lane = ends_.insert(lane, 0);
        *lane = end_us;
        return static_cast<std::size_t>(lane - ends_.begin()) + 1;
    }

private:
    std::vector<std::int64_t> ends_;
};

bool is_of_request(const TraceSpan& span) noexcept {
    return span.kind == TraceSpan::Kind::Queued || span.kind == TraceSpan::Kind::Running;
}

/// The lane of each request that is spoken of: one for all its spans.
std::map<std::uint64_t, std::size_t> request_lanes(const std::vector<TraceSpan>& spans) {
    std::map<std::uint64_t, std::pair<std::int64_t, std::int64_t>> lives;
    for (const TraceSpan& span : spans) {
        if (!is_of_request(span)) continue;
        const std::int64_t end_us = span.begin_us + span.duration_us;
        const auto [life, is_new] = lives.try_emplace(span.id, span.begin_us, end_us);
        if (is_new) continue;
        life->second.first = std::min(life->second.first, span.begin_us);
        life->second.second = std::max(life->second.second, end_us);
    }
    std::vector<std::pair<std::pair<std::int64_t, std::int64_t>, std::uint64_t>> in_order;
    for (const auto& [id, life] : lives) in_order.emplace_back(life, id);
    std::sort(in_order.begin(), in_order.end());
    Lanes lanes;
    std::map<std::uint64_t, std::size_t> placed;
    for (const auto& [life, id] : in_order) placed[id] = lanes.place(life.first, life.second);
    return placed;
}

ordered_json name_event(const char* what, std::size_t thread, const std::string& name) {
    return {{"name", what}, {"ph", "M"}, {"pid", ::getpid()}, {"tid", thread}, {"args", {{"name", name}}}};
}

ordered_json to_event(const TraceSpan& span, std::size_t thread) {
    ordered_json event = {{"name", ""},
                          {"cat", ""},
                          {"ph", "X"},
                          {"ts", span.begin_us},
                          {"dur", span.duration_us},
                          {"pid", ::getpid()},
                          {"tid", thread},
                          {"args", ordered_json::object()}};
    ordered_json& details = event["args"];
    switch (span.kind) {
        case TraceSpan::Kind::Queued:
        case TraceSpan::Kind::Running:
            event["name"] = span.kind == TraceSpan::Kind::Queued ? "queued" : "running";
            event["cat"] = "request";
            details = {{"request", span.id}, {"priority", to_string(span.priority)}};
            if (!span.label.empty()) details["outcome"] = span.label;
            break;
        case TraceSpan::Kind::Batch:
            event["name"] = "batch of " + std::to_string(span.size);
            event["cat"] = "batch";
            details = {{"batch", span.id}, {"size", span.size}};
            break;
        case TraceSpan::Kind::Member:
            event["name"] = std::string(to_string(span.action)) + " " + span.label;
            event["cat"] = to_string(span.action);
            details = {{"batch", span.id}, {"member", span.label}, {"size_bytes", span.size}};
            break;
    }
    return event;
}

std::int64_t to_us(double ms) {
    return std::llround(ms * 1e3);
}

}  // namespace

void TraceRing::add(TraceSpan span) {
    if (size_max_ == 0) return;
    if (ring_.size() < size_max_) {
        ring_.push_back(std::move(span));
        return;
    }
    ring_[next_] = std::move(span);
    next_ = (next_ + 1) % size_max_;
}

void TraceRing::add_batch(std::uint64_t id, std::size_t batch_size, std::int64_t begin_us,
                          std::int64_t end_us, const Diagnosis* diagnosis) {
    add({.kind = TraceSpan::Kind::Batch,
         .begin_us = begin_us,
         .duration_us = end_us - begin_us,
         .id = id,
         .size = batch_size});
    if (diagnosis == nullptr) return;
    for (const TraceEvent& event : diagnosis->trace) {
        add({.kind = TraceSpan::Kind::Member,
             .action = event.kind,
             .begin_us = begin_us + to_us(event.begin_ms),
             .duration_us = to_us(event.duration_ms),
             .id = id,
             .size = event.size_bytes,
             .label = event.member_id});
    }
}

std::vector<TraceSpan> TraceRing::spans() const {
    std::vector<TraceSpan> spans(ring_);
    std::rotate(spans.begin(), std::next(spans.begin(), static_cast<std::ptrdiff_t>(next_)), spans.end());
    return spans;
}

std::string chrome_trace_json(std::string_view dispatcher, std::vector<TraceSpan> spans) {
    const auto lanes = request_lanes(spans);
    std::size_t lane_count = 0;
    ordered_json events = ordered_json::array();
    events.push_back(name_event("process_name", 0, "dispatcher " + std::string(dispatcher)));
    events.push_back(name_event("thread_name", 0, "batches"));
    for (const TraceSpan& span : spans) {
        const std::size_t thread = is_of_request(span) ? lanes.at(span.id) : 0;
        lane_count = std::max(lane_count, thread);
        events.push_back(to_event(span, thread));
    }
    for (std::size_t lane = 1; lane <= lane_count; ++lane) {
        events.push_back(name_event("thread_name", lane, "requests " + std::to_string(lane)));
    }
    const ordered_json document = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
    // A member's id comes from a file and may hold any bytes.
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace consilia::inference
