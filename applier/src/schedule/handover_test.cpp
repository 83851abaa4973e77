// SPDX-License-Identifier: PostgreSQL
#include "schedule/handover.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace walferry {
namespace {

constexpr std::uint32_t t = 16384;

TableState pending(std::uint32_t relid) {
    TableState state;
    state.relid = relid;
    state.state = "pending";
    return state;
}

TableState ready(std::uint32_t relid, const std::string &snapshot, Lsn copy_lsn) {
    TableState state;
    state.relid = relid;
    state.state = "ready";
    state.snapshot = snapshot;
    state.copy_lsn = copy_lsn;
    return state;
}

std::unique_ptr<Handover> handover_of(const std::vector<TableState> &tables, std::uint64_t spool_bytes = 1 << 30) {
    return *Handover::from(tables, {}, {"/tmp", spool_bytes});
}

Lsn commit_lsn(std::uint64_t xid) { return Lsn{xid * 0x100}; }

Transaction transaction(std::uint64_t xid) {
    Transaction out;
    out.xid = xid;
    out.commit_lsn = commit_lsn(xid);
    out.end_lsn = Lsn{xid * 0x100 + 0x80};
    return out;
}

Snapshot snapshot(const char *text) { return *Snapshot::parse(text); }

// A group of transactions with one undecided insert each.
class Undecided {
public:
    explicit Undecided(const std::vector<std::uint64_t> &xids) {
        relation_.relid = t;
        for (const auto xid : xids) {
            group_.transactions.push_back({transaction(xid), group_.changes.size()});
            Change change;
            change.relation = &relation_;
            group_.changes.push_back({std::move(change), true, true});
        }
        group_.undecided = true;
    }
    Group &group() { return group_; }

private:
    Relation relation_;
    Group group_;
};

class HandoverTest : public ::testing::Test {
protected:
    // How many are to be applied.
    std::size_t late(Handover &handover, const std::vector<std::uint64_t> &xids) {
        Undecided undecided(xids);
        const auto decision = handover.decide(undecided.group(), stop_);
        return decision->late.size();
    }
    static std::size_t kept(Handover &handover, Handover::Claim &claim) {
        std::unique_ptr<Spool> spool;
        {
            const auto hold = handover.hold();
            spool = handover.take(claim);
        }
        std::size_t changes = 0;
        while (spool) {
            const auto records = *spool->read();
            if (records.empty()) break;
            Spool::decode(records, [&](const Change &) { ++changes; });
        }
        return changes;
    }
    static void finish(Handover &handover, Handover::Claim &claim) {
        const auto hold = handover.hold();
        handover.finish(claim);
    }

