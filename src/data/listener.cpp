#include "consilia/data/listener.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "pool.hpp"
#include "postgres_error.hpp"
#include "postgres_handle.hpp"

namespace consilia::data {
namespace {

[[noreturn]] void throw_unsupported() {
    throw core::InvalidArgument("database.unsupported", "messages need PostgreSQL");
}

}  // namespace

struct Listener::State {
    explicit State(std::shared_ptr<Database::State> its_database, std::vector<std::string> its_channels)
        : database(std::move(its_database)),
          channels(std::move(its_channels)),
          interrupts(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (interrupts < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    ~State() {
        if (process_mark() != database->process) (void)handle.release();  // The parent's.
        ::close(interrupts);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void connect() {
        handle = connect_postgres(database->source, database->options);
        for (const std::string& channel : channels) {
            const std::string sql = "LISTEN " + core::quote_identifier(channel);
            const PostgresResult result(PQexec(handle.get(), sql.c_str()));
            if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
                throw_postgres_error(handle.get(), result.get(), false);
            }
        }
    }

    /// A message that has arrived already.
    [[nodiscard]] std::optional<Notification> take() const {
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> message(PQnotifies(handle.get()), &PQfreemem);
        if (message == nullptr) return std::nullopt;
        return Notification{message->relname, message->extra, message->be_pid};
    }

    std::shared_ptr<Database::State> database;
    std::vector<std::string> channels;
    PostgresHandle handle;
    int interrupts;
};

Listener::Listener(Database& database, std::vector<std::string> channels) {
    if (database.dialect() != core::SqlDialect::PostgreSql) throw_unsupported();
    if (channels.empty()) throw core::InvalidArgument("database.options", "a listener needs a channel");
    database.state_->check_process();
    state_ = std::make_unique<State>(database.state_, std::move(channels));
    state_->connect();
}
Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;

std::optional<Notification> Listener::wait(std::chrono::milliseconds timeout) {
    State& state = *state_;
    state.database->check_process();
    if (state.handle == nullptr) state.connect();
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (true) {
        if (auto message = state.take()) return message;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        std::array<pollfd, 2> waiting{
            {{PQsocket(state.handle.get()), POLLIN, 0}, {state.interrupts, POLLIN, 0}}};
        const int ready = ::poll(waiting.data(), waiting.size(),
                                 static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30)));
        if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
        std::uint64_t interruptions = 0;
        if (::read(state.interrupts, &interruptions, sizeof interruptions) > 0) return std::nullopt;
        if (ready == 0) return std::nullopt;
        if (waiting[0].revents != 0 && PQconsumeInput(state.handle.get()) == 0) {
            state.handle.reset();
            throw core::Unavailable("database.lost", "the connection to the database is lost");
        }
    }
}

void Listener::interrupt() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(state_->interrupts, &one, sizeof one);  // Full: it is interrupted anyway.
}

void notify(const Session& session, std::string_view channel, std::string_view payload) {
    if (session.dialect() != core::SqlDialect::PostgreSql) throw_unsupported();
    session.run("SELECT pg_notify($1, $2)", [&](CellWriter& to) {
        to.text(0, channel);
        to.text(1, payload);
    });
}

}  // namespace consilia::data
