SELECT nextval('chain_id') AS id \gset
BEGIN;
INSERT INTO chain VALUES (:id, 1);
INSERT INTO progress VALUES (:id, 1);
COMMIT;
BEGIN;
UPDATE progress SET state = 2 WHERE id = :id;
UPDATE chain SET state = 2 WHERE id = :id;
COMMIT;
BEGIN;
DELETE FROM chain WHERE id = :id;
UPDATE progress SET state = 3 WHERE id = :id;
COMMIT;
