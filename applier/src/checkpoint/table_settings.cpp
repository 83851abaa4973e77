// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/table_settings.h"

#include <map>

#include "base/hex.h"
#include "pq/array.h"

namespace walferry {

const char *const create_table_settings_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.table_settings (
    task text NOT NULL,
    relid oid NOT NULL,
    settings text NOT NULL,
    PRIMARY KEY (task, relid)
);
)";

const char *const set_table_settings_sql = R"(
WITH now AS (SELECT relid, settings FROM unnest($2::oid[], $3::text[]) AS n (relid, settings)),
gone AS (DELETE FROM walferry.table_settings s USING now WHERE s.task = $1 AND s.relid = now.relid AND now.settings = '')
INSERT INTO walferry.table_settings (task, relid, settings)
SELECT $1, relid, settings FROM now WHERE settings <> ''
ON CONFLICT (task, relid) DO UPDATE SET settings = excluded.settings)";

namespace {

const char *const copied_sql = R"(
SELECT t.relid, s.settings
FROM walferry.table_state t LEFT JOIN walferry.table_settings s USING (task, relid)
WHERE t.task = $1 AND t.state = 'ready')";

// A table that is gone has none, whatever they were.
const char *const current_sql = R"(
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), s.name, s.settings
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
     walferry.table_settings(c.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS s
WHERE c.oid = ANY ($1::oid[]))";

}  // namespace

std::vector<pq::Param> table_settings_params(const std::string &task, const std::vector<Table> &tables) {
    std::vector<std::string> relids;
    std::vector<std::string> settings;
    for (const Table &table : tables) {
        relids.push_back(std::to_string(table.relid));
        settings.push_back(table.settings);
    }
    return {task, pq::array_literal(relids), pq::array_literal(settings)};
}

Result<std::string> check_table_settings(pq::Connection &source, pq::Connection &destination, const Task &task) {
    WF_ASSIGN(const pq::Rows copied, destination.exec(copied_sql, {task.name}));
    std::map<std::int64_t, std::string> before;
    std::vector<std::string> relids;
    bool any = !task.tables.empty();
    std::string settled;
    for (int row = 0; row < copied.count(); ++row) {
        before[copied.integer(row, 0)] = copied.text(row, 1);
        relids.push_back(copied.text(row, 0));
        if (copied.null(row, 1)) continue;
        any = true;
        settled += (settled.empty() ? "" : ",") + copied.text(row, 0);
    }
    if (!any) return settled;
    const std::string option = tables_option(task.tables);
    WF_ASSIGN(const pq::Rows now, source.exec(current_sql, {pq::array_literal(relids), to_hex(option)}));
    for (int row = 0; row < now.count(); ++row) {
        const std::string &was = before.at(now.integer(row, 0));
        if (was == now.view(row, 3)) continue;
        const auto shown = [](const std::string &settings) { return settings.empty() ? "none" : settings; };
        return fail(
            Error{ErrorKind::state,
                  Side::none,
                  {},
                  "table " + now.text(row, 1) + " has other settings than those that its rows were copied with",
                  "Then: " + shown(was) + ". Now: " + shown(now.text(row, 3)) +
                      (now.null(row, 2) ? "." : ", by the name \"" + now.text(row, 2) + "\" in [[tables]]."),
                  "Give it the same again, under the name that it has now; or have it copied again: walferry table "
                  "recopy " +
                      task.file + " " + now.text(row, 1),
                  {}});
    }
    return settled;
}

}  // namespace walferry
