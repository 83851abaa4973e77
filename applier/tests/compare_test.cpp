// Goal: the comparison that all other tests rely on sees what differs.
// Method: two databases filled by hand, without walferry.
//
// SPDX-License-Identifier: PostgreSQL
#include "compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

class Compare : public ::testing::Test {
protected:
    void both(const std::string &sql) {
        source.exec(sql);
        destination.exec(sql);
    }

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
};

TEST_F(Compare, EqualDatabasesHaveNoDifference) {
    both(
        "CREATE TABLE a (id int, v text); INSERT INTO a SELECT n % 7, n FROM generate_series(1, 1000) AS n;"
        "CREATE TABLE empty (); CREATE SEQUENCE s; SELECT nextval('s')");
    EXPECT_EQ(compare(pair), "");
}

TEST_F(Compare, NoTablesAreNotEqual) { EXPECT_THAT(compare_rows(pair), HasSubstr("no tables")); }

TEST_F(Compare, OneRowMoreIsSeen) {
    both("CREATE TABLE a (id int, v text); INSERT INTO a SELECT n, 'v' FROM generate_series(1, 5000) AS n");
    source.exec("DELETE FROM a WHERE id = 7");
    EXPECT_EQ(compare_rows(pair), "public.a: 1 more at the destination: (7,v)\n");
}

TEST_F(Compare, OneDuplicateIsSeen) {
    both("CREATE TABLE a (v text); INSERT INTO a VALUES ('x'), ('x'), ('y')");
    destination.exec("INSERT INTO a VALUES ('x')");
    EXPECT_EQ(compare_rows(pair), "public.a: 1 more at the destination: (x)\n");
}

TEST_F(Compare, EqualButNotIdenticalIsSeen) {
    both("CREATE TABLE a (n numeric, f float8, x xml)");
    source.exec("INSERT INTO a VALUES (1.0, 0, '<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>')");
    destination.exec("INSERT INTO a VALUES (1.0, 0, '<?xml version=\"1.0\"?><a/>')");
    EXPECT_THAT(compare_rows(pair), HasSubstr("encoding"));
    both("TRUNCATE a");
    source.exec("INSERT INTO a VALUES (1.0, 0)");
    destination.exec("INSERT INTO a VALUES (1.00, '-0')");
    EXPECT_EQ(compare_rows(pair),
              "public.a: 1 more at the source: (1.0,0,)\npublic.a: 1 more at the destination: (1.00,-0,)\n");
}

TEST_F(Compare, MissingTableIsSeen) {
    both("CREATE TABLE a ()");
    source.exec("CREATE TABLE b ()");
    EXPECT_EQ(compare_rows(pair), "public.b is missing at the destination\n");
}

TEST_F(Compare, SequenceIsSeen) {
    both("CREATE TABLE a (); CREATE SEQUENCE s");
    source.exec("SELECT setval('s', 5)");
    EXPECT_EQ(compare_sequences(pair), "public.s: 5 true at the source, 1 false at the destination\n");
}

TEST_F(Compare, IndexIsSeen) {
    both("CREATE TABLE a (n int)");
    source.exec("CREATE INDEX i ON a (n)");
    EXPECT_THAT(compare_schema(pair), HasSubstr("CREATE INDEX i"));
}

}  // namespace
}  // namespace walferry::testing
