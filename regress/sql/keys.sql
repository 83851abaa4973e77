--
-- Hashes of keys: equal where the index says equal, and nowhere else
--
\t on
\a
CREATE EXTENSION citext;
CREATE COLLATION regress_ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- What the inserts say of their keys: the identity's hash, if the relation has one, and one per unique index.
CREATE FUNCTION hashes(tab regclass) RETURNS TABLE (hash numeric[]) LANGUAGE sql AS $$
	WITH m AS (SELECT kind, body FROM frames('include', 'public.' || tab) f, messages(f)),
	r AS (SELECT get_byte(body, pos + 1) AS identity, uint16(body, pos + 2) AS uniques FROM (
		SELECT body, 12 + uint16(body, 10) + 2 + uint16(body, 12 + uint16(body, 10)) AS pos FROM m WHERE kind = 'R') r)
	SELECT ARRAY(SELECT uint64(body, 4 + 8 * i) FROM generate_series(0, identity + uniques - 1) i)
	FROM m, r WHERE kind = 'I';
$$;

-- One group for each set of equal values, as "distinct" counts them; 0 is no hash.
CREATE FUNCTION groups(tab regclass) RETURNS TABLE (hashes int, rows bigint, "distinct" bigint, without bigint) LANGUAGE sql AS $$
	SELECT cardinality(hash), count(*), count(DISTINCT hash), count(*) FILTER (WHERE hash[1] = 0) FROM hashes(tab) GROUP BY 1;
$$;

CREATE TABLE k_int (a int PRIMARY KEY);
CREATE TABLE k_numeric (a numeric, n int, PRIMARY KEY (a, n));
CREATE TABLE k_float (a float8 UNIQUE, n int);
CREATE TABLE k_citext (a citext, n int PRIMARY KEY, UNIQUE (a, n));
CREATE TABLE k_icu (a text COLLATE regress_ignore_case, n int, PRIMARY KEY (n, a));
CREATE TABLE k_plain (a text COLLATE "C", n int, PRIMARY KEY (n, a));
CREATE TABLE k_jsonb (a jsonb, n int, PRIMARY KEY (n, a));
CREATE TABLE k_null (n int PRIMARY KEY, a int UNIQUE, b int, UNIQUE NULLS NOT DISTINCT (b));
CREATE TABLE k_swap (a int, b int, PRIMARY KEY (a, b), UNIQUE (b, a));
CREATE TABLE k_bit (n int PRIMARY KEY, a bit(4) UNIQUE);
CREATE TABLE k_expression (n int PRIMARY KEY, a text, EXCLUDE (n WITH =));
CREATE UNIQUE INDEX ON k_expression (lower(a));
CREATE UNIQUE INDEX ON k_expression (a) WHERE n > 0;
CREATE TABLE k_none (a int);
CREATE TABLE k_full (a int PRIMARY KEY, b int);
ALTER TABLE k_full REPLICA IDENTITY FULL;

SELECT start_slot();
INSERT INTO k_int VALUES (1), (2), (-1);
INSERT INTO k_numeric VALUES (1.0, 1), ('NaN', 1), (1, 2), (0, 0);
DELETE FROM k_numeric;
INSERT INTO k_numeric VALUES (1.00, 1), (1, 1.0 + 1), ('nan', 1), (0.000, 0);
INSERT INTO k_float VALUES (0), ('NaN'), (1);
DELETE FROM k_float;
INSERT INTO k_float VALUES ('-0'), ('nan'), (1.0);
DELETE FROM k_float;
INSERT INTO k_citext VALUES ('Ab', 1);
DELETE FROM k_citext;
INSERT INTO k_citext VALUES ('aB', 1), ('aC', 2);
INSERT INTO k_icu VALUES ('Strasse', 1), ('x', 2);
DELETE FROM k_icu;
INSERT INTO k_icu VALUES ('STRASSE', 1), ('X', 2), ('y', 2);
INSERT INTO k_plain VALUES ('x', 1), ('X', 1), ('x', 2);
INSERT INTO k_jsonb VALUES ('{"a": 1, "b": 1.0}', 1);
DELETE FROM k_jsonb;
INSERT INTO k_jsonb VALUES ('{"b": 1.00, "a": 1}', 1), ('{}', 1);
INSERT INTO k_null VALUES (1, NULL, NULL), (2, 1, 1);
INSERT INTO k_swap VALUES (1, 2), (2, 1), (0, 3), (3, 0);
INSERT INTO k_bit VALUES (1, B'0001'), (2, B'0010');
INSERT INTO k_expression VALUES (1, 'a'), (2, 'b');
INSERT INTO k_none VALUES (1);
INSERT INTO k_full VALUES (1, 1), (2, 1);

