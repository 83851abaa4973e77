// Goal: a change that can't be applied stops the task at exactly its transaction, with an explanation; nothing is
// skipped, and when the operator has mended the cause, the task goes on.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class Conflict : public ::testing::Test {
protected:
    void SetUp() override {
        source.exec("SET walferry.capture_ddl = off");  // tables that differ are a matter here too
        source.exec(
            "CREATE TABLE a (id int PRIMARY KEY, v text, place int UNIQUE); CREATE TABLE b (id int PRIMARY KEY, v text);"
            "CREATE TABLE no_identity (n int, v text); CREATE TABLE keyless (n int, v text);"
            "ALTER TABLE keyless REPLICA IDENTITY FULL;"
            "INSERT INTO a SELECT n, 'v', n FROM generate_series(1, 10) AS n;"
            "INSERT INTO b SELECT n, 'v' FROM generate_series(1, 10) AS n;"
            "INSERT INTO no_identity VALUES (1, 'v'); INSERT INTO keyless VALUES (1, 'v'), (2, 'v')");
        task.run_until_now();
        ASSERT_EQ(compare(pair), "");
    }

    // Three transactions; the middle one holds `change` between two changes that are all right.
    void three_transactions(const std::string &change) {
        source.exec("INSERT INTO b VALUES (101, 'before'); UPDATE b SET v = 'before' WHERE id = 1");
        source.exec("BEGIN; INSERT INTO b VALUES (102, 'same transaction'); " + change +
                    "; UPDATE b SET v = 'same transaction' WHERE id = 2; COMMIT");
        source.exec("INSERT INTO b VALUES (103, 'after'); UPDATE b SET v = 'after' WHERE id = 3");
    }

    // The run stops, names the table and the place, and the destination shows the first transaction alone; again and
    // again, until somebody acts.
    void expect_stop(const std::string &table) {
        for (int i = 0; i < 2; ++i) {
            const auto run = task.call({"run", "--until", "now"});
            EXPECT_EQ(run.exit_code, 5) << run.errors;
            EXPECT_THAT(run.errors,
                        AllOf(HasSubstr("walferry: "), HasSubstr(table), ContainsRegex("[0-9A-F]+/[0-9A-F]+")));
            EXPECT_EQ(destination.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM b WHERE id > 100"), "101");
            EXPECT_EQ(destination.value("SELECT string_agg(v, ' ' ORDER BY id) FROM b WHERE id IN (1, 2, 3)"),
                      "before v v");
        }
        const auto status = task.call({"status"});
        EXPECT_EQ(status.exit_code, 0);
        EXPECT_THAT(status.output, HasSubstr(table)) << "the status tells why the task stopped";
    }

    void expect_going_on() {
        task.run_until_now();
        EXPECT_EQ(compare(pair), "");
    }

    Pair pair;
    Task task{pair};
    Session source = pair.source();
    Session destination = pair.destination();
};

TEST_F(Conflict, InsertOfAnExistingKey) {
    destination.exec("INSERT INTO a VALUES (50, 'was here', 50)");
    three_transactions("INSERT INTO a VALUES (50, 'new', 51)");
    expect_stop("public.a");
    destination.exec("DELETE FROM a WHERE id = 50");
    expect_going_on();
}

TEST_F(Conflict, InsertOfAnExistingSecondKey) {
    destination.exec("INSERT INTO a VALUES (60, 'was here', 50)");
    three_transactions("INSERT INTO a VALUES (50, 'new', 50)");
    expect_stop("public.a");
    destination.exec("DELETE FROM a WHERE id = 60");
    expect_going_on();
}

TEST_F(Conflict, UpdateOfAMissingRow) {
    destination.exec("DELETE FROM a WHERE id = 5");
    three_transactions("UPDATE a SET v = 'new' WHERE id = 5");
    expect_stop("public.a");
    destination.exec("INSERT INTO a VALUES (5, 'v', 5)");
    expect_going_on();
}

TEST_F(Conflict, DeleteOfAMissingRow) {
    destination.exec("DELETE FROM a WHERE id = 5");
    three_transactions("DELETE FROM a WHERE id = 5");
    expect_stop("public.a");
    destination.exec("INSERT INTO a VALUES (5, 'v', 5)");
    expect_going_on();
}

TEST_F(Conflict, UpdateOfAMissingKeylessRow) {
    destination.exec("UPDATE keyless SET v = 'changed behind its back' WHERE n = 1");
    three_transactions("UPDATE keyless SET v = 'new' WHERE n = 1");
    expect_stop("public.keyless");
    destination.exec("UPDATE keyless SET v = 'v' WHERE n = 1");
    expect_going_on();
}

TEST_F(Conflict, DeleteOfAMissingKeylessRow) {
    destination.exec("DELETE FROM keyless WHERE n = 1");
    three_transactions("DELETE FROM keyless WHERE n = 1");
    expect_stop("public.keyless");
    destination.exec("INSERT INTO keyless VALUES (1, 'v')");
    expect_going_on();
}

