-- What the stream brings.
SET search_path = shape, public;

INSERT INTO nothing DEFAULT VALUES;
DELETE FROM nothing WHERE ctid IN (SELECT ctid FROM nothing LIMIT 2);

INSERT INTO wide (id, c2, c1600) VALUES (100, 2, 1600);
DO $$
BEGIN
    EXECUTE 'UPDATE shape.wide SET ' || (SELECT string_agg(format('c%s = -%1$s', n), ', ') FROM generate_series(2, 1600) AS n)
         || ' WHERE id % 3 = 0';
END $$;
UPDATE wide SET id = -id, c800 = NULL WHERE id = 4;
DELETE FROM wide WHERE id BETWEEN 5 AND 7;

INSERT INTO altered VALUES (11, 'streamed', 1, NULL, 'x');
UPDATE altered SET kept = 'updated' WHERE id IN (1, 6);
UPDATE altered SET id = 100 WHERE id = 2;
UPDATE altered SET added = DEFAULT, added_text = NULL WHERE id = 3;
DELETE FROM altered WHERE id IN (4, 7);
INSERT INTO altered_full VALUES ('streamed');
UPDATE altered_full SET kept = 'updated' WHERE kept IN ('before 1', 'after 6');
DELETE FROM altered_full WHERE kept IN ('before 2', 'after 7');

INSERT INTO generated (id, a) VALUES (11, 1), (12, NULL);
UPDATE generated SET a = a + 100 WHERE id IN (1, 11);
UPDATE generated SET id = -id WHERE id = 2;
DELETE FROM generated WHERE id = 3;
INSERT INTO generated_key (a, b, v) VALUES (11, 1, 'new');
UPDATE generated_key SET v = 'updated' WHERE k = 10;
UPDATE generated_key SET a = a + 100 WHERE k IN (20, 110);
UPDATE generated_key SET b = b + 1 WHERE k = 30;
DELETE FROM generated_key WHERE k IN (40, 1020);
UPDATE generated_alone SET a = a + 100 WHERE a < 5;
DELETE FROM generated_alone WHERE a IN (6, 101);
INSERT INTO generated_alone VALUES (6);
INSERT INTO generated_full (a) VALUES (1), (NULL);
UPDATE generated_full SET a = 50 WHERE ctid = (SELECT max(ctid) FROM generated_full WHERE a = 1);
DELETE FROM generated_full WHERE ctid = (SELECT max(ctid) FROM generated_full WHERE a = 2);

INSERT INTO identity_always (v) VALUES ('streamed');
INSERT INTO identity_always OVERRIDING SYSTEM VALUE VALUES (1000, 'overriding');
UPDATE identity_always SET v = 'updated' WHERE id < 4;
UPDATE identity_always SET id = DEFAULT WHERE id = 5;
DELETE FROM identity_always WHERE id = 6;
INSERT INTO identity_always_beside (k, v) VALUES ('streamed', 's');
UPDATE identity_always_beside SET v = 'updated' WHERE k < 'k3';
UPDATE identity_always_beside SET n = DEFAULT WHERE k = 'k4';
UPDATE identity_always_beside SET k = 'moved' WHERE k = 'k5';
DELETE FROM identity_always_beside WHERE k = 'k6';
INSERT INTO identity_always_full (v) VALUES ('streamed');
UPDATE identity_always_full SET v = 'updated' WHERE n < 4;
UPDATE identity_always_full SET n = DEFAULT WHERE n = 5;
DELETE FROM identity_always_full WHERE n = 6;
INSERT INTO identity_default (v) VALUES ('streamed');
INSERT INTO identity_default VALUES (1, 'own');
UPDATE identity_default SET id = id + 1, v = 'updated' WHERE id < 110;
INSERT INTO numbered (v) SELECT 's' || n FROM generate_series(1, 100) AS n;
DELETE FROM numbered WHERE id % 7 = 0;
SELECT nextval('down');

