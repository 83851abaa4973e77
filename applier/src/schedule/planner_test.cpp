// Goal: whatever the frames' and groups' borders are, the groups hold every transaction and change once, in source
// order, whole or in pieces; what was applied before, or came with a copy, is left out.
// Method: the planner is stepped by hand between two rings; a model keeps what must come out.
//
// SPDX-License-Identifier: PostgreSQL
#include "schedule/planner.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "decode/frame_builder.h"
#include "wire.h"

namespace walferry {
namespace {

constexpr std::uint32_t t = 16384;
constexpr GroupLimits limits{4096, std::size_t{1} << 20};

class Bench {
public:
    explicit Bench(const std::vector<TableState> &tables = {}, Lsn applied_lsn = {})
        : handover_(*Handover::from(tables, {}, SpoolOptions{"/tmp", std::uint64_t{1} << 30})),
          planner_(std::make_unique<Planner>(frames_, std::vector{&groups_}, &ahead_, turnstile_, bell_, *handover_,
                                             applied_lsn, limits, SpoolOptions{"/tmp", std::uint64_t{1} << 30}, budget_,
                                             throttle_, heartbeat_)) {}
    ~Bench() { taken_.clear(); }

    // Give the planner one frame and let it work.
    void give(const std::string &bytes) {
        pq::CopyData message{std::unique_ptr<char, pq::FreeCopyData>(static_cast<char *>(std::malloc(bytes.size()))),
                             bytes.size()};
        std::copy(bytes.begin(), bytes.end(), message.data.get());
        auto frame = std::make_unique<Frame>(std::move(message), 0, budget_);
        ASSERT_TRUE(frames_.try_push(frame));
        const auto worked = planner_->step(stop_);
        ASSERT_TRUE(worked) << worked.error().text();
    }

    void step() { ASSERT_TRUE(planner_->step(stop_)); }
    Heartbeat &heartbeat() { return heartbeat_; }
    Handover &handover() { return *handover_; }

    // Take what has come out, and commit it. As text: "[701: 1 2 | 702: 3]" for whole transactions, "[701: 1 2 ..." for a piece.
    // A piece ahead of its commit: "2<701: 1 2", if it has to come after group 2.
    std::string take() { return take(groups_); }
    std::string take_ahead() { return take(ahead_); }

    const Group &last() const { return *taken_.back(); }
    std::size_t ddl_pieces() const {
        return static_cast<std::size_t>(
            std::count_if(taken_.begin(), taken_.end(), [](const auto &group) { return group->ddl != nullptr; }));
    }
    std::size_t bytes_in_use() const { return budget_.in_use(); }
    void forget() { taken_.clear(); }
    void forget_all_but_last() { taken_.erase(taken_.begin(), taken_.end() - 1); }

private:
    std::string take(Ring<Group> &groups) {
        std::string out;
        while (auto group = groups.try_pop()) {
            if (group->ahead()) out += std::to_string(group->after) + "<";
            out += group->first_piece ? "[" : "...";
            for (std::size_t i = 0; i < group->transactions.size(); ++i) {
                if (i > 0) out += " | ";
                out += std::to_string(group->transactions[i].transaction.xid) + ":";
                for (std::size_t at = group->transactions[i].first_change; at < group->end_of(i); ++at) {
                    std::vector<Value> values;
                    group->changes[at].change.new_tuple.split(values);
                    out += " ";
                    if (!values.empty()) out.append(values[0].data, static_cast<std::size_t>(values[0].length));
                }
            }
            out += group->last_piece ? "]" : "...";
            if (group->last_piece) turnstile_.pass(group->number);
            taken_.push_back(std::move(group));
        }
        return out;
    }

