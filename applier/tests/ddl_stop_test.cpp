// Goal: a DDL statement that can't be applied, or shall not be, stops the task in front of its transaction, with an
// explanation and three ways out; what the task file leaves out is left out, and noted; few rights suffice.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The object of `walferry ddl list --json` with that id, wherever it stands in the answer.
nlohmann::json find_statement(const nlohmann::json &answer, const std::string &id) {
    if (answer.is_object() && answer.contains("id")) {
        const auto &own = answer["id"];
        if ((own.is_string() ? own.get<std::string>() : own.dump()) == id) return answer;
    }
    if (!answer.is_structured()) return {};
    for (const auto &part : answer) {
        auto found = find_statement(part, id);
        if (!found.is_null()) return found;
    }
    return {};
}

class DdlStop : public ::testing::Test {
protected:
    void SetUp() override {
        source.exec(
            "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY);"
            "INSERT INTO a SELECT n, 'v' FROM generate_series(1, 10) n");
        task.run_until_now();
        ASSERT_EQ(compare(pair), "");
    }

    // Three transactions; the middle one holds the statement, which is remembered, between changes that are all right.
    void three_transactions(const std::string &ddl) {
        source.exec("INSERT INTO b VALUES (1)");
        source.exec("BEGIN; INSERT INTO b VALUES (2); " + ddl + "; INSERT INTO b VALUES (3); COMMIT");
        source.exec("INSERT INTO b VALUES (4)");
        remember(ddl);
    }
    void remember(const std::string &ddl) {
        statement = ddl;
        id = source.value("SELECT max(id) FROM walferry.ddl_log WHERE statement = " +
                          source.connection().quote_literal(ddl));
        ASSERT_NE(id, "");
    }

    std::string rows_of_b() { return destination.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM b"); }

    // The run stops, and says all that the operator has to know; again and again, until somebody acts.
    void expect_stop(const std::string &servers_error) {
        for (int i = 0; i < 2; ++i) {
            const auto run = task.call({"run", "--until", "now"});
            EXPECT_EQ(run.exit_code, 5) << run.errors;
            EXPECT_THAT(run.errors, AllOf(HasSubstr(statement), HasSubstr(id), HasSubstr(servers_error)));
            EXPECT_THAT(run.errors, AllOf(HasSubstr("walferry run"), HasSubstr("walferry ddl skip"),
                                          HasSubstr("walferry ddl done"), HasSubstr(task.file())));
            EXPECT_EQ(rows_of_b(), "1");
        }
        EXPECT_EQ(state(), "failed");
        const auto listed = list();
        EXPECT_EQ(listed.value("statement", ""), statement) << listed;
        EXPECT_THAT(listed.value("reason", ""), HasSubstr(servers_error)) << listed;
        EXPECT_THAT(task.call({"ddl", "list"}).output, AllOf(HasSubstr(id), HasSubstr("failed")));
        const auto status = task.call({"status"});
        EXPECT_EQ(status.exit_code, 0) << status.errors;
        EXPECT_THAT(status.output, HasSubstr(id)) << "the status tells why the task stopped";
    }

    nlohmann::json list() {
        const auto listed = task.call({"ddl", "list", "--json"});
        EXPECT_EQ(listed.exit_code, 0) << listed.errors;
        const auto answer = nlohmann::json::parse(listed.output, nullptr, false);
        EXPECT_FALSE(answer.is_discarded()) << listed.output;
        return find_statement(answer, id);
    }
    // As both the program and the table tell.
    std::string state() {
        const auto listed = list();
        auto noted =
            destination.value("SELECT state FROM walferry.ddl WHERE task = '" + task.name() + "' AND id = " + id);
        EXPECT_EQ(listed.is_object() ? listed.value("state", "none") : "not listed", noted) << listed;
        return noted;
    }

    Outcome decide(const std::string &verb, const std::string &chosen_id) {
        return run({walferry_program(), "ddl", verb, task.file(), chosen_id});
    }

    const Pair pair;
    const Task task{pair};
    Session source = pair.source();
    Session destination = pair.destination();
    std::string statement;
    std::string id;
};

TEST_F(DdlStop, CauseCorrected) {
    destination.exec("ALTER TABLE a RENAME TO elsewhere");
    three_transactions("ALTER TABLE a ADD COLUMN n int DEFAULT 7 CHECK (n > 0)");
    expect_stop("relation \"a\" does not exist");
    destination.exec("ALTER TABLE elsewhere RENAME TO a");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(state(), "applied");
}

TEST_F(DdlStop, StatementSkipped) {
    destination.exec("CREATE TABLE taken (only_here int)");
    three_transactions("CREATE INDEX taken ON a (v)");
    expect_stop("relation \"taken\" already exists");
    const auto skip = decide("skip", id);
    EXPECT_EQ(skip.exit_code, 0) << skip.errors;
    EXPECT_EQ(rows_of_b(), "1") << "a decision is not yet a run";
    task.run_until_now();
    EXPECT_EQ(rows_of_b(), "1 2 3 4");
    EXPECT_THAT(state(), AnyOf("skip", "skipped"));
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"), 1);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_class WHERE relname = 'taken' AND relkind = 'r'"), 1);
    // It holds for this statement alone.
    source.exec("CREATE INDEX other ON a (v); INSERT INTO b VALUES (5)");
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"), 2);
}

