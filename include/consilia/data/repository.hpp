#pragma once
// The rows of a table as structs: get, insert, update with conflicts detected, soft delete, lists and pages.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/mapping.hpp"
#include "consilia/data/query.hpp"

namespace consilia::data {

/// One page of objects; the members are those of the envelope on the web.
template <class T>
struct Page {
    std::int64_t count = 0;  ///< Of all pages.
    std::int64_t num_pages = 0;
    std::int64_t current_page = 1;
    std::int64_t page_size = 0;
    bool has_next = false;
    bool has_previous = false;
    std::vector<T> results;
};

/// The children of many parents.
template <class T>
struct Grouped {
    std::vector<T> objects;
    std::vector<RowRange> ranges;  ///< Of `objects`, for each key in its order.
    [[nodiscard]] std::span<const T> of(std::size_t parent) const {
        return std::span(objects).subspan(ranges[parent].begin, ranges[parent].size());
    }
};

namespace detail {
template <class T, class Member>
inline constexpr bool kIsMemberOf = false;
template <class T, class V, class B>
inline constexpr bool kIsMemberOf<T, V B::*> = std::derived_from<T, B>;
[[noreturn]] CONSILIA_API void throw_none(const Model& model);
[[noreturn]] CONSILIA_API void throw_many(const Model& model);
/// The rows whose `column` is one of `keys`, ordered by it.
CONSILIA_API Query children_of(const Query& query, const std::string& column,
                               std::span<const std::int64_t> keys);
/// The range of each key in what is ordered by owner.
CONSILIA_API std::vector<RowRange> group_by_key(std::span<const std::int64_t> keys,
                                                std::span<const std::int64_t> owners);
/// Keys from the sequence of a PostgreSQL table; none if it has no sequence.
CONSILIA_API std::vector<std::int64_t> new_keys(const Session& session, const Model& model,
                                                std::size_t count);
/// An insert of all columns, with or without the key, that updates the row which has the same in the columns
/// `by`, and gives the row as it is then. @throws as `upsert_many`.
CONSILIA_API std::string upsert_text(const Model& model, const std::vector<std::string>& by, bool has_key,
                                     core::SqlDialect dialect);
[[noreturn]] CONSILIA_API void throw_record_missing(const Model& model, std::int64_t id);
[[noreturn]] CONSILIA_API void throw_record_stale(const Model& model, std::int64_t id);
}  // namespace detail

/// The records of one mapped struct. Every call names the session that it takes part in; those without one
/// run by themselves. Rows that were soft-deleted are not found, except where a call says so. Threading:
/// safe; sessions are confined.
template <class T>
class Repository {
public:
    /// Both must outlive the repository.
    explicit Repository(Database& database, const core::Clock& clock = core::SystemClock::instance())
        : database_(database), clock_(clock), mapping_(mapping_of<T>()) {}

    /// @throws NotFound (`record.not_found`) with model and id in its details.
    [[nodiscard]] T get(const Session& session, std::int64_t id) const {
        std::optional<T> found = find(session, id);
        if (!found) detail::throw_record_missing(mapping_.model(), id);
        return *std::move(found);
    }
    [[nodiscard]] T get(std::int64_t id) const { return get(database_.autocommit(), id); }

    [[nodiscard]] std::optional<T> find(const Session& session, std::int64_t id) const {
        return find_with(session, statements(session).find, id);
    }
    [[nodiscard]] std::optional<T> find(std::int64_t id) const { return find(database_.autocommit(), id); }
    /// A row whether or not it was soft-deleted.
    [[nodiscard]] std::optional<T> find_with_deleted(const Session& session, std::int64_t id) const {
        return find_with(session, statements(session).find_deleted, id);
    }

