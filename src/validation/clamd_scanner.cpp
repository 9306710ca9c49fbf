// ClamAV's daemon (clamd(8)): a command, ended by a zero byte, and one answer, ended by a zero byte.
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/validation/scanner.hpp"
#include "core/file_system.hpp"

namespace consilia::validation {
namespace {

using std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;
using namespace std::string_view_literals;

constexpr std::size_t kMaxAnswerBytes = 4096;
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTcp = "tcp:";

/// Why there is no verdict. Never leaves this file.
struct ScanFailure {
    std::string reason;
};

[[noreturn]] void fail(std::string reason) {
    throw ScanFailure{std::move(reason)};
}
[[noreturn]] void fail(const char* what, int error) {
    fail(std::string(what) + ": " + std::generic_category().message(error));
}

/// What a daemon said, fit for a line of a log.
std::string printable(std::string_view answer) {
    constexpr std::size_t kMaxBytes = 200;
    std::string text(answer.substr(0, kMaxBytes));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

struct HostAndPort {
    std::string host;
    std::string port;
};

/// `host:port` or `[address]:port`; empty for another form.
HostAndPort split_host(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return {};
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
        return {};
    return {std::string(host), std::string(port)};
}

int left_ms(Deadline deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

/// Waits until the socket can be used, or until the deadline.
void wait_for(int socket, short events, Deadline deadline, const char* what) {
    for (;;) {
        pollfd waited{socket, events, 0};
        const int ready = ::poll(&waited, 1, left_ms(deadline));
        if (ready > 0) return;
        if (ready == 0) fail(std::string(what) + " took too long");
        if (errno != EINTR) fail(what, errno);
    }
}

core::Descriptor connect_to(const sockaddr* address, socklen_t size, int family, Deadline deadline) {
    core::Descriptor opened(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (opened.get() < 0) fail("no socket", errno);
    if (::connect(opened.get(), address, size) == 0) return opened;
    if (errno != EINPROGRESS) fail("clamd cannot be reached", errno);
    wait_for(opened.get(), POLLOUT, deadline, "connecting to clamd");
    int error = 0;
    socklen_t error_size = sizeof error;
    if (::getsockopt(opened.get(), SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) error = errno;
    if (error != 0) fail("clamd cannot be reached", error);
    return opened;
}

core::Descriptor connect_unix(std::string_view path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX, deadline);
}

core::Descriptor connect_tcp(std::string_view text, Deadline deadline) {
    const HostAndPort at = split_host(text);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(at.host.c_str(), at.port.c_str(), &hints, &found);
    if (status != 0) fail(std::string("the host of clamd is not known: ") + ::gai_strerror(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(found, &::freeaddrinfo);
    for (const addrinfo* each = found;; each = each->ai_next) {
        try {
            return connect_to(each->ai_addr, each->ai_addrlen, each->ai_family, deadline);
        } catch (const ScanFailure&) {
            if (each->ai_next == nullptr) throw;
        }
    }
}

/// One command on a connection of its own.
class Conversation {
public:
    explicit Conversation(const ClamdOptions& options) : options_(options) {
        const Deadline deadline = std::chrono::steady_clock::now() + options.connect_timeout;
        const std::string_view address = options.address;
        socket_ = address.starts_with(kUnix) ? connect_unix(address.substr(kUnix.size()), deadline)
                                             : connect_tcp(address.substr(kTcp.size()), deadline);
    }

    /// False if the daemon has closed, which it does after an answer that came early.
    bool send(std::string_view bytes) {
        const Deadline deadline = std::chrono::steady_clock::now() + options_.read_timeout;
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno == EAGAIN) {
                wait_for(socket_.get(), POLLOUT, deadline, "sending to clamd");
            } else if (errno == EPIPE || errno == ECONNRESET) {
                return false;
            } else if (errno != EINTR) {
                fail("sending to clamd", errno);
            }
        }
        return true;
    }

    /// The answer without its end.
    std::string receive() {
        const Deadline deadline = std::chrono::steady_clock::now() + options_.read_timeout;
        std::string answer;
        std::array<char, 512> buffer{};
        while (answer.size() < kMaxAnswerBytes) {
            const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got == 0) fail("clamd closed without an answer");
            if (got > 0) {
                const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
                answer += piece.substr(0, piece.find('\0'));
                if (piece.find('\0') != std::string_view::npos) return answer;
            } else if (errno == EAGAIN) {
                wait_for(socket_.get(), POLLIN, deadline, "the answer of clamd");
            } else if (errno != EINTR) {
                fail("reading from clamd", errno);
            }
        }
        fail("clamd answers too much");
    }

private:
    const ClamdOptions& options_;
    core::Descriptor socket_;
};

void send_file(Conversation& clamd, std::span<const std::byte> bytes, std::size_t piece_bytes) {
    if (!clamd.send("zINSTREAM\0"sv)) return;
    std::string head(4, '\0');
    const auto send_size = [&](std::size_t size) {
        for (std::size_t i = 0; i < 4; ++i) head[i] = static_cast<char>(size >> (24 - 8 * i) & 0xFFU);
        return clamd.send(head);
    };
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), piece_bytes));
        if (!send_size(piece.size())) return;
        if (!clamd.send({reinterpret_cast<const char*>(piece.data()), piece.size()})) return;
        bytes = bytes.subspan(piece.size());
    }
    send_size(0);
}

