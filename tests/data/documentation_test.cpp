// The example of docs/data.md, run.
#include <gtest/gtest.h>

#include "consilia/data/repository.hpp"
#include "support/temporary_directory.hpp"

namespace consilia {
namespace {

struct Patient {
    std::int64_t id = 0;
    std::string full_name;
    static data::Mapping<Patient> mapping() {
        return data::Mapping<Patient>("patients")
            .primary_key("id", &Patient::id)
            .column("full_name", &Patient::full_name);
    }
};
enum class Status : std::uint8_t { Pending, Done };
constexpr std::array<data::EnumName<Status>, 2> enum_names(Status) {
    return {{{Status::Pending, "pending"}, {Status::Done, "done"}}};
}
struct Visit {
    std::int64_t id = 0;
    std::int64_t patient_id = 0;
    Status status = Status::Pending;
    core::Timestamp created_at{};
    core::Timestamp updated_at{};
    static data::Mapping<Visit> mapping() {
        return data::Mapping<Visit>("visits")
            .primary_key("id", &Visit::id)
            .reference("patient", &Visit::patient_id,
                       data::mapping_of<Patient>())  // column patient_id, path patient.
            .column("status", &Visit::status)
            .timestamps(&Visit::created_at, &Visit::updated_at)
            .index({"status", "-created_at", "-id"});
    }
};

TEST(Documentation, TheExampleRuns) {
    const test::TemporaryDirectory directory;
    data::Database database("sqlite:" + (directory / "clinic.db").string());
    data::create_tables(database,
                        std::array{&data::mapping_of<Patient>().model(), &data::mapping_of<Visit>().model()});
    const data::Repository<Patient> patients(database);
    const data::Repository<Visit> visits(database);

    auto transaction = database.begin();
    Patient ann{.full_name = "Ann Example"};
    Visit visit{.patient_id = patients.insert(transaction, ann)};
    visits.insert(transaction, visit);
    transaction.commit();

    const auto pending = visits.query()
                             .where(data::field(&Visit::status) == Status::Pending)
                             .where(data::field(&Visit::patient_id, &Patient::full_name).like("Ann%"))
                             .order_by("-created_at")
                             .order_by("-id");
    const auto page = visits.page(database.read(), pending, 1, 25);
    ASSERT_EQ(page.results.size(), 1U);
    EXPECT_EQ(page.results[0].status, Status::Pending);
    const auto rows = pending.select({"id", "patient.full_name"}).run(database.read());
    EXPECT_EQ(data::to_json(rows), R"([{"id":1,"patient":{"full_name":"Ann Example"}}])");
}

}  // namespace
}  // namespace consilia
