// SPDX-License-Identifier: PostgreSQL
#include "wiretap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace walferry::testing {

namespace {

std::string value_of(const std::string &conninfo, const std::string &key) {
    const auto at = conninfo.find(key + "=");
    if (at == std::string::npos) throw std::runtime_error("no " + key + " in " + conninfo);
    const auto start = at + key.size() + 1;
    return conninfo.substr(start, conninfo.find(' ', start) - start);
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
    return text.replace(text.find(from), from.size(), to);
}

template <class Address>
sockaddr *as_sockaddr(Address &address) {
    return reinterpret_cast<sockaddr *>(&address);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

bool write_all(int fd, const char *bytes, std::size_t size) {
    while (size > 0) {
        const auto written = send(fd, bytes, size, MSG_NOSIGNAL);
        if (written <= 0) return false;
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

}  // namespace

Wiretap::Wiretap(const std::string &conninfo, std::pair<std::string, std::string> lie) : lie_(std::move(lie)) {
    const std::string host = value_of(conninfo, "host");
    const std::string port = value_of(conninfo, "port");
    socket_ = host + "/.s.PGSQL." + port;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    if (listener_ < 0 || bind(listener_, as_sockaddr(address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, as_sockaddr(address), &size) != 0 || pipe(stop_) != 0) {
        throw std::runtime_error("can't listen");
    }
    conninfo_ = replaced(replaced(conninfo, "host=" + host, "host=127.0.0.1"), "port=" + port,
                         "port=" + std::to_string(ntohs(address.sin_port)));
    server_ = std::jthread([this] { serve(); });
}

Wiretap::~Wiretap() {
    close(stop_[1]);
    server_.join();
    connections_.clear();  // joins
    close(stop_[0]);
    close(listener_);
}

void Wiretap::serve() {
    while (true) {
        std::array<pollfd, 2> waits = {pollfd{listener_, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
        poll(waits.data(), waits.size(), -1);
        if (waits[1].revents != 0) return;
        const int client = accept(listener_, nullptr, nullptr);
        if (client < 0) return;
        const std::lock_guard lock(mutex_);
        sent_.emplace_back();
        connections_.emplace_back([this, client, number = sent_.size() - 1] { pass(client, number); });
    }
}

void Wiretap::pass(int client, std::size_t number) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    bool open = connect(server, as_sockaddr(address), sizeof(address)) == 0;
    std::vector<char> buffer(65536);
    while (open) {
        std::array<pollfd, 3> waits = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0},
                                       pollfd{stop_[0], POLLIN, 0}};
        poll(waits.data(), waits.size(), -1);
        if (waits[2].revents != 0) break;
        for (const auto &[from, to] : {std::pair{waits[0], server}, std::pair{waits[1], client}}) {
            if (from.revents == 0) continue;
            const auto got = recv(from.fd, buffer.data(), buffer.size(), 0);
            if (from.fd == server && got > 0 && !lie_.first.empty()) {
                const auto end = buffer.begin() + got;
                const auto at = std::search(buffer.begin(), end, lie_.first.begin(), lie_.first.end());
                if (at != end) std::copy(lie_.second.begin(), lie_.second.end(), at);
            }
            open = open && got > 0 && write_all(to, buffer.data(), static_cast<std::size_t>(got));
            if (!open || from.fd != server) continue;
            const std::lock_guard lock(mutex_);
            sent_[number].append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    close(server);
    close(client);
}

std::size_t Wiretap::count(const std::string &text) const {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto &sent : sent_) {
        for (auto at = sent.find(text); at != std::string::npos; at = sent.find(text, at + text.size())) ++found;
    }
    return found;
}

std::size_t Wiretap::bytes() const {
    const std::lock_guard lock(mutex_);
    std::size_t total = 0;
    for (const auto &sent : sent_) total += sent.size();
    return total;
}

}  // namespace walferry::testing
