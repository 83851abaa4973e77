// SPDX-License-Identifier: PostgreSQL
#include "cutover/cutover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/failpoint.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/ddl_history.h"
#include "checkpoint/verification.h"
#include "config/connections.h"
#include "control/client.h"
#include "cutover/background_stream.h"
#include "cutover/reverse_task.h"
#include "cutover/write_stop.h"
#include "precheck/precheck.h"
#include "run/cleanup.h"
#include "run/run.h"
#include "run/table_requests.h"
#include "schema/sequences.h"
#include "schema/tables.h"
#include "slot/slot.h"
#include "verify/report.h"
#include "verify/verify.h"

namespace walferry {

namespace {

using std::chrono::steady_clock;

// Compared while nobody may write: so many bytes take a second or so.
constexpr std::uint64_t quick_bytes_max = std::uint64_t{64} << 20;
constexpr int drains_max = 10;
constexpr std::chrono::milliseconds look_again{50};

double seconds_since(steady_clock::time_point then) {
    return std::chrono::duration<double>(steady_clock::now() - then).count();
}

class Cutover {
public:
    Cutover(const Task &task, const CutoverOptions &options, StopFlag &stop,
            const std::function<void(const std::string &)> &print, pq::Connection source, pq::Connection destination)
        : original_(task),
          task_(task),
          options_(options),
          stop_(stop),
          print_(print),
          source_(std::move(source)),
          destination_(std::move(destination)) {}

    Result<void> run() {
        if (options_.abort) return undo_only();
        WF_TRY(pass_gates());
        if (options_.dry_run) return show_plan();
        if (running_) WF_TRY(prepare_tables());  // it goes on if they differ
        auto done = take_over();
        if (done) done = with_stream();
        if (!done && took_over_ && !finished_) print_("\"walferry run\" was ended by this command: start it again\n");
        return done;
    }

private:
    void step(steady_clock::time_point began, const std::string &what) {
        print_(fmt::format("{:8.2f} s  {}\n", seconds_since(began), what));
    }

    Result<void> undo_only() {
        WF_ASSIGN(const auto record, find_task(destination_, task_.name));
        if (record && record->phase == Phase::done) {
            return fail(ErrorKind::state, "the cut-over is complete: there is nothing to undo",
                        "To go back, cut the reverse task over.");
        }
        WF_TRY(allow_writes(source_));
        print_("the source takes writes again\n");
        return {};
    }

    // All that would keep it from succeeding, at once.
    Result<void> pass_gates() {
        std::vector<std::string> closed;
        WF_ASSIGN(const auto record, find_task(destination_, task_.name));
        if (!record || !task_.stream_stage) {
            return fail(ErrorKind::state, "the task has not been started, or has no stage \"stream\"",
                        "Start it with \"walferry run FILE\".");
        }
        if (record->phase == Phase::done) return fail(ErrorKind::state, "the task is complete: it has been cut over");
        task_ = with_requested_tables(original_, *record);
        WF_TRY(look_for_run(closed));
        if (record->phase != Phase::stream) {
            closed.push_back(
                fmt::format("the task's phase is {}, not stream: let it finish the copy", to_string(record->phase)));
        }
        WF_ASSIGN(const auto statements, list_ddl(destination_, task_.name));
        for (const auto &statement : statements) {
            if (statement.state != "failed") continue;
            closed.push_back(fmt::format("DDL statement {} ({}) has failed: mend its cause, or walferry ddl skip|done",
                                         statement.id, statement.tag));
        }
        if (!options_.writes_stopped) {
            WF_ASSIGN(const auto obstacles, write_stop_obstacles(source_));
            closed.insert(closed.end(), obstacles.begin(), obstacles.end());
        }
        if (!options_.verify) WF_TRY(look_at_last_comparison(closed));
        if (options_.reverse) WF_TRY(look_at_way_back(closed));
        if (closed.empty()) return {};
        return fail(
            Error{ErrorKind::state,
                  Side::none,
                  {},
                  fmt::format("{} in the way of a cut-over",
                              closed.size() == 1 ? "one thing is" : std::to_string(closed.size()) + " things are"),
                  fmt::format("{}", fmt::join(closed, "\n")),
                  {},
                  {}});
    }

    // It is asked to end if it can be: one session applies at a time.
    Result<void> look_for_run(std::vector<std::string> &closed) {
        WF_ASSIGN(running_, is_running(destination_, task_.name));
        if (!running_) return {};
        const auto found = ask(original_, {{"verb", "status"}});
        if (!found || !*found) {
            closed.push_back(fmt::format(
                "\"walferry run\" is running, and {}: stop it, the stream goes on in this command",
                found ? "not on this machine or as another account" : "can't be asked: " + found.error().message));
        }
        return {};
    }

    // It stands in for the one that the operator leaves out.
    Result<void> look_at_last_comparison(std::vector<std::string> &closed) {
        WF_ASSIGN(const auto last, find_verification(destination_, task_.name));
        if (last && last->differs()) {
            closed.push_back(
                fmt::format("the last comparison found that {}: walferry repair mends that", last->verdict()));
        } else if (last && !last->ended.empty()) {
            print_(
                fmt::format("not compared now; the last comparison ended at {}: {}\n", last->ended, last->verdict()));
        } else {
            print_("not compared now, nor at any time before: walferry verify\n");
        }
        return {};
    }

