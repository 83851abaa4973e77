// SPDX-License-Identifier: PostgreSQL
#include "slot/old_transactions.h"

#include <fmt/format.h>

#include <algorithm>

namespace walferry {

namespace {

constexpr std::size_t shown_max = 5;

// $1 is a backend's pid, or $2 an xid8. Who holds a transaction's lock runs it; a prepared one holds it without a backend.
const char *const old_transactions_sql = R"(
WITH waited AS (
    SELECT transactionid AS xid FROM pg_catalog.pg_locks
    WHERE pid = $1::int AND locktype = 'transactionid' AND NOT granted
    UNION
    SELECT x::xid FROM pg_catalog.pg_snapshot_xip(pg_catalog.pg_current_snapshot()) AS x WHERE x < $2::xid8
)
SELECT w.xid, h.pid, p.gid, coalesce(a.usename, p.owner), a.application_name,
       CASE WHEN a.query ~* 'password' THEN '' ELSE pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200) END,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::bigint
FROM waited w
LEFT JOIN pg_catalog.pg_locks h ON h.locktype = 'transactionid' AND h.transactionid = w.xid AND h.granted
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = w.xid
ORDER BY 7 DESC NULLS LAST)";

Result<std::vector<OldTransaction>> find(pq::Connection &source, const pq::Param &pid, const pq::Param &xid) {
    WF_ASSIGN(const pq::Rows rows, source.exec(old_transactions_sql, {pid, xid}));
    std::vector<OldTransaction> found;
    for (int row = 0; row < rows.count(); ++row) {
        found.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4),
                         rows.text(row, 5), rows.integer(row, 6)});
    }
    return found;
}

std::string to_text(const OldTransaction &transaction) {
    if (!transaction.gid.empty()) {
        return fmt::format("prepared transaction {} \"{}\" of {}, for {} s", transaction.xid, transaction.gid,
                           transaction.user, transaction.age_s);
    }
    if (transaction.pid.empty()) return "transaction " + transaction.xid;
    return fmt::format("transaction {}, pid {} ({}, {}), open for {} s: {}", transaction.xid, transaction.pid,
                       transaction.user, transaction.application.empty() ? "?" : transaction.application,
                       transaction.age_s, transaction.query.empty() ? "its query can't be shown" : transaction.query);
}

}  // namespace

Result<std::vector<OldTransaction>> transactions_waited_for(pq::Connection &source, int pid) {
    return find(source, std::to_string(pid), std::nullopt);
}

Result<std::vector<OldTransaction>> transactions_before(pq::Connection &source, const std::string &xid) {
    return find(source, std::nullopt, xid);
}

std::string to_text(const std::vector<OldTransaction> &transactions) {
    std::string out;
    for (std::size_t i = 0; i < std::min(transactions.size(), shown_max); ++i) {
        out += (i > 0 ? "; " : "") + to_text(transactions[i]);
    }
    if (transactions.size() > shown_max) out += fmt::format("; and {} more", transactions.size() - shown_max);
    return out;
}

}  // namespace walferry
