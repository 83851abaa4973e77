// The spools of all transactions that the source streams at a time, within one limit.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "decode/change.h"
#include "spool/spool.h"

namespace walferry {

struct SpoolOptions {
    std::string folder;           // an existing one
    std::uint64_t bytes_max = 0;  // of all together
};

// Thread: one at a time. Relations of the changes must outlive it.
class Spools {
public:
    explicit Spools(SpoolOptions options) : options_(std::move(options)) {}

    // A change of the transaction's subtransaction, or of itself. Errors: ErrorKind::state, if there is no room for it.
    Result<void> add(std::uint64_t xid, std::uint32_t subxid, const Change &change);
    // All that came of the subtransaction is void; of the transaction, if `subxid` is its own.
    Result<void> abort(std::uint64_t xid, std::uint32_t subxid);
    bool contains(std::uint64_t xid) const { return spools_.count(xid) != 0; }
    // What was added for the transaction, which counts no more; null if that is nothing.
    std::unique_ptr<Spool> take(std::uint64_t xid);

private:
    const SpoolOptions options_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Spool>> spools_;  // by xid
    std::uint64_t bytes_ = 0;
};

}  // namespace walferry
