// What must not compile, one CASE at a time; test.cmake compiles it and looks for the message. 0 is right.
#include <string>
#include <vector>

#include "consilia/data/repository.hpp"
#include "data/shelter.hpp"

using consilia::data::field;
using consilia::test::Animal;
using consilia::test::Owner;
using consilia::test::Species;
using consilia::test::Visit;

void compare() {
#if CASE == 0
    (void)(field(&Animal::species) == Species::Dog);
    (void)(field(&Visit::reason) == "text");
    (void)(field(&Visit::fee) > 3);
    (void)(field(&Visit::grade) == 3);
    (void)(field(&Visit::grade) < field(&Visit::id));
    (void)field(&Visit::reason).like("a%");
#elif CASE == 1
    (void)(field(&Animal::species) == "dog");
#elif CASE == 2
    (void)(field(&Visit::id) == "1");
#elif CASE == 3
    (void)(field(&Visit::is_paid) == 1);
#elif CASE == 4
    (void)(field(&Visit::grade) == nullptr);
#elif CASE == 5
    (void)(field(&Animal::species) < Species::Owl);
#elif CASE == 6
    (void)field(&Visit::fee).like("1%");
#elif CASE == 7
    struct Strange {
        std::vector<int> numbers;
    };
    consilia::data::Mapping<Strange>("strange").column("numbers", &Strange::numbers);
#elif CASE == 8
    (void)field(&Visit::colour);
#elif CASE == 9
    (void)(field(&Visit::fee) > field(&Visit::reason));
#elif CASE == 10
    (void)field(&Visit::grade).in({1, "2"});
#elif CASE == 11
    (void)field(&Visit::reason).between(1, 2);
#elif CASE == 12
    (void)(field(&Visit::reason) + 1);
#elif CASE == 13
    (void)(field(&Visit::fee) * "2");
#elif CASE == 14
    (void)field(&Visit::reason, &Animal::name);
#elif CASE == 15
    struct Named {
        std::string owner;
    };
    consilia::data::Mapping<Named>("named").reference("owner", &Named::owner,
                                                      consilia::data::mapping_of<Owner>());
#endif
}

void store(consilia::data::Database& database) {
    const consilia::data::Repository<Visit> visits(database);
    const auto session = database.begin();
    Visit visit;
#if CASE == 0
    visits.insert(session, visit);
    visits.update(session, visit, &Visit::fee, &Visit::grade);
    (void)visits.list_for(session, visits.query(), &Visit::animal_id, {});
    visits.query().update(session, {{"grade", field(&Visit::grade) + 1}, {"fee", field(&Visit::fee) * 1.5}});
#elif CASE == 16
    Animal animal;
    visits.insert(session, animal);
#elif CASE == 17
    visits.update(session, visit, &Animal::name);
#elif CASE == 18
    (void)visits.list_for(session, visits.query(), &Visit::reason, {});
#endif
}