TEST_F(DdlStop, StatementDoneByHand) {
    destination.exec("CREATE TABLE taken (only_here int)");
    three_transactions("CREATE INDEX taken ON a (v)");
    expect_stop("relation \"taken\" already exists");
    destination.exec("DROP TABLE taken; CREATE INDEX taken ON a (v)");
    const auto done = decide("done", id);
    EXPECT_EQ(done.exit_code, 0) << done.errors;
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_THAT(state(), AnyOf("done", "applied"));
}

// The rows that a rewrite of the skipped statement made are not put into a table without its column.
TEST_F(DdlStop, RewriteSkippedOrDoneByHand) {
    destination.exec("ALTER TABLE a ADD COLUMN taken text DEFAULT 'only here'");
    three_transactions("ALTER TABLE a ADD COLUMN taken float8 DEFAULT random()");
    expect_stop("column \"taken\" of relation \"a\" already exists");
    EXPECT_EQ(destination.number("SELECT count(*) FROM a WHERE taken = 'only here'"), 10);
    const auto skip = decide("skip", id);
    EXPECT_EQ(skip.exit_code, 0) << skip.errors;
    task.run_until_now();
    EXPECT_EQ(rows_of_b(), "1 2 3 4");
    EXPECT_EQ(destination.number("SELECT count(*) FROM a WHERE taken = 'only here'"), 10);
    EXPECT_EQ(destination.number("SELECT count(*) FROM a"), 10);

    source.exec("ALTER TABLE b ADD COLUMN r float8 DEFAULT random()");
    remember("ALTER TABLE b ADD COLUMN r float8 DEFAULT random()");
    destination.exec("ALTER TABLE b ADD COLUMN r float8 DEFAULT 0");
    EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 5);
    const auto done = decide("done", id);
    EXPECT_EQ(done.exit_code, 0) << done.errors;
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(*) FROM b"), 4);
}