    /// Adds a row, and gives the object its id (unless it has one already), its timestamps, and who acts (see
    /// `Transaction::act_as`). Returns the id.
    /// @throws as `Session::execute`; the object is then as it was.
    std::int64_t insert(const Session& session, T& object) const {
        const auto before = mapping_.marks(object);
        mark_new(session, object, clock_.now());
        try {
            const bool has_key = mapping_.key(object) != 0;
            session.run(has_key ? statements(session).insert_keyed : statements(session).insert,
                        [&](CellWriter& to) { write_row(to, object, has_key); });
        } catch (...) {
            mapping_.set_marks(object, before);
            throw;
        }
        if (mapping_.key(object) == 0) mapping_.set_key(object, session.last_insert_id());
        return mapping_.key(object);
    }
    std::int64_t insert(T& object) const { return insert(database_.autocommit(), object); }

    /// Stores all members. With timestamps it is refused if somebody changed the row since the object was
    /// read.
    /// @throws NotFound (`record.not_found`), Conflict (`record.stale`), and as `Session::execute`.
    void update(const Session& session, T& object) const {
        const bool is_versioned = mapping_.has_timestamps();
        const auto before = mapping_.marks(object);
        if (is_versioned) mapping_.set_updated_at(object, next_version(before.updated_at));
        if (mapping_.has_audit() && session.actor()) mapping_.set_updated_by(object, session.actor());
        try {
            const MappedStatements& known = statements(session);
            const std::int64_t changed =
                session.run(is_versioned ? known.update_fresh : known.update, [&](CellWriter& to) {
                    int place = 0;
                    for (std::size_t i = 0; i < column_count(); ++i) {
                        if (i != key_index()) mapping_.write(to, place++, i, object);
                    }
                    to.int64(place++, mapping_.key(object));
                    if (is_versioned) FieldType<core::Timestamp>::write(to, place, before.updated_at);
                });
            if (changed == 0) throw_unchanged(session, mapping_.key(object));
        } catch (...) {
            mapping_.set_marks(object, before);
            throw;
        }
    }
    void update(T& object) const {
        Transaction transaction = database_.begin();
        update(transaction, object);
        transaction.commit();
    }

    /// Stores the named members only, and `updated_at` and `updated_by`: `update(session, user, &User::email,
    /// &User::role)`.
    /// @throws as `update`.
    template <class... Members>
    requires(sizeof...(Members) > 0) void update(const Session& session, T& object,
                                                 Members... members) const {
        static_assert((detail::kIsMemberOf<T, Members> && ...), "a member of another struct is named");
        std::vector<Assignment> changes;
        const auto add = [&](std::size_t index) {
            changes.emplace_back(mapping_.model().columns()[index].name, mapping_.value(index, object));
        };
        (add(mapping_.index_of(members)), ...);
        Query rows = with_key(mapping_.key(object));
        core::Timestamp version{};
        if (mapping_.has_timestamps()) {
            rows = rows.where(core::field("updated_at") == mapping_.updated_at(object));
            version = next_version(mapping_.updated_at(object));
            changes.emplace_back("updated_at", version);
        }
        const bool is_signed = mapping_.has_audit() && session.actor();
        if (is_signed) changes.emplace_back("updated_by", *session.actor());
        if (rows.update(session, changes) == 0) throw_unchanged(session, mapping_.key(object));
        if (mapping_.has_timestamps()) mapping_.set_updated_at(object, version);
        if (is_signed) mapping_.set_updated_by(object, session.actor());
    }

    /// Hides a row: it is marked with the time and with who did it, the actor of the session unless it is
    /// said.
    /// @throws NotFound; InvalidArgument
    /// (`record.no_soft_delete`) for a model without the mixin.
    void soft_delete(const Session& session, std::int64_t id,
                     std::optional<std::int64_t> by = std::nullopt) const {
        mark(session, id, true, by ? by : session.actor());
    }
    /// Shows a soft-deleted row again. @throws as `soft_delete`; NotFound also for a row that is not deleted.
    void restore(const Session& session, std::int64_t id) const { mark(session, id, false, std::nullopt); }
    /// Deletes a row for good, soft-deleted or not. @throws NotFound, Conflict (`database.foreign_key`).
    void remove(const Session& session, std::int64_t id) const {
        if (with_key(id).with_deleted().remove(session) == 0)
            detail::throw_record_missing(mapping_.model(), id);
    }

