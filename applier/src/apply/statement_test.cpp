// Goal: the SQL of each shape of change, and equal shapes exactly for equal SQL.
//
// SPDX-License-Identifier: PostgreSQL
#include "apply/statement.h"

#include <gtest/gtest.h>

#include "apply/batch.h"
#include "decode/frame_builder.h"

namespace walferry {
namespace {

class StatementTest : public testing::Test {
protected:
    StatementTest() : relation_(test_relation()) {
        table_.name = "\"public\".\"t\"";
        table_.columns = {{"\"id\"", 23, "OPERATOR(pg_catalog.=)", true},
                          {"\"note\"", 25, "OPERATOR(pg_catalog.=)", false}};
    }

    // The SQL for a change with these tuples; tuples are kept alive.
    std::string sql(ChangeKind kind, OldTuple old_kind, std::string old_tuple, std::string new_tuple) {
        old_ = std::move(old_tuple);
        new_ = std::move(new_tuple);
        Change change;
        change.kind = kind;
        change.old_kind = old_kind;
        change.relation = &relation_;
        change.old_tuple = Tuple(old_);
        change.new_tuple = Tuple(new_);
        table_.match = match_of(relation_);
        ChangeValues values;
        values.split(change);
        shape_.clear();
        append_shape(shape_, change, table_, values);
        statement_ = make_statement(change, table_, values);
        return statement_.sql;
    }

    static std::string row(const TestRow &values) { return FrameBuilder::tuple(values); }
    static std::string unchanged_note(const std::string &id) {
        std::string out = row({id, ""});
        out.resize(out.size() - 4);
        append_integer<std::int32_t>(out, -2);
        return out;
    }

    Relation relation_;
    DestinationTable table_;
    Statement statement_;
    std::string shape_;

private:
    std::string old_, new_;
};

TEST_F(StatementTest, Insert) {
    EXPECT_EQ(sql(ChangeKind::insert, OldTuple::none, "", row({"1", "a"})),
              R"(INSERT INTO "public"."t" ("id", "note") OVERRIDING SYSTEM VALUE VALUES ($1, $2))");
    relation_.columns.clear();
    table_.columns.clear();
    EXPECT_EQ(sql(ChangeKind::insert, OldTuple::none, "", row({})), R"(INSERT INTO "public"."t" DEFAULT VALUES)");
}

TEST_F(StatementTest, UpdateByKey) {
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::none, "", row({"1", "b"})),
              R"(UPDATE ONLY "public"."t" SET "note" = $1 WHERE "id" OPERATOR(pg_catalog.=) $2)");
    EXPECT_FALSE(statement_.params[1].old_tuple) << "the key did not change: the new row has it";
    const std::string kept = shape_;
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::key, row({"1"}), row({"2", "b"})),
              R"(UPDATE ONLY "public"."t" SET "id" = $1, "note" = $2 WHERE "id" OPERATOR(pg_catalog.=) $3)");
    EXPECT_TRUE(statement_.params[2].old_tuple);
    EXPECT_NE(shape_, kept);
}

TEST_F(StatementTest, UntouchedToastValueStays) {
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::key, row({"1"}), unchanged_note("2")),
              R"(UPDATE ONLY "public"."t" SET "id" = $1 WHERE "id" OPERATOR(pg_catalog.=) $2)");
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::none, "", unchanged_note("1")),
              R"(SELECT FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $1)")
        << "nothing to set, but the row must be there";
}

TEST_F(StatementTest, Delete) {
    EXPECT_EQ(sql(ChangeKind::remove, OldTuple::key, row({"1"}), ""),
              R"(DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $1)");
}

TEST_F(StatementTest, FullIdentityWithPrimaryKeyFindsRowsByIt) {
    relation_.replica_identity = 'f';
    relation_.key_columns = 0;
    relation_.columns[0].key = false;
    EXPECT_EQ(sql(ChangeKind::remove, OldTuple::row, row({"1", "a"}), ""),
              R"(DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $1)");
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::row, row({"1", "a"}), row({"2", "b"})),
              R"(UPDATE ONLY "public"."t" SET "id" = $1, "note" = $2 WHERE "id" OPERATOR(pg_catalog.=) $3)");
}

TEST_F(StatementTest, FullIdentityWithoutKeyFindsOneIdenticalRow) {
    relation_.replica_identity = 'f';
    relation_.key_columns = 0;
    relation_.columns[0].key = relation_.columns[0].primary_key = false;
    EXPECT_EQ(
        sql(ChangeKind::remove, OldTuple::row, row({"1", "a"}), ""),
        R"(DELETE FROM ONLY "public"."t" WHERE ctid = (SELECT ctid FROM ONLY "public"."t" WHERE )"
        R"("id" OPERATOR(pg_catalog.=) $1 AND ROW("id", "note")::record OPERATOR(pg_catalog.*=) ROW($1, $2) LIMIT 1))");
    const std::string with_value = shape_;
    EXPECT_NE(sql(ChangeKind::remove, OldTuple::row, row({std::nullopt, "a"}), "").find(R"("id" IS NULL AND ROW)"),
              std::string::npos);
    EXPECT_NE(shape_, with_value);
}

