--
-- include and exclude patterns, in the stream and by walferry.selects
--
\t on
\a
CREATE SCHEMA shop;
CREATE SCHEMA "Old Shop";
CREATE TABLE shop.item (a int);
CREATE TABLE shop.audit_1 (a int);
CREATE TABLE shop.audit_12 (a int);
CREATE TABLE shop."Item" (a int);
CREATE TABLE shop."a.b,c" (a int);
CREATE TABLE shop."*" (a int);
CREATE TABLE shop."qu""ote" (a int);
CREATE TABLE shop."größe" (a int);
CREATE TABLE "Old Shop".item (a int);
CREATE VIEW tables AS
	SELECT c.oid, format('%s.%s', nspname, relname) AS name
	FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE nspname IN ('shop', 'Old Shop') AND relkind = 'r';
CREATE FUNCTION selected(include text, exclude text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(name, ' | ' ORDER BY name COLLATE "C") FROM tables
	WHERE walferry.selects(oid, include, exclude);
$$;

SELECT selected('*.*');
SELECT selected('shop.item');
SELECT selected('SHOP.Item');			-- folded
SELECT selected('shop."Item"');
SELECT selected('"shop".ITEM, shop."Item"');
SELECT selected('"SHOP".item');			-- none
SELECT selected('*.item');
SELECT selected('"Old Shop".*');
SELECT selected('"Old Sho"?.*');		-- quoted in part
SELECT selected('old*.*');				-- none: not quoted, so lower case
SELECT selected('shop.audit_?');
SELECT selected('shop.audit_??');
SELECT selected('shop.audit_*');
SELECT selected('shop.*1*');
SELECT selected('shop.*_*2');
SELECT selected('shop.a*d*1');
SELECT selected('shop.**_1**');
SELECT selected('shop."a.b,c"');
SELECT selected('shop."*"');			-- a name, no wildcard
SELECT selected('shop.?');
SELECT selected('shop."qu""ote"');
SELECT selected('shop.gr??e');			-- characters, not bytes
SELECT selected('shop.gr???e');			-- none
SELECT selected('shop.*öße');
SELECT selected('shop.GRößE');
SELECT selected('shop.item*,shop.audit_*', 'shop.*_1');
SELECT selected('*.*', '*.*');			-- exclude wins
SELECT selected('*.*', 'shop.*');
SELECT selected('*.*', '*."*", *.a*, *."Item"');
SELECT selected('nowhere.*');

-- regular expressions, of the whole name
SELECT selected('shop./audit_[0-9]+/');
SELECT selected('shop./audit_./');
SELECT selected('shop./audit|item/');
SELECT selected('shop./(?=a).*\d/, shop./Item/');	-- not folded
SELECT selected('/s.*|Old.*/.item');
SELECT selected('shop./a\.b,c/');
SELECT selected('shop./gr..e/');
SELECT selected('*.*', 'shop./.*/');
SELECT selected('shop./a/b/');			-- the slash ends it
SELECT selected('shop./a\/b/');
SELECT selected('shop./a');
SELECT selected('shop./a\');
SELECT selected('shop./(/');
SELECT selected('shop.//');

-- what is never chosen, and what is although the stream has nothing of it
SELECT walferry.selects('pg_class', '*.*', '');
SELECT walferry.selects('information_schema.sql_features', '*.*', '');
SELECT walferry.selects('tables', '*.*', '');
SELECT walferry.selects(1::regclass, '*.*', '') IS NULL;
SELECT walferry.selects(NULL, '*.*', '') IS NULL;
SELECT walferry.selects('tables', 'tables', '');
SELECT walferry.selects('tables', 'a.b', 'c');

-- the stream agrees
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t regclass;
BEGIN
	FOR t IN SELECT oid FROM tables ORDER BY name COLLATE "C" LOOP
		EXECUTE format('INSERT INTO %s VALUES (1)', t);
	END LOOP;
END $$;
SELECT start_slot();
SELECT fill();
SELECT line FROM stream() line WHERE line LIKE 'INSERT%' OR line LIKE 'COMMIT%';
SELECT fill();
SELECT stream('include', 'shop.item, *."Item"');
SELECT fill();
SELECT stream('include', '*.item', 'exclude', '"Old Shop".*');
SELECT fill();
SELECT stream('include', 'nowhere.*');		-- no trace

-- a table that is renamed, or moved, into and out of the selection
INSERT INTO shop.item VALUES (1);
ALTER TABLE shop.item RENAME TO thing;
INSERT INTO shop.thing VALUES (2);
ALTER TABLE shop.thing RENAME TO item;
INSERT INTO shop.item VALUES (3);
ALTER SCHEMA shop RENAME TO store;
INSERT INTO store.item VALUES (4);
ALTER SCHEMA store RENAME TO shop;
INSERT INTO shop.item VALUES (5);
ALTER TABLE shop.audit_1 SET SCHEMA public;
INSERT INTO audit_1 VALUES (6);
SELECT stream('include', 'shop.item, public.audit_1');

DROP FUNCTION fill, selected;
DROP VIEW tables;
DROP TABLE audit_1;
SET client_min_messages = warning;
DROP SCHEMA shop, "Old Shop" CASCADE;
SELECT stop_slot();
