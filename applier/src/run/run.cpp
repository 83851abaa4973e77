// SPDX-License-Identifier: PostgreSQL
#include "run/run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/hex.h"
#include "config/connections.h"
#include "pq/transaction.h"
#include "precheck/precheck.h"
#include "run/console.h"
#include "run/phases.h"
#include "run/retry.h"
#include "run/table_requests.h"
#include "schema/tables.h"
#include "slot/slot.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// An attempt that stood for so long had worked, whether there was something to do or not.
constexpr seconds stood_min{10};

// One task of this name at a time. The lock of a process that was killed may outlive it for a moment.
Result<void> lock_task(pq::Connection &destination, const Task &task, const StopFlag &stop) {
    const auto deadline = steady_clock::now() + seconds(10);
    while (true) {
        WF_ASSIGN(const bool locked, try_lock_task(destination, task.name));
        if (locked) return {};
        if (steady_clock::now() >= deadline) break;
        if (stop.wait_for(milliseconds(250))) return fail(ErrorKind::interrupted, "stopped by request");
    }
    return fail(Error{ErrorKind::state,
                      Side::destination,
                      {},
                      "task \"" + task.name + "\" is already running",
                      {},
                      "Another walferry process holds its lock; `walferry status` shows it. Stop that one first.",
                      {}});
}

struct SourceIdentity {
    std::string system;
    std::string database;
    std::string encoding;
};

Result<SourceIdentity> identify(pq::Connection &source) {
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT system_identifier, current_database(),"
                                               " current_setting('server_encoding') FROM pg_control_system()"));
    return SourceIdentity{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2)};
}

// What the task file says, in the source's encoding, which the connection speaks.
Result<std::string> in_source_encoding(pq::Connection &source, const std::string &utf8) {
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT convert_from(decode($1, 'hex'), 'UTF8')", {to_hex(utf8)}));
    return rows.text(0, 0);
}

std::string stages(const Task &task) {
    std::string out;
    for (const auto &[wanted, name] :
         {std::pair{task.schema_stage, "schema"}, {task.copy_stage, "copy"}, {task.stream_stage, "stream"}}) {
        if (wanted) out += (out.empty() ? "" : ",") + std::string(name);
    }
    return out;
}

Result<void> check_same_task(const TaskRecord &record, const TaskRecord &now) {
    const std::string anew =
        "To change that, begin the task anew: walferry cleanup, empty the destination, walferry run. "
        "Or give this one another name.";
    if (record.source_system != now.source_system || record.source_database != now.source_database) {
        return fail(ErrorKind::state, "the source is not the database that this task began with",
                    "It began with database \"" + record.source_database + "\" of system " + record.source_system +
                        "; source.conninfo leads to \"" + now.source_database + "\" of system " + now.source_system +
                        ". " + anew);
    }
    if (record.slot != now.slot) {
        return fail(ErrorKind::state,
                    "this task began with slot \"" + record.slot + "\", the task file says \"" + now.slot + "\"", anew);
    }
    if (record.include != now.include || record.exclude != now.exclude) {
        return fail(ErrorKind::state, "the task file's objects are not those that this task began with",
                    "It began with include \"" + record.include + "\" and exclude \"" + record.exclude + "\". " + anew);
    }
    if (record.stages != now.stages) {
        return fail(ErrorKind::state, "the task file's stages are not those that this task began with",
                    "It began with " + record.stages + ". " + anew);
    }
    return {};
}

// Objects that are there have the names of before.
Result<void> check_same_names(pq::Connection &destination, const Task &task) {
    WF_ASSIGN(const std::string before, find_names(destination, task.name));
    const std::string now = task.names.text();
    if (before == now) return {};
    const auto shown = [](const std::string &rules) { return rules.empty() ? "none" : rules; };
    return fail(ErrorKind::state, "the task file's [map] and renamed tables are not those that this task began with",
                "It began with these rules:\n" + shown(before) + "\nThe task file says:\n" + shown(now) +
                    "\nTo change that, begin the task anew: walferry cleanup, empty the destination, walferry run.");
}

