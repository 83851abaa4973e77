// A line to a server on which every byte that the server sends is kept.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace walferry::testing {

// Listens on a port of this machine and passes everything on. Ends with its object, and its connections with it.
class Wiretap {
public:
    // `conninfo`: over a Unix socket, with host and port. Clients get the second of `lie` for the first, of the same length,
    // where one answer of the server's has it whole.
    explicit Wiretap(const std::string &conninfo, std::pair<std::string, std::string> lie = {});
    Wiretap(const Wiretap &) = delete;
    Wiretap &operator=(const Wiretap &) = delete;
    ~Wiretap();

    // The same, through the tap.
    const std::string &conninfo() const { return conninfo_; }
    // How often the text occurs in what the server has sent so far, over all connections.
    std::size_t count(const std::string &text) const;
    std::size_t bytes() const;

private:
    void serve();
    void pass(int client, std::size_t number);

    const std::pair<std::string, std::string> lie_;
    std::string socket_;
    std::string conninfo_;
    int listener_ = -1;
    int stop_[2] = {-1, -1};  // a pipe: its end wakes everybody
    mutable std::mutex mutex_;
    std::vector<std::string> sent_;  // by connection
    std::vector<std::jthread> connections_;
    std::jthread server_;
};

}  // namespace walferry::testing
