\set account random(1, 1000)
\set teller random(1, 10)
\set delta random(-5000, 5000)
BEGIN;
UPDATE accounts SET balance = balance + :delta WHERE id = :account;
UPDATE tellers SET balance = balance + :delta WHERE id = :teller;
UPDATE branches SET balance = balance + :delta WHERE id = 1;
INSERT INTO history VALUES (:account, :teller, :delta, now());
COMMIT;
