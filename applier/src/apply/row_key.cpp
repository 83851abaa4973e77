// SPDX-License-Identifier: PostgreSQL
#include "apply/row_key.h"

#include <algorithm>

#include "base/bytes.h"

namespace walferry {

// The key's columns, one after the other.
class RowKey::Reader {
public:
    explicit Reader(const RowKey &key) : bytes_(key.bytes_), gap_(key.gaps_->begin()), end_(key.gaps_->end()) {
        (void)bytes_.read<std::int16_t>();
    }

    bool done() const { return gap_ == end_; }

    Value next() {
        for (std::size_t i = *gap_++; i > 0; --i) (void)read();
        return read();
    }

private:
    Value read() {
        const auto length = bytes_.read<std::int32_t>();
        return {length > 0 ? bytes_.read_bytes(static_cast<std::size_t>(length)).data() : nullptr, length};
    }

    ByteReader bytes_;
    KeyGaps::const_iterator gap_, end_;
};

namespace {

std::string_view bytes_of(const Value &value) {
    return value.length > 0 ? std::string_view(value.data, static_cast<std::size_t>(value.length)) : std::string_view();
}

}  // namespace

std::uint64_t RowKey::eight_bytes(std::size_t offset) const {
    std::uint64_t number = 0;
    std::size_t wanted = sizeof(number);
    for (Reader reader(*this); wanted > 0 && !reader.done();) {
        const std::string_view column = bytes_of(reader.next());
        const std::size_t skipped = std::min(offset, column.size());
        offset -= skipped;
        for (const char byte : column.substr(skipped, wanted)) {
            number |= std::uint64_t{static_cast<unsigned char>(byte)} << (8 * --wanted);
        }
    }
    return number;
}

bool RowKey::same(const RowKey &other) const {
    Reader theirs(other);
    for (Reader ours(*this); !ours.done();) {
        const Value a = ours.next();
        const Value b = theirs.next();
        if (!b.unchanged() && !same_bytes(a, b)) return false;
    }
    return true;
}

KeyColumns::KeyColumns(const Relation &relation) : replica_identity_(relation.key_columns > 0) {
    std::size_t gap = 0;
    for (const Column &column : relation.columns) {
        if (tells_rows_apart(relation, column)) {
            in_row_.push_back(gap);
            gap = 0;
        } else {
            ++gap;
        }
    }
    in_key_.assign(in_row_.size(), 0);
}

bool KeyColumns::carried_by(const Change &change) const {
    if (change.kind == ChangeKind::insert || change.old_kind != OldTuple::none) return true;
    return change.kind == ChangeKind::update && replica_identity_;
}

RowKey KeyColumns::of(const Change &change) const {
    switch (change.old_kind) {
        case OldTuple::none:
            break;
        case OldTuple::key:
            return {change.old_tuple, in_key_};
        case OldTuple::row:
            return {change.old_tuple, in_row_};
    }
    return {change.new_tuple, in_row_};
}

bool KeyColumns::kept_by(const Change &update) const {
    return update.old_kind == OldTuple::none || of(update).same({update.new_tuple, in_row_});
}

}  // namespace walferry
