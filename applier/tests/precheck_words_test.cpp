// Goal: checks whose remedy is no statement see what they are for as well, say what to do, and are content when it is done.
// Method: each is provoked on servers of its own, then what it asks for is done.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"
#include "wiretap.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Clusters &plain_clusters() {
    static Clusters clusters("words", {}, {});
    return clusters;
}

class PrecheckWords : public ::testing::Test {
protected:
    static Json finding(const Task &task, const std::string &id) {
        const auto outcome = task.call({"precheck", "--json"});
        const auto report = Json::parse(outcome.output, nullptr, false);
        if (report.is_object()) {
            for (const auto &found : report["findings"]) {
                if (found["id"] == id) return found;
            }
        }
        ADD_FAILURE() << "no finding " << id << ": " << outcome.output << outcome.errors;
        return {};
    }
    static std::string severity(const Task &task, const std::string &id) { return finding(task, id)["severity"]; }
    static void expect_found(const Task &task, const std::string &id, const std::string &severity,
                             const std::string &remedy) {
        const auto found = finding(task, id);
        EXPECT_EQ(found["severity"], severity) << found.dump(1);
        EXPECT_THAT(found["remedy"].get<std::string>(), HasSubstr(remedy)) << found.dump(1);
        EXPECT_NE(found["meaning"], "") << found.dump(1);
    }
    static void expect_ok(const Task &task, const std::string &id) {
        const auto found = finding(task, id);
        EXPECT_EQ(found["severity"], "ok") << found.dump(1);
    }
    // A task that makes the check fail, and one as the remedy has it.
    void expect_by_file(const std::string &id, const TaskOptions &wrong, const TaskOptions &right,
                        const std::string &remedy) {
        SCOPED_TRACE(id);
        expect_found(Task(pair_, wrong), id, "error", remedy);
        expect_ok(Task(pair_, right), id);
    }

    const Pair pair_{plain_clusters()};
    Session source_ = pair_.source();
    Session destination_ = pair_.destination();
};

TEST_F(PrecheckWords, TheTaskFile) {
    source_.exec("CREATE TABLE a (id int PRIMARY KEY, n int)");
    expect_by_file("source_connect", {.source_conninfo = pair_.source_conninfo() + " user=nobody_here"}, {},
                   "conninfo");
    expect_by_file("destination_connect", {.destination_conninfo = "host=127.0.0.1 port=1 dbname=x connect_timeout=2"},
                   {}, "Check host, port");
    expect_by_file("same_server", {.destination_conninfo = pair_.source_conninfo()}, {}, "Change \"conninfo\"");
    expect_by_file("tables_selected", {.more = "[objects]\ninclude = ['nosuch.*']\nallow_unmatched = true\n"}, {},
                   "Change \"include\"");
    expect_by_file("patterns", {.more = "[objects]\ninclude = ['*.*']\nexclude = ['public.nosuch']\n"},
                   {.more = "[objects]\ninclude = ['*.*']\nexclude = ['public.a']\n"}, "Correct the pattern");
    expect_by_file("table_settings", {.more = "[[tables]]\nname = 'public.a'\nwhere = 'm > 1'\n"},
                   {.more = "[[tables]]\nname = 'public.a'\nwhere = 'id > 1'\n"}, "Correct [[tables]]");
    source_.exec("CREATE SCHEMA other");
    expect_by_file("mapped_names", {.more = "[map]\nschemas = { other = 'public' }\n"},
                   {.more = "[map]\nschemas = { other = 'elsewhere' }\n"}, "Give one of them another name");
    source_.exec(
        "SET check_function_bodies = off; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM other.t'");
    expect_found(Task(pair_, {.more = "[map]\nschemas = { other = 'elsewhere' }\n"}), "mapped_names", "warning",
                 "search_path");
    expect_found(Task(pair_, {.more = "[apply]\nspool_folder = '/nosuch'\n"}), "disk_space", "error", "spool_folder");
    expect_found(Task(pair_, {.more = "[apply]\nspool_folder = '/proc'\n"}), "disk_space", "warning", "roomier");
    EXPECT_EQ(severity(Task(pair_), "disk_space"), "info");
    expect_by_file("pg_dump", {.more = "[schema]\npg_bin = '/nosuch'\n"}, {}, "pg_bin");
}