TEST_F(Conflict, UpdateOntoAnExistingKey) {
    destination.exec("INSERT INTO a VALUES (50, 'was here', 50)");
    three_transactions("UPDATE a SET id = 50 WHERE id = 5");
    expect_stop("public.a");
    destination.exec("DELETE FROM a WHERE id = 50");
    expect_going_on();
}

// A check that the destination alone has: session_replication_role doesn't switch it off.
TEST_F(Conflict, StricterDestination) {
    destination.exec("ALTER TABLE a ADD CONSTRAINT short CHECK (length(v) < 5)");
    three_transactions("UPDATE a SET v = 'longer' WHERE id = 5");
    expect_stop("public.a");
    destination.exec("ALTER TABLE a DROP CONSTRAINT short");
    expect_going_on();
}

TEST_F(Conflict, MissingTable) {
    destination.exec("ALTER TABLE a RENAME TO elsewhere");
    three_transactions("UPDATE a SET v = 'new' WHERE id = 5");
    expect_stop("public.a");
    destination.exec("ALTER TABLE elsewhere RENAME TO a");
    expect_going_on();
}

TEST_F(Conflict, MissingColumn) {
    destination.exec("ALTER TABLE a RENAME COLUMN place TO elsewhere");
    three_transactions("UPDATE a SET v = 'new' WHERE id = 5");
    expect_stop("public.a");
    destination.exec("ALTER TABLE a RENAME COLUMN elsewhere TO place");
    expect_going_on();
}

// A column that only the source has would be lost in silence.
TEST_F(Conflict, ColumnAddedAtTheSourceAlone) {
    three_transactions("ALTER TABLE a ADD COLUMN added text; INSERT INTO a VALUES (50, 'new', 50, 'value')");
    expect_stop("public.a");
    destination.exec("ALTER TABLE a ADD COLUMN added text");
    expect_going_on();
}

TEST_F(Conflict, UpdateWithoutIdentity) {
    three_transactions("UPDATE no_identity SET v = 'new'");
    expect_stop("public.no_identity");
}

TEST_F(Conflict, DeleteWithoutIdentity) {
    three_transactions("DELETE FROM no_identity");
    expect_stop("public.no_identity");
}

// One conflict among many transactions of a backlog, and among the changes of a large one.
TEST_F(Conflict, InTheMiddleOfABacklog) {
    destination.exec("INSERT INTO a VALUES (1500, 'was here')");
    for (int i = 1000; i < 2000; ++i) {
        const auto id = std::to_string(i);
        source.exec("INSERT INTO b VALUES (" + id + ", 'backlog'); INSERT INTO a (id) VALUES (" + id + ")");
    }
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 5) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("1500")) << "the row's key is named";
    EXPECT_EQ(destination.number("SELECT max(id) FROM b"), 1499);
    EXPECT_EQ(destination.number("SELECT count(*) FROM b WHERE id >= 1000"), 500);
    destination.exec("DELETE FROM a WHERE id = 1500");
    expect_going_on();

    destination.exec("INSERT INTO b VALUES (50000, 'was here')");
    source.exec("INSERT INTO b SELECT n, 'large' FROM generate_series(10001, 110000) AS n");
    const auto again = task.call({"run", "--until", "now"});
    EXPECT_EQ(again.exit_code, 5) << again.errors;
    EXPECT_THAT(again.errors, HasSubstr("50000"));
    EXPECT_EQ(destination.number("SELECT count(*) FROM b WHERE id > 10000"), 1);
    destination.exec("DELETE FROM b WHERE id = 50000");
    expect_going_on();
}

// In binary, a bigint is a double as well, only another one.
TEST_F(Conflict, OtherTypeOfTheSameWidth) {
    source.exec("CREATE TABLE n (id int PRIMARY KEY, v bigint)");
    destination.exec("CREATE TABLE n (id int PRIMARY KEY, v float8)");
    three_transactions("INSERT INTO n VALUES (1, 2)");
    expect_stop("public.n");
    destination.exec("ALTER TABLE n ALTER v TYPE bigint");
    expect_going_on();
}

// A name is never SQL, in no message either.
TEST_F(Conflict, NameThatLooksLikeSql) {
    const std::string create = "CREATE TABLE t (\"k' || (SELECT 'INJECTED ' || 1 + 1) || '\" int PRIMARY KEY)";
    source.exec(create);
    destination.exec(create + "; INSERT INTO t VALUES (1)");
    three_transactions("INSERT INTO t VALUES (1)");
    expect_stop("public.t");
    EXPECT_THAT(task.call({"run", "--until", "now"}).errors, ::testing::Not(HasSubstr("INJECTED 2")));
    destination.exec("DELETE FROM t");
    expect_going_on();
}

}  // namespace
}  // namespace walferry::testing