    /// A query over the rows that are not deleted.
    [[nodiscard]] Query query() const { return Query(mapping_.model()); }
    /// The objects of a query over this model. @throws InvalidArgument (`query.unsupported`) if it selects or
    /// includes.
    [[nodiscard]] std::vector<T> list(const Session& session, const Query& query) const {
        std::vector<T> objects;
        query.each(session, [&](const CellReader& row) { mapping_.read(row, objects.emplace_back()); });
        return objects;
    }
    [[nodiscard]] std::optional<T> first(const Session& session, const Query& query) const {
        std::vector<T> objects = list(session, query.limit(1));
        return objects.empty() ? std::nullopt : std::optional<T>(std::move(objects.front()));
    }
    /// Page `number` from 1; past the last one it is empty. Counting all rows costs far more than the page:
    /// for endless lists use `Query::after`. @throws InvalidArgument (`query.page`).
    [[nodiscard]] Page<T> page(const Session& session, const Query& query, std::int64_t number,
                               std::int64_t size) const {
        Page<T> page{
            .current_page = number, .page_size = size, .results = list(session, query.page(number, size))};
        page.count = query.count(session);
        page.num_pages = (page.count + size - 1) / size;
        page.has_next = number < page.num_pages;
        page.has_previous = number > 1;
        return page;
    }

    /// The only object of a query. @throws NotFound (`query.none`), Conflict (`query.many`).
    [[nodiscard]] T get(const Session& session, const Query& query) const {
        std::optional<T> found = find(session, query);
        if (!found) detail::throw_none(mapping_.model());
        return *std::move(found);
    }
    /// The only object of a query, if there is one. @throws Conflict (`query.many`).
    [[nodiscard]] std::optional<T> find(const Session& session, const Query& query) const {
        std::vector<T> objects = list(session, query.limit(2));
        if (objects.size() > 1) detail::throw_many(mapping_.model());
        return objects.empty() ? std::nullopt : std::optional<T>(std::move(objects.front()));
    }

    /// Adds many rows, as `insert` does each, at the database's best speed: all of them or none.
    /// @throws as `insert`; the objects are then as they were.
    void insert_all(const Session& session, std::span<T> objects) const {
        std::vector<std::pair<std::int64_t, typename Mapping<T>::Marks>> before;
        before.reserve(objects.size());
        for (const T& object : objects) before.emplace_back(mapping_.key(object), mapping_.marks(object));
        try {
            const core::Timestamp now = clock_.now();
            for (T& object : objects) mark_new(session, object, now);
            write_all(session, objects);
        } catch (...) {
            for (std::size_t i = 0; i < objects.size(); ++i) {
                mapping_.set_key(objects[i], before[i].first);
                mapping_.set_marks(objects[i], before[i].second);
            }
            throw;
        }
    }

