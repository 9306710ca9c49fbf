#include "actor.hpp"

#include <string>
#include <vector>

namespace consilia::data {

void set_actor(const Session& session, std::optional<std::int64_t> actor) {
    using core::Value;
    if (session.dialect() == core::SqlDialect::PostgreSql) {
        const std::string text = actor ? std::to_string(*actor) : std::string();
        session.query("SELECT set_config('consilia.actor', $1, true)", std::vector<Value>{text});
        return;
    }
    if (session.query("SELECT 1 FROM sqlite_schema WHERE name = 'consilia_actor'").empty()) return;
    session.execute("UPDATE consilia_actor SET actor = ?",
                    std::vector<Value>{actor ? Value(*actor) : Value()});
}

}  // namespace consilia::data