INSERT INTO "Mixed.Case ""Schema"""."Täble.with ""quotes"", and 'more'" VALUES ('k', 0, NULL, '', 1, 2, '', '');
UPDATE "Mixed.Case ""Schema"""."Täble.with ""quotes"", and 'more'" SET "ü""n""ï" = 'updated', "*" = 7, "a\b" = '\\', "$1" = 9, "%I %s" = '%L'
    WHERE "select" < 4;
UPDATE "Mixed.Case ""Schema"""."Täble.with ""quotes"", and 'more'" SET "select" = -5 WHERE "select" = 5;
DELETE FROM "Mixed.Case ""Schema"""."Täble.with ""quotes"", and 'more'" WHERE "Key.With Dot" = 'key 6';
INSERT INTO "Mixed.Case ""Schema"""."ääääääääääääääääääääääääääääääx63" VALUES (11, 'streamed');
UPDATE "Mixed.Case ""Schema"""."ääääääääääääääääääääääääääääääx63" SET v = 'updated'
    WHERE "columncolumncolumncolumncolumncolumncolumncolumncolumncolumn063" < 4;
DELETE FROM "Mixed.Case ""Schema"""."ääääääääääääääääääääääääääääääx63"
    WHERE "columncolumncolumncolumncolumncolumncolumncolumncolumncolumn063" = 5;
UPDATE "UPPER" SET "Id" = "Id" + 1 WHERE id < 3;
UPDATE "UPPER" SET "ID" = "ID" + 1, id = -id WHERE id = 4;
UPDATE upper SET v = 'updated' WHERE id < 3;
INSERT INTO "*.*" VALUES (11, 's');
UPDATE "*.*" SET v = 'updated' WHERE id < 3;
INSERT INTO t VALUES (11, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, '1');
UPDATE t SET s = 0, new = 0, excluded = 0, source = 0, target = 0, "row" = 0, ord = 0, ordinality = 0, value = 'u' WHERE t < 4;
UPDATE t SET t = 100, old = 200 WHERE t = 5;
DELETE FROM t WHERE n = 6;
UPDATE staging SET walferry = 'updated' WHERE ctid = (SELECT max(ctid) FROM staging WHERE t = 't1');
DELETE FROM staging WHERE ctid = (SELECT max(ctid) FROM staging WHERE t = 't2');

-- All large values stay; one changes; the key changes; all change.
UPDATE large SET small = small + 100;
UPDATE large SET t = t || 'end' WHERE id IN (1, 3);
UPDATE large SET id = -id WHERE id IN (2, 4);
UPDATE large SET b = NULL, j = NULL WHERE id = 1;
UPDATE large SET j = jsonb_set(j, '{n}', '-1') WHERE id = -2;
UPDATE large SET t = e, e = t WHERE id = 5;
BEGIN;
UPDATE large SET small = 7 WHERE id = 6;
UPDATE large SET t = 'short' WHERE id = 6;
UPDATE large SET id = 600 WHERE id = 6;
UPDATE large SET e = repeat('e', 5000) WHERE id = 600;
UPDATE large SET small = 8 WHERE id = 600;
COMMIT;
BEGIN;
INSERT INTO large SELECT 100, repeat(md5('x'), 10 * 32768), decode(repeat(md5('x'), 40 * 32768), 'hex'), NULL, 1, NULL;
UPDATE large SET small = 2 WHERE id = 100;
UPDATE large SET id = 101 WHERE id = 100;
COMMIT;
DELETE FROM large WHERE id = 7;
UPDATE large_full SET small = 1 WHERE ctid = (SELECT max(ctid) FROM large_full WHERE id = 2);
UPDATE large_full SET t = 'short' WHERE ctid = (SELECT max(ctid) FROM large_full WHERE id = 3);
DELETE FROM large_full WHERE ctid = (SELECT max(ctid) FROM large_full WHERE id = 4);
UPDATE large_key SET small = 1 WHERE id < 'k3';
UPDATE large_key SET id = 'moved' WHERE id = 'k4';
UPDATE large_key SET id = repeat('long', 500), small = 2 WHERE id = 'k5';
UPDATE large_key SET small = 3 WHERE id = repeat('long', 500);
UPDATE large_index SET small = 1 WHERE k < 'k3';
UPDATE large_index SET k = 'moved' WHERE k = 'k4';
DELETE FROM large_index WHERE k = 'k5';

