// Goal: a group's net changes have the same effect as its changes, one by one; what can't be folded stays in order.
// Method: one test per rule, written as text; then any valid changes, against a model of the tables.
//
// SPDX-License-Identifier: PostgreSQL
#include "apply/fold.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "decode/frame_builder.h"

namespace walferry {
namespace {

// A TOAST value that an update left alone.
const std::string same = "~";

std::string tuple(const TestRow &row) {
    std::string out;
    append_integer(out, static_cast<std::int16_t>(row.size()));
    for (const auto &value : row) {
        const bool unchanged = value == same;
        append_integer(out, !value ? -1 : unchanged ? -2 : static_cast<std::int32_t>(value->size()));
        if (value && !unchanged) out += *value;
    }
    return out;
}

TestRow row_of(const Tuple &bytes) {
    std::vector<Value> values;
    bytes.split(values);
    TestRow row;
    for (const Value &value : values) {
        if (value.null()) {
            row.emplace_back(std::nullopt);
        } else {
            row.emplace_back(value.unchanged() ? same
                                               : std::string(value.data, static_cast<std::size_t>(value.length)));
        }
    }
    return row;
}

bool identifies(const Relation &relation, std::size_t column) {
    return relation.key_columns > 0 ? relation.columns[column].key : relation.columns[column].primary_key;
}

// The key columns of a whole row.
TestRow key_of(const Relation &relation, const TestRow &row) {
    TestRow key;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (identifies(relation, i)) key.push_back(row[i]);
    }
    return key;
}

Column column(const std::string &name) {
    Column column;
    column.name = name;
    return column;
}

// Two columns: a key and another one.
Relation with_key(std::uint32_t relid = 1) {
    Relation relation = test_relation(relid);
    relation.identity_hashed = true;
    return relation;
}

Relation full_with_primary_key(std::uint32_t relid = 1) {
    Relation relation = with_key(relid);
    relation.replica_identity = 'f';
    relation.columns[0].key = false;
    relation.key_columns = 0;
    return relation;
}

Relation full_without_key(std::uint32_t relid = 1) {
    Relation relation = full_with_primary_key(relid);
    relation.columns[0].primary_key = false;
    relation.identity_hashed = false;
    return relation;
}

// Three columns, of which the last and the first are the key.
Relation with_two_key_columns(std::uint32_t relid = 1) {
    Relation relation = with_key(relid);
    relation.columns.push_back(relation.columns[0]);
    relation.key_columns = 2;
    return relation;
}

// Writes a group's changes as the decoder yields them.
class Changes {
public:
    Change &insert(const Relation &relation, const TestRow &row) {
        Change &change = add(ChangeKind::insert, relation);
        change.new_tuple = keep(row);
        return with_hashes(change, key_of(relation, row), key_of(relation, row));
    }

    // An update that sends no old tuple.
    Change &update(const Relation &relation, const TestRow &row) {
        Change &change = add(ChangeKind::update, relation);
        change.new_tuple = keep(row);
        return with_hashes(change, key_of(relation, row), key_of(relation, row));
    }

    // One that does: the key, or the whole row, as the relation has it.
    Change &update(const Relation &relation, const TestRow &old_row, const TestRow &row) {
        Change &change = add(ChangeKind::update, relation);
        set_old(change, old_row);
        change.new_tuple = keep(row);
        TestRow whole = row;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (whole[i] == same) whole[i] = old_row[i];
        }
        return with_hashes(change, key_of(relation, old_row), key_of(relation, whole));
    }

    Change &remove(const Relation &relation, const TestRow &old_row) {
        Change &change = add(ChangeKind::remove, relation);
        set_old(change, old_row);
        return with_hashes(change, key_of(relation, old_row), {});
    }

    void truncate(const std::vector<const Relation *> &relations) {
        Change &change = add(ChangeKind::truncate, *relations.front());
        change.truncate = std::make_shared<Truncate>();
        change.truncate->relations = relations;
    }

    // The last change is.
    void held() { group_.changes.back().held = true; }

    const Group &group() const { return group_; }

private:
    Change &add(ChangeKind kind, const Relation &relation) {
        Change change;
        change.kind = kind;
        change.relation = &relation;
        group_.changes.push_back({std::move(change), false});
        return group_.changes.back().change;
    }

