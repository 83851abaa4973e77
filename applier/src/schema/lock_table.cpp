// SPDX-License-Identifier: PostgreSQL
#include "schema/lock_table.h"

namespace walferry {

Result<std::size_t> lock_table_size(pq::Connection &connection) {
    // As the server computes it, for all processes that may take locks.
    WF_ASSIGN(const pq::Rows rows,
              connection.exec("SELECT current_setting('max_locks_per_transaction')::bigint * sum(setting::bigint)"
                              " FROM pg_catalog.pg_settings WHERE name IN ('max_connections', 'max_wal_senders',"
                              " 'autovacuum_max_workers', 'max_worker_processes', 'max_prepared_transactions')"));
    return static_cast<std::size_t>(rows.integer(0, 0));
}

}  // namespace walferry
