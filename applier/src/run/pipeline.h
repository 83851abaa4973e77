// The threads and rings of the stream: receiver -> planner -> worker, and the checkpointer beside them.
//
//   receiver ──Frame──► planner ──Group──► workers
//      ▲ flushed_lsn                          │ applied_lsn    copier
//      └───────────── checkpointer ◄──────────┘
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "base/throttle.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "observe/stream_state.h"
#include "receive/receiver.h"

namespace walferry {

struct PipelineOptions {
    std::string encoding;                           // the source's
    StreamStart start;                              // start.lsn: the checkpoint
    std::optional<std::vector<TableState>> tables;  // that are copied, or to be copied; nothing: none ever is
    SchemaState schema;
    bool copies = false;                                     // copy those that are pending, and move the phase on
    std::optional<std::vector<std::uint32_t>> copied_again;  // as Copier has it
    bool apply_ahead = true;            // transactions that the source streams although it has committed them
    Throttle *throttle = nullptr;       // the operator's, of the stream; outlives it
    Throttle *copy_throttle = nullptr;  // and of the copies
    Lsn until;  // end when the copies are done, and all before is applied and flushed; invalid: go on for ever
};

enum class StreamEnd {
    complete,  // `until` is reached, or stop was requested
    again,     // begin again at the checkpoint: what is to be copied has changed
    recalled,  // likewise, but without applying ahead: what was applied so had to be given up
};

// Stream until `options.until` is reached, stop is requested or something fails. At a complete end everything that was
// applied is flushed, and the slot was told. `begun` is given the state, which it may keep. `tick` is called several times a second from the caller's thread. When it says
// false, the copies under way are brought to their end, and the stream ends with `again`.
Result<StreamEnd> stream(const Task &task, PipelineOptions options, const StopFlag &stop,
                         const std::function<void(std::shared_ptr<const StreamState>)> &begun,
                         const std::function<Result<bool>(const StreamState &)> &tick);

}  // namespace walferry