    Tuple keep(const TestRow &row) {
        return Tuple(bytes_.emplace_back(tuple(row)), std::find(row.begin(), row.end(), same) != row.end());
    }

    void set_old(Change &change, const TestRow &old_row) {
        const bool whole = change.relation->replica_identity == 'f';
        change.old_kind = whole ? OldTuple::row : OldTuple::key;
        change.old_tuple = keep(whole ? old_row : key_of(*change.relation, old_row));
    }

    static Change &with_hashes(Change &change, const TestRow &key, const TestRow &new_key) {
        if (!change.relation->identity_hashed) return change;
        change.keys.identity = hash(key);
        change.keys.new_identity = new_key.empty() ? 0 : hash(new_key);
        return change;
    }

    static std::uint64_t hash(const TestRow &key) { return std::hash<std::string>()(tuple(key)) | 1; }

    Group group_;
    std::deque<std::string> bytes_;
};

std::string text(const TestRow &row) {
    std::string out;
    for (const auto &value : row) out += (out.empty() ? "" : ",") + value.value_or("NULL");
    return out;
}

// "-old", "~new", "+new"; with an old tuple "~old>new".
std::string text(const Change &change) {
    switch (change.kind) {
        case ChangeKind::insert:
            return "+" + text(row_of(change.new_tuple));
        case ChangeKind::update:
            return "~" + (change.old_kind == OldTuple::none ? "" : text(row_of(change.old_tuple)) + ">") +
                   text(row_of(change.new_tuple));
        case ChangeKind::remove:
            return "-" + text(row_of(change.old_tuple));
        case ChangeKind::truncate:
            break;
    }
    return "truncate";
}

std::string text(const NetChanges &net) {
    std::string out;
    for (const auto *list : {&net.removes, &net.updates, &net.inserts}) {
        for (const Change &change : *list) out += " " + text(change);
    }
    return out;
}

// Each table as "relid: free changes | held ones", then the ordered changes.
std::string text(const FoldedGroup &folded) {
    std::string out;
    for (const FoldedTable &table : folded.tables) {
        if (!out.empty()) out += "; ";
        out += std::to_string(table.relation->relid) + ":" + text(table.free);
        if (!table.held.empty()) out += " |" + text(table.held);
    }
    if (folded.ordered.empty()) return out;
    out += out.empty() ? "ordered:" : "; ordered:";
    for (const PlannedChange *planned : folded.ordered) out += " " + text(planned->change);
    return out;
}

FoldedGroup fold(const Group &group) {
    return fold(group, [](const Relation &) { return false; });
}

class FoldTest : public testing::Test {
protected:
    std::string folded() const { return text(fold(changes_.group())); }

    Changes changes_;
    const Relation t_ = with_key();
};

TEST_F(FoldTest, ChangesOfDifferentRowsStay) {
    changes_.insert(t_, {"1", "a"});
    changes_.update(t_, {"2", "b"});
    changes_.remove(t_, {"3", "c"});
    EXPECT_EQ(folded(), "1: -3 ~2,b +1,a");
}

TEST_F(FoldTest, InsertAndUpdatesAreAnInsert) {
    changes_.insert(t_, {"1", "a"});
    changes_.update(t_, {"1", "b"});
    changes_.update(t_, {"1", "c"});
    EXPECT_EQ(folded(), "1: +1,c");
}

TEST_F(FoldTest, InsertAndDeleteAreNothing) {
    changes_.insert(t_, {"1", "a"});
    changes_.update(t_, {"1", "b"});
    changes_.remove(t_, {"1", "b"});
    EXPECT_EQ(folded(), "");
}

TEST_F(FoldTest, UpdatesAreOneToTheLastRow) {
    changes_.update(t_, {"1", "a"});
    changes_.update(t_, {"1", "b"});
    EXPECT_EQ(folded(), "1: ~1,b");
}

TEST_F(FoldTest, UpdateAndDeleteAreADelete) {
    changes_.update(t_, {"1", "a"});
    changes_.remove(t_, {"1", "a"});
    EXPECT_EQ(folded(), "1: -1");
}

