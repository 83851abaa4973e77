// Goal: the copy brings every large object whole, whoever owns it, however many and however big, and kill -9 at any
// moment costs nothing.
// Method: both sides' catalogs and content are compared; deaths at failpoints; memory as the kernel counts it.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// OID, `columns` of the metadata, comment and checksum of all.
std::string large_objects(Session &session, const std::string &columns) {
    return session.value("SELECT count(*) || ' ' || md5(string_agg(concat_ws(' ', oid, " + columns +
                         ", obj_description(oid, 'pg_largeobject'), md5(lo_get(oid))), '' ORDER BY oid))"
                         " FROM pg_largeobject_metadata");
}

void expect_equal(const Pair &pair, const std::string &columns = "''") {
    auto source = pair.source();
    auto destination = pair.destination();
    EXPECT_EQ(large_objects(source, columns), large_objects(destination, columns));
}

const std::string table = "CREATE TABLE document (id int PRIMARY KEY, content oid);";
// Sizes about those of a page, a piece and a batch; one without content, one with holes.
const std::string of_many_sizes =
    "SELECT lo_from_bytea(0, decode(repeat(md5(n::text), n / 32 + 1), 'hex'))"
    " FROM unnest(ARRAY[1, 4000, 4096, 2097120, 2097152, 2097184, 4194304, 10000000]) AS n;"
    "SELECT lo_create(0); SELECT lo_put(lo_create(0), 3000000, 'end');"
    "SELECT lo_from_bytea(4294967295, 'the last OID'), lo_from_bytea(3000000000, 'beyond the signed ones')";

TEST(LargeObjects, ComeWithTheCopy) {
    const Pair pair;
    auto source = pair.source();
    source.exec(table + of_many_sizes);
    source.exec(
        "INSERT INTO document SELECT row_number() OVER (), oid FROM pg_largeobject_metadata;"
        "COMMENT ON LARGE OBJECT 3000000000 IS E'it''s \\\\ a ü'");
    const Task task(pair);
    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 0) << precheck.output;
    EXPECT_THAT(precheck.output, AllOf(HasSubstr("large_objects"), HasSubstr("12, they come with the copy")));
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    expect_equal(pair);
    EXPECT_EQ(pair.destination().number("SELECT sum(length(lo_get(content))) FROM document"),
              source.number("SELECT sum(length(lo_get(content))) FROM document"));
    // What precheck says to do at the switch.
    source.exec(
        "SELECT lo_unlink(3000000000); SELECT lo_put(4294967295, 2, 'changed'); SELECT lo_from_bytea(0, 'new')");
    pair.destination().exec("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    run_or_throw({"bash", "-c",
                  "set -o pipefail; pg_dump --data-only -b --exclude-table='*' '" + pair.source_conninfo() +
                      "' | psql -X -q -v ON_ERROR_STOP=1 '" + pair.destination_conninfo() + "'"});
    expect_equal(pair);
    EXPECT_EQ(compare(pair), "");
}

TEST(LargeObjects, NotWhenPatternsOrTheTaskSaySo) {
    for (const std::string more : {"[objects]\ninclude = ['public.*']\n", "[copy]\nlarge_objects = false\n"}) {
        const Pair pair;
        pair.source().exec(table + "SELECT lo_from_bytea(0, 'x')");
        const Task task(pair, {.more = more});
        EXPECT_THAT(task.call({"precheck"}).output, HasSubstr("1, not copied"));
        task.run_until_now();
        EXPECT_EQ(pair.destination().number("SELECT count(*) FROM pg_largeobject_metadata"), 0);
    }
}

