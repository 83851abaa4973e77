-- What the copy takes.
SET search_path = shape, public;

INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing SELECT FROM generate_series(1, 4);
INSERT INTO wide (id) SELECT generate_series(1, 20);
DO $$
BEGIN
    EXECUTE 'UPDATE shape.wide SET ' || (SELECT string_agg(format('c%s = %s', n, n), ', ') FROM generate_series(2, 1600) AS n)
         || ' WHERE id % 2 = 0';
END $$;
INSERT INTO altered SELECT n, 'after ' || n FROM generate_series(6, 10) AS n;
INSERT INTO altered_full SELECT 'after ' || n FROM generate_series(6, 10) AS n;
INSERT INTO generated (id, a) SELECT n, n * 3 FROM generate_series(1, 10) AS n;
INSERT INTO generated_key (a, b, v) SELECT n, n % 3, 'v' || n FROM generate_series(1, 10) AS n;
INSERT INTO generated_alone (a) SELECT generate_series(1, 10);
INSERT INTO generated_full (a) SELECT n % 4 FROM generate_series(1, 10) AS n;
INSERT INTO identity_always (v) SELECT 'v' || n FROM generate_series(1, 10) AS n;
INSERT INTO identity_always_beside (k, v) SELECT 'k' || n, 'v' || n FROM generate_series(1, 10) AS n;
INSERT INTO identity_always_full (v) SELECT 'v' || n FROM generate_series(1, 10) AS n;
INSERT INTO identity_default (v) SELECT 'v' || n FROM generate_series(1, 10) AS n;
INSERT INTO numbered (v) SELECT 'v' || n FROM generate_series(1, 10) AS n;
SELECT nextval('down'), nextval('down');

INSERT INTO "Mixed.Case ""Schema"""."Täble.with ""quotes"", and 'more'"
    SELECT 'key ' || n, n, 'ü', 'c', n, -n, '%', '\' FROM generate_series(1, 10) AS n;
INSERT INTO "Mixed.Case ""Schema"""."ääääääääääääääääääääääääääääääx63" SELECT n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO "UPPER" SELECT n, n, n FROM generate_series(1, 10) AS n;
INSERT INTO upper SELECT n, 'lower' FROM generate_series(1, 10) AS n;
INSERT INTO "*.*" SELECT n, 'stars' FROM generate_series(1, 10) AS n;
INSERT INTO t SELECT n, n, n, n, n, n, n, n, n, n, n, n, n, n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO staging SELECT 't' || n % 3, NULL, 'w' FROM generate_series(1, 10) AS n;

INSERT INTO large SELECT n, repeat(md5(n::text), 10 * 32768), decode(repeat(md5(n::text), 40 * 32768), 'hex'),
                         jsonb_build_object('long', repeat(md5(n::text), 10 * 32768), 'n', n), n, repeat(md5(n::text), 3000)
    FROM generate_series(1, 2) AS n;
INSERT INTO large SELECT n, repeat(md5(n::text), 3000), NULL, to_jsonb(repeat(md5(n::text), 3000)), n, repeat(md5(n::text), 300)
    FROM generate_series(3, 20) AS n;
INSERT INTO large_full SELECT n / 2, repeat('0123456789', 1000) || n / 2, 0 FROM generate_series(1, 10) AS n;
INSERT INTO large_key SELECT 'k' || n, repeat(md5(n::text), 5000), 0 FROM generate_series(1, 10) AS n;
INSERT INTO large_index SELECT 'k' || n, repeat(md5(n::text), 5000), 0 FROM generate_series(1, 10) AS n;

INSERT INTO parted (id, region, amount, note)
    SELECT n, (ARRAY['north', 'south', 'west', 'east', 'elsewhere'])[n % 5 + 1], n + 0.50, 'n' || n
      FROM generate_series(1, 200) AS n;
INSERT INTO parted_hash SELECT n % 7, 'v' || n % 3 FROM generate_series(1, 40) AS n;
INSERT INTO mother SELECT n, 'm' FROM generate_series(1, 5) AS n;
INSERT INTO daughter SELECT n, 'd', n FROM generate_series(1, 5) AS n;
INSERT INTO granddaughter SELECT n, 'g', n FROM generate_series(1, 5) AS n;

