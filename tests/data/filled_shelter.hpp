#pragma once
// The shelter with rows in it, on either database, and texts that would harm one.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "data/fresh_database.hpp"
#include "data/shelter.hpp"
#include "support/errors.hpp"

namespace consilia::test {

// Texts that would change a statement if they were ever part of one.
inline const std::vector<std::string> kHostile = {"' OR '1'='1",
                                                  "\"; DROP TABLE visits; --",
                                                  "%",
                                                  "_",
                                                  "\\",
                                                  "x\" UNION SELECT 1 --",
                                                  "id; DELETE",
                                                  "animal.owner.name)",
                                                  "\xC3\xA9'",
                                                  "?1",
                                                  ":me",
                                                  "$1",
                                                  "reason\"",
                                                  "(SELECT name FROM owners)",
                                                  "animal..id",
                                                  ".id",
                                                  "id.",
                                                  "animal.owner.name.id",
                                                  "rowid",
                                                  "is_deleted = 1 OR id",
                                                  "owners",
                                                  "visits.id",
                                                  "\n",
                                                  "ID",
                                                  "-id",
                                                  "id desc",
                                                  "",
                                                  "animal",
                                                  " id",
                                                  std::string("id\0x", 4)};

/// Ann has Tom and Oz, Bob has Tom, and a stray belongs to nobody. 40 visits, each fourth of the last ones
/// soft-deleted.
class FilledShelter : public OnBothDatabases {
protected:
    FilledShelter() {
        create_shelter(database);
        data::Transaction transaction = database.begin();
        for (const char* name : {"Ann", "Bob"}) {
            Owner owner{.name = name};
            owners.insert(transaction, owner);
        }
        const auto add = [&](std::optional<std::int64_t> owner_id, const char* name) {
            Animal animal{.owner_id = owner_id, .name = name};
            animals.insert(transaction, animal);
        };
        add(1, "Tom");
        add(1, "Oz");
        add(2, "Tom");
        add(std::nullopt, "Stray");
        for (int i = 0; i < 40; ++i) {
            Visit visit;
            visit.animal_id = 1 + i % 4;
            visit.reason = "reason " + std::to_string(i % 5);
            visit.grade = i % 3 == 0 ? std::nullopt : std::optional<std::int64_t>(i % 3);
            visit.fee = i % 7;
            visit.is_deleted = i % 4 == 3 && i > 20;
            visits.insert(transaction, visit);
        }
        transaction.commit();
    }

    std::vector<std::int64_t> ids(const data::Query& query) {
        const data::RowSet rows = query.select({"id"}).run(session);
        std::vector<std::int64_t> result;
        for (std::size_t row = 0; row < rows.size(); ++row) result.push_back(rows.int64(row, 0));
        return result;
    }

    core::ManualClock clock{core::Timestamp{1'700'000'000'000'000}};
    data::Database database{fresh.url(), {.busy_timeout = std::chrono::milliseconds(1000)}};
    data::Repository<Owner> owners{database, clock};
    data::Repository<Animal> animals{database, clock};
    data::Repository<Visit> visits{database, clock};
    data::Query all = visits.query();
    data::Autocommit session = database.autocommit();
};

}  // namespace consilia::test
