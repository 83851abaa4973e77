// SPDX-License-Identifier: PostgreSQL
#include "copy/progress.h"

#include <fmt/format.h>

namespace walferry {

std::optional<std::chrono::seconds> copy_eta(const CopyProgress &progress,
                                             std::chrono::steady_clock::duration elapsed) {
    const auto all = static_cast<double>(progress.table_bytes.load(std::memory_order_relaxed));
    const auto done = static_cast<double>(progress.table_bytes_done.load(std::memory_order_relaxed));
    if (done <= 0 || done > all) return std::nullopt;
    return std::chrono::round<std::chrono::seconds>(std::chrono::duration<double>(elapsed) * ((all - done) / done));
}

std::vector<CopyStep> copy_steps(const CopyProgress &progress) {
    std::vector<CopyStep> out;
    for (const CopyJob &job : progress.jobs) {
        const std::lock_guard lock(job.mutex);
        if (job.step.empty()) continue;
        CopyStep &step = out.emplace_back(CopyStep{job.step, job.step_phase, {}});
        if (job.step_total > 0) step.percent = static_cast<int>(job.step_done * 100 / job.step_total);
    }
    return out;
}

std::string copy_steps_text(const std::vector<CopyStep> &steps) {
    std::string out;
    for (const CopyStep &step : steps) {
        if (!out.empty()) out += "; ";
        out += step.what;
        if (!step.phase.empty()) out += ": " + step.phase;
        if (step.percent) out += fmt::format(", {} %", *step.percent);
    }
    return out;
}

}  // namespace walferry