// Before anything has failed, too; and what nobody can decide is said.
TEST_F(DdlStop, DecisionsThatMakeNoSense) {
    three_transactions("CREATE INDEX good ON a (v)");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    for (const auto *verb : {"skip", "done"}) {
        EXPECT_NE(decide(verb, id).exit_code, 0) << "it has been applied already";
        EXPECT_NE(decide(verb, "not-a-number").exit_code, 0);
        EXPECT_NE(decide(verb, "-1").exit_code, 0);
    }
    EXPECT_EQ(state(), "applied");
    source.exec("INSERT INTO b VALUES (5)");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// A source that was set back, or another one, may give a number again: a decision is about a statement.
TEST_F(DdlStop, DecisionAboutAnotherStatement) {
    const auto decided = [&](const std::string &lsn, const std::string &text) {
        destination.exec("INSERT INTO walferry.ddl (task, id, source_lsn, tag, statement, state) VALUES ('" +
                         task.name() + "', " + id + ", '" + lsn + "', 'CREATE INDEX', '" + text + "', 'skip')");
    };
    three_transactions("CREATE INDEX good ON a (v)");
    decided("0/1", statement);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(state(), "applied");
    source.exec("TRUNCATE b");
    task.run_until_now();
    destination.exec("CREATE TABLE taken (only_here int)");
    three_transactions("CREATE INDEX taken ON a (v)");
    decided(source.value("SELECT lsn FROM walferry.ddl_log WHERE id = " + id), "DROP TABLE b");
    expect_stop("relation \"taken\" already exists");
}

// Several in one transaction: each is told and decided by itself.
TEST_F(DdlStop, SecondStatementOfATransaction) {
    destination.exec("CREATE TABLE second (only_here int); CREATE TABLE third (only_here int)");
    source.exec("INSERT INTO b VALUES (1)");
    source.exec(
        "BEGIN; CREATE INDEX first ON a (v); INSERT INTO b VALUES (2); CREATE INDEX second ON a (v, id);"
        "CREATE INDEX third ON a (id, v); INSERT INTO b VALUES (3); COMMIT");
    remember("CREATE INDEX second ON a (v, id)");
    expect_stop("relation \"second\" already exists");
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"), 1)
        << "nothing of it remains";
    EXPECT_EQ(decide("skip", id).exit_code, 0);
    remember("CREATE INDEX third ON a (id, v)");
    expect_stop("relation \"third\" already exists");
    EXPECT_EQ(decide("skip", id).exit_code, 0);
    task.run_until_now();
    EXPECT_EQ(rows_of_b(), "1 2 3");
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"), 2);
}

// Outside a transaction the same ways lead out.
TEST_F(DdlStop, ConcurrentlyMadeIndex) {
    destination.exec("CREATE TABLE taken (only_here int)");
    source.exec("INSERT INTO b VALUES (1)");
    source.exec("CREATE INDEX CONCURRENTLY taken ON a (v)");
    source.exec("INSERT INTO b VALUES (2)");
    remember("CREATE INDEX CONCURRENTLY taken ON a (v)");
    expect_stop("taken");
    destination.exec("DROP TABLE taken");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(state(), "applied");

    destination.exec("INSERT INTO a VALUES (100, 'twice'), (101, 'twice')");
    source.exec("CREATE UNIQUE INDEX CONCURRENTLY one ON a (v) WHERE id >= 100");
    remember("CREATE UNIQUE INDEX CONCURRENTLY one ON a (v) WHERE id >= 100");
    const auto ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 5) << ran.errors;
    EXPECT_THAT(ran.errors, AllOf(HasSubstr(statement), HasSubstr("could not create unique index")));
    destination.exec("DELETE FROM a WHERE id >= 100");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
}

