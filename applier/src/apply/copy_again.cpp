// SPDX-License-Identifier: PostgreSQL
#include "apply/copy_again.h"

#include <spdlog/spdlog.h>

#include <map>

#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "pq/array.h"

namespace walferry {

namespace {

// Of the relations $1, those that hold rows, their partitions included. (A table that has to do with partitions in no way has not
// even itself in its tree.)
const char *const tables_sql = R"(
SELECT DISTINCT n.nspname, c.relname
FROM unnest($1::text[]) AS r (name)
CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass(r.name)
                    UNION SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(r.name))) AS p (relid)
JOIN pg_catalog.pg_class c ON c.oid = p.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r')";

// The partitions of the relations $1 (OIDs).
const char *const partitions_sql = R"(
SELECT c.oid, n.nspname, c.relname
FROM unnest($1::oid[]) AS r (relid)
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.relid) AS p
JOIN pg_catalog.pg_class c ON c.oid = p.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)";

struct SourceTable {
    std::string relid;
    QualifiedName name;
};

// By the name here. By its name alone a table can't be found at the source, which may have given that to another one since.
using SourceTables = std::map<QualifiedName, SourceTable>;

Result<void> add_partitions(SourceTables &tables, const Task &task, pq::Connection source) {
    std::vector<std::string> relids;
    for (const auto &[here, table] : tables) relids.push_back(table.relid);
    WF_ASSIGN(const pq::Rows rows, source.exec(partitions_sql, {pq::array_literal(relids)}));
    for (int row = 0; row < rows.count(); ++row) {
        const QualifiedName name{rows.text(row, 1), rows.text(row, 2)};
        tables.try_emplace(task.names.relation(name), SourceTable{rows.text(row, 0), name});
    }
    return {};
}

}  // namespace

Result<bool> copy_again(Session &session, const Task &task, const std::string &encoding, const StopFlag &stop,
                        const std::vector<DdlObject> &objects) {
    SourceTables known;
    std::vector<std::string> relations;
    for (const DdlObject &object : objects) {
        if (object.relid == 0) continue;
        const QualifiedName name{object.schema, object.name};
        const QualifiedName here = task.names.relation(name);
        if (!known.try_emplace(here, SourceTable{std::to_string(object.relid), name}).second) continue;
        relations.push_back(session.quote_qualified(here.schema, here.name));
    }
    WF_ASSIGN(const pq::Rows rows, session.query(tables_sql, {pq::array_literal(relations)}));
    std::vector<QualifiedName> tables;
    for (int row = 0; row < rows.count(); ++row) tables.push_back({rows.text(row, 0), rows.text(row, 1)});
    const auto all_known = [&] {
        return std::all_of(tables.begin(), tables.end(), [&](const auto &table) { return known.contains(table); });
    };
    if (!all_known()) {
        WF_ASSIGN(auto source, pq::Connection::open(data_connection(task, Side::source, "ddl", encoding, &stop)));
        WF_TRY(add_partitions(known, task, std::move(source)));
    }
    if (tables.empty() || !all_known()) return false;
    for (const QualifiedName &here : tables) {
        const SourceTable &table = known.at(here);
        spdlog::info("a foreign key of {0} refers to a table that is not copied yet: {0} is copied again", here.text());
        WF_TRY(session.query("DELETE FROM ONLY " + session.quote_qualified(here.schema, here.name)));
        WF_TRY(session.query(set_pending_sql, {task.name, table.relid, table.name.schema, table.name.name}));
    }
    return true;
}

}  // namespace walferry
