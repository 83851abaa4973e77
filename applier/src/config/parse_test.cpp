// Goal: a mistake in a task file is named at its line and column, in words that say what to write instead.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/nearest.h"
#include "config/pattern.h"
#include "config/task.h"

namespace walferry {
namespace {

const std::string required = "[source]\nconninfo = 'dbname=a'\n[destination]\nconninfo = 'dbname=b'\n";

Task parsed(const std::string &text) {
    auto task = parse_task(text, "folder/shop.toml");
    EXPECT_TRUE(task.has_value()) << task.error().text();
    return task ? *task : Task{};
}

// The refusal's message after "shop.toml:", so it begins with line and column.
std::string refused(const std::string &text) {
    const auto task = parse_task(text, "shop.toml");
    if (task) return "accepted";
    EXPECT_EQ(task.error().kind, ErrorKind::config);
    static const std::string prefix = "shop.toml:";
    EXPECT_EQ(task.error().message.substr(0, prefix.size()), prefix);
    return task.error().message.substr(prefix.size());
}

TEST(ParseTask, GivesDefaultsForWhatIsLeftOut) {
    const Task task = parsed(required);
    EXPECT_EQ(task.name, "shop");
    EXPECT_TRUE(task.schema_stage && task.copy_stage && task.stream_stage);
    EXPECT_EQ(task.source_conninfo, "dbname=a");
    EXPECT_EQ(task.slot, "walferry_shop");
    EXPECT_EQ(task.destination_conninfo, "dbname=b");
    EXPECT_EQ(task.include, std::vector<std::string>{"*.*"});
    EXPECT_TRUE(task.exclude.empty());
    EXPECT_FALSE(task.owners || task.grants);
    EXPECT_EQ(task.pg_bin, "");
    EXPECT_EQ(task.copy_jobs, 4);
    EXPECT_TRUE(task.large_objects);
    EXPECT_EQ(task.buffer_bytes, 64ULL << 20);
    EXPECT_EQ(task.retry_connection_seconds, 43200);
    EXPECT_EQ(task.retry_transient_seconds, 600);
    EXPECT_EQ(task.heartbeat_seconds, 10);
    EXPECT_TRUE(task.failover);
    EXPECT_FALSE(task.local);
    EXPECT_EQ(task.stream_rates, Rates{});
    EXPECT_EQ(task.copy_rates, Rates{});
    EXPECT_EQ(task.control_socket, "");
}

TEST(ParseTask, TakesEveryKey) {
    const Task task = parsed(R"(
[task]
name = "orders_2"
stages = ["stream", "copy"]
[source]
conninfo = "postgresql://u@h:5433/shop"
slot = "my_slot"
heartbeat_seconds = 0
failover = false
origin = "local"
[destination]
conninfo = "host=b"
[objects]
include = ['shop.*', '"Old, Shop"."a.b"']
exclude = ["shop.audit_?"]
[schema]
owners = true
grants = true
pg_bin = "/opt/pg/bin"
[copy]
jobs = 64
[apply]
buffer_mb = 4096
[throttle]
stream_rows = 5000
stream_mb = 2
copy_rows = 7
copy_mb = 100
verify_rows = 9
verify_mb = 3
[retry]
connection_seconds = 0
transient_seconds = 1
[control]
socket = "/run/me/s"
[http]
listen = "[::1]:9187"
token_file = "/etc/walferry/token"
[alerts]
command = "mail -s walferry root"
webhook = "https://example.org/hook"
lag_seconds = 1
lag_for_seconds = 2
slot_retained_mb = 3
window_seconds = 4
)");
    EXPECT_EQ(task.name, "orders_2");
    EXPECT_FALSE(task.schema_stage);
    EXPECT_TRUE(task.copy_stage && task.stream_stage);
    EXPECT_EQ(task.slot, "my_slot");
    EXPECT_EQ(task.include, (std::vector<std::string>{"shop.*", "\"Old, Shop\".\"a.b\""}));
    EXPECT_EQ(task.exclude, std::vector<std::string>{"shop.audit_?"});
    EXPECT_TRUE(task.owners && task.grants);
    EXPECT_EQ(task.pg_bin, "/opt/pg/bin");
    EXPECT_EQ(task.copy_jobs, 64);
    EXPECT_EQ(task.buffer_bytes, 4096ULL << 20);
    EXPECT_EQ(task.retry_connection_seconds, 0);
    EXPECT_EQ(task.retry_transient_seconds, 1);
    EXPECT_EQ(task.heartbeat_seconds, 0);
    EXPECT_FALSE(task.failover);
    EXPECT_TRUE(task.local);
    EXPECT_EQ(task.stream_rates, (Rates{5000, 2'000'000}));
    EXPECT_EQ(task.copy_rates, (Rates{7, 100'000'000}));
    EXPECT_EQ(task.verify_rates, (Rates{9, 3'000'000}));
    EXPECT_EQ(task.control_socket, "/run/me/s");
    EXPECT_EQ(task.http_listen, "[::1]:9187");
    EXPECT_EQ(task.http_token_file, "/etc/walferry/token");
    EXPECT_EQ(task.alerts.command, "mail -s walferry root");
    EXPECT_EQ(task.alerts.webhook, "https://example.org/hook");
    EXPECT_EQ(task.alerts.lag_seconds, 1);
    EXPECT_EQ(task.alerts.lag_for_seconds, 2);
    EXPECT_EQ(task.alerts.slot_retained_bytes, 3U << 20);
    EXPECT_EQ(task.alerts.window_seconds, 4);
}

TEST(ParseTask, ChecksWhereToListenAndToReport) {
    EXPECT_EQ(parsed(required + "[http]\nlisten = '127.0.0.1:0'\n").http_listen, "127.0.0.1:0");
    for (const std::string listen : {"9187", ":9187", "localhost", "localhost:", "localhost:x", "a:70000", "a:1,b:2"}) {
        EXPECT_NE(refused(required + "[http]\nlisten = '" + listen + "'\n").find("ADDRESS:PORT"), std::string::npos);
    }
    EXPECT_NE(refused(required + "[alerts]\nwebhook = 'file:///x'\n").find("must be a URL"), std::string::npos);
    EXPECT_FALSE(parsed(required).alerts.any());
}

TEST(ParseTask, LargeObjectsComeWithAWholeDatabase) {
    EXPECT_TRUE(parsed(required + "[objects]\nexclude = ['audit.*']\n").large_objects);
    EXPECT_FALSE(parsed(required + "[objects]\ninclude = ['shop.*']\n").large_objects);
    EXPECT_TRUE(parsed(required + "[objects]\ninclude = ['shop.*', '*.*']\n").large_objects);
    EXPECT_TRUE(parsed(required + "[objects]\ninclude = ['shop.*']\n[copy]\nlarge_objects = true\n").large_objects);
    EXPECT_FALSE(parsed(required + "[copy]\nlarge_objects = false\n").large_objects);
}

TEST(ParseTask, NamesUnknownKeysAndSections) {
    EXPECT_EQ(refused("[objects]\n  inclde = []\n"),
              "2:3: unknown key \"inclde\" in [objects]; did you mean \"include\"?");
    EXPECT_EQ(refused("[source]\nconinfo = 'dbname=a'\n"),
              "2:1: unknown key \"coninfo\" in [source]; did you mean \"conninfo\"?");
    EXPECT_EQ(refused("[copy]\nparallelism = 3\n"), "2:1: unknown key \"parallelism\" in [copy]");
    EXPECT_EQ(refused("\n[object]\n"), "2:2: unknown section [object]; did you mean \"objects\"?");
    EXPECT_EQ(refused("name = 'x'\n"),
              "1:1: key \"name\" stands outside of a section; sections are task, source, destination, objects, map, "
              "schema, "
              "copy, apply, ddl, conflict, throttle, retry, control, http, alerts, tables");
}

TEST(ParseTask, RefusesWrongTypes) {
    EXPECT_EQ(refused("source = 'dbname=a'\n"), "1:1: \"source\" is a section: write [source]");
    EXPECT_EQ(refused("[[source]]\nconninfo = 'a=b'\n"), "1:3: \"source\" is a section: write [source]");
    EXPECT_EQ(refused("[source]\nconninfo = 5\n"), "2:12: \"conninfo\" must be a string, not a whole number");
    EXPECT_EQ(refused("[task]\nname = ['a']\n"), "2:8: \"name\" must be a string, not an array");
    EXPECT_EQ(refused("[task]\nstages = 'copy'\n"), "2:10: \"stages\" must be an array of strings, not a string");
    EXPECT_EQ(refused("[task]\nstages = ['copy', 1]\n"), "2:19: \"stages\" must be a string, not a whole number");
    EXPECT_EQ(refused(required + "[objects]\ninclude = 'a.b'\n"),
              "6:11: \"include\" must be an array of strings, not a string");
    EXPECT_EQ(refused(required + "[schema]\nowners = 1\n"),
              "6:10: \"owners\" must be true or false, not a whole number");
    EXPECT_EQ(refused(required + "[copy]\njobs = 1.5\n"),
              "6:8: \"jobs\" must be a whole number, not a number with a fraction");
    EXPECT_EQ(refused(required + "[copy]\njobs = 2026-01-01\n"),
              "6:8: \"jobs\" must be a whole number, not a date or time");
}

TEST(ParseTask, RefusesNumbersOutOfRange) {
    EXPECT_EQ(refused(required + "[copy]\njobs = 0\n"), "6:8: \"jobs\" must lie between 1 and 64, not 0");
    EXPECT_EQ(refused(required + "[copy]\njobs = 65\n"), "6:8: \"jobs\" must lie between 1 and 64, not 65");
    EXPECT_EQ(refused(required + "[apply]\nbuffer_mb = -1\n"),
              "6:13: \"buffer_mb\" must lie between 4 and 4096, not -1");
    EXPECT_EQ(refused(required + "[apply]\nbuffer_mb = 4097\n"),
              "6:13: \"buffer_mb\" must lie between 4 and 4096, not 4097");
    EXPECT_EQ(refused(required + "[retry]\nconnection_seconds = -1\n"),
              "6:22: \"connection_seconds\" must lie between 0 and 315360000, not -1");
    EXPECT_NE(refused(required + "[copy]\njobs = 99999999999999999999\n"), "accepted");
}

TEST(ParseTask, NamesMissingAndEmptyValues) {
    EXPECT_EQ(refused(""), "1:1: key \"conninfo\" is missing in [source]");
    EXPECT_EQ(refused("\n[source]\nslot = 'a'\n"), "2:1: key \"conninfo\" is missing in [source]");
    EXPECT_EQ(refused("[source]\nconninfo = 'dbname=a'\n"), "1:1: key \"conninfo\" is missing in [destination]");
    EXPECT_EQ(refused("[source]\nconninfo = ' '\n"), "2:12: \"conninfo\" in [source] is empty");
    EXPECT_EQ(refused("[task]\nstages = []\n"), "2:10: \"stages\" is empty: a task needs one at least");
    EXPECT_EQ(refused(required + "[objects]\ninclude = []\n"),
              "6:11: \"include\" is empty: the task would take no table");
}

TEST(ParseTask, ChecksStages) {
    EXPECT_EQ(refused("[task]\nstages = ['schema', 'strem']\n"),
              "2:21: unknown stage \"strem\"; did you mean \"stream\"?; stages are schema, copy, stream");
    EXPECT_EQ(refused("[task]\nstages = ['copy', 'copy']\n"), "2:19: stage \"copy\" is listed twice");
}

TEST(ParseTask, FollowsTheSchemaStageInDdl) {
    const DdlPolicy plain = parsed(required).ddl;
    EXPECT_EQ(plain.role, DdlRole::applier);
    EXPECT_EQ(plain.action(DdlClass::grants), DdlAction::skip);
    EXPECT_EQ(plain.action(DdlClass::owners), DdlAction::skip);
    EXPECT_EQ(plain.action(DdlClass::tables), DdlAction::replicate);
    EXPECT_EQ(plain.lock_timeout_seconds, 5);
    EXPECT_EQ(plain.lock_retry_seconds, 600);

    const DdlPolicy owners = parsed(required + "[schema]\nowners = true\n").ddl;
    EXPECT_EQ(owners.role, DdlRole::preserve);
    EXPECT_EQ(owners.action(DdlClass::owners), DdlAction::replicate);
    EXPECT_EQ(owners.action(DdlClass::grants), DdlAction::skip);

    const DdlPolicy set =
        parsed(required + "[ddl]\nrole = 'applier'\nowners = 'stop'\n[schema]\nowners = true\ngrants = true\n").ddl;
    EXPECT_EQ(set.role, DdlRole::applier);
    EXPECT_EQ(set.action(DdlClass::owners), DdlAction::stop);
    EXPECT_EQ(set.action(DdlClass::grants), DdlAction::replicate);
}

TEST(ParseTask, TakesEveryKeyOfDdl) {
    std::string text = required + "[ddl]\nrole = 'preserve'\nlock_timeout_seconds = 1\nlock_retry_seconds = 0\n";
    for (std::size_t i = 0; i < ddl_class_count; ++i) {
        text += to_string(static_cast<DdlClass>(i)) + std::string(" = 'stop'\n");
    }
    const DdlPolicy policy = parsed(text).ddl;
    EXPECT_EQ(policy.role, DdlRole::preserve);
    EXPECT_EQ(policy.lock_timeout_seconds, 1);
    EXPECT_EQ(policy.lock_retry_seconds, 0);
    for (std::size_t i = 0; i < ddl_class_count; ++i) {
        EXPECT_EQ(policy.action(static_cast<DdlClass>(i)), DdlAction::stop) << i;
    }
}

TEST(ParseTask, ChecksDdl) {
    EXPECT_EQ(refused(required + "[ddl]\ntable = 'skip'\n"),
              "6:1: unknown key \"table\" in [ddl]; did you mean \"tables\"?");
    EXPECT_EQ(refused(required + "[ddl]\nother = 'skip'\n"), "6:1: unknown key \"other\" in [ddl]");
    EXPECT_EQ(
        refused(required + "[ddl]\ntables = 'replicat'\n"),
        "6:10: \"tables\" can't be \"replicat\"; did you mean \"replicate\"?; it is one of replicate, skip, stop");
    EXPECT_EQ(refused(required + "[ddl]\nroles = true\n"), "6:9: \"roles\" must be a string, not true or false");
    EXPECT_EQ(refused(required + "[ddl]\nrole = 'superuser'\n"),
              "6:8: \"role\" can't be \"superuser\"; it is one of preserve, applier");
    EXPECT_EQ(refused(required + "[ddl]\nlock_timeout_seconds = 0\n"),
              "6:24: \"lock_timeout_seconds\" must lie between 1 and 3600, not 0");
    EXPECT_EQ(refused(required + "[ddl]\nlock_retry_seconds = '5'\n"),
              "6:22: \"lock_retry_seconds\" must be a whole number, not a string");
    EXPECT_EQ(refused("[dll]\n"), "1:2: unknown section [dll]; did you mean \"ddl\"?");
}

TEST(ParseTask, ChecksNames) {
    EXPECT_EQ(refused("[task]\nname = 'Shop'\n"),
              "2:8: \"Shop\" can't name a task: a-z, 0-9 and _ only, 1 to 40 of them");
    EXPECT_NE(refused("[task]\nname = ''\n"), "accepted");
    EXPECT_NE(refused("[task]\nname = '" + std::string(41, 'a') + "'\n"), "accepted");
    EXPECT_EQ(refused(required + "[task]\nname = '" + std::string(40, 'a') + "'\n"), "accepted");
    EXPECT_EQ(refused("[source]\nconninfo = 'dbname=a'\nslot = 'a-b'\n"),
              "3:8: \"a-b\" can't name a slot: a-z, 0-9 and _ only, 1 to 63 of them");
    const auto by_file = parse_task(required, "My Shop.toml");
    ASSERT_FALSE(by_file);
    EXPECT_EQ(by_file.error().message.substr(0, 50), "My Shop.toml:1:1: the file's name can't name the t");
}

TEST(ParseTask, KeepsPasswordsOutOfMessages) {
    for (const std::string conninfo : {"host=a password=hunter2 nonsense", "postgresql://u:hunter2@[::1/shop",
                                       "hunter2", "host=a pasword=hunter2"}) {
        const auto message = refused("[source]\nconninfo = '" + conninfo + "'\n");
        EXPECT_EQ(message, "2:12: \"conninfo\" in [source] is not a valid connection string");
    }
    // Mistakes that TOML itself refuses: what it says must not show the line.
    for (const std::string line :
         {"conninfo = 'host=a password=hunter2", "conninfo = host=a password=hunter2", "conninfo = \"host=a\" hunter2",
          "conninfo = \"\\hunter2\"", "conninfo 'password=hunter2'"}) {
        const auto message = refused("[source]\n" + line + "\n");
        EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
        EXPECT_EQ(message.substr(0, 2), "2:") << message;
    }
}

TEST(ParseTask, RefusesWhatWalferrySetsItself) {
    EXPECT_EQ(refused("[source]\nconninfo = 'dbname=a replication=database'\n"),
              "2:12: \"conninfo\" in [source] sets replication, which walferry sets where it is needed");
}

TEST(ParseTask, RefusesZeroBytes) {
    EXPECT_EQ(refused("[source]\nconninfo = \"dbname=a\\u0000b\"\n"), "2:12: \"conninfo\" holds a zero byte");
}

TEST(ParseTask, NamesTheTomlMistake) {
    EXPECT_EQ(refused("[source]\nconninfo = 'a'\nconninfo = 'b'\n").substr(0, 2), "3:");
    EXPECT_EQ(refused("[source\n").substr(0, 2), "1:");
    EXPECT_NE(refused("[source]\nconninfo = 'a\xff'\n"), "accepted");
}

TEST(ParseTask, ChecksPatterns) {
    EXPECT_EQ(refused(required + "[objects]\ninclude = ['a.b', 'shop']\n"),
              "6:19: pattern \"shop\" has no dot between schema and table");
    EXPECT_EQ(refused(required + "[objects]\nexclude = ['']\n"),
              "6:12: pattern \"\" has no dot between schema and table");
}

TEST(ParseTask, TakesSettingsOfTables) {
    const auto parsed = parse_task(required + R"toml(
[[tables]]
name = "shop.orders"
operations = ["insert", "ddl"]
columns = ["id", "email"]
where = "region = 'eu'"
set = { email = "md5(email)", "Full Name" = "first || ' \"' || last" }
[[tables]]
name = "shop./x_[0-9]+/"
)toml",
                                   "shop.toml");
    ASSERT_TRUE(parsed) << parsed.error().text();
    ASSERT_EQ(parsed->tables.size(), 2U);
    EXPECT_EQ(
        tables_option(parsed->tables),
        R"json([{"name":"shop.orders","operations":["insert","ddl"],"columns":["id","email"],"where":"region = 'eu'",)json"
        R"json("set":{"Full Name":"first || ' \"' || last","email":"md5(email)"}},{"name":"shop./x_[0-9]+/"}])json");
    EXPECT_EQ(tables_option({}), no_tables);
}

TEST(ParseTask, TakesTablesThatAreMerged) {
    const std::string section = "[[tables]]\nname = 'shop.orders'\nmerge = { source_id = \"'s1'\" }\n";
    const auto parsed = parse_task(required + section + "operations = ['insert', 'truncate']\n", "shop.toml");
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(tables_option(parsed->tables),
              R"json([{"name":"shop.orders","operations":["insert","truncate"],"merge":{"source_id":"'s1'"}}])json");
    EXPECT_EQ(merge_sections_option(parsed->tables), R"json([{"name":"shop.orders"}])json");
    EXPECT_EQ(destination_sections_option(parsed->tables), R"json([{"name":"shop.orders"}])json");
    EXPECT_TRUE(parsed->merges());
    EXPECT_FALSE(parse_task(required, "shop.toml")->merges());

    // Whether schema changes are followed is said, not guessed.
    EXPECT_NE(refused(required + section).find("\"operations\" without \"ddl\""), std::string::npos);
    EXPECT_NE(refused(required + section + "operations = ['insert', 'ddl']\n").find("without \"ddl\""),
              std::string::npos);
    const std::string rows = "operations = ['insert']\n";
    EXPECT_NE(refused(required + section + rows + "set = { source_id = '1' }\n").find("in \"set\" and \"merge\""),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nmerge = {}\n" + rows).find("names no column"),
              std::string::npos);
}

TEST(ParseTask, TakesWhatBecomesOfConflicts) {
    const auto parsed = parse_task(required + R"toml(
[conflict]
insert_exists = "overwrite"
delete_missing = "skip"
[[tables]]
name = "shop.orders"
conflict = { delete_missing = "quarantine", existing_rows = "keep" }
[[tables]]
name = "shop.items"
where = "true"
)toml",
                                   "shop.toml");
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(parsed->conflict.action(ConflictKind::insert_exists), ConflictAction::overwrite);
    EXPECT_EQ(parsed->conflict.action(ConflictKind::update_missing), ConflictAction::stop);
    EXPECT_EQ(parsed->conflict.existing_rows, ExistingRows::refuse);
    const ConflictPolicy &orders = parsed->tables[0].conflict.value();
    EXPECT_EQ(orders.action(ConflictKind::insert_exists), ConflictAction::overwrite) << "as the task has it";
    EXPECT_EQ(orders.action(ConflictKind::delete_missing), ConflictAction::quarantine);
    EXPECT_EQ(orders.existing_rows, ExistingRows::keep);
    EXPECT_TRUE(parsed->settles_conflicts());
    EXPECT_FALSE(parse_task(required, "shop.toml")->settles_conflicts());
    // The source hears of its own alone.
    EXPECT_EQ(tables_option(parsed->tables), R"([{"name":"shop.items","where":"true"}])");
    EXPECT_EQ(destination_sections_option(parsed->tables), R"([{"name":"shop.orders"}])");

