-- One value column of every type, in up to three tables a type:
--   <name>_key    (id, value): changed by a key of another type
--   <name>_full   (value):     REPLICA IDENTITY FULL, no key, with equal rows
--   <name>_as_key (value, note): the type is the key, where it has an order
-- zoo.specimen holds the values as text; zoo_rows.sql and zoo_changes.sql go through it, so a type is added here alone.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION cube;
CREATE EXTENSION seg;
CREATE EXTENSION isn;

CREATE SCHEMA zoo;

CREATE TYPE zoo.mood AS ENUM ('sad', 'ok', 'Ünïted', 'with "quotes", and a comma', '');
CREATE TYPE zoo.pair AS (a int, b text);
CREATE TYPE zoo.nested AS (p zoo.pair, list zoo.pair[], m zoo.mood, "a ""quoted"" name" numeric);
CREATE TYPE zoo.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE zoo.namerange AS RANGE (subtype = text, collation = "C");
CREATE TYPE zoo.moodrange AS RANGE (subtype = zoo.mood);
CREATE DOMAIN zoo.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN zoo.small AS zoo.positive CHECK (VALUE < 1000);
CREATE DOMAIN zoo.short_list AS int[] CHECK (cardinality(VALUE) < 5);
CREATE DOMAIN zoo.checked_pair AS zoo.pair CHECK ((VALUE).a IS NULL OR (VALUE).a < 1000);
CREATE DOMAIN zoo.email AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN zoo.span AS int4range;
CREATE DOMAIN zoo.feeling AS zoo.mood;

CREATE TABLE zoo.specimen (name text PRIMARY KEY, type text NOT NULL, literals text[] NOT NULL);
INSERT INTO zoo.specimen VALUES
('bool', 'boolean', '{t,f}'),
('int2', 'smallint', '{0,-32768,32767,1}'),
('int4', 'integer', '{0,-2147483648,2147483647,-1}'),
('int8', 'bigint', '{0,-9223372036854775808,9223372036854775807,-1}'),
('oid', 'oid', '{0,4294967295,16384}'),
('numeric', 'numeric', ARRAY['NaN','Infinity','-Infinity','0','0.000','1','1.0','1.00','-1.50','1e-20','99999999.0000001',
    '12345678901234567890123456789012345678901234567890.12345678901234567890','10000','10000.0000','1e131071','-1e131071']),
('numeric_scale', 'numeric', ARRAY['1e-16383','-1e-16383','0e-16383']),
('numeric_10_2', 'numeric(10,2)', '{0,-12345678.90,NaN,99999999.99}'),
('numeric_negative', 'numeric(5,-3)', '{0,12345678,-99999000,NaN}'),
('numeric_small', 'numeric(2,5)', '{0,0.00012,-0.00099}'),
('float4', 'real', ARRAY['NaN','Infinity','-Infinity','0','-0','1e-45','3.4028235e38','0.1','16777217']),
('float8', 'double precision', ARRAY['NaN','Infinity','-Infinity','0','-0','5e-324','1.7976931348623157e308','0.1',
    '0.30000000000000004','9007199254740993']),
