// SPDX-License-Identifier: PostgreSQL
#include "cli/operate.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/client.h"
#include "observe/status.h"

namespace walferry {

namespace {

using json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds watch_interval{1000};
// Home; what was there is overwritten line by line, so that nothing flickers.
constexpr const char *to_top = "\033[H";
constexpr const char *clear_screen = "\033[2J";
constexpr const char *clear_rest = "\033[J";

Result<std::string> status_of(const Task &task, bool as_json, const StopFlag &stop) {
    const auto answer = ask(task, {{"verb", "status"}});
    if (answer && *answer) {
        if (as_json) return (*answer)->at("status").dump(2) + "\n";
        return (*answer)->at("text").get<std::string>();
    }
    // One that is another account's, or doesn't answer, leaves what the servers know.
    if (!answer) spdlog::warn("{}", answer.error().message);
    WF_ASSIGN(const Status status, StatusReader(task, &stop).read());
    return as_json ? status_as_json(status) : status_as_text(status);
}

// Each line's rest may hold what was longer before.
std::string over_the_old(const std::string &text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? std::string("\033[K\n") : std::string(1, c);
    return out;
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

json throttle_request(const ThrottleWishes &wishes) {
    json request = {{"verb", "throttle"}};
    const auto add = [&](const char *name, const std::optional<double> &wish, double unit) {
        if (wish || wishes.off) request[name] = whole(wish.value_or(0) * unit);
    };
    add("stream_rows", wishes.stream_rows, 1);
    add("stream_bytes", wishes.stream_mb, 1e6);
    add("copy_rows", wishes.copy_rows, 1);
    add("copy_bytes", wishes.copy_mb, 1e6);
    return request;
}

std::string limit_text(const json &answer, const std::string &of) {
    const auto rows = answer.value(of + "_rows", std::uint64_t{0});
    const auto bytes = answer.value(of + "_bytes", std::uint64_t{0});
    return fmt::format("{} rows/s, {} MB/s", rows == 0 ? "any" : std::to_string(rows),
                       bytes == 0 ? "any" : fmt::format("{}", static_cast<double>(bytes) / 1e6));
}

}  // namespace

Result<ExitCode> perform_status(const Task &task, const Arguments &arguments, const StopFlag &stop) {
    if (!arguments.watch) {
        WF_ASSIGN(const std::string text, status_of(task, arguments.json, stop));
        fmt::print("{}", text);
        return ExitCode::ok;
    }
    fmt::print("{}", clear_screen);
    do {
        const auto text = status_of(task, arguments.json, stop);
        fmt::print("{}{}{}", to_top, over_the_old(text ? *text : text.error().text() + "\n"), clear_rest);
        std::fflush(stdout);
    } while (!stop.wait_for(watch_interval));
    return ExitCode::ok;
}

Result<ExitCode> perform_steering(const Task &task, const Arguments &arguments) {
    json request = throttle_request(arguments.throttle);
    if (arguments.verb != Verb::throttle) {
        request = {{"verb", arguments.verb == Verb::pause    ? "pause"
                            : arguments.verb == Verb::resume ? "resume"
                                                             : "stop"}};
    }
    WF_ASSIGN(const auto answer, ask(task, request));
    if (!answer) {
        return fail(ErrorKind::state, fmt::format("task \"{}\" does not run on this machine", task.name),
                    "Call this where \"walferry run\" runs, as the same account or as root.");
    }
    if (arguments.verb == Verb::throttle) {
        fmt::print("stream  {}\ncopy    {}\n", limit_text(*answer, "stream"), limit_text(*answer, "copy"));
    } else {
        fmt::print("task {}: {}\n", task.name,
                   arguments.verb == Verb::pause    ? "paused"
                   : arguments.verb == Verb::resume ? "goes on"
                                                    : "is stopping");
    }
    return ExitCode::ok;
}

}  // namespace walferry