    EXPECT_NE(refused(required + "[conflict]\ndelete_missing = 'overwrite'\n").find("one of stop, skip, quarantine"),
              std::string::npos);
    EXPECT_NE(refused(required + "[conflict]\nexisting_rows = 'replce'\n").find("did you mean \"replace\"?"),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nconflict = { insert_exist = 'skip' }\n")
                  .find("did you mean \"insert_exists\"?"),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nconflict = 'skip'\n").find("must be a table"),
              std::string::npos);
}

TEST(ParseTask, ChecksSettingsOfTables) {
    EXPECT_NE(refused(required + "[tables]\nname = 'a.b'\n").find("write [[tables]]"), std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nwhere = 'true'\n").find("\"name\" is missing in [[tables]]"),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a'\n").find("has no dot"), std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nwere = 'true'\n").find("did you mean \"where\""),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\noperations = ['updaet']\n").find("did you mean \"update\""),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\ncolumns = ['a', 'a']\n").find("listed twice"),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\ncolumns = []\n").find("empty"), std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nset = ['a']\n").find("must be a table"), std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\nset = { a = 1 }\n").find("must be a string"),
              std::string::npos);
    EXPECT_NE(refused(required + "[[tables]]\nname = 'a.b'\n[[tables]]\nname = 'a.b'\n").find("two sections"),
              std::string::npos);
}

