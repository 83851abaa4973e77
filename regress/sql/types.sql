--
-- Every built-in type, and the kinds of user-defined ones
--
\t on
\a
-- which built-in types go as text
SELECT typname FROM pg_type
WHERE oid < 10000 AND typtype NOT IN ('c', 'p') AND NOT walferry.sends_binary(oid)
ORDER BY typname COLLATE "C";
SELECT walferry.sends_binary(1::oid) IS NULL, walferry.sends_binary(NULL) IS NULL;

CREATE TABLE numbers (b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, np numeric(12,3), m money);
CREATE TABLE strings (t text, v varchar(10), c char(5), one "char", n name, b bytea, bi bit(3), vb varbit, u uuid);
CREATE TABLE times (d date, t time, t3 time(3), tz timetz, ts timestamp, tstz timestamptz, i interval);
CREATE TABLE documents (j json, jb jsonb, jp jsonpath, x xml, tv tsvector, tq tsquery);
CREATE TABLE geometry (p point, l line, ls lseg, b box, pt path, pg polygon, c circle);
CREATE TABLE network (i inet, c cidr, m macaddr, m8 macaddr8);
CREATE TABLE system (x xid, x8 xid8, c cid, t tid, l pg_lsn, s pg_snapshot, ts txid_snapshot, iv int2vector, ov oidvector, rc refcursor, acl aclitem);
CREATE TABLE registered (c regclass, p regproc, pc regprocedure, o regoper, op regoperator, t regtype, n regnamespace, cf regconfig, d regdictionary, co regcollation, r regrole);
CREATE TABLE arrays (i int[], t text[], n numeric[][], d date[], x xml[], rc regclass[], acl aclitem[], b bytea[], r int4range[]);
CREATE TABLE ranges (i4 int4range, i8 int8range, n numrange, d daterange, ts tsrange, tstz tstzrange, mi int4multirange, mn nummultirange, mts tstzmultirange);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy "quoted"');
CREATE TYPE pair AS (a int, b text, d date);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN more_positive AS positive CHECK (VALUE > 1);
CREATE DOMAIN moods AS mood[];
CREATE DOMAIN ints AS int[];
CREATE DOMAIN a_pair AS pair;
CREATE TABLE own (m mood, p pair, f floats, fm floats_multirange, d positive, dd more_positive, ma mood[], pa pair[], fa floats[], da positive[], dma moods, di ints, dp a_pair);
SELECT start_slot();

INSERT INTO numbers VALUES
	(true, 1, 1, 1, 1, 1.5, 1.5, 1.50, 1.5, 1.5),
	(false, -32768, -2147483648, -9223372036854775808, 4294967295, 'NaN', 'NaN', 'NaN', 'NaN', -92233720368547758.08),
	(NULL, 32767, 2147483647, 9223372036854775807, 0, 'Infinity', 'Infinity', 'Infinity', 0, 92233720368547758.07),
	(NULL, NULL, NULL, NULL, NULL, '-Infinity', '-Infinity', '-Infinity', -0.001, NULL),
	(NULL, 0, 0, 0, 0, '-0', '-0', -0.0000, 999999999.999, 0),
	(NULL, NULL, NULL, NULL, NULL, 1.17549435e-38, 5e-324, 1e-1000, NULL, NULL),
	(NULL, NULL, NULL, NULL, NULL, 3.4028235e38, 1.7976931348623157e308, 123456789012345678901234567890.123456789, NULL, NULL),
	(NULL, NULL, NULL, NULL, NULL, 0.1, 0.1::float8 + 0.2, 1e20, NULL, NULL);
