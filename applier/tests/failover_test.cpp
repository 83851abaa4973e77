// Goal: a source that fails over to a standby loses the task nothing and gives it nothing twice; and where that can't be, the
// task doesn't go on.
// Method: a standby by pg_basebackup, which is promoted when the primary has died. Slots are kept on standbys from PostgreSQL
// 17 on, so those tests are run by `make check-versions`.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

class Failover : public ::testing::Test {
protected:
    // Not made with the fixture: a test that is skipped starts no server.
    void start_servers() {
        clusters.emplace("failover", std::vector<std::string>{"wal_keep_size=256MB"}, std::vector<std::string>{});
        pair.emplace(*clusters);
        pair->source().exec(
            "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL);"
            "INSERT INTO account SELECT n, 1000 FROM generate_series(1, 8) n;"
            "CREATE TABLE ledger (debit int, credit int, amount int);"
            "CREATE TABLE counter (id int PRIMARY KEY, transfers bigint NOT NULL); INSERT INTO counter VALUES (1, 0)");
    }
    ~Failover() override {
        try {
            if (died) clusters->source.start();  // for what is to be dropped there
        } catch (const std::exception &error) {
            ADD_FAILURE() << error.what();
        }
    }

    void make_standby() {
        std::vector<std::string> settings;
        if (major >= 17) settings.emplace_back("sync_replication_slots=on");
        standby.emplace("failover-standby", clusters->source, settings);
    }
    std::string standby_conninfo() const { return standby->conninfo(pair->name()); }

    // Both servers, whichever takes writes.
    std::string either() const {
        const auto part = [](const std::string &conninfo, const std::string &key) {
            const auto begin = conninfo.find(key + "=") + key.size() + 1;
            return conninfo.substr(begin, conninfo.find(' ', begin) - begin);
        };
        const auto one = clusters->source.conninfo();
        const auto other = standby->conninfo();
        return "host=" + part(one, "host") + "," + part(other, "host") + " port=" + part(one, "port") + "," +
               part(other, "port") + " user=postgres dbname=" + pair->name() + " target_session_attrs=read-write";
    }

    // Transfers by two clients.
    static Process bank(const std::string &conninfo, int transactions) {
        return Process({"pgbench", "-n", "-M", "prepared", "-c", "2", "-t", std::to_string(transactions), "-f",
                        source_path("applier/tests/data/bank.sql"), conninfo});
    }

    void promote() {
        clusters->source.stop("immediate");
        died = true;
        Session(standby->conninfo()).exec("SELECT pg_promote()");
        Session session(standby_conninfo());
        wait_until("it takes writes", [&] { return session.holds("SELECT NOT pg_is_in_recovery()"); });
    }

    void wait_until_standby_has_all() {
        Session primary(clusters->source.conninfo());
        Session replica(standby->conninfo());
        const auto end = primary.value("SELECT pg_current_wal_flush_lsn()");
        wait_until("the standby has all",
                   [&] { return replica.holds("SELECT pg_last_wal_replay_lsn() >= '" + end + "'"); });
    }

    std::string fingerprint(Session session) {
        return session.value(
            "SELECT format('%s %s %s', (SELECT string_agg(a::text, ' ' ORDER BY id) FROM account a),"
            " (SELECT count(*) || ' ' || coalesce(sum(hashtext(l::text)::bigint), 0) FROM ledger l),"
            " (SELECT transfers FROM counter))");
    }
    void expect_equal() { EXPECT_EQ(fingerprint(Session(standby_conninfo())), fingerprint(pair->destination())); }

    const int major = Session(shared_clusters().source.conninfo()).connection().server_version() / 10000;
    std::optional<Clusters> clusters;
    std::optional<Cluster> standby;
    std::optional<Pair> pair;
    bool died = false;  // the primary
};

