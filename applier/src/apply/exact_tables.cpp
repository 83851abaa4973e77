// SPDX-License-Identifier: PostgreSQL
#include "apply/exact_tables.h"

namespace walferry {

bool ExactTables::contains(std::uint32_t relid, Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    const auto found = tables_.find(relid);
    return found != tables_.end() && now < found->second.exact_until;
}

void ExactTables::note_collision(std::uint32_t relid, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto [entry, first] = tables_.try_emplace(relid);
    if (!first && now < entry->second.collided + memory) entry->second.exact_until = now + memory;
    entry->second.collided = now;
}

void ExactTables::note_failure(std::uint32_t relid, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Entry &entry = tables_[relid];
    entry.collided = now;
    entry.exact_until = now + memory;
}

}  // namespace walferry
