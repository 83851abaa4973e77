// SPDX-License-Identifier: PostgreSQL
#include "schema/sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "base/hex.h"

namespace walferry {

namespace {

const char *const sections_sql = R"(
SELECT c.oid, pg_catalog.encode(pg_catalog.convert_to(s.name, 'UTF8'), 'hex')
FROM pg_catalog.pg_class c,
     walferry.table_settings(c.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS s
WHERE c.oid = ANY ($1::oid[]))";

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
        const std::string name = from_hex(rows.view(row, 1));
        const auto found = std::find_if(task.tables.begin(), task.tables.end(), [&](const TableSettings &table) {
            return table.concerns_destination() && table.name == name;
        });
        section = found == task.tables.end() ? nullptr : &*found;
    }
    return sections;
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
    const bool own = found != sections.end() && found->second != nullptr && found->second->conflict;
    return own ? *found->second->conflict : task.conflict;
}

}  // namespace walferry