TEST_F(Failover, GoesOnFromTheSynchronizedSlot) {
    if (major < 17) GTEST_SKIP() << "standbys keep slots from PostgreSQL 17 on";
    start_servers();
    make_standby();
    const Task task(*pair, {.source_conninfo = either()});
    EXPECT_THAT(task.call({"precheck"}).output, HasSubstr("synchronized_standby_slots is empty"));
    auto primary = pair->source();
    primary.exec("ALTER SYSTEM SET synchronized_standby_slots = 'standby'");
    primary.exec("SELECT pg_reload_conf()");
    auto run = task.start();
    task.wait_for_stream(run);
    auto load = bank(pair->source_conninfo(), 1'000'000);
    Session replica(standby->conninfo());
    wait_while_running(run, "the slot is kept on the standby", [&] {
        return replica.holds(
            "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE synced AND NOT temporary AND slot_name = '" +
            task.slot() + "')");
    });
    auto destination = pair->destination();
    wait_while_running(run, "changes arrive",
                       [&] { return destination.number("SELECT transfers FROM counter") > 200; });
    promote();
    load.wait();
    const auto at_promotion = Session(standby_conninfo()).number("SELECT transfers FROM counter");
    EXPECT_LE(destination.number("SELECT transfers FROM counter"), at_promotion)
        << "the destination must not be ahead of the standby";
    auto again = bank(standby_conninfo(), 300);
    ASSERT_EQ(again.wait(), 0) << again.errors();
    wait_while_running(run, "the task goes on with the new primary",
                       [&] { return destination.number("SELECT transfers FROM counter") == at_promotion + 600; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    EXPECT_THAT(run.errors(), HasSubstr("the source was promoted: timeline 2"));
    task.run_until_now();
    expect_equal();
    const auto verified = task.call({"verify"});
    EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
}

// Nothing keeps the task behind this standby, which is behind the destination when it is promoted. Then it writes over the
// same positions.
TEST_F(Failover, ChangesThatThePromotedOneLacksAreSeen) {
    if (major < 17) GTEST_SKIP() << "standbys keep slots from PostgreSQL 17 on";
    start_servers();
    make_standby();
    const Task task(*pair, {.source_conninfo = either()});
    task.run_until_now();
    Session replica(standby->conninfo());
    {
        auto run = task.start();
        task.wait_for_stream(run);
        ASSERT_EQ(bank(pair->source_conninfo(), 20).wait(), 0);
        wait_while_running(run, "the slot is kept on the standby", [&] {
            return replica.holds(
                "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE synced AND NOT temporary AND slot_name = '" +
                task.slot() + "')");
        });
        run.signal(SIGTERM);
        ASSERT_EQ(run.wait(), 0) << run.errors();
    }
    wait_until_standby_has_all();
    replica.exec("ALTER SYSTEM SET primary_conninfo = ''");
    replica.exec("SELECT pg_reload_conf()");
    wait_until("the standby is cut off",
               [&] { return replica.holds("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)"); });
    ASSERT_EQ(bank(pair->source_conninfo(), 100).wait(), 0);
    task.run_until_now();
    promote();
    ASSERT_EQ(bank(standby_conninfo(), 2000).wait(), 0);
    const auto refused = task.call({"run"});
    EXPECT_EQ(refused.exit_code, 3) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr("the destination holds changes of that up to"));
}

// Without a slot nobody knows what was between. The tables are taken over as they are, and mended.
TEST_F(Failover, GapIsRefusedAndMended) {
    start_servers();
    make_standby();
    const Task task(*pair, {.source_conninfo = either(), .source_more = major < 17 ? "" : "failover = false\n"});
    task.run_until_now();
    wait_until_standby_has_all();
    ASSERT_EQ(bank(pair->source_conninfo(), 50).wait(), 0);
    wait_until_standby_has_all();
    promote();
    const auto refused = task.call({"run"});
    EXPECT_EQ(refused.exit_code, 3) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr("is gone"));
    EXPECT_THAT(refused.errors, HasSubstr("After a failover"));

    ASSERT_EQ(task.call({"cleanup"}).exit_code, 0);
    const Task attached(
        *pair,
        {.source_conninfo = either(), .stages = "[\"stream\"]", .source_more = major < 17 ? "" : "failover = false\n"});
    auto run = attached.start();
    attached.wait_for_stream(run);
    const auto repaired = attached.call({"repair"});
    EXPECT_EQ(repaired.exit_code, 0) << repaired.output << repaired.errors;
    ASSERT_EQ(bank(standby_conninfo(), 50).wait(), 0);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    attached.run_until_now();
    expect_equal();
}

}  // namespace
}  // namespace walferry::testing