/// `stream: OK`, `stream: Eicar-Signature FOUND`, `INSTREAM size limit exceeded. ERROR`.
ScanVerdict verdict_of(std::string_view answer) {
    constexpr std::string_view kStream = "stream: ";
    constexpr std::string_view kFound = " FOUND";
    if (answer == "stream: OK") return ScanVerdict::clean();
    if (answer.starts_with(kStream) && answer.ends_with(kFound) &&
        answer.size() > kStream.size() + kFound.size()) {
        answer.remove_prefix(kStream.size());
        answer.remove_suffix(kFound.size());
        return ScanVerdict::infected(printable(answer));
    }
    if (answer.find("size limit exceeded") != std::string_view::npos)
        return ScanVerdict::failed("the file is larger than clamd takes (StreamMaxLength)");
    return ScanVerdict::failed("clamd answers `" + printable(answer) + "`");
}

}  // namespace

ClamdScanner::ClamdScanner(ClamdOptions options) : options_(std::move(options)) {
    const auto refuse = [](const char* what) { throw core::InvalidArgument("scanner.options", what); };
    const std::string_view address = options_.address;
    const bool is_unix = address.starts_with(kUnix) && address.size() > kUnix.size() &&
                         address.size() - kUnix.size() < sizeof(sockaddr_un::sun_path);
    const bool is_tcp = address.starts_with(kTcp) && !split_host(address.substr(kTcp.size())).host.empty();
    if (!is_unix && !is_tcp) refuse("the address of clamd is `unix:/path` or `tcp:host:port`");
    if (options_.connect_timeout.count() <= 0 || options_.read_timeout.count() <= 0)
        refuse("the times of clamd must be above zero");
    constexpr std::size_t kMaxPieceBytes = std::size_t{16} << 20;
    if (options_.piece_bytes == 0 || options_.piece_bytes > kMaxPieceBytes)
        refuse("a piece has 1 byte to 16 MiB");
}

ScanVerdict ClamdScanner::scan(std::span<const std::byte> bytes) const {
    try {
        Conversation clamd(options_);
        send_file(clamd, bytes, options_.piece_bytes);
        return verdict_of(clamd.receive());
    } catch (ScanFailure& failure) {
        return ScanVerdict::failed(std::move(failure.reason));
    }
}

bool ClamdScanner::ping() const {
    try {
        Conversation clamd(options_);
        return clamd.send("zPING\0"sv) && clamd.receive() == "PONG";
    } catch (const ScanFailure&) {
        return false;
    }
}

std::string ClamdScanner::version() const {
    try {
        Conversation clamd(options_);
        (void)clamd.send("zVERSION\0"sv);
        return printable(clamd.receive());
    } catch (const ScanFailure& failure) {
        throw core::Unavailable("upload.scanner_unavailable", "the scanner failed: " + failure.reason,
                                {{"reason", failure.reason}});
    }
}

}  // namespace consilia::validation