('money', 'money', ARRAY['0','-92233720368547758.08','92233720368547758.07','12.34']),
('text', 'text', ARRAY['','a',' ','NULL','\N','\.','\\',E'tab\there',E'line\nfeed',E'return\r','"quoted"','''',
    'Ünïcödé €, 日本語, 😀', E'\x01\x1f\x7f','{}','(,)','$1',repeat('x',3000)]),
('varchar', 'varchar', ARRAY['','a','ä',repeat('long ',100)]),
('varchar_10', 'varchar(10)', ARRAY['','          ','0123456789','éééééééééé']),
('char_5', 'character(5)', ARRAY['','a','a b','äöüß€']),
('bpchar', 'bpchar', ARRAY['','a','trailing   ']),
('name', 'name', ARRAY['','n','Ünïcödé', repeat('n',63)]),
('quoted_char', '"char"', ARRAY['','a','"',E'\x01']),
('bytea', 'bytea', ARRAY['','\x00','\x00ff5c27','\xdeadbeef','\x'||repeat('00ff',2000)]),
('date', 'date', '{2026-02-28,infinity,-infinity,4714-11-24 BC,5874897-12-31,0001-01-01 BC,2000-02-29}'),
('time', 'time', '{00:00:00,24:00:00,23:59:59.999999,12:34:56.000001}'),
('time_0', 'time(0)', '{00:00:00,24:00:00,23:59:59}'),
('timetz', 'timetz', '{00:00:00+00,24:00:00-15:59,00:00:00+15:59:59,12:34:56.789012+05:30}'),
('timestamp', 'timestamp', '{2026-02-28 12:00:00.000001,infinity,-infinity,4714-11-24 00:00:00 BC,294276-12-31 23:59:59.999999,2000-01-01}'),
('timestamptz', 'timestamptz', '{2026-02-28 12:00:00.000001+02,infinity,-infinity,4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59.999999+00,2000-01-01 00:00+00}'),
('timestamptz_3', 'timestamptz(3)', '{2026-02-28 12:00:00.123+02,infinity}'),
('interval', 'interval', ARRAY['0','1 year -2 days 03:04:05.000006','-178000000 years','178000000 years','1 mon','30 days',
    '720:00:00','-00:00:00.000001']),
('interval_year', 'interval year to month', '{1 year 3 mons,-5 years}'),
('interval_second_2', 'interval second(2)', '{1.25,-3.5}'),
('bit_5', 'bit(5)', '{10101,00000,11111}'),
('varbit', 'bit varying', ARRAY['','1','0000000','10101010101',repeat('01',2000)]),
('uuid', 'uuid', '{00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'),
('xml', 'xml', ARRAY['<a>1</a>','<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>','<?xml version="1.0"?><a/>',
    '<?xml version="1.1" encoding="UTF-8" standalone="yes"?><a/>','<a/><b/>',' text alone ','',E'<a>\n  <b/>\n</a>\n','<!-- c --><a/>']),
('json', 'json', ARRAY['{}','null','{"a" : 1,  "a":2 }','  [ 1 ,  2 ]  ','"\u00e9\u20ac"','1.10',E'{"n":\n1}','"é"','-0']),
('jsonb', 'jsonb', ARRAY['{}','null','{"a" : 1,  "b":2.00 }','[1, [2, {"k": "é\\"}]]','"\u00e9"','1.10','1e100','""']),
('jsonpath', 'jsonpath', ARRAY['$','$.a[*] ? (@ > 1 && @.b like_regex "^x" flag "i")','strict $."é"','lax $.a.b.size()']),
('tsvector', 'tsvector', ARRAY['','a','''quick brown'':1A,2B fox:3,4C,16383 it''s:7D']),
('tsquery', 'tsquery', ARRAY['','a','a & b:*A | !c <-> d <3> e','''it''''s'' & ''two words''']),
('inet', 'inet', '{192.168.0.1,192.168.0.1/24,0.0.0.0/0,::1,2001:db8::1/64,::ffff:1.2.3.4}'),
('cidr', 'cidr', '{192.168.0.0/24,0.0.0.0/0,::/0,2001:db8::/32,10.0.0.1/32}'),
('macaddr', 'macaddr', '{08:00:2b:01:02:03,00:00:00:00:00:00,ff:ff:ff:ff:ff:ff}'),
('macaddr8', 'macaddr8', '{08:00:2b:01:02:03:04:05,ff:ff:ff:ff:ff:ff:ff:ff}'),
('point', 'point', ARRAY['(0,0)','(-0,0)','(1.5,-2.25)','(NaN,Infinity)','(0.1,0.30000000000000004)']),
('line', 'line', ARRAY['{1,-1,0}','{0,1,5.5}','{NaN,1,Infinity}']),
('lseg', 'lseg', ARRAY['[(0,0),(1,1)]','[(1,1),(0,0)]']),
('box', 'box', ARRAY['(1,1),(0,0)','(Infinity,1),(0,-Infinity)']),
('path', 'path', ARRAY['((0,0),(1,1),(2,0))','[(0,0),(1,1),(2,0)]','[(0,0)]']),
('polygon', 'polygon', ARRAY['((0,0),(1,1),(2,0))','((0,0))']),
('circle', 'circle', ARRAY['<(0,0),1>','<(1.5,-2),0>','<(0,0),Infinity>']),
('int4range', 'int4range', ARRAY['empty','(,)','[1,5)','(,5)','[1,)','[-2147483648,2147483647)']),
('int8range', 'int8range', ARRAY['empty','(,)','[1,5)','[1,9223372036854775807)']),
('numrange', 'numrange', ARRAY['empty','(1.0,2.00]','[1.00,2.0)','[NaN,NaN]','(-Infinity,Infinity)','(,)']),
('daterange', 'daterange', ARRAY['empty','[2026-01-01,2026-02-01)','[-infinity,infinity)','(,infinity]']),
('tsrange', 'tsrange', ARRAY['empty','[2026-01-01 00:00:00.000001,infinity)','[-infinity,infinity]']),
('tstzrange', 'tstzrange', ARRAY['empty','[2026-01-01 00:00:00+05:30,2026-01-01 00:00:00+00)','(,)']),
('int4multirange', 'int4multirange', ARRAY['{}','{[1,3),[5,9)}','{(,)}']),
('int8multirange', 'int8multirange', ARRAY['{}','{[1,3),[5,9)}']),
('nummultirange', 'nummultirange', ARRAY['{}','{[1.0,2.00],(3,4)}']),
('datemultirange', 'datemultirange', ARRAY['{}','{[2026-01-01,2026-02-01),[infinity,)}']),
('tsmultirange', 'tsmultirange', ARRAY['{}','{[2026-01-01,2026-02-01)}']),
('tstzmultirange', 'tstzmultirange', ARRAY['{}','{[2026-01-01 00:00+00,2026-02-01 00:00+00)}']),
('int4_array', 'int[]', ARRAY['{}','{1,NULL,3}','{{1,2},{3,4}}','[-2:0]={1,2,3}','[0:1][5:6]={{1,2},{NULL,4}}','{{{1}},{{2}}}']),
('text_array', 'text[]', ARRAY['{}','{"",NULL,"NULL","a,b","{}","\"","\\","é"}','[3:3]={x}']),
('numeric_array', 'numeric[]', ARRAY['{1.0,1.00,NaN,Infinity}']),
('float8_array', 'float8[]', ARRAY['{-0,0,NaN,0.1}']),
('timestamptz_array', 'timestamptz[]', ARRAY['{infinity,"2026-01-01 00:00:00.5+00"}']),
('json_array', 'json[]', ARRAY['{"{\"a\" :  1}",null}']),
('jsonb_array', 'jsonb[]', ARRAY['{"{\"a\": 1}","null"}']),
('xml_array', 'xml[]', ARRAY['{<a/>,"<?xml version=\"1.0\" encoding=\"UTF-8\"?><b/>"}']),
('bytea_array', 'bytea[]', ARRAY['{"\\x00ff",""}']),
('char_5_array', 'char(5)[]', ARRAY['{a,"b c",NULL}']),
('point_array', 'point[]', ARRAY['{"(1,2)","(3,4)"}']),
('box_array', 'box[]', ARRAY['{(1,1),(0,0);(3,3),(2,2)}']),
('range_array', 'int4range[]', ARRAY['{"[1,2)",empty}']),
('oid_array', 'oid[]', ARRAY['{1,4294967295}']),
('regclass_array', 'regclass[]', ARRAY['{pg_class,-}']),
('mood', 'zoo.mood', ARRAY['sad','ok','Ünïted','with "quotes", and a comma','']),
('mood_array', 'zoo.mood[]', ARRAY['{}','{sad,NULL,"with \"quotes\", and a comma"}','[0:1]={ok,""}']),
('pair', 'zoo.pair', ARRAY['(,)','(1,)','(1,"")','(-1,"a ""b"", \\c")']),
('pair_array', 'zoo.pair[]', ARRAY['{}','{"(1,\"x y\")",NULL,"(,)"}']),
('nested', 'zoo.nested', ARRAY['(,,,)','("(1,a)","{""(2,\\""b\\"")"",NULL}",ok,1.00)']),
('positive', 'zoo.positive', '{1,2147483647}'),
('small', 'zoo.small', '{1,999}'),
('small_array', 'zoo.small[]', '{"{1,NULL,999}","{}"}'),
('short_list', 'zoo.short_list', '{"{1,2}","{}","{1,NULL}"}'),
('checked_pair', 'zoo.checked_pair', ARRAY['(1,x)','(,)']),
('email', 'zoo.email', '{a@b,A@B.c}'),
('span', 'zoo.span', '{empty,"[1,2)"}'),
('feeling', 'zoo.feeling', '{sad,Ünïted}'),
('floatrange', 'zoo.floatrange', '{empty,"[0.1,0.30000000000000004)","(,Infinity]"}'),
('floatmultirange', 'zoo.floatmultirange', ARRAY['{}','{[0.1,0.2),(1,)}']),
('floatrange_array', 'zoo.floatrange[]', ARRAY['{"[0.1,0.2)",empty}']),
('namerange', 'zoo.namerange', ARRAY['empty','["a b","c,d")','["",é]']),
('moodrange', 'zoo.moodrange', '{empty,"[sad,ok]"}'),
('hstore', 'hstore', ARRAY['','a=>1','"a b"=>NULL, é=>"x\"y"']),
('hstore_array', 'hstore[]', ARRAY['{"\"a\"=>\"1\"",NULL}']),
('citext', 'citext', ARRAY['','abc','ÜnÏ']),
('citext_array', 'citext[]', '{"{a,B,NULL}"}'),
('ltree', 'ltree', ARRAY['','a.b.c','Top']),
('lquery', 'lquery', ARRAY['a.*{1,2}.b@']),
('ltxtquery', 'ltxtquery', ARRAY['a & b*@']),
('cube', 'cube', ARRAY['(1)','(1,2),(3,4)','(0.1)']),
('seg', 'seg', ARRAY['1','1 .. 2','< 3','1.50 .. 2','5(+-)0.3']),
('isbn13', 'isbn13', '{978-0-393-04002-9}'),
('pg_lsn', 'pg_lsn', '{0/0,16/B374D848,FFFFFFFF/FFFFFFFF}'),
('xid', 'xid', '{0,3,4294967295}'),
('xid8', 'xid8', '{0,18446744073709551615}'),
('cid', 'cid', '{0,4294967295}'),
('tid', 'tid', '{"(0,0)","(4294967295,65535)"}'),
('pg_snapshot', 'pg_snapshot', '{"10:20:10,14,15","1:1:"}'),
('txid_snapshot', 'txid_snapshot', '{"10:20:10,14,15"}'),
('refcursor', 'refcursor', '{cursor_1}'),
('int2vector', 'int2vector', ARRAY['1 2 3','']),
('oidvector', 'oidvector', ARRAY['1 4294967295','']),
('aclitem', 'aclitem', '{=r/postgres,postgres=arwdDxt/postgres}'),
('aclitem_array', 'aclitem[]', '{"{=r/postgres,postgres=arwdDxt/postgres}"}'),
('regclass', 'regclass', '{pg_class,-,zoo.specimen,4000000000}'),
('regtype', 'regtype', '{integer,-,zoo.mood,zoo.pair[]}'),
('regproc', 'regproc', '{now,-}'),
('regprocedure', 'regprocedure', '{"abs(integer)",-}'),
('regoper', 'regoper', '{"||/",0}'),
('regoperator', 'regoperator', '{"+(integer,integer)",0}'),
('regrole', 'regrole', '{postgres,-}'),
('regnamespace', 'regnamespace', '{pg_catalog,zoo,-}'),
('regcollation', 'regcollation', ARRAY['"C"','-']),
('regconfig', 'regconfig', '{english,-}'),
('regdictionary', 'regdictionary', '{simple,-}');

-- The values as SQL: read by the type's input function, which a cast from text is not for every type.
CREATE FUNCTION zoo.constants(type text, literals text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('(%s, %L::%s, %L)', n, l, type, left(l, 1000)), ', ' ORDER BY n)
      FROM unnest(literals) WITH ORDINALITY AS u(l, n)
$$;

DO $$
DECLARE specimen zoo.specimen;
BEGIN
    FOR specimen IN SELECT * FROM zoo.specimen LOOP
        EXECUTE format('CREATE TABLE zoo.%I (id int PRIMARY KEY, value %s)', specimen.name || '_key', specimen.type);
        EXECUTE format('CREATE TABLE zoo.%I (value %s)', specimen.name || '_full', specimen.type);
        EXECUTE format('ALTER TABLE zoo.%I REPLICA IDENTITY FULL', specimen.name || '_full');
        BEGIN
            EXECUTE format('CREATE TABLE zoo.%I (value %s PRIMARY KEY, note text)', specimen.name || '_as_key',
                           specimen.type);
            EXECUTE format('DO %L', format('BEGIN PERFORM v < v FROM (VALUES %s) AS c(n, v, l); END',
                                           zoo.constants(specimen.type, specimen.literals)));
        EXCEPTION WHEN undefined_object OR undefined_function THEN
            NULL;  -- the type, or an array's element, has no order
        END;
    END LOOP;
END $$;

CREATE VIEW zoo.tables AS
    SELECT name, type, literals, format('zoo.%I', name || '_key') AS key_table,
           format('zoo.%I', name || '_full') AS full_table,
           CASE WHEN to_regclass(format('zoo.%I', name || '_as_key')) IS NOT NULL
                THEN format('zoo.%I', name || '_as_key') END AS as_key_table
      FROM zoo.specimen ORDER BY name;