// The names are compared with those of a source that doesn't speak UTF-8, as its bytes.
Result<void> check_encoding_of_names(const Task &task, const std::string &encoding) {
    const std::string names = task.names.text();
    const bool ascii =
        std::all_of(names.begin(), names.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (encoding == "UTF8" || ascii) return {};
    return fail(
        ErrorKind::config,
        fmt::format(
            "{}: with a source in encoding {} the names in [map], \"rename\" and \"rename_columns\" must be ASCII",
            task.file, encoding));
}

// One life of a task, from its connections on, until it ends or something fails.
class Attempt {
public:
    Attempt(const Task &task, const StopFlag &stop, ProgressDisplay &display, Console &console, bool &apply_ahead)
        : task_(task), stop_(stop), display_(display), console_(console), apply_ahead_(apply_ahead) {}

    Result<void> run(const RunOptions &options, std::optional<Lsn> &until) {
        WF_TRY(open(options));
        WF_TRY(find_until(options, until));
        auto ran = run_phases(until.value_or(Lsn{}));
        if (!ran && ran.error().kind != ErrorKind::interrupted && ran.error().kind != ErrorKind::transient)
            give_up(ran.error());
        if (!ran) return fail(in_utf8(std::move(ran).error()));
        return ran;
    }

    // Both servers were reached.
    bool connected() const { return session_.has_value(); }
    // And changes were applied.
    bool progressed() const { return connected() && session_->progressed; }

private:
    Result<void> open(const RunOptions &options) {
        WF_ASSIGN(auto source, pq::Connection::open(control_connection(task_, Side::source, "control", &stop_)));
        WF_ASSIGN(const SourceIdentity identity, identify(source));
        WF_TRY(check_encoding_of_names(task_, identity.encoding));
        WF_TRY(source.exec("SET client_encoding = " + source.quote_literal(identity.encoding)));
        // What we commit there only flushes the log; a standby that is away must not hold it up.
        WF_TRY(source.exec("SET synchronous_commit = local"));
        WF_ASSIGN(auto destination, pq::Connection::open(data_connection(task_, Side::destination, "control",
                                                                         identity.encoding, &stop_)));
        WF_TRY(lock_task(destination, task_, stop_));

        TaskRecord now;
        now.source_system = identity.system;
        now.source_database = identity.database;
        now.slot = task_.slot;
        now.stages = stages(task_);
        WF_ASSIGN(auto record, find_task(destination, task_.name));
        if (!record) {
            WF_TRY(precheck_or_refuse(task_, &stop_, options.ignored_checks));
        }
        WF_ASSIGN(now.include, in_source_encoding(source, joined_patterns(task_.include)));
        WF_ASSIGN(now.exclude, in_source_encoding(source, joined_patterns(task_.exclude)));
        WF_ASSIGN(std::string option, in_source_encoding(source, tables_option(task_.tables)));
        if (record) {
            WF_TRY(check_same_task(*record, now));
            WF_TRY(pq::in_transaction(destination, [&] { return create_bookkeeping(destination); }));
            WF_TRY(check_same_names(destination, task_));
        } else {
            if (!task_.copy_stage && !task_.stream_stage)
                now.phase = Phase::schema;  // nothing will be read from a slot
            WF_TRY(pq::in_transaction(destination, [&]() -> Result<void> {
                WF_TRY(create_bookkeeping(destination));
                WF_TRY(insert_task(destination, task_.name, now));
                return insert_names(destination, task_.name, task_.names.text());
            }));
            record = now;
        }
        session_.emplace(TaskSession{with_requested_tables(task_, *record), task_, std::move(source),
                                     std::move(destination), identity.encoding, std::move(option), *record, stop_,
                                     display_, console_.steering(), console_.live(), apply_ahead_});
        return {};
    }

    Result<void> find_until(const RunOptions &options, std::optional<Lsn> &until) {
        if (until || !options.until) return {};
        until = Lsn::parse(*options.until);
        if (until) return {};
        WF_ASSIGN(until, flush_source_wal(session_->source));
        return {};
    }

    Result<void> run_phases(Lsn until) {
        while (true) {
            if (stop_.requested()) return fail(ErrorKind::interrupted, "stopped by request");
            console_.live().enter(session_->record.phase);
            switch (session_->record.phase) {
                case Phase::slot:
                    WF_TRY(make_slot(*session_));
                    break;
                case Phase::schema:
                    WF_TRY(read_schema(*session_));
                    break;
                case Phase::objects:
                    WF_TRY(make_objects(*session_));
                    break;
                case Phase::copy:
                case Phase::stream: {
                    WF_ASSIGN(const bool finished, stream_changes(*session_, until));
                    if (finished) return {};
                    break;
                }
                case Phase::done:
                    spdlog::info("task {} is complete", task_.name);
                    return {};
            }
            WF_ASSIGN(const auto record, find_task(session_->destination, task_.name));
            if (!record) return fail(ErrorKind::state, "the task's bookkeeping at the destination is gone");
            session_->record = *record;
        }
    }

    // For people: what the phases and their servers say is in the source's encoding.
    Error in_utf8(Error error) const {
        const std::string text = error.text();
        const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        if (session_->encoding == "UTF8" || std::all_of(text.begin(), text.end(), is_ascii)) return error;
        auto source = pq::Connection::open(control_connection(task_, Side::source, "messages", nullptr));
        for (std::string *field : {&error.message, &error.detail, &error.hint, &error.context}) {
            const std::string bytes = "\\x" + to_hex(*field);
            if (source) {
                const auto converted =
                    source->exec("SELECT pg_catalog.convert_from($1::bytea, $2)", {bytes, session_->encoding});
                if (converted) {
                    *field = converted->text(0, 0);
                    continue;
                }
            }
            std::replace_if(
                field->begin(), field->end(), [&](char c) { return !is_ascii(c); }, '?');
        }
        return error;
    }

    // A task that could not even begin leaves nothing behind; a later one notes why it stopped.
    void give_up(const Error &error) {
        const auto left = session_->record.phase <= Phase::objects && !session_->made_objects
                              ? forget_task(*session_)
                              : save_error(session_->destination, task_.name, error.text());
        if (!left) spdlog::warn("{}", left.error().text());
    }

    const Task &task_;
    const StopFlag &stop_;
    ProgressDisplay &display_;
    Console &console_;
    bool &apply_ahead_;
    std::optional<TaskSession> session_;
};

// Of a task whose connections are gone: so that the status can still tell. As far as the destination can be reached.
void note_error(const Task &task, const Error &error) {
    auto destination = pq::Connection::open(control_connection(task, Side::destination, "control", nullptr));
    if (destination) (void)save_error(*destination, task.name, error.text());
}

Error gave_up(Error error, int attempts, steady_clock::duration window) {
    return std::move(error).with_detail(
        fmt::format("{} attempts failed in {} s.", attempts, std::chrono::duration_cast<seconds>(window).count()));
}

}  // namespace