    StopFlag stop_;
    Throttle throttle_;
    Heartbeat heartbeat_;
    Doorbell receiver_bell_, bell_, worker_bell_;
    Turnstile turnstile_{bell_, Lsn{}};
    ByteBudget budget_{std::size_t{1} << 30};
    Ring<Frame> frames_{1024, receiver_bell_, bell_};
    std::unique_ptr<Handover> handover_;
    std::unique_ptr<Planner> planner_;
    Ring<Group> groups_{1024, bell_, worker_bell_};
    Ring<Group> ahead_{1024, bell_, worker_bell_};
    std::vector<std::unique_ptr<Group>> taken_;
};

TEST(Planner, LiveTransactionGoesAtOnce) {
    Bench bench;
    FrameBuilder builder;
    bench.give(builder.hello()
                   .begin(test_transaction(1))
                   .relation(test_relation())
                   .insert(t, {"1", "a"})
                   .commit(test_transaction(1), 1)
                   .frame());
    EXPECT_EQ(bench.take(), "[701: 1]");
    bench.forget();
    EXPECT_EQ(bench.bytes_in_use(), 0U);
}

TEST(Planner, HeartbeatComesThroughWhenWhatCameBeforeIsCommitted) {
    Bench bench;
    FrameBuilder builder;
    bench.give(builder.hello().heartbeat(Lsn{1}, bench.heartbeat().send(Heartbeat::Clock::now())).frame());
    EXPECT_FALSE(bench.heartbeat().under_way()) << "there was nothing before it";
    bench.give(builder.begin(test_transaction(1))
                   .relation(test_relation())
                   .insert(t, {"1", "a"})
                   .commit(test_transaction(1), 1)
                   .heartbeat(Lsn{2}, "heartbeat 7")  // somebody else's
                   .heartbeat(Lsn{2}, bench.heartbeat().send(Heartbeat::Clock::now()))
                   .begin(test_transaction(2))
                   .insert(t, {"2", "a"})
                   .frame());
    EXPECT_TRUE(bench.heartbeat().under_way());
    EXPECT_EQ(bench.take(), "[701: 1]");
    bench.step();
    EXPECT_FALSE(bench.heartbeat().under_way());
}

TEST(Planner, WaitingTransactionsGoTogether) {
    Bench bench;
    FrameBuilder builder;
    bench.give(builder.hello()
                   .begin(test_transaction(1))
                   .relation(test_relation())
                   .insert(t, {"1", "a"})
                   .commit(test_transaction(1), 1)
                   .frame());
    for (std::uint64_t i = 2; i < 5; ++i) {  // the worker has not taken the first one yet
        bench.give(builder.begin(test_transaction(i))
                       .insert(t, {std::to_string(i), "a"})
                       .commit(test_transaction(i), 1)
                       .frame());
    }
    EXPECT_EQ(bench.take(), "[701: 1]");
    bench.step();
    EXPECT_EQ(bench.take(), "[702: 2 | 703: 3 | 704: 4]");
}

TEST(Planner, OpenTransactionStaysBehind) {
    Bench bench;
    FrameBuilder builder;
    bench.give(builder.hello()
                   .begin(test_transaction(1))
                   .relation(test_relation())
                   .insert(t, {"1", "a"})
                   .commit(test_transaction(1), 1)
                   .begin(test_transaction(2))
                   .insert(t, {"2", "a"})
                   .frame());
    EXPECT_EQ(bench.take(), "[701: 1]");
    bench.give(builder.insert(t, {"3", "a"}).commit(test_transaction(2), 2).frame());
    EXPECT_EQ(bench.take(), "[702: 2 3]");
}

// Before it all that is complete, then what its transaction did so far; behind it the next ones, which wait for it.
TEST(Planner, DdlIsAPieceOfItsOwn) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().begin(test_transaction(1)).relation(test_relation()).insert(t, {"1", "a"});
    builder.commit(test_transaction(1), 1);
    builder.begin(test_transaction(2)).insert(t, {"2", "a"}).relation(test_ddl_log());
    builder.insert(16400, test_ddl_row({.id = 5})).insert(t, {"3", "a"}).commit(test_transaction(2), 3);
    builder.begin(test_transaction(3)).insert(t, {"4", "a"}).commit(test_transaction(3), 1);
    bench.give(builder.frame());
    const std::string id("\0\0\0\0\0\0\0\5", 8);
    EXPECT_EQ(bench.take(), "[701: 1][702: 2......702: " + id + "......702: 3]");
    EXPECT_EQ(bench.ddl_pieces(), 1U);
    bench.step();
    EXPECT_EQ(bench.take(), "[703: 4]");
    EXPECT_EQ(bench.last().ddl_before, 2U);
}

// The destination's own script makes them.
TEST(Planner, RowsOfAnExtensionsScriptAreLeftOut) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().begin(test_transaction(1)).relation(test_relation()).relation(test_ddl_log());
    builder.insert(t, {"1", "a"}).insert(16400, test_ddl_row({.flags = WF_DDL_MUTE})).insert(t, {"2", "a"});
    builder.insert(16400, test_ddl_row({.flags = WF_DDL_UNMUTE})).insert(t, {"3", "a"});
    builder.commit(test_transaction(1), 5);
    // Had it not ended: with its transaction it does.
    builder.begin(test_transaction(2))
        .insert(16400, test_ddl_row({.flags = WF_DDL_MUTE}))
        .commit(test_transaction(2), 1);
    builder.begin(test_transaction(3)).insert(t, {"4", "a"}).commit(test_transaction(3), 1);
    bench.give(builder.frame());
    EXPECT_EQ(bench.take(), "[701: 1 3 | 702: | 703: 4]");
    EXPECT_EQ(bench.ddl_pieces(), 0U);
}