TEST(Pattern, Faults) {
    EXPECT_EQ(pattern_fault("shop.*"), "");
    EXPECT_EQ(pattern_fault("\"a\"\"b\".\"c,d.e\""), "");
    EXPECT_EQ(pattern_fault("a.b.c").substr(0, 17), "has more than one");
    EXPECT_EQ(pattern_fault("a.b,c.d").substr(0, 13), "holds a comma");
    EXPECT_EQ(pattern_fault(".b").substr(0, 5), "lacks");
    EXPECT_EQ(pattern_fault("a.").substr(0, 5), "lacks");
    EXPECT_EQ(pattern_fault("a.\"b").substr(0, 18), "has a double quote");
    EXPECT_EQ(pattern_fault("shop./(a|b),c\\/[.]d\"/"), "");
    EXPECT_EQ(pattern_fault("/s.*/.t"), "");
    EXPECT_EQ(pattern_fault("shop./a").substr(0, 24), "has a regular expression");
}

TEST(Nearest, FindsTheLikelyWord) {
    static constexpr std::string_view words[] = {"include", "exclude"};
    EXPECT_EQ(nearest("inclde", words), "include");
    EXPECT_EQ(nearest("exlude", words), "exclude");
    EXPECT_EQ(nearest("tables", words), "");
    EXPECT_EQ(nearest("", words), "");
}

