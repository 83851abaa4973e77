// SPDX-License-Identifier: PostgreSQL
#include "run/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "apply/worker.h"
#include "base/byte_budget.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/checkpointer.h"
#include "config/connections.h"
#include "copy/copier.h"
#include "run/sequence_follower.h"
#include "schedule/handover.h"
#include "schedule/planner.h"
#include "schedule/turnstile.h"

namespace walferry {

namespace {

constexpr std::chrono::milliseconds tick_interval{50};
constexpr std::chrono::milliseconds tick_interval_with_end{2};  // whoever waits for the end waits no longer
// Frames are 64 KiB when there are many: enough of them to fill the byte budget, which is the real bound.
constexpr std::size_t frame_ring_capacity = 4096;
// A worker finds its next group ready. More would be planned too early: what has committed meanwhile holds nothing up.
constexpr std::size_t group_ring_capacity = 1;

// What one stage's failure does to the others: the first error is kept, everybody is woken and stops.
class Halt {
public:
    Halt(Doorbell &planner, std::deque<Doorbell> &workers, Turnstile &turnstile)
        : planner_(planner), workers_(workers), turnstile_(turnstile) {}

    void request() {
        flag_.request();
        planner_.ring();
        for (Doorbell &worker : workers_) worker.ring();
        turnstile_.ring();
    }
    void fail(Error error) {
        {
            const std::lock_guard lock(mutex_);
            // A stage that was interrupted says so, but it isn't why.
            if (!error_ && !(flag_.requested() && error.kind == ErrorKind::interrupted)) error_ = std::move(error);
        }
        request();
    }
    const StopFlag &flag() const { return flag_; }
    // Requires: the stages have ended.
    const std::optional<Error> &error() const { return error_; }

private:
    Doorbell &planner_;
    std::deque<Doorbell> &workers_;
    Turnstile &turnstile_;
    StopFlag flag_;
    std::mutex mutex_;
    std::optional<Error> error_;
};

// Whenever stream() ends, and however.
class EndOfStream {
public:
    explicit EndOfStream(StreamState &state) : state_(state) {}
    EndOfStream(const EndOfStream &) = delete;
    EndOfStream &operator=(const EndOfStream &) = delete;
    ~EndOfStream() {
        state_.ended.store(Heartbeat::Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    }

private:
    StreamState &state_;
};

template <class Stage>
std::jthread start_stage(Stage &stage, Halt &halt) {
    return std::jthread([&stage, &halt]() noexcept {
        try {
            if (auto ended = stage.run(halt.flag()); !ended) halt.fail(std::move(ended).error());
        } catch (const std::exception &exception) {
            halt.fail(Error{ErrorKind::bug, Side::none, {}, exception.what(), {}, {}, {}});
        }
    });
}

}  // namespace

Result<StreamEnd> stream(const Task &task, PipelineOptions options, const StopFlag &stop,
                         const std::function<void(std::shared_ptr<const StreamState>)> &begun,
                         const std::function<Result<bool>(const StreamState &)> &tick) {
    Doorbell receiver_bell;  // rung by the rings; the receiver looks at its socket too, so it doesn't sleep on it
    Doorbell planner_bell;
    const auto ordinary_workers = static_cast<std::size_t>(task.apply_workers);
    const bool apply_ahead = task.streaming && options.apply_ahead;
    std::deque<Doorbell> worker_bells(ordinary_workers + (apply_ahead ? 1 : 0));
    Turnstile turnstile(planner_bell, options.start.lsn, apply_ahead ? &worker_bells.back() : nullptr);
    Halt halt(planner_bell, worker_bells, turnstile);
    const auto state = std::make_shared<StreamState>(task.buffer_bytes, ordinary_workers);
    const EndOfStream end_of_stream(*state);
    Positions &positions = state->positions;
    CopyProgress &copy_progress = state->copying;
    positions.applied_lsn.raise(options.start.lsn);

    // Opened beside each other: a server may be far away.
    auto replication = data_connection(task, Side::source, "receiver", options.encoding, &halt.flag());
    replication.replication = true;
    // What passes it is streamed, or else written to disk by the source, which more than halves its speed.
    replication.settings.emplace_back("logical_decoding_work_mem",
                                      std::to_string(task.decoding_memory_bytes >> 10) + "kB");
    auto opening_replication = std::async(std::launch::async, pq::Connection::open, replication);
    auto heartbeat = data_connection(task, Side::source, "heartbeat", options.encoding, &halt.flag());
    heartbeat.settings.emplace_back("synchronous_commit", "local");  // a standby that is away must not hold it up
    auto opening_heartbeat = std::async(std::launch::async, pq::Connection::open, heartbeat);

    WF_ASSIGN(auto progress_connection, pq::Connection::open(data_connection(task, Side::destination, "checkpointer",
                                                                             options.encoding, nullptr)));
    WF_ASSIGN(auto before, find_progress(progress_connection, task.name));
    state->before = before.value_or(Progress{});
    Checkpointer checkpointer(std::move(progress_connection), task.name, state->before, positions);
    // What was confirmed is applied too, although the checkpoint may stand at the last commit before it.
    if (before) positions.applied_lsn.raise(before->flushed_lsn);
    WF_TRY(checkpointer.save());  // a predecessor may have left commits unflushed

    const SpoolOptions spool_options{task.spool_folder, task.spool_bytes};
    WF_ASSIGN(const auto handover, Handover::from(options.tables, options.schema, spool_options));
    copy_progress.complete = !options.copies;
    std::optional<Copier> copier;
    if (options.copies) {
        copier.emplace(task, options.encoding, *handover, positions, copy_progress, *options.copy_throttle,
                       options.copied_again);
    }
    begun(state);
    SequenceFollower sequences(task, options.encoding, copy_progress.complete);

    // Declared in this order, so that whatever is left in the rings goes before what it refers to.
    ByteBudget &budget = state->budget;
    Ring<Frame> frames(frame_ring_capacity, receiver_bell, planner_bell);
    std::optional<Planner> planner;
    std::deque<Ring<Group>> rings;
    std::vector<Ring<Group> *> planner_ends;
    for (Doorbell &bell : worker_bells) {
        planner_ends.push_back(&rings.emplace_back(group_ring_capacity, planner_bell, bell));
    }
    Ring<Group> *ahead = nullptr;
    if (apply_ahead) {
        ahead = planner_ends.back();
        planner_ends.pop_back();
    }
    planner.emplace(frames, std::move(planner_ends), ahead, turnstile, planner_bell, *handover,
                    positions.applied_lsn.get(), group_limits(ordinary_workers, task.buffer_bytes), spool_options,
                    budget, *options.throttle, state->heartbeat);
    ExactTables exact_tables;
    std::deque<Worker> workers;
    for (std::size_t i = 0; i < rings.size(); ++i) {
        const bool applies_ahead = i == ordinary_workers;
        const auto name = applies_ahead ? std::string("worker ahead") : fmt::format("worker {}", i + 1);
        workers.emplace_back(worker_connection(task, name, options.encoding, &halt.flag()), task, options.encoding,
                             applies_ahead, rings[i], worker_bells[i], turnstile, *handover, exact_tables, positions);
    }
    WF_ASSIGN(auto replication_connection, opening_replication.get());
    WF_ASSIGN(auto heartbeat_connection, opening_heartbeat.get());
    Receiver receiver(std::move(replication_connection), std::move(heartbeat_connection), std::move(options.start),
                      frames, budget, positions, state->heartbeat);
    bool asked = false;  // by tick, to end
    StreamEnd end = StreamEnd::complete;
    {
        const auto receiver_thread = start_stage(receiver, halt);
        const auto planner_thread = start_stage(*planner, halt);
        std::vector<std::jthread> worker_threads;
        for (Worker &worker : workers) worker_threads.push_back(start_stage(worker, halt));
        const auto checkpointer_thread = start_stage(checkpointer, halt);
        const auto sequences_thread = start_stage(sequences, halt);
        std::jthread copier_thread;
        if (copier) copier_thread = start_stage(*copier, halt);
        while (!halt.flag().wait_for(options.until.valid() ? tick_interval_with_end : tick_interval)) {
            const bool copied = copy_progress.complete.load(std::memory_order_acquire);
            const bool reached = options.until.valid() && copied && positions.applied_lsn.get() >= options.until;
            if (stop.requested() || reached) halt.request();
            const auto go_on = tick(*state);
            if (!go_on) halt.fail(go_on.error());
            asked |= go_on && !*go_on;
            if (asked && copier) copier->hold();
            if (asked && !reached && (copied || copier->idle())) {
                end = StreamEnd::again;
                halt.request();
            }
        }
    }
    if (workers.back().recalled_ahead()) return StreamEnd::recalled;
    if (std::any_of(workers.begin(), workers.end(), [](const Worker &worker) { return worker.copies_again(); }))
        return StreamEnd::again;
    if (halt.error()) return fail(*halt.error());
    WF_TRY(checkpointer.save());
    receiver.finish();
    return end;
}

}  // namespace walferry
