--
-- Logical messages with our prefix, and no others
--
\t on
\a
CREATE TABLE t (a int);
SELECT start_slot();
SELECT count(pg_logical_emit_message(false, 'walferry', 'one'));
SELECT count(pg_logical_emit_message(true, 'walferry', 'transactional'));
SELECT count(pg_logical_emit_message(false, 'walferry2', 'another prefix'));
SELECT count(pg_logical_emit_message(false, 'Walferry', 'another prefix'));
SELECT count(pg_logical_emit_message(false, 'walferry', ''));
SELECT count(pg_logical_emit_message(false, 'walferry', '\x00ff'::bytea));
SELECT count(pg_logical_emit_message(false, 'walferry', '\xff'::bytea));

-- from inside a transaction they come at once, before it, even if it aborts
BEGIN;
INSERT INTO t VALUES (1);
SELECT count(pg_logical_emit_message(false, 'walferry', 'inside'));
INSERT INTO t VALUES (2);
COMMIT;
BEGIN;
INSERT INTO t VALUES (3);
SELECT count(pg_logical_emit_message(false, 'walferry', 'aborted'));
ROLLBACK;
INSERT INTO t VALUES (4);
SELECT stream();

SELECT count(pg_logical_emit_message(false, 'walferry', 'where'));
INSERT INTO t VALUES (5);
SELECT regexp_replace(line, '[0-9A-F]+/[0-9A-F]+', 'LSN') FROM stream('positions', 'on') line WHERE line LIKE 'HEART%';

DROP TABLE t;
SELECT stop_slot();
