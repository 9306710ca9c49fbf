#pragma once
#include <cstdint>
#include <optional>

#include "consilia/data/database.hpp"

namespace consilia::data {

/// Tells the triggers of histories who acts in this transaction: on SQLite through the row of
/// `consilia_actor`, which is there where a history is; on PostgreSQL through a setting of the transaction.
void set_actor(const Session& session, std::optional<std::int64_t> actor);

}  // namespace consilia::data
