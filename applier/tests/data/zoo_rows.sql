-- The rows that the copy takes: every value, and NULL; twice in the keyless table. In the table whose key is of the
-- type the first half of them; a value too large for an index is no key.
DO $$
DECLARE
    t zoo.tables;
    constants text;
BEGIN
    FOR t IN SELECT * FROM zoo.tables LOOP
        constants := zoo.constants(t.type, t.literals || NULL::text);
        EXECUTE format('INSERT INTO %s SELECT n, v FROM (VALUES %s) AS c(n, v, l)', t.key_table, constants);
        EXECUTE format('INSERT INTO %s SELECT v FROM (VALUES %s) AS c(n, v, l), generate_series(1, 2)', t.full_table,
                       constants);
        IF t.as_key_table IS NOT NULL THEN
            constants := zoo.constants(t.type, t.literals[1:(cardinality(t.literals) + 1) / 2]);
            EXECUTE format('INSERT INTO %s SELECT v, l FROM (VALUES %s) AS c(n, v, l) WHERE length(l) < 1000
                            ON CONFLICT DO NOTHING', t.as_key_table, constants);
        END IF;
    END LOOP;
END $$;
