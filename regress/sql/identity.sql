--
-- Which old tuple an update or delete carries, for each replica identity
--
\t on
\a
SELECT start_slot();

-- default: the primary key, when it changes
CREATE TABLE by_default (b text, a int, c int, PRIMARY KEY (c, a));
INSERT INTO by_default VALUES ('x', 1, 10), ('y', 2, 20);
UPDATE by_default SET b = 'z' WHERE a = 1;
UPDATE by_default SET a = a WHERE a = 1;		-- same key
UPDATE by_default SET a = 3 WHERE a = 1;
DELETE FROM by_default WHERE a = 2;
SELECT stream();

-- nothing
ALTER TABLE by_default REPLICA IDENTITY NOTHING;
UPDATE by_default SET a = 4;
DELETE FROM by_default;
SELECT stream();

-- full: the whole row, always
ALTER TABLE by_default REPLICA IDENTITY FULL;
INSERT INTO by_default VALUES (NULL, 1, 10);
UPDATE by_default SET b = 'x';
UPDATE by_default SET a = 2;
DELETE FROM by_default;
SELECT stream();

-- index, and its columns are not in the index's order
CREATE TABLE by_index (a int, b text NOT NULL, c int NOT NULL, id int PRIMARY KEY);
CREATE UNIQUE INDEX by_index_idx ON by_index (c, b);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_idx;
INSERT INTO by_index VALUES (1, 'x', 10, 100);
UPDATE by_index SET id = 101;					-- not the identity
UPDATE by_index SET c = 11;
DELETE FROM by_index;
SELECT stream();

-- an index that is dropped leaves no identity
INSERT INTO by_index VALUES (1, 'x', 10, 100);
DROP INDEX by_index_idx;
UPDATE by_index SET c = 11, id = 101;
DELETE FROM by_index;
SELECT stream();

-- no primary key
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless VALUES (1, 'x');
UPDATE keyless SET b = 'y';
DELETE FROM keyless;
-- it gets one, in the same transaction as changes before and after
BEGIN;
INSERT INTO keyless VALUES (1, 'x');
UPDATE keyless SET a = 2;
ALTER TABLE keyless ADD PRIMARY KEY (a);
UPDATE keyless SET a = 3;
DELETE FROM keyless;
COMMIT;
SELECT stream();

-- a deferrable primary key is no identity: it may be violated for a while
CREATE TABLE deferred (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b int);
INSERT INTO deferred VALUES (1, 1), (2, 2);
UPDATE deferred SET a = a + 1;
DELETE FROM deferred;
SELECT stream();

-- full without any key, with nulls and duplicates
CREATE TABLE duplicates (a int, b text);
ALTER TABLE duplicates REPLICA IDENTITY FULL;
INSERT INTO duplicates VALUES (1, NULL), (1, NULL);
UPDATE duplicates SET b = 'x';
DELETE FROM duplicates;
SELECT stream();

DROP TABLE by_default, by_index, keyless, deferred, duplicates;
SELECT stop_slot();
