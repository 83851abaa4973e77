// Goal: what runs at the destination is what was run at the source, and nothing that a user of the source only says was.
// And DDL that nobody captured never becomes garbage: the task stops at the first change that it doesn't fit.
// Method: a user without rights tries every way to the applier that is open to users; then its own, true DDL must arrive.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DdlForgery : public ::testing::Test {
protected:
    void SetUp() override {
        // mallory is nobody at the destination: what says so there runs as the applier, if it runs.
        Session(pair.clusters().source.conninfo()).exec("DROP ROLE IF EXISTS mallory; CREATE ROLE mallory LOGIN");
        source.exec("GRANT CREATE ON DATABASE " + pair.name() +
                    " TO mallory; CREATE SCHEMA mallory AUTHORIZATION mallory;"
                    "CREATE TABLE victim (id int PRIMARY KEY, v text); INSERT INTO victim VALUES (1, 'safe');"
                    "CREATE TABLE secret (v text); INSERT INTO secret VALUES ('unseen')");
        task.run_until_now();
        ASSERT_EQ(compare(pair), "");
        known_ids = source.number("SELECT coalesce(max(id), 0) FROM walferry.ddl_log");
        mallory.emplace(mallorys_conninfo());
    }

    std::string mallorys_conninfo() const {
        auto conninfo = pair.source_conninfo();
        return conninfo.replace(conninfo.find("user=postgres"), 13, "user=mallory");
    }

    // Nothing came of it, and mallory's own DDL still arrives.
    void expect_unharmed() {
        mallory->exec("RESET ALL; SET search_path = mallory");
        mallory->exec(
            "CREATE TABLE mallory.legal (id bigserial PRIMARY KEY); INSERT INTO mallory.legal DEFAULT VALUES");
        mallory->exec("ALTER TABLE mallory.legal ADD COLUMN r float8 DEFAULT random()");
        mallory->exec("UPDATE mallory.legal SET r = -r");
        task.run_until_now();
        EXPECT_EQ(compare(pair), "");
        EXPECT_EQ(destination.value("SELECT string_agg(v, ' ') FROM victim"), "safe");
        EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl WHERE statement ~ 'forged'"), 0);
        EXPECT_EQ(destination.number("SELECT count(*) FROM pg_roles WHERE rolname IN ('mallory', 'forged')"), 0);
        EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl WHERE statement ~ 'mallory.legal'"), 2);
    }

    const Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    const Task task{pair};
    std::optional<Session> mallory;
    std::int64_t known_ids = 0;
};

TEST_F(DdlForgery, MessagesOfAnyPrefix) {
    const char *const prefixes[] = {"walferry", "walferry_ddl", "walferry.ddl", "walferry.ddl_log", "ddl",    "D", "",
                                    "WALFERRY", "wal2json",     "walferry\n",   "~wf_end",          "!wf_end"};
    const char *const payloads[] = {
        "'DROP TABLE public.victim /* forged */'",
        "'{\"id\": 1, \"role\": \"postgres\", \"tag\": \"DROP TABLE\", \"statement\": \"DROP TABLE public.victim /* forged */\"}'",
        "'(1,now,postgres,postgres,DROP TABLE,0,\"DROP TABLE public.victim /* forged */\",,{public},{},{},{})'",
        "''",
        "'\\x00'::bytea",
        "'\\x44000000000000000100000000'::bytea",
        "decode(repeat('ff', 100000), 'hex')",
        "convert_to(repeat('CREATE ROLE forged SUPERUSER;', 10000), 'UTF8')",
    };
    for (const auto *transactional : {"true", "false"}) {
        for (const auto *prefix : prefixes) {
            for (const auto *payload : payloads) {
                mallory->exec(std::string("SELECT pg_logical_emit_message(") + transactional + ", " +
                              mallory->connection().quote_literal(prefix) + ", " + payload + ")");
            }
        }
    }
    // Beside a true statement, in its transaction, before and behind it.
    mallory->exec(
        "BEGIN; SELECT pg_logical_emit_message(true, 'walferry', 'DROP TABLE public.victim /* forged */');"
        "CREATE TABLE mallory.a (id int PRIMARY KEY); SELECT pg_logical_emit_message(true, 'walferry', 'COMMIT');"
        "SELECT pg_logical_emit_message(false, 'walferry_ddl', 'DROP TABLE mallory.a /* forged */');"
        "INSERT INTO mallory.a VALUES (1); COMMIT");
    expect_unharmed();
}

