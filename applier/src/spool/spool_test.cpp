// Goal: what is read back is what was added, without what was aborted, whatever its size.
// SPDX-License-Identifier: PostgreSQL
#include "spool/spool.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "decode/frame_builder.h"

namespace walferry {
namespace {

std::unique_ptr<Spool> make_spool() {
    auto spool = Spool::create("/tmp");
    EXPECT_TRUE(spool) << spool.error().text();
    return std::move(*spool);
}

Change insert_of(const Relation &relation, const std::string &tuple) {
    Change change;
    change.relation = &relation;
    change.new_tuple = Tuple(tuple);
    change.keys.identity = change.keys.new_identity = tuple.size();
    return change;
}

std::vector<std::string> read_all(Spool &spool) {
    std::vector<std::string> rows;
    while (true) {
        const auto records = spool.read();
        EXPECT_TRUE(records) << records.error().text();
        if (records->empty()) return rows;
        Spool::decode(*records, [&](const Change &change) { rows.emplace_back(change.new_tuple.bytes()); });
    }
}

TEST(Spool, EveryFieldComesBack) {
    const Relation a = test_relation(1);
    const Relation b = test_relation(2);
    auto spool = make_spool();
    Change update;
    update.kind = ChangeKind::update;
    update.old_kind = OldTuple::key;
    update.relation = &a;
    update.old_tuple = Tuple("old");
    update.new_tuple = Tuple("new", true);
    update.keys = {3, 4, "12345678"};
    ASSERT_TRUE(spool->add(1, update));
    Change truncate;
    truncate.kind = ChangeKind::truncate;
    truncate.relation = &b;
    truncate.truncate = std::make_shared<Truncate>(Truncate{true, false, true, {&b, &a}});
    ASSERT_TRUE(spool->add(1, truncate));

    const auto records = spool->read();
    ASSERT_TRUE(records);
    std::vector<Change> changes;
    Spool::decode(*records, [&](Change change) { changes.push_back(std::move(change)); });
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].kind, ChangeKind::update);
    EXPECT_EQ(changes[0].old_kind, OldTuple::key);
    EXPECT_EQ(changes[0].relation, &a);
    EXPECT_EQ(changes[0].old_tuple.bytes(), "old");
    EXPECT_EQ(changes[0].new_tuple.bytes(), "new");
    EXPECT_TRUE(changes[0].new_tuple.lacks_values());
    EXPECT_EQ(changes[0].keys.identity, 3U);
    EXPECT_EQ(changes[0].keys.new_identity, 4U);
    EXPECT_EQ(changes[0].keys.unique, "12345678");
    ASSERT_TRUE(changes[1].truncate);
    EXPECT_TRUE(changes[1].truncate->cascade);
    EXPECT_FALSE(changes[1].truncate->restart_identity);
    EXPECT_EQ(changes[1].truncate->relations, (std::vector{&b, &a}));
}

TEST(Spool, RowLargerThanARead) {
    const Relation relation = test_relation();
    auto spool = make_spool();
    const std::string big(3 << 20, 'x');
    ASSERT_TRUE(spool->add(1, insert_of(relation, "a")));
    ASSERT_TRUE(spool->add(1, insert_of(relation, big)));
    ASSERT_TRUE(spool->add(1, insert_of(relation, "b")));
    EXPECT_EQ(read_all(*spool), (std::vector<std::string>{"a", big, "b"}));
}

TEST(Spool, FolderThatIsNone) {
    const auto spool = Spool::create("/nonexistent");
    ASSERT_FALSE(spool);
    EXPECT_EQ(spool.error().kind, ErrorKind::state);
}

// Nested subtransactions that begin, end and abort as PostgreSQL's do: the model keeps what must be left.
RC_GTEST_PROP(SpoolProperty, AbortsTakeTheirOwn, ()) {
    const Relation relation = test_relation();
    auto spool = make_spool();
    struct Row {
        std::string bytes;
        std::uint32_t subxid;
    };
    std::vector<Row> model;
    std::vector<std::vector<std::uint32_t>> open = {{1}};  // subtransactions: own number, then those merged into it
    std::uint32_t next = 2;
    for (int i = 0; i < 300; ++i) {
        switch (*rc::gen::inRange(0, 6)) {
            case 0:
                open.push_back({next++});
                break;
            case 1:
                if (open.size() > 1) {  // released: part of its parent from now on
                    const auto merged = open.back();
                    open.pop_back();
                    open.back().insert(open.back().end(), merged.begin(), merged.end());
                }
                break;
            case 2:
                if (open.size() > 1) {  // rolled back, with all that was merged into it
                    for (const auto subxid : open.back()) {
                        RC_ASSERT(spool->abort(subxid).has_value());
                        std::erase_if(model, [&](const Row &row) { return row.subxid == subxid; });
                    }
                    open.pop_back();
                }
                break;
            default: {
                const auto size = *rc::gen::weightedOneOf<std::size_t>(
                    {{10, rc::gen::inRange<std::size_t>(1, 100)}, {1, rc::gen::inRange<std::size_t>(1, 200'000)}});
                model.push_back({std::string(size, static_cast<char>('a' + i % 26)), open.back().front()});
                RC_ASSERT(spool->add(open.back().front(), insert_of(relation, model.back().bytes)).has_value());
            }
        }
    }
    std::vector<std::string> expected;
    for (const Row &row : model) expected.push_back(row.bytes);
    RC_ASSERT(read_all(*spool) == expected);
}

}  // namespace
}  // namespace walferry