TEST_F(FoldTest, DeleteAndInsertAreBoth) {
    changes_.remove(t_, {"1", "a"});
    changes_.insert(t_, {"1", "b"});
    changes_.update(t_, {"1", "c"});
    EXPECT_EQ(folded(), "1: -1 +1,c");
}

TEST_F(FoldTest, RowsMayComeAndGoManyTimes) {
    changes_.update(t_, {"1", "a"});
    for (int i = 0; i < 3; ++i) {
        changes_.remove(t_, {"1", "a"});
        changes_.insert(t_, {"1", "b"});
        changes_.insert(t_, {"2", "b"});
        changes_.remove(t_, {"2", "b"});
    }
    changes_.insert(t_, {"2", "c"});
    EXPECT_EQ(folded(), "1: -1 +1,b +2,c");
}

TEST_F(FoldTest, RowsOfDifferentTablesAreDifferent) {
    const Relation other = with_key(2);
    changes_.insert(t_, {"1", "a"});
    changes_.remove(other, {"1", "a"});
    EXPECT_EQ(folded(), "1: +1,a; 2: -1");
}

TEST_F(FoldTest, OneHeldChangeHoldsTheRow) {
    changes_.update(t_, {"1", "a"});
    changes_.held();
    changes_.update(t_, {"1", "b"});
    changes_.update(t_, {"2", "c"});
    changes_.update(t_, {"3", "d"});
    changes_.update(t_, {"3", "e"});
    changes_.held();
    EXPECT_EQ(folded(), "1: ~2,c | ~1,b ~3,e");
}

TEST_F(FoldTest, NetChangeHasTheLastOnesKeys) {
    changes_.insert(t_, {"1", "a"}).keys.unique = "old hash";
    const std::uint64_t identity = changes_.group().changes[0].change.keys.identity;
    changes_.update(t_, {"1", "b"}).keys.unique = "new hash";
    const FoldedGroup folded = fold(changes_.group());
    const ConflictKeys &keys = folded.tables.at(0).free.inserts.at(0).keys;
    EXPECT_EQ(keys.identity, identity);
    EXPECT_EQ(keys.new_identity, identity);
    EXPECT_EQ(keys.unique, "new hash");
}

TEST_F(FoldTest, UntouchedToastValueComesFromTheChangeThatHadIt) {
    changes_.insert(t_, {"1", "big"});
    changes_.update(t_, {"2", "big"});
    for (const char *id : {"1", "2"}) {
        changes_.update(t_, {id, same});
        changes_.update(t_, {id, same});
    }
    EXPECT_EQ(folded(), "1: ~2,big +1,big");
    const FoldedGroup folded = fold(changes_.group());
    EXPECT_FALSE(folded.tables.at(0).free.inserts.at(0).new_tuple.lacks_values());
    EXPECT_EQ(folded.merged.size(), 2U);
}

TEST_F(FoldTest, ToastValuesMayComeFromDifferentChanges) {
    Relation relation = with_key();
    for (const char *name : {"second", "third"}) relation.columns.push_back(column(name));
    changes_.update(relation, {"1", "old", "b", same});
    changes_.update(relation, {"1", "a", same, same});
    changes_.update(relation, {"1", same, std::nullopt, same});
    changes_.update(relation, {"1", same, same, same});
    EXPECT_EQ(folded(), "1: ~1,a,NULL,~");
    EXPECT_TRUE(fold(changes_.group()).tables.at(0).free.updates.at(0).new_tuple.lacks_values());
}

TEST_F(FoldTest, ToastValueOfADeletedRowIsNotTaken) {
    changes_.insert(t_, {"1", "gone"});
    changes_.remove(t_, {"1", "gone"});
    changes_.insert(t_, {"1", "new"});
    changes_.update(t_, {"1", same});
    EXPECT_EQ(folded(), "1: +1,new");
}

TEST_F(FoldTest, ToastValueThatNobodySetStaysLeftAlone) {
    changes_.update(t_, {"1", same});
    changes_.update(t_, {"1", same});
    EXPECT_EQ(folded(), "1: ~1,~");
    EXPECT_TRUE(fold(changes_.group()).merged.empty());
}

