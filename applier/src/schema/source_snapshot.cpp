// SPDX-License-Identifier: PostgreSQL
#include "schema/source_snapshot.h"

#include "config/connections.h"

namespace walferry {

Result<pq::Connection> open_for_snapshot(const Task &task, const std::string &purpose, const std::string &encoding,
                                         const StopFlag *stop) {
    auto options = data_connection(task, Side::source, purpose, encoding, stop);
    options.settings.emplace_back("lock_timeout", "1s");
    return pq::Connection::open(options);
}

Result<SourceSnapshot> begin_snapshot(pq::Connection &source, const std::vector<std::string> &tables) {
    WF_TRY(source.exec("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
    if (!tables.empty()) WF_TRY(source.exec("LOCK TABLE " + only_tables(tables) + " IN ACCESS SHARE MODE"));
    WF_ASSIGN(const pq::Rows taken, source.exec("SELECT pg_catalog.pg_current_snapshot(),"
                                                " pg_catalog.pg_current_wal_insert_lsn(), walferry.ddl_state()"));
    return SourceSnapshot{taken.text(0, 0), Lsn::parse(taken.view(0, 1)).value_or(Lsn{}), taken.text(0, 2)};
}

Result<std::string> export_snapshot(pq::Connection &source) {
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT pg_catalog.pg_export_snapshot()"));
    return rows.text(0, 0);
}

Result<bool> ddl_since(pq::Connection &other, const SourceSnapshot &snapshot) {
    WF_ASSIGN(const pq::Rows now, other.exec("SELECT walferry.ddl_state()"));
    return now.view(0, 0) != snapshot.ddl_state;
}

std::string only_tables(const std::vector<std::string> &tables) {
    std::string out;
    for (const auto &table : tables) out += (out.empty() ? "ONLY " : ", ONLY ") + table;
    return out;
}

}  // namespace walferry
