#include "postgres_handle.hpp"

#include <algorithm>
#include <array>

#include "consilia/core/error.hpp"

namespace consilia::data {

bool is_postgres_url(std::string_view url) {
    if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return false;
    const std::unique_ptr<PQconninfoOption, PostgresFree> parsed(
        PQconninfoParse(std::string(url).c_str(), nullptr));
    return parsed != nullptr;
}

PostgresHandle connect_postgres(const std::string& url, const DatabaseOptions& options) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.busy_timeout).count();
    const std::string timeout = std::to_string(std::max<std::int64_t>(seconds, 2));  // libpq's least.
    // A later one wins: the URL over our defaults, UTF-8 over all.
    const std::array<const char*, 5> names{"connect_timeout", "fallback_application_name", "dbname",
                                           "client_encoding", nullptr};
    const std::array<const char*, 5> values{timeout.c_str(), "consilia", url.c_str(), "UTF8", nullptr};
    PostgresHandle handle(PQconnectdbParams(names.data(), values.data(), 1));
    if (handle == nullptr) throw std::bad_alloc();
    if (PQstatus(handle.get()) != CONNECTION_OK) {
        const PGPing answer = PQpingParams(names.data(), values.data(), 1);
        if (answer == PQPING_REJECT || answer == PQPING_NO_RESPONSE) {
            throw core::Unavailable("database.lost", "the database server does not answer");
        }
        const std::string_view said = PQerrorMessage(handle.get());
        throw core::StorageError("database.open", "the database cannot be opened: " +
                                                      std::string(said.substr(0, said.find('\n'))));
    }
    PQsetNoticeProcessor(
        handle.get(), [](void*, const char*) {}, nullptr);  // The library prints nothing.
    return handle;
}

}  // namespace consilia::data
