// SPDX-License-Identifier: PostgreSQL
#include "verify/object_query.h"

namespace walferry {

const char *const objects_sql = R"(
WITH excluded AS (
    SELECT * FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS e (nspname, relname)
), extension_member AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), space AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
), rel AS (
    SELECT c.oid, c.relkind, c.relpersistence, c.relispartition, c.relpartbound, c.reloptions, c.relrowsecurity,
           c.relforcerowsecurity, c.reltype, c.relowner, n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class c JOIN space n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM excluded e WHERE e.nspname = n.nspname AND e.relname = c.relname)
      AND NOT EXISTS (SELECT FROM extension_member m
                      WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid)
), kind (relkind, noun, tag) AS (
    VALUES ('r'::"char", 'table', 'CREATE TABLE'), ('p', 'table', 'CREATE TABLE'), ('v', 'view', 'CREATE VIEW'),
           ('m', 'materialized view', 'CREATE MATERIALIZED VIEW'), ('S', 'sequence', 'CREATE SEQUENCE'),
           ('f', 'foreign table', 'CREATE FOREIGN TABLE'), ('c', 'type', 'CREATE TYPE')
), col AS (
    SELECT rel.name AS parent, rel.relkind, pg_catalog.format('%s.%I', rel.name, a.attname) AS name,
           pg_catalog.quote_ident(a.attname) AS column_name, a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull,
           a.attidentity, a.attgenerated, a.attcollation, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression
    FROM rel
    JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE rel.relkind IN ('r', 'p', 'f', 'c')
)
SELECT k.noun AS kind, k.tag, '' AS parent, rel.name,
       pg_catalog.concat_ws('; ', k.noun, CASE relpersistence WHEN 'u' THEN 'unlogged' END,
           CASE WHEN rel.relkind = 'p' THEN 'partitioned by ' || pg_catalog.pg_get_partkeydef(rel.oid) END,
           CASE WHEN relispartition THEN 'partition ' || pg_catalog.pg_get_expr(relpartbound, rel.oid) END,
           (SELECT 'inherits ' || pg_catalog.string_agg(inhparent::pg_catalog.regclass::text, ', ' ORDER BY inhseqno)
            FROM pg_catalog.pg_inherits WHERE inhrelid = rel.oid),
           (SELECT pg_catalog.string_agg(o, ', ' ORDER BY o) FROM unnest(reloptions) AS o),
           CASE WHEN relrowsecurity THEN 'row level security' END, CASE WHEN relforcerowsecurity THEN 'forced' END,
           CASE WHEN rel.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(rel.oid) END,
           CASE WHEN $3 = 't' THEN 'owner ' || pg_catalog.pg_get_userbyid(relowner) END,
           (SELECT pg_catalog.format('as %s start %s increment %s min %s max %s cache %s%s',
                                     pg_catalog.format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax,
                                     seqcache, CASE WHEN seqcycle THEN ' cycle' ELSE '' END)
            FROM pg_catalog.pg_sequence WHERE seqrelid = rel.oid),
           (SELECT pg_catalog.format('owned by %s.%I', refobjid::pg_catalog.regclass, a.attname)
            FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = rel.oid
              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
              AND rel.relkind = 'S')) AS definition,
       CASE WHEN rel.relkind = 'v' AND reloptions IS NULL
            THEN 'CREATE OR REPLACE VIEW ' || rel.name || ' AS ' || pg_catalog.pg_get_viewdef(rel.oid) ELSE '' END AS create_sql,
       '' AS drop_sql
FROM rel JOIN kind k USING (relkind)
UNION ALL
SELECT 'column', CASE relkind WHEN 'c' THEN 'ALTER TYPE' ELSE 'ALTER TABLE' END, parent, name,
       pg_catalog.concat_ws('; ', pg_catalog.format_type(atttypid, atttypmod),
           CASE WHEN attcollation <> t.typcollation THEN 'collate ' || attcollation::pg_catalog.regcollation::text END,
           CASE attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
           CASE WHEN attgenerated <> '' THEN pg_catalog.format('generated as (%s)', expression) END),
       '', ''
FROM col JOIN pg_catalog.pg_type t ON t.oid = atttypid
UNION ALL
SELECT 'default', 'ALTER TABLE', name, name, COALESCE(expression, 'none'),
       pg_catalog.format('ALTER TABLE ONLY %s ALTER COLUMN %s %s', parent, column_name,
                         COALESCE('SET DEFAULT ' || expression, 'DROP DEFAULT')), ''
FROM col WHERE relkind <> 'c' AND attgenerated = '' AND attidentity = ''
UNION ALL
SELECT 'not null', 'ALTER TABLE', name, name, CASE WHEN attnotnull THEN 'not null' ELSE 'nullable' END,
       pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s %s NOT NULL', parent, column_name,
                         CASE WHEN attnotnull THEN 'SET' ELSE 'DROP' END), ''
FROM col WHERE relkind <> 'c'
UNION ALL
SELECT 'constraint', 'ALTER TABLE', rel.name, pg_catalog.format('%s.%I', rel.name, k.conname),
       pg_catalog.pg_get_constraintdef(k.oid),
       pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', rel.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
       pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', rel.name, k.conname)
FROM pg_catalog.pg_constraint k JOIN rel ON rel.oid = k.conrelid
WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND k.conparentid = 0
  AND (k.contype <> 'f' OR k.confrelid IN (SELECT oid FROM rel))
