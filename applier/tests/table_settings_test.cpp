// Goal: what the settings of a table let through arrives, by the copy and by the stream, and nothing else leaves the source.
// Method: the destination is compared with a query at the source that says the same in plain SQL.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "compare.h"
#include "wiretap.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string all_rows(Session session, const std::string &query) {
    return session.value("SELECT coalesce(string_agg(r::text, E'\n' ORDER BY r::text COLLATE \"C\"), '') FROM (" +
                         query + ") AS r");
}

void expect_rows(const Pair &pair, const std::string &at_source, const std::string &at_destination) {
    EXPECT_EQ(all_rows(pair.destination(), at_destination), all_rows(pair.source(), at_source)) << at_source;
}

const std::string person_settings = R"toml(
[[tables]]
name = "public.person"
columns = ["id", "region", "email", "amount", "note"]
where = "region = 'eu' AND amount > 10"
set = { email = 'md5("email")', amount = "amount * 1.111", origin = "'here'", size = "length(note)" }
)toml";
const std::string person_here = "SELECT id, region, email, amount, note, origin, size FROM person";
const std::string person_there =
    "SELECT id, region, md5(email) AS email, (amount * 1.111)::numeric(10, 2) AS amount, note, 'here' AS origin,"
    " length(note) AS size FROM person WHERE region = 'eu' AND amount > 10";

void make_person(const Pair &pair) {
    pair.source().exec(
        "CREATE TABLE person (id int PRIMARY KEY, region text, email varchar(40), amount numeric(10, 2), note text,"
        " secret text DEFAULT 'none', twice int GENERATED ALWAYS AS (id * 2) STORED);"
        "ALTER TABLE person REPLICA IDENTITY FULL; ALTER TABLE person ALTER note SET STORAGE EXTERNAL;"
        "CREATE TABLE plain (id int PRIMARY KEY, v text);"
        "INSERT INTO person SELECT g, CASE g % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' END, 'e' || g, g, repeat('n', g * 50), 's'"
        " FROM generate_series(1, 100) AS g; INSERT INTO plain SELECT g, 'v' FROM generate_series(1, 100) AS g");
}

TEST(TableSettings, CopyAndStream) {
    const Pair pair;
    make_person(pair);
    const Task task(pair, {.more = person_settings});
    task.run_until_now();
    expect_rows(pair, person_there, person_here);
    expect_rows(pair, "TABLE plain", "TABLE plain");
    EXPECT_EQ(pair.destination().value("SELECT string_agg(DISTINCT secret, ',') FROM person"), "none");
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;

    auto source = pair.source();
    source.exec(
        "UPDATE person SET region = 'eu' WHERE id % 5 = 0; UPDATE person SET region = NULL WHERE id % 7 = 0;"
        "UPDATE person SET amount = amount - 20; UPDATE person SET email = NULL WHERE id % 2 = 0;"
        "UPDATE person SET note = 'short' WHERE id % 11 = 0; UPDATE person SET id = id + 1000 WHERE id % 4 = 0;"
        "DELETE FROM person WHERE id % 13 = 0; INSERT INTO person VALUES (-1, 'eu', 'in', 100), (-2, 'us', 'out', 100)");
    task.run_until_now();
    expect_rows(pair, person_there, person_here);
    EXPECT_GT(pair.destination().number("SELECT count(*) FROM person"), 10);
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;

    source.exec("TRUNCATE person; INSERT INTO person VALUES (1, 'eu', 'after', 11)");
    task.run_until_now();
    expect_rows(pair, person_there, person_here);
    pair.destination().exec("UPDATE person SET amount = 1");
    EXPECT_EQ(task.call({"verify"}).exit_code, 9);
}