TEST_F(PrecheckWords, TheServers) {
    const Task task(pair_);
    source_.exec("CREATE TABLE a (id int PRIMARY KEY)");
    auto writer = pair_.source();
    writer.exec("BEGIN; INSERT INTO a VALUES (1)");

    // The files of both servers' extensions are the same here, so one is given another name in the catalog.
    source_.exec(
        "CREATE EXTENSION citext; SET allow_system_table_mods = on;"
        "UPDATE pg_extension SET extname = 'nosuch' WHERE extname = 'citext'");
    expect_found(task, "extensions_available", "error", "apt-cache search");
    source_.exec("UPDATE pg_extension SET extname = 'citext' WHERE extname = 'nosuch'");
    expect_ok(task, "extensions_available");

    source_.exec("UPDATE pg_extension SET extname = 'timescaledb' WHERE extname = 'citext'");
    expect_found(task, "table_storage", "error", "--ignore table_storage");
    source_.exec("UPDATE pg_extension SET extname = 'citext' WHERE extname = 'timescaledb'");
    expect_ok(task, "table_storage");

    source_.exec("CREATE EXTENSION pg_stat_statements VERSION '1.4'");
    expect_found(task, "extension_versions", "warning", "ALTER EXTENSION ... UPDATE");
    source_.exec("ALTER EXTENSION pg_stat_statements UPDATE");
    expect_ok(task, "extension_versions");

    source_.exec("UPDATE pg_proc SET probin = '$libdir/nosuch' WHERE oid = 'walferry.library_version'::regproc");
    expect_found(task, "plugin_library", "error", "make install-plugin");
    source_.exec("DROP EXTENSION walferry; CREATE EXTENSION walferry");
    expect_ok(task, "plugin_library");

    destination_.exec("CREATE DATABASE other_collation TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'");
    expect_found(Task(pair_, {.destination_conninfo = plain_clusters().destination.conninfo("other_collation")}),
                 "collation", "warning", "LC_COLLATE");
    expect_ok(task, "collation");
    destination_.exec("DROP DATABASE other_collation");

    wait_until("it is long", [&] { return severity(task, "long_transactions") == "warning"; });
    expect_found(task, "long_transactions", "warning", "pg_stat_activity");
    writer.exec("COMMIT");
    expect_ok(task, "long_transactions");
}

// Servers that can't be had here: the line to them tells what they would.
TEST_F(PrecheckWords, PoolersAndOldServers) {
    using namespace std::string_literals;
    source_.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const auto task_over = [&](const std::pair<std::string, std::string> &lie, const auto &look) {
        const Wiretap source(pair_.source_conninfo(), lie);
        const Wiretap destination(pair_.destination_conninfo(), lie);
        look(Task(pair_, {.source_conninfo = source.conninfo()}),
             Task(pair_, {.destination_conninfo = destination.conninfo()}));
    };
    // The message BackendKeyData: type, length, process, key.
    task_over({"K\0\0\0\x0c\0"s, "K\0\0\0\x0c\1"s}, [](const Task &from, const Task &to) {
        expect_found(from, "source_pooler", "warning", "pool_mode = session");
        expect_ok(from, "destination_pooler");
        expect_found(to, "destination_pooler", "warning", "pool_mode = session");
        expect_ok(to, "source_pooler");
    });
    const auto major = "server_version\0"s + std::to_string(source_.connection().server_version() / 10000);
    task_over({major, "server_version\0"s + "14"}, [](const Task &from, const Task &to) {
        expect_found(from, "source_version", "error", "Upgrade the source");
        expect_found(to, "destination_version", "warning", "or a newer one");
        expect_ok(from, "destination_version");
        expect_ok(to, "source_version");
    });
}

TEST_F(PrecheckWords, Standby) {
    source_.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Cluster standby("words-standby", plain_clusters().source, {});
    const Task task(pair_, {.source_conninfo = standby.conninfo(pair_.name())});
    const bool decodes = source_.connection().server_version() >= 160000;
    expect_found(task, "source_is_standby", decodes ? "warning" : "error", "Name the primary");
    expect_ok(Task(pair_), "source_is_standby");
}

TEST_F(PrecheckWords, Encodings) {
    const Pair unlike(plain_clusters(), {"EUC_JP", "LATIN1"});
    expect_found(Task(unlike), "encoding", "error", "ENCODING 'EUC_JP'");
    expect_ok(Task(pair_), "encoding");
}

}  // namespace
}  // namespace walferry::testing