TEST(LargeObjects, OwnersAndGrants) {
    const Pair pair;
    for (const Cluster *cluster : {&pair.clusters().source, &pair.clusters().destination}) {
        for (const std::string role : {"lo_alice", "lo_bob", "\"lo Carol\""}) {
            Session(cluster->conninfo()).exec("DROP ROLE IF EXISTS " + role + "; CREATE ROLE " + role);
        }
    }
    auto source = pair.source();
    source.exec(table +
                "SET ROLE lo_alice; SELECT lo_from_bytea(n::oid, 'a') FROM generate_series(70001, 70005) n;"
                "GRANT SELECT ON LARGE OBJECT 70002 TO lo_bob; GRANT ALL ON LARGE OBJECT 70003 TO PUBLIC;"
                "GRANT UPDATE ON LARGE OBJECT 70003 TO \"lo Carol\" WITH GRANT OPTION;"
                "SET ROLE \"lo Carol\"; GRANT UPDATE ON LARGE OBJECT 70003 TO lo_bob; SET ROLE lo_alice;"
                "REVOKE ALL ON LARGE OBJECT 70004 FROM lo_alice; REVOKE UPDATE ON LARGE OBJECT 70005 FROM lo_alice;"
                "GRANT SELECT ON LARGE OBJECT 70005 TO lo_bob; COMMENT ON LARGE OBJECT 70005 IS 'hers'; RESET ROLE;"
                "SELECT lo_from_bytea(70006, 'a')");
    Task(pair, {.more = "[schema]\nowners = true\ngrants = true\n"}).run_until_now();
    expect_equal(pair, "lomowner::regrole, lomacl");

    const Pair again;  // grants alone, to an owner that is the account
    again.source().exec(table +
                        "SELECT lo_from_bytea(1, 'a'), lo_from_bytea(2, 'b'); GRANT SELECT ON LARGE OBJECT 2 TO lo_bob;"
                        "ALTER LARGE OBJECT 2 OWNER TO lo_alice");
    Task(again, {.more = "[schema]\ngrants = true\n"}).run_until_now();
    EXPECT_EQ(
        again.destination().value("SELECT string_agg(concat_ws(' ', oid, lomowner::regrole, lomacl), ', ' ORDER BY oid)"
                                  " FROM pg_largeobject_metadata"),
        "1 postgres, 2 postgres {postgres=rw/postgres,lo_bob=r/postgres}");
}

// Several transactions; dies at either side of each commit, and goes on behind it.
TEST(LargeObjects, KilledAgainAndAgain) {
    const Pair pair;
    auto source = pair.source();
    source.exec(table +
                "SELECT count(lo_from_bytea(0, convert_to('object ' || n, 'UTF8'))) FROM generate_series(1, 5500) n;" +
                of_many_sizes);
    const Task task(pair);
    auto destination = pair.destination();
    std::int64_t before = 0;
    for (const std::string place : {"before_commit", "after_commit", "before_commit:3", "after_commit:2"}) {
        auto run = task.start({{"WALFERRY_FAILPOINT", "large_objects_" + place}});
        EXPECT_EQ(run.wait(), 128 + SIGKILL) << run.errors();
        wait_until("the killed run's session is gone", [&] {
            return destination.holds(
                "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'walferry " + task.name() +
                ":%')");
        });
        const auto now = destination.number("SELECT count(*) FROM pg_largeobject_metadata");
        EXPECT_EQ(now % 1000, 0);
        EXPECT_GE(now, before);
        before = now;
    }
    EXPECT_EQ(before, 5000);
    task.run_until_now();
    expect_equal(pair);
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(task.call({"cleanup"}).exit_code, 0);
    EXPECT_TRUE(destination.holds("SELECT to_regnamespace('walferry') IS NULL"));
}

// What is there before the task is never written to, whether precheck sees it or it comes later.
TEST(LargeObjects, CollisionIsNamed) {
    const Pair pair;
    pair.source().exec(table + "SELECT lo_from_bytea(4711, 'ours'), lo_from_bytea(4712, 'ours')");
    auto destination = pair.destination();
    destination.exec("SELECT lo_from_bytea(4712, 'theirs'), lo_from_bytea(4713, 'elsewhere')");
    const Task task(pair);
    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 8);
    EXPECT_THAT(precheck.output, AllOf(HasSubstr("same OIDs: 4712"), Not(HasSubstr("4713"))));
    EXPECT_EQ(task.call({"run"}).exit_code, 3);
    destination.exec("SELECT lo_unlink(4712)");
    auto killed = task.start({{"WALFERRY_FAILPOINT", "copy_before_commit"}});
    EXPECT_EQ(killed.wait(), 128 + SIGKILL);
    destination.exec("SELECT lo_from_bytea(4712, 'theirs')");
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("large objects exist already: 4712"));
    EXPECT_EQ(destination.value("SELECT lo_get(4712) = 'theirs'"), "t");
    destination.exec("SELECT lo_unlink(4712)");
    task.run_until_now();
    EXPECT_EQ(destination.value("SELECT lo_get(4711) || lo_get(4712) || lo_get(4713) = 'oursourselsewhere'"), "t");
}

