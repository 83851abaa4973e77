// SPDX-License-Identifier: PostgreSQL
#include "copy/load.h"

#include "pq/array.h"

namespace walferry {

namespace {

// Per table: whether a foreign key refers to it. Per thing that is taken away: how, and how it is given back; in the order in
// which that is done. pg_constraint and pg_depend have indexes by table, but not by what a foreign key refers to: with many
// tables only the former will do.
const char *const plan_sql = R"(
WITH wanted AS (
    SELECT pg_catalog.to_regclass(name) AS relid, name, large, place
    FROM unnest($1::text[], $2::bool[]) WITH ORDINALITY AS t (name, large, place)
), unchecked AS (
    SELECT k.* FROM pg_catalog.pg_constraint k
    WHERE k.conrelid IN (SELECT relid FROM wanted) AND k.contype = 'c' AND NOT k.convalidated AND k.coninhcount = 0
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = k.conrelid)
), loose AS (
    -- no foreign key, partitioned index, view, comment, statistics target, tablespace or mark leans on it
    SELECT w.name, w.place, i.indexrelid, c.relname, n.nspname, k.oid AS constraint_oid, k.conname
    FROM wanted w
    JOIN pg_catalog.pg_index i ON i.indrelid = w.relid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE w.large AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident
      AND NOT c.relispartition AND c.reltablespace = 0
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indexrelid
                             OR d.refclassid = 'pg_catalog.pg_constraint'::regclass AND d.refobjid = k.oid)
                        AND NOT (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid AND d.deptype IN ('x', 'P'))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_description d
                      WHERE d.classoid = 'pg_catalog.pg_class'::regclass AND d.objoid = i.indexrelid
                         OR d.classoid = 'pg_catalog.pg_constraint'::regclass AND d.objoid = k.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
)
SELECT 0 AS kind, place, '' AS oid,
       EXISTS (SELECT FROM pg_catalog.pg_depend d
               JOIN pg_catalog.pg_constraint f ON f.oid = d.objid AND f.contype = 'f' AND f.confrelid = relid
               WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = relid
                 AND d.classid = 'pg_catalog.pg_constraint'::regclass)::text AS before,
       '' AS after, '' AS what
FROM wanted
UNION ALL
SELECT 1, w.place, g.oid::text, pg_catalog.format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', w.name, g.tgname),
       pg_catalog.format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', w.name,
                         CASE g.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, g.tgname),
       'trigger ' || g.tgname
FROM wanted w JOIN pg_catalog.pg_trigger g ON g.tgrelid = w.relid
WHERE g.tgenabled IN ('A', 'R') AND NOT g.tgisinternal
UNION ALL
SELECT 2, w.place, c.oid::text, pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', w.name),
       pg_catalog.format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', w.name), 'row security'
FROM wanted w JOIN pg_catalog.pg_class c ON c.oid = w.relid
WHERE c.relforcerowsecurity
UNION ALL
SELECT 3, w.place, k.oid::text, pg_catalog.format('ALTER TABLE ONLY %s DROP CONSTRAINT %I', w.name, k.conname),
       pg_catalog.format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', w.name, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid)), 'constraint ' || k.conname
FROM unchecked k JOIN wanted w ON w.relid = k.conrelid
UNION ALL
SELECT 4, w.place, k.oid::text, '', pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, w.name, d.description),
       'comment'
FROM unchecked k JOIN wanted w ON w.relid = k.conrelid
JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_constraint'::regclass AND d.objoid = k.oid
UNION ALL
SELECT 5, place, indexrelid::text,
       CASE WHEN constraint_oid IS NULL THEN pg_catalog.format('DROP INDEX %I.%I', nspname, relname)
            ELSE pg_catalog.format('ALTER TABLE ONLY %s DROP CONSTRAINT %I', name, conname) END,
       CASE WHEN constraint_oid IS NULL THEN pg_catalog.pg_get_indexdef(indexrelid)
            ELSE pg_catalog.format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', name, conname,
                                   pg_catalog.pg_get_constraintdef(constraint_oid)) END,
       'index ' || relname
FROM loose
ORDER BY 1, 2, 3)";

}  // namespace

Result<LoadPlan> plan_load(Session &session, std::vector<LoadTable> &tables) {
    std::vector<std::string> names;
    std::vector<std::string> large;
    for (const LoadTable &table : tables) {
        names.push_back(table.name);
        large.emplace_back(table.large ? "t" : "f");
    }
    WF_ASSIGN(const pq::Rows rows, session.query(plan_sql, {pq::array_literal(names), pq::array_literal(large)}));
    LoadPlan plan;
    for (int row = 0; row < rows.count(); ++row) {
        if (rows.integer(row, 0) == 0) {
            tables[static_cast<std::size_t>(rows.integer(row, 1)) - 1].referenced = rows.view(row, 3) == "true";
            continue;
        }
        if (!rows.view(row, 3).empty()) plan.before.push_back(rows.text(row, 3));
        plan.after.push_back({rows.text(row, 4), rows.text(row, 5)});
    }
    return plan;
}

}  // namespace walferry