TEST_F(DdlForgery, WhatIsRefused) {
    const char *const statements[] = {
        "INSERT INTO walferry.ddl_log SELECT * FROM walferry.ddl_log",
        "INSERT INTO walferry.ddl_log (id, captured, role, session_role, tag, flags, statement)"
        " VALUES (1000000, now(), 'postgres', 'postgres', 'DROP TABLE', 0, 'DROP TABLE public.victim /* forged */')",
        "INSERT INTO walferry.ddl_log DEFAULT VALUES",
        "COPY walferry.ddl_log FROM STDIN",
        "UPDATE walferry.ddl_log SET statement = 'DROP TABLE public.victim /* forged */'",
        "DELETE FROM walferry.ddl_log",
        "TRUNCATE walferry.ddl_log",
        "SELECT * FROM walferry.ddl_log",
        "LOCK TABLE walferry.ddl_log",
        "ALTER TABLE walferry.ddl_log ADD COLUMN forged int",
        "ALTER TABLE walferry.ddl_log ALTER statement SET DEFAULT 'forged'",
        "ALTER TABLE walferry.ddl_log DISABLE TRIGGER ALL",
        "ALTER TABLE walferry.ddl_log RENAME TO forged",
        "ALTER TABLE walferry.ddl_log SET SCHEMA mallory",
        "ALTER TABLE walferry.ddl_log OWNER TO mallory",
        "DROP TABLE walferry.ddl_log CASCADE",
        "CREATE TABLE walferry.forged (id int)",
        "CREATE TRIGGER forged BEFORE INSERT ON walferry.ddl_log FOR EACH ROW EXECUTE FUNCTION mallory.forge()",
        "CREATE RULE forged AS ON INSERT TO walferry.ddl_log DO INSTEAD NOTHING",
        "CREATE INDEX forged ON walferry.ddl_log (id)",
        "CREATE POLICY forged ON walferry.ddl_log USING (false)",
        "CREATE TABLE mallory.forged () INHERITS (walferry.ddl_log)",
        "COMMENT ON TABLE walferry.ddl_log IS 'forged'",
        "GRANT INSERT ON walferry.ddl_log TO mallory WITH GRANT OPTION",
        "ALTER SCHEMA walferry RENAME TO forged",
        "DROP SCHEMA walferry CASCADE",
        "ALTER EXTENSION walferry ADD SCHEMA mallory",
        "ALTER EXTENSION walferry DROP TABLE walferry.ddl_log",
        "ALTER EXTENSION walferry UPDATE",
        "DROP EXTENSION walferry CASCADE",
        "CREATE EVENT TRIGGER forged ON ddl_command_end EXECUTE FUNCTION mallory.forge()",
        "SET walferry.capture_ddl = off",
        "SET LOCAL walferry.capture_ddl = off",
        "SELECT set_config('walferry.capture_ddl', 'off', false)",
        "ALTER ROLE mallory SET walferry.capture_ddl = off",
        "CREATE FUNCTION mallory.quiet() RETURNS void LANGUAGE sql SET walferry.capture_ddl = off AS 'SELECT'",
        "SET session_replication_role = replica",
        "SELECT pg_replication_origin_create('walferry_forged')",
        "SET ROLE postgres",
    };
    mallory->exec(
        "CREATE FUNCTION mallory.forge() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.statement := 'DROP TABLE public.victim /* forge */'; RETURN NEW; END $$");
    const auto before = source.value("SELECT string_agg(l::text, ' ' ORDER BY id) FROM walferry.ddl_log l");
    for (const auto *statement : statements) {
        EXPECT_FALSE(mallory->connection().exec(statement)) << statement;
        if (std::string_view(statement).starts_with("COPY")) mallory.emplace(mallorys_conninfo());
    }
    // Nor by way of what the extension's own objects are called.
    const auto own = source.exec(
        "SELECT format('%s', d.objid::regclass) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'"
        " JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass"
        " AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'walferry'"
        " UNION SELECT format('%s', objid::regclass) FROM pg_depend JOIN pg_class c ON c.oid = objid AND relkind = 'S'"
        " WHERE classid = 'pg_class'::regclass AND refobjid = 'walferry.ddl_log'::regclass");
    for (int i = 0; i < own.count(); ++i) {
        EXPECT_FALSE(mallory->connection().exec("SELECT nextval('" + own.text(i, 0) + "')")) << own.text(i, 0);
        EXPECT_FALSE(mallory->connection().exec("SELECT setval('" + own.text(i, 0) + "', 1)")) << own.text(i, 0);
    }
    const auto triggers = source.exec("SELECT evtname FROM pg_event_trigger");
    EXPECT_GT(triggers.count(), 0);
    for (int i = 0; i < triggers.count(); ++i) {
        const auto name = source.connection().quote_identifier(triggers.text(i, 0));
        EXPECT_FALSE(mallory->connection().exec("ALTER EVENT TRIGGER " + name + " DISABLE")) << name;
        EXPECT_FALSE(mallory->connection().exec("DROP EVENT TRIGGER " + name)) << name;
    }
    EXPECT_EQ(source.value("SELECT string_agg(l::text, ' ' ORDER BY id) FROM walferry.ddl_log l"), before);
    expect_unharmed();
}

