// The wish to stop, seen by every thread: set once, by a signal or by the first stage that fails.
//
// Whoever sleeps meanwhile sleeps on it too: for a while (wait_for) or beside a socket (fd), so that nobody has to look
// again and again and a stop takes no time.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace walferry {

class StopFlag {
public:
    // Throws std::system_error when the process has no file descriptor left.
    StopFlag() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    ~StopFlag() { close(fd_); }
    StopFlag(const StopFlag &) = delete;
    StopFlag &operator=(const StopFlag &) = delete;

    // Thread: any; also a signal handler (the atomic is lock-free, write() is safe there).
    void request() {
        requested_.store(true, std::memory_order_release);
        const int error = errno;
        const std::uint64_t one = 1;
        (void)!write(fd_, &one, sizeof one);
        errno = error;
    }
    bool requested() const { return requested_.load(std::memory_order_acquire); }

    // Readable from the request on, for ever: to be polled for POLLIN beside what is waited for, and never read.
    int fd() const { return fd_; }

    // Sleep, but no longer than until the request. True when it was made.
    bool wait_for(std::chrono::milliseconds time) const {
        pollfd event{fd_, POLLIN, 0};
        poll(&event, 1, static_cast<int>(time.count()));
        return requested();
    }

private:
    const int fd_;
    // Written by whoever wants to stop, read by all loops; pairs with nothing but itself.
    std::atomic<bool> requested_{false};
    static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace walferry