TEST(TableSettings, WhatIsHeldBackNeverLeavesTheSource) {
    const Pair pair;
    const Wiretap tap(pair.source_conninfo());
    auto source = pair.source();
    source.exec(
        "CREATE TABLE masked (id int PRIMARY KEY, region text, a text, b text, c text);"
        "ALTER TABLE masked REPLICA IDENTITY FULL;"
        "CREATE TABLE keyed (region text, id int, a text, PRIMARY KEY (region, id));"
        "INSERT INTO masked SELECT g, CASE WHEN g % 2 = 0 THEN 'eu' ELSE 'us' END, 'clear-a', 'clear-b',"
        " CASE WHEN g % 2 = 0 THEN 'passes' ELSE 'clear-c' END FROM generate_series(1, 10) AS g;"
        "INSERT INTO keyed VALUES ('eu', 1, 'passes'), ('us', 2, 'clear-c')");
    const Task task(pair, {.source_conninfo = tap.conninfo(), .more = R"toml(
[[tables]]
name = "public.masked"
columns = ["id", "region", "a", "c"]
where = "region = 'eu'"
set = { a = "md5(a)" }
[[tables]]
name = "public.keyed"
where = "region = 'eu'"
)toml"});
    const std::string changes =
        "INSERT INTO masked VALUES (100, 'us', 'clear-a', 'clear-b', 'clear-c'), (101, 'eu', 'clear-a', 'clear-b', 'passes');"
        "UPDATE masked SET c = 'clear-c', region = 'us' WHERE id % 10 = 1; UPDATE masked SET b = 'clear-b2', a = 'clear-a2';"
        "DELETE FROM masked WHERE id < 5; DELETE FROM masked WHERE id > 7;"
        "INSERT INTO keyed VALUES ('us', 3, 'clear-c'); UPDATE keyed SET a = a || '!'; DELETE FROM keyed";
    task.run_until_now();
    EXPECT_GE(tap.count("passes"), 6U) << "the tap hears nothing of the copy";
    source.exec(changes);
    // In a transaction that is streamed, and one that is rewritten.
    source.exec("BEGIN; " + changes + "; ALTER TABLE masked ALTER id TYPE bigint; COMMIT");
    task.run_until_now();
    EXPECT_GE(tap.count("passes"), 10U) << "the tap hears nothing of the stream";
    EXPECT_EQ(tap.count("clear-"), 0U);
    expect_rows(pair, "SELECT id, region, md5(a) AS a, c FROM masked WHERE region = 'eu'",
                "SELECT id, region, a, c FROM masked");
    expect_rows(pair, "SELECT * FROM keyed WHERE region = 'eu'", "TABLE keyed");
}

TEST(TableSettings, OperationsAndPartitions) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE TABLE archive (id int PRIMARY KEY, v text); INSERT INTO archive VALUES (1, 'a'), (2, 'b');"
        "CREATE TABLE parent (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (100); INSERT INTO parent VALUES (1, 'secret')");
    const Task task(pair, {.more = R"toml(
[[tables]]
name = "public.archive"
operations = ["insert", "update"]
[[tables]]
name = "public.parent"
set = { v = "md5(v)", more = "id + 1" }
)toml"});
    task.run_until_now();
    source.exec(
        "DELETE FROM archive WHERE id = 1; UPDATE archive SET v = 'c' WHERE id = 2; INSERT INTO archive VALUES (3, 'd');"
        "TRUNCATE archive; INSERT INTO archive VALUES (4, 'e'); ALTER TABLE archive ADD not_followed int;"
        "CREATE TABLE next PARTITION OF parent FOR VALUES FROM (100) TO (200); INSERT INTO parent VALUES (2, 'x'), (102, 'y');"
        "UPDATE parent SET v = 'z' WHERE id = 1; UPDATE parent SET id = 103 WHERE id = 2");
    task.run_until_now();
    EXPECT_EQ(all_rows(pair.destination(), "TABLE archive"), "(1,a)\n(2,c)\n(3,d)\n(4,e)");
    expect_rows(pair, "SELECT id, md5(v) AS v, id + 1 AS more FROM parent", "TABLE parent");
}

// Values that an update has left in the TOAST table are part of filters and transforms, and of rows that come in.
TEST(TableSettings, UntouchedValues) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE TABLE big (id int PRIMARY KEY, region text, body text, n int); ALTER TABLE big REPLICA IDENTITY FULL;"
        "CREATE TABLE keyed (region text, id int, body text, n int, PRIMARY KEY (region, id));"
        "ALTER TABLE big ALTER body SET STORAGE EXTERNAL; ALTER TABLE keyed ALTER body SET STORAGE EXTERNAL;");
    const Task task(pair, {.more = R"toml(
[[tables]]
name = "public.big"
where = "region = 'eu' AND length(body) > 2500"
set = { n = "length(body) + n", copy = "upper(body)" }
[[tables]]
name = "public.keyed"
where = "region = 'eu'"
set = { body = "reverse(body)" }
)toml"});
    const std::string big =
        "SELECT id, region, body, length(body) + n AS n, upper(body) AS copy FROM big"
        " WHERE region = 'eu' AND length(body) > 2500";
    const std::string keyed = "SELECT region, id, reverse(body) AS body, n FROM keyed WHERE region = 'eu'";
    task.run_until_now();
    source.exec(
        "INSERT INTO big VALUES (1, 'us', repeat('a', 3000), 1), (2, 'eu', repeat('b', 3000), 2);"
        "INSERT INTO keyed VALUES ('eu', 1, repeat('ax', 3000), 1), ('us', 2, repeat('bx', 3000), 2)");
    task.run_until_now();
    source.exec("UPDATE big SET n = 7; UPDATE keyed SET n = 7");
    task.run_until_now();
    expect_rows(pair, big, "TABLE big");
    expect_rows(pair, keyed, "TABLE keyed");
    source.exec(
        "UPDATE big SET region = 'eu' WHERE id = 1; UPDATE big SET region = 'us' WHERE id = 2;"
        "UPDATE keyed SET region = 'us', n = 8 WHERE id = 1");
    task.run_until_now();
    expect_rows(pair, big, "TABLE big");
    expect_rows(pair, keyed, "TABLE keyed");
    // The WAL has no body for this row.
    source.exec("UPDATE keyed SET region = 'eu' WHERE id = 2");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 4);
    EXPECT_THAT(stopped.errors, AllOf(HasSubstr("can't be sent"), HasSubstr("REPLICA IDENTITY FULL")));
}