TEST(Planner, BigTransactionGoesInPieces) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().begin(test_transaction(1)).relation(test_relation());
    const std::size_t rows = limits.changes * 2 + 10;
    for (std::size_t i = 0; i < rows; ++i) builder.insert(t, {"x", "a"});
    bench.give(builder.commit(test_transaction(1), rows)
                   .begin(test_transaction(2))
                   .insert(t, {"y", "a"})
                   .commit(test_transaction(2), 1)
                   .frame());
    const std::string out = bench.take();
    EXPECT_EQ(out.substr(0, 7), "[701: x");
    EXPECT_NE(out.find("......701: x"), std::string::npos);
    EXPECT_EQ(std::count(out.begin(), out.end(), '['), 1);
    bench.step();
    EXPECT_EQ(bench.take(), "[702: y]");
}

TEST(Planner, WhatWasAppliedBeforeIsLeftOut) {
    Bench bench({}, test_transaction(2).end_lsn);
    FrameBuilder builder;
    builder.hello().relation(test_relation());
    for (std::uint64_t i = 1; i < 4; ++i) {
        builder.begin(test_transaction(i)).insert(t, {std::to_string(i), "a"}).commit(test_transaction(i), 1);
    }
    bench.give(builder.frame());
    EXPECT_EQ(bench.take(), "[703: 3]");
}

TEST(Planner, WhatTheCopyBroughtIsLeftOut) {
    TableState copied;
    copied.relid = t;
    copied.state = "ready";
    copied.snapshot = "702:704:702";  // sees 701 and 703, not 702 and 704
    copied.copy_lsn = Lsn{0xFFFFFF};
    Bench bench({copied});
    FrameBuilder builder;
    Relation other = test_relation(t + 1);
    builder.hello().relation(test_relation()).relation(other);
    for (std::uint64_t i = 1; i < 5; ++i) {
        builder.begin(test_transaction(i))
            .insert(t, {std::to_string(i), "a"})
            .insert(t + 1, {"o", "a"})
            .truncate(0, {t})
            .commit(test_transaction(i), 3);
    }
    bench.give(builder.frame());
    // A truncate shows as an empty item; of the table that was copied it is left out with the rows.
    EXPECT_EQ(bench.take(), "[701: o | 702: 2 o  | 703: o | 704: 4 o ]");
}

// What a group holds on to is whole frames, although most of what is in them may be left out: the receiver would run out of
// its budget while the planner waits for more.
TEST(Planner, FramesCountWhateverIsTakenFromThem) {
    TableState copied;
    copied.relid = t;
    copied.state = "ready";
    copied.snapshot = "900:900:";
    copied.copy_lsn = Lsn{0xFFFFFF};
    Bench bench({copied});
    FrameBuilder builder;
    builder.hello().relation(test_relation()).relation(test_relation(t + 1)).begin(test_transaction(1));
    for (int i = 0; i < 40; ++i) {
        builder.insert(t, {"x", std::string(64 * 1024, 'x')}).insert(t + 1, {"o", "a"});
        bench.give(builder.frame());
        (void)bench.take();
        bench.forget();
    }
    EXPECT_LT(bench.bytes_in_use(), limits.bytes + 2 * 64 * 1024);
}

// The receiver takes "no bytes in use" for "all applied": a commit that comes alone, behind its changes, must count too.
TEST(Planner, CommitAloneIsStillUnderWay) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().begin(test_transaction(1)).relation(test_relation());
    for (std::size_t i = 0; i < limits.changes; ++i) builder.insert(t, {"x", "a"});
    bench.give(builder.commit(test_transaction(1), limits.changes).frame());
    (void)bench.take();
    bench.forget_all_but_last();
    EXPECT_GT(bench.bytes_in_use(), 0U);
    bench.forget();
    EXPECT_EQ(bench.bytes_in_use(), 0U);
}