INSERT INTO strings VALUES
	('', '', '', '', '', '', B'000', B'', '00000000-0000-0000-0000-000000000000'),
	(E'it''s\t\\ \n ß 漢 😀', 'ßßßßßßßßßß', 'a', 'x', 'Name', '\x00ff5c27', B'101', B'10101010101', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
	(' lead and trail ', 'x   ', 'x    ', 'y', repeat('n', 63), repeat('x', 100)::bytea, B'111', B'0', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');
INSERT INTO times VALUES
	('2001-02-03', '04:05:06.789', '04:05:06.789', '04:05:06.789+05:30', '2001-02-03 04:05:06.789012', '2001-02-03 04:05:06.789012+05:30', '1 year 2 mons -3 days 04:05:06.789'),
	('4713-01-01 BC', '00:00', '00:00', '00:00+15:59:59', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC', '-178000000 years'),
	('5874897-12-31', '24:00:00', '23:59:59.9999', '24:00:00-15:59:59', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '178000000 years'),
	('infinity', NULL, NULL, NULL, 'infinity', 'infinity', '0'),
	('-infinity', NULL, NULL, NULL, '-infinity', '-infinity', '-00:00:00.000001'),
	('1999-12-31', '12:00', '12:00', '12:00-08', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999-12', '1 mon -1 day');
SET client_min_messages = warning;
INSERT INTO documents VALUES
	('{"b" : 1,  "a": [1,2, null], "b": 2}', '{"b" : 1,  "a": [1,2, null], "b": 2}', 'strict $.a[*] ? (@ > 1)', '<?xml version="1.0" encoding="latin1"?><a b="c">ß</a>', 'a:1A fat:2B,4C cat:5', 'fat & (rat | cat) & !dog:*'),
	('null', '1e1000', '$', '', '', ''),
	('"\u00df"', '"\u00df"', '$."a b"', 'just text', $$'it''s' ' '$$, $$'it''s' <-> 'x'$$);
INSERT INTO geometry VALUES
	('(1,2)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(0,0),1>'),
	('(NaN,Infinity)', '{0,-1,0}', '[(-0,0),(1e300,1e-300)]', '(0.1,0.2),(0.3,0.4)', '((0,0),(1,1))', '((0.1,0.2))', '<(0.1,0.2),0>');
INSERT INTO network VALUES
	('192.168.0.1/24', '192.168.0.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'),
	('::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03'),
	('0.0.0.0/0', '::/0', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00');
INSERT INTO system VALUES
	('4294967295', '18446744073709551615', '4294967295', '(4294967295,65535)', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', '10:20:10,14,15', '1 -2 3', '1 4294967295', 'cursor', 'pg_monitor=r/pg_monitor'),
	('3', '3', '0', '(0,1)', '0/0', '1:1:', '1:1:', '', '', '', '=w/pg_monitor');
INSERT INTO registered VALUES
	('pg_class', 'now', 'abs(int4)', '||/', '+(int4,int4)', 'int4', 'pg_catalog', 'english', 'simple', '"C"', 'pg_monitor'),
	('numbers', 'stream', 'stream(text[])', 0, 0, 'mood', 'public', 0, 0, 0, 0),
	(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
INSERT INTO arrays VALUES
	('{1,NULL,-3}', '{"",NULL,"NULL","a,b","q\"q",ß}', '{{1.0,2.00},{NaN,NULL}}', '{2001-02-03,infinity}', '{<a/>}', '{pg_class,numbers}', '{pg_monitor=r/pg_monitor}', '{"\\x00ff"}', '{"[1,2)",empty}'),
	('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
	('[-1:1]={1,2,3}', '[5:5]={x}', '[2:2][3:3]={{1}}', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO ranges VALUES
	('[1,5)', '(1,5]', '[1.0,2.50]', '[2001-01-01,2001-02-01]', '[2001-01-01 00:00,2001-01-01 12:00)', '[2001-01-01 00:00+00,)', '{[1,3),[5,8)}', '{[1.0,2.0],(3,4)}', '{(,2001-01-01 00:00+00]}'),
	('empty', '(,)', '[NaN,NaN]', '[,infinity]', '(,)', '[-infinity,infinity]', '{}', '{(,)}', '{}');
INSERT INTO own VALUES
	('sad', '(1,"it''s ""q""",2001-02-03)', '[0.1,0.30000000000000004)', '{[1,2),[3,4)}', 1, 2, '{sad,"happy \"quoted\""}', '{"(1,x,)",NULL}', '{"[1,2]"}', '{1,2}', '{ok}', '{1}', '(1,x,2001-02-03)'),
	(NULL, '(,,)', 'empty', '{}', NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}', NULL);
SELECT line FROM stream() line WHERE line NOT LIKE 'BEGIN%' AND line NOT LIKE 'COMMIT%';

-- row types of tables
CREATE TABLE of_rows (n numbers, nn numbers[]);
INSERT INTO of_rows (n) SELECT whole FROM numbers whole WHERE i2 = 1;
SELECT stream();

-- the test "binary" goes on with these tables
DROP TABLE of_rows;
SELECT stop_slot();