// Random changes: rows come, go and move, with NULLs and TOAST values; some are undone.
const char *const random_changes = R"(
CREATE PROCEDURE change(seed float8, n int, INOUT made int) LANGUAGE plpgsql AS $$
DECLARE
	which text; row_id int; found_rows int;
BEGIN
	made := 0;
	PERFORM setseed(seed);
	WHILE made < n LOOP
		which := (ARRAY['full_row', 'full_key', 'key_only'])[1 + floor(random() * 3)];
		row_id := floor(random() * 40);
		BEGIN
			CASE floor(random() * 7)::int
			WHEN 0, 1 THEN
				EXECUTE format('INSERT INTO %I SELECT s.* FROM any_row(%s) AS s ON CONFLICT DO NOTHING', which, row_id);
			WHEN 2 THEN
				EXECUTE format('UPDATE %I SET amount = (SELECT amount FROM any_row(0) WHERE id IS NOT NULL), flag = random() < 0.5 WHERE id = %s', which, row_id);
			WHEN 3 THEN
				EXECUTE format('UPDATE %I AS t SET region = s.region, body = s.body FROM any_row(0) AS s WHERE t.id = %s', which, row_id);
			WHEN 4 THEN
				EXECUTE format('UPDATE %I SET tags = tags || ''x''::text, day = day + 1 WHERE id BETWEEN %s AND %s', which, row_id, row_id + 3);
			WHEN 5 THEN
				IF which = 'key_only' THEN
					UPDATE key_only SET id = id + 100 WHERE id = row_id;
				ELSE
					EXECUTE format('UPDATE %I SET region = CASE region WHEN ''eu'' THEN ''us'' ELSE ''eu'' END WHERE id = %s', which, row_id);
				END IF;
			ELSE
				EXECUTE format('DELETE FROM %I WHERE id = %s', which, row_id);
			END CASE;
			GET DIAGNOSTICS found_rows = ROW_COUNT;
			IF random() < 0.05 THEN
				RAISE EXCEPTION 'undo';
			END IF;
			made := made + found_rows;
		EXCEPTION WHEN OTHERS THEN
			IF sqlerrm <> 'undo' AND sqlstate <> '23505' THEN
				RAISE;
			END IF;
		END;
		IF random() < 0.3 THEN
			COMMIT;
		END IF;
	END LOOP;
END $$;
)";

struct RandomTable {
    std::string name;
    std::string settings;  // in TOML
    std::string there;     // items and condition
    std::string here;      // items
};

