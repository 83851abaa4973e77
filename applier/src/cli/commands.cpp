// SPDX-License-Identifier: PostgreSQL
#include "cli/commands.h"

#include <fmt/core.h>

#include <cstdio>

#include "apply/conflict_replay.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/conflicts.h"
#include "checkpoint/ddl_history.h"
#include "checkpoint/table_requests.h"
#include "cli/operate.h"
#include "cli/verify.h"
#include "config/connections.h"
#include "config/task.h"
#include "cutover/cutover.h"
#include "observe/conflict_report.h"
#include "observe/ddl_report.h"
#include "observe/objects.h"
#include "observe/sequence_report.h"
#include "precheck/precheck.h"
#include "precheck/report.h"
#include "precheck/setup.h"
#include "run/cleanup.h"
#include "run/run.h"
#include "run/table_requests.h"

namespace walferry {

namespace {

Result<ExitCode> perform_run(const Task &task, const Arguments &arguments, StopFlag &stop) {
    RunOptions options;
    options.until = arguments.until;
    options.ignored_checks = arguments.ignore;
    WF_TRY(run_task(task, options, stop));
    return ExitCode::ok;
}

Result<ExitCode> perform_precheck(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const std::vector<Finding> findings, precheck(task, &stop, arguments.ignore));
    fmt::print("{}", arguments.json ? findings_as_json(findings) : findings_as_text(findings));
    return has_errors(findings) ? ExitCode::precheck : ExitCode::ok;
}

Result<ExitCode> perform_setup(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(
        const std::vector<Finding> findings,
        set_up(task, {arguments.dry_run, arguments.source_conninfo, arguments.destination_conninfo, arguments.ignore},
               stop, [](const std::string &text) { fmt::print("{}", text); }));
    fmt::print("{}", findings_as_text(findings));
    return has_errors(findings) ? ExitCode::precheck : ExitCode::ok;
}

Result<ExitCode> perform_objects(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const TaskObjects objects, read_task_objects(task, stop));
    fmt::print("{}", arguments.json ? objects_as_json(objects) : objects_as_text(objects));
    return ExitCode::ok;
}

Result<ExitCode> perform_sequences(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "sequences", &stop)));
    WF_ASSIGN(const auto record, find_task(destination, task.name));
    if (!record) {
        return fail(ErrorKind::state, "task " + task.name + " has not begun at this destination",
                    "Start it: walferry run " + task.file);
    }
    WF_ASSIGN(auto source, pq::Connection::open(control_connection(task, Side::source, "sequences", &stop)));
    WF_ASSIGN(const auto pairs, list_sequences(source, destination, with_requested_tables(task, *record)));
    fmt::print("{}", arguments.json ? sequences_as_json(task.name, pairs) : sequences_as_text(pairs));
    return ExitCode::ok;
}

Result<ExitCode> perform_cutover(const Task &task, const Arguments &arguments, StopFlag &stop) {
    CutoverOptions options;
    options.dry_run = arguments.dry_run;
    options.abort = arguments.abort;
    options.writes_stopped = arguments.writes_stopped;
    options.verify = !arguments.no_verify;
    options.reverse = arguments.reverse || !arguments.reverse_file.empty();
    options.reverse_file = arguments.reverse_file;
    options.drain_seconds_max = arguments.drain_seconds_max;
    options.jobs = arguments.jobs;
    WF_TRY(cut_over(task, options, stop, [](const std::string &text) {
        fmt::print("{}", text);
        std::fflush(stdout);
    }));
    return ExitCode::ok;
}

Result<ExitCode> perform_ddl_list(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "ddl", &stop)));
    WF_ASSIGN(const std::vector<DdlStatement> statements, list_ddl(destination, task.name));
    fmt::print("{}", arguments.json ? ddl_as_json(task.name, statements) : ddl_as_text(task.name, statements));
    return ExitCode::ok;
}

Result<ExitCode> perform_ddl_decision(const Task &task, const Arguments &arguments, StopFlag &stop) {
    const auto decision = arguments.verb == Verb::ddl_skip ? DdlDecision::skip : DdlDecision::done;
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "ddl", &stop)));
    WF_ASSIGN(const DdlStatement statement, decide_ddl(destination, task.name, arguments.id.value_or(0), decision));
    fmt::print("{}", decision_as_text(task.name, statement));
    return ExitCode::ok;
}

