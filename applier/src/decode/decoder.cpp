// SPDX-License-Identifier: PostgreSQL
#include "decode/decoder.h"

#include <fmt/format.h>

#include <utility>

#include "wire.h"

namespace walferry {

namespace {

tl::unexpected<Error> malformed(std::string what) {
    return fail(ErrorKind::protocol, "the source sent a malformed change stream: " + std::move(what),
                "Check that the plugin and this program are of the same version; a connection through a proxy must "
                "pass bytes unchanged.");
}

Lsn read_lsn(ByteReader &body) { return Lsn{body.read<std::uint64_t>()}; }

}  // namespace

void Tuple::split(std::vector<Value> &values) const {
    ByteReader reader(bytes_);
    values.resize(static_cast<std::size_t>(reader.read<std::int16_t>()));
    for (Value &value : values) {
        value.length = reader.read<std::int32_t>();
        value.data = value.length >= 0 ? reader.read_bytes(static_cast<std::size_t>(value.length)).data() : nullptr;
    }
}

std::uint64_t ConflictKeys::unique_at(std::size_t index) const {
    return ByteReader(unique.substr(index * sizeof(std::uint64_t))).read<std::uint64_t>();
}

Result<void> Decoder::decode(std::string_view frame, ChangeSink &sink) {
    ByteReader reader(frame);
    const auto magic = reader.read<std::uint8_t>();
    (void)reader.read<std::uint8_t>();  // flags
    const auto number = reader.read<std::uint32_t>();
    (void)read_lsn(reader);  // end of the source's WAL
    if (reader.failed() || magic != WF_FRAME_MAGIC) return malformed("not a frame");
    if (number != next_frame_) return malformed(fmt::format("frame {} came where {} was due", number, next_frame_));
    ++next_frame_;

    while (reader.remaining() > 0) {
        const auto start = reader.position();
        const auto type = static_cast<char>(reader.read<std::uint8_t>());
        const auto length = reader.read<std::uint32_t>();
        ByteReader body(reader.read_bytes(length));
        if (reader.failed()) return malformed(fmt::format("frame {} ends inside a message", number));
        auto decoded = decode_message(type, body, sink);
        if (decoded && !body.finished()) decoded = malformed("a message has the wrong length");
        if (!decoded) {
            return fail(std::move(decoded).error().with_context(
                fmt::format("frame {}, message of type 0x{:02x} at byte {}", number,
                            static_cast<unsigned>(static_cast<unsigned char>(type)), start)));
        }
    }
    return {};
}

Result<void> Decoder::decode_message(char type, ByteReader &body, ChangeSink &sink) {
    if (type == WF_MSG_HELLO) return decode_hello(body);
    if (!greeted_) return malformed("the first message is not a hello");
    switch (type) {
        case WF_MSG_BEGIN:
            return decode_begin(body, sink);
        case WF_MSG_COMMIT:
            return decode_commit(body, sink);
        case WF_MSG_RELATION:
            return decode_relation(body);
        case WF_MSG_INSERT:
            return decode_insert(body, sink);
        case WF_MSG_UPDATE:
            return decode_update(body, sink);
        case WF_MSG_DELETE:
            return decode_delete(body, sink);
        case WF_MSG_TRUNCATE:
            return decode_truncate(body, sink);
        case WF_MSG_HEARTBEAT: {
            const Lsn lsn = read_lsn(body);
            const auto content = body.read_string();
            if (body.failed() || in_transaction_ || streamed_xid_ != 0) return malformed("a heartbeat out of place");
            sink.on_heartbeat(lsn, content);
            return {};
        }
        case WF_MSG_STREAM_START:
            return decode_stream_start(body, sink);
        case WF_MSG_STREAM_SUBXACT:
            return decode_stream_subxact(body);
        case WF_MSG_STREAM_STOP:
            return decode_stream_stop();
        case WF_MSG_STREAM_ABORT:
            return decode_stream_abort(body, sink);
        case WF_MSG_STREAM_COMMIT:
            return decode_stream_commit(body, sink);
        default:
            return malformed("a message of an unknown type");
    }
}

Result<void> Decoder::decode_hello(ByteReader &body) {
    if (greeted_) return malformed("a second hello");
    hello_.protocol = body.read<std::uint16_t>();
    if (!body.failed() && hello_.protocol != WF_PROTOCOL_VERSION) {
        return fail(ErrorKind::protocol,
                    fmt::format("the plugin at the source speaks protocol version {}, this program version {}",
                                hello_.protocol, WF_PROTOCOL_VERSION),
                    "Install the same version of walferry on both sides.");
    }
    hello_.server_version = body.read<std::uint32_t>();
    hello_.capabilities = body.read<std::uint64_t>();
    hello_.encoding = body.read_string();
    hello_.extension_version = body.read_string();
    if (body.failed()) return malformed("a short hello");
    if (hello_.capabilities != 0) {
        return fail(ErrorKind::protocol, "the plugin at the source uses capabilities that this program doesn't know",
                    "Install the same version of walferry on both sides.");
    }
    greeted_ = true;
    return {};
}

// What a begin and a streamed transaction's commit say alike.
Result<void> Decoder::read_transaction(ByteReader &body) {
    if (in_transaction_ || streamed_xid_ != 0) return malformed("a begin or a streamed commit inside a transaction");
    transaction_.xid = body.read<std::uint64_t>();
    transaction_.commit_lsn = read_lsn(body);
    transaction_.end_lsn = read_lsn(body);
    transaction_.commit_time = body.read<std::int64_t>();
    transaction_.origin_lsn = read_lsn(body);
    transaction_.origin = body.read_string();
    if (body.failed()) return malformed("a short begin or streamed commit");
    if (transaction_.commit_lsn <= last_commit_lsn_ || transaction_.end_lsn <= transaction_.commit_lsn) {
        return malformed("commit LSNs do not rise");
    }
    last_commit_lsn_ = transaction_.commit_lsn;
    return {};
}

Result<void> Decoder::decode_begin(ByteReader &body, ChangeSink &sink) {
    WF_TRY(read_transaction(body));
    in_transaction_ = true;
    changes_ = 0;
    sink.on_begin(transaction_);
    return {};
}

Result<void> Decoder::decode_commit(ByteReader &body, ChangeSink &sink) {
    const Lsn commit_lsn = read_lsn(body);
    const Lsn end_lsn = read_lsn(body);
    const auto changes = body.read<std::uint64_t>();
    if (body.failed()) return malformed("a short commit");
    if (!in_transaction_ || commit_lsn != transaction_.commit_lsn || end_lsn != transaction_.end_lsn) {
        return malformed("a commit without its begin");
    }
    if (changes != changes_) {
        return malformed(fmt::format("a commit counts {} changes where {} have come", changes, changes_));
    }
    in_transaction_ = false;
    sink.on_commit();
    return {};
}

Result<void> Decoder::decode_relation(ByteReader &body) {
    auto relation = std::make_unique<Relation>();
    relation->relid = body.read<std::uint32_t>();
    const auto kind = static_cast<char>(body.read<std::uint8_t>());
    if (kind != WF_RELATION_TABLE && kind != WF_RELATION_DDL_LOG && kind != WF_RELATION_REWRITE) {
        return malformed("a relation of an unknown kind");
    }
    relation->kind = kind == WF_RELATION_TABLE     ? RelationKind::table
                     : kind == WF_RELATION_DDL_LOG ? RelationKind::ddl_log
                                                   : RelationKind::rewrite;
    relation->omits_columns = (body.read<std::uint8_t>() & WF_RELATION_OMITS_COLUMNS) != 0;
    relation->rewrites = body.read<std::uint32_t>();
    relation->schema = body.read_string();
    relation->name = body.read_string();
    relation->replica_identity = static_cast<char>(body.read<std::uint8_t>());
    relation->identity_hashed = body.read<std::uint8_t>() != 0;
    relation->unique_keys = body.read<std::uint16_t>();
    const auto columns = body.read<std::uint16_t>();
    for (std::uint16_t i = 0; i < columns && !body.failed(); ++i) {
        Column column;
        const auto flags = body.read<std::uint8_t>();
        column.key = (flags & WF_COLUMN_KEY) != 0;
        column.generated = (flags & WF_COLUMN_GENERATED) != 0;
        column.identity_always = (flags & WF_COLUMN_IDENTITY_ALWAYS) != 0;
        column.not_null = (flags & WF_COLUMN_NOT_NULL) != 0;
        column.primary_key = (flags & WF_COLUMN_PRIMARY_KEY) != 0;
        const auto format = static_cast<char>(body.read<std::uint8_t>());
        if (format != WF_FORMAT_BINARY && format != WF_FORMAT_TEXT) return malformed("an unknown column format");
        column.binary = format == WF_FORMAT_BINARY;
        column.name = body.read_string();
        column.type = body.read<std::uint32_t>();
        column.type_schema = body.read_string();
        column.type_name = body.read_string();
        column.typmod = body.read<std::int32_t>();
        column.collation_schema = body.read_string();
        column.collation_name = body.read_string();
        if ((flags & WF_COLUMN_PART) != 0) column.part = body.read_string();
        if (column.key) ++relation->key_columns;
        relation->columns.push_back(std::move(column));
    }
    if (body.failed()) return malformed("a short relation");
    relations_[relation->relid] = relation.get();
    all_relations_.push_back(std::move(relation));
    return {};
}

Result<const Relation *> Decoder::find_relation(std::uint32_t relid) const {
    const auto found = relations_.find(relid);
    if (found == relations_.end()) return malformed(fmt::format("a change of relation {}, never described", relid));
    return found->second;
}

Result<Tuple> Decoder::read_tuple(ByteReader &body, const Relation &relation, std::size_t columns,
                                  bool may_be_unchanged) const {
    ByteReader probe = body;
    const auto count = probe.read<std::int16_t>();
    if (probe.failed() || count < 0 || static_cast<std::size_t>(count) != columns) {
        return malformed("a tuple of " + relation.qualified_name() + " has the wrong number of columns");
    }
    bool lacks_values = false;
    for (std::int16_t i = 0; i < count; ++i) {
        const auto length = probe.read<std::int32_t>();
        if (length >= 0) {
            (void)probe.read_bytes(static_cast<std::size_t>(length));
        } else if (length == WF_LENGTH_UNCHANGED && may_be_unchanged) {
            lacks_values = true;
        } else if (length != WF_LENGTH_NULL) {
            return malformed("a tuple of " + relation.qualified_name() + " has a column of negative length");
        }
    }
    if (probe.failed()) return malformed("a tuple of " + relation.qualified_name() + " is cut short");
    return Tuple(body.read_bytes(probe.position() - body.position()), lacks_values);
}

Result<void> Decoder::read_old_kind(ByteReader &body, Change &change) {
    switch (static_cast<char>(body.read<std::uint8_t>())) {
        case WF_OLD_NONE:
            change.old_kind = OldTuple::none;
            return {};
        case WF_OLD_KEY:
            if (change.relation->key_columns == 0)
                return malformed("a key of " + change.relation->qualified_name() + ", which has none");
            change.old_kind = OldTuple::key;
            return {};
        case WF_OLD_ROW:
            change.old_kind = OldTuple::row;
            return {};
        default:
            return malformed("an unknown kind of old tuple");
    }
}

void Decoder::read_keys(ByteReader &body, Change &change) {
    const Relation &relation = *change.relation;
    ConflictKeys &keys = change.keys;
    if (relation.identity_hashed) {
        if (change.kind != ChangeKind::remove) keys.identity = keys.new_identity = body.read<std::uint64_t>();
        if (change.old_kind != OldTuple::none) keys.identity = body.read<std::uint64_t>();
    }
    if (change.kind != ChangeKind::remove) keys.unique = body.read_bytes(relation.unique_keys * sizeof(std::uint64_t));
}

Result<void> Decoder::read_old_tuple(ByteReader &body, Change &change) const {
    if (change.old_kind == OldTuple::none) return {};
    const Relation &relation = *change.relation;
    const auto columns = change.old_kind == OldTuple::key ? relation.key_columns : relation.columns.size();
    WF_ASSIGN(change.old_tuple, read_tuple(body, relation, columns, false));
    return {};
}

Result<void> Decoder::decode_insert(ByteReader &body, ChangeSink &sink) {
    WF_TRY(check_place_of_change());
    Change change;
    change.kind = ChangeKind::insert;
    WF_ASSIGN(change.relation, find_relation(body.read<std::uint32_t>()));
    read_keys(body, change);
    WF_ASSIGN(change.new_tuple, read_tuple(body, *change.relation, change.relation->columns.size(), false));
    yield(std::move(change), sink);
    return {};
}

Result<void> Decoder::decode_update(ByteReader &body, ChangeSink &sink) {
    WF_TRY(check_place_of_change());
    Change change;
    change.kind = ChangeKind::update;
    WF_ASSIGN(change.relation, find_relation(body.read<std::uint32_t>()));
    WF_TRY(read_old_kind(body, change));
    read_keys(body, change);
    WF_TRY(read_old_tuple(body, change));
    WF_ASSIGN(change.new_tuple, read_tuple(body, *change.relation, change.relation->columns.size(), true));
    yield(std::move(change), sink);
    return {};
}

Result<void> Decoder::decode_delete(ByteReader &body, ChangeSink &sink) {
    WF_TRY(check_place_of_change());
    Change change;
    change.kind = ChangeKind::remove;
    WF_ASSIGN(change.relation, find_relation(body.read<std::uint32_t>()));
    WF_TRY(read_old_kind(body, change));
    read_keys(body, change);
    WF_TRY(read_old_tuple(body, change));
    yield(std::move(change), sink);
    return {};
}

Result<void> Decoder::decode_truncate(ByteReader &body, ChangeSink &sink) {
    WF_TRY(check_place_of_change());
    auto truncate = std::make_shared<Truncate>();
    const auto options = body.read<std::uint8_t>();
    truncate->cascade = (options & WF_TRUNCATE_CASCADE) != 0;
    truncate->restart_identity = (options & WF_TRUNCATE_RESTART_IDENTITY) != 0;
    const auto count = body.read<std::uint16_t>();
    for (std::uint16_t i = 0; i < count; ++i) {
        WF_ASSIGN(const Relation *relation, find_relation(body.read<std::uint32_t>()));
        truncate->relations.push_back(relation);
    }
    if (body.failed() || truncate->relations.empty()) return malformed("a truncate of nothing");
    Change change;
    change.kind = ChangeKind::truncate;
    change.relation = truncate->relations.front();
    change.truncate = std::move(truncate);
    yield(std::move(change), sink);
    return {};
}

Result<void> Decoder::check_place_of_change() const {
    if (in_transaction_ || (streamed_xid_ != 0 && subxid_ != 0)) return {};
    return malformed("a change outside a transaction");
}

void Decoder::yield(Change change, ChangeSink &sink) {
    if (streamed_xid_ != 0) {
        sink.on_stream_change(streamed_xid_, subxid_, std::move(change));
        return;
    }
    ++changes_;
    sink.on_change(std::move(change));
}

Result<void> Decoder::decode_stream_start(ByteReader &body, ChangeSink &sink) {
    if (in_transaction_ || streamed_xid_ != 0) return malformed("a stream start inside a transaction");
    streamed_xid_ = body.read<std::uint64_t>();
    const auto flags = body.read<std::uint8_t>();
    subxid_ = 0;
    if (body.failed() || streamed_xid_ == 0) return malformed("a stream start without a transaction");
    sink.on_stream_start(streamed_xid_, (flags & WF_STREAM_COMMITTED) != 0);
    return {};
}

Result<void> Decoder::decode_stream_subxact(ByteReader &body) {
    subxid_ = body.read<std::uint32_t>();
    if (body.failed() || streamed_xid_ == 0 || subxid_ == 0) return malformed("a subtransaction out of place");
    return {};
}

Result<void> Decoder::decode_stream_stop() {
    if (streamed_xid_ == 0) return malformed("a stream stop without its start");
    streamed_xid_ = 0;
    return {};
}

Result<void> Decoder::decode_stream_abort(ByteReader &body, ChangeSink &sink) {
    const auto xid = body.read<std::uint64_t>();
    const auto subxid = body.read<std::uint32_t>();
    if (body.failed() || in_transaction_ || streamed_xid_ != 0) return malformed("a stream abort out of place");
    sink.on_stream_abort(xid, subxid);
    return {};
}

Result<void> Decoder::decode_stream_commit(ByteReader &body, ChangeSink &sink) {
    WF_TRY(read_transaction(body));
    sink.on_stream_commit(transaction_);
    return {};
}

}  // namespace walferry
