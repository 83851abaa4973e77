// One frame as it came from the source: the bytes, and what the server said of its WAL when it sent them. Also a piece of a
// streamed transaction, read back from its spool: changes are views into one or the other.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_budget.h"
#include "base/bytes.h"
#include "base/lsn.h"
#include "pq/rows.h"
#include "wire.h"

namespace walferry {

class Frame {
public:
    // `message` is a whole XLogData message, of which the first `offset` bytes are the server's own header.
    Frame(pq::CopyData message, std::size_t offset, ByteBudget &budget)
        : message_(std::move(message)), offset_(offset), budget_(budget) {
        budget_.take(size());
    }
    Frame(std::string spooled, ByteBudget &budget) : spooled_(std::move(spooled)), budget_(budget) {
        budget_.take(size());
    }
    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;
    ~Frame() { budget_.give_back(size()); }

    std::string_view bytes() const { return message_.data ? message_.view().substr(offset_) : spooled_; }
    std::size_t size() const { return message_.data ? message_.size : spooled_.size(); }

    // The source holds nothing back behind it, and won't before its next frame. False if the bytes are no frame.
    bool closing() const {
        const auto header = bytes();
        return header.size() > 1 && (static_cast<unsigned char>(header[1]) & WF_FRAME_CLOSING) != 0;
    }

    // End of the source's WAL when the frame was written; 0 if the bytes are no frame.
    Lsn wal_end() const {
        ByteReader header(bytes());
        (void)header.read_bytes(6);  // magic, flags, number
        return Lsn{header.read<std::uint64_t>()};
    }

private:
    pq::CopyData message_;
    std::size_t offset_ = 0;
    std::string spooled_;
    ByteBudget &budget_;
};

}  // namespace walferry
