#include "consilia/c/data/repository.h"

#include "consilia/data/arrow.hpp"
#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::assignments_of;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::counted;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::session_of;
using consilia::capi::texts_of;

static_assert(offsetof(consilia_upsert_options_t, update_count) == 32);

namespace {

const data::ModelRepository& repository_of(const consilia_repository_t* repository) {
    return *require(repository, "repository").repository;
}

}  // namespace

extern "C" {

consilia_status_t consilia_repository_new(const consilia_model_t* model,
                                          consilia_repository_t** out_repository,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_repository_t*& out = cleared(out_repository, "out_repository");
        out = new consilia_repository_t{
            std::make_shared<const data::ModelRepository>(consilia::capi::in_use(model))};
    });
}

void consilia_repository_free(consilia_repository_t* repository) {
    delete repository;
}

consilia_status_t consilia_repository_find(const consilia_repository_t* repository,
                                           consilia_session_t* session, int64_t id,
                                           consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        data::RowSet found = repository_of(repository).find(session_of(session), id);
        if (!found.empty()) out = row_set(std::move(found));
    });
}

consilia_status_t consilia_repository_find_with_deleted(const consilia_repository_t* repository,
                                                        consilia_session_t* session, int64_t id,
                                                        consilia_row_set_t** out_rows,
                                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        data::RowSet found = repository_of(repository).find_with_deleted(session_of(session), id);
        if (!found.empty()) out = row_set(std::move(found));
    });
}

consilia_status_t consilia_repository_get(const consilia_repository_t* repository,
                                          consilia_session_t* session, int64_t id,
                                          consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(repository_of(repository).get(session_of(session), id));
    });
}

consilia_status_t consilia_repository_insert(const consilia_repository_t* repository,
                                             consilia_session_t* session, const consilia_assignment_t* values,
                                             size_t value_count, int64_t* out_id,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_id, "out_id");
        out = repository_of(repository).insert(session_of(session), assignments_of(values, value_count)).id;
    });
}

consilia_status_t consilia_repository_insert_rows(const consilia_repository_t* repository,
                                                  consilia_session_t* session, const consilia_row_set_t* rows,
                                                  int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        counted(out_count, [&] {
            return repository_of(repository).insert_all(session_of(session), *require(rows, "rows").rows);
        });
    });
}

consilia_status_t consilia_repository_insert_arrow(const consilia_repository_t* repository,
                                                   consilia_session_t* session,
                                                   struct ArrowArrayStream* stream, int64_t* out_count,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] {
        counted(out_count, [&] {
            const data::ModelRepository& to = repository_of(repository);
            const data::Session& on = session_of(session);
            int64_t count = 0;
            data::rows_of_arrow(&require(stream, "stream"),
                                [&](const data::RowSet& rows) { count += to.insert_all(on, rows); });
            return count;
        });
    });
}

consilia_status_t consilia_repository_upsert_rows(const consilia_repository_t* repository,
                                                  consilia_session_t* session, const consilia_row_set_t* rows,
                                                  const consilia_upsert_options_t* options,
                                                  int64_t* out_count, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        counted(out_count, [&] {
            const consilia_upsert_options_t known = copy_options(&require(options, "options"));
            return repository_of(repository)
                .upsert_all(session_of(session), *require(rows, "rows").rows,
                            {.conflict = texts_of(known.conflict, known.conflict_count, "conflict"),
                             .update = texts_of(known.update, known.update_count, "update")});
        });
    });
}

consilia_status_t consilia_repository_update(const consilia_repository_t* repository,
                                             consilia_session_t* session, int64_t id,
                                             const consilia_assignment_t* changes, size_t change_count,
                                             const int64_t* version, int64_t* out_version,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const std::optional<core::Timestamp> read =
            version == nullptr ? std::nullopt : std::optional(core::Timestamp{*version});
        counted(out_version, [&] {
            const auto updated =
                repository_of(repository)
                    .update(session_of(session), id, assignments_of(changes, change_count), read);
            return updated.value_or(core::Timestamp{}).microseconds;
        });
    });
}

consilia_status_t consilia_repository_soft_delete(const consilia_repository_t* repository,
                                                  consilia_session_t* session, int64_t id,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] { repository_of(repository).soft_delete(session_of(session), id); });
}

consilia_status_t consilia_repository_restore(const consilia_repository_t* repository,
                                              consilia_session_t* session, int64_t id,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] { repository_of(repository).restore(session_of(session), id); });
}

consilia_status_t consilia_repository_remove(const consilia_repository_t* repository,
                                             consilia_session_t* session, int64_t id,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] { repository_of(repository).remove(session_of(session), id); });
}

}  // extern "C"