    StopFlag stop_;
};

TEST_F(HandoverTest, FateOfWhatIsCopied) {
    const auto handover = handover_of({ready(t, "800:800:", commit_lsn(800)), pending(t + 2)});
    EXPECT_EQ(handover->fate(t, transaction(799)), Handover::Fate::leave_out);
    EXPECT_EQ(handover->fate(t, transaction(800)), Handover::Fate::apply);  // commits behind the snapshot
    EXPECT_EQ(handover->fate(t + 1, transaction(799)), Handover::Fate::apply);
    EXPECT_EQ(handover->fate(t + 2, transaction(900)), Handover::Fate::undecided);
    EXPECT_FALSE(handover->agrees(commit_lsn(1000)));
    EXPECT_EQ(handover->pending(), std::vector<std::uint32_t>{t + 2});
}

TEST_F(HandoverTest, AgreesBehindTheLastCopy) {
    const auto handover = handover_of({ready(t, "800:800:", commit_lsn(800))});
    EXPECT_FALSE(handover->agrees(commit_lsn(799)));
    EXPECT_TRUE(handover->agrees(commit_lsn(800)));
}

TEST_F(HandoverTest, BadSnapshotIsAnError) {
    EXPECT_FALSE(Handover::from(std::vector{ready(t, "x", Lsn{1})}, {}, {"/tmp", 1}));
    EXPECT_FALSE(Handover::from({}, {"x", Lsn{1}}, {"/tmp", 1}));
}

TEST_F(HandoverTest, DdlThatTheSchemaHas) {
    const auto handover = *Handover::from({}, {"800:802:801", commit_lsn(810)}, {"/tmp", 1});
    EXPECT_TRUE(handover->in_schema(transaction(799)));
    EXPECT_FALSE(handover->in_schema(transaction(801)));
    EXPECT_FALSE(handover->in_schema(transaction(810)));
}

// Not in the list, so it was gone when the schema was read; or was created later.
TEST_F(HandoverTest, FateOfATableThatTheSchemaLacks) {
    const SchemaState schema{"800:802:801", commit_lsn(810)};
    const auto handover = *Handover::from(std::vector<TableState>{}, schema, {"/tmp", 1});
    EXPECT_EQ(handover->fate(t, transaction(799)), Handover::Fate::leave_out);
    EXPECT_EQ(handover->fate(t, transaction(801)), Handover::Fate::apply);
    EXPECT_EQ(handover->fate(t, transaction(810)), Handover::Fate::apply);
    const auto without_copies = *Handover::from({}, schema, {"/tmp", 1});
    EXPECT_EQ(without_copies->fate(t, transaction(799)), Handover::Fate::apply);
}

TEST_F(HandoverTest, KeepsWhatTheSnapshotDoesNotSee) {
    const auto handover = handover_of({pending(t)});
    EXPECT_EQ(late(*handover, {700, 701}), 0U);
    const auto claim = handover->claim({t}, snapshot("702:704:702"), commit_lsn(710));
    ASSERT_TRUE(claim);
    EXPECT_EQ(late(*handover, {702, 703}), 0U);  // 703 is in the copy
    ASSERT_TRUE(*handover->begin(*claim, stop_));
    EXPECT_EQ(late(*handover, {704, 705}), 0U);
    EXPECT_EQ(kept(*handover, *claim), 3U);
    EXPECT_EQ(late(*handover, {706}), 0U);
    EXPECT_EQ(kept(*handover, *claim), 1U);
    EXPECT_FALSE(handover->complete());
    finish(*handover, *claim);
    EXPECT_TRUE(handover->complete());
    EXPECT_EQ(handover->last_copy_lsn(), commit_lsn(710));
    // What was planned before.
    EXPECT_EQ(late(*handover, {703}), 0U);
    EXPECT_EQ(late(*handover, {707}), 1U);
    EXPECT_EQ(handover->fate(t, transaction(707)), Handover::Fate::apply);
}

// A transaction in the stream that isn't visible yet, as it waits for a standby.
TEST_F(HandoverTest, SnapshotMustSeeWhatWasLeftOut) {
    const auto handover = handover_of({pending(t)});
    EXPECT_EQ(late(*handover, {700}), 0U);
    EXPECT_FALSE(handover->claim({t}, snapshot("700:701:700"), Lsn{1}));
    EXPECT_TRUE(handover->claim({t}, snapshot("701:701:"), Lsn{1}));
}

TEST_F(HandoverTest, WhatWasKeptInVainWasLeftOut) {
    const auto handover = handover_of({pending(t)});
    const auto claim = handover->claim({t}, snapshot("700:701:700"), Lsn{1});
    EXPECT_EQ(late(*handover, {700}), 0U);
    handover->release(*claim);
    EXPECT_EQ(handover->pending(), std::vector<std::uint32_t>{t});
    EXPECT_FALSE(handover->claim({t}, snapshot("700:702:700"), Lsn{1}));
    handover->forget_before(701);
    EXPECT_TRUE(handover->claim({t}, snapshot("701:702:"), Lsn{1}));
}

TEST_F(HandoverTest, SuspectsMustBeSeenOrMet) {
    const auto handover = handover_of({pending(t)});
    handover->suspect(snapshot("700:703:700,702"));
    EXPECT_FALSE(handover->claim({t}, snapshot("700:704:700"), Lsn{1}));  // sees 702 alone
    handover->meet(700);
    EXPECT_TRUE(handover->claim({t}, snapshot("700:704:700"), Lsn{1}));
}

TEST_F(HandoverTest, PieceTakesTheClaimAway) {
    const auto handover = handover_of({pending(t)});
    const auto claim = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    Undecided piece({700});
    piece.group().last_piece = false;
    EXPECT_TRUE(handover->decide(piece.group(), stop_)->late.empty());
    EXPECT_FALSE(*handover->begin(*claim, stop_));
    EXPECT_EQ(handover->pending(), std::vector<std::uint32_t>{t});
    EXPECT_FALSE(handover->claim({t}, snapshot("700:701:700"), Lsn{1}));
}

TEST_F(HandoverTest, PieceWaitsForTheCopy) {
    const auto handover = handover_of({pending(t)});
    const auto claim = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    ASSERT_TRUE(*handover->begin(*claim, stop_));
    Undecided piece({700});
    piece.group().first_piece = false;
    std::size_t later = 0;
    std::jthread worker([&] { later = handover->decide(piece.group(), stop_)->late.size(); });
    finish(*handover, *claim);
    worker.join();
    EXPECT_EQ(later, 1U);
}

TEST_F(HandoverTest, CopyWaitsForTheCommit) {
    const auto handover = handover_of({pending(t)});
    const auto claim = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    ASSERT_TRUE(*handover->begin(*claim, stop_));
    Undecided undecided({700});
    std::atomic<bool> committed{false};
    std::optional<Handover::Decision> decision = std::move(*handover->decide(undecided.group(), stop_));
    ASSERT_TRUE(decision->hold.owns_lock());
    std::jthread copy([&] {
        const auto hold = handover->hold();
        EXPECT_TRUE(committed);
    });
    committed = true;
    decision.reset();
}

TEST_F(HandoverTest, NoRoomForMore) {
    const auto handover = handover_of({pending(t), pending(t + 1)}, 1);
    const auto copied = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    const auto claimed = handover->claim({t + 1}, snapshot("700:700:"), Lsn{1});
    ASSERT_TRUE(*handover->begin(*copied, stop_));
    EXPECT_EQ(late(*handover, {700}), 0U);
    std::size_t later = 0;
    std::jthread worker([&] { later = late(*handover, {701}); });
    // The one that may be waiting for the stream goes; the other one makes room.
    while (handover->pending().empty()) std::this_thread::yield();
    EXPECT_FALSE(*handover->begin(*claimed, stop_));
    finish(*handover, *copied);
    worker.join();
    EXPECT_EQ(later, 1U);
}

TEST_F(HandoverTest, NoneBeginsWhileSomebodyKeepsThemOut) {
    const auto handover = handover_of({pending(t), pending(t + 1)});
    const auto first = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    const auto second = handover->claim({t + 1}, snapshot("700:700:"), Lsn{1});
    ASSERT_TRUE(*handover->begin(*first, stop_));
    std::jthread ddl([&] {
        const auto keep_out = handover->wait_for_copies(stop_);
        EXPECT_FALSE(handover->copying());
    });
    finish(*handover, *first);
    ddl.join();
    EXPECT_FALSE(*handover->begin(*second, stop_));  // what it had looked up may have another name
}

TEST_F(HandoverTest, StopEndsAllWaiting) {
    const auto handover = handover_of({pending(t)});
    const auto claim = handover->claim({t}, snapshot("700:700:"), Lsn{1});
    ASSERT_TRUE(*handover->begin(*claim, stop_));
    stop_.request();
    EXPECT_EQ(handover->wait_for_copies(stop_).error().kind, ErrorKind::interrupted);
    Undecided piece({700});
    piece.group().first_piece = false;
    EXPECT_EQ(handover->decide(piece.group(), stop_).error().kind, ErrorKind::interrupted);
}

TEST(Snapshot, ParsesWhatPostgresqlWrites) {
    const auto parsed = Snapshot::parse("10:20:12,15");
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->sees(9));
    EXPECT_TRUE(parsed->sees(11));
    EXPECT_FALSE(parsed->sees(12));
    EXPECT_FALSE(parsed->sees(15));
    EXPECT_TRUE(parsed->sees(19));
    EXPECT_FALSE(parsed->sees(20));
    for (const char *bad : {"", "1", "1:", "a:b:", "20:10:", "1:2:x", "1:2:1,,2"})
        EXPECT_FALSE(Snapshot::parse(bad)) << bad;
}

}  // namespace
}  // namespace walferry
