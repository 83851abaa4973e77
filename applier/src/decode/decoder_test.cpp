// Goal: what the plugin writes is read back exactly; anything else is refused and never read past its end.
// Method: frames from FrameBuilder, whole, cut at every byte and with every byte changed.
//
// SPDX-License-Identifier: PostgreSQL
#include "decode/decoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "decode/frame_builder.h"

namespace walferry {
namespace {

// Writes down all that is decoded, one line each.
class Script : public ChangeSink {
public:
    void on_begin(const Transaction &t) override { add(fmt::format("begin {} {}", t.xid, t.origin)); }
    void on_change(Change change) override {
        static const char *const kinds[] = {"insert", "update", "delete", "truncate"};
        std::string line = kinds[static_cast<int>(change.kind)];
        line += " " + change.relation->qualified_name();
        if (change.truncate) {
            line += fmt::format(" x{} {}{}", change.truncate->relations.size(), change.truncate->cascade ? "c" : "",
                                change.truncate->restart_identity ? "r" : "");
        }
        for (const Column &column : change.relation->columns) {
            if (!column.part.empty()) line += " merged as " + column.part;
        }
        if (change.old_kind != OldTuple::none) line += " old" + values(change.old_tuple);
        if (!change.new_tuple.bytes().empty()) line += " new" + values(change.new_tuple);
        add(line);
    }
    void on_commit() override { add("commit"); }
    void on_stream_start(std::uint64_t xid, bool committed) override {
        add(fmt::format("stream {}{}", xid, committed ? " committed" : ""));
    }
    void on_stream_change(std::uint64_t xid, std::uint32_t subxid, Change change) override {
        on_change(std::move(change));
        lines.back() = fmt::format("stream {}/{} ", xid, subxid) + lines.back();
    }
    void on_stream_abort(std::uint64_t xid, std::uint32_t subxid) override {
        add(fmt::format("stream abort {}/{}", xid, subxid));
    }
    void on_stream_commit(const Transaction &t) override { add(fmt::format("stream commit {}", t.xid)); }
    void on_heartbeat(Lsn lsn, std::string_view content) override {
        add(fmt::format("heartbeat {} {}", lsn.text(), content));
    }