TEST_F(FoldTest, FullIdentityKeepsTheFirstOldRow) {
    const Relation full = full_with_primary_key();
    changes_.update(full, {"1", "a"}, {"1", "b"});
    changes_.update(full, {"1", "b"}, {"1", "c"});
    changes_.update(full, {"2", "a"}, {"2", "b"});
    changes_.remove(full, {"2", "b"});
    changes_.insert(full, {"3", "a"});
    changes_.update(full, {"3", "a"}, {"3", "b"});
    EXPECT_EQ(folded(), "1: -2,b ~1,a>1,c +3,b");
}

TEST_F(FoldTest, KeySentWithoutHavingChangedStays) {
    const Relation relation = with_two_key_columns();
    changes_.update(relation, {"1", "a", "big"}, {"1", "b", same});
    changes_.update(relation, {"1", "b", "big"}, {"1", "c", same});
    changes_.update(relation, {"2", "a", "big"}, {"2", "b", "big"});
    changes_.insert(relation, {"3", "a", "big"});
    changes_.update(relation, {"3", "a", "big"}, {"3", "b", same});
    EXPECT_EQ(folded(), "1: ~1,big>1,c,~ ~2,big>2,b,big +3,b,big");
}

TEST_F(FoldTest, ChangedKeyOrdersTheTable) {
    const Relation other = with_key(2);
    changes_.insert(t_, {"3", "a"});
    changes_.insert(other, {"1", "a"});
    changes_.update(t_, {"1", "a"}, {"2", "a"});
    changes_.insert(other, {"2", "a"});
    changes_.insert(t_, {"1", "a"});
    EXPECT_EQ(folded(), "2: +1,a +2,a; ordered: +3,a ~1>2,a +1,a");
}

TEST_F(FoldTest, ChangedKeyColumnBehindTheFirstOrdersTheTable) {
    const Relation relation = with_two_key_columns();
    changes_.update(relation, {"1", "a", "x"}, {"1", "a", "y"});
    EXPECT_EQ(folded(), "ordered: ~1,x>1,a,y");
}

TEST_F(FoldTest, ChangedPrimaryKeyUnderFullIdentityOrdersTheTable) {
    const Relation full = full_with_primary_key();
    changes_.update(full, {"1", "a"}, {"2", "a"});
    EXPECT_EQ(folded(), "ordered: ~1,a>2,a");
}

// 1.0 becomes 1.00: the same key, but not the same bytes.
TEST_F(FoldTest, EqualKeyOfOtherBytesOrdersTheTable) {
    Change &change = changes_.update(t_, {"1.0", "a"}, {"1.00", "a"});
    change.keys.new_identity = change.keys.identity;
    EXPECT_EQ(folded(), "ordered: ~1.0>1.00,a");
}

TEST_F(FoldTest, TwoKeysOfOneHashOrderTheTable) {
    changes_.update(t_, {"1", "a"}).keys.identity = 7;
    changes_.update(t_, {"2", "a"}).keys.identity = 7;
    EXPECT_EQ(folded(), "ordered: ~1,a ~2,a");
}

TEST_F(FoldTest, OneHashInTwoTablesIsNoCollision) {
    const Relation other = with_key(2);
    changes_.insert(t_, {"1", "a"}).keys.identity = 7;
    changes_.insert(other, {"2", "a"}).keys.identity = 7;
    EXPECT_EQ(folded(), "1: +1,a; 2: +2,a");
}

TEST_F(FoldTest, UnknownHashOrdersTheTable) {
    changes_.insert(t_, {"1", "a"}).keys = {};
    EXPECT_EQ(folded(), "ordered: +1,a");
}

TEST_F(FoldTest, KeyColumnsMayLieAnywhere) {
    Relation full = full_with_primary_key();
    full.columns.insert(full.columns.begin(), {column("first"), full.columns[0]});
    Relation by_key = with_key(2);
    by_key.columns.insert(by_key.columns.begin(), {column("first"), by_key.columns[0]});
    by_key.key_columns = 2;
    changes_.update(full, {"a", "1", "2", "b"}, {"c", "1", "2", "d"});
    changes_.update(full, {"c", "1", "2", "d"}, {"e", "1", "2", "f"});
    changes_.update(by_key, {"a", "1", "2", "b"});
    changes_.remove(by_key, {"a", "1", "2", "b"});
    changes_.remove(by_key, {"a", "1", "3", "b"});
    EXPECT_EQ(folded(), "1: ~a,1,2,b>e,1,2,f; 2: -1,2 -1,3");
}

