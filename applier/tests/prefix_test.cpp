// Goal: what the destination shows is at every moment a state that the source had, however parallel it is applied.
// Method: workloads whose every state satisfies a rule that no mixture of two does, drained from a backlog and then followed
// live with four workers, while the rule is looked at in one snapshot after the other.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <iostream>

#include "compare.h"
#include "load.h"
#include "soak.h"

namespace walferry::testing {
namespace {

struct Workload {
    const char *name;
    const char *schema;
    const char *script;  // of pgbench, in tests/data
    // What is wrong, in one statement, hence in one snapshot; no row if nothing is.
    const char *rule;
};

const Workload workloads[] = {
    // pgbench's own, with so few accounts that they are soon summed up.
    {"TpcB",
     "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);"
     "INSERT INTO accounts SELECT n, 0 FROM generate_series(1, 1000) n;"
     "CREATE TABLE tellers (LIKE accounts INCLUDING ALL); INSERT INTO tellers SELECT n, 0 FROM generate_series(1, 10) n;"
     "CREATE TABLE branches (LIKE accounts INCLUDING ALL); INSERT INTO branches VALUES (1, 0);"
     "CREATE TABLE history (account int, teller int, delta int, at timestamptz)",
     "tpcb.sql",
     "SELECT a, t, b, h FROM (SELECT (SELECT sum(balance) FROM accounts) a, (SELECT sum(balance) FROM tellers) t,"
     " (SELECT sum(balance) FROM branches) b, (SELECT coalesce(sum(delta), 0) FROM history) h) s"
     " WHERE a <> t OR a <> b OR a <> h"},
    // Transfers between few accounts: every row is hot, and one is touched by every transaction.
    {"Bank",
     "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL);"
     "INSERT INTO account SELECT n, 1000 FROM generate_series(1, 8) n;"
     "CREATE TABLE ledger (debit int, credit int, amount int);"
     "CREATE TABLE counter (id int PRIMARY KEY, transfers bigint NOT NULL); INSERT INTO counter VALUES (1, 0)",
     "bank.sql",
     "SELECT 'sum ' || s, 'rows ' || n, 'transfers ' || t FROM (SELECT (SELECT sum(balance) FROM account) s,"
     " (SELECT count(*) FROM ledger) n, (SELECT transfers FROM counter) t) q WHERE s <> 8000 OR n <> t"},
    // A row is inserted, updated, deleted, each by a transaction of its own that also says so elsewhere.
    {"Chain",
     "CREATE SEQUENCE chain_id; CREATE TABLE chain (id int PRIMARY KEY, state int NOT NULL);"
     "CREATE TABLE progress (id int PRIMARY KEY, state int NOT NULL)",
     "chain.sql",
     "SELECT id, c.state, p.state FROM progress p FULL JOIN chain c USING (id)"
     " WHERE CASE p.state WHEN 3 THEN c.id IS NOT NULL ELSE c.state IS DISTINCT FROM p.state END LIMIT 5"},
};

class Prefix : public ::testing::TestWithParam<Workload> {
protected:
    static Process pgbench(const Pair &pair, const std::string &script, int transactions) {
        return Process({"pgbench", "-n", "-M", "prepared", "-c", "4", "-t", std::to_string(transactions), "-f",
                        source_path("applier/tests/data/" + script), pair.source_conninfo()});
    }
};

// Looks until `over`; how often.
template <class Over>
int look(Session &session, const std::string &rule, Process &run, Over over) {
    int looks = 0;
    while (!over()) {
        EXPECT_EQ(session.value("SELECT coalesce(string_agg(w::text, ' '), '') FROM (" + rule + ") w"), "")
            << "after " << looks << " looks";
        if (::testing::Test::HasFailure()) return looks;
        if (!run.running()) throw std::runtime_error("the run has ended: " + run.errors());
        ++looks;
    }
    return looks;
}

TEST_P(Prefix, IsTrueAtEveryMoment) {
    const Workload &workload = GetParam();
    const Pair pair;
    pair.source().exec(workload.schema);
    const Task task(pair, {.more = "[apply]\nworkers = 4\n"});
    task.run_until_now();
    const int transactions = 2000 * soak_factor();
    ASSERT_EQ(pgbench(pair, workload.script, transactions).wait(600s), 0);  // the backlog

    auto run = task.start();
    auto live = pgbench(pair, workload.script, transactions);
    auto destination = pair.destination();
    int looks = look(destination, workload.rule, run, [&] { return !live.running(); });
    ASSERT_EQ(live.wait(), 0) << live.errors();
    auto source = pair.source();
    const auto end = source.value("SELECT pg_current_wal_insert_lsn()");
    source.exec("SELECT pg_logical_emit_message(true, 'x', 'x')");  // a commit behind it
    looks += look(destination, workload.rule, run,
                  [&] { return destination.holds("SELECT flushed_lsn >= '" + end + "' FROM walferry.progress"); });
    EXPECT_GT(looks, 100);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    std::cout << looks << " looks at the destination" << std::endl;
}

INSTANTIATE_TEST_SUITE_P(Prefix, Prefix, ::testing::ValuesIn(workloads),
                         [](const auto &workload) { return workload.param.name; });

}  // namespace
}  // namespace walferry::testing
