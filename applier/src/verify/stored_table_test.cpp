// Goal: what the bookkeeping keeps of a table's comparison comes back as it was.
//
// SPDX-License-Identifier: PostgreSQL
#include "verify/stored_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace walferry {
namespace {

TableComparison example() {
    TableComparison out;
    out.schema = "shöp";
    out.name = "a \"b\"";
    out.table = "\"shöp\".\"a \"\"b\"\"\"";
    out.key = {"id", "part"};
    out.source = TableSum{-3, 0xffffffffffffffffULL};
    out.rows = {{RowFault::extra, {"1", "ü"}, {}, 1}, {RowFault::differing, {"", "\n"}, {"v"}, 7}};
    out.more_rows = true;
    out.undecided = 5;
    out.problem = "can't be read";
    return out;
}

void expect_example(const TableComparison &table) {
    const auto wanted = example();
    EXPECT_EQ(table.schema, wanted.schema);
    EXPECT_EQ(table.name, wanted.name);
    EXPECT_EQ(table.table, wanted.table);
    EXPECT_EQ(table.key, wanted.key);
    ASSERT_TRUE(table.source);
    EXPECT_EQ(table.source->rows, -3);
    EXPECT_EQ(table.source->checksum, 0xffffffffffffffffULL);
    EXPECT_FALSE(table.destination);
    ASSERT_EQ(table.rows.size(), 2U);
    EXPECT_EQ(table.rows[1].fault, RowFault::differing);
    EXPECT_EQ(table.rows[1].key, wanted.rows[1].key);
    EXPECT_EQ(table.rows[1].columns, wanted.rows[1].columns);
    EXPECT_EQ(table.rows[1].count, 7);
    EXPECT_TRUE(table.more_rows);
    EXPECT_EQ(table.undecided, 5U);
    EXPECT_EQ(table.problem, wanted.problem);
}

TEST(StoredTable, ComesBackAsItWas) {
    const std::string text = stored(example());
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; }));
    const auto back = restored(text);
    ASSERT_TRUE(back);
    expect_example(*back);
    EXPECT_FALSE(restored_part(text)) << "that is a whole one";
}

TEST(StoredTable, APartKnowsWhereItGoesOn) {
    const auto back = restored_part(stored(PartialComparison{example(), {"70", "ü"}, "16384 16385"}));
    ASSERT_TRUE(back);
    expect_example(back->found);
    EXPECT_EQ(back->next, (std::vector<std::string>{"70", "ü"}));
    EXPECT_EQ(back->basis, "16384 16385");
}

TEST(StoredTable, ANewerOneIsNotRead) {
    EXPECT_FALSE(restored("{\"version\": 2}"));
    EXPECT_FALSE(restored("{\"version\": 1}"));
    EXPECT_FALSE(restored("nonsense"));
    EXPECT_FALSE(restored_part("[]"));
}

}  // namespace
}  // namespace walferry
