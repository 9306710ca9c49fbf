#pragma once
// The screening service: who may submit a radiograph, what becomes of it, and who may see the outcome.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/audit_log.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/access/policy_store.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/config.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/row_set.hpp"
#include "consilia/inference/engine.hpp"
#include "consilia/screening/default_policy.hpp"
#include "consilia/tasks/queue.hpp"
#include "consilia/validation/receive.hpp"

namespace consilia::screening {

/// On whose behalf a call is made: the web backend has established who it is, the service trusts it.
using access::Principal;

/// What a service is opened with.
struct ServiceOptions {
    std::string database_url;                    ///< `sqlite:/path/to/file.db`. Required.
    std::filesystem::path files_directory = {};  ///< Of the stored images; made if missing. Required.
    /// Model packages of the panel. May be empty where nothing is worked on.
    std::vector<std::filesystem::path> members = {};
    std::uint64_t budget_bytes = 0;      ///< Memory for models. Zero: what the engine takes by itself.
    core::Config config = {};            ///< Limits, quota, threshold, roles.
    const core::Clock* clock = nullptr;  ///< Must outlive the service. Null: the machine's.
    /// How long a silent worker keeps a task. Renewed between members once half of it is used.
    std::chrono::seconds lease{300};
    tasks::QueueOptions queue = {};  ///< Retries and back-off. Its clock is set from `clock`.
    /// Device, backends, consensus. Its budget and threshold are set from `budget_bytes` and `config`.
    inference::EngineOptions engine = {};
    std::optional<access::PolicyDocument> policy = {};  ///< Empty: `default_policy()`.
    /// Instead of `policy`: the one that is in force when a call begins, which may change while the service
    /// runs.
    std::shared_ptr<access::PolicyStore> policies = {};
    /// Set: who read or changed which record, and who was refused, is written into an audit log in the
    /// database (see docs/audit.md). Its clock is set from `clock`. A read is handed out once it is written.
    std::optional<access::AuditLogOptions> audit = {};
};

struct NewUser {
    std::string username;   ///< 1 to 150 of letters, digits and `@.+-_`; unique.
    std::string role = {};  ///< `admin`, `staff` or `patient`.
    std::string display_name = {};
    std::string email = {};
};

struct NewPatient {
    std::string record_number;  ///< Unique, 1 to 50 bytes.
    std::string full_name = {};
    std::optional<core::Date> birth_date = {};
    std::string sex = {};                      ///< `female`, `male`, `other` or empty: not stated.
    std::optional<std::int64_t> user_id = {};  ///< The account of the patient, if there is one.
};

struct SubmitOptions {
    std::int64_t patient_id = 0;                  ///< Whose radiograph it is. Required.
    std::optional<std::string> client_name = {};  ///< The file's name as the client sent it, unchecked.
};

struct Submission {
    std::int64_t prediction_id = 0;
    std::int64_t image_id = 0;
    /// The patient has this file already: these are its ids, and no file was stored.
    bool is_duplicate = false;
};

/// How far the work on one prediction is. `member_id` is empty before the first.
struct WorkProgress {
    std::int64_t prediction_id = 0;
    std::string_view member_id;  ///< The member that has just been done.
    std::size_t members_done = 0;
    std::size_t members_total = 0;
};

struct WorkOptions {
    std::string worker_id = {};  ///< For the queue's table. Empty: host and process.
    std::size_t tasks_max = std::numeric_limits<std::size_t>::max();
    /// Called on the working thread, holding no lock. False: stop after this task is given back.
    std::function<bool(const WorkProgress&)> progress = {};
};

enum class WorkOutcome : std::uint8_t {
    Completed,  ///< The prediction is completed.
    Failed,     ///< It is failed, with code and reason; `retry` queues it again.
    Deferred,   ///< A passing failure: it is pending and will be tried again later.
    Lost,       ///< The lease ran out and another worker took over: nothing was written.
};
/// The lower-case name of an outcome: `completed`.
CONSILIA_API std::string_view to_string(WorkOutcome outcome) noexcept;

struct WorkResult {
    std::int64_t prediction_id = 0;
    WorkOutcome outcome = WorkOutcome::Completed;
    std::string diagnosis;  ///< Empty unless completed.
    double confidence = 0;
    bool needs_review = false;
    std::string failure_code;  ///< Empty if completed.
    std::string failure_reason;
    std::chrono::microseconds duration{0};  ///< By the service's clock.
};

/// How many tasks ended how.
struct WorkSummary {
    std::size_t completed = 0;
    std::size_t failed = 0;
    std::size_t deferred = 0;
    std::size_t lost = 0;
};

struct ListOptions {
    /// A filter in the text form of expressions, `status = 'completed' and confidence < 0.9`: it reaches only
    /// the fields that the caller's role may read, and is joined to the caller's scope.
    std::string where = {};
    std::string order = "-created_at";  ///< Comma-separated fields, `-` before one: descending.
    std::int64_t page = 1;
    std::int64_t page_size = 25;  ///< 1 to 100.
};

/// One page of what the caller may see, with the fields that the caller's role may read.
struct PredictionPage {
    std::int64_t count = 0;  ///< Of all pages.
    std::int64_t num_pages = 0;
    std::int64_t current_page = 1;
    std::int64_t page_size = 25;
    bool has_next = false;
    bool has_previous = false;
    data::RowSet results;
};

/// Counts over the predictions that the caller may see.
struct Statistics {
    std::int64_t total = 0;
    std::int64_t needs_review = 0;
    std::map<std::string, std::int64_t> by_status;
    std::map<std::string, std::int64_t> by_diagnosis;
};

/// Receives radiographs, has them judged, and lists the outcome to those who may see it.
///
/// Opens lazily: a process that only submits and lists never loads a model backend. After a fork the parent's
/// service must not be used in the child; open another. Threading: safe.
class CONSILIA_API Service {
public:
    /// Opens the database, creates its tables where they are missing, and makes the directory of files.
    /// @throws InvalidArgument (`screening.options`), StorageError, ValidationError for a policy without a
    /// meaning.
    explicit Service(ServiceOptions options);
    ~Service();
    Service(Service&&) noexcept;
    Service& operator=(Service&&) noexcept;