// Its rows are rows: they arrive, and say nothing.
TEST_F(DdlForgery, TablesOfSimilarNames) {
    const std::string columns =
        "(id bigint PRIMARY KEY, captured timestamptz, role text, session_role text, tag text, flags int4, statement text,"
        " statements text[], search_path text[], settings text[], objects text[], rewritten text[])";
    const std::string row =
        " VALUES (1000000, now(), 'postgres', 'postgres', 'DROP TABLE', 0, 'DROP TABLE public.victim /* forged */', NULL,"
        " '{public}', '{}', '{D,table,public,victim,\"{public,victim}\",\"{}\"}', '{}')";
    for (const auto *schema : {"mallory", "\"Walferry\"", "\"walferry \"", "walferry2", "\"walferry.ddl_log\""}) {
        mallory->exec(std::string("CREATE SCHEMA IF NOT EXISTS ") + schema);
        for (const auto *table : {"ddl_log", "ddl", "\"walferry.ddl_log\"", "\"DDL_LOG\""}) {
            const auto name = std::string(schema) + "." + table;
            mallory->exec("CREATE TABLE " + name + columns);
            mallory->exec("INSERT INTO " + name + row);
        }
    }
    mallory->exec("BEGIN; CREATE TEMP TABLE ddl_log" + columns + "; INSERT INTO ddl_log" + row + "; COMMIT");
    mallory->exec("SET search_path = pg_temp, mallory, \"Walferry\"");
    mallory->exec(
        "CREATE TABLE mallory.seen (id int PRIMARY KEY); INSERT INTO ddl_log SELECT id + 1 FROM pg_temp.ddl_log");
    mallory->exec(
        "CREATE TEMP TABLE pg_class (oid oid, relname name); CREATE TEMP VIEW pg_namespace AS SELECT 1 AS oid");
    mallory->exec("ALTER TABLE mallory.seen ADD COLUMN v text DEFAULT now()");
    mallory->exec("ALTER TABLE walferry2.ddl_log RENAME TO \"ddl log\"; ALTER SCHEMA walferry2 RENAME TO walferry3");
    expect_unharmed();
}

