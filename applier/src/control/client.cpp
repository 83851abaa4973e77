// SPDX-License-Identifier: PostgreSQL
#include "control/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "control/socket_path.h"

namespace walferry {

namespace {

constexpr timeval answer_time_max{10, 0};

class Socket {
public:
    Socket() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;
    ~Socket() {
        if (fd_ >= 0) close(fd_);
    }
    int fd() const { return fd_; }

private:
    const int fd_;
};

// 0, or why not (errno).
int connect_to(const Socket &socket, const std::string &path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
    std::memcpy(address.sun_path, path.data(), path.size());
    return connect(socket.fd(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0 ? 0 : errno;
}

Result<std::string> send_and_receive(const Socket &socket, const std::string &line) {
    const auto no_answer = [] {
        return fail(ErrorKind::state, fmt::format("the running task does not answer: {}", strerror(errno)),
                    "It may have just ended: try again.");
    };
    for (std::size_t sent = 0; sent < line.size();) {
        const auto size = send(socket.fd(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return no_answer();
        sent += static_cast<std::size_t>(size);
    }
    std::string answer;
    std::array<char, 65536> buffer;
    while (answer.empty() || answer.back() != '\n') {
        const auto size = recv(socket.fd(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) {
            if (size == 0) errno = ECONNRESET;
            return no_answer();
        }
        answer.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return answer;
}

}  // namespace

Result<std::optional<nlohmann::ordered_json>> ask(const Task &task, const nlohmann::ordered_json &request) {
    for (const std::string &path : socket_paths(task)) {
        const Socket socket;
        if (socket.fd() < 0) return fail(ErrorKind::bug, fmt::format("no socket: {}", strerror(errno)));
        const int error = connect_to(socket, path);
        if (error == EACCES || error == EPERM) {
            return fail(ErrorKind::state, fmt::format("the running task's socket {} is another account's", path),
                        "Call walferry as the account that runs the task, or as root.");
        }
        if (error != 0) continue;
        setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &answer_time_max, sizeof(answer_time_max));
        WF_ASSIGN(const std::string line, send_and_receive(socket, request.dump() + "\n"));
        auto answer = nlohmann::ordered_json::parse(line, nullptr, false);
        if (!answer.is_object() || !answer.contains("ok")) {
            return fail(ErrorKind::bug, fmt::format("what serves {} is not walferry", path));
        }
        if (!answer["ok"].is_boolean() || !answer["ok"].get<bool>()) {
            return fail(ErrorKind::state, answer.value("error", "the running task refuses"));
        }
        return answer;
    }
    return std::nullopt;
}

}  // namespace walferry
