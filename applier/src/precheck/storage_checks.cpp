// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "observe/live_report.h"
#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

// By what VACUUM and ANALYZE have seen last: the sizes of the files would take a lock on every table.
const char *const size_sql = R"(
SELECT COALESCE(sum(c.relpages::pg_catalog.int8) * pg_catalog.current_setting('block_size')::pg_catalog.int8, 0)::pg_catalog.int8
FROM pg_catalog.pg_class c
WHERE c.oid = ANY ($1::pg_catalog.oid[])
   OR c.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = ANY ($1::pg_catalog.oid[]))
   OR c.oid IN (SELECT t.reltoastrelid FROM pg_catalog.pg_class t WHERE t.oid = ANY ($1::pg_catalog.oid[])))";

// The spool takes changes of tables in copy, and transactions until they commit: with less than that, only small ones.
constexpr std::uint64_t spool_free_min = std::uint64_t{1} << 30;

}  // namespace

// Their tables look like any other in the catalogs, but their rows are elsewhere.
Result<Finding> check_table_storage(CheckContext &context) {
    WF_ASSIGN(const std::vector<std::string> found,
              read_values(*context.source,
                          "SELECT extname FROM pg_catalog.pg_extension WHERE extname IN ('citus', 'timescaledb')"
                          " ORDER BY 1"));
    if (found.empty()) return good("the source keeps rows where it keeps tables");
    return bad(
        "at the source: " + shortened(found),
        "Rows of hypertables are in chunks that TimescaleDB makes, rows of distributed tables on other servers: "
        "none of them would be copied, nor their changes.",
        "Exclude these tables in [objects] (with schemas of the extension), and then give --ignore table_storage; "
        "of Citus, a task can read each worker.");
}

Result<Finding> check_disk_space(CheckContext &context) {
    std::vector<std::string> relids;
    for (const auto &table : context.tables) relids.push_back(std::to_string(table.relid));
    WF_ASSIGN(const pq::Rows rows, context.source->exec(size_sql, {pq::array_literal(relids)}));
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(rows.integer(0, 0), 0));
    const auto &folder = context.task.spool_folder;
    std::error_code failed;
    const auto space = std::filesystem::space(folder, failed);
    if (failed) {
        return bad(fmt::format("{}: {}", folder, failed.message()),
                   "Changes of tables in copy and big transactions wait there.",
                   "Make the folder, or name another one in \"spool_folder\" in [apply].");
    }
    const auto found = fmt::format("about {} of tables and indexes at the source; {} free in {}", bytes_text(size),
                                   bytes_text(space.available), folder);
    if (space.available < std::min(context.task.spool_bytes, std::max(spool_free_min, size / 10))) {
        return warning(found,
                       "Changes of tables in copy and big transactions wait there; the task stops when it is full.",
                       "Name a roomier one in \"spool_folder\" in [apply].");
    }
    return note(found, "The destination needs that much, and room for its WAL (max_wal_size) meanwhile.");
}

}  // namespace walferry
