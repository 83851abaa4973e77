// Goal: databases of different encodings: names and values arrive as the same characters, or the task stops.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

const char *const latin1_schema =
    "CREATE SCHEMA \"Größe\"; CREATE TYPE \"Größe\".\"Wähl\" AS ENUM ('grün', 'blau');"
    "CREATE TYPE \"Größe\".\"Päar\" AS (a int, \"é\" text);"
    "CREATE TABLE \"Größe\".\"Täbelle\" (\"Schlüssel\" text PRIMARY KEY, \"ß\" varchar(20), c char(5), n name, j json, b jsonb,"
    " x xml, e \"Größe\".\"Wähl\", l text[], p \"Größe\".\"Päar\", y bytea, q \"char\", t tsvector);"
    "CREATE TABLE \"Größe\".\"ohne Schlüssel\" (v text); ALTER TABLE \"Größe\".\"ohne Schlüssel\" REPLICA IDENTITY FULL;"
    "COMMENT ON TABLE \"Größe\".\"Täbelle\" IS 'für später'";

void fill(Session &source, const std::string &key) {
    source.exec("INSERT INTO \"Größe\".\"Täbelle\" VALUES ('" + key +
                "-ä', 'éèêë', 'ßäöü', 'ñame', '{\"ö\": \"Ü\"}', '{\"ö\": \"Ü\"}',"
                " '<é>à</é>', 'grün', '{ä,\"ö ü\",NULL}', '(1,ça)', '\\xe9', 'x', '''élan'':1')");
    source.exec("INSERT INTO \"Größe\".\"Täbelle\" (\"Schlüssel\", \"ß\") SELECT '" + key +
                "' || n, chr(n) FROM generate_series(1, 255) AS n");
    source.exec("INSERT INTO \"Größe\".\"ohne Schlüssel\" SELECT chr(n % 255 + 1) FROM generate_series(1, 510) AS n");
}

TEST(Encoding, Latin1ToUtf8) {
    const Pair pair(shared_clusters(), {.source = "LATIN1", .destination = "UTF8"});
    auto source = pair.source();
    source.exec(latin1_schema);
    fill(source, "copied");
    const Task task(pair, {.more = "[objects]\ninclude = ['\"Größe\".*']\n"});
    task.run_until_now();
    ASSERT_EQ(compare(pair), "");
    fill(source, "strömt");
    source.exec(
        "UPDATE \"Größe\".\"Täbelle\" SET \"ß\" = \"ß\" || 'ÿ' WHERE \"Schlüssel\" LIKE 'strömt2%';"
        "UPDATE \"Größe\".\"Täbelle\" SET \"Schlüssel\" = 'é' WHERE \"Schlüssel\" = 'strömt-ä';"
        "DELETE FROM \"Größe\".\"Täbelle\" WHERE \"Schlüssel\" LIKE 'copied1%';"
        "DELETE FROM \"Größe\".\"ohne Schlüssel\" WHERE ctid IN (SELECT max(ctid) FROM \"Größe\".\"ohne Schlüssel\" GROUP BY v);"
        "UPDATE \"Größe\".\"ohne Schlüssel\" SET v = 'ä' || v WHERE v > 'ü'");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    const auto verify = task.call({"verify"});
    EXPECT_EQ(verify.exit_code, 0) << verify.output << verify.errors;
}

// What is said about it is UTF-8, whatever the source speaks.
TEST(Encoding, MessagesAreUtf8) {
    const Pair pair(shared_clusters(), {.source = "LATIN1", .destination = "UTF8"});
    auto source = pair.source();
    source.exec(latin1_schema);
    fill(source, "copied");
    const Task task(pair);
    task.run_until_now();
    pair.destination().exec("DELETE FROM \"Größe\".\"Täbelle\" WHERE \"Schlüssel\" = 'copied-ä'");
    source.exec("UPDATE \"Größe\".\"Täbelle\" SET y = 'x' WHERE \"Schlüssel\" = 'copied-ä'");
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 5) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("Größe.Täbelle"));
    EXPECT_THAT(run.errors, HasSubstr("copied-ä"));
    EXPECT_THAT(task.call({"status"}).output, HasSubstr("Größe.Täbelle"));
    EXPECT_THAT(task.call({"status", "--json"}).output, HasSubstr("Größe.Täbelle"));
    const auto different = task.call({"verify"});
    EXPECT_EQ(different.exit_code, 9) << different.errors;
    EXPECT_THAT(different.output, HasSubstr("Täbelle"));

    pair.destination().exec("INSERT INTO \"Größe\".\"Täbelle\" (\"Schlüssel\") VALUES ('copied-ä')");
    source.exec("ALTER TABLE \"Größe\".\"Täbelle\" DROP COLUMN n");
    pair.destination().exec("ALTER TABLE \"Größe\".\"Täbelle\" DROP COLUMN l");
    EXPECT_THAT(task.call({"verify"}).output, HasSubstr("Täbelle"));
}

TEST(Encoding, Utf8ToLatin1) {
    const Pair pair(shared_clusters(), {.source = "UTF8", .destination = "LATIN1"});
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(latin1_schema);
    fill(source, "copied");
    const Task task(pair);
    task.run_until_now();
    ASSERT_EQ(compare(pair), "");
    fill(source, "strömt");
    source.exec("INSERT INTO \"Größe\".\"Täbelle\" VALUES ('Preis', '12 €')");
    source.exec("INSERT INTO \"Größe\".\"Täbelle\" VALUES ('danach', '1')");
    for (int i = 0; i < 2; ++i) {
        const auto run = task.call({"run", "--until", "now"});
        EXPECT_EQ(run.exit_code, 5) << run.errors;
        EXPECT_THAT(run.errors, HasSubstr("Täbelle"));
        EXPECT_THAT(run.errors, HasSubstr("LATIN1"));
        EXPECT_EQ(
            destination.number("SELECT count(*) FROM \"Größe\".\"Täbelle\" WHERE \"Schlüssel\" IN ('Preis', 'danach')"),
            0);
        EXPECT_EQ(destination.number("SELECT count(*) FROM \"Größe\".\"Täbelle\""), 512)
            << "what came before is applied";
    }
}

TEST(Encoding, CopyOfWhatTheDestinationCannotHold) {
    const Pair pair(shared_clusters(), {.source = "UTF8", .destination = "LATIN1"});
    auto source = pair.source();
    source.exec("CREATE TABLE preise (id int PRIMARY KEY, v text); INSERT INTO preise VALUES (1, '12 €')");
    const Task task(pair);
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 4) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("preise"));
    EXPECT_THAT(run.errors, HasSubstr("LATIN1"));
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM preise"), 0);
    source.exec("UPDATE preise SET v = '12 Euro'");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
