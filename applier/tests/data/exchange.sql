BEGIN;
LOCK place IN SHARE ROW EXCLUSIVE MODE;
SELECT n AS other FROM place WHERE id = 2 \gset
SELECT n AS one FROM place WHERE id = 1 \gset
UPDATE place SET n = NULL WHERE id = 1;
UPDATE place SET n = :one WHERE id = 2;
UPDATE place SET n = :other WHERE id = 1;
COMMIT;
