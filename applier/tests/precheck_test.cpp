// Goal: each check sees what it is for, and its remedy mends it; setup runs those that it may.
// Method: one case after the other is provoked on servers of its own; what precheck proposes is run as it stands.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

struct Case {
    const char *id;
    const char *at_source;       // makes it fail; {} is the database's name
    const char *at_destination;  // likewise
    bool restart = false;        // the source, after what was changed, and after the remedy
    const char *stages = "";
    const char *more = "";
    const char *source_more = "";
};

void PrintTo(const Case &one, std::ostream *out) { *out << one.id; }

Clusters &spoiled_clusters() {
    static Clusters clusters("precheck", {}, {});
    return clusters;
}

std::string with_name(std::string sql, const std::string &name) {
    for (auto at = sql.find("{}"); at != std::string::npos; at = sql.find("{}", at)) sql.replace(at, 2, name);
    return sql;
}

std::string as_user(std::string conninfo, const std::string &user) {
    return conninfo.replace(conninfo.find("user=postgres"), 13, "user=" + user);
}

// Statements one by one, as ALTER SYSTEM wants it.
void run_each(const std::string &conninfo, const std::string &sql) {
    if (!sql.empty())
        run_or_throw({"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-f", [&] {
                          const auto file = scratch_folder() + "/statements.sql";
                          write_file(file, sql);
                          return file;
                      }()});
}

// Accounts that may do what the task needs.
void make_accounts(const Pair &pair) {
    run_each(
        pair.source_conninfo(),
        "DO $$BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN DROP OWNED BY reader; END IF; END$$;"
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN REPLICATION; GRANT pg_read_all_settings TO reader;"
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); GRANT SELECT ON a TO reader");
    run_each(
        pair.destination_conninfo(),
        with_name(
            "DO $$BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'writer') THEN REVOKE SET ON PARAMETER"
            " session_replication_role FROM writer; DROP OWNED BY writer; END IF; END$$;"
            "DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN; GRANT CREATE, TEMPORARY ON DATABASE {} TO writer;"
            "GRANT CREATE ON SCHEMA public TO writer; GRANT SET ON PARAMETER session_replication_role TO writer",
            pair.name()));
}

void drop_accounts(const Pair &pair) {
    run_each(pair.source_conninfo(), "DROP OWNED BY reader; DROP ROLE reader");
    run_each(pair.destination_conninfo(),
             "REVOKE SET ON PARAMETER session_replication_role FROM writer; DROP OWNED BY writer; DROP ROLE writer");
}

class PrecheckRemedy : public ::testing::TestWithParam<Case> {
protected:
    Json finding(const Task &task) {
        const auto outcome = task.call({"precheck", "--json"});
        const auto report = Json::parse(outcome.output, nullptr, false);
        for (const auto &found : report["findings"]) {
            if (found["id"] == GetParam().id) return found;
        }
        ADD_FAILURE() << "no such check: " << outcome.output << outcome.errors;
        return {};
    }
    void restart(Pair &pair) {
        if (!GetParam().restart) return;
        pair.clusters().source.stop("fast");
        pair.clusters().source.start();
    }
};

