#include "inference/dispatcher_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

namespace consilia::inference {
namespace {

constexpr std::string_view kPrefix = "consilia_inference_";

/// The shortest text that reads back as the same number, whatever the locale.
std::string number(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

/// A label's value: backslash, quote and line end are escaped.
std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return text;
}

class Exposition {
public:
    explicit Exposition(std::string_view dispatcher) : label_("dispatcher=\"" + escaped(dispatcher) + "\"") {}

    void describe(std::string_view name, std::string_view type, std::string_view help) {
        text_.append("# HELP ").append(kPrefix).append(name).append(" ").append(help);
        text_.append("\n# TYPE ").append(kPrefix).append(name).append(" ").append(type).append("\n");
    }
    void sample(std::string_view name, const std::string& value, std::string_view label = {},
                std::string_view label_value = {}) {
        text_.append(kPrefix).append(name).append("{").append(label_);
        if (!label.empty())
            text_.append(",").append(label).append("=\"").append(escaped(label_value)).append("\"");
        text_.append("} ").append(value).append("\n");
    }
    void single(std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
        describe(name, type, help);
        sample(name, std::to_string(value));
    }
    /// One sample a label's value.
    void family(std::string_view name, std::string_view type, std::string_view help, std::string_view label,
                std::initializer_list<std::pair<std::string_view, std::uint64_t>> samples) {
        describe(name, type, help);
        for (const auto& [value, count] : samples) sample(name, std::to_string(count), label, value);
    }
    void histogram(std::string_view name, std::string_view help, const Histogram& histogram) {
        describe(name, "histogram", help);
        const std::string base(name);
        std::uint64_t cumulative = 0;
        for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
            cumulative += histogram.counts()[i];
            const bool is_last = i == histogram.bounds().size();
            sample(base + "_bucket", std::to_string(cumulative), "le",
                   is_last ? "+Inf" : number(histogram.bounds()[i]));
        }
        sample(base + "_sum", number(histogram.sum()));
        sample(base + "_count", std::to_string(cumulative));
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string label_;
    std::string text_;
};

void write_members(Exposition& to, const DispatcherMetrics& metrics) {
    to.describe("member_run_seconds", "summary", "Time of a member's run in a batch.");
    for (const auto& [id, totals] : metrics.members) {
        to.sample("member_run_seconds_sum", number(totals.seconds), "member", id);
        to.sample("member_run_seconds_count", std::to_string(totals.runs), "member", id);
    }
    to.describe("member_failures_total", "counter", "Batches in which a member gave no opinion.");
    for (const auto& [id, totals] : metrics.members) {
        to.sample("member_failures_total", std::to_string(totals.failures), "member", id);
    }
}

}  // namespace

void Histogram::observe(double value) {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    ++counts_[static_cast<std::size_t>(bound - bounds_.begin())];
    sum_ += value;
}

void DispatcherMetrics::add_members(const Diagnosis& diagnosis) {
    for (const Opinion& opinion : diagnosis.opinions) {
        if (opinion.is_skipped) continue;
        MemberTotals& totals = members[opinion.member_id];
        if (opinion.is_given()) {
            ++totals.runs;
            totals.seconds += opinion.run_ms / 1e3;
        } else {
            ++totals.failures;
        }
    }
}

std::string prometheus_text(std::string_view dispatcher, const DispatcherCounts& counts,
                            const QueueLengths& queued, const DispatcherMetrics& metrics) {
    Exposition to(dispatcher);
    to.single("submitted_total", "counter", "Requests that were submitted, the refused ones too.",
              counts.submitted);
    to.family("refused_total", "counter", "Requests that were refused at once.", "reason",
              {{"overloaded", counts.refused_overloaded},
               {"deadline", counts.refused_deadline},
               {"stopped", counts.refused_stopped}});
    to.family("answered_total", "counter", "Requests that were admitted and have their answer.", "outcome",
              {{"completed", counts.completed},
               {"failed", counts.failed},
               {"cancelled", counts.cancelled},
               {"timed_out", counts.timed_out}});
    to.single("late_total", "counter", "Requests that were completed after their deadline.",
              counts.completed_late);
    to.single("callback_errors_total", "counter", "Exceptions of callbacks.", counts.callback_errors);
    to.family("queue_length", "gauge", "Requests that wait, by the level that they have reached.", "level",
              {{to_string(Priority::High), queued[0]},
               {to_string(Priority::Normal), queued[1]},
               {to_string(Priority::Low), queued[2]}});
    to.single("queue_bytes", "gauge", "Tensors of the requests that wait.", counts.queued_bytes);
    to.single("running", "gauge", "Requests in the batch that runs.", counts.running);
    to.histogram("latency_seconds", "Submission to answer, of completed requests.", metrics.latency_seconds);
    to.histogram("queue_seconds", "Submission to the start of the batch.", metrics.queue_seconds);
    to.histogram("batch_seconds", "Time of a batch.", metrics.batch_seconds);
    to.histogram("batch_size", "Requests in a batch.", metrics.batch_size);
    write_members(to, metrics);
    return to.take();
}

}  // namespace consilia::inference
