// SPDX-License-Identifier: PostgreSQL
#include "apply/created_objects.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "pq/array.h"

namespace walferry {

namespace {

// Raises undefined_object and its kin for what isn't there.
const char *const find_objects_sql =
    "SELECT pg_catalog.pg_get_object_address(type, names::text[], arguments::text[])"
    " FROM unnest($1::text[], $2::text[], $3::text[]) AS o (type, names, arguments)";

// Objects that are made later have a higher one, save once in four thousand million objects: then a statement stops whose
// names were chosen otherwise than at the source.
const char *const last_oid_sql = R"(
SELECT greatest((SELECT max(oid) FROM pg_catalog.pg_class), (SELECT max(oid) FROM pg_catalog.pg_constraint)))";

// Of what the source has made under $2 (types $1, of the relations $3, quoted and qualified) those that aren't there, each
// with one of its kind that is, was made just now ($4: the last OID before) and has no counterpart: in the order in which
// they were made. How to give it the source's name.
const char *const chosen_names_sql = R"(
WITH made AS (
    SELECT type, names::text[] AS names, pg_catalog.to_regclass(relation) AS relid, place
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS o (type, names, relation, place)
), here AS (
    SELECT 'index' AS type, ARRAY[n.nspname::text, c.relname::text] AS names, i.indrelid AS relid, c.oid,
           pg_catalog.format('ALTER INDEX %s RENAME TO ', c.oid::regclass) AS rename
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indrelid IN (SELECT relid FROM made)
    UNION ALL
    SELECT 'sequence', ARRAY[n.nspname::text, c.relname::text], NULL, c.oid,
           pg_catalog.format('ALTER SEQUENCE %s RENAME TO ', c.oid::regclass)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND (c.oid > $4::oid OR EXISTS (
        SELECT FROM made WHERE names = ARRAY[n.nspname::text, c.relname::text]))
    UNION ALL
    SELECT 'table constraint', ARRAY[n.nspname::text, c.relname::text, k.conname::text], k.conrelid, k.oid,
           pg_catalog.format('ALTER TABLE %s RENAME CONSTRAINT %I TO ', k.conrelid::regclass, k.conname)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.conrelid IN (SELECT relid FROM made)
), missing AS (
    SELECT type, names, CASE type WHEN 'sequence' THEN NULL ELSE relid END AS relid,
           row_number() OVER (PARTITION BY type, CASE type WHEN 'sequence' THEN NULL ELSE relid END
                              ORDER BY place) AS n
    FROM made m
    WHERE type IN ('index', 'sequence', 'table constraint')
      AND NOT EXISTS (SELECT FROM here h WHERE h.type = m.type AND h.names = m.names)
), other AS (
    SELECT type, relid, rename, row_number() OVER (PARTITION BY type, relid ORDER BY oid) AS n
    FROM here h
    WHERE oid > $4::oid AND NOT EXISTS (SELECT FROM made m WHERE m.type = h.type AND m.names = h.names)
)
SELECT o.rename || pg_catalog.quote_ident(m.names[pg_catalog.array_length(m.names, 1)])
FROM missing m JOIN other o ON o.type = m.type AND o.relid IS NOT DISTINCT FROM m.relid AND o.n = m.n
WHERE m.type = $5)";

}  // namespace

Result<void> CreatedObjects::look_before() {
    WF_ASSIGN(const pq::Rows rows, session_.query(last_oid_sql));
    last_oid_ = rows.text(0, 0);
    return {};
}

Result<void> CreatedObjects::name_as_at_source() {
    std::vector<std::string> types;
    std::vector<std::string> names;
    std::vector<std::string> arguments;
    std::vector<std::string> relations;
    for (const DdlObject &object : ddl_.objects) {
        // Columns of views and the like are no objects of their own.
        const bool column = object.type.ends_with(" column") && object.type != "table column";
        if (object.operation != 'C' || column) continue;
        types.push_back(object.type);
        names.push_back(object.names);
        arguments.push_back(object.arguments);
        relations.push_back(session_.quote_qualified(object.schema, object.name));
    }
    if (types.empty()) return {};
    // An index's name is its constraint's too, so these come last.
    for (const char *type : {"index", "sequence", "table constraint"}) {
        if (std::find(types.begin(), types.end(), type) == types.end()) continue;
        WF_ASSIGN(const pq::Rows renames,
                  session_.query(chosen_names_sql, {pq::array_literal(types), pq::array_literal(names),
                                                    pq::array_literal(relations), last_oid_, type}));
        for (int row = 0; row < renames.count(); ++row) WF_TRY(session_.query(renames.text(row, 0)));
    }
    auto found = session_.query(find_objects_sql,
                                {pq::array_literal(types), pq::array_literal(names), pq::array_literal(arguments)});
    if (found) return {};
    return fail(std::move(found).error().with_detail(
        "The statement has run, and what it has created at the source is not what it has created here."));
}

}  // namespace walferry
