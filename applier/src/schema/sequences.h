// Sequences: nothing about their values is in the change stream, so they are read at the source and set at the
// destination, when the copy is complete, when a drain ends, and as often as one likes in between.
//
// What a sequence was last set to is remembered (walferry.sequence). While the destination's still stands there, nobody
// has used it, and it follows the source wherever that goes: on, back after a RESTART, round after a CYCLE. Once somebody
// has, it is only moved on, since what it has given out must not come again.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// As the sequence relation has it: what was last given out, or, if not is_called, what will be next.
struct SequenceValue {
    std::int64_t last_value = 1;
    bool is_called = false;
    bool operator==(const SequenceValue &) const = default;
};

struct DestinationSequence {
    SequenceValue now;
    std::optional<SequenceValue> last_set;  // by this task
    std::int64_t start = 1;
    std::int64_t increment = 1;
    std::int64_t min = 1;
    std::int64_t max = INT64_MAX;
};

// Whether the destination's sequence is to be set to the source's value.
bool is_to_be_set(const DestinationSequence &here, const SequenceValue &source);

// Where a sequence arrives: that of a column (of `table`) is in its table's schema.
QualifiedName sequence_destination(const NameMap &map, const QualifiedName &sequence,
                                   const std::optional<QualifiedName> &table);

enum class SequenceState {
    equal,
    to_be_set,   // the next round sets it
    left_alone,  // somebody has used it here, beyond the source's; or its definition here has no such value yet
    missing,     // at the destination
    locked       // by another session, on either side
};

// One of the source's, and its twin.
struct SequencePair {
    QualifiedName name;                       // at the source
    QualifiedName destination;                // where it arrives
    std::uint32_t relid_there = 0;            // the destination's OID; 0 if it is not there
    std::optional<SequenceValue> source;      // without: it is locked
    std::optional<DestinationSequence> here;  // without: it is not there, or locked
    SequenceState state() const;
};

// Those that the task selects, in no order; none if it is local. Sets nothing. Requires, errors, thread: as follow_sequences, but that the encodings
// of the two connections need only be the same.
Result<std::vector<SequencePair>> list_sequences(pq::Connection &source, pq::Connection &destination, const Task &task);

struct SequenceRound {
    std::size_t set = 0;
    // Locked by another session, at the source or here, or used while we looked: not looked at in this round.
    std::size_t busy = 0;
};

// One round over the sequences that the task selects (those of selected tables with them): set those that differ and
// may be set. One statement at the source, one at the destination, and one more if something is to be written, however many
// sequences there are. One that exists on one side alone is passed over, also if it is dropped meanwhile.
//
// Made to be called again and again while changes are streamed: it holds no lock while it waits for one, and waits for
// none longer than 100 ms. Between the look at a sequence and setting it lies a moment in which a use of it here goes
// unnoticed; a server has no way to lock a sequence against use.
//
// Requires: both connections speak the source's encoding and are outside of a transaction; bookkeeping exists. SELECT on the
// sequences at the source, SELECT and UPDATE at the destination; lacking that is 42501, with what to grant.
// Thread: any that owns both connections; one task's rounds must not overlap.
Result<SequenceRound> follow_sequences(pq::Connection &source, pq::Connection &destination, const Task &task);

// The same until none is busy, waiting for locks as long as need be: afterwards every sequence that nobody has used
// here has exactly the source's value. Returns how many were set.
Result<std::size_t> set_sequences(pq::Connection &source, pq::Connection &destination, const Task &task);

}  // namespace walferry
