\set amount random(1, 1000000)
BEGIN;
INSERT INTO ledger (amount, note) SELECT :amount / 100.0, 'note ' || n FROM generate_series(1, 5) AS n;
END;
