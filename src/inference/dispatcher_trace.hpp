#pragma once
// The newest spans of a dispatcher's life, for a trace viewer.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/dispatcher.hpp"

namespace consilia::inference {

/// Something that took time. Times in microseconds since the dispatcher opened.
struct TraceSpan {
    enum class Kind : std::uint8_t { Queued, Running, Batch, Member };
    Kind kind = Kind::Batch;
    TraceKind action = TraceKind::Run;  ///< Of a member.
    Priority priority = Priority::Normal;
    std::int64_t begin_us = 0;
    std::int64_t duration_us = 0;
    std::uint64_t id = 0;    ///< Of the request, or of the batch.
    std::uint64_t size = 0;  ///< Requests in the batch; bytes of a member's event.
    std::string label{};     ///< Of a member: its id. Of a request: how it ended.
};

/// A ring of spans. Threading: confined; the dispatcher holds its lock.
class TraceRing {
public:
    explicit TraceRing(std::size_t size_max) : size_max_(size_max) {}
    void add(TraceSpan span);
    /// A batch, and what its members did in it.
    void add_batch(std::uint64_t id, std::size_t batch_size, std::int64_t begin_us, std::int64_t end_us,
                   const Diagnosis* diagnosis);
    /// Oldest first.
    [[nodiscard]] std::vector<TraceSpan> spans() const;

private:
    std::size_t size_max_;
    std::size_t next_ = 0;  // Where the ring, once full, is written.
    std::vector<TraceSpan> ring_{};
};

/// `{"traceEvents": […]}` with complete events (`ph` X). Batches and members are thread 0; requests have
/// threads of their own, as few as keep spans that overlap apart.
[[nodiscard]] std::string chrome_trace_json(std::string_view dispatcher, std::vector<TraceSpan> spans);

}  // namespace consilia::inference
