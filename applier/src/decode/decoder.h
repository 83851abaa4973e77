// Frames to changes: reads the format of docs/protocol.md, whose constants are in plugin/wire.h.
//
// The bytes are not trusted: whatever they are, the decoder yields changes that are whole and consistent with their
// relation, or an ErrorKind::protocol that says where in the frame it stopped. It copies no row data.
//
// Invariants of what is yielded: begin and commit alternate; changes stand between them; a commit repeats its begin's
// LSNs and counts its changes; every tuple has its relation's columns; commit LSNs rise, those of streamed transactions
// included.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "decode/change.h"

namespace walferry {

// Who takes what is decoded; called in stream order, on the decoder's thread.
class ChangeSink {
public:
    virtual ~ChangeSink() = default;
    virtual void on_begin(const Transaction &transaction) = 0;
    virtual void on_change(Change change) = 0;
    virtual void on_commit() = 0;
    virtual void on_heartbeat(Lsn lsn, std::string_view content) = 0;
    // Transactions that are streamed before their commit, in chunks between which others lie. `committed`: the source has
    // committed it already, so no abort follows; what its subtransactions have undone is left out. `subxid`: the
    // subtransaction, or the low half of `xid`.
    virtual void on_stream_start(std::uint64_t xid, bool committed) = 0;
    virtual void on_stream_change(std::uint64_t xid, std::uint32_t subxid, Change change) = 0;
    // All changes of the subtransaction are void; of the transaction, if it is its own.
    virtual void on_stream_abort(std::uint64_t xid, std::uint32_t subxid) = 0;
    virtual void on_stream_commit(const Transaction &transaction) = 0;
};

// What the source said of itself in the first frame.
struct Hello {
    std::uint16_t protocol = 0;
    std::uint32_t server_version = 0;
    std::uint64_t capabilities = 0;
    std::string encoding;
    std::string extension_version;
};

// Thread: one. Lives as long as the changes that it yielded: it owns their relations.
class Decoder {
public:
    // Decode one frame of a connection, in order. After an error the decoder is of no more use.
    Result<void> decode(std::string_view frame, ChangeSink &sink);

    // Requires: the first frame was decoded.
    const Hello &hello() const { return hello_; }
    // Inside a transaction whose commit has not come.
    bool in_transaction() const { return in_transaction_; }

private:
    Result<void> decode_message(char type, ByteReader &body, ChangeSink &sink);
    Result<void> decode_hello(ByteReader &body);
    Result<void> read_transaction(ByteReader &body);
    Result<void> decode_begin(ByteReader &body, ChangeSink &sink);
    Result<void> decode_commit(ByteReader &body, ChangeSink &sink);
    Result<void> decode_relation(ByteReader &body);
    Result<void> decode_insert(ByteReader &body, ChangeSink &sink);
    Result<void> decode_update(ByteReader &body, ChangeSink &sink);
    Result<void> decode_delete(ByteReader &body, ChangeSink &sink);
    Result<void> decode_truncate(ByteReader &body, ChangeSink &sink);
    Result<void> decode_stream_start(ByteReader &body, ChangeSink &sink);
    Result<void> decode_stream_subxact(ByteReader &body);
    Result<void> decode_stream_stop();
    Result<void> decode_stream_abort(ByteReader &body, ChangeSink &sink);
    Result<void> decode_stream_commit(ByteReader &body, ChangeSink &sink);
    Result<void> check_place_of_change() const;
    void yield(Change change, ChangeSink &sink);

    Result<const Relation *> find_relation(std::uint32_t relid) const;
    static Result<void> read_old_kind(ByteReader &body, Change &change);
    static void read_keys(ByteReader &body, Change &change);
    Result<void> read_old_tuple(ByteReader &body, Change &change) const;
    Result<Tuple> read_tuple(ByteReader &body, const Relation &relation, std::size_t columns,
                             bool may_be_unchanged) const;

    Hello hello_;
    bool greeted_ = false;
    std::uint32_t next_frame_ = 0;
    bool in_transaction_ = false;
    std::uint64_t streamed_xid_ = 0;  // whose chunk is open; 0: none is
    std::uint32_t subxid_ = 0;        // to which the chunk's next changes belong; 0: not yet said
    Transaction transaction_;
    std::uint64_t changes_ = 0;  // of the transaction that is open
    Lsn last_commit_lsn_;
    std::unordered_map<std::uint32_t, const Relation *> relations_;
    std::vector<std::unique_ptr<const Relation>> all_relations_;  // also those that a newer one has replaced
};

}  // namespace walferry
