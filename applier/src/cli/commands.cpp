// SPDX-License-Identifier: PostgreSQL
#include "cli/commands.h"

#include <fmt/core.h>

#include "cli/cleanup.h"
#include "config/task.h"
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
        case Verb::cleanup:
            return perform_cleanup(task, stop);
        case Verb::help:
            break;
    }
    return ExitCode::ok;
}

}  // namespace walferry