TEST(TableSettings, RandomChangesAgreeWithQueries) {
    const std::vector<std::vector<RandomTable>> rounds = {
        {{"full_row", "where = \"region = 'eu' AND amount > 0\"", "* FROM full_row WHERE region = 'eu' AND amount > 0",
          "*"},
         {"full_key", "where = \"body IS NULL OR length(body) > 2000\"\nset = { body = \"md5(body)\" }",
          "id, region, amount, md5(body) AS body, flag, day, tags FROM full_key WHERE body IS NULL OR length(body) > 2000",
          "*"},
         {"key_only", "where = \"region < 'f' AND id % 2 = 0\"", "* FROM key_only WHERE region < 'f' AND id % 2 = 0",
          "*"}},
        {{"full_row", "where = \"flag IS NOT TRUE OR tags[1] = 'a'\"\ncolumns = ['id', 'region', 'body']",
          "id, region, body FROM full_row WHERE flag IS NOT TRUE OR tags[1] = 'a'", "id, region, body"},
         {"full_key",
          "where = \"region IN ('eu', 'us') OR amount IS NULL\"\n"
          "set = { region = \"coalesce(region, 'none') || right(body, 5)\", n = \"length(body)\" }",
          "id, coalesce(region, 'none') || right(body, 5) AS region, amount, body, flag, day, tags, length(body) AS n"
          " FROM full_key WHERE region IN ('eu', 'us') OR amount IS NULL",
          "*"},
         {"key_only", "columns = ['id', 'region', 'body', 'flag']\nset = { body = \"upper(body)\", flag = \"NULL\" }",
          "id, region, upper(body) AS body, NULL::boolean AS flag FROM key_only", "id, region, body, flag"}},
        {{"full_row", "where = \"(amount > 0) = flag\"\nset = { body = \"left(body, 10) || region\" }",
          "id, region, amount, left(body, 10) || region AS body, flag, day, tags FROM full_row WHERE (amount > 0) = flag",
          "*"},
         {"full_key", "where = \"day > '2020-06-01' AND (body LIKE '%b%') IS DISTINCT FROM true\"",
          "* FROM full_key WHERE day > '2020-06-01' AND (body LIKE '%b%') IS DISTINCT FROM true", "*"},
         {"key_only", "where = \"region > 'es'\"\nset = { amount = \"amount * 3\" }",
          "id, region, amount * 3 AS amount, body, flag, day, tags FROM key_only WHERE region > 'es'", "*"}},
    };
    std::int64_t changes = 0;
    double seed = 0.1;
    for (auto tables : rounds) {
        const Pair pair;
        auto source = pair.source();
        source.exec(
            "CREATE TABLE full_row (id int, region text, amount numeric, body text, flag boolean, day date, tags text[]);"
            "ALTER TABLE full_row ALTER body SET STORAGE EXTERNAL; ALTER TABLE full_row REPLICA IDENTITY FULL;"
            "CREATE TABLE full_key (LIKE full_row INCLUDING ALL, PRIMARY KEY (id)); ALTER TABLE full_key REPLICA IDENTITY FULL;"
            "CREATE TABLE key_only (LIKE full_row INCLUDING ALL, PRIMARY KEY (region, id));"
            // Values of some bytes to some kB, and none.
            "CREATE FUNCTION any_row(id int) RETURNS SETOF full_row LANGUAGE sql VOLATILE AS $$"
            " SELECT id, (ARRAY['eu', 'us', 'asia', 'e'])[1 + floor(random() * 4)], CASE WHEN random() < 0.8 THEN floor(random() * 20 - 10) END,"
            " CASE WHEN random() < 0.8 THEN repeat((ARRAY['a', 'b', 'cd'])[1 + floor(random() * 3)], (random() * 3000)::int) END,"
            " CASE WHEN random() < 0.7 THEN random() < 0.5 END, date '2020-01-01' + (random() * 360)::int,"
            " CASE WHEN random() < 0.8 THEN ARRAY[(ARRAY['a', 'b', NULL])[1 + floor(random() * 3)]] END $$");
        source.exec(random_changes);
        std::string settings;
        for (auto &table : tables) {
            settings += "[[tables]]\nname = 'public." + table.name + "'\n" + table.settings + "\n";
        }
        const auto change = [&](int count) {
            changes += source.number("CALL change(" + std::to_string(seed) + ", " + std::to_string(count) + ", NULL)");
            seed += 0.07;
        };
        const Task task(pair, {.more = settings});
        change(200);
        auto run = task.start();
        change(300);
        task.wait_for_stream(run);
        change(300);
        run.signal(SIGTERM);
        ASSERT_EQ(run.wait(), 0) << run.errors();
        change(200);
        task.run_until_now();
        for (const auto &table : tables) {
            expect_rows(pair, "SELECT " + table.there, "SELECT " + table.here + " FROM " + table.name);
            EXPECT_GT(pair.destination().number("SELECT count(*) FROM " + table.name), 0) << table.name;
        }
        EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;
    }
    EXPECT_GE(changes, 2000);
    std::cout << changes << " changes" << std::endl;
}

