\set place random(0, 99)
\set item random(1, 20000)
BEGIN;
INSERT INTO stock VALUES (:place, :item, 1, 'new') ON CONFLICT (place, item) DO UPDATE SET amount = stock.amount + 1;
UPDATE stock SET note = note || '.' WHERE place = :place AND item = :item;
SAVEPOINT s;
UPDATE stock SET place = place + 1000 WHERE place = :place AND item = :item;
ROLLBACK TO s;
DELETE FROM stock WHERE place = (:place + 1) % 100 AND item = :item;
UPDATE stock SET place = (place + 1) % 100 WHERE place = :place AND item = :item;
END;
