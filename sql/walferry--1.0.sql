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

CREATE FUNCTION walferry.library_version()
RETURNS text
AS 'MODULE_PATHNAME', 'walferry_library_version'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION walferry.library_version() IS
'version of the library walferry.so that this server has loaded';
