// Writes frames as the plugin does, for tests: the decoder's counterpart, built on the same constants.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/lsn.h"
#include "decode/change.h"
#include "wire.h"

namespace walferry {

// A tuple's values; nothing is NULL.
using TestRow = std::vector<std::optional<std::string>>;

class FrameBuilder {
public:
    static std::string tuple(const TestRow &row) {
        std::string out;
        append_integer(out, static_cast<std::int16_t>(row.size()));
        for (const auto &value : row) {
            append_integer(out, value ? static_cast<std::int32_t>(value->size()) : WF_LENGTH_NULL);
            if (value) out += *value;
        }
        return out;
    }

    FrameBuilder &hello(std::uint16_t protocol = WF_PROTOCOL_VERSION) {
        std::string body;
        append_integer(body, protocol);
        append_integer<std::uint32_t>(body, 150020);
        append_integer<std::uint64_t>(body, 0);
        append_string(body, "UTF8");
        append_string(body, "1.0");
        return message(WF_MSG_HELLO, body);
    }

    FrameBuilder &begin(const Transaction &transaction) { return transaction_message(WF_MSG_BEGIN, transaction); }

    FrameBuilder &stream_commit(const Transaction &transaction) {
        return transaction_message(WF_MSG_STREAM_COMMIT, transaction);
    }

    FrameBuilder &stream_start(std::uint64_t xid, bool committed = false) {
        std::string body;
        append_integer(body, xid);
        append_integer(body, static_cast<std::uint8_t>(committed ? WF_STREAM_COMMITTED : 0));
        return message(WF_MSG_STREAM_START, body);
    }

    FrameBuilder &stream_subxact(std::uint32_t subxid) {
        std::string body;
        append_integer(body, subxid);
        return message(WF_MSG_STREAM_SUBXACT, body);
    }

    FrameBuilder &stream_stop() { return message(WF_MSG_STREAM_STOP, {}); }

    FrameBuilder &stream_abort(std::uint64_t xid, std::uint32_t subxid) {
        std::string body;
        append_integer(body, xid);
        append_integer(body, subxid);
        return message(WF_MSG_STREAM_ABORT, body);
    }

    FrameBuilder &transaction_message(char type, const Transaction &transaction) {
        std::string body;
        append_integer(body, transaction.xid);
        append_integer(body, transaction.commit_lsn.value());
        append_integer(body, transaction.end_lsn.value());
        append_integer(body, transaction.commit_time);
        append_integer(body, transaction.origin_lsn.value());
        append_string(body, transaction.origin);
        return message(type, body);
    }

    FrameBuilder &commit(const Transaction &transaction, std::uint64_t changes) {
        std::string body;
        append_integer(body, transaction.commit_lsn.value());
        append_integer(body, transaction.end_lsn.value());
        append_integer(body, changes);
        return message(WF_MSG_COMMIT, body);
    }

    FrameBuilder &heartbeat(Lsn lsn, const std::string &content) {
        std::string body;
        append_integer(body, lsn.value());
        append_string(body, content);
        return message(WF_MSG_HEARTBEAT, body);
    }

    FrameBuilder &relation(const Relation &relation) {
        std::string body;
        append_integer(body, relation.relid);
        body += relation.kind == RelationKind::table     ? WF_RELATION_TABLE
                : relation.kind == RelationKind::ddl_log ? WF_RELATION_DDL_LOG
                                                         : WF_RELATION_REWRITE;
        body += relation.omits_columns ? WF_RELATION_OMITS_COLUMNS : '\0';
        append_integer(body, relation.rewrites);
        append_string(body, relation.schema);
        append_string(body, relation.name);
        body += relation.replica_identity;
        append_integer(body, static_cast<std::uint8_t>(relation.identity_hashed));
        append_integer(body, static_cast<std::uint16_t>(relation.unique_keys));
        append_integer(body, static_cast<std::uint16_t>(relation.columns.size()));
        for (const Column &column : relation.columns) {
            append_integer(body, static_cast<std::uint8_t>((column.key ? WF_COLUMN_KEY : 0) |
                                                           (column.generated ? WF_COLUMN_GENERATED : 0) |
                                                           (column.identity_always ? WF_COLUMN_IDENTITY_ALWAYS : 0) |
                                                           (column.not_null ? WF_COLUMN_NOT_NULL : 0) |
                                                           (column.primary_key ? WF_COLUMN_PRIMARY_KEY : 0) |
                                                           (column.part.empty() ? 0 : WF_COLUMN_PART)));
            body += column.binary ? WF_FORMAT_BINARY : WF_FORMAT_TEXT;
            append_string(body, column.name);
            append_integer(body, column.type);
            append_string(body, column.type_schema);
            append_string(body, column.type_name);
            append_integer(body, column.typmod);
            append_string(body, column.collation_schema);
            append_string(body, column.collation_name);
            if (!column.part.empty()) append_string(body, column.part);
        }
        return message(WF_MSG_RELATION, body);
    }

    // `hashes`: as docs/protocol.md has them for the kind of change, if the relation says that there are any.
    FrameBuilder &insert(std::uint32_t relid, const TestRow &row, const std::vector<std::uint64_t> &hashes = {}) {
        std::string body;
        append_integer(body, relid);
        for (const auto hash : hashes) append_integer(body, hash);
        return message(WF_MSG_INSERT, body + tuple(row));
    }