TEST_F(StatementTest, IdentityAlwaysKeyThatStaysIsNotSet) {
    relation_.columns[0].identity_always = true;
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::none, "", row({"1", "b"})),
              R"(UPDATE ONLY "public"."t" SET "note" = $1 WHERE "id" OPERATOR(pg_catalog.=) $2)");
}

TEST_F(StatementTest, IdentityAlwaysThatChangesReplacesTheRow) {
    relation_.columns[0].identity_always = true;
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::key, row({"1"}), unchanged_note("2")),
              R"(WITH gone AS (DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $2 RETURNING *))"
              R"( INSERT INTO "public"."t" ("id", "note") OVERRIDING SYSTEM VALUE SELECT $1, gone."note" FROM gone)");
}

TEST_F(StatementTest, GeneratedKeyColumnFindsTheRowButIsNotWritten) {
    relation_.columns[0].generated = true;
    EXPECT_EQ(sql(ChangeKind::insert, OldTuple::none, "", row({"1", "a"})),
              R"(INSERT INTO "public"."t" ("note") OVERRIDING SYSTEM VALUE VALUES ($1))");
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::key, row({"1"}), row({"2", "b"})),
              R"(UPDATE ONLY "public"."t" SET "note" = $1 WHERE "id" OPERATOR(pg_catalog.=) $2)");
}

TEST_F(StatementTest, AWiderColumnGetsItsOwnType) {
    table_.columns[0].cast = "::pg_catalog.int8";
    EXPECT_EQ(sql(ChangeKind::insert, OldTuple::none, "", row({"1", "a"})),
              R"(INSERT INTO "public"."t" ("id", "note") OVERRIDING SYSTEM VALUE VALUES ($1::pg_catalog.int8, $2))");
    EXPECT_EQ(sql(ChangeKind::remove, OldTuple::key, row({"1"}), ""),
              R"(DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $1::pg_catalog.int8)");
}

TEST_F(StatementTest, OfAMergedTableOnlyTheTasksRowsAreMeant) {
    Column source_id = relation_.columns[1];
    source_id.name = "source_id";
    source_id.part = "'s1'::text";
    relation_.columns.push_back(source_id);
    table_.columns.push_back({"\"source_id\"", 25, "OPERATOR(pg_catalog.=)", false});
    table_.part = {{"\"source_id\"", "'s1'::text"}};
    EXPECT_EQ(sql(ChangeKind::insert, OldTuple::none, "", row({"1", "a", "s1"})),
              R"(INSERT INTO "public"."t" ("id", "note", "source_id") OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3))");
    EXPECT_EQ(sql(ChangeKind::update, OldTuple::none, "", row({"1", "b", "s1"})),
              R"(UPDATE ONLY "public"."t" SET "note" = $1 WHERE "id" OPERATOR(pg_catalog.=) $2)"
              R"( AND "source_id" OPERATOR(pg_catalog.=) ('s1'::text))");
    EXPECT_EQ(sql(ChangeKind::remove, OldTuple::key, row({"1"}), ""),
              R"(DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) $1)"
              R"( AND "source_id" OPERATOR(pg_catalog.=) ('s1'::text))");
    Change change;
    change.kind = ChangeKind::remove;
    change.old_kind = OldTuple::key;
    change.relation = &relation_;
    EXPECT_EQ(make_batch_statement(change, table_, {}).sql,
              R"(DELETE FROM ONLY "public"."t" AS t USING pg_catalog.unnest($1) AS n)"
              R"( WHERE t."id" OPERATOR(pg_catalog.=) ANY (ARRAY[n."id"]))"
              R"( AND t."source_id" OPERATOR(pg_catalog.=) ('s1'::text))");
}

TEST(SelfChecking, CountsWhatTheStatementIsAbout) {
    EXPECT_EQ(self_checking("UPDATE ONLY t SET a = $1 WHERE b = $2", "1"),
              "WITH done AS (UPDATE ONLY t SET a = $1 WHERE b = $2 RETURNING 1)"
              " SELECT 1 / (pg_catalog.count(*) = 1)::int FROM done");
    EXPECT_EQ(self_checking("SELECT FROM ONLY t WHERE b = $2", "$3"),
              "WITH done AS (SELECT FROM ONLY t WHERE b = $2) SELECT 1 / (pg_catalog.count(*) = $3)::int FROM done");
    EXPECT_EQ(self_checking("WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO t SELECT FROM gone", "1"), "");
}

}  // namespace
}  // namespace walferry