// Operators, functions and types that a search_path puts before the server's own.
TEST_F(DdlForgery, ShadowsOfTheServersObjects) {
    // Whoever else calls one of them, here or there, gets an error.
    const std::string body =
        " LANGUAGE plpgsql AS $$ BEGIN IF session_user <> 'mallory' THEN RAISE EXCEPTION 'shadowed'; END IF; RETURN ";
    mallory->exec("CREATE FUNCTION mallory.now() RETURNS timestamptz" + body + "'2000-01-01'; END $$");
    mallory->exec("CREATE FUNCTION mallory.version() RETURNS text" + body + "'none'; END $$");
    mallory->exec("CREATE FUNCTION mallory.pg_backend_pid() RETURNS int" + body + "0; END $$");
    mallory->exec("CREATE FUNCTION mallory.current_setting(text) RETURNS text" + body + "'shadowed'; END $$");
    mallory->exec("CREATE FUNCTION mallory.set_config(text, text, boolean) RETURNS text" + body + "'shadowed'; END $$");
    mallory->exec("CREATE FUNCTION mallory.to_regclass(text) RETURNS regclass" + body + "NULL; END $$");
    for (const auto *type : {"text", "bigint", "oid", "int", "name"}) {
        mallory->exec("CREATE FUNCTION mallory.never(" + std::string(type) + ", " + type + ") RETURNS boolean" + body +
                      "false; END $$");
        mallory->exec("CREATE OPERATOR mallory.= (LEFTARG = " + std::string(type) + ", RIGHTARG = " + type +
                      ", FUNCTION = mallory.never)");
    }
    mallory->exec(
        "CREATE TABLE mallory.pg_class (oid oid, relname name); CREATE VIEW mallory.pg_namespace AS SELECT 1 AS oid");
    mallory->exec("SET search_path = mallory, pg_catalog");
    mallory->exec("CREATE TABLE shadowed (id int PRIMARY KEY, v text)");
    mallory->exec("INSERT INTO shadowed VALUES (1, 'x')");
    mallory->exec("ALTER TABLE shadowed ADD COLUMN at timestamptz DEFAULT now(), ADD COLUMN r float8 DEFAULT random()");
    mallory->exec("CREATE TABLE copied AS SELECT * FROM shadowed");
    mallory->exec("ALTER TABLE shadowed RENAME TO \"shadowed = shadow\"; DROP TABLE copied");
    expect_unharmed();
}

// Captured all the same, or no session at all.
TEST_F(DdlForgery, CaptureSwitchedOffInTheConnection) {
    const auto opened =
        pq::Connection::open({.conninfo = mallorys_conninfo() + " options='-c walferry.capture_ddl=off'",
                              .side = Side::none,
                              .application_name = "walferry tests",
                              .replication = false,
                              .settings = {},
                              .stop = nullptr});
    if (opened) {
        Session sneaky(mallorys_conninfo() + " options='-c walferry.capture_ddl=off'");
        sneaky.exec("CREATE TABLE mallory.sneaky (id int PRIMARY KEY)");
        sneaky.exec("INSERT INTO mallory.sneaky VALUES (1)");
        sneaky.exec("ALTER TABLE mallory.sneaky ADD COLUMN v int DEFAULT 7");
        sneaky.exec("INSERT INTO mallory.sneaky VALUES (2)");
    }
    for (const auto *name : {"walferry.capture", "walferry.ddl", "walferry.anything"}) {  // a setting, or refused
        static_cast<void>(mallory->connection().exec("SELECT set_config('" + std::string(name) + "', 'off', false)"));
    }
    expect_unharmed();
}