// The replica identity is an index other than the primary key's.
TEST_F(FoldTest, ReplicaIdentityTellsRowsRatherThanThePrimaryKey) {
    Relation relation = with_key();
    relation.columns[1].primary_key = true;
    relation.columns[0].primary_key = false;
    changes_.update(relation, {"1", "a"});
    changes_.update(relation, {"1", "b"});
    changes_.update(relation, {"2", "b"});
    EXPECT_EQ(folded(), "1: ~1,b ~2,b");
}

TEST_F(FoldTest, GeneratedKeyColumnIsPartOfTheKey) {
    Relation relation = with_two_key_columns();
    relation.columns[2].generated = true;
    changes_.insert(relation, {"1", "a", "x"});
    changes_.insert(relation, {"1", "b", "y"});
    EXPECT_EQ(folded(), "1: +1,a,x +1,b,y");
    changes_.update(relation, {"1", "a", "x"}, {"1", "c", "z"});
    EXPECT_EQ(folded(), "ordered: +1,a,x +1,b,y ~1,x>1,c,z");
}

TEST_F(FoldTest, InsertsWithoutAHashedIdentityStayInSourceOrder) {
    Relation no_hash = with_key(2);  // of a type that has none
    no_hash.identity_hashed = false;
    const Relation keyless = full_without_key();
    std::string rows;
    for (int id = 99; id > 50; --id) {  // more than a sort would happen to keep in order
        changes_.insert(keyless, {std::to_string(id), "a"});
        changes_.insert(no_hash, {std::to_string(id), "a"});
        rows += fmt::format(" +{},a", id);
    }
    changes_.insert(no_hash, {"99", "a"});
    changes_.held();
    EXPECT_EQ(folded(), "1:" + rows + "; 2:" + rows + " | +99,a");
}

TEST_F(FoldTest, AnyOtherChangeWithoutAHashedIdentityOrdersTheTable) {
    Relation no_hash = with_key(2);
    no_hash.identity_hashed = false;
    const Relation keyless = full_without_key();
    changes_.insert(keyless, {"2", "a"});
    changes_.insert(no_hash, {"2", "a"});
    changes_.remove(keyless, {"1", "a"});
    changes_.update(no_hash, {"2", "b"});
    EXPECT_EQ(folded(), "ordered: +2,a +2,a -1,a ~2,b");
}

// What can't be applied must fail as it would alone.
TEST_F(FoldTest, ChangeThatNamesNoRowOrdersTheTable) {
    Relation nothing = full_with_primary_key();
    nothing.replica_identity = 'n';
    changes_.insert(nothing, {"2", "a"});
    changes_.insert(nothing, {"1", "a"});
    EXPECT_EQ(folded(), "1: +1,a +2,a");
    changes_.update(nothing, {"1", "b"});
    EXPECT_EQ(folded(), "ordered: +2,a +1,a ~1,b");
}

TEST_F(FoldTest, TruncateOrdersItsTables) {
    const Relation second = with_key(2);
    const Relation third = with_key(3);
    changes_.insert(second, {"1", "a"});
    changes_.insert(third, {"1", "a"});
    changes_.truncate({&t_, &second});
    changes_.insert(t_, {"1", "a"});
    EXPECT_EQ(folded(), "3: +1,a; ordered: +1,a truncate +1,a");
}

TEST_F(FoldTest, TableDescribedTwiceIsOrdered) {
    const Relation again = with_key();
    const Relation other = with_key(2);
    changes_.insert(t_, {"1", "a"});
    changes_.insert(again, {"2", "a"});
    changes_.insert(other, {"1", "a"});
    changes_.insert(t_, {"3", "a"});
    EXPECT_EQ(folded(), "2: +1,a; ordered: +1,a +2,a +3,a");
}

