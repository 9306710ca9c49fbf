#pragma once
// A struct and its table: columns bound to members, without macros.
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include "consilia/data/model.hpp"
#include "consilia/data/typed_field.hpp"

namespace consilia::data {

/// What a column promises beyond its type; see `Column`.
struct ColumnOptions {
    bool is_unique = false;
    core::Value default_value{};
    bool defaults_to_now = false;
    std::int64_t length_max = 0;
    std::vector<std::string> choices{};
    core::Expression check{};
};

struct ReferenceOptions {
    bool is_unique = false;
    OnDelete on_delete = OnDelete::Restrict;
};

/// See `Index`.
struct IndexOptions {
    bool is_unique = false;
    core::Expression where{};
    bool ignores_deleted = false;
};

/// The stored names of an enum, for `ColumnOptions::choices`.
template <NamedEnum E>
[[nodiscard]] std::vector<std::string> choices_of() {
    std::vector<std::string> names;
    for (const auto& [value, name] : enum_names(E{})) names.emplace_back(name);
    return names;
}

/// The constant statements of a mapped table.
struct MappedStatements {
    std::string insert;        ///< All columns but the key, which the database gives.
    std::string insert_keyed;  ///< All columns.
    std::string find;          ///< All columns by key, deleted rows hidden.
    std::string find_deleted;  ///< The same with deleted rows.
    std::string update;        ///< All columns but the key, by key.
    std::string update_fresh;  ///< The same where `updated_at` is still what was read.
};
/// Writes them. @throws InvalidArgument (`model.key`) for a model without a primary key.
CONSILIA_API MappedStatements mapped_statements(const Model& model, core::SqlDialect dialect);

/// The description of a table together with the members of T that hold its columns.
///
/// ```cpp
/// struct Prediction {
///     std::int64_t id = 0;
///     std::int64_t xray_id = 0;
///     Status status = Status::Pending;
///     static data::Mapping<Prediction> mapping() {
///         return data::Mapping<Prediction>("predictions")
///             .primary_key("id", &Prediction::id)
///             .reference("xray", &Prediction::xray_id, data::mapping_of<XrayImage>())
///             .column("status", &Prediction::status)
///             .index({"status"});
///     }
/// };
/// ```
/// T is default-constructible. Built once, then used through `mapping_of<T>()`. Threading: compatible.
template <class T>
class Mapping {
public:
    /// @throws InvalidArgument (`model.name`, `model.duplicate`, `model.index`), here and below.
    explicit Mapping(std::string table) : model_(std::make_shared<Model>(std::move(table))) {}

    template <class B>
    Mapping& primary_key(std::string name, std::int64_t B::*member) {
        key_ = member;
        return add({.name = std::move(name), .type = core::ValueType::Int64, .is_primary_key = true}, key_);
    }

    template <class V, class B>
    Mapping& column(std::string name, V B::*member, ColumnOptions options = {}) {
        static_assert(Storable<V>,
                      "a member of this type cannot be stored: use std::int64_t, bool, double, std::string, "
                      "a core type, "
                      "an enum with enum_names(), or std::optional of these");
        return add({.name = std::move(name),
                    .type = FieldType<V>::kType,
                    .is_nullable = UnwrappedField<V>::kIsNullable,
                    .is_unique = options.is_unique,
                    .default_value = std::move(options.default_value),
                    .defaults_to_now = options.defaults_to_now,
                    .length_max = options.length_max,
                    .choices = std::move(options.choices),
                    .check = std::move(options.check)},
                   static_cast<V T::*>(member));
    }

    /// A member that holds the id of a row of `target`; its column is `{relation}_id`. Paths go
    /// `relation.column`.
    template <class V, class B, class U>
    Mapping& reference(const std::string& relation, V B::*member, const Mapping<U>& target,
                       ReferenceOptions options = {}) {
        return refer(relation, member, target.shared_model(), options);
    }
    /// A member that holds the id of another row of the same table.
    template <class V, class B>
    Mapping& self_reference(const std::string& relation, V B::*member, ReferenceOptions options = {}) {
        return refer(relation, member, model_->self(), options);
    }

    /// Columns `created_at` and `updated_at`, set by the repository from its clock. `updated_at` grows with
    /// each update and tells a stale one.
    template <class B, class C>
    Mapping& timestamps(core::Timestamp B::*created_at, core::Timestamp C::*updated_at) {
        created_at_ = created_at;
        updated_at_ = updated_at;
        column("created_at", created_at);
        return column("updated_at", updated_at);
    }

    /// Columns `is_deleted`, `deleted_at` and `deleted_by`: queries hide the rows in which the first is true.
    template <class B>
    Mapping& soft_delete(bool B::*is_deleted, std::optional<core::Timestamp> B::*deleted_at,
                         std::optional<std::int64_t> B::*deleted_by) {
        column("is_deleted", is_deleted);
        column("deleted_at", deleted_at);
        return column("deleted_by", deleted_by);
    }

