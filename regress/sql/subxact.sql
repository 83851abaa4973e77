--
-- What was rolled back leaves no trace; what was prepared comes at its commit
--
\t on
\a
CREATE TABLE t (a int PRIMARY KEY, b text);
SELECT start_slot();

-- nothing at all
BEGIN;
INSERT INTO t VALUES (1);
ROLLBACK;
BEGIN;
COMMIT;
SELECT count(*) FROM t;
SELECT stream();

-- savepoints
BEGIN;
INSERT INTO t VALUES (1, 'kept');
SAVEPOINT s1;
INSERT INTO t VALUES (2, 'lost');
ROLLBACK TO s1;
INSERT INTO t VALUES (3, 'kept');
SAVEPOINT s2;
INSERT INTO t VALUES (4, 'kept');
SAVEPOINT s3;
UPDATE t SET b = 'lost';
ROLLBACK TO s3;
DELETE FROM t WHERE a = 4;
RELEASE s2;
COMMIT;
SELECT stream();

-- a savepoint alone has changes, and they are undone
BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (5, 'lost');
ROLLBACK TO s;
COMMIT;
SELECT stream();

-- a definition that is undone
BEGIN;
INSERT INTO t VALUES (6, 'two columns');
SAVEPOINT s;
ALTER TABLE t ADD c int DEFAULT 9;
INSERT INTO t VALUES (7, 'lost');
ROLLBACK TO s;
INSERT INTO t VALUES (8, 'two columns');
COMMIT;
SELECT stream();

-- a failed statement in plpgsql's subtransaction
DO $$
BEGIN
	INSERT INTO t VALUES (9, 'kept');
	BEGIN
		INSERT INTO t VALUES (10, 'lost'), (9, 'duplicate');
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO t VALUES (11, 'kept');
	END;
END $$;
SELECT stream();

-- ON CONFLICT inserts speculatively
INSERT INTO t VALUES (11, 'x'), (12, 'new') ON CONFLICT (a) DO UPDATE SET b = 'updated';
INSERT INTO t VALUES (11, 'x') ON CONFLICT DO NOTHING;
SELECT stream();

-- COPY writes many rows in one WAL record
COPY t FROM stdin;
13	one
14	\N
15	three
\.
SELECT stream();

-- prepared transactions, in the order of their commits
BEGIN;
INSERT INTO t VALUES (20, 'prepared, committed last');
PREPARE TRANSACTION 'regress_1';
BEGIN;
INSERT INTO t VALUES (21, 'prepared, rolled back');
PREPARE TRANSACTION 'regress_2';
INSERT INTO t VALUES (22, 'plain');
SELECT stream();
ROLLBACK PREPARED 'regress_2';
COMMIT PREPARED 'regress_1';
SELECT stream();

DROP TABLE t;
SELECT stop_slot();
