// Answers the operator's requests on a Unix socket: lines of JSON, one answer a line, as many in a row as one likes.
//
// One thread serves all connections. What it answers from never waits for a server or a stage, so that it answers at once under any
// load. The socket is this account's alone (0600): whoever may write to it steers the task.
//
// Invariant: a live process's socket is never taken away from it; one that a killed process has left is replaced.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace walferry {

class ControlServer {
public:
    // `answer`: a request line to an answer line, both without their ends; called in the server's thread, never throws.
    using Answer = std::function<std::string(std::string_view)>;

    // Serves from now on. While another live process has the socket, or it can't be made, it is tried again once a second,
    // and said once.
    ControlServer(std::string path, Answer answer);
    ControlServer(const ControlServer &) = delete;
    ControlServer &operator=(const ControlServer &) = delete;
    // Ends serving; removes the socket.
    ~ControlServer();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace walferry