    /// Columns `created_by` and `updated_by`, set by the repository to the actor of the transaction (see
    /// `Transaction::act_as`). Without an actor they are stored as the object has them.
    template <class B, class C>
    Mapping& audit(std::optional<std::int64_t> B::*created_by, std::optional<std::int64_t> C::*updated_by) {
        created_by_ = created_by;
        updated_by_ = updated_by;
        column("created_by", created_by);
        return column("updated_by", updated_by);
    }

    /// Every change of a row is kept; see `Model::keep_history`.
    Mapping& history() {
        model_->keep_history();
        return *this;
    }

    /// `-` before a name: descending.
    Mapping& index(std::vector<std::string> columns, IndexOptions options = {}) {
        model_->add_index(
            {std::move(columns), options.is_unique, std::move(options.where), options.ignores_deleted});
        return *this;
    }
    /// A condition over the columns of a row that must not be false.
    Mapping& check(core::Expression condition) {
        model_->add_check(std::move(condition));
        return *this;
    }

    /// A named step of queries over T, for `Query::scope`.
    Mapping& scope(std::string name, Scope scope) {
        model_->add_scope(std::move(name), std::move(scope));
        return *this;
    }
    /// The text columns that `Query::search` looks in; see `create_full_text`.
    Mapping& full_text(std::vector<std::string> columns) {
        model_->set_full_text(std::move(columns));
        return *this;
    }

    [[nodiscard]] const Model& model() const noexcept { return *model_; }
    [[nodiscard]] std::shared_ptr<const Model> shared_model() const noexcept { return model_; }
    [[nodiscard]] const MappedStatements& statements(core::SqlDialect dialect) const noexcept {
        return dialect == core::SqlDialect::Sqlite ? sqlite_ : postgres_;
    }

    /// The column of a member. @throws InvalidArgument (`mapping.member`) if it has none.
    template <class V, class B>
    [[nodiscard]] const Column& column_of(V B::*member) const {
        return model_->columns()[index_of(static_cast<V T::*>(member))];
    }

    [[nodiscard]] std::int64_t key(const T& object) const { return object.*key_; }
    void set_key(T& object, std::int64_t key) const { object.*key_ = key; }
    [[nodiscard]] bool has_timestamps() const noexcept { return updated_at_ != nullptr; }
    [[nodiscard]] core::Timestamp created_at(const T& object) const { return object.*created_at_; }
    [[nodiscard]] core::Timestamp updated_at(const T& object) const { return object.*updated_at_; }
    void set_updated_at(T& object, core::Timestamp at) const { object.*updated_at_ = at; }
    void set_created_at(T& object, core::Timestamp at) const { object.*created_at_ = at; }
    [[nodiscard]] bool has_audit() const noexcept { return updated_by_ != nullptr; }
    void set_created_by(T& object, std::optional<std::int64_t> by) const { object.*created_by_ = by; }
    void set_updated_by(T& object, std::optional<std::int64_t> by) const { object.*updated_by_ = by; }

    /// What the repository writes into an object itself.
    struct Marks {
        core::Timestamp created_at{};
        core::Timestamp updated_at{};
        std::optional<std::int64_t> created_by{};
        std::optional<std::int64_t> updated_by{};
    };
    [[nodiscard]] Marks marks(const T& object) const {
        Marks marks;
        if (has_timestamps()) {
            marks.created_at = object.*created_at_;
            marks.updated_at = object.*updated_at_;
        }
        if (has_audit()) {
            marks.created_by = object.*created_by_;
            marks.updated_by = object.*updated_by_;
        }
        return marks;
    }
    void set_marks(T& object, const Marks& marks) const {
        if (has_timestamps()) {
            object.*created_at_ = marks.created_at;
            object.*updated_at_ = marks.updated_at;
        }
        if (has_audit()) {
            object.*created_by_ = marks.created_by;
            object.*updated_by_ = marks.updated_by;
        }
    }

    /// Fills an object from a row that has the model's columns in their order.
    void read(const CellReader& row, T& object) const {
        int column = 0;
        for (const Member& member : members_) member.read(member, row, column++, object);
    }
    /// Binds one column of an object.
    void write(CellWriter& to, int place, std::size_t column, const T& object) const {
        members_[column].write(members_[column], to, place, object);
    }
    [[nodiscard]] core::Value value(std::size_t column, const T& object) const {
        return members_[column].value(members_[column], object);
    }
    template <class V, class B>
    [[nodiscard]] std::size_t index_of(V B::*member) const {
        V T::*own = member;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            if (members_[i].type == typeid(own) && members_[i].template pointer<V>() == own) return i;
        }
        throw core::InvalidArgument("mapping.member", "a member of the struct has no column",
                                    {{"model", model_->table()}});
    }

