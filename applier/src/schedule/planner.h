// Decodes frames and cuts the stream into groups.
//
// Live, a group is what has arrived by the time the worker is free, so nothing waits; with a backlog it grows to a bound,
// so that a destination transaction is worth its commit. A transaction that passes the bound by itself goes in pieces, so
// memory does not grow with it.
//
// Invariants:
//   1. Groups hold all transactions, in source order, none twice: what was applied before the start is left out.
//   2. Changes that a table's copy has brought are left out (schedule/copy_filter.h).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>

#include "base/doorbell.h"
#include "base/error.h"
#include "base/ring.h"
#include "base/stop.h"
#include "decode/decoder.h"
#include "schedule/group.h"
#include "schedule/copy_filter.h"

namespace walferry {

// Where a group is cut. The bytes are those of the frames that it holds, whatever it takes from them, so that an open
// group never holds more of the receiver's budget; the budget must be larger.
constexpr std::size_t group_changes_max = 4096;
constexpr std::size_t group_bytes_max = std::size_t{1} << 20;

// Thread: its own, save for the constructor. The rings and the doorbell must outlive it, and it must outlive the
// groups: their changes point to its relations.
class Planner final : private ChangeSink {
public:
    // `applied_lsn`: everything before is applied already.
    Planner(Ring<Frame> &frames, Ring<Group> &groups, Doorbell &bell, CopyFilter filter, Lsn applied_lsn);

    // Until stop is requested (ring the doorbell then), or the stream is malformed.
    Result<void> run(const StopFlag &stop);

    // One step, for tests: take a frame if there is one, hand on what is due. False when there was nothing to do.
    Result<bool> step(const StopFlag &stop);

private:
    void on_begin(const Transaction &transaction) override;
    void on_change(Change change) override;
    void on_commit() override;
    void on_heartbeat(Lsn lsn, std::string_view content) override;

    void cut_by_bytes();
    std::size_t complete_transactions() const;
    void hold_frame();
    void hand_on_complete();        // whole transactions that are ready
    void hand_on_piece(bool last);  // of the transaction that is open, or was
    void hand_on(std::unique_ptr<Group> group);

    Ring<Frame> &frames_;
    Ring<Group> &groups_;
    Doorbell &bell_;
    CopyFilter filter_;
    const Lsn applied_lsn_;
    Decoder decoder_;

    const StopFlag *stop_ = nullptr;
    std::shared_ptr<const Frame> frame_;  // being decoded
    std::unique_ptr<Group> group_;        // being filled
    std::size_t open_frame_ = 0;          // index in group_->frames where the open transaction begins
    bool in_transaction_ = false;
    bool skipping_ = false;  // the open transaction was applied before the start
};

}  // namespace walferry
