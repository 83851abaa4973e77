// SPDX-License-Identifier: PostgreSQL
#include "run/cleanup.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "pq/connection.h"
#include "pq/origin.h"
#include "slot/slot.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A session whose process has died notices it when it next tries to write; until then it holds slot or origin.
constexpr auto session_wait = std::chrono::seconds(10);
constexpr auto retry_interval = milliseconds(200);

class Cleanup {
public:
    Cleanup(const Task &task, const StopFlag &stop) : task_(task), stop_(stop), slot_(task.slot) {}

    Result<std::string> run() {
        // The lock goes first and is held to the end, so that no run begins meanwhile.
        if (auto locked = lock_task(); !locked) WF_TRY(keep(std::move(locked).error()));
        if (auto dropped = drop_task_slot(); !dropped) {
            Error error = std::move(dropped).error();
            if (error.kind == ErrorKind::transient && error.sqlstate != "55006") {
                done_.push_back(fmt::format("slot {} at the source is left: it goes on keeping WAL", slot_));
            }
            WF_TRY(keep(std::move(error)));
        }
        if (destination_ && failed_) {  // remembered, so that a repeated cleanup knows whose slot it is
            done_.push_back(fmt::format("bookkeeping of task {} at the destination is left until then", task_.name));
        } else if (destination_) {
            WF_TRY(drop_task_origins());
            WF_TRY(delete_task(*destination_, task_.name));
            done_.push_back(fmt::format("bookkeeping of task {} at the destination: {}", task_.name,
                                        begun_ ? "removed" : "there is none"));
        } else {
            done_.push_back(fmt::format("bookkeeping of task {} at the destination is left", task_.name));
        }
        done_.emplace_back("the copied tables are left as they are");
        const auto report = fmt::format("{}\n", fmt::join(done_, "\n"));
        if (!failed_) return report;
        return fail(std::move(*failed_)
                        .with_detail(report.substr(0, report.size() - 1))
                        .with_hint("Repeat cleanup when both servers can be reached."));
    }

private:
    // A server that can't be reached doesn't keep the other one from being cleaned; everything else ends the verb.
    Result<void> keep(Error error) {
        const bool unreachable = error.kind == ErrorKind::transient || error.sqlstate.starts_with("28");
        if (!unreachable || error.sqlstate == "55006") return fail(std::move(error));
        if (failed_) {
            failed_ = std::move(*failed_).with_detail(error.message);
        } else {
            failed_ = std::move(error);
        }
        return {};
    }

    Result<void> lock_task() {
        WF_ASSIGN(auto destination,
                  pq::Connection::open(control_connection(task_, Side::destination, "cleanup", &stop_)));
        WF_ASSIGN(const bool locked, try_lock_task(destination, task_.name));
        if (!locked) {
            return fail(ErrorKind::state, fmt::format("task \"{}\" is running", task_.name),
                        "Stop its \"walferry run\" (SIGTERM), then repeat cleanup.");
        }
        WF_ASSIGN(const auto record, find_task(destination, task_.name));
        begun_ = record.has_value();
        if (record) {
            slot_ = record->slot;
            // The checkpoint is noted with the slot. A task of the schema alone makes none; one that is done has dropped it.
            WF_ASSIGN(const auto checkpoint, find_checkpoint(destination, task_.name));
            made_slot_ = record->phase == Phase::slot || (checkpoint && record->phase != Phase::done);
        }
        destination_ = std::move(destination);
        return {};
    }

    Result<void> drop_task_slot() {
        WF_ASSIGN(auto source, pq::Connection::open(control_connection(task_, Side::source, "cleanup", &stop_)));
        WF_ASSIGN(const auto slot, find_slot(source, slot_));
        if (!slot) {
            done_.push_back(fmt::format("slot {} at the source: does not exist", slot_));
            return {};
        }
        if (const auto ours = check_slot_is_ours(*slot, PQdb(source.raw())); !ours) {
            done_.push_back(fmt::format("{}: left alone", ours.error().message));
            return {};
        }
        if (destination_ && !made_slot_) {  // another task's, of the same name at another destination, for all we know
            done_.push_back(fmt::format(
                "slot {} at the source: left alone, task {} at the destination has not made it. If it is of no "
                "use: SELECT pg_drop_replication_slot('{}');",
                slot_, task_.name, slot_));
            return {};
        }
        WF_TRY(drop_when_free(
            [&] { return drop_slot(source, slot_); },
            "A walferry run uses the slot: stop it. If its process is gone, end the walsender on the source: "
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '" +
                slot_ + "';"));
        done_.push_back(fmt::format("slot {} at the source: dropped", slot_));
        return {};
    }

    Result<void> drop_task_origins() {
        WF_ASSIGN(const auto origins, pq::list_origins(*destination_, origin_name(task_)));
        for (const auto &origin : origins) {
            auto dropped = drop_when_free([&] { return pq::drop_origin(*destination_, origin); },
                                          "End the session that has it: see pg_stat_activity at the destination.");
            if (!dropped && dropped.error().sqlstate != "42501") return dropped;
            done_.push_back(dropped ? fmt::format("replication origin {} at the destination: dropped", origin)
                                    : fmt::format("replication origin {} at the destination is left. As a superuser: "
                                                  "SELECT pg_replication_origin_drop('{}');",
                                                  origin, origin));
        }
        return {};
    }

    // What a session that is about to end may still hold.
    template <class Drop>
    Result<void> drop_when_free(Drop drop, const std::string &hint) {
        const auto deadline = steady_clock::now() + session_wait;
        while (true) {
            Result<void> dropped = drop();
            if (dropped || dropped.error().sqlstate != "55006") return dropped;
            if (stop_.requested()) return fail(ErrorKind::interrupted, "stopped by request");
            if (steady_clock::now() >= deadline) {
                Error error = std::move(dropped).error();
                error.kind = ErrorKind::state;
                return fail(std::move(error).with_hint(hint));
            }
            std::this_thread::sleep_for(retry_interval);
        }
    }

    const Task &task_;
    const StopFlag &stop_;
    std::string slot_;
    std::optional<pq::Connection> destination_;  // held: it carries the task's lock
    bool begun_ = false;
    bool made_slot_ = false;
    std::vector<std::string> done_;
    std::optional<Error> failed_;
};

}  // namespace

Result<std::string> cleanup(const Task &task, const StopFlag &stop) { return Cleanup(task, stop).run(); }

}  // namespace walferry
