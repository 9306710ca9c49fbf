// Goal: a second copy of SQLite is noticed, however it came in. Method: a module that exports what tells
// copies apart.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "consilia/data/database.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

TEST(TwoSqlite, IsRefusedWhenADatabaseOpensAndWhileItLasts) {
    EXPECT_NO_THROW(Database("sqlite::memory:")) << "the process has a second copy to begin with";
    for (const int scope : {RTLD_LOCAL, RTLD_GLOBAL}) {
        void* second = ::dlopen(SECOND_SQLITE, RTLD_NOW | scope);
        ASSERT_NE(second, nullptr) << ::dlerror();
        EXPECT_EQ(test::code_of([] { Database database("sqlite::memory:"); }), "database.two_sqlite");
        ::dlclose(second);
    }
    EXPECT_NO_THROW(Database("sqlite::memory:"));
}

}  // namespace
}  // namespace consilia::data
