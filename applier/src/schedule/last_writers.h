// Which group last wrote a key: what tells the planner whether a change has to wait.
//
// A table of fixed size, indexed by the key's hash. Two keys that share a slot count as one, so a change may be held that
// could be free, never the other way round.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace walferry {

// The newest groups that wrote to one thing. Groups come in rising numbers; 0 is no group.
class Writer {
public:
    // The newest group before `number` that wrote.
    std::uint64_t before(std::uint64_t number) const { return last_ == number ? before_ : last_; }
    // Group `number` writes.
    void write(std::uint64_t number) {
        if (last_ == number) return;
        before_ = last_;
        last_ = number;
    }

private:
    std::uint64_t last_ = 0;
    std::uint64_t before_ = 0;  // what `last_` was until its group came: that one's other keys may share the slot
};

// Thread: the planner's.
class LastWriters {
public:
    // `slots` is rounded up to a power of two.
    explicit LastWriters(std::size_t slots = std::size_t{1} << 20) : slots_(std::bit_ceil(slots)) {}

    // A write of the key will follow soon: its slot is most likely not in the processor's cache.
    void prefetch(std::uint64_t of, std::uint64_t hash) const { __builtin_prefetch(&slots_[index(of, hash)], 1); }

    // Group `number` writes the key; the newest group before it that may have written it. A key is the hash of a value,
    // and a number for what it is the value of.
    std::uint64_t write(std::uint64_t of, std::uint64_t hash, std::uint64_t number) {
        Writer &slot = slots_[index(of, hash)];
        const auto before = slot.before(number);
        slot.write(number);
        return before;
    }

private:
    // Fibonacci hashing (Knuth, TAOCP 3, 6.4); the high bits are the good ones.
    std::size_t index(std::uint64_t of, std::uint64_t hash) const {
        constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
        return (((hash ^ (of * golden)) * golden) >> 24) & (slots_.size() - 1);
    }

    std::vector<Writer> slots_;
};

}  // namespace walferry