FrameBuilder &stream_chunk(FrameBuilder &builder, const Transaction &transaction, bool committed,
                           const std::string &id) {
    return builder.stream_start(transaction.xid, committed)
        .stream_subxact(static_cast<std::uint32_t>(transaction.xid))
        .insert(t, {id, "a"})
        .stream_stop();
}

TEST(Planner, StreamedTransactionWaitsForItsCommit) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().relation(test_relation());
    bench.give(stream_chunk(builder, test_transaction(2), false, "2").frame());
    bench.give(builder.begin(test_transaction(1)).insert(t, {"1", "a"}).commit(test_transaction(1), 1).frame());
    // Its commit comes too late to apply it ahead: it has been spooled.
    bench.give(stream_chunk(builder, test_transaction(2), true, "3").frame());
    EXPECT_EQ(bench.take(), "[701: 1]");
    EXPECT_EQ(bench.take_ahead(), "");
    bench.give(builder.stream_commit(test_transaction(2)).frame());
    EXPECT_EQ(bench.take(), "[702: 2 3]");
    bench.forget();
    EXPECT_EQ(bench.bytes_in_use(), 0U);
}

TEST(Planner, CommittedTransactionIsAppliedAheadAndKeepsItsPlace) {
    Bench bench;
    FrameBuilder builder;
    builder.hello().relation(test_relation());
    const auto transaction = [&](std::uint64_t n) -> FrameBuilder & {
        return builder.begin(test_transaction(n)).insert(t, {std::to_string(n), "a"}).commit(test_transaction(n), 1);
    };
    bench.give(transaction(1).frame());
    builder.stream_start(test_transaction(3).xid, true).stream_subxact(703);
    for (std::size_t i = 0; i < limits.changes; ++i) builder.insert(t, {"x", "a"});
    bench.give(builder.stream_stop().frame());
    EXPECT_EQ(bench.take(), "[701: 1]");
    EXPECT_EQ(bench.take_ahead().substr(0, 9), "1<[703: x");
    bench.give(transaction(2).frame());
    bench.give(stream_chunk(builder, test_transaction(3), true, "3").frame());
    bench.give(builder.stream_commit(test_transaction(3)).frame());
    bench.give(transaction(4).frame());
    EXPECT_EQ(bench.take(), "[702: 2]");
    EXPECT_EQ(bench.take_ahead(), "...703: 3]");
    bench.step();
    EXPECT_EQ(bench.take(), "[704: 4]");
    bench.forget();
    EXPECT_EQ(bench.bytes_in_use(), 0U);
}

// Which of its changes the copy has brought can't be told before its commit's place is known.
TEST(Planner, NothingIsAppliedAheadWhileTablesDisagree) {
    TableState copied;
    copied.relid = t + 1;
    copied.state = "ready";
    copied.snapshot = "900:900:";
    copied.copy_lsn = test_transaction(2).commit_lsn;
    Bench bench({copied});
    FrameBuilder builder;
    builder.hello().relation(test_relation());
    bench.give(builder.begin(test_transaction(1)).insert(t, {"1", "a"}).commit(test_transaction(1), 1).frame());
    bench.give(stream_chunk(builder, test_transaction(3), true, "3").frame());
    bench.give(builder.stream_commit(test_transaction(3)).frame());
    EXPECT_EQ(bench.take_ahead(), "");
    EXPECT_EQ(bench.take(), "[701: 1]");
    bench.step();
    EXPECT_EQ(bench.take(), "[703: 3]");
    bench.give(stream_chunk(builder, test_transaction(4), true, "4").frame());
    bench.give(builder.stream_commit(test_transaction(4)).frame());
    EXPECT_EQ(bench.take_ahead(), "[704: 4]");
}

// They go on, to be decided about at their turn; a truncate of two tables in two parts.
TEST(Planner, OfTableThatIsNotCopiedUndecided) {
    TableState pending;
    pending.relid = t;
    pending.state = "pending";
    Bench bench({pending});
    FrameBuilder builder;
    builder.hello().relation(test_relation()).relation(test_relation(t + 1));
    builder.begin(test_transaction(1)).insert(t, {"1", "a"}).insert(t + 1, {"o", "a"}).truncate(0, {t, t + 1});
    bench.give(builder.commit(test_transaction(1), 3).frame());
    EXPECT_EQ(bench.take(), "[701: 1 o  ]");
    const Group &group = bench.last();
    EXPECT_TRUE(group.undecided);
    EXPECT_TRUE(group.changes[0].undecided);
    EXPECT_FALSE(group.changes[1].undecided);
    ASSERT_EQ(group.changes[2].change.truncate->relations.size(), 1U);
    EXPECT_EQ(group.changes[2].change.truncate->relations[0]->relid, t + 1);
    EXPECT_TRUE(group.changes[2].change.truncate->partial);
    EXPECT_TRUE(group.changes[3].undecided);
    bench.give(builder.begin(test_transaction(2)).insert(t + 1, {"p", "a"}).commit(test_transaction(2), 1).frame());
    EXPECT_EQ(bench.take(), "[702: p]");
    EXPECT_FALSE(bench.last().undecided);
}