    /// Writes the statements; `mapping_of` does it.
    void finish() {
        sqlite_ = mapped_statements(*model_, core::SqlDialect::Sqlite);
        postgres_ = mapped_statements(*model_, core::SqlDialect::PostgreSql);
    }

private:
    /// A pointer to a member of any type, and what is done through it. Plain functions, and not
    /// std::function: a record has many columns, and each is one call.
    struct Member {
        void (*read)(const Member&, const CellReader&, int, T&);
        void (*write)(const Member&, CellWriter&, int, const T&);
        core::Value (*value)(const Member&, const T&);
        std::type_index type;  ///< Of the pointer.
        std::array<std::byte, sizeof(std::int64_t T::*)> bits;

        template <class V>
        [[nodiscard]] V T::*pointer() const noexcept {
            return std::bit_cast<V T::*>(bits);
        }
        template <class V>
        [[nodiscard]] static Member of(V T::*pointer) {
            return {[](const Member& member, const CellReader& row, int at, T& object) {
                        FieldType<V>::read(row, at, object.*member.template pointer<V>());
                    },
                    [](const Member& member, CellWriter& to, int place, const T& object) {
                        FieldType<V>::write(to, place, object.*member.template pointer<V>());
                    },
                    [](const Member& member, const T& object) {
                        return core::Value(FieldType<V>::value(object.*member.template pointer<V>()));
                    },
                    typeid(pointer), std::bit_cast<decltype(bits)>(pointer)};
        }
    };

    template <class V, class B>
    Mapping& refer(const std::string& relation, V B::*member, std::shared_ptr<const Model> target,
                   ReferenceOptions options) {
        static_assert(std::same_as<unwrapped_field_t<V>, std::int64_t>,
                      "a reference is held by std::int64_t or std::optional<std::int64_t>");
        const std::string name = relation + "_id";
        column(name, member, {.is_unique = options.is_unique});
        model_->add_reference({relation, name, std::move(target), options.on_delete});
        return *this;
    }

    template <class V>
    Mapping& add(Column column, V T::*member) {
        model_->add_column(std::move(column));
        members_.push_back(Member::of(member));
        return *this;
    }

    std::shared_ptr<Model> model_;
    std::vector<Member> members_;
    std::int64_t T::*key_ = nullptr;
    core::Timestamp T::*created_at_ = nullptr;
    core::Timestamp T::*updated_at_ = nullptr;
    MappedStatements sqlite_;
    MappedStatements postgres_;
    std::optional<std::int64_t> T::*created_by_ = nullptr;
    std::optional<std::int64_t> T::*updated_by_ = nullptr;
};

/// Where the mapping of T comes from: `T::mapping()`. Specialise it for a struct that cannot have that
/// function.
template <class T>
struct Describe {
    static Mapping<T> mapping() { return T::mapping(); }
};

/// The mapping of T, made on first use. Threading: safe.
template <class T>
[[nodiscard]] const Mapping<T>& mapping_of() {
    static const Mapping<T> mapping = [] {
        Mapping<T> made = Describe<T>::mapping();
        made.finish();
        return made;
    }();
    return mapping;
}

/// The typed field of a member that T inherits: `field<Prediction>(&Prediction::created_at)`.
template <class T, class B, class V>
requires std::derived_from<T, B>
[[nodiscard]] TypedField<V> field(V B::*member) {
    return TypedField<V>(mapping_of<T>().column_of(member).name);
}
/// The typed field of a member: `field(&Prediction::status)`. @throws InvalidArgument (`mapping.member`).
template <class V, class T>
[[nodiscard]] TypedField<V> field(V T::*member) {
    return field<T, T, V>(member);
}
namespace detail {
template <class V, class T>
const Model& model_behind(V T::*) {
    return mapping_of<T>().model();
}
}  // namespace detail

/// A field across a reference: `field(&Prediction::xray_id, &XrayImage::patient_id, &Patient::user_id)` is
/// `xray.patient.user_id`. @throws InvalidArgument (`mapping.member`) where a step is no reference to the
/// next table.
template <class V, class T, class U, class... Rest>
[[nodiscard]] auto field(V T::*step, U next, Rest... rest) {
    static_assert(std::same_as<unwrapped_field_t<V>, std::int64_t>,
                  "a step of a path is a reference: a std::int64_t, or a std::optional of it");
    const Model& model = mapping_of<T>().model();
    const std::string& column = mapping_of<T>().column_of(step).name;
    auto below = field(next, rest...);
    using Below = decltype(below);
    for (const Reference& reference : model.references()) {
        if (reference.column == column && reference.target->table() == detail::model_behind(next).table()) {
            return Below(reference.relation + '.' + below.path());
        }
    }
    throw core::InvalidArgument("mapping.member", "a step of a path is no reference", {{"column", column}});
}

}  // namespace consilia::data
