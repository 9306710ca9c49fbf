#pragma once
// What a policy store is behind the C ABI.
#include <memory>

#include "consilia/access/policy_store.hpp"
#include "data.hpp"

struct consilia_policy_store {
    std::shared_ptr<consilia::data::Database> database;  ///< Of the tables; outlives the store.
    std::shared_ptr<consilia::access::PolicyStore> store;
};