INSERT INTO parted (id, region, amount, note) VALUES (201, 'north', 1, 's'), (202, 'south', 2, 's'), (203, 'west', 3, 's'), (204, 'new', 4, 's');
UPDATE parted SET note = 'updated' WHERE id % 10 = 0;
UPDATE parted SET region = 'south' WHERE region = 'north' AND id < 50;
UPDATE parted SET region = 'north' WHERE region = 'south' AND id BETWEEN 51 AND 80;
UPDATE parted SET id = id + 1000 WHERE region = 'west' AND id < 60;
UPDATE parted SET region = 'west', amount = amount * 2 WHERE region = 'elsewhere' AND id < 90;
DELETE FROM parted WHERE id BETWEEN 150 AND 160;
TRUNCATE parted_north;
INSERT INTO parted (id, region, amount) VALUES (1, 'north', 1.000);
UPDATE parted_hash SET id = id + 1, v = 'moved' WHERE id IN (1, 2);
DELETE FROM parted_hash WHERE ctid = (SELECT min(ctid) FROM parted_hash WHERE tableoid = 'parted_hash_0'::regclass)
    AND tableoid = 'parted_hash_0'::regclass;

UPDATE mother SET v = v || ' updated' WHERE id < 3;
DELETE FROM mother WHERE id = 4;
UPDATE daughter SET extra = 0 WHERE id = 5;
TRUNCATE ONLY mother;
INSERT INTO mother VALUES (1, 'again');

UPDATE twins SET b = 'one of many' WHERE ctid = (SELECT max(ctid) FROM twins WHERE a = 1 AND b = 'b0');
UPDATE twins SET b = 'one of many nulls' WHERE ctid = (SELECT max(ctid) FROM twins WHERE a = 2 AND b IS NULL);
DELETE FROM twins WHERE ctid = (SELECT max(ctid) FROM twins WHERE a = 0 AND b = 'b0');
BEGIN;
INSERT INTO twins VALUES (7, 'x'), (7, 'x'), (7, 'x');
DELETE FROM twins WHERE ctid = (SELECT max(ctid) FROM twins WHERE a = 7);
UPDATE twins SET b = 'y' WHERE ctid = (SELECT max(ctid) FROM twins WHERE a = 7);
INSERT INTO twins VALUES (7, 'x');
UPDATE twins SET b = 'x' WHERE a = 7;
COMMIT;
UPDATE twins SET a = a;
DELETE FROM twins_scale WHERE n::text = '1.00' AND c IS NOT NULL;
UPDATE twins_scale SET n = 1.0000 WHERE n::text = '1.000';
DELETE FROM twins_scale WHERE ctid = (SELECT max(ctid) FROM twins_scale WHERE n::text = '1.0');
DELETE FROM twins_scale WHERE n IS NULL;
UPDATE twins_odd SET j = '{"b":2}' WHERE ctid = (SELECT max(ctid) FROM twins_odd WHERE n = 1 AND j::text = '{"a":1}');
UPDATE twins_odd SET p = '(3,4)' WHERE ctid = (SELECT max(ctid) FROM twins_odd WHERE n = 0 AND j::text = '{"a" :1}');
DELETE FROM twins_odd WHERE ctid = (SELECT max(ctid) FROM twins_odd WHERE n = 0 AND x::text = '<a/>');
DELETE FROM twins_float WHERE f::text = '-0';
UPDATE twins_float SET f = 5 WHERE f = 0 AND z::text = '-0';
DELETE FROM twins_float WHERE f = 'NaN';
INSERT INTO keyless_insert_only SELECT n % 5, 'v' FROM generate_series(1, 20) AS n;
UPDATE key_and_full SET j = '{"a":  2}' WHERE id < 5;
UPDATE key_and_full SET id = id + 100 WHERE id BETWEEN 5 AND 7;
DELETE FROM key_and_full WHERE id > 15 AND id < 100;

