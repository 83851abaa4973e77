// SPDX-License-Identifier: PostgreSQL
#include "cli/verify.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "alert/alerter.h"
#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "run/table_requests.h"
#include "verify/html_report.h"
#include "verify/repair.h"
#include "verify/report.h"
#include "verify/verify.h"

namespace walferry {

namespace {

VerifyOptions verify_options(const Task &task, const Arguments &arguments) {
    VerifyOptions options;
    options.jobs = arguments.jobs;
    options.tables = arguments.tables;
    options.rates = task.verify_rates;
    if (arguments.rows) options.rates.rows = *arguments.rows;
    if (arguments.mb) options.rates.bytes = static_cast<std::uint64_t>(std::llround(*arguments.mb * 1e6));
    options.anew = arguments.restart;
    return options;
}

// With the tables that were added and removed since it began.
Result<Task> current_task(const Task &task, StopFlag &stop) {
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "verify", &stop)));
    WF_ASSIGN(const auto record, find_task(destination, task.name));
    return record ? with_requested_tables(task, *record) : task;
}

ExitCode print_comparison(const Comparison &comparison, const Arguments &arguments) {
    fmt::print("{}", arguments.json ? comparison_as_json(comparison) : comparison_as_text(comparison));
    return comparison.equal() ? ExitCode::ok : ExitCode::difference;
}

// Before the comparison, which may take long, nothing is written but the file is opened.
Result<void> write_file(const std::string &file, const std::string &text, std::ios::openmode mode) {
    if (file.empty()) return {};
    std::ofstream out(file, std::ios::binary | mode);
    out << text;
    out.close();
    if (out) return {};
    return fail(ErrorKind::config, fmt::format("{} can't be written: {}", file, std::strerror(errno)));
}

// A running task raises the alert itself, from what is recorded.
Result<void> raise_difference(const Task &task, const Comparison &comparison, StopFlag &stop) {
    if (comparison.equal()) return {};
    WF_ASSIGN(auto destination, pq::Connection::open(control_connection(task, Side::destination, "verify", &stop)));
    WF_ASSIGN(const bool running, is_running(destination, task.name));
    if (!running) {
        Alerter(task).raise({AlertKind::difference, "verify has found a difference", comparison_as_text(comparison)});
    }
    return {};
}

}  // namespace

Result<ExitCode> perform_verify(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_TRY(write_file(arguments.html_file, {}, std::ios::app));
    WF_ASSIGN(const Task current, current_task(task, stop));
    const auto comparison = verify(current, verify_options(task, arguments), stop);
    if (!comparison) {
        if (comparison.error().kind == ErrorKind::interrupted && arguments.tables.empty()) {
            spdlog::info("verify: stopped; the next one goes on where this one was");
        }
        return fail(comparison.error());
    }
    WF_TRY(write_file(arguments.html_file, comparison_as_html(*comparison, task.name, std::chrono::system_clock::now()),
                      std::ios::trunc));
    WF_TRY(raise_difference(task, *comparison, stop));
    return print_comparison(*comparison, arguments);
}

// With --json the answer is on stdout alone.
Result<ExitCode> perform_repair(const Task &task, const Arguments &arguments, StopFlag &stop) {
    WF_ASSIGN(const Task current, current_task(task, stop));
    WF_ASSIGN(const Comparison comparison,
              repair(current, {verify_options(task, arguments), arguments.dry_run}, stop,
                     [&](const std::string &text) { fmt::print(arguments.json ? stderr : stdout, "{}", text); }));
    return print_comparison(comparison, arguments);
}

}  // namespace walferry
