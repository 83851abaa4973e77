// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/verification.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "checkpoint/bookkeeping.h"
#include "pq/array.h"

namespace walferry {

namespace {

constexpr int differing_max = 50;

std::uint64_t number_at(const pq::Rows &rows, int column) {
    return static_cast<std::uint64_t>(rows.integer(0, column));
}

std::string lock_name(const std::string &task) { return "walferry verify:" + task; }

std::string counted(std::uint64_t count, const char *what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

const char *const create_verifications_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.verification (
    task text PRIMARY KEY,
    began timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    under_way boolean NOT NULL DEFAULT true,
    tables_to_do bigint NOT NULL DEFAULT 0,
    tables_done bigint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    ended timestamptz,
    tables bigint NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    differing_objects bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS walferry.verification_table (
    task text NOT NULL,
    relid oid NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    compared timestamptz NOT NULL,
    equal boolean NOT NULL,
    differing_rows bigint NOT NULL,
    verdict text NOT NULL,
    report text NOT NULL,
    PRIMARY KEY (task, relid)
);
CREATE TABLE IF NOT EXISTS walferry.verification_part (
    task text NOT NULL,
    relid oid NOT NULL,
    report text NOT NULL,
    PRIMARY KEY (task, relid)
);
)";

std::string Verification::verdict() const {
    if (!differs()) return "nothing differs";
    std::vector<std::string> parts;
    // Of a table that can't be read no row differs.
    if (differing_rows > 0) {
        parts.push_back(fmt::format("{} in {}", counted(differing_rows, "row"), counted(differing_tables, "table")));
    } else if (differing_tables > 0) {
        parts.push_back(counted(differing_tables, "table"));
    }
    if (differing_objects > 0) parts.push_back(counted(differing_objects, "definition"));
    const auto first = differing_rows > 0 ? differing_rows : std::max(differing_tables, differing_objects);
    return fmt::format("{} differ{}", fmt::join(parts, " and "), parts.size() == 1 && first == 1 ? "s" : "");
}

Result<std::optional<Verification>> find_verification(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const bool exist, verifications_exist(destination));
    if (!exist) return std::nullopt;
    WF_ASSIGN(const pq::Rows run,
              destination.exec("SELECT ended, EXTRACT(epoch FROM ended)::pg_catalog.int8, tables, rows,"
                               " differing_objects, under_way, began, tables_to_do, tables_done,"
                               " rows_done, bytes, bytes_done"
                               " FROM walferry.verification WHERE task = $1",
                               {task}));
    WF_ASSIGN(const pq::Rows sums,
              destination.exec("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT equal),"
                               " pg_catalog.sum(differing_rows) FROM walferry.verification_table WHERE task = $1",
                               {task}));
    if (run.count() == 0 && sums.integer(0, 0) == 0) return std::nullopt;
    Verification out;
    out.differing_tables = number_at(sums, 1);
    out.differing_rows = number_at(sums, 2);
    if (run.count() > 0) {
        out.ended = run.text(0, 0);
        out.ended_at = run.integer(0, 1);
        out.tables = number_at(run, 2);
        out.rows = number_at(run, 3);
        out.differing_objects = number_at(run, 4);
        if (run.boolean(0, 5)) {
            WF_ASSIGN(const bool running, is_locked(destination, lock_name(task)));
            out.under_way = Verification::UnderWay{run.text(0, 6),    running,           number_at(run, 7),
                                                   number_at(run, 8), number_at(run, 9), number_at(run, 10),
                                                   number_at(run, 11)};
        }
    }
    if (out.differing_tables == 0) return out;
    WF_ASSIGN(const pq::Rows differing,
              destination.exec("SELECT schema_name, table_name, verdict, compared FROM walferry.verification_table"
                               " WHERE task = $1 AND NOT equal ORDER BY 1, 2 LIMIT " +
                                   std::to_string(differing_max),
                               {task}));
    for (int row = 0; row < differing.count(); ++row) {
        out.differing.push_back(
            {differing.text(row, 0), differing.text(row, 1), differing.text(row, 2), differing.text(row, 3)});
    }
    return out;
}

Result<bool> verifications_exist(pq::Connection &destination) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.verification_part') IS NOT NULL"));
    return rows.boolean(0, 0);
}

Result<bool> try_lock_verification(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))",
                               {lock_name(task)}));
    return rows.boolean(0, 0);
}

