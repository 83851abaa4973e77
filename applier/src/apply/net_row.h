// What the changes of a group, one after the other, make of one row; and the changes that this comes to.
//
// Changes go by their index in the group.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "decode/change.h"
#include "schedule/group.h"

namespace walferry {

class NetRow {
public:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    // `kind` is that of the row's first change, which is still to be added: it tells whether the row existed.
    NetRow(ChangeKind kind, std::uint32_t first)
        : first_(first), existed_(kind != ChangeKind::insert), exists_(existed_) {}

    // The row's next change. False: no row can go through this, such as an insert of one that exists.
    bool add(ChangeKind kind, std::uint32_t change);

    bool removed() const { return remove_ != none; }
    bool updated() const { return existed_ && exists_ && !removed(); }
    bool inserted() const { return exists_ && !updated(); }

    std::uint32_t first() const { return first_; }
    std::uint32_t remove() const { return remove_; }  // the last one, if the row existed
    std::uint32_t last() const { return last_; }      // insert or update

private:
    std::uint32_t first_;
    std::uint32_t remove_ = none;
    std::uint32_t last_ = none;
    bool existed_;
    bool exists_;
};

// Writes net changes. Each is a view into the group's frames or into `merged`.
class NetWriter {
public:
    // `before` has for each update the row's insert or update before it, or NetRow::none.
    NetWriter(const std::vector<PlannedChange> &changes, const std::vector<std::uint32_t> &before,
              std::deque<std::string> &merged)
        : changes_(changes), before_(before), merged_(merged) {}

    // Requires, each: the row is removed(), updated(), inserted().
    Change remove(const NetRow &row) const;
    Change update(const NetRow &row);
    Change insert(const NetRow &row);

private:
    Tuple last_tuple(const NetRow &row);
    bool fill_from(const Tuple &earlier);
    bool lacks_values() const;

    const std::vector<PlannedChange> &changes_;
    const std::vector<std::uint32_t> &before_;
    std::deque<std::string> &merged_;
    std::vector<Value> values_;
    std::vector<Value> earlier_;
};

}  // namespace walferry
