// Goal: objects whose names are mapped hold, under their names at the destination, what the source has: by the copy and by the
// stream, through every way of changing rows and definitions, beside foreign objects that have the source's names.
// Method: at the end the destination's objects get the source's names again, by SQL, and both sides are compared whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

const std::string rules = R"toml(
[map]
schemas = { shop = "store", store = "depot", "app_*" = "tenant_*" }
[[tables]]
name = "shop.orders"
rename = "archive.orders_2024"
rename_columns = { mail = "email", a = "b", b = "a" }
[[tables]]
name = "app_1.t"
rename = "u"
[[tables]]
name = "public.parts"
rename_columns = { v = "value" }
)toml";

const char *const source_sql = R"(
CREATE SCHEMA shop; CREATE SCHEMA store; CREATE SCHEMA app_1; CREATE SCHEMA app_2;
CREATE TABLE shop.customer (id int PRIMARY KEY, v text);
CREATE TABLE shop.orders (id serial PRIMARY KEY, mail text UNIQUE, a int, b int, customer int REFERENCES shop.customer,
    n numeric CHECK (n > 0), g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX ON shop.orders (a, b); CREATE INDEX lower_mail ON shop.orders (lower(mail));
CREATE VIEW shop.mails AS SELECT mail, a, b FROM shop.orders;
CREATE MATERIALIZED VIEW app_2.sums AS SELECT sum(a) AS a, count(mail) AS mails FROM shop.orders;
CREATE SEQUENCE app_2.q; CREATE TABLE app_2.uses (id int PRIMARY KEY DEFAULT nextval('app_2.q'), k text);
CREATE TYPE shop.color AS ENUM ('red', 'green');
CREATE TABLE store.item (id int PRIMARY KEY, c shop.color, list shop.color[]);
CREATE TABLE app_1.t (id int PRIMARY KEY, v text); CREATE TABLE app_1.keyless (v text, n numeric);
ALTER TABLE app_1.keyless REPLICA IDENTITY FULL;
CREATE TABLE public.parts (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE app_2.part_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (100);
CREATE TABLE public.part_2 PARTITION OF public.parts FOR VALUES FROM (100) TO (200);
INSERT INTO shop.customer SELECT g, 'c' || g FROM generate_series(1, 20) g;
INSERT INTO shop.orders (mail, a, b, customer, n) SELECT 'm' || g, g, -g, 1 + g % 20, g FROM generate_series(1, 100) g;
INSERT INTO app_2.uses (k) SELECT 'k' FROM generate_series(1, 10); REFRESH MATERIALIZED VIEW app_2.sums;
INSERT INTO store.item SELECT g, 'red', '{red,green}' FROM generate_series(1, 10) g;
INSERT INTO app_1.t SELECT g, 'v' FROM generate_series(1, 10) g; INSERT INTO app_1.keyless VALUES ('x', 1.0), ('x', 1.00);
INSERT INTO public.parts SELECT g, 'p' || g FROM generate_series(1, 150) g;
)";

// The source's names again; what was foreign is gone.
const char *const unmap_sql = R"(
DROP SCHEMA shop CASCADE; DROP SCHEMA IF EXISTS app_1 CASCADE;
ALTER SCHEMA store RENAME TO shop; ALTER SCHEMA depot RENAME TO store;
ALTER SCHEMA tenant_1 RENAME TO app_1; ALTER SCHEMA tenant_2 RENAME TO app_2;
ALTER TABLE archive.orders_2024 RENAME TO orders; ALTER TABLE archive.orders SET SCHEMA shop;
ALTER TABLE shop.orders RENAME email TO mail; ALTER TABLE shop.orders RENAME a TO x; ALTER TABLE shop.orders RENAME b TO a;
ALTER TABLE shop.orders RENAME x TO b; ALTER TABLE app_1.u RENAME TO t; ALTER TABLE public.parts RENAME value TO v;
DROP SCHEMA archive CASCADE;
)";

const char *const foreign_sql = R"(
CREATE SCHEMA shop; CREATE TABLE shop.orders (foreign_one int); CREATE TABLE shop.mine (id int PRIMARY KEY);
INSERT INTO shop.mine VALUES (7); CREATE SCHEMA archive; CREATE TABLE archive.mine (id int); CREATE VIEW public.over AS TABLE shop.mine;
)";

const char *const changes_sql = R"(
INSERT INTO shop.orders (mail, a, b, customer, n) SELECT 'n' || g, g, -g, 1, g FROM generate_series(1, 40) g;
UPDATE shop.orders SET mail = mail || '!', a = a + 1, b = NULL WHERE id % 3 = 0; UPDATE shop.orders SET id = -id WHERE id % 7 = 0;
DELETE FROM shop.orders WHERE id % 5 = 0; UPDATE app_1.t SET v = 'w' WHERE id < 4; DELETE FROM app_1.t WHERE id = 9;
DELETE FROM app_1.keyless WHERE ctid = (SELECT max(ctid) FROM app_1.keyless); UPDATE app_1.keyless SET v = 'y';
UPDATE public.parts SET v = v || v WHERE id % 2 = 0; UPDATE public.parts SET id = id + 150 WHERE id = 45; DELETE FROM public.parts WHERE id = 120;
INSERT INTO app_2.uses (k) SELECT 'later' FROM generate_series(1, 5); TRUNCATE store.item; INSERT INTO store.item VALUES (1, 'green', '{}');
INSERT INTO app_1.keyless SELECT 'many', g FROM generate_series(1, 5000) g;
)";