Result<std::optional<std::string>> begin_verification(pq::Connection &destination, const std::string &task, bool anew) {
    if (!anew) {
        WF_ASSIGN(const pq::Rows rows,
                  destination.exec("SELECT began FROM walferry.verification WHERE task = $1 AND under_way", {task}));
        if (rows.count() > 0) return rows.text(0, 0);
    }
    WF_TRY(destination.exec(
        "WITH parts AS (DELETE FROM walferry.verification_part WHERE task = $1)"
        " INSERT INTO walferry.verification (task) VALUES ($1) ON CONFLICT (task) DO UPDATE"
        " SET began = excluded.began, under_way = true, tables_done = 0, rows_done = 0, bytes_done = 0",
        {task}));
    return std::nullopt;
}

Result<VerifiedSoFar> find_verified_so_far(pq::Connection &destination, const std::string &task) {
    VerifiedSoFar out;
    WF_ASSIGN(const pq::Rows equal, destination.exec("SELECT t.relid, t.report FROM walferry.verification_table t"
                                                     " JOIN walferry.verification v USING (task)"
                                                     " WHERE task = $1 AND t.equal AND t.compared >= v.began",
                                                     {task}));
    for (int row = 0; row < equal.count(); ++row) {
        out.equal.emplace(static_cast<std::uint32_t>(equal.integer(row, 0)), equal.text(row, 1));
    }
    WF_ASSIGN(const pq::Rows parts,
              destination.exec("SELECT relid, report FROM walferry.verification_part WHERE task = $1", {task}));
    for (int row = 0; row < parts.count(); ++row) {
        out.parts.emplace(static_cast<std::uint32_t>(parts.integer(row, 0)), parts.text(row, 1));
    }
    return out;
}

Result<void> save_verified(pq::Connection &destination, const std::string &task, const VerifiedTable &table) {
    WF_TRY(destination.exec(
        "WITH part AS (DELETE FROM walferry.verification_part WHERE task = $1 AND relid = $2::pg_catalog.oid)"
        " INSERT INTO walferry.verification_table VALUES ($1, $2, $3, $4, pg_catalog.clock_timestamp(), $5, $6, $7, $8)"
        " ON CONFLICT (task, relid) DO UPDATE SET schema_name = excluded.schema_name, table_name = excluded.table_name,"
        " compared = excluded.compared, equal = excluded.equal, differing_rows = excluded.differing_rows,"
        " verdict = excluded.verdict, report = excluded.report",
        {task, std::to_string(table.relid), table.schema, table.name, table.equal ? "t" : "f",
         std::to_string(table.differing_rows), table.verdict, table.report}));
    return {};
}

Result<void> save_verified_part(pq::Connection &destination, const std::string &task, std::uint32_t relid,
                                const std::string &report) {
    WF_TRY(
        destination.exec("INSERT INTO walferry.verification_part VALUES ($1, $2, $3)"
                         " ON CONFLICT (task, relid) DO UPDATE SET report = excluded.report",
                         {task, std::to_string(relid), report}));
    return {};
}

Result<void> show_verification(pq::Connection &destination, const std::string &task,
                               const Verification::UnderWay &under_way) {
    WF_TRY(destination.exec(
        "UPDATE walferry.verification SET tables_to_do = $2, tables_done = $3, rows_done = $4,"
        " bytes = $5, bytes_done = $6 WHERE task = $1",
        {task, std::to_string(under_way.tables), std::to_string(under_way.tables_done),
         std::to_string(under_way.rows_done), std::to_string(under_way.bytes), std::to_string(under_way.bytes_done)}));
    return {};
}

Result<void> end_verification(pq::Connection &destination, const std::string &task, const VerificationEnd &end) {
    std::vector<std::string> known;
    for (const std::uint32_t relid : end.relids) known.push_back(std::to_string(relid));
    WF_TRY(destination.exec(
        "WITH gone AS (DELETE FROM walferry.verification_table"
        " WHERE task = $1 AND relid <> ALL ($2::pg_catalog.oid[])),"
        " parts AS (DELETE FROM walferry.verification_part WHERE task = $1)"
        " UPDATE walferry.verification SET under_way = false, ended = pg_catalog.clock_timestamp(),"
        " tables = pg_catalog.cardinality($2::pg_catalog.oid[]), rows = $3, differing_objects = $4"
        " WHERE task = $1",
        {task, pq::array_literal(known), std::to_string(end.rows), std::to_string(end.differing_objects)}));
    return {};
}

}  // namespace walferry