    // From here on the stream is this process's.
    Result<void> take_over() {
        if (!running_) return {};
        const auto began = steady_clock::now();
        if (const auto asked = ask(original_, {{"verb", "stop"}}); !asked) return fail(asked.error());
        took_over_ = true;
        while (true) {
            WF_ASSIGN(const bool running, is_running(destination_, task_.name));
            if (!running) break;
            if (stop_.wait_for(look_again)) return fail(ErrorKind::interrupted, "stopped by request");
        }
        step(began, "\"walferry run\" has ended, its stream goes on here");
        return {};
    }

    Result<void> look_at_way_back(std::vector<std::string> &closed) {
        if (!task_.names.empty() || task_.merges()) {
            closed.emplace_back(
                "the way back of a task that maps names or merges tables is yours to write: a task file with the rules "
                "turned round");
            return {};
        }
        const auto file = options_.reverse_file.empty() ? reverse_file_name(task_.file) : options_.reverse_file;
        WF_ASSIGN(Task reverse, write_reverse_task(task_, file));
        print_(fmt::format("the way back: {}\n", file));
        WF_ASSIGN(const auto findings, precheck(reverse, &stop_));
        for (const auto &finding : findings) {
            if (finding.severity != Severity::error) continue;
            closed.push_back(fmt::format("the way back: {}: {}: {}", finding.id, finding.found, finding.remedy));
        }
        if (!closed.empty()) closed.push_back(fmt::format("(\"walferry setup {}\" mends some of these)", file));
        reverse_ = std::move(reverse);
        return {};
    }

    Result<void> show_plan() {
        print_(fmt::format("would {}ANALYZE the destination's tables, {}catch up; then, with writes stopped:\n",
                           options_.verify ? "compare all tables, " : "",
                           running_ ? "end \"walferry run\", whose stream goes on in this command, " : ""));
        print_(options_.writes_stopped
                   ? "  (writes at the source have been stopped by you)\n"
                   : fmt::format("  source: {};\n  source: end all other sessions of the database\n",
                                 stop_writes_sql(source_)));
        print_("  apply what is left, compare, set sequences\n");
        if (reverse_) print_(fmt::format("  destination: make the slot {} for the way back\n", reverse_->slot));
        print_(fmt::format("  source: drop slot {}; the task is complete\n", task_.slot));
        WF_ASSIGN(const bool closed, is_read_only(destination_));
        if (closed) print_(fmt::format("  destination: {};\n", allow_writes_sql(destination_)));
        print_("all gates are open\n");
        return {};
    }

    Result<void> with_stream() {
        BackgroundStream stream(original_);
        WF_TRY(catch_up(stream));
        auto done = switch_over(stream);
        if (!done) undo();
        return done;
    }

    Result<void> prepare_tables() {
        if (options_.verify) WF_TRY(compare({}, "all tables are compared"));
        const auto began = steady_clock::now();
        WF_ASSIGN(const auto tables, selected_tables(source_, task_));
        for (const auto &name : quoted_destinations(destination_, tables)) WF_TRY(destination_.exec("ANALYZE " + name));
        step(began, fmt::format("{} tables analyzed", tables.size()));
        return {};
    }

    Result<void> catch_up(BackgroundStream &stream) {
        const auto began = steady_clock::now();
        WF_TRY(drain(stream));
        step(began, "caught up");
        if (!running_) WF_TRY(prepare_tables());
        for (int i = 0;; ++i) {
            const auto drain_began = steady_clock::now();
            WF_TRY(drain(stream));
            if (seconds_since(drain_began) <= options_.drain_seconds_max) return {};
            if (i == drains_max) {
                return fail(ErrorKind::state,
                            fmt::format("the task lags by more than {} seconds", options_.drain_seconds_max),
                            "Wait for a quieter time, or allow more: --max-drain-seconds.");
            }
        }
    }

    Result<void> drain(BackgroundStream &stream) {
        WF_ASSIGN(const Lsn barrier, flush_source_wal(source_));
        return stream.wait_for(destination_, barrier, stop_);
    }

    // `tables`: those alone, without objects; empty: all.
    Result<void> compare(const std::vector<std::pair<std::string, std::string>> &tables, const std::string &what) {
        const auto began = steady_clock::now();
        VerifyOptions options;
        options.jobs = options_.jobs;
        options.tables = tables;
        if (tables.empty()) {
            options.rates = task_.verify_rates;
            options.anew = true;
        } else {
            options.record = false;  // nobody can write meanwhile
        }
        WF_ASSIGN(const Comparison found, verify(task_, options, stop_));
        if (!found.equal()) {
            print_(comparison_as_text(found));
            return fail(ErrorKind::state, "the two sides differ", "walferry repair mends that; then try again.");
        }
        step(began, what);
        return {};
    }

