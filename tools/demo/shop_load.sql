-- pgbench script: what happens in a shop, a transaction at a time. Some fail, some change their mind.
\set customer random(1, 20000)
\set product random(1, 2000)
\set warehouse random(1, 3)
\set quantity random(1, 4)
\set dice random(1, 100)
\set card random(1, 1000)

BEGIN;

-- an order with two lines
WITH o AS (
    INSERT INTO shop.orders (customer, ship_to, net, tax, invoice)
    SELECT id, home, :quantity * 12.34, :quantity * 2.345, shop.next_invoice() FROM shop.customers WHERE id = :customer
    RETURNING id, placed_at)
INSERT INTO shop.order_items
SELECT id, placed_at, l, 'SKU-' || lpad((1 + (:product + l) % 2000)::text, 5, '0'), :quantity, 12.34
FROM o, generate_series(1, 2) l;

UPDATE shop.stock SET quantity = quantity - :quantity
WHERE sku = 'SKU-' || lpad(:product::text, 5, '0') AND warehouse = :warehouse;

\if :dice <= 30
INSERT INTO shop.carts (customer, content, expires)
VALUES (:customer, jsonb_build_object('SKU-' || :product::text, :quantity::int), now() + interval '1 hour');
INSERT INTO shop.recently_viewed (customer, sku) VALUES (:customer, 'SKU-' || :product::text)
ON CONFLICT (customer, sku) DO UPDATE SET at = excluded.at;
\elif :dice <= 55
UPDATE shop.customers SET credit = credit + 1, profile = profile || '{"seen": true}', tags = tags || 'x'::text
WHERE id = :customer;
\elif :dice <= 75
-- the trigger writes the audit; some carts go
UPDATE shop.orders SET status = 'shipped' WHERE id = :customer AND status <> 'shipped';
DELETE FROM shop.carts WHERE id IN (SELECT id FROM shop.carts ORDER BY expires LIMIT 2 FOR UPDATE SKIP LOCKED);
\elif :dice <= 82
-- the picture stays where it is, unchanged
UPDATE shop.products SET price = price + 0.01, updated = now() WHERE sku = 'SKU-' || lpad(:product::text, 5, '0');
\elif :dice <= 88
UPDATE shop."Gift Cards" SET "Code" = 'G' || nextval('shop.invoice_number'), "Balance" = "Balance" / 2
WHERE "Code" = 'G' || :card::text;
\elif :dice <= 92
-- one of many equal rows
DELETE FROM shop.audit WHERE ctid = (SELECT ctid FROM shop.audit WHERE what = 'import' LIMIT 1 FOR UPDATE SKIP LOCKED);
UPDATE shop.audit SET value = value + 0.00 WHERE ctid = (SELECT ctid FROM shop.audit LIMIT 1 FOR UPDATE SKIP LOCKED);
\elif :dice <= 96
SAVEPOINT doubt;
DELETE FROM shop.order_items WHERE order_id = :customer;
ROLLBACK TO doubt;
DELETE FROM shop.orders WHERE id = :customer AND status = 'packed';
\endif

\if :dice = 100
ROLLBACK;
\else
COMMIT;
\endif

\if :dice = 99 and :card <= 50
TRUNCATE shop.recently_viewed;
\endif
