// What the source has, being of a newer major version, and the destination can't have.
//
// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

struct Feature {
    int since;  // major version
    bool of_grants;
    const char *sql;  // names what uses it, among the relations $1
};

constexpr auto features = std::to_array<Feature>({
    {17, false, R"(
SELECT pg_catalog.format('exclusion constraint %I of the partitioned table %s', k.conname, k.conrelid::pg_catalog.regclass)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY ($1::pg_catalog.oid[]) AND k.contype = 'x' AND (c.relkind = 'p' OR c.relispartition) ORDER BY 1)"},
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
});

}  // namespace

Result<Finding> check_newer_features(CheckContext &context) {
    const int from = context.source->server_version() / 10000;
    const int to = context.destination->server_version() / 10000;
    if (!context.task.schema_stage || to >= from) return good("nothing is newer than the destination");
    std::vector<std::string> relids;
    for (const Table &table : context.tables) relids.push_back(std::to_string(table.relid));
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