// Each true statement of a role is noted as that role's.
TEST_F(DdlForgery, RolesAreNotedAsTheyWere) {
    source.exec("SET ROLE mallory; CREATE TABLE mallory.by_set_role (id int PRIMARY KEY); RESET ROLE");
    source.exec(
        "CREATE FUNCTION mallory.definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN CREATE TABLE public.by_definer (id int PRIMARY KEY); END'; GRANT EXECUTE ON FUNCTION mallory.definer() TO mallory");
    mallory->exec("SELECT mallory.definer()");
    EXPECT_EQ(source.value("SELECT string_agg(role || ' ' || session_role, ', ' ORDER BY id) FROM walferry.ddl_log"
                           " WHERE statement ~ 'CREATE TABLE' AND tag = 'CREATE TABLE' AND id > " +
                           std::to_string(known_ids)),
              "mallory postgres, postgres mallory");
    expect_unharmed();
}

// A superuser may switch capture off, and is then alone.
struct Uncaptured {
    const char *name;
    const char *statement;
    const char *change;   // whose rows no longer fit
    const char *by_hand;  // what mends it
    const char *table;    // that the message names
};

class DdlUncaptured : public ::testing::TestWithParam<Uncaptured> {};

TEST_P(DdlUncaptured, StopsAtTheFirstChangeThatDoesNotFit) {
    const auto &[name, statement, change, by_hand, table] = GetParam();
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY, n int, v text); CREATE TABLE b (id int PRIMARY KEY); CREATE TYPE mood AS ENUM ('sad');"
        "CREATE TABLE e (id int PRIMARY KEY, m mood); INSERT INTO a SELECT n, n, 'v' FROM generate_series(1, 10) n");
    const Task task(pair);
    task.run_until_now();
    source.exec("SET walferry.capture_ddl = off");
    source.exec(statement);
    source.exec("SET walferry.capture_ddl = on");
    source.exec("INSERT INTO b VALUES (1)");
    source.exec(std::string("BEGIN; INSERT INTO b VALUES (2); ") + change + "; COMMIT");
    source.exec("CREATE TABLE behind (id int PRIMARY KEY); INSERT INTO b VALUES (3)");
    const auto before = destination.value("SELECT string_agg(a::text, ' ' ORDER BY id) FROM a");
    for (int i = 0; i < 2; ++i) {
        const auto ran = task.call({"run", "--until", "now"});
        EXPECT_EQ(ran.exit_code, 5) << ran.errors;
        EXPECT_THAT(ran.errors, AllOf(HasSubstr("walferry: "), HasSubstr(table)));
        EXPECT_EQ(destination.number("SELECT max(id) FROM b"), 1);
        EXPECT_EQ(destination.value("SELECT string_agg(a::text, ' ' ORDER BY id) FROM a"), before);
    }
    destination.exec(by_hand);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

const Uncaptured uncaptured[] = {
    {"ColumnAdded", "ALTER TABLE a ADD COLUMN added text DEFAULT 'x'", "INSERT INTO a VALUES (11, 11, 'v', 'added')",
     "ALTER TABLE a ADD COLUMN added text DEFAULT 'x'", "public.a"},
    {"ColumnRenamed", "ALTER TABLE a RENAME n TO renamed", "UPDATE a SET renamed = 0 WHERE id = 5",
     "ALTER TABLE a RENAME n TO renamed", "public.a"},
    {"ColumnDropped", "ALTER TABLE a DROP COLUMN n", "INSERT INTO a VALUES (11, 'v')", "ALTER TABLE a DROP COLUMN n",
     "public.a"},
    {"TypeChanged", "ALTER TABLE a ALTER n TYPE bigint", "INSERT INTO a VALUES (11, 5000000000, 'v')",
     "ALTER TABLE a ALTER n TYPE bigint", "public.a"},
    {"TypeChangedByAnExpression", "ALTER TABLE a ALTER n TYPE text USING 'number ' || n",
     "INSERT INTO a VALUES (11, '11', 'v')", "ALTER TABLE a ALTER n TYPE text USING 'number ' || n", "public.a"},
    {"TableRenamed", "ALTER TABLE a RENAME TO c", "INSERT INTO c VALUES (11, 11, 'v')", "ALTER TABLE a RENAME TO c",
     "public.c"},
    {"TableMade", "CREATE TABLE c (id int PRIMARY KEY)", "INSERT INTO c VALUES (1)",
     "CREATE TABLE c (id int PRIMARY KEY)", "public.c"},
    {"EnumValueAdded", "ALTER TYPE mood ADD VALUE 'glad'", "INSERT INTO e VALUES (1, 'glad')",
     "ALTER TYPE mood ADD VALUE 'glad'", "public.e"},
};