    Result<void> switch_over(BackgroundStream &stream) {
        const auto began = steady_clock::now();
        if (!options_.writes_stopped) {
            stopped_writes_ = true;
            WF_TRY(stop_writes(source_, stop_));
            failpoint("cutover_writes_stopped");
        }
        step(began, "no more writes at the source");
        WF_TRY(refuse_writers());
        WF_TRY(drain(stream));
        step(began, "everything is applied");
        WF_ASSIGN(const auto small, small_tables());
        if (!small.empty()) WF_TRY(compare(small, fmt::format("{} tables compared once more", small.size())));
        WF_TRY(refuse_writers());
        WF_TRY(drain(stream));
        WF_TRY(stream.end());
        WF_TRY(set_all_sequences());
        step(began, "sequences are set");
        if (reverse_) {
            armed_ = true;
            WF_TRY(run_task(*reverse_, {"now", {}}, stop_));
            step(began, fmt::format("the way back is armed: walferry run {}", reverse_->file));
        }
        if (stop_.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        failpoint("cutover_before_finish");
        WF_TRY(finish());
        step(began, "the task is complete");
        print_(fmt::format("cut over: writes were stopped for {:.2f} s{}\n", seconds_since(began),
                           options_.writes_stopped ? " at least, from when this command took over" : ""));
        print_(
            options_.writes_stopped
                ? "let the applications connect to the destination\n"
                : fmt::format(
                      "let the applications connect to the destination; the source is left read-only ({} ends that)\n",
                      allow_writes_sql(source_)));
        return {};
    }

    // The last step. The task is complete first: whatever happens then, nothing is applied any more that comes from the source.
    Result<void> finish() {
        WF_TRY(set_phase(destination_, task_.name, Phase::done));
        finished_ = true;
        WF_TRY(drop_slot(source_, task_.slot));
        WF_ASSIGN(const bool closed, is_read_only(destination_));
        if (closed) WF_TRY(allow_writes(destination_));
        return {};
    }

    Result<void> refuse_writers() {
        WF_ASSIGN(const auto found, writers(source_));
        if (found.empty()) return {};
        return fail(ErrorKind::state, fmt::format("somebody writes at the source: {}", fmt::join(found, ", ")),
                    "End these sessions, and keep them from coming back.");
    }

    Result<std::vector<std::pair<std::string, std::string>>> small_tables() {
        WF_ASSIGN(const auto tables, selected_tables(source_, task_));  // largest first
        std::vector<std::pair<std::string, std::string>> out;
        std::uint64_t bytes = 0;
        for (auto table = tables.rbegin(); table != tables.rend(); ++table) {
            bytes += table->bytes;
            if (bytes > quick_bytes_max) break;
            out.emplace_back(table->schema, table->name);
        }
        return out;
    }

    // With connections that speak the source's encoding.
    Result<void> set_all_sequences() {
        WF_ASSIGN(const pq::Rows encoding, source_.exec("SHOW server_encoding"));
        const std::string name = encoding.text(0, 0);
        WF_ASSIGN(auto source, pq::Connection::open(data_connection(task_, Side::source, "cutover", name, &stop_)));
        WF_ASSIGN(auto destination,
                  pq::Connection::open(data_connection(task_, Side::destination, "cutover", name, &stop_)));
        WF_TRY(set_sequences(source, destination, task_));
        return {};
    }

    // Also after a request to stop: with connections that don't heed it.
    void undo() {
        if (finished_) {
            print_("the cut-over is complete but for what failed; it can't be undone\n");
            return;
        }
        const auto report = [&](const Result<void> &done, const std::string &what) {
            print_(done ? what + "\n" : fmt::format("NOT UNDONE: {}: {}\n", what, done.error().text()));
        };
        if (stopped_writes_) {
            report(
                [&]() -> Result<void> {
                    WF_ASSIGN(auto source,
                              pq::Connection::open(control_connection(task_, Side::source, "cutover", nullptr)));
                    return allow_writes(source);
                }(),
                "undone: the source takes writes again");
        }
        if (armed_) {
            report(
                [&]() -> Result<void> {
                    StopFlag never;
                    WF_TRY(cleanup(*reverse_, never));
                    return {};
                }(),
                "undone: the way back has no slot");
        }
    }

    const Task &original_;  // as the file has it
    Task task_;             // with the tables that were added and removed since it began
    const CutoverOptions &options_;
    StopFlag &stop_;
    const std::function<void(const std::string &)> &print_;
    pq::Connection source_;
    pq::Connection destination_;
    std::optional<Task> reverse_;
    bool running_ = false;  // a process of the task, when the gates were looked at
    bool took_over_ = false;
    bool stopped_writes_ = false;
    bool armed_ = false;
    bool finished_ = false;
};

}  // namespace

Result<void> cut_over(const Task &task, const CutoverOptions &options, StopFlag &stop,
                      const std::function<void(const std::string &)> &print) {
    auto settings = control_connection(task, Side::source, "cutover", &stop);
    settings.settings.emplace_back("synchronous_commit", "local");
    WF_ASSIGN(auto source, pq::Connection::open(settings));
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "cutover", &stop)));
    return Cutover(task, options, stop, print, std::move(source), std::move(destination)).run();
}

}  // namespace walferry
