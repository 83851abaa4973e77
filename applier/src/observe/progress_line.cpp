// SPDX-License-Identifier: PostgreSQL
#include "observe/progress_line.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace walferry {

ProgressLine::ProgressLine()
    : terminal_(isatty(STDERR_FILENO) != 0),
      interval_(terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10'000)),
      last_shown_(Clock::now()),
      started_(last_shown_) {}

void ProgressLine::show(const std::string &line) {
    last_shown_ = Clock::now();
    if (!terminal_) {
        spdlog::info("{}", line);
        return;
    }
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    line_open_ = true;
}

void ProgressLine::end() {
    if (line_open_) std::fputs("\r\033[K", stderr);
    line_open_ = false;
    last_shown_ = Clock::now();
    started_ = last_shown_;
}

double ProgressLine::per_second(std::uint64_t value, std::uint64_t &last) const {
    const double elapsed = std::chrono::duration<double>(Clock::now() - last_shown_).count();
    const auto grown = value - std::min(value, std::exchange(last, value));
    return static_cast<double>(grown) / elapsed;
}

}  // namespace walferry
