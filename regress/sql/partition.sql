--
-- Partitions send as the tables that hold the rows
--
\t on
\a
CREATE TABLE parts (id int, k text, v int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b (v int, k text NOT NULL, extra int, id int NOT NULL);
ALTER TABLE parts_b DROP COLUMN extra;
ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES IN ('b');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
SELECT start_slot();

INSERT INTO parts VALUES (1, 'a', 1), (2, 'b', 2), (3, 'z', 3);
UPDATE parts SET v = v + 10;
UPDATE parts SET k = 'b' WHERE id = 1;			-- moves: delete and insert
DELETE FROM parts WHERE id = 2;
SELECT stream();

-- detached it is an ordinary table, attached again a partition: no difference
ALTER TABLE parts DETACH PARTITION parts_b;
INSERT INTO parts_b (id, k, v) VALUES (4, 'b', 4);
ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES IN ('b');
INSERT INTO parts VALUES (5, 'b', 5);
SELECT stream();

-- a new partition, and one dropped, in the transaction that fills them
BEGIN;
CREATE TABLE parts_c PARTITION OF parts FOR VALUES IN ('c');
INSERT INTO parts VALUES (6, 'c', 6);
DROP TABLE parts_a;
INSERT INTO parts VALUES (7, 'c', 7);
COMMIT;
SELECT stream();

-- patterns match the partition, not its parent
INSERT INTO parts VALUES (8, 'c', 8), (9, 'b', 9);
SELECT stream('include', '*.parts, *.parts_c');

-- inheritance likewise
CREATE TABLE elder (a int PRIMARY KEY);
CREATE TABLE younger (b int) INHERITS (elder);
INSERT INTO elder VALUES (1);
INSERT INTO younger VALUES (2, 2);
UPDATE elder SET a = a + 10;
SELECT stream();

DROP TABLE parts, elder, younger;
SELECT stop_slot();
