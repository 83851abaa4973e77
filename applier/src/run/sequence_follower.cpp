// SPDX-License-Identifier: PostgreSQL
#include "run/sequence_follower.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <optional>

#include "config/connections.h"
#include "schema/sequences.h"

namespace walferry {

namespace {

constexpr std::chrono::milliseconds interval{10'000};

}  // namespace

Result<void> SequenceFollower::run(const StopFlag &stop) {
    if (task_.local) return {};
    std::optional<pq::Connection> source;
    std::optional<pq::Connection> destination;
    std::string last_error;
    while (!stop.wait_for(interval)) {
        if (!copied_.load(std::memory_order_acquire)) continue;
        if (!source) {
            WF_ASSIGN(source,
                      pq::Connection::open(data_connection(task_, Side::source, "sequences", encoding_, &stop)));
            WF_ASSIGN(destination,
                      pq::Connection::open(data_connection(task_, Side::destination, "sequences", encoding_, &stop)));
        }
        const auto round = follow_sequences(*source, *destination, task_);
        if (round) continue;
        if (round.error().kind == ErrorKind::interrupted) return {};
        if (round.error().kind == ErrorKind::transient) return fail(round.error());
        if (round.error().text() == last_error) continue;
        last_error = round.error().text();
        spdlog::warn("sequences can't be followed: {}", last_error);
    }
    return {};
}

}  // namespace walferry
