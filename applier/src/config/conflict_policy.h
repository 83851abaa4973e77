// What becomes of a change that meets rows which the source doesn't know of: [conflict] of the task file, or the key `conflict` of
// a table. docs/conflicts.md says what each choice does.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <array>
#include <cstddef>

namespace walferry {

// Named as PostgreSQL's own logical replication names them, as far as it does.
enum class ConflictKind {
    insert_exists,         // a row with the same key is there
    update_missing,        // the row is not there
    delete_missing,        // likewise
    constraint_violation,  // any other one: another unique key, CHECK, NOT NULL, a foreign key, no partition
};
inline constexpr std::size_t conflict_kind_count = 4;
const char *to_string(ConflictKind kind);

enum class ConflictAction {
    stop,        // the task stops in front of the transaction
    overwrite,   // the source wins
    skip,        // the destination stays as it is
    quarantine,  // likewise; the change is kept until the operator has decided
};
const char *to_string(ConflictAction action);

// The destination's table holds rows before the initial copy.
enum class ExistingRows {
    refuse,   // the task stops
    keep,     // the source's rows whose keys are there already are left out
    replace,  // the source's rows take the place of those with their keys
};
const char *to_string(ExistingRows existing);

class ConflictPolicy {
public:
    ConflictAction action(ConflictKind kind) const { return actions_[static_cast<std::size_t>(kind)]; }
    void set(ConflictKind kind, ConflictAction action) { actions_[static_cast<std::size_t>(kind)] = action; }
    // Nothing is to be done but to stop.
    bool only_stops() const { return actions_ == std::array<ConflictAction, conflict_kind_count>{}; }

    ExistingRows existing_rows = ExistingRows::refuse;

    bool operator==(const ConflictPolicy &) const = default;

private:
    std::array<ConflictAction, conflict_kind_count> actions_{};  // stop
};

}  // namespace walferry
