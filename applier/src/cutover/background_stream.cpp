// SPDX-License-Identifier: PostgreSQL
#include "cutover/background_stream.h"

#include <chrono>

#include "run/run.h"
#include "verify/stream_position.h"

namespace walferry {

BackgroundStream::BackgroundStream(const Task &task) : task_(task) {
    thread_ = std::jthread([this] {
        result_ = run_task(task_, {}, stop_);
        ended_.store(true, std::memory_order_release);
    });
}

Result<void> BackgroundStream::wait_for(pq::Connection &destination, Lsn lsn, const StopFlag &stop) {
    while (true) {
        WF_ASSIGN(const Lsn applied, read_applied_lsn(destination, task_.name));
        if (applied >= lsn) return {};
        if (ended_.load(std::memory_order_acquire)) {
            WF_TRY(end());
            return fail(ErrorKind::state, "the stream has ended");
        }
        if (stop.wait_for(std::chrono::milliseconds(5))) return fail(ErrorKind::interrupted, "stopped by request");
    }
}

Result<void> BackgroundStream::end() {
    stop_.request();
    if (thread_.joinable()) thread_.join();
    if (result_ && !*result_) return fail(result_->error());
    return {};
}

}  // namespace walferry
