#pragma once
// Messages between the programs of one PostgreSQL database (LISTEN and NOTIFY).
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"

namespace consilia::data {

struct Notification {
    std::string channel;
    std::string payload;
    std::int64_t process = 0;  ///< Of the server, for the connection that sent it.

    bool operator==(const Notification&) const = default;
};

/// Waits for messages on a connection of its own, outside the pool. A hint, not a queue: what is sent while
/// nobody listens, or while a lost connection is away, is never seen. Needs the server itself, not a pool
/// that changes connections (PgBouncer). Threading: confined, except for `interrupt`.
class CONSILIA_API Listener {
public:
    /// Listens from now on. Channels are plain names, as those of a schema. The database must outlive it.
    /// @throws InvalidArgument on SQLite (`database.unsupported`) or without a channel (`database.options`);
    /// as `Database::Database` otherwise.
    Listener(Database& database, std::vector<std::string> channels);
    ~Listener();
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) = delete;

    /// The next message, or none after the timeout or an interruption.
    /// @throws Unavailable (`database.lost`) when the connection goes: what was sent since the last call may
    /// be missed; the next call connects again. Unavailable (`database.forked`) in a forked child.
    [[nodiscard]] std::optional<Notification> wait(std::chrono::milliseconds timeout);
    /// Makes the `wait` that runs, or else the next one, return at once. Safe from any thread and from signal
    /// handlers.
    void interrupt() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Sends a message to all listeners, within a transaction when it commits. The payload is at most 8,000
/// bytes.
/// @throws as `Session::execute`; InvalidArgument on SQLite (`database.unsupported`).
CONSILIA_API void notify(const Session& session, std::string_view channel, std::string_view payload = {});

}  // namespace consilia::data