    /// Adds a row, or stores the object in the row that has the same in the members `by`, which are those of
    /// a unique index: `upsert(session, user, &User::email)`. That row keeps its id, `created_at` and
    /// `created_by`. The object is then as the row is. Returns the id.
    /// @throws InvalidArgument (`query.upsert`) without such an index; as `insert`, and the object is as it
    /// was.
    template <class... Members>
    requires(sizeof...(Members) > 0) std::int64_t upsert(const Session& session, T& object, Members... by)
    const {
        upsert_all(session, std::span<T>(&object, 1), by...);
        return mapping_.key(object);
    }
    /// As `upsert`, for many objects: one after another, all of them or none.
    template <class... Members>
    requires(sizeof...(Members) > 0) void upsert_all(const Session& session, std::span<T> objects,
                                                     Members... by) const {
        static_assert((detail::kIsMemberOf<T, Members> && ...), "a member of another struct is named");
        if (objects.empty()) return;
        const std::vector<std::string> names = {mapping_.column_of(by).name...};
        std::vector<T> given(objects.begin(), objects.end());
        const core::Timestamp now = clock_.now();
        for (T& object : given) mark_new(session, object, now);
        // Without any key the table's default gives them all.
        const bool has_keys = std::any_of(given.begin(), given.end(),
                                          [&](const T& object) { return mapping_.key(object) != 0; });
        if (has_keys) give_keys(session, given);
        std::vector<T> stored(objects.size());
        auto next = given.begin();
        auto read = stored.begin();
        session.run_many(
            detail::upsert_text(mapping_.model(), names, has_keys, session.dialect()),
            [&](CellWriter& to) {
                if (next == given.end()) return false;
                write_row(to, *next++, has_keys);
                return true;
            },
            [&](const CellReader& row) { mapping_.read(row, *read++); });
        std::move(stored.begin(), stored.end(), objects.begin());
    }