    /// Makes the first user, an admin, and returns its id. @throws Conflict (`user.exists`) if there is any
    /// user.
    std::int64_t bootstrap_admin(const NewUser& user);
    /// @throws PermissionDenied unless an admin asks; ValidationError (`user.invalid`); Conflict
    /// (`user.exists`).
    std::int64_t create_user(const Principal& principal, const NewUser& user);
    /// @throws PermissionDenied unless admin or staff ask; ValidationError (`patient.invalid`); Conflict
    ///         (`patient.exists`).
    std::int64_t create_patient(const Principal& principal, const NewPatient& patient);
    /// One patient, as one row. @throws NotFound (`patient.not_found`), the same for one that does not exist
    /// and for one that the caller may not see.
    [[nodiscard]] data::RowSet get_patient(const Principal& principal, std::int64_t patient_id);
    /// The same as one JSON object.
    [[nodiscard]] std::string get_patient_json(const Principal& principal, std::int64_t patient_id);
    /// Changes what is named: `record_number`, `full_name`, `birth_date`, `sex`, `user_id`.
    /// @throws NotFound (`patient.not_found`); PermissionDenied (`access.denied`, and `access.fields` with
    /// the names of fields that the caller may not change); ValidationError (`patient.invalid`); Conflict
    /// (`patient.exists`). Nothing is changed then.
    void update_patient(const Principal& principal, std::int64_t patient_id,
                        const std::vector<data::Assignment>& changes);

    /// Checks, stores and queues one image: afterwards the file, its row, a pending prediction and its task
    /// are all there, or none of them is.
    /// @throws PermissionDenied; NotFound (`patient.not_found`) also for a patient whom the caller may not
    /// see;
    ///         UploadRejected as `validation::receive`; ResourceExhausted (`quota.predictions`, HTTP 429)
    ///         past the predictions of one user and UTC day in the configuration.
    Submission submit(const Principal& principal, const validation::UploadSource& source,
                      const SubmitOptions& options);

    /// Does the next due task, if there is one. What fails about the task is in the result and in the
    /// prediction.
    /// @throws StorageError where the outcome itself could not be recorded: the lease then runs out by
    /// itself.
    std::optional<WorkResult> work_one(const WorkOptions& options = {});
    /// Does due tasks until none is left, `tasks_max` are done, or `progress` said stop.
    WorkSummary work(const WorkOptions& options = {});

    /// Queues a failed prediction again. @throws PermissionDenied; NotFound (`prediction.not_found`);
    /// Conflict
    /// (`prediction.not_failed`).
    void retry(const Principal& principal, std::int64_t prediction_id);

    /// Deletes a prediction: it is marked, and no work is done on it any more. By the default policy staff
    /// delete pending ones, admins any. @throws PermissionDenied; NotFound (`prediction.not_found`).
    void delete_prediction(const Principal& principal, std::int64_t prediction_id);

    /// @throws PermissionDenied if the role may list nothing; InvalidArgument for a filter or an order that
    /// is not
    ///         understood or reaches too far, a page below 1 or a page size outside 1 to 100.
    [[nodiscard]] PredictionPage list(const Principal& principal, const ListOptions& options = {});
    /// The same as one JSON object: `count`, `num_pages`, `current_page`, `page_size`, `has_next`,
    /// `has_previous`, `results`.
    [[nodiscard]] std::string list_json(const Principal& principal, const ListOptions& options = {});

    /// One prediction, as one row. @throws NotFound (`prediction.not_found`), the same for one that does not
    /// exist and for one that the caller may not see.
    [[nodiscard]] data::RowSet get(const Principal& principal, std::int64_t prediction_id);
    /// The same as one JSON object.
    [[nodiscard]] std::string get_json(const Principal& principal, std::int64_t prediction_id);

    [[nodiscard]] Statistics statistics(const Principal& principal);

    /// Removes files without a row that were last changed before now - `older_than`, and returns how many:
    /// what a crash between the file's rename and the commit, or in mid-upload, has left. `older_than` must
    /// be longer than a submission can take.
    std::size_t sweep_orphans(std::chrono::seconds older_than = std::chrono::hours(24));

    /// The engine, opened now if it is not yet: its members, plan and memory. @throws as `inference::Engine`.
    [[nodiscard]] std::shared_ptr<inference::Engine> engine();
    /// The policy in force. @throws as `PolicyStore::current`.
    [[nodiscard]] access::Policy policy() const;

private:
    friend class Worker;  // Private.
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::screening