// The copy is committed while a group is filled: what it must be decided about comes first.
TEST(Planner, BehindAnUndecidedChangeAllOfItsTableAre) {
    TableState pending;
    pending.relid = t;
    pending.state = "pending";
    Bench bench({pending});
    FrameBuilder builder;
    builder.hello().relation(test_relation()).relation(test_relation(t + 1));
    bench.give(builder.begin(test_transaction(1)).insert(t + 1, {"o", "a"}).commit(test_transaction(1), 1).frame());
    bench.give(builder.begin(test_transaction(2)).insert(t, {"1", "a"}).commit(test_transaction(2), 1).frame());
    {
        const auto claim = bench.handover().claim({t}, *Snapshot::parse("702:702:"), test_transaction(1).end_lsn);
        ASSERT_TRUE(claim);
        ASSERT_TRUE(*bench.handover().begin(*claim, StopFlag()));
        const auto hold = bench.handover().hold();
        bench.handover().finish(*claim);
    }
    builder.begin(test_transaction(3)).insert(t, {"1", "b"}).insert(t + 1, {"p", "a"}).truncate(0, {t, t + 1});
    bench.give(builder.commit(test_transaction(3), 3).frame());
    EXPECT_EQ(bench.take(), "[701: o]");
    bench.step();
    EXPECT_EQ(bench.take(), "[702: 1 | 703: 1 p  ]");
    const auto &changes = bench.last().changes;
    EXPECT_TRUE(changes[0].undecided);
    EXPECT_TRUE(changes[1].undecided);
    EXPECT_FALSE(changes[2].undecided);
    EXPECT_FALSE(changes[3].undecided);
    EXPECT_TRUE(changes[4].undecided);
    bench.give(builder.begin(test_transaction(4)).insert(t, {"2", "a"}).commit(test_transaction(4), 1).frame());
    EXPECT_EQ(bench.take(), "[704: 2]");
    EXPECT_FALSE(bench.last().undecided);
}

// Any transactions, cut into frames anywhere, taken at any time: what comes out is what went in.
RC_GTEST_PROP(PlannerProperty, NothingIsLostRepeatedOrReordered, ()) {
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::weightedOneOf<std::size_t>(
        {{10, rc::gen::inRange<std::size_t>(0, 5)}, {1, rc::gen::inRange<std::size_t>(0, 3 * limits.changes)}}));
    Bench bench;
    FrameBuilder builder;
    std::string expected;
    std::string got;
    builder.hello().relation(test_relation());
    int next = 0;
    const auto maybe_cut = [&](int odds) {
        if (*rc::gen::inRange(0, odds) != 0) return;
        bench.give(builder.frame());
        if (*rc::gen::arbitrary<bool>()) got += bench.take();
    };
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        builder.begin(test_transaction(i + 1));
        expected += std::to_string(test_transaction(i + 1).xid) + ":";
        for (std::size_t row = 0; row < sizes[i]; ++row) {
            const std::string id = std::to_string(next++);
            builder.insert(t, {id, "a"});
            expected += " " + id;
            if (row % 1000 == 0) maybe_cut(3);
        }
        builder.commit(test_transaction(i + 1), sizes[i]);
        maybe_cut(2);
    }
    bench.give(builder.frame());
    for (int i = 0; i < 3; ++i) {
        got += bench.take();
        bench.step();
    }
    // Take the marks of groups and pieces away; a piece names its transaction again.
    std::string plain;
    std::string last_xid;
    std::string word;
    for (char c : got + " ") {
        if (c == '[' || c == ']' || c == '.' || c == '|') c = ' ';
        if (c != ' ') {
            word += c;
            continue;
        }
        if (word.empty()) continue;
        if (word.back() == ':') {
            if (word != last_xid) plain += word;
            last_xid = word;
        } else {
            plain += " " + word;
        }
        word.clear();
    }
    RC_ASSERT(plain == expected);
}

}  // namespace
}  // namespace walferry
