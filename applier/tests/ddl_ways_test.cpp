// Goal: every kind of DDL statement has the same result at the destination, from wherever it is issued.
// Method: a table of cases, each issued in each way: plainly, in a DO block, by a function, by a trigger, in a string of
// several statements, among changes of rows, after a savepoint that was rolled back, under session_replication_role =
// replica. Afterwards definitions and rows of both sides are equal. A statement that can't be applied is left out, so that
// one run names all of them.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <regex>

#include "compare.h"

namespace walferry::testing {
namespace {

enum class Way { plain, do_block, function, trigger, several, transaction, savepoint, replica };

struct Case {
    const char *name;
    // $s is the case's schema, which is also the search_path; it has t (id int PRIMARY KEY, v text, n int), 20 rows, and
    // log (n int). $n tells objects apart that are in no schema.
    const char *before;
    std::vector<const char *> statements;
    const char *after = "";
    bool alone = false;    // not in a transaction, nor in what is one
    bool literal = false;  // not by EXECUTE
};

const std::vector<Case> cases = {
    {"CreateTable",
     "",
     {"CREATE TABLE a (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x', CHECK (v <> ''))"},
     "INSERT INTO a VALUES (1)"},
    {"CreateTableIfNotExists",
     "",
     {"CREATE TABLE IF NOT EXISTS t (id int)", "CREATE TABLE IF NOT EXISTS a (id int)"},
     "INSERT INTO a VALUES (1)"},
    {"CreateTableSerial",
     "",
     {"CREATE TABLE a (id bigserial PRIMARY KEY, v text)"},
     "INSERT INTO a (v) VALUES ('1'), ('2')"},
    {"CreateTableIdentity",
     "",
     {"CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY (START 7) PRIMARY KEY, v text)"},
     "INSERT INTO a (v) VALUES ('1')"},
    {"CreateTableGenerated",
     "",
     {"CREATE TABLE a (id int PRIMARY KEY, n int, d int GENERATED ALWAYS AS (n * 2) STORED)"},
     "INSERT INTO a VALUES (1, 2)"},
    {"CreateTableLike",
     "CREATE INDEX ON t (n); COMMENT ON COLUMN t.v IS 'c'",
     {"CREATE TABLE a (LIKE t INCLUDING ALL)"},
     "INSERT INTO a VALUES (1, 'x', 2)"},
    {"CreateTableOf",
     "CREATE TYPE k AS (id int, v text)",
     {"CREATE TABLE a OF k (PRIMARY KEY (id))"},
     "INSERT INTO a VALUES (1, 'x')"},
    {"CreateTableInherits", "", {"CREATE TABLE a (extra int) INHERITS (t)"}, "INSERT INTO a VALUES (50, 'x', 1, 2)"},
    {"CreateTableExclusion",
     "",
     {"CREATE TABLE a (r int4range, EXCLUDE USING gist (r WITH &&))"},
     "INSERT INTO a VALUES ('[1,2)')"},
    {"CreateTableReferences",
     "",
     {"CREATE TABLE a (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE)"},
     "INSERT INTO a VALUES (1, 1)"},
    {"CreateTableOptions",
     "",
     {"CREATE TABLE a (id int PRIMARY KEY, v text COMPRESSION pglz) WITH (fillfactor = 70, autovacuum_enabled = off)"},
     "INSERT INTO a VALUES (1)"},
    {"CreateUnloggedTable", "", {"CREATE UNLOGGED TABLE a (id int PRIMARY KEY)"}},
    {"CreatePartitions",
     "",
     {"CREATE TABLE a (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k)",
      "CREATE TABLE a1 PARTITION OF a FOR VALUES IN ('x', 'y')",
      "CREATE TABLE a2 PARTITION OF a DEFAULT PARTITION BY HASH (id)",
      "CREATE TABLE a21 PARTITION OF a2 FOR VALUES WITH (MODULUS 1, REMAINDER 0)"},
     "INSERT INTO a VALUES (1, 'x'), (2, 'z')"},
    {"CreateTemporaryTable",
     "",
     {"CREATE TEMP TABLE tt (id int)", "CREATE INDEX ON tt (id)", "ALTER TABLE tt ADD COLUMN v text", "DROP TABLE tt"}},
    {"CreateTableAs",
     "",
     {"CREATE TABLE a AS SELECT id, v, random() AS r FROM t WHERE id > 3"},
     "INSERT INTO a VALUES (100)"},
    {"CreateTableAsNoData", "", {"CREATE TABLE a AS SELECT * FROM t WITH NO DATA"}, "INSERT INTO a VALUES (1)"},
    {"SelectInto", "", {"SELECT id, random() AS r INTO a FROM t"}, "INSERT INTO a VALUES (100)", false, true},
    {"AddColumn",
     "",
     {"ALTER TABLE t ADD COLUMN a int, ADD COLUMN b text DEFAULT 'b' NOT NULL"},
     "UPDATE t SET a = id"},
    {"AddColumnIfNotExists",
     "",
     {"ALTER TABLE t ADD COLUMN IF NOT EXISTS v text", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int"},
     "UPDATE t SET a = 1 WHERE id = 1"},
    {"AddColumnNow",
     "",
     {"ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT clock_timestamp(), ADD COLUMN b timestamptz DEFAULT now()"},
     "INSERT INTO t VALUES (100)"},
    {"AddColumnStable",
     "",
     {"ALTER TABLE t ADD COLUMN b timestamptz DEFAULT now(), ADD COLUMN c text DEFAULT current_user || '!'"},
     "INSERT INTO t VALUES (100)"},
    {"AddColumnRandom", "", {"ALTER TABLE t ADD COLUMN a float8 DEFAULT random()"}, "UPDATE t SET a = 0 WHERE id = 1"},
    {"AddColumnUuid",
     "",
     {"ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid() UNIQUE"},
     "DELETE FROM t WHERE id = 1"},
    {"AddColumnSerial", "", {"ALTER TABLE t ADD COLUMN a bigserial"}, "INSERT INTO t (id) VALUES (100)"},
    {"AddColumnIdentity",
     "",
     {"ALTER TABLE t ADD COLUMN a int GENERATED BY DEFAULT AS IDENTITY"},
     "INSERT INTO t (id) VALUES (100)"},
    {"AddColumnGenerated",
     "",
     {"ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (id * 2) STORED"},
     "UPDATE t SET n = 7 WHERE id = 1"},
    {"AddColumnDomain",
     "CREATE DOMAIN d AS int CHECK (VALUE > 0)",
     {"ALTER TABLE t ADD COLUMN a d DEFAULT 3"},
     "INSERT INTO t (id) VALUES (100)"},
    {"DropColumn",
     "CREATE VIEW w AS SELECT n FROM t",
     {"ALTER TABLE t DROP COLUMN n CASCADE", "ALTER TABLE t DROP COLUMN IF EXISTS none"},
     "UPDATE t SET v = 'x' WHERE id = 1"},
    {"AlterType",
     "",
     {"ALTER TABLE t ALTER COLUMN n TYPE bigint, ALTER COLUMN v TYPE varchar(40)"},
     "INSERT INTO t VALUES (100, 'x', 5000000000)"},
    {"AlterTypeUsing",
     "",
     {"ALTER TABLE t ALTER COLUMN v TYPE int USING length(v) + n"},
     "UPDATE t SET v = 9 WHERE id = 1"},
    {"AlterTypeUsingVolatile",
     "",
     {"ALTER TABLE t ALTER COLUMN v TYPE float8 USING random()"},
     "UPDATE t SET v = 9 WHERE id = 1"},
    {"AlterKeyType",
     "CREATE TABLE a (t int PRIMARY KEY REFERENCES t); INSERT INTO a SELECT id FROM t",
     {"ALTER TABLE t ALTER COLUMN id TYPE bigint"},
     "DELETE FROM a WHERE t = 1; DELETE FROM t WHERE id = 1"},
    {"ColumnDefaults",
     "",
     {"ALTER TABLE t ALTER n SET DEFAULT 5, ALTER v SET NOT NULL", "ALTER TABLE t ALTER n DROP DEFAULT",
      "ALTER TABLE t ALTER v DROP NOT NULL", "ALTER TABLE t ALTER v SET DEFAULT 'd'"},
     "INSERT INTO t (id) VALUES (100)"},
    {"ColumnOptions",
     "",
     {"ALTER TABLE t ALTER v SET STORAGE EXTERNAL, ALTER v SET STATISTICS 50, ALTER v SET COMPRESSION pglz, ALTER n SET (n_distinct = 5)"},
     "UPDATE t SET v = repeat('x', 5000) WHERE id = 1"},
    {"ColumnIdentity",
     "",
     {"ALTER TABLE t ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 200)",
      "ALTER TABLE t ALTER id SET GENERATED ALWAYS SET INCREMENT 5"},
     "INSERT INTO t (v) VALUES ('x')"},
    {"DropIdentityAndExpression",
     "CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, d int GENERATED ALWAYS AS (n + 1) STORED); INSERT INTO a (n) VALUES (1)",
     {"ALTER TABLE a ALTER id DROP IDENTITY, ALTER d DROP EXPRESSION"},
     "INSERT INTO a VALUES (5, 5, 5)"},
    {"RenameColumn",
     "CREATE VIEW w AS SELECT v FROM t",
     {"ALTER TABLE t RENAME COLUMN v TO renamed"},
     "UPDATE t SET renamed = 'x' WHERE id = 1"},
    {"RenameTable", "", {"ALTER TABLE t RENAME TO renamed"}, "UPDATE renamed SET v = 'x' WHERE id = 1"},
    {"SwapTables",
     "CREATE TABLE t_new (LIKE t INCLUDING ALL); INSERT INTO t_new SELECT id, 'new', n FROM t",
     {"ALTER TABLE t RENAME TO t_old", "ALTER TABLE t_new RENAME TO t"},
     "UPDATE t SET n = 0 WHERE id = 1; DROP TABLE t_old"},
    {"SetSchema", "CREATE SCHEMA $s_b", {"ALTER TABLE t SET SCHEMA $s_b"}, "UPDATE $s_b.t SET v = 'x' WHERE id = 1"},
    {"AddConstraints",
     "CREATE TABLE a (id int PRIMARY KEY)",
     {"ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0), ADD UNIQUE (v, id), ADD FOREIGN KEY (n) REFERENCES a NOT VALID"},
     "UPDATE t SET n = NULL WHERE id = 1"},
    {"AlterConstraints",
     "CREATE TABLE a (t int CONSTRAINT f REFERENCES t, CONSTRAINT c CHECK (t > 0) NOT VALID)",
     {"ALTER TABLE a VALIDATE CONSTRAINT c", "ALTER TABLE a ALTER CONSTRAINT f DEFERRABLE",
      "ALTER TABLE a RENAME CONSTRAINT f TO g"},
     "INSERT INTO a VALUES (1)"},
    {"DropConstraints",
     "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
     {"ALTER TABLE t DROP CONSTRAINT c, DROP CONSTRAINT t_pkey", "ALTER TABLE t REPLICA IDENTITY FULL"},
     "UPDATE t SET v = 'x' WHERE id = 1"},
    {"AddKeyUsingIndex",
     "CREATE UNIQUE INDEX i ON t (id, v); ALTER TABLE t ALTER v SET NOT NULL; ALTER TABLE t DROP CONSTRAINT t_pkey",
     {"ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i"},
     "UPDATE t SET n = 1 WHERE id = 1"},
    {"ReplicaIdentity",
     "CREATE UNIQUE INDEX i ON t (n, id); ALTER TABLE t ALTER n SET NOT NULL",
     {"ALTER TABLE t REPLICA IDENTITY USING INDEX i"},
     "UPDATE t SET n = 100 WHERE id = 1; ALTER TABLE t REPLICA IDENTITY FULL; DELETE FROM t WHERE id = 2"},
    {"TableOptions",
     "",
     {"ALTER TABLE t SET (fillfactor = 50)", "ALTER TABLE t RESET (fillfactor), SET (toast.autovacuum_enabled = off)"}},
    {"SetLogged",
     "CREATE UNLOGGED TABLE a (id int PRIMARY KEY, r float8 DEFAULT random()); INSERT INTO a SELECT generate_series(1, 5)",
     {"ALTER TABLE a SET LOGGED"},
     "INSERT INTO a VALUES (100)"},
    {"ClusterOn", "", {"ALTER TABLE t CLUSTER ON t_pkey"}},
    {"RowSecurity",
     "",
     {"ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"},
     "INSERT INTO t (id) VALUES (100)"},
    {"InheritAndOf",
     "CREATE TABLE a (id int NOT NULL, v text, n int); CREATE TYPE k AS (id int, v text, n int)",
     {"ALTER TABLE a INHERIT t", "ALTER TABLE a NO INHERIT t", "ALTER TABLE a OF k", "ALTER TABLE a NOT OF"},
     "INSERT INTO a VALUES (1)"},
    {"AttachDetach",
     "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 (id int PRIMARY KEY); INSERT INTO p1 VALUES (1); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
     {"ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (1) TO (10)", "ALTER TABLE p DETACH PARTITION p2"},
     "INSERT INTO p VALUES (2); INSERT INTO p2 VALUES (30)"},
    {"DetachConcurrently",
     "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9); INSERT INTO p VALUES (1)",
     {"ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"},
     "INSERT INTO p1 VALUES (5)",
     true},
    {"AlterPartitioned",
     "CREATE TABLE p (id int, v text) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9); INSERT INTO p VALUES (1), (2)",
     {"ALTER TABLE p ADD COLUMN r float8 DEFAULT random(), ADD PRIMARY KEY (id)", "CREATE INDEX ON p (v)"},
     "UPDATE p SET v = 'x' WHERE id = 1"},
    {"DropTable",
     "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE VIEW w AS SELECT * FROM a",
     {"DROP TABLE a, b CASCADE", "DROP TABLE IF EXISTS none"}},
    {"Truncate",
     "CREATE TABLE a (id serial, t int REFERENCES t)",
     {"TRUNCATE t, a RESTART IDENTITY CASCADE"},
     "INSERT INTO t VALUES (1)"},
    {"CreateIndex",
     "",
     {"CREATE INDEX ON t (v)", "CREATE UNIQUE INDEX named ON t (lower(v), id DESC) INCLUDE (n) WHERE n > 0",
      "CREATE INDEX ON t USING hash (v)"},
     "INSERT INTO t VALUES (100, 'x', 1)"},
    {"AlterIndex",
     "CREATE INDEX i ON t (v)",
     {"ALTER INDEX i RENAME TO j", "ALTER INDEX j SET (fillfactor = 60)", "DROP INDEX j"},
     "INSERT INTO t VALUES (100)"},
    {"CreateIndexConcurrently",
     "",
     {"CREATE INDEX CONCURRENTLY ON t (v)", "CREATE UNIQUE INDEX CONCURRENTLY named ON t (id, n)"},
     "INSERT INTO t VALUES (100)",
     true},
    {"DropIndexConcurrently",
     "CREATE INDEX i ON t (v)",
     {"DROP INDEX CONCURRENTLY i"},
     "INSERT INTO t VALUES (100)",
     true},
    {"View",
     "",
     {"CREATE VIEW w AS SELECT * FROM t WHERE id > 5 WITH CHECK OPTION",
      "CREATE OR REPLACE VIEW w AS SELECT id, v, n, 1 AS one FROM t", "ALTER VIEW w SET (security_barrier)",
      "ALTER VIEW w RENAME TO x",
      "CREATE RECURSIVE VIEW r (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 3"}},
    {"DropView", "CREATE VIEW w AS SELECT 1 AS n; CREATE VIEW x AS SELECT * FROM w", {"DROP VIEW w, x"}},
    {"MaterializedView",
     "",
     {"CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t", "CREATE UNIQUE INDEX ON m (id)",
      "REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
      "ALTER MATERIALIZED VIEW m RENAME TO mm"}},
    {"MaterializedViewNoData",
     "",
     {"CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t WITH NO DATA", "DROP MATERIALIZED VIEW m"}},
    {"Rule",
     "",
     {"CREATE RULE r AS ON INSERT TO t WHERE new.id < 0 DO INSTEAD NOTHING", "ALTER RULE r ON t RENAME TO q",
      "ALTER TABLE t DISABLE RULE q", "CREATE RULE r2 AS ON DELETE TO t DO ALSO NOTHING", "DROP RULE r2 ON t"},
     "INSERT INTO t VALUES (100)"},
    {"Trigger",
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.v = ''f''; RETURN new; END'",
     {"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", "ALTER TRIGGER g ON t RENAME TO h",
      "CREATE CONSTRAINT TRIGGER k AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()",
      "ALTER TABLE t DISABLE TRIGGER k", "DROP TRIGGER k ON t"},
     "INSERT INTO t VALUES (100)"},
    {"Policy",
     "",
     {"CREATE POLICY p ON t FOR SELECT USING (id > 0)", "ALTER POLICY p ON t USING (id > 1)",
      "ALTER POLICY p ON t RENAME TO q", "CREATE POLICY x ON t", "DROP POLICY x ON t"}},
    {"Statistics",
     "",
     {"CREATE STATISTICS st (dependencies) ON v, n FROM t", "ALTER STATISTICS st SET STATISTICS 30",
      "CREATE STATISTICS sx ON id, n FROM t", "ALTER STATISTICS st RENAME TO su"}},
    {"Sequence",
     "",
     {"CREATE SEQUENCE q AS int START 5 CYCLE MAXVALUE 1000", "ALTER SEQUENCE q INCREMENT 3 OWNED BY t.n",
      "ALTER SEQUENCE q RENAME TO r", "CREATE SEQUENCE x", "DROP SEQUENCE x"},
     "INSERT INTO t VALUES (100, 'x', nextval('r'))"},
    {"Function",
     "",
     {"CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a'",
      "CREATE OR REPLACE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT a + 1'",
      "ALTER FUNCTION f STRICT COST 7", "ALTER FUNCTION f(int, text) RENAME TO g",
      "ALTER FUNCTION g SET work_mem = '1MB'"}},
    {"FunctionOfMissingTable",
     "SET check_function_bodies = off",
     {"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM none'"}},
    {"Procedure",
     "",
     {"CREATE PROCEDURE p(a int) LANGUAGE plpgsql AS 'BEGIN NULL; END'",
      "CREATE PROCEDURE q() LANGUAGE sql BEGIN ATOMIC SELECT 1; END", "DROP PROCEDURE p, q"}},
    {"Aggregate",
     "",
     {"CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
      "ALTER AGGREGATE total(int) RENAME TO sum_up", "CREATE AGGREGATE other(int) (SFUNC = int4pl, STYPE = int)",
      "DROP AGGREGATE other(int)"}},
    {"DropRoutines",
     "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
     {"DROP FUNCTION f(int), f(text)", "DROP ROUTINE IF EXISTS absent()"}},
    {"EnumType",
     "",
     {"CREATE TYPE e AS ENUM ('a', 'b')", "ALTER TYPE e ADD VALUE 'c' BEFORE 'b'",
      "ALTER TYPE e RENAME VALUE 'a' TO 'z'", "ALTER TYPE e ADD VALUE IF NOT EXISTS 'c'"},
     "CREATE TABLE a (e e PRIMARY KEY); INSERT INTO a VALUES ('c'), ('z')"},
    {"CompositeType",
     "",
     {"CREATE TYPE k AS (a int, b text)", "ALTER TYPE k ADD ATTRIBUTE c date, ALTER ATTRIBUTE a TYPE bigint",
      "ALTER TYPE k RENAME ATTRIBUTE b TO bb", "ALTER TYPE k RENAME TO kk"},
     "CREATE TABLE a (k kk); INSERT INTO a VALUES (ROW(1, 'x', '2001-02-03'))"},
    {"RangeType",
     "",
     {"CREATE TYPE r AS RANGE (SUBTYPE = float8)"},
     "CREATE TABLE a (r r); INSERT INTO a VALUES ('[1,2)')"},
    {"Domain",
     "",
     {"CREATE DOMAIN d AS int DEFAULT 3 CHECK (VALUE > 0)", "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE < 100)",
      "ALTER DOMAIN d SET NOT NULL", "ALTER DOMAIN d DROP CONSTRAINT c", "ALTER DOMAIN d SET DEFAULT 4"},
     "CREATE TABLE a (d d, n int); INSERT INTO a (n) VALUES (1)"},
    {"DropTypes",
     "CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS e; CREATE TABLE a (id int, e e)",
     {"DROP TYPE e CASCADE"},
     "INSERT INTO a VALUES (1)"},
    {"Operator",
     "CREATE FUNCTION f(int, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
     {"CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = text, FUNCTION = f)",
      "ALTER OPERATOR ### (int, text) SET (RESTRICT = eqsel)",
      "CREATE OPERATOR ##! (LEFTARG = int, RIGHTARG = text, FUNCTION = f)", "DROP OPERATOR ##! (int, text)"}},
    {"OperatorClass",
     "",
     {"CREATE OPERATOR FAMILY fam USING btree",
      "CREATE OPERATOR CLASS cls FOR TYPE int USING btree FAMILY fam AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int)",
      "ALTER OPERATOR CLASS cls USING btree RENAME TO cls2",
      "ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 5 > (int, int)"}},
    {"Cast",
     "CREATE TYPE k AS (a int); CREATE FUNCTION f(k) RETURNS int LANGUAGE sql AS 'SELECT $1.a'",
     {"CREATE CAST (k AS int) WITH FUNCTION f(k) AS ASSIGNMENT", "COMMENT ON CAST (k AS int) IS 'x'"}},
    {"Collation",
     "",
     {"CREATE COLLATION c (LOCALE = 'C')", "CREATE COLLATION i (PROVIDER = icu, LOCALE = 'und', DETERMINISTIC = false)",
      "ALTER COLLATION c RENAME TO cc"},
     "CREATE TABLE a (v text COLLATE cc, w text COLLATE i UNIQUE); INSERT INTO a VALUES ('x', 'y')"},
    {"Conversion",
     "",
     {"CREATE CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "ALTER CONVERSION c RENAME TO cc"}},
    {"TextSearch",
     "",
     {"CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, STOPWORDS = 'english')",
      "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
      "ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH d",
      "ALTER TEXT SEARCH DICTIONARY d (ACCEPT = false)", "ALTER TEXT SEARCH CONFIGURATION c RENAME TO cc"}},
    {"Schema",
     "",
     {"CREATE SCHEMA $s_x CREATE TABLE a (id int PRIMARY KEY) CREATE VIEW w AS SELECT * FROM a CREATE INDEX ON a (id)",
      "ALTER SCHEMA $s_x RENAME TO $s_y"},
     "INSERT INTO $s_y.a VALUES (1)"},
    {"DropSchema",
     "CREATE SCHEMA $s_x; CREATE TABLE $s_x.a (id int); CREATE VIEW w AS SELECT * FROM $s_x.a",
     {"DROP SCHEMA $s_x CASCADE"}},
    {"Comment",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     {"COMMENT ON TABLE t IS 'a table''s'", "COMMENT ON COLUMN t.v IS 'x'", "COMMENT ON FUNCTION f() IS 'f'",
      "COMMENT ON SCHEMA $s IS 's'", "COMMENT ON CONSTRAINT t_pkey ON t IS 'k'", "COMMENT ON TABLE t IS NULL"}},
    {"Grant",
     "CREATE TABLE a (id int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE q; CREATE TYPE e AS ENUM ()",
     {"GRANT SELECT, INSERT (id) ON t TO ways_a WITH GRANT OPTION", "GRANT ALL ON t, a TO ways_b",
      "REVOKE INSERT ON t, a FROM ways_b", "GRANT USAGE ON SCHEMA $s TO PUBLIC",
      "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC", "GRANT USAGE ON SEQUENCE q TO ways_a",
      "GRANT USAGE ON TYPE e TO ways_a", "GRANT SELECT ON ALL TABLES IN SCHEMA $s TO ways_b"}},
    {"DefaultPrivileges",
     "",
     {"ALTER DEFAULT PRIVILEGES IN SCHEMA $s GRANT SELECT ON TABLES TO ways_a", "CREATE TABLE a (id int)"}},
    {"Owner",
     "CREATE VIEW w AS SELECT 1 AS n; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     {"ALTER TABLE t OWNER TO ways_a", "ALTER VIEW w OWNER TO ways_b", "ALTER FUNCTION f() OWNER TO ways_a",
      "ALTER SCHEMA $s OWNER TO ways_b"}},
    {"DropOwned",
     "CREATE ROLE ways_$n; CREATE TABLE a (id int); ALTER TABLE a OWNER TO ways_$n; GRANT SELECT ON t TO ways_$n",
     {"DROP OWNED BY ways_$n CASCADE"},
     "REASSIGN OWNED BY ways_$n TO ways_a"},
    {"ReassignOwned",
     "CREATE ROLE ways_$n; CREATE TABLE a (id int); ALTER TABLE a OWNER TO ways_$n",
     {"REASSIGN OWNED BY ways_$n TO ways_b"}},
    {"Extension",
     "",
     {"CREATE EXTENSION IF NOT EXISTS plpgsql", "CREATE EXTENSION citext SCHEMA $s",
      "ALTER EXTENSION citext SET SCHEMA public", "DROP EXTENSION citext"}},
    {"Language",
     "",
     {"CREATE TRUSTED LANGUAGE lang_$n HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator",
      "ALTER LANGUAGE lang_$n RENAME TO language_$n"}},
    {"AccessMethod",
     "",
     {"CREATE ACCESS METHOD am_$n TYPE TABLE HANDLER heap_tableam_handler",
      "CREATE TABLE a (id int PRIMARY KEY) USING am_$n"},
     "INSERT INTO a VALUES (1)"},
    {"SetAccessMethod",
     "CREATE ACCESS METHOD heap_$n TYPE TABLE HANDLER heap_tableam_handler",
     {"ALTER TABLE t SET ACCESS METHOD heap_$n"},
     "INSERT INTO t VALUES (100)"},
    {"SetUnlogged", "CREATE TABLE a (id int PRIMARY KEY)", {"ALTER TABLE a SET UNLOGGED"}},
    {"ExplainAnalyze",
     "",
     {"EXPLAIN ANALYZE CREATE TABLE a AS SELECT id, random() AS r FROM t"},
     "INSERT INTO a VALUES (100)"},
    {"CreateTableAsExecute",
     "PREPARE p AS SELECT id, random() AS r FROM t",
     {"CREATE TABLE a AS EXECUTE p"},
     "INSERT INTO a VALUES (100); DEALLOCATE p"},
    {"Transform",
     "",
     {"CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal))",
      "DROP TRANSFORM FOR int LANGUAGE sql"}},
    // Left out unless asked for.
    {"Role",
     "",
     {"CREATE ROLE ways_role_$n LOGIN PASSWORD 'secret' CONNECTION LIMIT 5",
      "ALTER ROLE ways_role_$n SET work_mem = '1MB'", "GRANT ways_role_$n TO ways_a WITH ADMIN OPTION",
      "ALTER ROLE ways_role_$n RENAME TO ways_user_$n", "DROP ROLE ways_user_$n"}},
    {"Publication",
     "",
     {"CREATE PUBLICATION pub_$n FOR TABLE t", "ALTER PUBLICATION pub_$n SET (publish = 'insert')",
      "ALTER PUBLICATION pub_$n ADD TABLE log", "ALTER PUBLICATION pub_$n RENAME TO publication_$n",
      "DROP PUBLICATION publication_$n"}},
    {"EventTrigger",
     "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN CREATE TABLE IF NOT EXISTS made_by_trigger (id int); END'",
     {"CREATE EVENT TRIGGER event_$n ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION f()",
      "COMMENT ON TABLE t IS 'x'", "ALTER EVENT TRIGGER event_$n DISABLE", "DROP EVENT TRIGGER event_$n"}},
    {"ForeignData",
     "",
     {"CREATE FOREIGN DATA WRAPPER fdw_$n", "CREATE SERVER server_$n FOREIGN DATA WRAPPER fdw_$n OPTIONS (a 'b')",
      "CREATE FOREIGN TABLE ft (id int OPTIONS (c 'd')) SERVER server_$n", "ALTER FOREIGN TABLE ft ADD COLUMN v text",
      "ALTER SERVER server_$n OPTIONS (SET a 'c')", "CREATE USER MAPPING FOR CURRENT_USER SERVER server_$n",
      "DROP USER MAPPING FOR CURRENT_USER SERVER server_$n"}},
    {"ImportForeignSchema",
     "CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public; CREATE SERVER loop_$n FOREIGN DATA WRAPPER postgres_fdw OPTIONS ($connection);"
     "CREATE USER MAPPING FOR CURRENT_USER SERVER loop_$n",
     {"IMPORT FOREIGN SCHEMA ways LIMIT TO (statement) FROM SERVER loop_$n INTO $s"},
     "DROP USER MAPPING FOR CURRENT_USER SERVER loop_$n"},
    {"NeverRecorded",
     "",
     {"CREATE DATABASE ways_database_$n", "ALTER DATABASE ways_database_$n CONNECTION LIMIT 3",
      "DROP DATABASE ways_database_$n", "ALTER SYSTEM SET log_min_duration_statement = -1",
      "CREATE SUBSCRIPTION ways_subscription_$n CONNECTION '' PUBLICATION p WITH (connect = false)",
      "ALTER SUBSCRIPTION ways_subscription_$n SET (slot_name = NONE)", "DROP SUBSCRIPTION ways_subscription_$n"},
     "",
     true},
    {"Maintenance", "", {"REINDEX TABLE t", "ANALYZE t", "CHECKPOINT"}},
    {"Vacuum", "", {"VACUUM t", "VACUUM FULL t", "REINDEX TABLE CONCURRENTLY t"}, "INSERT INTO t VALUES (100)", true},
};

class DdlWays : public ::testing::TestWithParam<Way> {
protected:
    std::string filled_in(std::string text, std::size_t number) const {
        const auto replace = [&text](const std::string &what, const std::string &by) {
            for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
                text.replace(at, what.size(), by);
            }
        };
        replace("$s", "c" + std::to_string(number));
        replace("$connection", connection);
        replace("$n", std::to_string(number) + "_" + std::to_string(static_cast<int>(GetParam())));
        return text;
    }

    std::string connection;  // to the source's database, as options of a foreign server

    static std::string quoted(const std::string &text) { return "$walferry_ways$" + text + "$walferry_ways$"; }

    void issue(Session &source, const std::vector<std::string> &statements) const {
        const auto each = [&](const std::string &before, const std::string &behind) {
            for (const auto &statement : statements) source.exec(before + statement + behind);
        };
        switch (GetParam()) {
            case Way::plain:
                return each("", "");
            case Way::do_block:
                for (const auto &statement : statements)
                    source.exec("DO $do$ BEGIN EXECUTE " + quoted(statement) + "; END $do$");
                return;
            case Way::function:
                for (const auto &statement : statements) source.exec("SELECT ways.run(" + quoted(statement) + ")");
                return;
            case Way::trigger:
                for (const auto &statement : statements)
                    source.exec("INSERT INTO ways.statement VALUES (" + quoted(statement) + ")");
                return;
            case Way::several:
                return each("SELECT 1; ", "; SELECT 2");
            case Way::transaction:
                source.exec("BEGIN; INSERT INTO log VALUES (1); UPDATE log SET n = n + 1");
                each("", "");
                source.exec("INSERT INTO log VALUES (3); COMMIT");
                return;
            case Way::savepoint:
                source.exec("BEGIN; SAVEPOINT before");
                each("", "");
                source.exec("ROLLBACK TO SAVEPOINT before");
                each("", "");
                source.exec("COMMIT");
                return;
            case Way::replica:
                source.exec("SET session_replication_role = replica");
                each("", "");
                source.exec("RESET session_replication_role");
                return;
        }
    }

    // Not those that PostgreSQL refuses in that way.
    bool is_possible(const Case &c) const {
        const bool executed = GetParam() == Way::do_block || GetParam() == Way::function || GetParam() == Way::trigger;
        return (!c.alone || GetParam() == Way::plain || GetParam() == Way::replica) && !(c.literal && executed);
    }

    // To the end; what can't be applied is left out and named.
    void run_all(const Pair &pair, const Task &task) const {
        static const std::regex failed("DDL statement ([0-9]+) can't be applied");
        for (int failures = 0; failures < 40; ++failures) {
            const auto run = task.call({"run", "--until", "now"});
            if (run.exit_code == 0) return;
            ADD_FAILURE() << run.errors;
            std::smatch match;
            if (!std::regex_search(run.errors, match, failed)) return;
            run_or_throw({walferry_program(), "ddl", "skip", task.file(), match[1]});
        }
        ADD_FAILURE() << "too many failures at " << pair.name();
    }
};

TEST_P(DdlWays, ResultIsEqual) {
    const Pair pair;
    for (const Cluster *cluster : {&pair.clusters().source, &pair.clusters().destination}) {
        Session session(cluster->conninfo());
        for (const std::string role : {"ways_a", "ways_b"}) {
            session.exec("DO $$ BEGIN CREATE ROLE " + role + "; EXCEPTION WHEN duplicate_object THEN END $$");
        }
    }
    auto source = pair.source();
    source.exec(
        "CREATE SCHEMA ways; CREATE TABLE ways.statement (sql text);"
        "CREATE FUNCTION ways.run(sql text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE sql; END';"
        "CREATE FUNCTION ways.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE new.sql; RETURN new; END';"
        "CREATE TRIGGER run BEFORE INSERT ON ways.statement FOR EACH ROW EXECUTE FUNCTION ways.run()");
    connection = source.value(
        "SELECT format('host %L, port %L, dbname %L', current_setting('unix_socket_directories'),"
        " current_setting('port'), current_database())");
    const Task task(
        pair,
        {.more = "[schema]\nowners = true\ngrants = true\n[ddl]\nroles = 'replicate'\npublications = 'replicate'\n"
                 "event_triggers = 'replicate'\nforeign_data = 'replicate'\n"});
    task.run_until_now();

    std::size_t issued = 0;
    std::size_t statements = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const Case &c = cases[i];
        if (!is_possible(c)) continue;
        SCOPED_TRACE(c.name);
        source.exec(filled_in(
            "CREATE SCHEMA $s; SET search_path = $s, public; CREATE TABLE t (id int PRIMARY KEY, v text, n int);"
            "CREATE TABLE log (n int); ALTER TABLE log REPLICA IDENTITY FULL;"
            "INSERT INTO t SELECT n, 'row ' || n, n % 7 FROM generate_series(1, 20) n",
            i));
        if (*c.before != '\0') source.exec(filled_in(c.before, i));
        std::vector<std::string> texts;
        for (const char *statement : c.statements) texts.push_back(filled_in(statement, i));
        try {
            issue(source, texts);
            if (*c.after != '\0') source.exec(filled_in(c.after, i));
        } catch (const std::exception &error) {
            ADD_FAILURE() << "at the source: " << error.what();
            source = pair.source();
        }
        source.exec("RESET ALL");
        ++issued;
        statements += texts.size();
    }
    source.exec("DISCARD ALL");
    run_all(pair, task);
    EXPECT_EQ(compare(pair), "");
    std::cout << issued << " of " << cases.size() << " cases, " << statements << " statements\n";
    // Roles are the server's, not the pair's.
    source.exec("RESET ALL");
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (std::string(cases[i].before).find("CREATE ROLE") == std::string::npos) continue;
        source.exec(filled_in("DROP OWNED BY ways_$n; DROP ROLE ways_$n", i));
    }
}

std::string name_of(const ::testing::TestParamInfo<Way> &way) {
    static const std::vector<std::string> names = {"Plainly",         "InADoBlock",   "ByAFunction",     "ByATrigger",
                                                   "AmongStatements", "AmongChanges", "AfterASavepoint", "AsReplica"};
    return names[static_cast<std::size_t>(way.param)];
}

INSTANTIATE_TEST_SUITE_P(DdlWays, DdlWays,
                         ::testing::Values(Way::plain, Way::do_block, Way::function, Way::trigger, Way::several,
                                           Way::transaction, Way::savepoint, Way::replica),
                         name_of);

}  // namespace
}  // namespace walferry::testing