TEST_F(FoldTest, ExactTableIsOrderedAndAskedForOnce) {
    const Relation other = with_key(2);
    for (const char *id : {"1", "2", "3"}) {
        changes_.insert(t_, {id, "a"});
        changes_.insert(other, {id, "a"});
    }
    changes_.truncate({&other});
    std::vector<std::uint32_t> asked;
    const FoldedGroup folded = fold(changes_.group(), [&](const Relation &relation) {
        asked.push_back(relation.relid);
        return relation.relid == 1;
    });
    EXPECT_EQ(text(folded), "ordered: +1,a +1,a +2,a +2,a +3,a +3,a truncate");
    EXPECT_EQ(asked, (std::vector<std::uint32_t>{1, 2}));
}

TEST_F(FoldTest, ImpossibleSequencesOrderTheTable) {
    changes_.insert(t_, {"1", "a"});
    changes_.insert(t_, {"1", "b"});
    const Relation second = with_key(2);
    changes_.remove(second, {"1", "a"});
    changes_.remove(second, {"1", "a"});
    const Relation third = with_key(3);
    changes_.remove(third, {"1", "a"});
    changes_.update(third, {"1", "b"});
    const Relation fourth = with_key(4);
    changes_.update(fourth, {"1", "a"});
    changes_.insert(fourth, {"1", "b"});
    EXPECT_EQ(folded(), "ordered: +1,a +1,b -1 -1 -1 ~1,b ~1,a +1,b");
}

TEST_F(FoldTest, IdentityAlwaysThatMayHaveChangedOrdersTheTable) {
    Relation relation = with_key();
    relation.columns[1].identity_always = true;
    changes_.insert(relation, {"1", "7"});
    EXPECT_EQ(folded(), "1: +1,7");
    changes_.update(relation, {"2", "7"});
    EXPECT_EQ(folded(), "ordered: +1,7 ~2,7");
}

TEST_F(FoldTest, IdentityAlwaysThatStaysIsFolded) {
    Relation by_key = with_key();
    by_key.columns[0].identity_always = true;
    Relation full = full_with_primary_key(2);
    full.columns.push_back(column("number"));
    full.columns[2].identity_always = true;
    changes_.update(by_key, {"1", "a"});
    changes_.update(full, {"1", "a", "7"}, {"1", "b", "7"});
    EXPECT_EQ(folded(), "1: ~1,a; 2: ~1,a,7>1,b,7");
    changes_.update(full, {"1", "b", "7"}, {"1", "b", "8"});
    EXPECT_EQ(folded(), "1: ~1,a; ordered: ~1,a,7>1,b,7 ~1,b,7>1,b,8");
}

TEST_F(FoldTest, ListsAreSortedByKey) {
    for (const char *id : {"2", "b\xFF", "1", "", "c"}) {
        changes_.insert(t_, {std::string("i") + id, "a"});
        changes_.update(t_, {std::string("u") + id, "a"});
        changes_.remove(t_, {std::string("r") + id, "a"});
    }
    EXPECT_EQ(folded(), "1: -r -r1 -r2 -rb\xFF -rc ~u,a ~u1,a ~u2,a ~ub\xFF,a ~uc,a +i,a +i1,a +i2,a +ib\xFF,a +ic,a");
}

TEST_F(FoldTest, KeysAreSortedBeyondTheirFirstBytes) {
    const Relation relation = with_two_key_columns();
    for (const char *last : {"c", "a", "b"}) {
        changes_.insert(relation, {"twenty bytes at least", last, last});
        changes_.insert(relation, {"8 bytes.", last, last});
        changes_.insert(relation, {std::string("20 bytes, or more: ") + last, last, "1"});
    }
    const FoldedGroup folded = fold(changes_.group());
    std::string sorted;
    for (const Change &change : folded.tables.at(0).free.inserts) sorted += *row_of(change.new_tuple)[1];
    EXPECT_EQ(sorted, "abcabcabc");
}

TEST_F(FoldTest, SortingEnds) {
    const Relation relation = with_two_key_columns();
    const std::string kilobyte(1024, 'x');
    changes_.insert(relation, {kilobyte, "", "1"});
    changes_.insert(relation, {kilobyte, "", "2"});
    changes_.insert(relation, {"ab", "", "c"});  // one after the other, the columns' bytes are the same
    changes_.insert(relation, {"a", "", "bc"});
    EXPECT_EQ(fold(changes_.group()).tables.at(0).free.inserts.size(), 4U);
}

