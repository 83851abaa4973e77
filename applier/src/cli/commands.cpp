// SPDX-License-Identifier: PostgreSQL
#include "cli/commands.h"

#include <fmt/core.h>

#include "checkpoint/ddl_history.h"
#include "cli/cleanup.h"
#include "config/connections.h"
#include "config/task.h"
#include "observe/ddl_report.h"
#include "observe/status.h"
#include "precheck/precheck.h"
#include "precheck/report.h"
#include "run/run.h"
#include "verify/report.h"
#include "verify/verify.h"

namespace walferry {

namespace {

Result<ExitCode> perform_run(const Task &task, const Arguments &arguments, StopFlag &stop) {
    RunOptions options;
    options.until = arguments.until;
    WF_TRY(run_task(task, options, stop));
    return ExitCode::ok;
}

Result<ExitCode> perform_precheck(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const std::vector<Finding> findings, precheck(task, &stop));
    fmt::print("{}", arguments.json ? findings_as_json(findings) : findings_as_text(findings));
    return has_errors(findings) ? ExitCode::precheck : ExitCode::ok;
}

Result<ExitCode> perform_status(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const Status status, read_status(task, &stop));
    fmt::print("{}", arguments.json ? status_as_json(status) : status_as_text(status));
    return ExitCode::ok;
}

Result<ExitCode> perform_verify(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const Comparison comparison, verify(task, stop));
    fmt::print("{}", arguments.json ? comparison_as_json(comparison) : comparison_as_text(comparison));
    return comparison.equal() ? ExitCode::ok : ExitCode::difference;
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
    WF_ASSIGN(const DdlStatement statement, decide_ddl(destination, task.name, arguments.id, decision));
    fmt::print("{}", decision_as_text(task.name, statement));
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
        case Verb::status:
            return perform_status(task, arguments, stop);
        case Verb::verify:
            return perform_verify(task, arguments, stop);
        case Verb::ddl_list:
            return perform_ddl_list(task, arguments, stop);
        case Verb::ddl_skip:
        case Verb::ddl_done:
            return perform_ddl_decision(task, arguments, stop);
        case Verb::cleanup:
            return perform_cleanup(task, stop);
        case Verb::help:
            break;
    }
    return ExitCode::ok;
}

}  // namespace walferry