Result<ExitCode> perform_quarantine_list(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "quarantine", &stop)));
    WF_ASSIGN(const auto conflicts, list_conflicts(destination, task.name,
                                                   arguments.all ? WhichConflicts::all : WhichConflicts::quarantined));
    fmt::print("{}", arguments.json ? conflicts_as_json(task.name, conflicts) : conflicts_as_text(conflicts));
    return ExitCode::ok;
}

Result<ExitCode> perform_quarantine_replay(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_TRY(replay_quarantined(task, arguments.id, stop, [](const Conflict &conflict) {
        fmt::print("replayed {}: {} of {}.{}\n", conflict.id, conflict.operation, conflict.schema, conflict.table);
    }));
    return ExitCode::ok;
}

Result<ExitCode> perform_quarantine_drop(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "quarantine", &stop)));
    WF_ASSIGN(const auto dropped, drop_conflicts(destination, task.name, arguments.id));
    if (arguments.id && dropped == 0) {
        return fail(ErrorKind::state, fmt::format("task \"{}\" has no record {}", task.name, *arguments.id),
                    "\"walferry quarantine list --all FILE\" shows them.");
    }
    fmt::print("dropped {}\n", dropped);
    return ExitCode::ok;
}

// Writes it down; waits for a running task to perform it.
Result<ExitCode> perform_table(const Task &task, const Arguments &arguments, StopFlag &stop) {
    const auto action = arguments.verb == Verb::table_add      ? TableAction::add
                        : arguments.verb == Verb::table_remove ? TableAction::remove
                                                               : TableAction::recopy;
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "table", &stop)));
    WF_ASSIGN(const auto record, find_task(destination, task.name));
    if (!record) {
        return fail(ErrorKind::state, fmt::format("task \"{}\" has not been started", task.name),
                    "Start it with \"walferry run FILE\".");
    }
    const TableRequest request{action, arguments.schema, arguments.name, {}};
    WF_ASSIGN(const bool performed, ask_for_table(destination, task.name, request, stop));
    if (!performed) {
        fmt::print("noted; the next \"walferry run {}\" does it\n", arguments.file);
        return ExitCode::ok;
    }
    fmt::print("table {}: {}.{}\n", to_string(action), request.schema, request.name);
    return ExitCode::ok;
}

Result<ExitCode> perform_cleanup(const Task &task, StopFlag &stop) {
    WF_ASSIGN(const std::string report, cleanup(task, stop));
    fmt::print("{}", report);
    return ExitCode::ok;
}

}  // namespace

Result<ExitCode> perform(const Arguments &arguments, StopFlag &stop) {
    if (arguments.verb == Verb::help) {
        fmt::print("{}", arguments.help);
        return ExitCode::ok;
    }
    WF_ASSIGN(const Task task, read_task(arguments.file));
    switch (arguments.verb) {
        case Verb::run:
            return perform_run(task, arguments, stop);
        case Verb::precheck:
            return perform_precheck(task, arguments, stop);
        case Verb::objects:
            return perform_objects(task, arguments, stop);
        case Verb::sequences:
            return perform_sequences(task, arguments, stop);
        case Verb::status:
            return perform_status(task, arguments, stop);
        case Verb::pause:
        case Verb::resume:
        case Verb::throttle:
        case Verb::stop:
            return perform_steering(task, arguments);
        case Verb::setup:
            return perform_setup(task, arguments, stop);
        case Verb::verify:
            return perform_verify(task, arguments, stop);
        case Verb::repair:
            return perform_repair(task, arguments, stop);
        case Verb::cutover:
            return perform_cutover(task, arguments, stop);
        case Verb::ddl_list:
            return perform_ddl_list(task, arguments, stop);
        case Verb::ddl_skip:
        case Verb::ddl_done:
            return perform_ddl_decision(task, arguments, stop);
        case Verb::quarantine_list:
            return perform_quarantine_list(task, arguments, stop);
        case Verb::quarantine_replay:
            return perform_quarantine_replay(task, arguments, stop);
        case Verb::quarantine_drop:
            return perform_quarantine_drop(task, arguments, stop);
        case Verb::table_add:
        case Verb::table_remove:
        case Verb::table_recopy:
            return perform_table(task, arguments, stop);
        case Verb::cleanup:
            return perform_cleanup(task, stop);
        case Verb::help:
            break;
    }
    return ExitCode::ok;
}

}  // namespace walferry
