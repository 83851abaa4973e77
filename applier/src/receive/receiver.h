// Owns the replication connection: frames in, feedback out.
//
// Whatever the other stages do, the receiver keeps answering: when the pipeline is full it stops reading but not
// reporting, so a busy destination never costs the connection.
//
// With a backlog the plugin may hold commits back until a frame is full, and can't know when no more will come to fill
// it. After a frame that is not a closing one the receiver therefore sends a heartbeat when nothing has come for a moment:
// it goes through the WAL and takes along what is held.
//
// What it confirms to the slot is Positions::flushed_lsn and nothing else. While nothing is under way it raises
// Positions::applied_lsn with the source's keepalives, so that the slot moves on although nothing relevant happens.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/byte_budget.h"
#include "base/error.h"
#include "base/ring.h"
#include "base/stop.h"
#include "checkpoint/positions.h"
#include "pq/connection.h"
#include "receive/frame.h"

namespace walferry {

struct StreamStart {
    std::string slot;
    std::string include;  // patterns, in the source's encoding
    std::string exclude;
    Lsn lsn;                 // the source sends what commits from here on
    bool streaming = false;  // and big transactions before they commit
};

// Thread: its own for run(); finish() after it, by whoever made it. References must outlive it.
class Receiver {
public:
    // `connection` is a replication connection, `heartbeat` an ordinary one to the same database.
    Receiver(pq::Connection connection, pq::Connection heartbeat, StreamStart start, Ring<Frame> &frames,
             ByteBudget &budget, Positions &positions)
        : connection_(std::move(connection)),
          heartbeat_(std::move(heartbeat)),
          start_(std::move(start)),
          frames_(frames),
          budget_(budget),
          positions_(positions) {}

    // Until stop is requested, or the connection is lost.
    Result<void> run(const StopFlag &stop);

    // Confirm once more and end the stream. Best effort: the slot may stay behind, which costs nothing but time.
    void finish();

private:
    Result<void> start();
    Result<void> handle(pq::CopyData message, const StopFlag &stop);
    Result<void> handle_keepalive(std::string_view body);
    void settle(const StopFlag &stop);
    std::chrono::milliseconds idle_time() const;
    Result<void> push(std::unique_ptr<Frame> frame, const StopFlag &stop);
    Result<void> send_feedback();
    Result<void> send_feedback_if_due();
    Result<void> send_heartbeat_if_due();

    pq::Connection connection_;
    pq::Connection heartbeat_;
    const StreamStart start_;
    Ring<Frame> &frames_;
    ByteBudget &budget_;
    Positions &positions_;
    std::chrono::steady_clock::time_point last_feedback_{};
    Lsn last_flushed_lsn_;
    Lsn keepalive_lsn_;  // how far the source has read, by its last keepalive
    std::chrono::steady_clock::time_point last_frame_{};
    bool may_be_held_ = false;     // commits, by the plugin: the last frame was not a closing one
    bool heartbeat_sent_ = false;  // since then
};

}  // namespace walferry