Result<void> run_task(const Task &task, const RunOptions &options, StopFlag &stop) {
    Console console(task, stop);
    std::optional<Lsn> until;
    bool apply_ahead = true;
    bool worked_before = false;
    Retry retry({seconds(task.retry_connection_seconds), seconds(task.retry_transient_seconds)});
    while (true) {
        ProgressDisplay display;
        Attempt attempt(task, stop, display, console, apply_ahead);
        const auto began = steady_clock::now();
        auto ran = attempt.run(options, until);
        if (ran) return {};
        Error error = std::move(ran).error();
        if (error.kind == ErrorKind::interrupted || stop.requested()) return {};
        const auto now = steady_clock::now();
        const bool worked = attempt.connected() && (!worked_before || attempt.progressed() || now - began > stood_min);
        worked_before |= worked;
        const auto again = retry.after(error, worked, now);
        if (!again) {
            if (error.kind == ErrorKind::transient && retry.failing_since()) {
                error = gave_up(std::move(error), retry.failed(), now - *retry.failing_since());
                note_error(task, error);
            }
            // Not of a start that is refused: nothing has stopped, and whoever started it is told.
            if (worked_before || error.kind == ErrorKind::transient) console.failed(error);
            return fail(std::move(error));
        }
        const auto wall = [&](steady_clock::time_point time) {
            return std::chrono::system_clock::now() +
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(time - now);
        };
        console.live().will_retry({again->failed, error.text(), wall(now + again->delay), wall(again->gives_up)});
        spdlog::warn("{}; trying again in {:.1f} s", error.text(), static_cast<double>(again->delay.count()) / 1000);
        if (stop.wait_for(again->delay)) return {};
    }
}

}  // namespace walferry