UPDATE by_index SET v = 'updated' WHERE id < 4;
UPDATE by_index SET id = id + 100 WHERE id BETWEEN 5 AND 6;
UPDATE by_index SET code = 'moved', part = 9 WHERE id = 7;
DELETE FROM by_index WHERE id = 8;
INSERT INTO by_index VALUES (8, 'code 8', 2, 'again');

-- Keys that trade places.
BEGIN;
UPDATE moving SET id = -1 WHERE id = 1;
UPDATE moving SET id = 1 WHERE id = 2;
UPDATE moving SET id = 2 WHERE id = -1;
COMMIT;
UPDATE moving SET id = id + 1000 WHERE id > 40;
UPDATE moving SET id = id - 1000 WHERE id > 1045;
BEGIN;
DELETE FROM moving WHERE id = 10;
INSERT INTO moving VALUES (10, 'again');
UPDATE moving SET id = 11000 WHERE id = 11;
INSERT INTO moving VALUES (11, 'another');
UPDATE moving SET v = 'the moved one' WHERE id = 11000;
UPDATE moving SET id = 11001 WHERE id = 11000;
DELETE FROM moving WHERE id = 11;
UPDATE moving SET id = 11 WHERE id = 11001;
INSERT INTO moving VALUES (12000, 'short-lived');
DELETE FROM moving WHERE id = 12000;
COMMIT;
BEGIN;
UPDATE moving SET v = 'kept' WHERE id = 13;
SAVEPOINT one;
UPDATE moving SET v = 'lost' WHERE id = 13;
DELETE FROM moving WHERE id = 14;
ROLLBACK TO one;
SAVEPOINT two;
UPDATE moving SET v = v || ' and more' WHERE id = 13;
RELEASE two;
COMMIT;
BEGIN;
DELETE FROM moving;
ROLLBACK;
INSERT INTO moving VALUES (15, 'upsert'), (16000, 'upsert') ON CONFLICT (id) DO UPDATE SET v = 'upserted';
INSERT INTO moving VALUES (15, 'nothing') ON CONFLICT DO NOTHING;
UPDATE moving_pair SET a = a + 1, b = b || 'x' WHERE a < 3;
BEGIN;
UPDATE second_key SET place = -1 WHERE id = 1;
UPDATE second_key SET place = 1 WHERE id = 2;
UPDATE second_key SET place = 2 WHERE id = 1;
COMMIT;
DELETE FROM second_key WHERE id = 3;
INSERT INTO second_key VALUES (300, 3, 'takes the place');
UPDATE second_key SET place = NULL WHERE id = 4;
UPDATE second_key SET place = 4 WHERE id = 5;
BEGIN;
UPDATE deferred_second_key SET place = 21 - place;
COMMIT;
BEGIN;
UPDATE deferred_key SET id = 21 - id;
UPDATE deferred_key SET v = 'updated' WHERE id = 1;
COMMIT;
BEGIN;
UPDATE booked SET during = 'empty' WHERE id = 1;
UPDATE booked SET during = '[10,20)' WHERE id = 2;
UPDATE booked SET during = '[20,30)' WHERE id = 1;
COMMIT;
UPDATE partial_unique SET active = false WHERE id = 1;
UPDATE partial_unique SET active = true WHERE id = 6;
UPDATE unique_expression SET name = 'x' WHERE id = 1;
INSERT INTO unique_expression VALUES (21, 'NAME 1');

