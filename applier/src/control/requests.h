// What the running task does at the operator's request. A request is a JSON object with "verb"; an answer has "ok", and "error" if
// it was refused.
//
//   {"verb": "status"}                     "status": the object of `walferry status --json`; "text": the same for people
//   {"verb": "pause"}, {"verb": "resume"}
//   {"verb": "throttle", "stream_rows": 1000, "stream_bytes": 0, "copy_rows": .., "copy_bytes": ..}
//                                          a second, 0: no limit; what is left out stays. Answers with those that hold now
//   {"verb": "stop"}                       as SIGTERM does
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/steering.h"
#include "base/stop.h"
#include "observe/status.h"

namespace walferry {

// Thread: any, several. References must outlive it.
class Requests {
public:
    Requests(Steering &steering, StopFlag &stop, std::function<Status()> status)
        : steering_(steering), stop_(stop), status_(std::move(status)) {}

    // From line to line.
    std::string answer(std::string_view line) const;

    nlohmann::ordered_json perform(const nlohmann::ordered_json &request) const;

private:
    nlohmann::ordered_json throttle(const nlohmann::ordered_json &request) const;

    Steering &steering_;
    StopFlag &stop_;
    const std::function<Status()> status_;
};

}  // namespace walferry
