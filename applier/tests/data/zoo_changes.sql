-- INSERT, UPDATE and DELETE of every value of every type; each table's statements are transactions of their own.
DO $$
DECLARE t zoo.tables;
BEGIN
    FOR t IN SELECT * FROM zoo.tables LOOP
        EXECUTE format('INSERT INTO %s SELECT id + 1000, value FROM %1$s', t.key_table);
        COMMIT;
        -- every row gets its neighbour's value
        EXECUTE format('UPDATE %s AS a SET value = b.value FROM %1$s AS b
                        WHERE a.id > 1000 AND b.id = (SELECT coalesce(min(id), 1001) FROM %1$s WHERE id > a.id)',
                       t.key_table);
        COMMIT;
        -- the same value again; another key
        EXECUTE format('UPDATE %s SET value = value WHERE id = 1', t.key_table);
        EXECUTE format('UPDATE %s SET id = -id WHERE id = 2', t.key_table);
        COMMIT;
        EXECUTE format('DELETE FROM %s WHERE id BETWEEN 3 AND 500 AND id %% 2 = 1', t.key_table);
        COMMIT;
    END LOOP;
END $$;

DO $$
DECLARE
    t zoo.tables;
    first tid;
    last tid;
BEGIN
    FOR t IN SELECT * FROM zoo.tables LOOP
        EXECUTE format('INSERT INTO %s SELECT value FROM %1$s', t.full_table);
        COMMIT;
        -- one of the rows with each value goes, another becomes NULL: the last ones in the table, which no search
        -- from the beginning finds first
        EXECUTE format('DELETE FROM %s WHERE ctid IN (SELECT max(ctid) FROM %1$s GROUP BY value::text)', t.full_table);
        COMMIT;
        EXECUTE format('UPDATE %s SET value = NULL WHERE ctid IN (SELECT max(ctid) FROM %1$s GROUP BY value::text)',
                       t.full_table);
        COMMIT;
        -- the first row takes the last one's value
        EXECUTE format('SELECT min(ctid), max(ctid) FROM %s WHERE value IS NOT NULL', t.full_table) INTO first, last;
        EXECUTE format('UPDATE %s SET value = (SELECT value FROM %1$s WHERE ctid = $2) WHERE ctid = $1', t.full_table)
            USING first, last;
        COMMIT;
    END LOOP;
END $$;

DO $$
DECLARE t zoo.tables;
BEGIN
    FOR t IN SELECT * FROM zoo.tables WHERE as_key_table IS NOT NULL LOOP
        EXECUTE format('UPDATE %s SET note = note || '' updated''', t.as_key_table);
        COMMIT;
        -- all but one go and come back in another way, with those that were never here
        EXECUTE format('DELETE FROM %s WHERE ctid <> (SELECT min(ctid) FROM %1$s)', t.as_key_table);
        COMMIT;
        EXECUTE format('INSERT INTO %s SELECT v, ''streamed'' FROM (VALUES %s) AS c(n, v, l) WHERE length(l) < 1000
                        ON CONFLICT DO NOTHING', t.as_key_table, zoo.constants(t.type, t.literals));
        COMMIT;
        -- the key of the first row changes into one that is free
        EXECUTE format('DELETE FROM %s WHERE ctid = (SELECT max(ctid) FROM %1$s HAVING count(*) > 1)', t.as_key_table);
        EXECUTE format('UPDATE %s AS k SET value = v, note = ''moved'' FROM (VALUES %s) AS c(n, v, l)
                         WHERE k.ctid = (SELECT min(ctid) FROM %1$s) AND length(l) < 1000
                           AND NOT EXISTS (SELECT FROM %1$s WHERE value = v)', t.as_key_table,
                       zoo.constants(t.type, t.literals));
        COMMIT;
    END LOOP;
END $$;
