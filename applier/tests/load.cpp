// SPDX-License-Identifier: PostgreSQL
#include "load.h"

namespace walferry::testing {

namespace {

std::vector<std::string> pgbench_command(const Pair &pair, int transactions_per_second) {
    return {"pgbench",
            "-n",
            "-c",
            "4",
            "-j",
            "1",
            "-T",
            "3600",
            "-R",
            std::to_string(transactions_per_second),  //
            "-b",
            "tpcb-like@5",  //
            "-f",
            source_path("applier/tests/data/load_insert.sql@3"),
            "-f",
            source_path("applier/tests/data/load_mix.sql@3"),  //
            pair.source_conninfo()};
}

}  // namespace

void make_load_tables(const Pair &pair, int scale) {
    run_or_throw({"pgbench", "-i", "-q", "-s", std::to_string(scale), pair.source_conninfo()});
    pair.run_at_source("load_schema.sql");
}

Load::Load(const Pair &pair, int transactions_per_second)
    : source_(pair.source_conninfo()), pgbench_(pgbench_command(pair, transactions_per_second)) {
    Session source(source_);
    const auto begin = source.number("SELECT count(*) FROM ledger");
    wait_while_running(pgbench_, "the load writes",
                       [&] { return source.number("SELECT count(*) FROM ledger") > begin; });
}

void Load::stop() {
    pgbench_.kill();
    Session source(source_);
    wait_until("pgbench's sessions are gone", [&] {
        return source.holds(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE application_name = 'pgbench' AND datname = current_database())");
    });
}

std::string check_bank(Session &session) {
    return session.value(
        "SELECT format('accounts %s, tellers %s, branches %s, history %s', a, t, b, h)"
        " FROM (SELECT (SELECT sum(abalance) FROM pgbench_accounts) AS a, (SELECT sum(tbalance) FROM pgbench_tellers) AS t,"
        " (SELECT sum(bbalance) FROM pgbench_branches) AS b, (SELECT coalesce(sum(delta), 0) FROM pgbench_history) AS h) AS s"
        " WHERE a <> t OR a <> b OR a <> h");
}

}  // namespace walferry::testing
