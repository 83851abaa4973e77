// SPDX-License-Identifier: PostgreSQL
#include "spool/spools.h"

namespace walferry {

Result<void> Spools::add(std::uint64_t xid, std::uint32_t subxid, const Change &change) {
    auto &spool = spools_[xid];
    if (!spool) {
        WF_ASSIGN(spool, Spool::create(options_.folder));
    }
    const auto before = spool->bytes();
    WF_TRY(spool->add(subxid, change));
    bytes_ += spool->bytes() - before;
    if (bytes_ <= options_.bytes_max) return {};
    return fail(ErrorKind::state,
                "transactions that the source streams before their commit take more disk than apply.spool_mb allows",
                "Raise apply.spool_mb, or set apply.streaming = false: then the source keeps them until they commit.");
}

Result<void> Spools::abort(std::uint64_t xid, std::uint32_t subxid) {
    const auto found = spools_.find(xid);
    if (found == spools_.end()) return {};
    if (static_cast<std::uint32_t>(xid) == subxid) {
        take(xid);
        return {};
    }
    const auto before = found->second->bytes();
    WF_TRY(found->second->abort(subxid));
    bytes_ -= before - found->second->bytes();
    return {};
}

std::unique_ptr<Spool> Spools::take(std::uint64_t xid) {
    auto spool = spools_.extract(xid);
    if (spool.empty()) return nullptr;
    std::unique_ptr<Spool> taken = std::move(spool.mapped());
    bytes_ -= taken->bytes();
    return taken;
}

}  // namespace walferry
