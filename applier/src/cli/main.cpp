// The program's entry: signals, log, and from a Result to an exit code.
//
// The first SIGTERM or SIGINT asks for a clean end; the second one meets the default action and kills.
//
// SPDX-License-Identifier: PostgreSQL
#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "observe/log.h"

namespace walferry {

namespace {

// Requested by the signal handler. Made by the first call, which comes before the handler is installed.
StopFlag &stop_flag() {
    static StopFlag stop;
    return stop;
}
volatile std::sig_atomic_t signal_seen = 0;  // written by the handler, read by main after all is done

extern "C" void request_stop(int number) {
    signal_seen = number;
    stop_flag().request();
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
}

void install_signal_handlers() {
    struct sigaction action = {};
    action.sa_handler = request_stop;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

ExitCode report_error(const Error &error) {
    std::fflush(stdout);
    fmt::print(stderr, "walferry: {}\n", error.text());
    return exit_code(error);
}

ExitCode main_result(int argc, const char *const *argv) {
    const auto arguments = parse_arguments(argc, argv);
    if (!arguments) return report_error(arguments.error());
    start_log(arguments->log_level);
    StopFlag &stop = stop_flag();
    install_signal_handlers();
    const auto done = perform(*arguments, stop);
    if (!done && done.error().kind == ErrorKind::interrupted && arguments->verb != Verb::run) {
        // An answer that was not finished must not look like one: end as the signal would have ended us.
        std::signal(signal_seen, SIG_DFL);
        std::raise(signal_seen);
    }
    return done ? *done : report_error(done.error());
}

}  // namespace

}  // namespace walferry

int main(int argc, char **argv) {
    using walferry::ErrorKind;
    try {
        const auto code = walferry::main_result(argc, argv);
        if (std::fflush(stdout) != 0) {
            walferry::Error error{ErrorKind::bug, {}, {}, "the report could not be written to stdout", {}, {}, {}};
            return static_cast<int>(walferry::report_error(error));
        }
        return static_cast<int>(code);
    } catch (const std::exception &unexpected) {
        std::fprintf(stderr, "walferry: unexpected exception: %s\n", unexpected.what());
        return static_cast<int>(walferry::ExitCode::bug);
    }
}