    /// The objects of a query whose reference `member` is one of `keys`, together for each key: the children
    /// of many parents in one statement. @throws InvalidArgument (`query.unsupported`) for a limited query
    /// that is grouped, distinct or locked, and as `list`.
    template <class V, class B>
    [[nodiscard]] Grouped<T> list_for(const Session& session, const Query& query, V B::*member,
                                      std::span<const std::int64_t> keys) const {
        static_assert(std::same_as<unwrapped_field_t<V>, std::int64_t>,
                      "children are grouped by a reference");
        Grouped<T> grouped;
        const Query children = detail::children_of(query, mapping_.column_of(member).name, keys);
        grouped.objects = list(session, children);
        std::vector<std::int64_t> owners;
        owners.reserve(grouped.objects.size());
        for (const T& object : grouped.objects) owners.push_back(*optional_key(object.*member));
        grouped.ranges = detail::group_by_key(keys, owners);
        return grouped;
    }

private:
    static std::optional<std::int64_t> optional_key(std::optional<std::int64_t> key) noexcept { return key; }
    [[nodiscard]] const MappedStatements& statements(const Session& session) const noexcept {
        return mapping_.statements(session.dialect());
    }
    [[nodiscard]] std::size_t column_count() const noexcept { return mapping_.model().columns().size(); }
    [[nodiscard]] std::size_t key_index() const noexcept {
        return static_cast<std::size_t>(mapping_.model().primary_key() - mapping_.model().columns().data());
    }
    [[nodiscard]] Query with_key(std::int64_t id) const {
        return query().where(core::field(mapping_.model().primary_key()->name) == id);
    }
    /// Gives an object its timestamps and who acts.
    void mark_new(const Session& session, T& object, core::Timestamp now) const {
        if (mapping_.has_timestamps()) {
            mapping_.set_created_at(object, now);
            mapping_.set_updated_at(object, now);
        }
        if (mapping_.has_audit() && session.actor()) {
            mapping_.set_created_by(object, session.actor());
            mapping_.set_updated_by(object, session.actor());
        }
    }
    /// Binds all columns, or all but the key; the key that an object wants is null.
    void write_row(CellWriter& to, const T& object, bool has_key) const {
        int place = 0;
        for (std::size_t i = 0; i < column_count(); ++i) {
            if (i != key_index()) {
                mapping_.write(to, place++, i, object);
            } else if (has_key) {
                if (mapping_.key(object) != 0) mapping_.write(to, place, i, object);
                ++place;
            }
        }
    }
    /// Adds the objects, and gives those without one their key.
    void write_all(const Session& session, std::span<T> objects) const {
        const bool is_sqlite = session.dialect() == core::SqlDialect::Sqlite;
        std::size_t written = 0;
        if (!is_sqlite && !give_keys(session, objects)) {
            // The table has a default of another kind: the database tells the keys.
            std::size_t read = 0;
            session.run_many(
                statements(session).insert,
                [&](CellWriter& to) {
                    if (written == objects.size()) return false;
                    write_row(to, objects[written++], false);
                    return true;
                },
                [&](const CellReader& row) { mapping_.set_key(objects[read++], row.int64(0)); });
            return;
        }
        std::vector<std::string_view> names;
        for (const Column& column : mapping_.model().columns()) names.emplace_back(column.name);
        session.copy_in(mapping_.model().table(), names, [&](CellWriter& to) {
            // SQLite tells a new key once its row is written.
            if (is_sqlite && written != 0 && mapping_.key(objects[written - 1]) == 0)
                mapping_.set_key(objects[written - 1], session.last_insert_id());
            if (written == objects.size()) return false;
            write_row(to, objects[written++], true);
            return true;
        });
    }
    /// On PostgreSQL: gives keys of the table's sequence to the objects that want one. @return whether all
    /// have a key now.
    bool give_keys(const Session& session, std::span<T> objects) const {
        const auto wants_key = [&](const T& object) { return mapping_.key(object) == 0; };
        const auto wanted =
            static_cast<std::size_t>(std::count_if(objects.begin(), objects.end(), wants_key));
        if (wanted == 0) return true;
        if (session.dialect() == core::SqlDialect::Sqlite) return false;
        const std::vector<std::int64_t> keys = detail::new_keys(session, mapping_.model(), wanted);
        auto key = keys.begin();
        for (T& object : objects) {
            if (key != keys.end() && wants_key(object)) mapping_.set_key(object, *key++);
        }
        return keys.size() == wanted;
    }
    /// Grows even while the clock stands still.
    [[nodiscard]] core::Timestamp next_version(core::Timestamp before) const {
        return std::max(clock_.now(), core::Timestamp{before.microseconds + 1});
    }
    [[noreturn]] void throw_unchanged(const Session& session, std::int64_t id) const {
        if (with_key(id).with_deleted().exists(session)) detail::throw_record_stale(mapping_.model(), id);
        detail::throw_record_missing(mapping_.model(), id);
    }
    [[nodiscard]] std::optional<T> find_with(const Session& session, const std::string& sql,
                                             std::int64_t id) const {
        std::optional<T> found;
        session.run_first(
            sql, [&](CellWriter& to) { to.int64(0, id); },
            [&](const CellReader& row) { mapping_.read(row, found.emplace()); });
        return found;
    }
    void mark(const Session& session, std::int64_t id, bool is_deleted,
              std::optional<std::int64_t> by) const {
        if (!mapping_.model().has_soft_delete()) {
            throw core::InvalidArgument("record.no_soft_delete", "the model has no soft delete",
                                        {{"model", mapping_.model().table()}});
        }
        const core::Timestamp now = clock_.now();
        std::vector<Assignment> changes = {{"is_deleted", is_deleted},
                                           {"deleted_at", is_deleted ? core::Value(now) : core::Value()},
                                           {"deleted_by", by ? core::Value(*by) : core::Value()}};
        const auto row = find_with_deleted(session, id);
        if (!row) detail::throw_record_missing(mapping_.model(), id);
        if (mapping_.has_timestamps())
            changes.emplace_back("updated_at", next_version(mapping_.updated_at(*row)));
        if (mapping_.has_audit() && session.actor()) changes.emplace_back("updated_by", *session.actor());
        const Query rows = with_key(id).with_deleted().where(core::field("is_deleted") == !is_deleted);
        if (rows.update(session, changes) == 0) detail::throw_record_missing(mapping_.model(), id);
    }

    Database& database_;
    const core::Clock& clock_;
    const Mapping<T>& mapping_;
};

}  // namespace consilia::data
