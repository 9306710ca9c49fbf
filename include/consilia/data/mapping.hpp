#pragma once
// A struct and its table: columns bound to members, without macros.
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "consilia/data/model.hpp"
#include "consilia/data/typed_field.hpp"

namespace consilia::data {

struct ColumnOptions {
    bool is_unique = false;
};

struct IndexOptions {
    bool is_unique = false;
    core::Expression where{};  ///< A partial index; may compare with true, false and null only.
};

/// The constant statements of a mapped table, for one database.
struct MappedStatements {
    std::string insert;        ///< All columns but the key, which the database gives (`last_insert_id`).
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
                    .is_unique = options.is_unique},
                   static_cast<V T::*>(member));
    }

    /// A member that holds the id of a row of `target`; its column is `{relation}_id`. Paths go
    /// `relation.column`.
    template <class V, class B, class U>
    Mapping& reference(const std::string& relation, V B::*member, const Mapping<U>& target,
                       ColumnOptions options = {}) {
        static_assert(std::same_as<unwrapped_field_t<V>, std::int64_t>,
                      "a reference is held by std::int64_t or std::optional<std::int64_t>");
        const std::string name = relation + "_id";
        column(name, member, options);
        model_->add_reference({relation, name, target.shared_model()});
        return *this;
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

    /// `-` before a name: descending.
    Mapping& index(std::vector<std::string> columns, IndexOptions options = {}) {
        model_->add_index({std::move(columns), options.is_unique, std::move(options.where)});
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

    /// Fills an object from a row that has the model's columns in their order.
    void read(const CellReader& row, T& object) const {
        for (std::size_t i = 0; i < members_.size(); ++i) members_[i].read(row, static_cast<int>(i), object);
    }
    /// Binds one column of an object.
    void write(CellWriter& to, int place, std::size_t column, const T& object) const {
        members_[column].write(to, place, object);
    }
    [[nodiscard]] core::Value value(std::size_t column, const T& object) const {
        return members_[column].value(object);
    }
    template <class V, class B>
    [[nodiscard]] std::size_t index_of(V B::*member) const {
        V T::*own = member;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            if (members_[i].is(typeid(own), &own)) return i;
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
    struct Member {
        std::function<void(const CellReader&, int, T&)> read;
        std::function<void(CellWriter&, int, const T&)> write;
        std::function<core::Value(const T&)> value;
        std::function<bool(const std::type_info&, const void*)> is;  ///< Is it this member pointer?
    };

    template <class V>
    Mapping& add(Column column, V T::*member) {
        model_->add_column(std::move(column));
        members_.push_back(
            {[member](const CellReader& row, int at, T& object) {
                 FieldType<V>::read(row, at, object.*member);
             },
             [member](CellWriter& to, int place, const T& object) {
                 FieldType<V>::write(to, place, object.*member);
             },
             [member](const T& object) { return core::Value(FieldType<V>::value(object.*member)); },
             [member](const std::type_info& type, const void* other) {
                 return type == typeid(member) && *static_cast<V T::*const*>(other) == member;
             }});
        return *this;
    }

    std::shared_ptr<Model> model_;
    std::vector<Member> members_;
    std::int64_t T::*key_ = nullptr;
    core::Timestamp T::*created_at_ = nullptr;
    core::Timestamp T::*updated_at_ = nullptr;
    MappedStatements sqlite_;
    MappedStatements postgres_;
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
