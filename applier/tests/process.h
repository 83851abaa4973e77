// Child processes: the program under test, psql, pg_dump, pgbench, cluster.sh.
//
// A child never outlives the test: its object kills it, and the kernel does if the test program itself dies.
// Failures of the machinery are exceptions, which GoogleTest reports as a failed test.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "wait.h"

namespace walferry::testing {

using Environment = std::vector<std::pair<std::string, std::string>>;

class Process {
public:
    explicit Process(const std::vector<std::string> &command, const Environment &environment = {});
    Process(Process &&other) noexcept;
    Process &operator=(Process &&) = delete;
    ~Process();

    pid_t pid() const { return pid_; }
    bool running();
    // Lets at most `time` pass. True if the process ended in it.
    bool ends_within(std::chrono::milliseconds time);

    // No error if it has ended already.
    void signal(int number);
    // SIGKILL and wait for the end.
    void kill();
    // Waits for the end; returns the exit code, or 128 + the signal that ended it. Throws at the limit.
    int wait(std::chrono::seconds limit = 120s);

    std::string output() const;  // so far
    std::string errors() const;
    std::string command() const { return command_; }  // for messages

private:
    bool reap(std::chrono::milliseconds time);

    std::string command_;
    std::string output_file_;
    std::string errors_file_;
    pid_t pid_ = -1;
    int pid_file_ = -1;
    bool ended_ = false;
    int exit_code_ = -1;
};

struct Outcome {
    int exit_code = -1;
    std::string output;
    std::string errors;
};

// Runs a command to its end.
Outcome run(const std::vector<std::string> &command, const Environment &environment = {},
            std::chrono::seconds limit = 120s);

// The same for one that must succeed; returns what it printed, throws with its errors.
std::string run_or_throw(const std::vector<std::string> &command, const Environment &environment = {},
                         std::chrono::seconds limit = 120s);

std::string read_file(const std::string &path);
void write_file(const std::string &path, const std::string &text);

}  // namespace walferry::testing
