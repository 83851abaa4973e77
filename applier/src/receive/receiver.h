// Owns the replication connection: frames in, feedback out.
//
// Whatever the other stages do, the receiver keeps answering: when the pipeline is full it stops reading but not
// reporting, so a busy destination never costs the connection.
//
// With a backlog the plugin may hold commits back until a frame is full, and can't know when no more will come to fill
// it. After a frame that is not a closing one the receiver therefore sends a heartbeat when nothing has come for a moment:
// it goes through the WAL and takes along what is held. Another is sent now and then to measure the lag (receive/heartbeat.h).
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
#include "receive/heartbeat.h"

namespace walferry {

struct StreamStart {
    std::string slot;
    std::string include;  // patterns, in the source's encoding
    std::string exclude;
    std::string tables;      // settings of single tables, as the plugin's option takes them (tables_option())
    std::string settled;     // OIDs of tables that were copied with some, joined with commas
    Lsn lsn;                 // the source sends what commits from here on
    bool streaming = false;  // and big transactions before they commit
    bool local = false;      // only what has no replication origin
    std::chrono::seconds heartbeat_interval{10};  // while nothing changes; 0: none then
};

// Thread: its own for run(); finish() after it, by whoever made it. References must outlive it.
class Receiver {
public:
    // `connection` is a replication connection, `messages` an ordinary one to the same database.
    Receiver(pq::Connection connection, pq::Connection messages, StreamStart start, Ring<Frame> &frames,
             ByteBudget &budget, Positions &positions, Heartbeat &heartbeat)
        : connection_(std::move(connection)),
          messages_(std::move(messages)),
          start_(std::move(start)),
          frames_(frames),
          budget_(budget),
          positions_(positions),
          heartbeat_(heartbeat) {}

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
    Result<void> send_heartbeat(const std::string &content);
    void note_source_time(std::int64_t time);

    pq::Connection connection_;
    pq::Connection messages_;
    const StreamStart start_;
    Ring<Frame> &frames_;
    ByteBudget &budget_;
    Positions &positions_;
    Heartbeat &heartbeat_;
    std::uint64_t transactions_ = 0;  // that were applied when the last heartbeat was sent to measure
    std::chrono::steady_clock::time_point last_feedback_{};
    Lsn last_flushed_lsn_;
    Lsn keepalive_lsn_;  // how far the source has read, by its last keepalive
    std::chrono::steady_clock::time_point last_frame_{};
    bool may_be_held_ = false;  // commits, by the plugin: the last frame was not a closing one
    bool nudged_ = false;       // by a heartbeat since then
};

}  // namespace walferry