    std::vector<std::string> lines;

private:
    static std::string values(const Tuple &tuple) {
        std::vector<Value> split;
        tuple.split(split);
        std::string out;
        for (const Value &value : split) {
            out += " ";
            if (value.null()) {
                out += "NULL";
            } else if (value.unchanged()) {
                out += "UNCHANGED";
            } else {
                out.append(value.data, static_cast<std::size_t>(value.length));
            }
        }
        return out;
    }
    void add(std::string line) { lines.push_back(std::move(line)); }
};

std::string with_unchanged(const std::string &id) {
    std::string out;
    append_integer<std::int16_t>(out, 2);
    append_integer(out, static_cast<std::int32_t>(id.size()));
    out += id;
    append_integer<std::int32_t>(out, WF_LENGTH_UNCHANGED);
    return out;
}

std::string sample_frame() {
    Transaction transaction = test_transaction(1);
    transaction.origin = "elsewhere";
    const std::uint32_t t = 16384;
    return FrameBuilder()
        .hello()
        .begin(transaction)
        .relation(test_relation(t))
        .insert(t, {"1", "one"})
        .insert(t, {"2", std::nullopt})
        .update(t, WF_OLD_NONE, {}, FrameBuilder::tuple({"1", "uno"}))
        .update(t, WF_OLD_KEY, {"1"}, with_unchanged("3"))
        .remove(t, WF_OLD_KEY, {"2"})
        .truncate(WF_TRUNCATE_CASCADE | WF_TRUNCATE_RESTART_IDENTITY, {t, t})
        .commit(transaction, 6)
        .frame();
}

Error error_of(const std::string &frame) {
    Decoder decoder;
    Script script;
    auto decoded = decoder.decode(frame, script);
    EXPECT_FALSE(decoded) << "was decoded";
    return decoded ? Error{} : decoded.error();
}

TEST(Decoder, ReadsEveryKindOfChange) {
    Decoder decoder;
    Script script;
    const auto decoded = decoder.decode(sample_frame(), script);
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(script.lines, (std::vector<std::string>{"begin 701 elsewhere", "insert public.t new 1 one",
                                                      "insert public.t new 2 NULL", "update public.t new 1 uno",
                                                      "update public.t old 1 new 3 UNCHANGED", "delete public.t old 2",
                                                      "truncate public.t x2 cr", "commit"}));
    EXPECT_EQ(decoder.hello().encoding, "UTF8");
    EXPECT_EQ(decoder.hello().server_version, 150020U);
    EXPECT_FALSE(decoder.in_transaction());
}

TEST(Decoder, ReadsWhatTellsAMergedTablesRows) {
    Relation relation = test_relation();
    relation.columns[0].part = "'s1'::text";
    Decoder decoder;
    Script script;
    FrameBuilder builder;
    builder.hello().begin(test_transaction(1)).relation(relation).insert(16384, {"s1", "a"});
    ASSERT_TRUE(decoder.decode(builder.commit(test_transaction(1), 1).frame(), script));
    ASSERT_EQ(script.lines.size(), 3U);
    EXPECT_EQ(script.lines[1], "insert public.t merged as 's1'::text new s1 a");
}

TEST(Decoder, TransactionSpansFrames) {
    FrameBuilder builder;
    Decoder decoder;
    Script script;
    ASSERT_TRUE(decoder.decode(builder.hello().begin(test_transaction(1)).relation(test_relation()).frame(), script));
    EXPECT_TRUE(decoder.in_transaction());
    ASSERT_TRUE(decoder.decode(builder.insert(16384, {"1", "a"}).frame(), script));
    ASSERT_TRUE(decoder.decode(builder.commit(test_transaction(1), 1).begin(test_transaction(2)).frame(), script));
    ASSERT_TRUE(decoder.decode(builder.commit(test_transaction(2), 0).frame(), script));
    EXPECT_EQ(script.lines,
              (std::vector<std::string>{"begin 701 ", "insert public.t new 1 a", "commit", "begin 702 ", "commit"}));
}

TEST(Decoder, NewRelationMessageReplacesTheOldButNotInChangesAlreadyRead) {
    FrameBuilder builder;
    Decoder decoder;
    Script script;
    Relation renamed = test_relation();
    renamed.name = "u";
    ASSERT_TRUE(decoder.decode(builder.hello()
                                   .begin(test_transaction(1))
                                   .relation(test_relation())
                                   .insert(16384, {"1", "a"})
                                   .relation(renamed)
                                   .insert(16384, {"2", "b"})
                                   .commit(test_transaction(1), 2)
                                   .frame(),
                               script));
    EXPECT_EQ(script.lines[1], "insert public.t new 1 a");
    EXPECT_EQ(script.lines[2], "insert public.u new 2 b");
}

TEST(Decoder, FrameCutAnywhereIsRefused) {
    const std::string frame = sample_frame();
    for (std::size_t size = 0; size < frame.size(); ++size) {
        Decoder decoder;
        Script script;
        // Cut between two messages it is a frame, but no longer the same changes.
        if (decoder.decode(frame.substr(0, size), script)) {
            EXPECT_LT(script.lines.size(), 8U) << size;
        }
    }
}

TEST(Decoder, SaysWhatIsWrong) {
    const auto message = [](const std::string &frame) { return error_of(frame).message; };
    const Transaction t1 = test_transaction(1);
    EXPECT_NE(message("").find("not a frame"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello(9).frame()).find("protocol version 9, this program version 4"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().begin(t1).frame()).find("first message is not a hello"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().hello().frame()).find("second hello"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().message('?', "").frame()).find("unknown type"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).begin(t1).frame()).find("inside a transaction"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().commit(t1, 0).frame()).find("commit without"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).commit(t1, 3).frame()).find("counts 3 changes where 0"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).insert(5, {"1"}).frame()).find("relation 5, never described"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).relation(test_relation()).insert(16384, {"1"}).frame())
                  .find("wrong number of columns"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().relation(test_relation()).insert(16384, {"1", "a"}).frame())
                  .find("outside a transaction"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).commit(t1, 0).begin(t1).frame()).find("do not rise"),
              std::string::npos);
    EXPECT_EQ(error_of("x").kind, ErrorKind::protocol);
}

TEST(Decoder, KeysOfEachKindOfChange) {
    struct Keys : Script {
        void on_change(Change change) override {
            const ConflictKeys &keys = change.keys;
            lines.push_back(fmt::format("{} {}", keys.identity, keys.new_identity));
            for (std::size_t i = 0; i < keys.unique_count(); ++i) lines.back() += fmt::format(" {}", keys.unique_at(i));
        }
    };
    Relation relation = test_relation();
    relation.identity_hashed = true;
    relation.unique_keys = 2;
    const Transaction t = test_transaction(1);
    FrameBuilder builder;
    builder.hello().begin(t).relation(relation);
    builder.insert(16384, {"1", "a"}, {11, 21, 22});
    builder.update(16384, WF_OLD_NONE, {}, FrameBuilder::tuple({"1", "b"}), {11, 23, 0});
    builder.update(16384, WF_OLD_KEY, {"1"}, FrameBuilder::tuple({"2", "b"}), {12, 11, 23, 0});
    builder.remove(16384, WF_OLD_KEY, {"2"}, {12});
    Keys keys;
    const auto decoded = Decoder().decode(builder.commit(t, 4).frame(), keys);
    ASSERT_TRUE(decoded) << decoded.error().text();
    const std::vector<std::string> expected = {"begin 701 ", "11 11 21 22", "11 11 23 0",
                                               "11 12 23 0", "12 0",        "commit"};
    EXPECT_EQ(keys.lines, expected);
}

