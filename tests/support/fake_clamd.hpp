#pragma once
// A clamd of a test's own: speaks the daemon's protocol on a socket, and says what it is told to.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "support/temporary_directory.hpp"

namespace consilia::test {

/// Serves one connection after another until it is destroyed.
class FakeClamd {
public:
    /// What is answered to a command (`zPING`, `zINSTREAM`) and the file that came with it. Called on the
    /// daemon's thread. Nothing: the connection is closed.
    using Answer = std::function<std::string(const std::string& command, const std::string& file)>;
    enum class Transport { Unix, Tcp };
    enum class Reading { All, OnlyTheCommand, Nothing };

    explicit FakeClamd(Answer answer, Transport transport = Transport::Unix, Reading reading = Reading::All)
        : answer_(std::move(answer)), reading_(reading) {
        if (transport == Transport::Unix) {
            listen_unix();
        } else {
            listen_tcp();
        }
        if (::pipe(end_.data()) != 0) throw std::runtime_error("pipe failed");
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeClamd() {
        ::close(end_[1]);
        thread_.join();
        ::close(end_[0]);
        ::close(listener_);
    }
    FakeClamd(const FakeClamd&) = delete;
    FakeClamd& operator=(const FakeClamd&) = delete;

    [[nodiscard]] const std::string& address() const noexcept { return address_; }

private:
    void require(bool holds) const {
        if (!holds) throw std::runtime_error(std::string("fake clamd: ") + std::strerror(errno));
    }
    void listen_unix() {
        const std::string path = (directory_ / "clamd").string();
        address_ = "unix:" + path;
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        require(::listen(listener_, 8) == 0);
    }
    void listen_tcp() {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        require(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        require(::listen(listener_, 8) == 0);
        socklen_t size = sizeof at;
        require(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
        address_ = "tcp:127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    }

    /// Whether the socket has something, rather than the test being over.
    [[nodiscard]] bool wait_for(int socket) const {
        std::array<pollfd, 2> waited = {{{socket, POLLIN, 0}, {end_[0], POLLIN, 0}}};
        while (::poll(waited.data(), waited.size(), -1) < 0) {
        }
        return waited[1].revents == 0;
    }
    void serve() {
        while (wait_for(listener_)) {
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) continue;
            if (reading_ == Reading::Nothing) {
                (void)wait_for(-1);  // Until the test is over.
            } else {
                converse(client);
            }
            ::close(client);
        }
    }
    void converse(int client) const {
        std::string command;
        for (char c = 1; read_exactly(client, &c, 1) && c != '\0';) command += c;
        std::string file;
        if (command == "zINSTREAM" && reading_ == Reading::All) {
            std::array<unsigned char, 4> head{};
            while (read_exactly(client, reinterpret_cast<char*>(head.data()), head.size())) {
                const std::size_t size = std::size_t{head[0]} << 24U | std::size_t{head[1]} << 16U |
                                         std::size_t{head[2]} << 8U | head[3];
                if (size == 0) break;
                const std::size_t before = file.size();
                file.resize(before + size);
                if (!read_exactly(client, file.data() + before, size)) break;
            }
        }
        const std::string said = answer_(command, file);
        for (std::size_t at = 0; at < said.size();) {
            const ssize_t sent = ::send(client, said.data() + at, said.size() - at, MSG_NOSIGNAL);
            if (sent <= 0) return;
            at += static_cast<std::size_t>(sent);
        }
    }
    static bool read_exactly(int socket, char* into, std::size_t size) {
        while (size > 0) {
            const ssize_t got = ::recv(socket, into, size, 0);
            if (got <= 0) return false;
            into += got;
            size -= static_cast<std::size_t>(got);
        }
        return true;
    }

    TemporaryDirectory directory_;
    Answer answer_;
    Reading reading_;
    std::string address_;
    int listener_ = -1;
    std::array<int, 2> end_{-1, -1};
    std::thread thread_;
};

}  // namespace consilia::test
