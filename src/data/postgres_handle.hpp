#pragma once
// Owners of what libpq gives, and the making of a connection.
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

#include "consilia/data/database.hpp"

namespace consilia::data {

struct PostgresFree {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    void operator()(PGresult* result) const noexcept { PQclear(result); }
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using PostgresHandle = std::unique_ptr<PGconn, PostgresFree>;
using PostgresResult = std::unique_ptr<PGresult, PostgresFree>;

/// Whether a text is a URL that libpq understands.
[[nodiscard]] bool is_postgres_url(std::string_view url);
/// @throws Unavailable (`database.lost`) if the server does not answer, StorageError (`database.open`) if it
/// refuses.
[[nodiscard]] PostgresHandle connect_postgres(const std::string& url, const DatabaseOptions& options);

}  // namespace consilia::data