// Accounts that are nothing special: which objects can't be read is said, and what to grant; the objects belong to the
// destination's account.
TEST(LargeObjects, LeastPrivilege) {
    const Pair pair;
    const auto &clusters = pair.clusters();
    Session(clusters.source.conninfo())
        .exec("DROP ROLE IF EXISTS lo_reader; CREATE ROLE lo_reader LOGIN REPLICATION PASSWORD 'x'");
    Session(clusters.destination.conninfo())
        .exec(
            "DROP ROLE IF EXISTS lo_writer; CREATE ROLE lo_writer LOGIN PASSWORD 'x'; GRANT SET ON PARAMETER"
            " session_replication_role TO lo_writer; ALTER DATABASE " +
            pair.name() + " OWNER TO lo_writer");
    auto source = pair.source();
    source.exec(table +
                "GRANT SELECT ON document TO lo_reader; SELECT lo_from_bytea(11, 'a'), lo_from_bytea(12, 'b'),"
                " lo_from_bytea(13, 'c'); GRANT SELECT ON LARGE OBJECT 11 TO PUBLIC");
    const Task task(
        pair, {.source_conninfo = clusters.source.tcp_conninfo(pair.name(), "lo_reader") + " password=x",
               .destination_conninfo = clusters.destination.tcp_conninfo(pair.name(), "lo_writer") + " password=x"});
    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 8);
    EXPECT_THAT(precheck.output, AllOf(HasSubstr("2 of 3 can't be read: 12, 13"),
                                       HasSubstr("GRANT SELECT ON LARGE OBJECT 12 TO \"lo_reader\"")));
    source.exec("GRANT SELECT ON LARGE OBJECT 12, 13 TO lo_reader");
    EXPECT_EQ(task.call({"precheck"}).exit_code, 0);
    // One that comes when precheck has passed.
    auto killed = task.start({{"WALFERRY_FAILPOINT", "copy_before_commit"}});
    EXPECT_EQ(killed.wait(), 128 + SIGKILL);
    source.exec("SELECT lo_from_bytea(14, 'd')");
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_THAT(run.errors,
                AllOf(HasSubstr("permission denied for large object 14"), HasSubstr("GRANT SELECT ON LARGE OBJECT")));
    source.exec("GRANT SELECT ON LARGE OBJECT 14 TO lo_reader");
    task.run_until_now();
    expect_equal(pair);
    EXPECT_EQ(pair.destination().value("SELECT DISTINCT lomowner::regrole FROM pg_largeobject_metadata"), "lo_writer");

    // Owners that the account may not make: the task says so.
    EXPECT_EQ(task.call({"cleanup"}).exit_code, 0);
    pair.destination().exec("DROP TABLE document; SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    pair.destination().exec(
        "CREATE TABLE document (id int PRIMARY KEY, content oid); ALTER TABLE document OWNER TO lo_writer");
    const Task with_owners(
        pair, {.source_conninfo = clusters.source.tcp_conninfo(pair.name(), "lo_reader") + " password=x",
               .destination_conninfo = clusters.destination.tcp_conninfo(pair.name(), "lo_writer") + " password=x",
               .stages = "['copy']",
               .more = "[schema]\nowners = true\n"});
    const auto refused = with_owners.call({"run"});
    EXPECT_EQ(refused.exit_code, 3) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr("must be member of role"));
}

// 200 MB in one object, and the peak of the applier's memory.
TEST(LargeObjects, BigOneInLittleMemory) {
    const Pair pair;
    auto source = pair.source();
    source.exec(table + "SELECT lo_create(5)");
    source.exec(
        "SELECT lo_put(5, n::bigint << 20, decode(repeat(md5(n::text), 1 << 16), 'hex')) FROM generate_series(0, 199) n");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    std::istringstream status(read_file("/proc/" + std::to_string(run.pid()) + "/status"));
    long peak_kb = 0;
    for (std::string word; status >> word;) {
        if (word == "VmHWM:") status >> peak_kb;
    }
    EXPECT_GT(peak_kb, 0);
    EXPECT_LT(peak_kb, 100'000);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    expect_equal(pair);
}

}  // namespace
}  // namespace walferry::testing