UNION ALL
SELECT 'index', 'CREATE INDEX', rel.name, pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE '; invalid' END,
       CASE WHEN rel.relkind = 'r' THEN pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid),
                                            '^CREATE (UNIQUE )?INDEX ', 'CREATE \1INDEX CONCURRENTLY ')
            ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END,
       pg_catalog.format('DROP INDEX %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index i
JOIN rel ON rel.oid = i.indrelid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', 'CREATE TRIGGER', rel.name, pg_catalog.format('%s.%I', rel.name, g.tgname),
       pg_catalog.pg_get_triggerdef(g.oid)
       || CASE g.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN '; disabled' WHEN 'R' THEN '; replica' ELSE '; always' END,
       pg_catalog.pg_get_triggerdef(g.oid)
       || CASE g.tgenabled WHEN 'O' THEN ''
               ELSE pg_catalog.format('; ALTER TABLE %s %s TRIGGER %I', rel.name,
                                      CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
                                           ELSE 'ENABLE ALWAYS' END, g.tgname) END,
       pg_catalog.format('DROP TRIGGER %I ON %s', g.tgname, rel.name)
FROM pg_catalog.pg_trigger g JOIN rel ON rel.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgparentid = 0
UNION ALL
SELECT 'policy', 'CREATE POLICY', rel.name, pg_catalog.format('%s.%I', rel.name, p.polname),
       pg_catalog.concat_ws('; ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for ' || p.polcmd::pg_catalog.text,
           'to ' || (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r)::text END, ', '
                                                  ORDER BY 1)
                     FROM unnest(p.polroles) AS r),
           'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
           'check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), '', ''
FROM pg_catalog.pg_policy p JOIN rel ON rel.oid = p.polrelid
UNION ALL
SELECT 'rule', 'CREATE RULE', rel.name, pg_catalog.format('%s.%I', rel.name, w.rulename),
       pg_catalog.pg_get_ruledef(w.oid), pg_catalog.pg_get_ruledef(w.oid),
       pg_catalog.format('DROP RULE %I ON %s', w.rulename, rel.name)
FROM pg_catalog.pg_rewrite w JOIN rel ON rel.oid = w.ev_class
WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'statistics', 'CREATE STATISTICS', rel.name, pg_catalog.format('%I.%I', n.nspname, s.stxname),
       pg_catalog.pg_get_statisticsobjdef(s.oid), pg_catalog.pg_get_statisticsobjdef(s.oid),
       pg_catalog.format('DROP STATISTICS %I.%I', n.nspname, s.stxname)
FROM pg_catalog.pg_statistic_ext s
JOIN rel ON rel.oid = s.stxrelid
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, 'CREATE FUNCTION', '',
       p.oid::pg_catalog.regprocedure::text,
       CASE p.prokind WHEN 'a' THEN (SELECT pg_catalog.format('%s %s %s %s', a.aggtransfn, a.aggfinalfn,
                                                              pg_catalog.format_type(a.aggtranstype, NULL), a.agginitval)
                                     FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid)
            ELSE pg_catalog.pg_get_functiondef(p.oid) END,
       CASE p.prokind WHEN 'a' THEN '' ELSE pg_catalog.pg_get_functiondef(p.oid) END, ''
FROM pg_catalog.pg_proc p JOIN space n ON n.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
UNION ALL
SELECT 'type', 'CREATE TYPE', '', pg_catalog.format('%I.%I', n.nspname, t.typname),
       CASE t.typtype
           WHEN 'e' THEN (SELECT 'enum ' || pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
           WHEN 'r' THEN (SELECT 'range of ' || pg_catalog.format_type(r.rngsubtype, NULL)
                          FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
           ELSE pg_catalog.concat_ws('; ', 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod),
                    CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
                    (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
                     FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')) END, '', ''
FROM pg_catalog.pg_type t JOIN space n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'r', 'd')
  AND NOT EXISTS (SELECT FROM extension_member m
                  WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid)
UNION ALL
SELECT 'comment', 'COMMENT', rel.name, rel.name, d.description,
       pg_catalog.format('COMMENT ON %s %s IS %L', pg_catalog.upper(k.noun), rel.name, d.description), ''
FROM pg_catalog.pg_description d
JOIN rel ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = rel.oid AND d.objsubid = 0
JOIN kind k USING (relkind)
UNION ALL
SELECT 'comment', 'COMMENT', col.name, col.name, d.description,
       pg_catalog.format('COMMENT ON COLUMN %s IS %L', col.name, d.description), ''
FROM pg_catalog.pg_description d
JOIN col ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = col.attrelid AND d.objsubid = col.attnum
UNION ALL
SELECT 'extension', 'CREATE EXTENSION', '', pg_catalog.quote_ident(extname), 'extension', '', ''
FROM pg_catalog.pg_extension WHERE extname NOT IN ('plpgsql', 'walferry')
UNION ALL
SELECT 'schema', 'CREATE SCHEMA', '', pg_catalog.quote_ident(nspname), 'schema',
       pg_catalog.format('CREATE SCHEMA %I', nspname), ''
FROM space
WHERE NOT EXISTS (SELECT FROM extension_member m
                  WHERE m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.objid = space.oid))";

}  // namespace walferry
