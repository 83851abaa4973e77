// SPDX-License-Identifier: PostgreSQL
#include "control/requests.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace walferry {

namespace {

using json = nlohmann::ordered_json;

json refused(const std::string &error) { return {{"ok", false}, {"error", error}}; }

// False if what is there is no rate.
bool read_rate(const json &request, const char *name, std::uint64_t &rate) {
    const auto found = request.find(name);
    if (found == request.end()) return true;
    if (!found->is_number_unsigned()) return false;
    rate = found->get<std::uint64_t>();
    return true;
}

bool read_rates(const json &request, const std::string &of, Rates &rates) {
    return read_rate(request, (of + "_rows").c_str(), rates.rows) &&
           read_rate(request, (of + "_bytes").c_str(), rates.bytes);
}

}  // namespace

std::string Requests::answer(std::string_view line) const {
    const json request = json::parse(line, nullptr, false);
    return perform(request).dump(-1, ' ', false, json::error_handler_t::replace);
}

json Requests::perform(const json &request) const {
    if (!request.is_object()) return refused("a request is a JSON object");
    const auto found = request.find("verb");
    const std::string verb = found != request.end() && found->is_string() ? found->get<std::string>() : "";
    if (verb == "status") {
        const Status status = status_();
        return {{"ok", true}, {"status", json::parse(status_as_json(status))}, {"text", status_as_text(status)}};
    }
    if (verb == "pause" || verb == "resume") {
        const bool pause = verb == "pause";
        if (steering_.paused() != pause) spdlog::info("{} by request", pause ? "paused" : "resumed");
        steering_.set_paused(pause);
        return {{"ok", true}, {"paused", pause}};
    }
    if (verb == "throttle") return throttle(request);
    if (verb == "stop") {
        spdlog::info("stopping by request");
        stop_.request();
        return {{"ok", true}};
    }
    return refused("unknown verb \"" + verb + "\": it is one of status, pause, resume, throttle, stop");
}

json Requests::throttle(const json &request) const {
    Rates stream = steering_.stream.rates();
    Rates copy = steering_.copy.rates();
    if (!read_rates(request, "stream", stream) || !read_rates(request, "copy", copy)) {
        return refused("a rate is a whole number, not negative; 0: no limit");
    }
    const bool changed = stream != steering_.stream.rates() || copy != steering_.copy.rates();
    if (changed) {
        steering_.stream.set_rates(stream);
        steering_.copy.set_rates(copy);
        spdlog::info("throttled by request: stream {} rows/s, {} bytes/s; copy {} rows/s, {} bytes/s (0: no limit)",
                     stream.rows, stream.bytes, copy.rows, copy.bytes);
    }
    return {{"ok", true},
            {"stream_rows", stream.rows},
            {"stream_bytes", stream.bytes},
            {"copy_rows", copy.rows},
            {"copy_bytes", copy.bytes}};
}

}  // namespace walferry
