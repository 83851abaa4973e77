// What the decoder yields: transactions and their changes, as views into the frames.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/lsn.h"
#include "decode/relation.h"

namespace walferry {

struct Transaction {
    std::uint64_t xid = 0;         // top-level, with its epoch
    Lsn commit_lsn;                // start of the commit record
    Lsn end_lsn;                   // its end
    std::int64_t commit_time = 0;  // microseconds since 2000-01-01 UTC
    Lsn origin_lsn;
    std::string origin;  // empty: local
};

enum class ChangeKind : std::uint8_t { insert, update, remove, truncate };
enum class OldTuple : std::uint8_t { none, key, row };

struct Truncate {
    bool cascade = false;
    bool restart_identity = false;
    bool partial = false;  // the source emptied others in the same statement
    std::vector<const Relation *> relations;
};

// One column's value: a view into the frame, NULL, or a TOAST value that an update left alone.
struct Value {
    const char *data = nullptr;
    std::int32_t length = 0;  // or WF_LENGTH_NULL, WF_LENGTH_UNCHANGED

    bool null() const { return length == -1; }
    bool unchanged() const { return length == -2; }
};

// Identical, which for some types is more than equal: 1.0 and 1.00.
inline bool same_bytes(const Value &a, const Value &b) {
    return a.length == b.length &&
           (a.length <= 0 || std::memcmp(a.data, b.data, static_cast<std::size_t>(a.length)) == 0);
}

// The bytes of a tuple (int16 count; int32 length, bytes; ...), checked by the decoder against its relation.
class Tuple {
public:
    Tuple() = default;
    explicit Tuple(std::string_view bytes, bool lacks_values = false) : bytes_(bytes), lacks_values_(lacks_values) {}

    std::string_view bytes() const { return bytes_; }
    // Some value is a TOAST value that was left alone.
    bool lacks_values() const { return lacks_values_; }
    // Split into columns; `values` is overwritten.
    void split(std::vector<Value> &values) const;

private:
    std::string_view bytes_;
    bool lacks_values_ = false;
};

// Hashes of what a change must not be reordered against: equal values have equal hashes, by the source's own idea of
// equality (1.0 and 1.00; nondeterministic collations). Different values may have equal hashes too.
struct ConflictKeys {
    std::uint64_t identity = 0;      // of the row's key before the change, of an insert after it; 0: none is known
    std::uint64_t new_identity = 0;  // of its key after the change; of a delete 0; same as `identity` if it stayed
    std::string_view unique;         // of the new row's values in other unique indexes: big-endian uint64, 0 for none

    std::size_t unique_count() const { return unique.size() / sizeof(std::uint64_t); }
    std::uint64_t unique_at(std::size_t index) const;
};

// A view: lives as long as the frame that it came in and the decoder that knows its relation.
struct Change {
    ChangeKind kind = ChangeKind::insert;
    OldTuple old_kind = OldTuple::none;
    const Relation *relation = nullptr;  // of a truncate: the first
    Tuple old_tuple;
    Tuple new_tuple;
    ConflictKeys keys;
    std::shared_ptr<Truncate> truncate;  // of a truncate alone
};

}  // namespace walferry