TEST(ReadTask, ReadsAFile) {
    const auto path = std::filesystem::temp_directory_path() / "walferry_parse_test.toml";
    std::ofstream(path) << required;
    const auto task = read_task(path.string());
    std::filesystem::remove(path);
    ASSERT_TRUE(task.has_value());
    EXPECT_EQ(task->name, "walferry_parse_test");
}

TEST(ReadTask, NamesAFileThatCantBeRead) {
    const auto missing = read_task("/nonexistent/shop.toml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::config);
    EXPECT_EQ(missing.error().message, "/nonexistent/shop.toml: No such file or directory");
    const auto folder = read_task("/tmp");
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().message, "/tmp: Is a directory");
}

TEST(ParseTask, TakesNames) {
    const Task task = parsed(required + R"(
[map]
schemas = { shop = "store", "app_*" = "tenant_*" }
[[tables]]
name = 'shop."Orders"'
rename = "Archive.orders_2024"
rename_columns = { mail = "email" }
[[tables]]
name = "shop.item"
rename = "items"
where = "id > 1"
)");
    EXPECT_EQ(task.names.relation("shop", "Orders").text(), "archive.orders_2024");
    EXPECT_EQ(task.names.relation("shop", "item").text(), "store.items");
    EXPECT_EQ(task.names.relation("app_1", "x").text(), "tenant_1.x");
    EXPECT_EQ(task.names.column({{"shop", "Orders"}}, "mail"), "email");
    ASSERT_EQ(task.tables.size(), 1U);  // what is only renamed is sent as it is
    EXPECT_EQ(task.tables[0].name, "shop.item");
}

TEST(ParseTask, RefusesNamesThatCanNotBe) {
    EXPECT_EQ(refused(required + "[map]\nschemas = { a = 'x', b = 'x' }"),
              "6:11: \"schemas\" in [map]: schemas \"a\" and \"b\" would arrive at one name: \"x\"");
    EXPECT_EQ(refused(required + "[map]\ntables = { }"), "6:1: unknown key \"tables\" in [map]");
    EXPECT_EQ(refused(required + "[[tables]]\nname = 'a.t*'\nrename = 'x'"),
              "6:8: \"rename\" and \"rename_columns\" are for one table: \"a.t*\" is a pattern");
    EXPECT_EQ(refused(required + "[[tables]]\nname = 'a.t'\nrename = 'a.b.c'"),
              "7:10: \"rename\" must be a table's name or schema.table, not \"a.b.c\"");
    EXPECT_EQ(refused(required + "[[tables]]\nname = 'a.t'\nrename = 'x'\n[[tables]]\nname = 'a.u'\nrename = 'x'"),
              "10:10: tables a.t and a.u would arrive at one name: a.x");
}

}  // namespace
}  // namespace walferry
