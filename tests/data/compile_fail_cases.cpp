// What must not compile, one CASE at a time; test.cmake compiles it and looks for the message. 0 is right.
#include <span>
#include <vector>

#include "consilia/data/repository.hpp"
#include "data/shelter.hpp"

using consilia::data::field;
using consilia::data::set;
using consilia::test::Animal;
using consilia::test::Owner;
using consilia::test::Species;
using consilia::test::Visit;

enum class Colour { Red };

void compare([[maybe_unused]] const consilia::data::Session& session,
             [[maybe_unused]] const consilia::data::Repository<Owner>& owners) {
    [[maybe_unused]] Owner owner;
#if CASE == 0
    (void)(field(&Animal::species) == Species::Dog);
    (void)(field(&Visit::reason) == "text");
    (void)(field(&Visit::fee) > 3);
    (void)(field(&Visit::grade) == 3);
    (void)(field(&Visit::grade) < field(&Visit::id));
    (void)field(&Visit::reason).like("a%");
    (void)field(&Visit::grade).in({1, 2});
    (void)(field(&Visit::grade) + 1 > field(&Visit::id) * 2 - 1);
    (void)(field(&Visit::fee) / 2 + field(&Visit::grade) >= 0.5);
    (void)(field(&Visit::id) % 2 == 0);
    (void)set(field(&Visit::grade), field(&Visit::grade) + 1);
    (void)set(field(&Visit::grade), std::nullopt);
    (void)set(field(&Visit::reason), "text");
    (void)(field(&Visit::animal_id, &Animal::owner_id, &Owner::name) == "Ann");
    owners.update(session, owner, &Owner::name);
    owners.upsert(session, owner, &Owner::name);
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
    (void)(field(&Animal::colour) == "red");
#elif CASE == 9
    (void)(field(&Visit::reason) == 3);
#elif CASE == 10
    (void)(field(&Animal::species) == Colour::Red);
#elif CASE == 11
    (void)field(&Visit::grade).in({1, "two"});
#elif CASE == 12
    (void)(field(&Visit::reason) + 1);
#elif CASE == 13
    (void)(field(&Visit::grade) + "1");
#elif CASE == 14
    (void)(field(&Visit::fee) % 2);
#elif CASE == 15
    (void)(field(&Visit::grade) + 0.5 == field(&Visit::grade));
#elif CASE == 16
    (void)set(field(&Visit::fee), "free");
#elif CASE == 17
    (void)set(field(&Visit::grade), field(&Visit::reason));
#elif CASE == 18
    (void)set(field(&Visit::fee), std::nullopt);
#elif CASE == 19
    owners.upsert(session, owner, &Animal::name);
#elif CASE == 20
    owners.update(session, owner, &Animal::name);
#elif CASE == 21
    (void)field<Owner>(&Animal::name);
#elif CASE == 22
    (void)field(&Visit::fee, &Animal::name);
#elif CASE == 23
    (void)(field(&Visit::fee).between(1, "two"));
#elif CASE == 24
    (void)owners.list_for(session, owners.query(), &Owner::name, {});
#endif
}
