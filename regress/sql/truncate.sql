--
-- TRUNCATE: every table that was emptied, those reached by cascade included
--
\t on
\a
CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE other (id int);
CREATE UNLOGGED TABLE unlogged (id int);
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE TABLE parts_2_2 PARTITION OF parts_2 FOR VALUES IN (2);
CREATE TABLE heir () INHERITS (other);
SELECT start_slot();

TRUNCATE child;
TRUNCATE child;								-- empty: emptied again
TRUNCATE parent CASCADE;
TRUNCATE parent RESTART IDENTITY CASCADE;
TRUNCATE ONLY other RESTART IDENTITY;
TRUNCATE other;								-- heirs too
TRUNCATE parts;								-- leaves alone
TRUNCATE unlogged;							-- no trace
TRUNCATE unlogged, child, parts;
SELECT stream();

-- among changes
BEGIN;
INSERT INTO other VALUES (1);
TRUNCATE other, child;
INSERT INTO other VALUES (2);
COMMIT;
SELECT stream();

-- one table of several is selected; then none
TRUNCATE parent, child, other;
SELECT stream('include', '*.child');
TRUNCATE parent, child, other;
SELECT stream('exclude', '*.*');

-- rolled back
BEGIN;
TRUNCATE other;
ROLLBACK;
SELECT stream();

DROP TABLE parent, child, other, heir, unlogged, parts;
SELECT stop_slot();