void expect_equal(const Pair &pair) {
    auto destination = pair.destination();
    EXPECT_EQ(destination.value("SELECT id FROM shop.mine"), "7");
    EXPECT_EQ(destination.value("SELECT string_agg(id::text, '') FROM over"), "7");
    EXPECT_EQ(destination.number("SELECT count(*) FROM shop.orders"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_class WHERE relname LIKE 'walferry\\_%' AND relnamespace <>"
                                 " 'walferry'::regnamespace"),
              0);
    destination.exec("DROP VIEW public.over");
    destination.exec(unmap_sql);
    EXPECT_EQ(compare(pair), "");
}

TEST(Mapping, RowsAndDefinitionsArriveUnderTheirNames) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(source_sql);
    destination.exec(foreign_sql);
    const Task task(pair, {.more = rules});
    EXPECT_THAT(task.call({"objects"}).output, HasSubstr("archive.orders_2024"));
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(email) FROM archive.orders_2024 WHERE b = -a"), 100);
    EXPECT_EQ(destination.number("SELECT mails FROM tenant_2.sums"), 100);
    EXPECT_EQ(destination.number("SELECT count(value) FROM tenant_2.part_1"), 99);
    EXPECT_EQ(destination.number("SELECT last_value FROM tenant_2.q"), 10);
    EXPECT_EQ(destination.number("SELECT last_value FROM archive.orders_id_seq"), 100);
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;

    source.exec(changes_sql);
    task.run_until_now();
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;
    source.exec(
        "TRUNCATE shop.orders RESTART IDENTITY; INSERT INTO shop.orders (mail, n) VALUES ('one', 1);"
        "TRUNCATE public.parts; INSERT INTO public.parts VALUES (1, 'x'), (101, 'y')");
    task.run_until_now();

    destination.exec(
        "UPDATE archive.orders_2024 SET email = 'spoilt'; DROP INDEX archive.lower_mail;"
        "ALTER TABLE tenant_1.u ALTER v SET DEFAULT 'x'");
    const auto found = task.call({"verify"});
    EXPECT_EQ(found.exit_code, 9) << found.output;
    EXPECT_THAT(found.output, HasSubstr("shop.orders"));
    {
        auto process = task.start();
        task.wait_for_stream(process);
        EXPECT_EQ(task.call({"repair"}).exit_code, 0);
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0);
    }
    EXPECT_EQ(task.call({"table", "recopy"}, 60s, {"shop.orders"}).exit_code, 0);
    task.run_until_now();
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;
    expect_equal(pair);
}

