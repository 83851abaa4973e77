// SPDX-License-Identifier: PostgreSQL
#include "copy/mix_rows.h"

#include <fmt/format.h>

#include "schema/tables.h"

namespace walferry {

namespace {

const std::string key_sql = std::string(R"(
SELECT pg_catalog.quote_ident(a.attname), )") +
                            equality_operator_sql + R"(
FROM (SELECT i.indrelid, i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i
      WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisvalid AND (i.indisprimary OR i.indisreplident)
      ORDER BY i.indisprimary DESC LIMIT 1) AS k
CROSS JOIN LATERAL unnest(k.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.indrelid AND a.attnum = u.attnum
WHERE u.place <= k.indnkeyatts ORDER BY u.place)";

Result<std::string> same_key(Session &session, const MixedTable &table) {
    WF_ASSIGN(const pq::Rows key, session.query(key_sql, {table.name}));
    std::string condition;
    for (int row = 0; row < key.count(); ++row) {
        const std::string column = key.text(row, 0);
        condition += fmt::format("{}here.{} {} there.{}", row > 0 ? " AND " : "", column, key.text(row, 1), column);
    }
    if (!condition.empty()) return condition + part_clause("AND", table.part, "here");
    return fail(Error{ErrorKind::state,
                      Side::destination,
                      {},
                      "table " + table.name +
                          " holds rows, and has no primary key by which they could be told from the "
                          "source's",
                      {},
                      "Give it one at both sides, or empty it.",
                      {}});
}

}  // namespace

Result<std::string> make_room(Session &session, const MixedTable &table) {
    const std::string room = "pg_temp.walferry_copied";
    WF_TRY(
        session.query(fmt::format("CREATE TEMPORARY TABLE walferry_copied ON COMMIT DROP AS SELECT {} FROM ONLY {} "
                                  "WITH NO DATA",
                                  table.columns, table.name)));
    return room;
}

Result<std::uint64_t> mix_rows(Session &session, const MixedTable &table, const std::string &room,
                               ExistingRows policy) {
    WF_ASSIGN(const std::string condition, same_key(session, table));
    // For once not row by row: worker_connection() has switched the others off.
    for (const char *way : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
        WF_TRY(session.query(fmt::format("SET LOCAL {} = on", way)));
    }
    WF_TRY(session.query("ANALYZE " + room));
    WF_ASSIGN(const pq::Rows sorted_out,
              session.query(policy == ExistingRows::keep
                                ? fmt::format("DELETE FROM ONLY {} AS there USING ONLY {} AS here WHERE {}", room,
                                              table.name, condition)
                                : fmt::format("DELETE FROM ONLY {} AS here USING ONLY {} AS there WHERE {}", table.name,
                                              room, condition)));
    WF_TRY(session.query(fmt::format("INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2}", table.name,
                                     table.columns, room)));
    WF_TRY(session.query("DROP TABLE " + room));
    for (const char *way : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) {
        WF_TRY(session.query(fmt::format("SET LOCAL {} = off", way)));
    }
    return sorted_out.affected().value_or(0);
}

}  // namespace walferry
