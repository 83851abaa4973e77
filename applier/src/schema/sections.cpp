// SPDX-License-Identifier: PostgreSQL
#include "schema/sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "base/hex.h"
#include "schema/tables.h"

namespace walferry {

namespace {

const char *const sections_sql = R"(
SELECT c.oid, pg_catalog.encode(pg_catalog.convert_to(s.name, 'UTF8'), 'hex')
FROM pg_catalog.pg_class c,
     walferry.table_settings(c.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS s
WHERE c.oid = ANY ($1::oid[]))";

const char *const section_sql = R"(
SELECT pg_catalog.encode(pg_catalog.convert_to(s.name, 'UTF8'), 'hex')
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS l (schema_name, table_name, depth),
     walferry.table_settings(l.schema_name, l.table_name,
                             pg_catalog.convert_from(pg_catalog.decode($3, 'hex'), 'UTF8')) AS s
WHERE s.name IS NOT NULL
ORDER BY l.depth LIMIT 1)";

const TableSettings *section_named(const Task &task, const std::string &name) {
    const auto found = std::find_if(task.tables.begin(), task.tables.end(), [&](const TableSettings &table) {
        return table.concerns_destination() && table.name == name;
    });
    return found == task.tables.end() ? nullptr : &*found;
}

}  // namespace

Result<TableSections> find_sections(pq::Connection &source, const Task &task,
                                    const std::vector<std::uint32_t> &relids) {
    TableSections sections;
    if (!task.has_destination_sections()) return sections;
    WF_ASSIGN(const pq::Rows rows, source.exec(sections_sql, {fmt::format("{{{}}}", fmt::join(relids, ",")),
                                                              to_hex(destination_sections_option(task.tables))}));
    for (int row = 0; row < rows.count(); ++row) {
        const TableSettings *&section = sections[static_cast<std::uint32_t>(rows.integer(row, 0))];
        if (rows.null(row, 1)) continue;
        section = section_named(task, from_hex(rows.view(row, 1)));
    }
    return sections;
}

Result<const TableSettings *> find_section(pq::Connection &source, const Task &task,
                                           const std::vector<QualifiedName> &lineage) {
    auto params = name_arrays(lineage);
    params.emplace_back(to_hex(destination_sections_option(task.tables)));
    WF_ASSIGN(const pq::Rows rows, source.exec(section_sql, params));
    return rows.count() == 0 ? nullptr : section_named(task, from_hex(rows.view(0, 0)));
}

std::string is_merged_sql(const Task &task, std::string_view oid) {
    if (!task.merges()) return "false";
    return fmt::format(
        "coalesce((walferry.table_settings({}, pg_catalog.convert_from(pg_catalog.decode('{}', 'hex'), 'UTF8'))).name"
        " IS NOT NULL, false)",
        oid, to_hex(merge_sections_option(task.tables)));
}

const ConflictPolicy &conflict_policy(const Task &task, const TableSections &sections, std::uint32_t relid) {
    const auto found = sections.find(relid);
    return conflict_policy(task, found == sections.end() ? nullptr : found->second);
}

const ConflictPolicy &conflict_policy(const Task &task, const TableSettings *section) {
    return section != nullptr && section->conflict ? *section->conflict : task.conflict;
}

}  // namespace walferry
