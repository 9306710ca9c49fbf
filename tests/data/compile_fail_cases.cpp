// What must not compile, one CASE at a time; test.cmake compiles it and looks for the message. 0 is right.
#include <vector>

#include "consilia/data/mapping.hpp"
#include "data/shelter.hpp"

using consilia::data::field;
using consilia::test::Animal;
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
#endif
}