TEST(TableSettings, StatementsMeetSettings) {
    const Pair pair;
    make_person(pair);
    auto source = pair.source();
    const Task task(pair, {.more = person_settings});
    task.run_until_now();
    source.exec(
        "ALTER TABLE person ADD more int DEFAULT 5; INSERT INTO person VALUES (201, 'eu', 'x', 50);"
        "ALTER TABLE person ALTER amount TYPE numeric(12, 3) USING amount * 2;"
        "UPDATE person SET more = 6, amount = amount + 1;"
        "ALTER TABLE person ADD random float8 DEFAULT random()");
    task.run_until_now();
    const auto there = [](std::string query) { return query.replace(query.find("(10, 2)"), 7, "(12, 3)"); };
    expect_rows(pair, there(person_there), person_here);
    EXPECT_EQ(pair.destination().value("SELECT string_agg(DISTINCT more::text, ',') FROM person"), "5");
    source.exec("ALTER TABLE person RENAME region TO area");
    task.run_until_now();
    source.exec("INSERT INTO person (id, area, amount) VALUES (300, 'eu', 100)");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 4);
    EXPECT_THAT(stopped.errors, AllOf(HasSubstr("column \"region\" does not exist"), HasSubstr("\"where\" of table")));
}

TEST(TableSettings, ANewNameStopsTheTask) {
    const Pair pair;
    make_person(pair);
    auto source = pair.source();
    const Wiretap tap(pair.source_conninfo());
    const Task task(pair, {.source_conninfo = tap.conninfo(), .more = person_settings});
    task.run_until_now();
    source.exec("ALTER TABLE person RENAME TO people; INSERT INTO people VALUES (500, 'us', 'clear', 100)");
    auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 3) << stopped.errors;
    EXPECT_THAT(stopped.errors, AllOf(HasSubstr("public.people has other settings"), HasSubstr("Now: none")));
    EXPECT_EQ(tap.count("clear"), 0U);

    // The same settings under the new name.
    const auto same = std::string(person_settings).replace(person_settings.find("person"), 6, "/people|person/");
    const Task renamed(pair, {.more = same});
    renamed.run_until_now();
    expect_rows(pair, std::string(person_there).replace(person_there.find("FROM person"), 11, "FROM people"),
                std::string(person_here).replace(person_here.find("FROM person"), 11, "FROM people"));
}

TEST(TableSettings, OtherSettingsNeedAnotherCopy) {
    const Pair pair;
    make_person(pair);
    const Task task(pair, {.more = person_settings});
    task.run_until_now();
    const auto other = std::string(person_settings).replace(person_settings.find("'eu'"), 4, "'us'");
    const Task changed(pair, {.more = other});
    const auto refused = changed.call({"run", "--until", "now"});
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.errors, AllOf(HasSubstr("'eu'"), HasSubstr("'us'"), HasSubstr("walferry table recopy")));
    EXPECT_EQ(changed.call({"table", "recopy"}, 60s, {"public.person"}).exit_code, 0);
    changed.run_until_now();
    expect_rows(pair, std::string(person_there).replace(person_there.find("'eu'"), 4, "'us'"), person_here);
}

TEST(TableSettings, PrecheckShowsThePlace) {
    const Pair pair;
    make_person(pair);
    pair.source().exec("CREATE TABLE strict (id int PRIMARY KEY, v text NOT NULL, r text)");
    const auto found = [&](const std::string &settings) {
        const Task task(pair, {.more = "[[tables]]\nname = 'public.person'\n" + settings});
        const auto outcome = task.call({"precheck"});
        EXPECT_EQ(outcome.exit_code, 8) << settings;
        return outcome.output;
    };
    EXPECT_THAT(found("where = \"amount > 10 AND regoin = 'eu'\""),
                AllOf(HasSubstr("\"where\" of table public.person: column \"regoin\" does not exist"),
                      HasSubstr("             amount > 10 AND regoin = 'eu'\n                             ^\n")));
    EXPECT_THAT(found("set = { email = \"md5(email) || now()\" }"), HasSubstr("immutable"));
    EXPECT_THAT(found("[[tables]]\nname = 'public.persn'"), HasSubstr("nothing is matched by public.persn"));
    EXPECT_THAT(found("[[tables]]\nname = 'public.*'"), HasSubstr("two settings"));
    EXPECT_THAT(found("[[tables]]\nname = 'public.strict'\ncolumns = ['id', 'r']"), HasSubstr("public.strict.v"));
    EXPECT_THAT(found("[[tables]]\nname = 'public.strict'\nwhere = 'r IS NULL'"),
                AllOf(HasSubstr("replica identity"), HasSubstr("ALTER TABLE public.strict REPLICA IDENTITY FULL")));
    const Task good(pair, {.more = person_settings});
    EXPECT_EQ(good.call({"precheck"}).exit_code, 0) << good.call({"precheck"}).output;
}

}  // namespace
}  // namespace walferry::testing
