// Decodes frames, cuts the stream into groups for the workers, and finds which changes have to wait for earlier groups.
//
// Groups go to the workers in turns. Live, a group is what has arrived by the time a worker is free, so nothing waits; with
// a backlog it grows to a bound, so that rows are folded and written in large batches. A transaction that passes the bound
// by itself goes in pieces, so memory does not grow with it.
//
// A transaction that the source streams before its commit waits in a spool for that, as it may still abort. If the source
// has committed it already, which is what a backlog is made of, it is applied ahead, by a worker that has nothing else to do:
// each piece once all that committed before it came is applied. Nothing that commits between a piece and the transaction's
// own commit can touch the same rows or keys: at the source the transaction held their locks by then.
//
// A transaction with DDL is a barrier: groups before it commit first, those behind it begin when it has committed. Each of
// its DDL statements is a piece of its own. What the script of an extension did to rows, between two marks, is left out: the
// destination's own script does it too.
//
// The operator's throttle is kept here: change by change, so that rates are smooth. A pause begins where no transaction is
// partly handed on; frames then wait in their ring, and the receiver in front of it reads no more, but keeps answering.
//
// Invariants:
//   1. Groups hold all transactions, in source order, none twice: what was applied before the start is left out.
//   2. Changes that a table's copy has brought are left out; of a table that is not copied yet they are handed on undecided
//      (schedule/handover.h).
//   3. A change is held if any group before its own that is not committed when it is planned touches the same row or key,
//      or the whole of the same table, or is one that was applied ahead.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/byte_budget.h"
#include "base/doorbell.h"
#include "base/error.h"
#include "base/ring.h"
#include "base/stop.h"
#include "base/throttle.h"
#include "decode/decoder.h"
#include "receive/heartbeat.h"
#include "schedule/group.h"
#include "schedule/handover.h"
#include "schedule/last_writers.h"
#include "schedule/turnstile.h"
#include "spool/spools.h"

namespace walferry {

// Where a group is cut.
struct GroupLimits {
    std::size_t changes = 65536;
    // Of the frames that it holds, whatever it takes from them, so that an open group never holds more of the receiver's
    // budget. The budget must be larger than the groups that can be under way, or nothing would move.
    std::size_t bytes = std::size_t{8} << 20;
    // Enough for a worker that has nothing to do.
    std::size_t changes_waited_for = 16384;
};

// The limits under which all groups of so many workers fit into the receiver's budget.
GroupLimits group_limits(std::size_t workers, std::size_t budget_bytes);

// Thread: its own, save for the constructor. What is given by reference must outlive it, and it must
// outlive the groups: their changes point to its relations.
class Planner final : private ChangeSink {
public:
    // `workers`: a ring for each, at least one. `ahead`: the ring of the worker that applies ahead of commits, or null: none
    // does. `applied_lsn`: everything before is applied already. `budget`: the receiver's.
    Planner(Ring<Frame> &frames, std::vector<Ring<Group> *> workers, Ring<Group> *ahead, const Turnstile &turnstile,
            Doorbell &bell, Handover &handover, Lsn applied_lsn, const GroupLimits &limits, SpoolOptions spool_options,
            ByteBudget &budget, Throttle &throttle, Heartbeat &heartbeat);

    // Until stop is requested (ring the doorbell then), or the stream is malformed.
    Result<void> run(const StopFlag &stop);

    // One step, for tests: take a frame if there is one, hand on what is due. False when there was nothing to do.
    Result<bool> step(const StopFlag &stop);

private:
    using Clock = std::chrono::steady_clock;

    // What is written to a table as a whole.
    struct TableWriters {
        Writer any;      // any change
        Writer barrier;  // one that must not be reordered with any other: its rows can't be told apart
    };

    void on_begin(const Transaction &transaction) override;
    void on_change(Change change) override;
    void on_commit() override;
    void on_heartbeat(Lsn lsn, std::string_view content) override;
    void on_stream_start(std::uint64_t xid, bool committed) override;
    void on_stream_change(std::uint64_t xid, std::uint32_t subxid, Change change) override;
    void on_stream_abort(std::uint64_t xid, std::uint32_t subxid) override;
    void on_stream_commit(const Transaction &transaction) override;

    void on_ddl(Change change);
    void on_truncate(Change change, const Transaction &transaction);
    Handover::Fate fate(std::uint32_t relid, const Transaction &transaction) const;
    void add(Change change, bool undecided);
    void pace(std::uint64_t rows, std::uint64_t bytes);
    bool pauses() const;
    void look_at_heartbeat();
    void keep(Result<void> result);
    Result<void> replay(Spool &spool);
    void commit_ahead(const Transaction &transaction);
    void plan_transaction();
    std::uint64_t write(const Change &change);
    void prefetch(const Change &change) const;
    std::uint64_t write_keys(const Change &change);
    bool gathering() const;
    void cut_by_bytes();
    std::size_t complete_transactions() const;
    void hold_frame(Group &group);
    void hand_on_complete();        // whole transactions that are ready
    void hand_on_piece(bool last);  // of the transaction that is open, or was
    void hand_on_ahead();           // of the transaction that is applied ahead
    void hand_on(std::unique_ptr<Group> group);
    void push(Ring<Group> &worker, std::unique_ptr<Group> group);
    std::uint64_t under_way() const { return number_ - 1 - turnstile_.committed(); }
    // A worker would begin at once.
    bool worker_waits() const { return under_way() < workers_.size(); }

    Ring<Frame> &frames_;
    const std::vector<Ring<Group> *> workers_;
    Ring<Group> *const ahead_worker_;
    const Turnstile &turnstile_;
    Doorbell &bell_;
    Handover &handover_;
    const Lsn applied_lsn_;
    const GroupLimits limits_;
    ByteBudget &budget_;
    Throttle &throttle_;
    Heartbeat &heartbeat_;
    Decoder decoder_;
    LastWriters keys_;
    std::unordered_map<std::uint32_t, TableWriters> tables_;  // by relid
    Spools spools_;
    std::optional<Error> error_;  // of a call by the decoder, which takes none

    const StopFlag *stop_ = nullptr;
    std::shared_ptr<const Frame> frame_;  // being decoded
    bool more_to_come_ = false;           // the last frame was not a closing one
    Clock::time_point last_frame_{};
    Clock::time_point group_begun_{};  // when the group's first frame came
    std::uint64_t number_ = 1;         // of the group that is being filled
    std::unique_ptr<Group> group_;     // being filled
    std::size_t open_frame_ = 0;       // index in group_->frames where the open transaction begins
    bool in_transaction_ = false;
    bool skipping_ = false;                          // the open transaction was applied before the start
    bool has_ddl_ = false;                           // the open transaction
    bool muted_ = false;                             // what comes now in it is an extension's script's
    std::unordered_set<std::uint32_t> undecided_;    // tables of which a change in an open group is
    std::uint64_t ddl_number_ = 0;                   // of the last group with DDL that is complete
    Lsn last_commit_lsn_;                            // what follows commits behind it
    std::uint64_t ahead_xid_ = 0;                    // of the transaction that is applied ahead; 0: none is
    std::unique_ptr<Group> ahead_;                   // its piece that is being filled
    std::uint64_t ahead_number_ = 0;                 // of the last group that was applied ahead
    std::optional<std::uint64_t> heartbeat_number_;  // the heartbeat has come through when this group has committed
};

}  // namespace walferry
