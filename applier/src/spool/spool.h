// The changes of one transaction that the source streams before its commit, in a local file until it ends.
//
// The file has no name: it goes with the process, whatever happens to that. What is read back are the changes that no
// subtransaction's abort has taken away, in their order.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "decode/change.h"

namespace walferry {

// Thread: one at a time. Relations of the changes must outlive it.
class Spool {
public:
    // In an existing folder. Errors: ErrorKind::state if it can't be written to.
    static Result<std::unique_ptr<Spool>> create(const std::string &folder);
    Spool(const Spool &) = delete;
    Spool &operator=(const Spool &) = delete;
    ~Spool();

    // A change of the (sub)transaction. Errors: ErrorKind::state if the disk is full.
    Result<void> add(std::uint32_t subxid, const Change &change);
    // All changes of the subtransaction go, and with it those of its own ones: none of its parent's can be among them.
    Result<void> abort(std::uint32_t subxid);
    std::uint64_t bytes() const { return size_ + buffer_.size(); }
    // Thread: any. On disk, of all spools of the process.
    static std::uint64_t bytes_in_use() { return in_use_.load(std::memory_order_relaxed); }

    // Ends adding. The next changes in their order, as whole records of some 64 KiB; empty at the end.
    Result<std::string> read();
    // The changes of what read() gave, as views into it.
    static void decode(std::string_view records, const std::function<void(Change)> &sink);

private:
    explicit Spool(int file) : file_(file) {}
    Result<void> write();
    void set_size(std::uint64_t size);

    inline static std::atomic<std::uint64_t> in_use_{0};  // written by whoever uses a spool; for display
    const int file_;
    std::uint64_t size_ = 0;                                  // written
    std::string buffer_;                                      // behind that
    std::uint64_t read_ = 0;                                  // read so far
    std::unordered_map<std::uint32_t, std::uint64_t> first_;  // where each subtransaction's first change is
};

}  // namespace walferry
