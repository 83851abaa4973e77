// SPDX-License-Identifier: PostgreSQL
#include "run/pipeline.h"

#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "apply/worker.h"
#include "base/byte_budget.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/checkpointer.h"
#include "config/connections.h"
#include "schedule/planner.h"

namespace walferry {

namespace {

constexpr std::chrono::milliseconds tick_interval{50};
// Frames are 64 KiB when there are many: enough of them to fill the byte budget, which is the real bound.
constexpr std::size_t frame_ring_capacity = 4096;
constexpr std::size_t group_ring_capacity = 16;

// What one stage's failure does to the others: the first error is kept, everybody is woken and stops.
class Halt {
public:
    Halt(Doorbell &planner, Doorbell &worker) : planner_(planner), worker_(worker) {}

    void request() {
        flag_.request();
        planner_.ring();
        worker_.ring();
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
    Doorbell &worker_;
    StopFlag flag_;
    std::mutex mutex_;
    std::optional<Error> error_;
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

Result<void> stream(const Task &task, PipelineOptions options, const StopFlag &stop,
                    const std::function<void(const Positions &)> &tick) {
    Doorbell receiver_bell;  // rung by the rings; the receiver looks at its socket too, so it doesn't sleep on it
    Doorbell planner_bell;
    Doorbell worker_bell;
    Halt halt(planner_bell, worker_bell);
    Positions positions;
    positions.applied_lsn.raise(options.start.lsn);

    WF_ASSIGN(auto progress_connection, pq::Connection::open(data_connection(task, Side::destination, "checkpointer",
                                                                             options.encoding, nullptr)));
    WF_ASSIGN(auto before, find_progress(progress_connection, task.name));
    Checkpointer checkpointer(std::move(progress_connection), task.name, before.value_or(Progress{}), positions);
    // What was confirmed is applied too, although the checkpoint may stand at the last commit before it.
    if (before) positions.applied_lsn.raise(before->flushed_lsn);
    WF_TRY(checkpointer.save());  // a predecessor may have left commits unflushed

    auto replication = data_connection(task, Side::source, "receiver", options.encoding, &halt.flag());
    replication.replication = true;
    WF_ASSIGN(auto replication_connection, pq::Connection::open(replication));
    auto heartbeat = data_connection(task, Side::source, "heartbeat", options.encoding, &halt.flag());
    heartbeat.settings.emplace_back("synchronous_commit", "local");  // a standby that is away must not hold it up
    WF_ASSIGN(auto heartbeat_connection, pq::Connection::open(heartbeat));

    // Declared in this order, so that whatever is left in the rings goes before what it refers to.
    ByteBudget budget(task.buffer_bytes);
    Ring<Frame> frames(frame_ring_capacity, receiver_bell, planner_bell);
    std::optional<Planner> planner;
    Ring<Group> groups(group_ring_capacity, planner_bell, worker_bell);
    planner.emplace(frames, groups, planner_bell, std::move(options.filter), options.start.lsn);
    auto apply = apply_connection(task, "worker 1", options.encoding, &halt.flag());
    apply.settings.emplace_back("synchronous_commit", "off");  // the checkpointer sees to durability
    Worker worker(std::move(apply), task.name, options.start.lsn, groups, worker_bell, positions);
    Receiver receiver(std::move(replication_connection), std::move(heartbeat_connection), frames, budget, positions);
    WF_TRY(receiver.start(options.start));
    {
        const auto receiver_thread = start_stage(receiver, halt);
        const auto planner_thread = start_stage(*planner, halt);
        const auto worker_thread = start_stage(worker, halt);
        const auto checkpointer_thread = start_stage(checkpointer, halt);
        while (!halt.flag().requested()) {
            std::this_thread::sleep_for(tick_interval);
            const bool reached = options.until.valid() && positions.flushed_lsn.get() >= options.until;
            if (stop.requested() || reached) halt.request();
            tick(positions);
        }
    }
    if (halt.error()) return fail(*halt.error());
    WF_TRY(checkpointer.save());
    receiver.finish();
    return {};
}

}  // namespace walferry