TEST(Decoder, StreamedTransactionsLieBetweenOthers) {
    const Transaction t1 = test_transaction(1);
    const Transaction t2 = test_transaction(2);
    FrameBuilder builder;
    builder.hello().stream_start(t2.xid).relation(test_relation()).stream_subxact(702).insert(16384, {"1", "a"});
    builder.stream_subxact(703).insert(16384, {"2", "b"}).stream_stop();
    builder.begin(t1).insert(16384, {"3", "c"}).commit(t1, 1);
    builder.stream_abort(t2.xid, 703).stream_commit(t2).stream_start(703, true).stream_stop();
    Script script;
    const auto decoded = Decoder().decode(builder.frame(), script);
    ASSERT_TRUE(decoded) << decoded.error().text();
    const std::vector<std::string> expected = {"stream 702",
                                               "stream 702/702 insert public.t new 1 a",
                                               "stream 702/703 insert public.t new 2 b",
                                               "begin 701 ",
                                               "insert public.t new 3 c",
                                               "commit",
                                               "stream abort 702/703",
                                               "stream commit 702",
                                               "stream 703 committed"};
    EXPECT_EQ(script.lines, expected);
}

TEST(Decoder, StreamOutOfPlaceIsRefused) {
    const Transaction t1 = test_transaction(1);
    const auto message = [](const std::string &frame) { return error_of(frame).message; };
    EXPECT_NE(message(FrameBuilder().hello().stream_start(0).frame()).find("without a transaction"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().stream_start(5).stream_start(6).frame()).find("inside"),
              std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().stream_start(5).begin(t1).frame()).find("inside"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().stream_stop().frame()).find("without its start"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().stream_subxact(5).frame()).find("out of place"), std::string::npos);
    EXPECT_NE(message(FrameBuilder().hello().begin(t1).stream_abort(5, 5).frame()).find("out of place"),
              std::string::npos);
    EXPECT_NE(
        message(FrameBuilder().hello().stream_start(5).relation(test_relation()).insert(16384, {"1", "a"}).frame())
            .find("outside a transaction"),
        std::string::npos);
}

TEST(Decoder, LostOrRepeatedFrameIsRefused) {
    FrameBuilder builder;
    Decoder decoder;
    Script script;
    const std::string first = builder.hello().frame();
    const std::string second = builder.begin(test_transaction(1)).frame();
    ASSERT_TRUE(decoder.decode(first, script));
    EXPECT_FALSE(decoder.decode(first, script));
    EXPECT_FALSE(Decoder().decode(second, script));
}

TEST(Decoder, UnchangedValueOnlyInTheNewRowOfAnUpdate) {
    std::string body;
    append_integer<std::uint32_t>(body, 16384);
    const Transaction t = test_transaction(1);
    FrameBuilder builder;
    builder.hello().begin(t).relation(test_relation()).message(WF_MSG_INSERT, body + with_unchanged("1"));
    EXPECT_NE(error_of(builder.frame()).message.find("negative length"), std::string::npos);
}

// decode(encode(rows)) == rows, for any bytes in any number of rows.
RC_GTEST_PROP(DecoderProperty, RowsComeBack, (const std::vector<std::pair<std::string, std::string>> &rows)) {
    FrameBuilder builder;
    Decoder decoder;
    Script script;
    builder.hello().begin(test_transaction(1)).relation(test_relation());
    std::vector<std::string> expected = {"begin 701 "};
    for (const auto &[id, note] : rows) {
        builder.insert(16384, {id, note});
        expected.push_back("insert public.t new " + id + " " + note);
    }
    builder.commit(test_transaction(1), rows.size());
    expected.emplace_back("commit");
    RC_ASSERT(decoder.decode(builder.frame(), script).has_value());
    RC_ASSERT(script.lines == expected);
}

// A changed byte never makes it read outside the frame (the sanitizer build watches) nor yield inconsistent changes.
RC_GTEST_PROP(DecoderProperty, AnyByteMayChange, ()) {
    std::string frame = sample_frame();
    const auto at = *rc::gen::inRange<std::size_t>(0, frame.size());
    frame[at] = *rc::gen::arbitrary<char>();
    Decoder decoder;
    Script script;
    (void)decoder.decode(frame, script).has_value();
}

}  // namespace
}  // namespace walferry
