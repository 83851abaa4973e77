// SPDX-License-Identifier: PostgreSQL
#include "apply/net_row.h"

#include <algorithm>

#include "base/bytes.h"

namespace walferry {

namespace {

// The counterpart of Tuple::split().
std::string join(const std::vector<Value> &values) {
    std::string bytes;
    append_integer(bytes, static_cast<std::int16_t>(values.size()));
    for (const Value &value : values) {
        append_integer(bytes, value.length);
        if (value.length > 0) bytes.append(value.data, static_cast<std::size_t>(value.length));
    }
    return bytes;
}

}  // namespace

bool NetRow::add(ChangeKind kind, std::uint32_t change) {
    if (exists_ == (kind == ChangeKind::insert)) return false;
    exists_ = kind != ChangeKind::remove;
    if (exists_) {
        last_ = change;
    } else if (existed_) {
        remove_ = change;
    }
    return true;
}

Change NetWriter::remove(const NetRow &row) const { return changes_[row.remove()].change; }

// The row is found by what the first update says of it.
Change NetWriter::update(const NetRow &row) {
    const Change &first = changes_[row.first()].change;
    Change net = changes_[row.last()].change;
    net.old_kind = first.old_kind;
    net.old_tuple = first.old_tuple;
    net.new_tuple = last_tuple(row);
    return net;
}

Change NetWriter::insert(const NetRow &row) {
    Change net = changes_[row.last()].change;
    net.kind = ChangeKind::insert;
    net.old_kind = OldTuple::none;
    net.old_tuple = Tuple();
    net.new_tuple = last_tuple(row);
    return net;
}

// Merged only here, once for a row: many updates of one row may each leave the same big value alone. An insert lacks
// nothing, so the search ends with it.
Tuple NetWriter::last_tuple(const NetRow &row) {
    const Tuple last = changes_[row.last()].change.new_tuple;
    if (!last.lacks_values()) return last;
    last.split(values_);
    bool filled = false;
    for (auto at = before_[row.last()]; at != NetRow::none && lacks_values(); at = before_[at]) {
        filled |= fill_from(changes_[at].change.new_tuple);
    }
    if (!filled) return last;
    return Tuple(merged_.emplace_back(join(values_)), lacks_values());
}

bool NetWriter::fill_from(const Tuple &earlier) {
    earlier.split(earlier_);
    bool filled = false;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (!values_[i].unchanged() || earlier_[i].unchanged()) continue;
        values_[i] = earlier_[i];
        filled = true;
    }
    return filled;
}

bool NetWriter::lacks_values() const {
    return std::any_of(values_.begin(), values_.end(), [](const Value &value) { return value.unchanged(); });
}

}  // namespace walferry
