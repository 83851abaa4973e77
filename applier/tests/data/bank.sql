\set debit random(1, 8)
\set credit random(1, 8)
\set amount random(1, 100)
BEGIN;
UPDATE counter SET transfers = transfers + 1;
UPDATE account SET balance = balance - :amount WHERE id = :debit;
UPDATE account SET balance = balance + :amount WHERE id = :credit;
INSERT INTO ledger VALUES (:debit, :credit, :amount);
COMMIT;