INSERT INTO twins SELECT n % 3, nullif('b' || n % 2, 'b1') FROM generate_series(1, 60) AS n;
INSERT INTO twins_scale VALUES (1.0, 'a'), (1.00, 'A'), (1, 'a'), (1.000, 'A'), (1.0, 'a'), (NULL, 'a'), (1.00, NULL);
INSERT INTO twins_odd SELECT n % 2, '{"a" :1}', '(1,2)', '<a/>' FROM generate_series(1, 10) AS n;
INSERT INTO twins_odd SELECT n % 2, '{"a":1}', '(1,2.0000001)', '<?xml version="1.0"?><a/>' FROM generate_series(1, 10) AS n;
INSERT INTO twins_float VALUES ('0', '0', '{1.0}'), ('-0', '-0', '{1.00}'), ('0', '-0', '{1.0}'), ('NaN', 'NaN', '{NaN}');
INSERT INTO keyless_insert_only SELECT n % 5, 'v' FROM generate_series(1, 20) AS n;
INSERT INTO key_and_full SELECT n, '{"a" : 1}', 'v' FROM generate_series(1, 20) AS n;
INSERT INTO by_index SELECT n, 'code ' || n, n % 3, 'v' FROM generate_series(1, 20) AS n;

INSERT INTO moving SELECT n, 'v' || n FROM generate_series(1, 50) AS n;
INSERT INTO moving_pair SELECT n / 10, 'b' || n % 10, 'v' || n FROM generate_series(1, 50) AS n;
INSERT INTO second_key SELECT n, n, 'v' || n FROM generate_series(1, 20) AS n;
INSERT INTO deferred_second_key SELECT n, n, 'v' || n FROM generate_series(1, 20) AS n;
INSERT INTO deferred_key SELECT n, 'v' || n FROM generate_series(1, 20) AS n;
INSERT INTO booked SELECT 1, int4range(n * 10, n * 10 + 10), n FROM generate_series(1, 20) AS n;
INSERT INTO partial_unique SELECT n, n % 5, n <= 5 FROM generate_series(1, 20) AS n;
INSERT INTO unique_expression SELECT n, 'Name ' || n FROM generate_series(1, 20) AS n;
INSERT INTO citext_key VALUES ('abc', 'v'), ('Def', 'v'), ('GHI', 'v');
INSERT INTO numeric_key VALUES (1.0, 'v'), (2.00, 'v'), (3, 'v'), ('NaN', 'v');
INSERT INTO float_key VALUES ('-0', 'v'), (1, 'v'), ('NaN', 'v');
INSERT INTO char_key VALUES ('a', 'v'), ('b    ', 'v');
INSERT INTO caseless_key VALUES ('abc', 'v'), ('Straße', 'v');

INSERT INTO customer SELECT n, 'c' || n FROM generate_series(1, 20) AS n;
INSERT INTO invoice SELECT n, n, nullif(n - 1, 0) FROM generate_series(1, 20) AS n;
INSERT INTO line SELECT n, m, 'l' FROM generate_series(1, 20) AS n, generate_series(1, 3) AS m;
BEGIN;
INSERT INTO circle_a VALUES (1, 1), (2, 2);
INSERT INTO circle_b VALUES (1, 2), (2, 1);
COMMIT;
INSERT INTO audited SELECT n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO forbidding SELECT n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO ruled SELECT n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO unlogged SELECT n, 'v' FROM generate_series(1, 10) AS n;
INSERT INTO constrained SELECT n, 'n', n, n * 2 + 1, 'c' || n FROM generate_series(1, 20) AS n;
REFRESH MATERIALIZED VIEW counted;
-- Fires at the source no more, and at the destination never.
CREATE TRIGGER forbid BEFORE INSERT OR UPDATE OR DELETE ON forbidding FOR EACH ROW
    WHEN (current_setting('application_name') NOT LIKE 'psql%') EXECUTE FUNCTION forbid();