-- Equal, and not the same.
UPDATE citext_key SET k = 'ABC' WHERE k = 'abc';
UPDATE citext_key SET v = 'updated' WHERE k = 'def';
BEGIN;
DELETE FROM citext_key WHERE k = 'ghi';
INSERT INTO citext_key VALUES ('gHi', 'again');
UPDATE citext_key SET v = 'again and updated' WHERE k = 'GHI';
COMMIT;
UPDATE numeric_key SET k = 1.000 WHERE k = 1;
UPDATE numeric_key SET v = 'updated' WHERE k = 2;
BEGIN;
DELETE FROM numeric_key WHERE k = 3;
INSERT INTO numeric_key VALUES (3.0, 'again');
UPDATE numeric_key SET k = 3.00 WHERE k = 3;
UPDATE numeric_key SET v = 'again and updated' WHERE k = 3;
COMMIT;
UPDATE numeric_key SET v = 'updated' WHERE k = 'NaN';
UPDATE float_key SET v = 'updated' WHERE k = 0;
UPDATE float_key SET k = 0 WHERE k = 0;
UPDATE float_key SET v = 'updated twice' WHERE k = 0;
DELETE FROM float_key WHERE k = 'NaN';
UPDATE char_key SET v = 'updated';
UPDATE char_key SET k = 'c' WHERE k = 'a';
UPDATE caseless_key SET k = 'ABC' WHERE k = 'abc';
UPDATE caseless_key SET v = 'updated' WHERE k = 'Abc';
DELETE FROM caseless_key WHERE k = 'STRASSE' OR k = 'STRAßE';

-- Actions of foreign keys.
DELETE FROM customer WHERE id IN (3, 4);
UPDATE customer SET id = id + 100 WHERE id IN (5, 6);
DELETE FROM invoice WHERE id = 10;
BEGIN;
INSERT INTO circle_a VALUES (3, 3);
INSERT INTO circle_b VALUES (3, 3);
UPDATE circle_a SET b = 3 WHERE id = 1;
COMMIT;

INSERT INTO audited VALUES (11, 'streamed');
UPDATE audited SET v = 'updated' WHERE id < 4;
DELETE FROM audited WHERE id = 5;
INSERT INTO forbidding VALUES (11, 'streamed');
UPDATE forbidding SET v = 'updated' WHERE id < 4;
DELETE FROM forbidding WHERE id = 5;
INSERT INTO ruled VALUES (11, 'streamed');
UPDATE ruled SET v = 'updated' WHERE id < 4;
DELETE FROM ruled WHERE id = 5;

INSERT INTO unlogged VALUES (11, 'streamed');
UPDATE unlogged SET v = 'updated';
CREATE TEMP TABLE temporary (id int PRIMARY KEY, v text);
INSERT INTO temporary VALUES (1, 'v');
UPDATE temporary SET v = 'updated';
BEGIN;
INSERT INTO temporary VALUES (2, 'v');
INSERT INTO unlogged VALUES (12, 'v');
INSERT INTO constrained VALUES (21, 'n', 21, 50, 'c');
TRUNCATE temporary;
COMMIT;
UPDATE constrained SET low = low + 1 WHERE id < 5;
DELETE FROM constrained WHERE id = 6;
REFRESH MATERIALIZED VIEW counted;

-- Tables emptied: with others, with what hangs on them, with their sequences, and refilled at once.
BEGIN;
INSERT INTO numbered (v) VALUES ('before');
TRUNCATE numbered RESTART IDENTITY;
INSERT INTO numbered (v) VALUES ('first'), ('second');
COMMIT;
TRUNCATE customer CASCADE;
INSERT INTO customer VALUES (1, 'again');
TRUNCATE circle_a, circle_b, identity_default;
BEGIN;
TRUNCATE ruled_log;
ROLLBACK;
TRUNCATE unlogged;
