#pragma once
// A small schema for tests: owners have animals, animals have visits; visits are soft-deleted.
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "consilia/core/value.hpp"
#include "consilia/data/mapping.hpp"
#include "consilia/data/query.hpp"

namespace consilia::test {

struct Owner {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::string> email{};

    static data::Mapping<Owner> mapping() {
        return data::Mapping<Owner>("owners")
            .primary_key("id", &Owner::id)
            .column("name", &Owner::name, {.is_unique = true})
            .column("email", &Owner::email);
    }
    bool operator==(const Owner&) const = default;
};

enum class Species : std::uint8_t { Cat, Dog, Owl };
constexpr std::array<data::EnumName<Species>, 3> enum_names(Species) {
    return {{{Species::Cat, "cat"}, {Species::Dog, "dog"}, {Species::Owl, "owl"}}};
}

struct Animal {
    std::int64_t id = 0;
    std::optional<std::int64_t> owner_id{};
    std::string name;
    Species species = Species::Cat;
    std::optional<core::Date> born{};

    static data::Mapping<Animal> mapping() {
        return data::Mapping<Animal>("animals")
            .primary_key("id", &Animal::id)
            .reference("owner", &Animal::owner_id, data::mapping_of<Owner>())
            .column("name", &Animal::name)
            .column("species", &Animal::species)
            .column("born", &Animal::born)
            .index({"owner_id", "name"}, {.is_unique = true});
    }
    bool operator==(const Animal&) const = default;
};

struct Visit {
    std::int64_t id = 0;
    std::int64_t animal_id = 0;
    std::string reason;
    double fee = 0;
    bool is_paid = false;
    std::optional<std::int64_t> grade{};
    core::Json findings{"{}"};
    core::Blob scan;
    core::Uuid ticket;
    core::Timestamp created_at;
    core::Timestamp updated_at;
    bool is_deleted = false;
    std::optional<core::Timestamp> deleted_at{};
    std::optional<std::int64_t> deleted_by{};

    static data::Mapping<Visit> mapping() {
        return data::Mapping<Visit>("visits")
            .primary_key("id", &Visit::id)
            .reference("animal", &Visit::animal_id, data::mapping_of<Animal>())
            .column("reason", &Visit::reason)
            .column("fee", &Visit::fee)
            .column("is_paid", &Visit::is_paid)
            .column("grade", &Visit::grade)
            .column("findings", &Visit::findings)
            .column("scan", &Visit::scan)
            .column("ticket", &Visit::ticket)
            .timestamps(&Visit::created_at, &Visit::updated_at)
            .soft_delete(&Visit::is_deleted, &Visit::deleted_at, &Visit::deleted_by)
            .index({"-created_at", "-id"}, {.where = core::field("is_deleted") == false})
            .full_text({"reason"})
            .scope("graded",
                   [](const data::Query& query, const core::Parameters&) {
                       return query.where(core::field("grade").is_not_null());
                   })
            .scope("dearer_than", [](const data::Query& query, const core::Parameters& parameters) {
                return query.where(core::field("fee") > core::parameter("fee"), parameters);
            });
    }
    bool operator==(const Visit&) const = default;
};

inline void create_shelter(data::Database& database) {
    const std::array models = {&data::mapping_of<Owner>().model(), &data::mapping_of<Animal>().model(),
                               &data::mapping_of<Visit>().model()};
    data::create_tables(database, models);
}

}  // namespace consilia::test