INSTANTIATE_TEST_SUITE_P(DdlForgery, DdlUncaptured, ::testing::ValuesIn(uncaptured),
                         [](const auto &change) { return change.param.name; });

// A column of a table that DDL has made is known as well as one that was copied, by whatever name; one that only the
// destination has disturbs nobody.
TEST(DdlUncapturedColumns, AreKnownFromStatementsToo) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id + 1) STORED, v text)");
    const Task task(pair);
    task.run_until_now();
    destination.exec("ALTER TABLE a ADD COLUMN here text DEFAULT 'only'");
    source.exec(
        "ALTER TABLE a ADD COLUMN n int, ADD COLUMN gone int; ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME n TO m");
    source.exec("CREATE TABLE c (id int PRIMARY KEY, x text); INSERT INTO b (id, m) VALUES (1, 1)");
    task.run_until_now();
    destination.exec("ALTER TABLE c ADD COLUMN here text DEFAULT 'only'; CREATE VIEW w AS SELECT gone FROM b");
    source.exec("INSERT INTO c VALUES (1, 'x'); ALTER TABLE b DROP COLUMN gone; INSERT INTO b (id) VALUES (2)");
    // What was left out of a statement is the destination's own from then on.
    EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 5);
    run_or_throw(
        {walferry_program(), "ddl", "skip", task.file(), source.value("SELECT max(id) FROM walferry.ddl_log")});
    task.run_until_now();
    EXPECT_EQ(destination.value("SELECT string_agg(b::text, ' ' ORDER BY id) FROM b"), "(1,2,,only,1,) (2,3,,only,,)");
    EXPECT_EQ(destination.value("SELECT string_agg(c::text, ' ') FROM c"), "(1,x,only)");

    source.exec(
        "SET walferry.capture_ddl = off; ALTER TABLE b DROP COLUMN m; ALTER TABLE c DROP COLUMN x;"
        "RESET walferry.capture_ddl; INSERT INTO b (id) VALUES (3)");
    auto ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 5);
    EXPECT_THAT(ran.errors, AllOf(HasSubstr("public.b"), HasSubstr("\"m\"")));
    destination.exec("ALTER TABLE b DROP COLUMN m");
    source.exec("INSERT INTO c VALUES (3)");
    ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 5);
    EXPECT_THAT(ran.errors, AllOf(HasSubstr("public.c"), HasSubstr("\"x\"")));
    destination.exec("ALTER TABLE c DROP COLUMN x");
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(*) FROM b"), 3);
}

// Off, it is off for what the switch was meant for: statements that shall stay at the source.
TEST(DdlForgeryCapture, IsOffForStatementsOfTheSourceAlone) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const Task task(pair);
    task.run_until_now();
    source.exec("SET walferry.capture_ddl = off");
    source.exec("CREATE INDEX only_here ON a (v)");
    source.exec("CREATE VIEW only_here_too AS SELECT * FROM a");
    source.exec("RESET walferry.capture_ddl");
    source.exec("CREATE INDEX everywhere ON a (v); INSERT INTO a VALUES (1, 'x')");
    task.run_until_now();
    auto destination = pair.destination();
    EXPECT_EQ(destination.value("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class"
                                " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('i', 'v')"),
              "a_pkey everywhere");
    EXPECT_EQ(compare_rows(pair), "");
    source.exec("DROP INDEX everywhere");
    task.run_until_now();
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_indexes WHERE tablename = 'a'"), 1);
}

}  // namespace
}  // namespace walferry::testing
