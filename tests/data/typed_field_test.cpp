#include "consilia/data/typed_field.hpp"

#include <gtest/gtest.h>

#include "data/shelter.hpp"

namespace consilia::data {
namespace {

using test::Animal;
using test::Owner;
using test::Species;
using test::Visit;

void expect_same(const core::Expression& typed, const core::Expression& plain) {
    EXPECT_TRUE(typed.same_as(plain)) << to_text(typed) << " is not " << to_text(plain);
}

TEST(TypedField, ComparesAsTheFieldOfItsName) {
    const core::Term grade = core::field("grade");
    expect_same(field(&Visit::grade) == 3, grade == 3);
    expect_same(field(&Visit::grade) < field(&Visit::id), grade < core::field("id"));
    expect_same(field(&Visit::grade).between(1, 2), grade.between(1, 2));
    expect_same(field(&Visit::grade).in({1, 2}), grade.in({1, 2}));
    expect_same(field(&Visit::grade).is_null(), grade.is_null());
    expect_same(field(&Visit::fee) > 3, core::field("fee") > 3.0);
    expect_same(field(&Animal::species) == Species::Owl, core::field("species") == "owl");
    expect_same(field(&Visit::reason).like("a%"), core::field("reason").like("a%"));
}

TEST(TypedField, IsCalculatedWithNumbersAndFieldsOfNumbers) {
    const core::Term grade = core::field("grade");
    const core::Term fee = core::field("fee");
    expect_same((field(&Visit::grade) + 1).term().expression(), (grade + 1).expression());
    expect_same((field(&Visit::fee) * 1.5).term().expression(), (fee * 1.5).expression());
    expect_same((field(&Visit::fee) / field(&Visit::grade)).term().expression(), (fee / grade).expression());
    expect_same((field(&Visit::grade) - field(&Visit::id) * 2).term().expression(),
                (grade - core::field("id") * 2).expression());
}

TEST(TypedField, NamesItsPathAcrossReferences) {
    EXPECT_EQ(field(&Visit::animal_id, &Animal::owner_id, &Owner::name).path(), "animal.owner.name");
    EXPECT_EQ(field(&Visit::animal_id).path(), "animal_id");
    EXPECT_THROW((void)field(&Visit::grade, &Owner::name), core::InvalidArgument);
}

}  // namespace
}  // namespace consilia::data