TEST_F(FoldTest, TablesAreSortedByRelid) {
    std::deque<Relation> relations;
    for (const std::uint32_t relid : {30U, 10U, 20U})
        changes_.insert(relations.emplace_back(with_key(relid)), {"1", "a"});
    EXPECT_EQ(folded(), "10: +1,a; 20: +1,a; 30: +1,a");
}

TEST_F(FoldTest, NothingComesToNothing) { EXPECT_EQ(folded(), ""); }

// The destination, or the source: it takes changes one by one and refuses what doesn't fit.
class Model {
public:
    using Rows = std::multiset<TestRow>;

    void apply(const Change &change) {
        if (change.kind == ChangeKind::truncate) {
            for (const Relation *relation : change.truncate->relations) rows_[relation->relid].clear();
            return;
        }
        Rows &rows = rows_[change.relation->relid];
        TestRow row;
        if (change.kind != ChangeKind::insert) {
            const auto found = find(change);
            RC_ASSERT(found != rows.end());
            row = *found;
            rows.erase(found);
        }
        if (change.kind == ChangeKind::remove) return;
        const TestRow sent = row_of(change.new_tuple);
        row.resize(sent.size(), same);
        for (std::size_t i = 0; i < sent.size(); ++i) {
            if (sent[i] != same) row[i] = sent[i];
        }
        RC_ASSERT(std::count(row.begin(), row.end(), same) == 0);
        if (has_key(*change.relation))
            RC_ASSERT(find_key(*change.relation, key_of(*change.relation, row)) == rows.end());
        rows.insert(row);
    }

    void apply(const std::vector<Change> &changes) {
        for (const Change &change : changes) apply(change);
    }

    void apply(const NetChanges &net) {
        apply(net.removes);
        apply(net.updates);
        apply(net.inserts);
    }

    // The row that an update or delete is about.
    Rows::iterator find(const Change &change) {
        const Relation &relation = *change.relation;
        Rows &rows = rows_[relation.relid];
        if (change.old_kind == OldTuple::none) return find_key(relation, key_of(relation, row_of(change.new_tuple)));
        const TestRow old = row_of(change.old_tuple);
        if (change.old_kind == OldTuple::key) return find_key(relation, old);
        return has_key(relation) ? find_key(relation, key_of(relation, old)) : rows.find(old);
    }

    bool has(const Change &change) { return find(change) != rows_[change.relation->relid].end(); }

    Rows::iterator find_key(const Relation &relation, const TestRow &key) {
        Rows &rows = rows_[relation.relid];
        return std::find_if(rows.begin(), rows.end(), [&](const TestRow &row) { return key_of(relation, row) == key; });
    }

    const Rows &rows(const Relation &relation) { return rows_[relation.relid]; }

    // By relid; without empty tables.
    std::map<std::uint32_t, Rows> tables() const {
        auto tables = rows_;
        std::erase_if(tables, [](const auto &table) { return table.second.empty(); });
        return tables;
    }

private:
    static bool has_key(const Relation &relation) {
        return std::any_of(relation.columns.begin(), relation.columns.end(),
                           [](const Column &c) { return c.primary_key; });
    }

    std::map<std::uint32_t, Rows> rows_;
};

// Makes valid changes of a few rows in a few tables, as a source would, and notes which tables can't be folded.
class Source {
public:
    Source() {
        for (const Relation &relation : relations_) {
            for (int i = *rc::gen::inRange(0, 3); i > 0; --i) insert(relation);
        }
        changes_ = std::make_unique<Changes>();
        initial = now;
        ordered.clear();
    }

    void change() {
        const Relation &relation = relations_[*rc::gen::inRange<std::size_t>(0, relations_.size())];
        const auto &rows = now.rows(relation);
        const int kind = *rc::gen::weightedElement<int>({{40, 0}, {80, 1}, {40, 2}, {1, 3}, {1, 4}});
        if (kind == 4) {
            truncate(relation);
        } else if (kind == 0 || rows.empty()) {
            insert(relation);
        } else {
            const auto at = *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(rows.size()));
            const TestRow row = *std::next(rows.begin(), at);
            if (kind == 1) update(relation, row);
            if (kind == 2) remove(relation, row);
            if (kind == 3) change_key(relation, row);
        }
    }

    const Group &group() const { return changes_->group(); }

    Model initial;
    Model now;
    std::set<std::uint32_t> ordered;