    FrameBuilder &update(std::uint32_t relid, char old_kind, const TestRow &old_row, const std::string &new_tuple,
                         const std::vector<std::uint64_t> &hashes = {}) {
        std::string body;
        append_integer(body, relid);
        body += old_kind;
        for (const auto hash : hashes) append_integer(body, hash);
        if (old_kind != WF_OLD_NONE) body += tuple(old_row);
        return message(WF_MSG_UPDATE, body + new_tuple);
    }

    FrameBuilder &remove(std::uint32_t relid, char old_kind, const TestRow &old_row,
                         const std::vector<std::uint64_t> &hashes = {}) {
        std::string body;
        append_integer(body, relid);
        body += old_kind;
        for (const auto hash : hashes) append_integer(body, hash);
        if (old_kind != WF_OLD_NONE) body += tuple(old_row);
        return message(WF_MSG_DELETE, body);
    }

    FrameBuilder &truncate(std::uint8_t options, const std::vector<std::uint32_t> &relids) {
        std::string body;
        append_integer(body, options);
        append_integer(body, static_cast<std::uint16_t>(relids.size()));
        for (const auto relid : relids) append_integer(body, relid);
        return message(WF_MSG_TRUNCATE, body);
    }

    FrameBuilder &message(char type, std::string_view body) {
        messages_ += type;
        append_integer(messages_, static_cast<std::uint32_t>(body.size()));
        messages_ += body;
        return *this;
    }

    // The frame of all messages since the last one; frames are numbered from 0.
    std::string frame(std::uint8_t flags = WF_FRAME_CLOSING) {
        std::string out(1, WF_FRAME_MAGIC);
        out += static_cast<char>(flags);
        append_integer(out, next_frame_++);
        append_integer<std::uint64_t>(out, 0x2000);
        return out + std::exchange(messages_, {});
    }

private:
    static void append_string(std::string &out, std::string_view text) {
        append_integer(out, static_cast<std::uint16_t>(text.size()));
        out += text;
    }

    std::string messages_;
    std::uint32_t next_frame_ = 0;
};

// A table `public.t (id integer primary key, note text)` and the transactions of a test.
inline Relation test_relation(std::uint32_t relid = 16384) {
    Relation relation;
    relation.relid = relid;
    relation.schema = "public";
    relation.name = "t";
    Column id;
    id.name = "id";
    id.key = id.primary_key = id.not_null = true;
    id.type = 23;
    id.type_schema = "pg_catalog";
    id.type_name = "int4";
    Column note;
    note.name = "note";
    note.type = 25;
    note.type_schema = "pg_catalog";
    note.type_name = "text";
    relation.columns = {id, note};
    relation.key_columns = 1;
    return relation;
}

// walferry.ddl_log, and a row of it; each list a text[] in PostgreSQL's binary form.
struct TestDdl {
    std::int64_t id = 1;
    std::string tag = "CREATE TABLE";
    std::uint32_t flags = 0;
    std::string statement = "CREATE TABLE a (id int)";
    std::vector<std::string> statements = {};
    std::vector<std::string> search_path = {"public"};
    std::vector<std::string> settings = {};
    std::vector<std::string> objects = {};
    std::vector<std::string> rewritten = {};
    std::string note = {};
};

inline Relation test_ddl_log(std::uint32_t relid = 16400) {
    Relation relation;
    relation.relid = relid;
    relation.kind = RelationKind::ddl_log;
    relation.schema = "walferry";
    relation.name = "ddl_log";
    for (const char *name : {"id", "lsn", "captured", "role", "session_role", "tag", "flags", "statement", "statements",
                             "search_path", "settings", "objects", "rewritten", "list", "pieces", "former", "note"}) {
        Column column;
        column.name = name;
        relation.columns.push_back(column);
    }
    return relation;
}

inline std::string test_text_array(const std::vector<std::string> &elements) {
    std::string out;
    append_integer<std::int32_t>(out, elements.empty() ? 0 : 1);
    append_integer<std::int32_t>(out, 0);
    append_integer<std::uint32_t>(out, 25);
    if (elements.empty()) return out;
    append_integer(out, static_cast<std::int32_t>(elements.size()));
    append_integer<std::int32_t>(out, 1);
    for (const auto &element : elements) {
        append_integer(out, static_cast<std::int32_t>(element.size()));
        out += element;
    }
    return out;
}

inline TestRow test_ddl_row(const TestDdl &ddl) {
    const auto integer = [](auto value) {
        std::string out;
        append_integer(out, value);
        return out;
    };
    return {integer(ddl.id),
            integer(std::uint64_t{0x1234}),
            integer(std::int64_t{1'000'000}),
            "alice",
            "bob",
            ddl.tag,
            integer(ddl.flags),
            ddl.statement,
            ddl.statements.empty() ? std::optional<std::string>() : test_text_array(ddl.statements),
            test_text_array(ddl.search_path),
            test_text_array(ddl.settings),
            test_text_array(ddl.objects),
            test_text_array(ddl.rewritten),
            test_text_array({}),
            test_text_array({}),
            test_text_array({}),
            ddl.note.empty() ? std::optional<std::string>() : ddl.note};
}

inline Transaction test_transaction(std::uint64_t number) {
    Transaction transaction;
    transaction.xid = 700 + number;
    transaction.commit_lsn = Lsn{0x1000 + number * 0x100};
    transaction.end_lsn = Lsn{0x1000 + number * 0x100 + 0x30};
    transaction.commit_time = static_cast<std::int64_t>(number);
    return transaction;
}

}  // namespace walferry
