--
-- Types of extensions: base types with send and receive functions go in binary
--
\t on
\a
SET client_min_messages = warning;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION cube;
CREATE TABLE contrib (h hstore, c citext, ca citext[], q cube);
SELECT start_slot();
INSERT INTO contrib VALUES ('a=>1, b=>NULL, "c d"=>"e\"f"', 'CaSe', '{A,b}', '(1,2),(3,4)'), ('', '', '{}', NULL);
SELECT stream();
SELECT typname, walferry.sends_binary(oid) FROM pg_type
WHERE typname IN ('hstore', '_hstore', 'citext', '_citext', 'cube') ORDER BY 1;
DROP TABLE contrib;
DROP EXTENSION hstore, citext, cube;
SELECT stop_slot();