TEST_P(PrecheckRemedy, Mends) {
    Pair pair(spoiled_clusters());
    make_accounts(pair);
    const Task task(pair, {.source_conninfo = as_user(pair.source_conninfo(), "reader"),
                           .destination_conninfo = as_user(pair.destination_conninfo(), "writer"),
                           .stages = GetParam().stages,
                           .source_more = GetParam().source_more,
                           .more = GetParam().more});
    run_each(pair.source_conninfo(), with_name(GetParam().at_source, pair.name()));
    run_each(pair.destination_conninfo(), with_name(GetParam().at_destination, pair.name()));
    restart(pair);
    Session(pair.source_conninfo()).exec("SELECT pg_reload_conf()");
    Json before;
    wait_until(
        "it is seen",
        [&] {
            before = finding(task);
            return before["severity"] == "error" || before["severity"] == "warning";
        },
        10s);
    EXPECT_NE(before["remedy"], "");
    EXPECT_NE(before["meaning"], "");
    ASSERT_FALSE(before["statements"].empty()) << before.dump(1);
    for (const auto &statement : before["statements"]) {
        run_each(statement["side"] == "source" ? pair.source_conninfo() : pair.destination_conninfo(),
                 statement["sql"].get<std::string>());
    }
    restart(pair);
    Json after;
    wait_until(
        std::string("it is mended: ") + GetParam().id,
        [&] {
            after = finding(task);
            return after["severity"] != before["severity"];
        },
        10s);
    EXPECT_NE(after["severity"], "error") << after.dump(1);
    run_each(pair.source_conninfo(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
    drop_accounts(pair);
}

INSTANTIATE_TEST_SUITE_P(
    Checks, PrecheckRemedy,
    ::testing::Values(
        Case{"source_replication_connect", "ALTER ROLE reader NOREPLICATION", ""},
        Case{"wal_level", "ALTER SYSTEM SET wal_level = 'replica'", "", true},
        Case{"max_replication_slots",
             "ALTER SYSTEM SET max_replication_slots = 1; SELECT pg_create_physical_replication_slot('full')", "",
             true},
        Case{"max_wal_senders", "ALTER SYSTEM SET max_wal_senders = 0", "", true},
        Case{"max_slot_wal_keep_size", "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'", ""},
        Case{"wal_sender_timeout", "ALTER SYSTEM SET wal_sender_timeout = '2s'", ""},
        Case{"extension", "DROP EXTENSION walferry", ""},
        Case{"ddl_capture", "ALTER DATABASE {} SET session_preload_libraries = 'auto_explain'", ""},
        Case{"slot", "SELECT pg_create_logical_replication_slot('walferry_{}', 'walferry')", ""},
        Case{"source_locks",
             "ALTER SYSTEM SET max_locks_per_transaction = 10; DO $$ BEGIN FOR i IN 1..1500 LOOP"
             " EXECUTE 'CREATE TABLE many' || i || ' ()'; END LOOP; END $$",
             "", true},
        Case{"select_privileges",
             "REVOKE SELECT ON a FROM reader; CREATE SCHEMA \"S s\"; CREATE TABLE \"S s\".\"T t\" (id int)", ""},
        Case{"sequence_privileges", "CREATE SEQUENCE s", ""},
        Case{"row_security", "ALTER TABLE a ENABLE ROW LEVEL SECURITY", ""},
        Case{"replica_identity", "CREATE TABLE k (n int); GRANT SELECT ON k TO reader", ""},
        Case{"unlogged_tables", "CREATE UNLOGGED TABLE u (id int PRIMARY KEY); GRANT SELECT ON u TO reader", ""},
        Case{"large_objects", "SELECT lo_create(4711)", ""},
        Case{
            "replica_triggers",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER tr AFTER INSERT ON a"
            " EXECUTE FUNCTION f(); ALTER TABLE a ENABLE ALWAYS TRIGGER tr",
            ""},
        Case{"destination_create", "", "REVOKE CREATE ON DATABASE {} FROM writer"},
        Case{"bookkeeping_schema", "", "CREATE SCHEMA walferry"},
        Case{"session_replication_role", "", "REVOKE SET ON PARAMETER session_replication_role FROM writer"},
        Case{"replication_origins", "", "", false, "", "[apply]\nworkers = 1\n[copy]\njobs = 1\n",
             "origin = 'local'\n"},
        Case{"write_privileges", "", "CREATE TABLE a (id int PRIMARY KEY)", false, "['copy', 'stream']"},
        Case{"destination_tables", "",
             "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); GRANT ALL ON a TO writer", false,
             "['copy', 'stream']"},
        Case{"roles", "DROP ROLE IF EXISTS \"r r\"; CREATE ROLE \"r r\"; ALTER TABLE a OWNER TO \"r r\"",
             "DROP ROLE IF EXISTS \"r r\"", false, "", "[schema]\nowners = true\n"}),
    [](const auto &one) { return std::string(one.param.id); });

// What releases that have the setting load as an output plugin; the others load any.
TEST(PrecheckSettings, OutputPlugins) {
    Pair pair(spoiled_clusters());
    make_accounts(pair);
    const Task task(pair, {.source_conninfo = as_user(pair.source_conninfo(), "reader"),
                           .destination_conninfo = as_user(pair.destination_conninfo(), "writer")});
    auto source = pair.source();
    if (source.holds("SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'output_plugin_libraries')")) {
        source.exec("ALTER SYSTEM SET output_plugin_libraries = 'pgoutput', 'wal2json'");
        source.exec("SELECT pg_reload_conf()");
        wait_until(
            "it is seen", [&] { return task.call({"precheck"}).exit_code == 8; }, 10s);
        EXPECT_THAT(task.call({"precheck"}).output, HasSubstr("error      output_plugin_libraries"));
        const auto setup =
            task.call({"setup", "--source", pair.source_conninfo(), "--destination", pair.destination_conninfo()});
        EXPECT_EQ(setup.exit_code, 0) << setup.output << setup.errors;
        EXPECT_EQ(source.value("SHOW output_plugin_libraries"), "pgoutput, wal2json, walferry");
    } else {
        EXPECT_THAT(task.call({"precheck"}).output, HasSubstr("this release has no such setting"));
    }
    drop_accounts(pair);
}

// Whatever else the setting lists stays.
TEST(PrecheckSettings, KeepWhatIsThere) {
    Pair pair(spoiled_clusters());
    make_accounts(pair);
    const std::string reader = as_user(pair.source_conninfo(), "reader");
    const Task task(
        pair, {.source_conninfo = reader, .destination_conninfo = as_user(pair.destination_conninfo(), "writer")});
    run_each(pair.source_conninfo(),
             "ALTER DATABASE " + pair.name() + " SET session_preload_libraries = 'auto_explain', 'passwordcheck'");
    const auto setup =
        task.call({"setup", "--source", pair.source_conninfo(), "--destination", pair.destination_conninfo()});
    EXPECT_EQ(setup.exit_code, 0) << setup.output << setup.errors;
    EXPECT_EQ(Session(pair.source_conninfo()).value("SHOW session_preload_libraries"),
              "auto_explain, passwordcheck, walferry");
    drop_accounts(pair);
}

TEST(Setup, MendsWhatItMay) {
    Pair pair(spoiled_clusters());
    make_accounts(pair);
    run_each(
        pair.source_conninfo(),
        "DROP EXTENSION walferry; ALTER ROLE reader NOREPLICATION; REVOKE SELECT ON a FROM reader; CREATE SEQUENCE s;"
        "CREATE TABLE k (n int); CREATE UNLOGGED TABLE u (n int); GRANT SELECT ON u TO reader");
    run_each(pair.destination_conninfo(), with_name("REVOKE CREATE ON DATABASE {} FROM writer;"
                                                    "REVOKE SET ON PARAMETER session_replication_role FROM writer",
                                                    pair.name()));
    const Task task(pair, {.source_conninfo = as_user(pair.source_conninfo(), "reader"),
                           .destination_conninfo = as_user(pair.destination_conninfo(), "writer")});
    const std::vector<std::string> as_administrator = {"--source", pair.source_conninfo(), "--destination",
                                                       pair.destination_conninfo()};
    auto dry = as_administrator;
    dry.insert(dry.begin(), {"setup", "--dry-run"});
    const auto listed = task.call(dry);
    EXPECT_EQ(listed.exit_code, 8);
    EXPECT_THAT(listed.output, HasSubstr("source: CREATE EXTENSION walferry;\n"));
    EXPECT_EQ(pair.source().number("SELECT count(*) FROM pg_extension WHERE extname = 'walferry'"), 0);

    auto wet = as_administrator;
    wet.insert(wet.begin(), "setup");
    const auto done = task.call(wet);
    EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
    for (const auto *line :
         {"source: ALTER ROLE \"reader\" REPLICATION;", "source: ALTER TABLE public.k REPLICA IDENTITY FULL;",
          "destination: GRANT SET ON PARAMETER session_replication_role TO \"writer\";"}) {
        EXPECT_THAT(done.output, HasSubstr(line));
    }
    EXPECT_EQ(pair.source().value("SELECT relpersistence FROM pg_class WHERE relname = 'u'"), "u")
        << "what costs the source something is left to the operator";
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair).find("public.a"), std::string::npos);
    EXPECT_EQ(task.call({"cleanup"}).exit_code, 0);
    run_each(pair.destination_conninfo(), "REASSIGN OWNED BY writer TO postgres");
    drop_accounts(pair);
}

TEST(PrecheckIgnore, CountsForNothing) {
    const Pair pair;
    pair.source().exec("CREATE TABLE k (n int)");
    const Task task(pair);
    const auto warned = task.call({"precheck"});
    EXPECT_THAT(warned.output, HasSubstr("1 warning"));
    const auto ignored = task.call({"precheck", "--ignore", "replica_identity"});
    EXPECT_EQ(ignored.exit_code, 0);
    EXPECT_THAT(ignored.output, HasSubstr("0 warnings, 1 ignored"));
    const auto needed = task.call({"precheck", "--ignore", "wal_level"});
    EXPECT_EQ(needed.exit_code, 1);
    EXPECT_THAT(needed.errors, HasSubstr("can't be ignored"));
    EXPECT_EQ(task.call({"precheck", "--ignore", "nosuch"}).exit_code, 1);
}

}  // namespace
}  // namespace walferry::testing