// What would take objects along that the destination alone has is not done in silence.
TEST_F(DdlStop, ObjectsThatOnlyTheDestinationHas) {
    destination.exec("CREATE VIEW local AS SELECT v FROM a");
    three_transactions("ALTER TABLE a DROP COLUMN v CASCADE");
    expect_stop("local");
    EXPECT_EQ(destination.number("SELECT count(*) FROM local"), 10);
    destination.exec("DROP VIEW local");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// A lock that somebody holds is waited for, and not for ever.
class DdlLocks : public DdlStop {
protected:
    void hold() { blocker.exec("BEGIN; SELECT FROM a LIMIT 1"); }

    Session blocker = pair.destination();
    const std::string pid = blocker.value("SELECT pg_backend_pid()");
    const Task impatient{pair, {.more = "[ddl]\nlock_timeout_seconds = 1\nlock_retry_seconds = 2\n"}};
    const Task patient{pair, {.more = "[ddl]\nlock_timeout_seconds = 1\nlock_retry_seconds = 60\n"}};
};

TEST_F(DdlLocks, GivesUpAndNamesTheBlocker) {
    hold();
    three_transactions("ALTER TABLE a ADD COLUMN n int");
    const auto began = std::chrono::steady_clock::now();
    const auto ran = impatient.call({"run", "--until", "now"});
    EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
    EXPECT_EQ(ran.exit_code, 5) << ran.errors;
    EXPECT_THAT(ran.errors, AllOf(HasSubstr(pid), HasSubstr(statement), HasSubstr(id)));
    EXPECT_EQ(rows_of_b(), "1");
    blocker.exec("ROLLBACK");
    impatient.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(state(), "applied");
}

TEST_F(DdlLocks, GoesOnWhenTheLockIsReleased) {
    hold();
    auto run = patient.start();
    three_transactions("ALTER TABLE a ADD COLUMN r float8 DEFAULT random()");
    wait_while_running(run, "the blocker is told", [&] { return run.errors().find(pid) != std::string::npos; });
    EXPECT_EQ(rows_of_b(), "1");
    // Readers who came later are not held up for as long as the blocker stays.
    auto reader = pair.destination();
    reader.exec("SET lock_timeout = '20s'");
    EXPECT_EQ(reader.number("SELECT count(*) FROM a"), 10);
    blocker.exec("ROLLBACK");
    wait_while_running(run, "it goes on", [&] { return rows_of_b() == "1 2 3 4"; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    patient.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl WHERE state = 'applied' AND id = " + id), 1);
}

TEST_F(DdlLocks, StopIsHeardWhileItWaits) {
    hold();
    auto run = patient.start();
    three_transactions("DROP TABLE a");
    wait_while_running(run, "it waits", [&] {
        return blocker.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass)");
    });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    blocker.exec("ROLLBACK");
    patient.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// What the task file says of classes of statements.
class DdlPolicies : public ::testing::Test {
protected:
    std::string states(const std::string &statement) {
        return destination.value("SELECT string_agg(state, ' ' ORDER BY id) FROM walferry.ddl WHERE statement ~ '" +
                                 statement + "'");
    }

    const Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
};

TEST_F(DdlPolicies, IndexesSkipped) {
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const Task task(pair, {.more = "[ddl]\nindexes = \"skip\"\n"});
    task.run_until_now();
    source.exec("CREATE INDEX i1 ON a (v); ALTER TABLE a ADD COLUMN n int; INSERT INTO a VALUES (1, 'v', 1)");
    source.exec("CREATE INDEX CONCURRENTLY i2 ON a (n)");
    source.exec("ALTER INDEX i2 RENAME TO i3; DROP INDEX i1; CREATE TABLE c (id int PRIMARY KEY, u int UNIQUE)");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
    EXPECT_EQ(
        destination.value("SELECT string_agg(indexname, ' ' ORDER BY 1) FROM pg_indexes WHERE schemaname = 'public'"),
        "a_pkey c_pkey c_u_key");
    EXPECT_EQ(states("INDEX"), "skipped skipped skipped skipped");
    EXPECT_EQ(states("TABLE"), "applied applied");
    EXPECT_THAT(task.call({"ddl", "list"}).output, HasSubstr("skipped"));
}

TEST_F(DdlPolicies, ViewsStop) {
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair, {.more = "[ddl]\nviews = \"stop\"\n"});
    task.run_until_now();
    source.exec("INSERT INTO a VALUES (1)");
    source.exec("BEGIN; INSERT INTO a VALUES (2); CREATE VIEW w AS SELECT * FROM a; COMMIT");
    source.exec("CREATE VIEW w2 AS SELECT * FROM w; INSERT INTO a VALUES (3)");
    const auto id = source.value("SELECT max(id) FROM walferry.ddl_log WHERE statement ~ 'VIEW w AS'");
    const auto ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 5) << ran.errors;
    EXPECT_THAT(ran.errors, AllOf(HasSubstr("CREATE VIEW w AS SELECT * FROM a"), HasSubstr(id), HasSubstr("views")));
    EXPECT_EQ(destination.number("SELECT count(*) FROM a"), 1);
    destination.exec("CREATE VIEW w AS SELECT * FROM a");
    EXPECT_EQ(run({walferry_program(), "ddl", "done", task.file(), id}).exit_code, 0);
    EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 5) << "the next view";
    EXPECT_EQ(destination.number("SELECT count(*) FROM a"), 2);
    // The task file is changed: the operator has seen enough.
    auto text = read_file(task.file());
    text.replace(text.find("\"stop\""), 6, "\"replicate\"");
    write_file(task.file(), text);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST_F(DdlPolicies, RolesPublicationsAndEventTriggersStayAway) {
    Session(pair.clusters().source.conninfo()).exec("DROP ROLE IF EXISTS of_the_source");
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    source.exec(
        "CREATE ROLE of_the_source; ALTER ROLE of_the_source LOGIN PASSWORD 'unheard of'; GRANT SELECT ON a TO of_the_source");
    source.exec("CREATE PUBLICATION p FOR ALL TABLES; ALTER PUBLICATION p SET (publish = 'insert')");
    source.exec(
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER g ON sql_drop EXECUTE FUNCTION f()");
    source.exec("INSERT INTO a VALUES (1); ALTER TABLE a ADD COLUMN v text");
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_roles WHERE rolname = 'of_the_source'"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_publication"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_event_trigger WHERE evtname = 'g'"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'v'"),
              1);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_proc WHERE proname = 'f'"), 1);
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl d WHERE d::text ~ 'unheard of'"), 0);
    source.exec(
        "DROP EVENT TRIGGER g; DROP PUBLICATION p; REVOKE ALL ON a FROM of_the_source; DROP ROLE of_the_source");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST_F(DdlPolicies, UnselectedObjectsStayAway) {
    source.exec(
        "CREATE SCHEMA app; CREATE SCHEMA other; CREATE TABLE app.a (id int PRIMARY KEY); CREATE TABLE app.keep (id int PRIMARY KEY);"
        "CREATE TABLE other.b (id int PRIMARY KEY); CREATE VIEW other.w AS SELECT * FROM other.b");
    const Task task(pair,
                    {.more = "[objects]\ninclude = ['app.*']\nexclude = ['app.audit_*']\nallow_unmatched = true\n"});
    task.run_until_now();
    destination.exec(
        "CREATE SCHEMA IF NOT EXISTS other; CREATE TABLE other.b (local int); CREATE VIEW other.w AS SELECT * FROM other.b");
    source.exec(
        "ALTER TABLE other.b ADD COLUMN r float8 DEFAULT random(); CREATE INDEX ON other.b (r); CREATE TABLE other.c AS SELECT 1 AS n");
    source.exec(
        "CREATE TABLE app.audit_log (id int PRIMARY KEY); ALTER TABLE app.audit_log ADD COLUMN r float8 DEFAULT random()");
    source.exec(
        "CREATE SCHEMA third CREATE TABLE d (n int); COMMENT ON TABLE third.d IS 'unselected'; CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    source.exec("CREATE TABLE app.e (id bigserial PRIMARY KEY); INSERT INTO app.e SELECT FROM generate_series(1, 5)");
    source.exec("INSERT INTO app.audit_log VALUES (1); INSERT INTO other.b VALUES (1); INSERT INTO app.a VALUES (1)");
    task.run_until_now();
    EXPECT_EQ(
        destination.value(
            "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'other.b'::regclass AND attnum > 0"),
        "local");
    EXPECT_EQ(
        destination.value(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname IN ('app', 'other', 'third') AND relkind IN ('r', 'v')"),
        "a b e keep w");
    EXPECT_EQ(destination.number("SELECT count(*) FROM app.e"), 5);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_proc WHERE pronamespace = 'other'::regnamespace"), 0);

    // Lists are cut to what is selected.
    source.exec("DROP VIEW other.w; INSERT INTO app.keep VALUES (1)");
    source.exec("DROP TABLE app.a, other.b");
    source.exec("DROP TABLE IF EXISTS other.c, app.audit_log, third.d");
    source.exec("DROP SCHEMA third CASCADE");
    task.run_until_now();
    EXPECT_EQ(
        destination.value(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname IN ('app', 'other') AND relkind IN ('r', 'v')"),
        "b e keep w");
    EXPECT_EQ(destination.number("SELECT count(*) FROM app.keep"), 1);
    EXPECT_EQ(destination.number(
                  "SELECT count(*) FROM walferry.ddl WHERE state = 'applied' AND statement ~ 'audit_log|third'"),
              0);
}

// Accounts that may do what the documentation asks for, and no more.
TEST(DdlLeastPrivilege, PlainAccounts) {
    const Pair pair;
    auto &clusters = pair.clusters();
    Session(clusters.source.conninfo())
        .exec("DROP ROLE IF EXISTS ddl_reader; CREATE ROLE ddl_reader LOGIN REPLICATION PASSWORD 'x'");
    Session(clusters.destination.conninfo())
        .exec(
            "DROP ROLE IF EXISTS ddl_owner; CREATE ROLE ddl_owner LOGIN PASSWORD 'x'; GRANT SET ON PARAMETER session_replication_role TO ddl_owner;"
            "ALTER DATABASE " +
            pair.name() + " OWNER TO ddl_owner");
    auto source = pair.source();
    source.exec(
        "CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO ddl_reader; ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO ddl_reader;"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON SEQUENCES TO ddl_reader;"
        "CREATE TABLE app.a (id serial PRIMARY KEY, v text); INSERT INTO app.a (v) SELECT n FROM generate_series(1, 100) n;"
        "CREATE TABLE app.b (id int REFERENCES app.a)");
    const Task task(
        pair, {.source_conninfo = clusters.source.tcp_conninfo(pair.name(), "ddl_reader") + " password=x",
               .destination_conninfo = clusters.destination.tcp_conninfo(pair.name(), "ddl_owner") + " password=x"});
    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 0) << precheck.output << precheck.errors;
    task.run_until_now();
    ASSERT_EQ(compare(pair), "");
    source.exec("ALTER TABLE app.a ADD COLUMN r float8 DEFAULT random(), ADD COLUMN at timestamptz DEFAULT now()");
    source.exec("CREATE TABLE app.c AS SELECT *, random() AS q FROM app.a; ALTER TABLE app.c ADD PRIMARY KEY (id)");
    source.exec("CREATE INDEX CONCURRENTLY ON app.c (q)");
    source.exec(
        "CREATE VIEW app.w AS SELECT * FROM app.c; CREATE MATERIALIZED VIEW app.m AS SELECT count(*) FROM app.c;"
        "CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g BEFORE INSERT ON app.c FOR EACH ROW EXECUTE FUNCTION app.f(); CREATE TYPE app.mood AS ENUM ('sad');"
        "COMMENT ON TABLE app.c IS 'a comment'; CREATE SEQUENCE app.s; GRANT SELECT ON app.c TO ddl_reader;"
        "ALTER TABLE app.c ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.c USING (true); CREATE EXTENSION hstore SCHEMA app");
    source.exec(
        "UPDATE app.c SET q = 0 WHERE id % 7 = 0; BEGIN; ALTER TABLE app.a RENAME v TO w; TRUNCATE app.b; DELETE FROM app.a WHERE id = 1; COMMIT");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(
        pair.destination().value("SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'app'"),
        "ddl_owner");
    const auto cleanup = task.call({"cleanup"});
    EXPECT_EQ(cleanup.exit_code, 0) << cleanup.errors;
}

// With owners copied, a statement is run by the role that ran it, and what it makes is that role's.
TEST(DdlLeastPrivilege, StatementsOfTheirRoles) {
    const Pair pair;
    for (auto *cluster : {&pair.clusters().source, &pair.clusters().destination}) {
        Session(cluster->conninfo())
            .exec(
                "DROP ROLE IF EXISTS ddl_author, ddl_other; CREATE ROLE ddl_author LOGIN; CREATE ROLE ddl_other LOGIN");
    }
    auto source = pair.source();
    source.exec(
        "CREATE SCHEMA app AUTHORIZATION ddl_author; CREATE TABLE app.a (id int PRIMARY KEY); ALTER TABLE app.a OWNER TO ddl_author");
    const Task task(pair, {.more = "[schema]\nowners = true\ngrants = true\n"});
    task.run_until_now();
    auto conninfo = pair.source_conninfo();
    conninfo.replace(conninfo.find("user=postgres"), 13, "user=ddl_author");
    Session author(conninfo);
    author.exec(
        "CREATE TABLE app.b AS SELECT id, random() AS r FROM app.a; ALTER TABLE app.a ADD COLUMN r float8 DEFAULT random()");
    author.exec(
        "GRANT SELECT ON app.b TO ddl_other; CREATE VIEW app.w AS SELECT * FROM app.b; ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO ddl_other");
    author.exec("CREATE TABLE app.c (id int PRIMARY KEY, who text DEFAULT current_user); INSERT INTO app.c VALUES (1)");
    author.exec("ALTER TABLE app.c ADD COLUMN added text DEFAULT current_user");
    source.exec(
        "CREATE TABLE app.d (id int PRIMARY KEY); CREATE TABLE app.e (id int PRIMARY KEY); ALTER TABLE app.e OWNER TO ddl_other");
    source.exec("CREATE SCHEMA auth AUTHORIZATION ddl_other CREATE TABLE f (id int PRIMARY KEY)");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    auto destination = pair.destination();
    const std::string owners =
        "SELECT string_agg(tablename || ' ' || tableowner, ', ' ORDER BY tablename) FROM pg_tables WHERE schemaname IN ('app', 'auth')";
    const std::string privileges =
        "SELECT string_agg(relname || ' ' || relacl::text, ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'app'::regnamespace";
    EXPECT_EQ(destination.value(owners), source.value(owners));
    EXPECT_THAT(destination.value(owners),
                AllOf(HasSubstr("b ddl_author"), HasSubstr("e ddl_other"), Not(HasSubstr("c postgres"))));
    EXPECT_EQ(destination.value(privileges), source.value(privileges));
    source.exec("REASSIGN OWNED BY ddl_other TO ddl_author");
    task.run_until_now();
    EXPECT_EQ(destination.value(owners), source.value(owners));
}

}  // namespace
}  // namespace walferry::testing
