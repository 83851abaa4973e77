--
-- Every option that can't be accepted is refused by name.
--
\t on
\a
CREATE FUNCTION binary_frames(VARIADIC options text[]) RETURNS SETOF bytea LANGUAGE sql AS $$
	SELECT data FROM pg_logical_slot_get_binary_changes('walferry_regress', NULL, NULL, VARIADIC options);
$$;
SELECT start_slot();
CREATE TABLE t (a int);

-- unknown, repeated
SELECT stream('nonsense', '1');
SELECT stream('include', 'public.t', 'include', 'public.*');

-- output, positions
SELECT stream('output', 'binary');
SELECT pg_logical_slot_get_changes('walferry_regress', NULL, NULL, 'output', 'xml');
SELECT pg_logical_slot_get_changes('walferry_regress', NULL, NULL, 'output', 'Text');
SELECT stream('positions', 'maybe');
SELECT binary_frames('protocol', '4', 'positions', 'on');
-- binary is the default, and no text
SELECT pg_logical_slot_get_changes('walferry_regress', NULL, NULL, 'protocol', '4');

-- protocol
SELECT binary_frames('output', 'binary');
SELECT binary_frames('protocol', '9');
SELECT binary_frames('protocol', '0');
SELECT binary_frames('protocol', '1.0');
SELECT binary_frames('protocol', '');
SELECT binary_frames('protocol', '99999999999999999999');
SELECT stream('protocol', '9');

-- binary output is never converted; text is the client's affair
SET client_encoding = 'LATIN1';
SELECT binary_frames('protocol', '4');
SELECT stream();
RESET client_encoding;

-- patterns
SELECT stream('include', '');
SELECT stream('include', 't');
SELECT stream('include', 'public.t,');
SELECT stream('include', ',public.t');
SELECT stream('include', '.t');
SELECT stream('include', 'public.');
SELECT stream('include', 'a.b.c');
SELECT stream('include', 'public.my table');
SELECT stream('include', 'my schema.t');
SELECT stream('include', 'public."t');
SELECT stream('include', 'public.""');
SELECT stream('exclude', 'public');

-- nothing of the above has read a change, and good options work
INSERT INTO t VALUES (1);
SELECT stream('protocol', '4', 'include', ' public.* , x.y ', 'exclude', '', 'positions', 'off');

-- positions: what they are can't be expected here, that they are there can
INSERT INTO t VALUES (2);
SELECT regexp_replace(regexp_replace(regexp_replace(line,
	'[0-9A-F]+/[0-9A-F]+', 'LSN', 'g'), 'xid \d+', 'xid N'),
	'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00', 'TIME')
FROM stream('positions', 'on') line;
-- the transaction id is the full one
SELECT pg_current_xact_id()::text AS xid \gset
INSERT INTO t VALUES (3);
SELECT split_part(line, ' ', 3)::bigint > :'xid'::bigint
FROM stream('positions', 'on') line WHERE line LIKE 'BEGIN%';

DROP TABLE t;
DROP FUNCTION binary_frames;
SELECT stop_slot();

-- the procedure that sends the stream
CALL walferry.stream('nonesuch', '0/0', 'protocol', '4');
\connect -reuse-previous=on "replication=database"
SET client_min_messages = warning;
CALL walferry.stream('nonesuch', '0/0', 'protocol', '4');
CALL walferry.stream('nonesuch', '0/0', 'protocol');
CALL walferry.stream('nonesuch', '0/0', 'protocol', NULL);
CALL walferry.stream(NULL, '0/0', 'protocol', '4');
BEGIN;
CALL walferry.stream('nonesuch', '0/0', 'protocol', '4');
ROLLBACK;
DO $$ BEGIN CALL walferry.stream('nonesuch', '0/0', 'protocol', '4'); END $$;
SELECT pg_create_logical_replication_slot('walferry_regress', 'walferry') IS NOT NULL;
CALL walferry.stream('walferry_regress', '0/0', 'nonsense', '1');
CALL walferry.stream('walferry_regress', '0/0', 'output', 'text', 'output', 'text');
SELECT pg_drop_replication_slot('walferry_regress');
SELECT pg_create_logical_replication_slot('walferry_regress', 'pgoutput') IS NOT NULL;
CALL walferry.stream('walferry_regress', '0/0', 'protocol', '4');
SELECT pg_drop_replication_slot('walferry_regress');
