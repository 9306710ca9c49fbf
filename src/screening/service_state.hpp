#pragma once
// What a service holds, shared by the sources that implement it.
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/audit_log.hpp"
#include "consilia/access/audit_trail.hpp"
#include "consilia/access/guard.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/query.hpp"
#include "consilia/inference/engine.hpp"
#include "consilia/screening/models.hpp"
#include "consilia/screening/service.hpp"
#include "consilia/tasks/queue.hpp"
#include "screening/refusals.hpp"

namespace consilia::screening {

inline constexpr std::string_view kPredictTask = "screening.predict";

struct Service::State {
    explicit State(ServiceOptions given);

    ServiceOptions options;
    const core::Clock& clock;
    access::Policy own_policy;  ///< In force, unless the options have a store.
    data::Database database;
    tasks::Queue queue;
    std::unique_ptr<access::AuditLog> audit_log;  ///< Null: nobody asked for one.

    /// Opened by the first caller, so that a process that only submits and lists loads no model backend.
    std::shared_ptr<inference::Engine> engine();
    /// Forgets an engine of which no member answered, so that the next run reads the packages again: they may
    /// have been repaired. Runs on it go on.
    void drop_engine(const std::shared_ptr<inference::Engine>& failed);

    /// The policy that is in force.
    [[nodiscard]] access::Policy policy() const;
    /// `Policy::require` of something new; a denial is logged, and goes into the trail. Gives what is to be
    /// told once it is there.
    access::AuditEvent require_create(const Principal& principal, std::string_view resource,
                                      const core::FieldSource& object, access::AuditTrail& trail) const;
    /// The records as this principal may reach them, now; what is decided goes into the trail.
    [[nodiscard]] access::Guard patients(const Principal& principal, access::AuditTrail& trail) const;
    [[nodiscard]] access::Guard predictions(const Principal& principal, access::AuditTrail& trail) const;
    /// `Service::submit`, whose refused files and used-up quotas are logged by the caller.
    Submission submit(const Principal& principal, const validation::UploadSource& source,
                      const SubmitOptions& options);
    /// Adds the task of a pending prediction.
    void enqueue(data::Transaction& transaction, std::int64_t prediction_id);

private:
    std::mutex engine_mutex_;
    std::shared_ptr<inference::Engine> engine_;
};

}  // namespace consilia::screening