TEST(Mapping, DdlFollows) {
    const Pair pair;
    auto source = pair.source();
    source.exec(source_sql);
    pair.destination().exec(foreign_sql);
    const Task task(pair, {.more = rules});
    task.run_until_now();
    for (
        const std::string sql : {
            "ALTER TABLE shop.orders ADD at timestamptz DEFAULT clock_timestamp(), ADD s serial, DROP COLUMN g",
            "ALTER TABLE shop.orders ALTER n TYPE bigint USING (n + 1 + random() * 100)::bigint",
            "CREATE VIEW app_2.all_orders AS SELECT orders.*, c.v FROM shop.orders JOIN shop.customer c ON c.id = orders.customer",
            "SET search_path = shop, public; CREATE TABLE child (id int PRIMARY KEY REFERENCES orders, mail text) ; RESET search_path",
            "CREATE INDEX CONCURRENTLY mail_2 ON shop.orders (mail, a)",
            "DROP INDEX CONCURRENTLY shop.lower_mail",
            "CREATE INDEX CONCURRENTLY plain ON public.part_2 (v)",
            "BEGIN; INSERT INTO shop.orders (mail, n) VALUES ('in', 1); ALTER TABLE shop.orders RENAME a TO renamed;"
            " UPDATE shop.orders SET renamed = 9 WHERE mail = 'in'; ALTER TABLE shop.orders RENAME renamed TO a;"
            " UPDATE shop.orders SET mail = 'out' WHERE mail = 'in'; COMMIT",
            "CREATE SCHEMA app_3 CREATE TABLE made (id serial PRIMARY KEY); INSERT INTO app_3.made DEFAULT VALUES",
            "ALTER SCHEMA app_3 RENAME TO app_4; INSERT INTO app_4.made DEFAULT VALUES; ALTER SCHEMA app_4 RENAME TO plain;"
            "INSERT INTO plain.made DEFAULT VALUES; ALTER TABLE plain.made SET SCHEMA shop; INSERT INTO shop.made DEFAULT VALUES;"
            "DROP SCHEMA plain",
            "CREATE TABLE app_1.t_new (LIKE app_1.t INCLUDING ALL); INSERT INTO app_1.t_new VALUES (1, 'new');"
            "BEGIN; ALTER TABLE app_1.t RENAME TO t_old; ALTER TABLE app_1.t_new RENAME TO t; COMMIT;"
            "INSERT INTO app_1.t VALUES (2, 'x'); UPDATE app_1.t_old SET v = 'old' WHERE id = 1; DROP TABLE app_1.t_old",
            "CREATE TABLE app_2.part_3 (id int NOT NULL, v text); INSERT INTO app_2.part_3 VALUES (250, 'before');"
            "ALTER TABLE public.parts ATTACH PARTITION app_2.part_3 FOR VALUES FROM (200) TO (300);"
            "INSERT INTO public.parts VALUES (251, 'x'); UPDATE public.parts SET v = 'y' WHERE id = 250;"
            "ALTER TABLE public.parts DETACH PARTITION public.part_2; INSERT INTO public.part_2 VALUES (199, 'alone')",
            "CREATE TABLE app_2.copied AS SELECT id, mail, random() AS r FROM shop.orders; DROP TABLE store.item",
            "CREATE MATERIALIZED VIEW shop.m AS SELECT mail, v FROM shop.orders, public.parts WITH NO DATA",
            "CREATE FUNCTION shop.f(o shop.orders) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT o.mail; END",
            "COMMENT ON COLUMN shop.orders.mail IS 'a mail'; ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (mail <> 'x');"
            "ALTER TABLE shop.orders DISABLE TRIGGER ALL; ALTER TABLE shop.orders ENABLE TRIGGER ALL",
            "DROP VIEW shop.mails, app_2.all_orders",
        }) {
        for (std::size_t at = 0; at < sql.size();) {  // one by one: some can't be in a string of several
            const auto end = sql.starts_with("BEGIN") ? sql.size() : std::min(sql.find(';', at), sql.size());
            const bool atomic = sql.find("BEGIN ATOMIC") != std::string::npos;
            source.exec(atomic ? sql : sql.substr(at, end - at));
            at = atomic ? sql.size() : end + 1;
        }
    }
    source.exec("INSERT INTO shop.orders (mail, n) VALUES ('last', 1)");
    task.run_until_now();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM archive.orders_2024 WHERE email = 'out' AND b = 9"), 1);
    EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;
    expect_equal(pair);
}

// An account that owns its database, and is no superuser.
TEST(Mapping, APlainAccountIsEnough) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(source_sql);
    destination.exec(
        "DROP ROLE IF EXISTS mapper; CREATE ROLE mapper LOGIN; GRANT SET ON PARAMETER session_replication_role TO mapper;"
        "ALTER DATABASE " +
        pair.name() + " OWNER TO mapper");
    auto conninfo = pair.destination_conninfo();
    conninfo.replace(conninfo.find("user=postgres"), 13, "user=mapper");
    Session(conninfo).exec(foreign_sql);
    {
        const Task task(pair, {.destination_conninfo = conninfo, .more = rules});
        const auto precheck = task.call({"precheck"});
        EXPECT_EQ(precheck.exit_code, 0) << precheck.output;
        task.run_until_now();
        source.exec(changes_sql);
        source.exec("ALTER TABLE shop.orders ADD at timestamptz DEFAULT clock_timestamp()");
        source.exec("CREATE VIEW app_2.all_orders AS SELECT * FROM shop.orders; CREATE INDEX ON public.parts (v)");
        task.run_until_now();
        EXPECT_EQ(task.call({"verify"}).exit_code, 0) << task.call({"verify"}).output;
        source.exec("DROP VIEW app_2.all_orders");
        task.run_until_now();
    }
    expect_equal(pair);
    destination.exec(
        "REVOKE SET ON PARAMETER session_replication_role FROM mapper; ALTER DATABASE " + pair.name() +
        " OWNER TO postgres; REASSIGN OWNED BY mapper TO postgres; DROP OWNED BY mapper; DROP ROLE mapper");
}

TEST(Mapping, TwoNamesAtOneAreRefused) {
    const Pair pair;
    pair.source().exec("CREATE SCHEMA shop; CREATE SCHEMA store; CREATE TABLE shop.t (id int PRIMARY KEY)");
    const Task task(pair, {.more = "[map]\nschemas = { shop = \"store\" }\n"});
    const auto outcome = task.call({"run", "--until", "now"});
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("schemas \"shop\" and \"store\" arrive at one name: \"store\""));
}

TEST(Mapping, ATaskKeepsItsNames) {
    const Pair pair;
    pair.source().exec("CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY)");
    const Task task(pair, {.more = "[map]\nschemas = { shop = \"public\" }\n"});
    task.run_until_now();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM public.t"), 0);
    const Task other(pair, {.more = "[map]\nschemas = { shop = \"other\" }\n"});
    const auto outcome = other.call({"run", "--until", "now"});
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("are not those that this task began with"));
}

}  // namespace
}  // namespace walferry::testing