private:
    static std::string id() { return std::string(1, static_cast<char>('1' + *rc::gen::inRange(0, 4))); }
    std::string value() { return "v" + std::to_string(next_value_++); }

    TestRow new_row(const Relation &relation) {
        TestRow row;
        for (const Column &c : relation.columns) row.emplace_back(c.primary_key ? id() : value());
        return row;
    }

    bool taken(const Relation &relation, const TestRow &row) {
        const TestRow key = key_of(relation, row);
        return !key.empty() && now.find_key(relation, key) != now.rows(relation).end();
    }

    void insert(const Relation &relation) {
        const TestRow row = new_row(relation);
        if (!taken(relation, row)) done(changes_->insert(relation, row));
    }

    // Each value that is not of the key is set, or left alone.
    void update(const Relation &relation, const TestRow &row) {
        TestRow updated = row;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (!relation.columns[i].primary_key) updated[i] = *rc::gen::arbitrary<bool>() ? value() : same;
        }
        if (relation.replica_identity == 'f') {
            done(changes_->update(relation, row, updated));
        } else if (relation.key_columns > 1 && *rc::gen::arbitrary<bool>()) {
            updated[2] = same;  // a key that is a TOAST value
            done(changes_->update(relation, row, updated));
        } else {
            done(changes_->update(relation, updated));
        }
        if (!relation.identity_hashed) ordered.insert(relation.relid);
    }

    void change_key(const Relation &relation, const TestRow &row) {
        const TestRow updated = new_row(relation);
        if (taken(relation, updated)) return;
        done(changes_->update(relation, row, updated));
        ordered.insert(relation.relid);
    }

    void remove(const Relation &relation, const TestRow &row) {
        done(changes_->remove(relation, row));
        if (!relation.identity_hashed) ordered.insert(relation.relid);
    }

    void truncate(const Relation &relation) {
        std::vector<const Relation *> truncated = {&relation};
        if (*rc::gen::arbitrary<bool>() && &relation != &relations_[0]) truncated.push_back(relations_.data());
        changes_->truncate(truncated);
        done(changes_->group().changes.back().change);
        for (const Relation *each : truncated) ordered.insert(each->relid);
    }

    void done(const Change &change) {
        now.apply(change);
        if (*rc::gen::inRange(0, 4) == 0) changes_->held();
    }

    const std::vector<Relation> relations_ = {with_key(4), full_with_primary_key(3), with_two_key_columns(2),
                                              full_without_key(1)};
    std::unique_ptr<Changes> changes_ = std::make_unique<Changes>();
    int next_value_ = 0;
};

void assert_sorted(const std::vector<Change> &changes) {
    if (changes.empty() || !changes.front().relation->identity_hashed) return;
    std::vector<TestRow> keys;
    for (const Change &change : changes) {
        const TestRow row = row_of(change.old_kind == OldTuple::none ? change.new_tuple : change.old_tuple);
        keys.push_back(change.old_kind == OldTuple::key ? row : key_of(*change.relation, row));
    }
    RC_ASSERT(std::is_sorted(keys.begin(), keys.end()));
    RC_ASSERT(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

RC_GTEST_PROP(FoldProperty, SameEffectAsTheChangesOneByOne, ()) {
    Source source;
    for (int i = *rc::gen::inRange(0, 60); i > 0; --i) source.change();
    const FoldedGroup folded = fold(source.group());

    Model destination = source.initial;
    for (const FoldedTable &table : folded.tables) {
        RC_ASSERT(source.ordered.count(table.relation->relid) == 0U);
        for (const NetChanges *net : {&table.free, &table.held}) {
            for (const Change &change : net->removes) RC_ASSERT(source.initial.has(change));
            for (const Change &change : net->updates) RC_ASSERT(source.initial.has(change));
            for (const auto *list : {&net->removes, &net->updates, &net->inserts}) assert_sorted(*list);
            destination.apply(*net);
        }
    }
    for (const PlannedChange *planned : folded.ordered) {
        RC_ASSERT(source.ordered.count(planned->change.relation->relid) == 1U);
        destination.apply(planned->change);
    }
    RC_ASSERT(destination.tables() == source.now.tables());
}

}  // namespace
}  // namespace walferry