SELECT * FROM groups('k_int');
SELECT * FROM groups('k_numeric');
SELECT * FROM groups('k_float');
SELECT hash[2] = lead(hash[2]) OVER () AS same FROM hashes('k_citext');
SELECT * FROM groups('k_icu');
SELECT * FROM groups('k_plain');
SELECT * FROM groups('k_jsonb');
-- the identity, then NULL has none, then NULLs that are equal have one
SELECT hash[1] <> 0, hash[2] <> 0, hash[3] <> 0 FROM hashes('k_null');
-- each index in its own order of columns
SELECT * FROM groups('k_swap');
-- types without a hash function: that index is left out
SELECT * FROM groups('k_bit');
-- of the others only the partial one, by its columns
SELECT * FROM groups('k_expression');
SELECT * FROM groups('k_none');
-- the primary key stands in where the identity is the row
SELECT * FROM groups('k_full');

-- updates: the new row's key, the old one's if it is sent, then the other indexes
SELECT stop_slot();
SELECT start_slot();
TRUNCATE k_null;
INSERT INTO k_null VALUES (2, 20, 200);
UPDATE k_null SET b = 3 WHERE n = 2;
UPDATE k_null SET n = 3 WHERE n = 2;
DELETE FROM k_null WHERE n = 3;
CREATE TEMP TABLE sent AS SELECT row_number() OVER () AS n, kind, body FROM frames() f, messages(f) WHERE kind IN ('I', 'U', 'D');
SELECT u.n, chr(get_byte(u.body, 4)) AS old, uint64(u.body, 5) = uint64(i.body, 4) AS identity,
	uint64(u.body, 13) = uint64(i.body, 4) AS old, uint64(u.body, CASE WHEN u.n = 2 THEN 13 ELSE 21 END) = uint64(i.body, 12) AS a
FROM sent u, sent i WHERE i.kind = 'I' AND u.kind = 'U' ORDER BY n;
-- the deleted row's
SELECT uint64(d.body, 5) = uint64(u.body, 5) AS identity FROM sent u, sent d WHERE u.n = 3 AND d.kind = 'D';
DROP TABLE sent;
SELECT stop_slot();

-- a key that the update left in TOAST is taken from the old key; another unique value there has no hash
CREATE TABLE k_toast (a text PRIMARY KEY, n int);
ALTER TABLE k_toast ALTER a SET STORAGE EXTERNAL;
CREATE TABLE k_toast_unique (n int PRIMARY KEY, a text UNIQUE, c int);
ALTER TABLE k_toast_unique ALTER a SET STORAGE EXTERNAL;
SELECT start_slot();
INSERT INTO k_toast VALUES (repeat('k', 2500), 1);
UPDATE k_toast SET n = 2;
INSERT INTO k_toast_unique VALUES (1, repeat('k', 2500));
UPDATE k_toast_unique SET c = 2;
CREATE TEMP TABLE sent AS SELECT row_number() OVER () AS n, kind, body FROM frames() f, messages(f) WHERE kind IN ('I', 'U', 'D');
SELECT uint64(u.body, 5) = uint64(i.body, 4) AS new, uint64(u.body, 13) = uint64(i.body, 4) AS old FROM sent i, sent u WHERE i.n = 1 AND u.n = 2;
SELECT uint64(u.body, 5) = uint64(i.body, 4) AS identity, uint64(u.body, 13) AS a FROM sent i, sent u WHERE i.n = 3 AND u.n = 4;
DROP TABLE sent;
SELECT stop_slot();

SET client_min_messages = warning;
DROP TABLE k_int, k_numeric, k_float, k_citext, k_icu, k_plain, k_jsonb, k_null, k_swap, k_bit, k_expression, k_none, k_full,
	k_toast, k_toast_unique;
DROP COLLATION regress_ignore_case;
DROP EXTENSION citext;
DROP FUNCTION hashes, groups;
