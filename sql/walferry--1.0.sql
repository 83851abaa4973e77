/* The extension's objects in a source database; docs/protocol.md describes them. */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION walferry" to load this file. \quit

-- The initial copy runs as the applier's role, which has REPLICATION and no more.
GRANT USAGE ON SCHEMA walferry TO PUBLIC;

CREATE FUNCTION walferry.sends_binary(type oid)
RETURNS boolean
AS 'MODULE_PATHNAME', 'walferry_sends_binary'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.sends_binary(oid) IS
'does the stream carry columns of this type in the type''s binary form (else as text)';

CREATE FUNCTION walferry.selects(relation regclass, include text, exclude text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'walferry_selects'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.selects(regclass, text, text) IS
'do these include and exclude options choose this relation, of whatever kind';

CREATE FUNCTION walferry.table_settings(relation regclass, tables text, OUT name text, OUT settings text)
AS 'MODULE_PATHNAME', 'walferry_table_settings'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.table_settings(regclass, text) IS
'which of the settings in option tables are this table''s, as JSON, and by which name; NULLs if none are';

CREATE FUNCTION walferry.table_settings(schema_name text, table_name text, tables text, OUT name text, OUT settings text)
AS 'MODULE_PATHNAME', 'walferry_table_settings_by_name'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.table_settings(text, text, text) IS
'the same by a table''s own name, also of one that is gone';

CREATE FUNCTION walferry.sent_rows(relation regclass, tables text, OUT columns text[], OUT types oid[],
	OUT expressions text[], OUT condition text)
AS 'MODULE_PATHNAME', 'walferry_sent_rows'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION walferry.sent_rows(regclass, text) IS
'what option tables has the stream send of this table''s rows: columns, the expressions that they are (NULL: the column itself), the row filter; NULLs if the rows are sent as they are';

CREATE FUNCTION walferry.library_version()
RETURNS text
AS 'MODULE_PATHNAME', 'walferry_library_version'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.library_version() IS
'version of the library walferry.so that this server has loaded';

CREATE PROCEDURE walferry.stream(slot name, start_lsn pg_lsn, VARIADIC options text[])
AS 'MODULE_PATHNAME', 'walferry_stream'
LANGUAGE C;

COMMENT ON PROCEDURE walferry.stream(name, pg_lsn, text[]) IS
'sends the slot''s stream over a replication connection, as START_REPLICATION does';

-- Each DDL statement, in the transaction that it ran in. The library writes here; nobody else may, since the
-- destination executes what it reads.
CREATE TABLE walferry.ddl_log (
    id bigint NOT NULL,
    lsn pg_lsn NOT NULL,
    captured timestamptz NOT NULL,
    role text NOT NULL,
    session_role text NOT NULL,
    tag text NOT NULL,
    flags integer NOT NULL,
    statement text NOT NULL,
    statements text[],
    search_path text[] NOT NULL,
    settings text[] NOT NULL,
    objects text[] NOT NULL,
    rewritten text[] NOT NULL,
    list text[] NOT NULL,
    pieces text[] NOT NULL,
    former text[] NOT NULL,
    note text
);
-- A publication of all tables has this one too, and rows are removed from it.
ALTER TABLE walferry.ddl_log REPLICA IDENTITY FULL;
REVOKE ALL ON TABLE walferry.ddl_log FROM PUBLIC;

COMMENT ON TABLE walferry.ddl_log IS
'DDL statements, as the destination learns of them';

CREATE FUNCTION walferry.prune_ddl_log()
RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM walferry.ddl_log
        WHERE captured < now() - interval '30 days'
          AND lsn < ALL (SELECT confirmed_flush_lsn FROM pg_replication_slots
                         WHERE plugin = 'walferry' AND database = current_database())
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

COMMENT ON FUNCTION walferry.prune_ddl_log() IS
'remove records that every slot has passed and that are older than 30 days';

CREATE FUNCTION walferry.ddl_state()
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%s:%s', count(*), coalesce(sum(id), 0)) FROM walferry.ddl_log
$$;

COMMENT ON FUNCTION walferry.ddl_state() IS
'tells apart snapshots between which DDL was committed';

CREATE FUNCTION walferry.ddl_begins()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'walferry_ddl_begins'
LANGUAGE C;

CREATE FUNCTION walferry.table_is_rewritten()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'walferry_table_is_rewritten'
LANGUAGE C;

CREATE FUNCTION walferry.ddl_ends()
RETURNS event_trigger
AS 'MODULE_PATHNAME', 'walferry_ddl_ends'
LANGUAGE C;

COMMENT ON FUNCTION walferry.ddl_begins() IS
'event trigger: stops a DDL statement that would not be recorded';
COMMENT ON FUNCTION walferry.table_is_rewritten() IS
'event trigger: notes which tables a DDL statement rewrites';
COMMENT ON FUNCTION walferry.ddl_ends() IS
'event trigger: records a DDL statement before what other event triggers do';

-- Triggers of one event fire in the order of their names: these before those of users.
CREATE EVENT TRIGGER "!walferry begins" ON ddl_command_start EXECUTE FUNCTION walferry.ddl_begins();
CREATE EVENT TRIGGER "!walferry rewrites" ON table_rewrite EXECUTE FUNCTION walferry.table_is_rewritten();
CREATE EVENT TRIGGER "!walferry drops" ON sql_drop EXECUTE FUNCTION walferry.ddl_ends();
CREATE EVENT TRIGGER "!walferry ends" ON ddl_command_end EXECUTE FUNCTION walferry.ddl_ends();
ALTER EVENT TRIGGER "!walferry begins" ENABLE ALWAYS;
ALTER EVENT TRIGGER "!walferry rewrites" ENABLE ALWAYS;
ALTER EVENT TRIGGER "!walferry drops" ENABLE ALWAYS;
ALTER EVENT TRIGGER "!walferry ends" ENABLE ALWAYS;
