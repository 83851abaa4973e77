// Goal: a server may crash at any moment; `run` waits for it, goes on by itself, and nothing is lost or comes twice.
// Method: immediate shutdown of clusters of this test's own, under load. The destination writes its WAL as late as it
// may (wal_writer_delay), so that a crash takes with it as many commits as possible that were not flushed.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"
#include "soak.h"

namespace walferry::testing {
namespace {

class ServerCrash : public ::testing::Test {
protected:
    std::string checkpoint() const {
        return pair.destination().value("SELECT lsn FROM walferry.checkpoint WHERE task = '" + task.name() + "'");
    }

    // What the source has now is applied by `run`.
    void wait_until_applied(Process &run) const {
        auto source = pair.source();
        const auto lsn = source.value("SELECT pg_current_wal_insert_lsn()");
        source.exec("INSERT INTO ledger (note) VALUES ('marker')");  // a commit behind it
        auto destination = pair.destination();
        wait_while_running(run, "everything up to " + lsn + " is applied", [&] {
            return destination.holds("SELECT lsn >= '" + lsn + "' FROM walferry.checkpoint WHERE task = '" +
                                     task.name() + "'");
        });
    }

    Clusters clusters{"crash", {}, {"wal_writer_delay=10s", "wal_writer_flush_after=1GB", "checkpoint_timeout=1h"}};
    Pair pair{clusters};
    Task task{pair, {.more = "[apply]\nworkers = 4\n"}};
};

TEST_F(ServerCrash, DestinationThenSource) {
    make_load_tables(pair, 2);
    auto run = task.start();
    task.wait_for_stream(run);

    {
        Load load(pair, 500);
        for (int i = 0; i < 3 * soak_factor(); ++i) {
            wait_until_applied(run);
            clusters.destination.stop("immediate");
            clusters.destination.start();
            auto destination = pair.destination();
            EXPECT_EQ(check_bank(destination), "");
            wait_until_applied(run);
        }
        wait_until_applied(run);
        clusters.source.stop("immediate");
    }
    clusters.source.start();
    Load load(pair, 500);
    wait_until_applied(run);
    clusters.source.stop("fast");
    clusters.source.start();
    Load again(pair, 500);
    again.stop();
    wait_until_applied(run);

    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// Both at once, and one soon after the other: the successor can't know what its predecessor left unflushed.
TEST_F(ServerCrash, DestinationAndApplier) {
    make_load_tables(pair, 2);
    task.run_until_now();
    Load load(pair, 500);
    for (int i = 0; i < 4 * soak_factor(); ++i) {
        auto run = task.start();
        wait_until_applied(run);
        run.kill();
        if (i % 2 == 0) {  // a successor has begun in between
            auto next = task.start();
            const auto lsn = checkpoint();
            wait_while_running(next, "the successor applies", [&] { return checkpoint() != lsn; });
            clusters.destination.stop("immediate");
            next.kill();
        } else {
            clusters.destination.stop("immediate");
        }
        clusters.destination.start();
        auto destination = pair.destination();
        EXPECT_EQ(check_bank(destination), "");
    }
    load.stop();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// While the copy runs.
TEST_F(ServerCrash, DuringTheCopy) {
    make_load_tables(pair, 5);
    auto run = task.start();
    const auto copying = [&](const Cluster &cluster) {
        Session session(cluster.conninfo(pair.name()));
        return session.holds("SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE tuples_processed > 10000)");
    };
    wait_while_running(run, "the copy runs", [&] { return copying(clusters.destination); });
    clusters.destination.stop("immediate");
    clusters.destination.start();
    wait_while_running(run, "the copy runs again, or is over",
                       [&] { return copying(clusters.source) || task.phase() == "stream"; });
    clusters.source.stop("immediate");
    clusters.source.start();
    task.wait_for_stream(run);
    Load load(pair, 500);
    load.stop();
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
