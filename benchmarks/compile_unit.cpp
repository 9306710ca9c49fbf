// What does it cost to compile a unit that maps structs, stores them and queries them?
// `compare/data/native.py` compiles this one, alone and without a precompiled header.
#include "consilia/data/repository.hpp"

namespace {

using namespace consilia;
using data::field;

struct Owner {
    std::int64_t id = 0;
    std::string name;
    static data::Mapping<Owner> mapping() {
        return data::Mapping<Owner>("owners").primary_key("id", &Owner::id).column("name", &Owner::name);
    }
};
struct Visit {
    std::int64_t id = 0;
    std::int64_t owner_id = 0;
    double fee = 0;
    bool is_paid = false;
    std::optional<std::int64_t> grade;
    core::Timestamp created_at;
    core::Timestamp updated_at;
    static data::Mapping<Visit> mapping() {
        return data::Mapping<Visit>("visits")
            .primary_key("id", &Visit::id)
            .reference("owner", &Visit::owner_id, data::mapping_of<Owner>())
            .column("fee", &Visit::fee)
            .column("is_paid", &Visit::is_paid)
            .column("grade", &Visit::grade)
            .timestamps(&Visit::created_at, &Visit::updated_at);
    }
};

}  // namespace

std::int64_t add(data::Database& database, std::string name) {
    const data::Repository<Owner> owners(database);
    Owner owner{.name = std::move(name)};
    return owners.insert(owner);
}

std::size_t unpaid(data::Database& database) {
    const data::Repository<Visit> visits(database);
    const data::ReadScope session = database.read();
    const data::Query query = visits.query()
                                  .where(field(&Visit::is_paid) == false && field(&Visit::fee) * 2 > 3)
                                  .where(field(&Visit::owner_id, &Owner::name) == "Ann")
                                  .order_by("-created_at")
                                  .include("owner");
    return visits.list(session, visits.query().limit(25)).size() + query.run(session).size();
}
