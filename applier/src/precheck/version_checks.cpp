// What the source has, being of a newer major version, and the destination can't have.
//
// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"
#include "schema/tables.h"

namespace walferry {

namespace {

struct Feature {
    int since;  // major version
    bool of_grants;
    const char *sql;  // names what uses it, among the relations $1
};

// What pg_dump takes: partitioned tables and views too.
const char *const relations_sql = R"(
SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')))";

constexpr auto features = std::to_array<Feature>({
    {17, false, R"(
SELECT pg_catalog.format('exclusion constraint %I of the partitioned table %s', k.conname, k.conrelid::pg_catalog.regclass)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY ($1::pg_catalog.oid[]) AND k.contype = 'x' AND c.relkind = 'p' ORDER BY 1)"},
    {17, false, R"(
SELECT pg_catalog.format('access method of the partitioned table %s', oid::pg_catalog.regclass)
FROM pg_catalog.pg_class WHERE oid = ANY ($1::pg_catalog.oid[]) AND relkind = 'p' AND relam <> 0 ORDER BY 1)"},
    // Who has all privileges is granted all that there are.
    {17, true, R"(
SELECT pg_catalog.format('privilege MAINTAIN on %s', c.oid::pg_catalog.regclass)
FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
WHERE c.oid = ANY ($1::pg_catalog.oid[])
GROUP BY c.oid, a.grantee, a.grantor
HAVING pg_catalog.bool_or(a.privilege_type = 'MAINTAIN') AND pg_catalog.count(DISTINCT a.privilege_type) < 8 ORDER BY 1)"},
    {18, false, R"(
SELECT pg_catalog.format('virtual generated column %s.%I', attrelid::pg_catalog.regclass, attname)
FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($1::pg_catalog.oid[]) AND attgenerated = 'v' AND NOT attisdropped
ORDER BY 1)"},
    {18, false, R"(
SELECT pg_catalog.format('constraint %I of %s, %s', conname, conrelid::pg_catalog.regclass,
                         CASE WHEN conperiod THEN 'WITHOUT OVERLAPS or PERIOD' WHEN NOT conenforced THEN 'NOT ENFORCED'
                              WHEN connoinherit THEN 'NOT NULL NO INHERIT' ELSE 'NOT NULL NOT VALID' END)
FROM pg_catalog.pg_constraint
WHERE conrelid = ANY ($1::pg_catalog.oid[])
  AND (conperiod OR NOT conenforced OR contype = 'n' AND (connoinherit OR NOT convalidated)) ORDER BY 1)"},
    // Of a column that is in the table only as its parent has it; pg_dump has no form of it that older servers read.
    {18, false, R"(
SELECT pg_catalog.format('NOT NULL of the inherited column %s.%I', a.attrelid::pg_catalog.regclass, a.attname)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND NOT c.relispartition
JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attislocal AND k.conislocal
  AND NOT k.connoinherit AND k.convalidated ORDER BY 1)"},
    {18, false, R"(
SELECT pg_catalog.format('comment on the constraint %I of %s, NOT NULL', k.conname, k.conrelid::pg_catalog.regclass)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objoid = k.oid
WHERE k.conrelid = ANY ($1::pg_catalog.oid[]) AND k.contype = 'n' ORDER BY 1)"},
});

}  // namespace

Result<Finding> check_newer_features(CheckContext &context) {
    const int from = context.source->server_version() / 10000;
    const int to = context.destination->server_version() / 10000;
    if (!context.task.schema_stage || to >= from) return good("nothing is newer than the destination");
    WF_ASSIGN(const std::vector<std::string> relids,
              read_values(*context.source, relations_sql,
                          {hex_patterns(context.task.include), hex_patterns(context.task.exclude)}));
    std::vector<std::string> found;
    for (const Feature &feature : features) {
        if (feature.since > from || feature.since <= to || (feature.of_grants && !context.task.grants)) continue;
        WF_ASSIGN(const std::vector<std::string> names,
                  read_values(*context.source, feature.sql, {pq::array_literal(relids)}));
        found.insert(found.end(), names.begin(), names.end());
    }
    if (found.empty()) return good(fmt::format("none that PostgreSQL {} can't have", to));
    return bad(
        fmt::format("{} that PostgreSQL {} can't have: {}", found.size(), to, shortened(found)),
        fmt::format("{}", fmt::join(found, "\n")),
        "Change or drop them at the source, exclude their tables in [objects], or use a destination of version " +
            std::to_string(from) + ".");
}

}  // namespace walferry
