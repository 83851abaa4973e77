// A pair of fresh databases, and a task of walferry between them.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster.h"
#include "process.h"
#include "session.h"

namespace walferry::testing {

struct Encodings {
    std::string source = "UTF8";
    std::string destination = "UTF8";
};

// The source has the extension, the destination nothing. Both are dropped at the end, with the source's slots.
class Pair {
public:
    explicit Pair(Clusters &clusters = shared_clusters(), const Encodings &encodings = {});
    Pair(const Pair &) = delete;
    Pair &operator=(const Pair &) = delete;
    ~Pair();

    std::string source_conninfo() const { return clusters_.source.conninfo(name_); }
    std::string destination_conninfo() const { return clusters_.destination.conninfo(name_); }
    Session source() const { return Session(source_conninfo()); }
    Session destination() const { return Session(destination_conninfo()); }
    Clusters &clusters() const { return clusters_; }
    const std::string &name() const { return name_; }  // of both databases

    // Runs a file of tests/data at the source with psql, each statement a transaction of its own.
    void run_at_source(const std::string &file) const;

private:
    Clusters &clusters_;
    std::string name_;
};

struct TaskOptions {
    std::string name = {};  // default: the pair's
    std::optional<std::string> source_conninfo = {};
    std::optional<std::string> destination_conninfo = {};
    std::string stages = {};       // a TOML list; default all
    std::string source_more = {};  // further keys of [source]
    std::string more = {};         // further sections of the task file
    int retry_seconds = 60;
};

class Task {
public:
    explicit Task(const Pair &pair, const TaskOptions &options = {});

    const std::string &file() const { return file_; }
    const std::string &name() const { return name_; }
    std::string slot() const { return "walferry_" + name_; }

    // walferry VERB [OPTIONS] FILE [MORE], to its end.
    Outcome call(std::vector<std::string> verb_and_options, std::chrono::seconds limit = 180s,
                 const std::vector<std::string> &more = {}) const;
    // walferry run FILE, left running.
    Process start(const Environment &environment = {}) const;
    // walferry run --until now FILE; throws with its errors unless it ends with 0.
    void run_until_now(std::chrono::seconds limit = 180s) const;

    // Where the task is: a phase, or nothing before it has begun.
    std::string phase() const;
    // Waits until the slot is there, ready or not; `process` as below.
    void wait_for_slot(Process &process, Session &source) const;
    // Waits until `process`, a run of this task, has reached the stream; throws if it ends before.
    void wait_for_stream(Process &process, std::chrono::seconds limit = 120s) const;

private:
    std::string destination_;
    std::string name_;
    std::string file_;
};

// Like wait_until, but throws at once with the errors of `process` if it ends.
template <class Condition>
void wait_while_running(Process &process, const std::string &what, Condition condition,
                        std::chrono::seconds limit = 60s) {
    wait_until(
        what,
        [&] {
            if (condition()) return true;
            if (!process.running()) {
                throw std::runtime_error("ended with " + std::to_string(process.wait()) + " while waited for: " + what +
                                         "\n" + process.errors());
            }
            return false;
        },
        limit);
}

}  // namespace walferry::testing
