// The checks of precheck, each a function that looks at one thing.
//
// A check returns what it found; an error means that it could not look. It may use the connections that its entry in
// the list (precheck.cpp) names, and must leave them outside of a transaction.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "pq/connection.h"
#include "precheck/finding.h"
#include "schema/tables.h"

namespace walferry {

// What the checks share; filled as they go.
struct CheckContext {
    const Task &task;
    const StopFlag *stop = nullptr;
    std::optional<pq::Connection> source;
    std::optional<pq::Connection> destination;
    std::optional<Error> unreachable;  // the first failed connection's error
    bool extension_works = false;      // the functions that choose tables can be called
    std::vector<Table> tables;         // selected; set by check_tables_selected
    std::vector<std::string> quoted;   // their names as SQL writes them
    std::vector<std::string> ignored;  // checks that count for nothing
    std::optional<TaskRecord> record;  // set by check_destination_connect when the task has begun
};

// One half of a Finding, without its id.
inline Finding good(std::string found) { return {{}, Severity::ok, std::move(found), {}, {}}; }
inline Finding note(std::string found, std::string meaning) {
    return {{}, Severity::info, std::move(found), std::move(meaning), {}};
}
inline Finding warning(std::string found, std::string meaning, std::string remedy) {
    return {{}, Severity::warning, std::move(found), std::move(meaning), std::move(remedy)};
}
inline Finding bad(std::string found, std::string meaning, std::string remedy) {
    return {{}, Severity::error, std::move(found), std::move(meaning), std::move(remedy)};
}

// With the statements that mend it, which setup runs; and with ones that only the operator should.
inline Finding mended_by(Finding finding, Side side, std::vector<std::string> statements, bool automatic = true) {
    for (auto &sql : statements) finding.statements.push_back({side, std::move(sql)});
    finding.automatic = automatic;
    return finding;
}

// One statement for each name, which stands for `{}`.
inline std::vector<std::string> for_each_name(const std::vector<std::string> &names, const std::string &statement) {
    std::vector<std::string> out;
    for (const auto &name : names) {
        out.push_back(statement);
        out.back().replace(statement.find("{}"), 2, name);
    }
    return out;
}

// The one value that a query gives.
inline Result<std::string> read_value(pq::Connection &connection, const std::string &sql) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql));
    return rows.count() == 0 ? std::string{} : rows.text(0, 0);
}

inline Result<bool> read_boolean(pq::Connection &connection, const std::string &sql) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql));
    return rows.count() > 0 && rows.boolean(0, 0);
}

// The values of a query's first column.
inline Result<std::vector<std::string>> read_values(pq::Connection &connection, const std::string &sql,
                                                    std::vector<pq::Param> params = {}) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql, params));
    std::vector<std::string> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back(rows.text(row, 0));
    return out;
}

// connection_checks.cpp
Result<Finding> check_source_connect(CheckContext &context);
Result<Finding> check_destination_connect(CheckContext &context);
Result<Finding> check_source_version(CheckContext &context);
Result<Finding> check_destination_version(CheckContext &context);
Result<Finding> check_source_is_standby(CheckContext &context);
Result<Finding> check_source_replication_connect(CheckContext &context);
Result<Finding> check_same_server(CheckContext &context);
Result<Finding> check_loop(CheckContext &context);
Result<Finding> check_source_pooler(CheckContext &context);
Result<Finding> check_destination_pooler(CheckContext &context);

// decoding_checks.cpp: can the source decode its WAL for us
Result<Finding> check_wal_level(CheckContext &context);
Result<Finding> check_max_replication_slots(CheckContext &context);
Result<Finding> check_max_wal_senders(CheckContext &context);
Result<Finding> check_wal_keep_size(CheckContext &context);
Result<Finding> check_output_plugin_libraries(CheckContext &context);
Result<Finding> check_extension(CheckContext &context);
Result<Finding> check_plugin_library(CheckContext &context);
Result<Finding> check_ddl_capture(CheckContext &context);
Result<Finding> check_slot(CheckContext &context);
Result<Finding> check_long_transactions(CheckContext &context);
Result<Finding> check_wal_sender_timeout(CheckContext &context);

// failover_checks.cpp
Result<Finding> check_failover(CheckContext &context);
Result<Finding> check_idle_slot_timeout(CheckContext &context);

// version_checks.cpp
Result<Finding> check_newer_features(CheckContext &context);

// table_checks.cpp: the selected tables at the source
Result<Finding> check_tables_selected(CheckContext &context);
Result<Finding> check_patterns(CheckContext &context);
Result<Finding> check_source_locks(CheckContext &context);
Result<Finding> check_mapped_names(CheckContext &context);
Result<Finding> check_select_privileges(CheckContext &context);
Result<Finding> check_sequence_privileges(CheckContext &context);
Result<Finding> check_row_security(CheckContext &context);
Result<Finding> check_replica_identity(CheckContext &context);
Result<Finding> check_unlogged_tables(CheckContext &context);
Result<Finding> check_large_objects(CheckContext &context);

// storage_checks.cpp: where rows are and where they go
Result<Finding> check_table_storage(CheckContext &context);
Result<Finding> check_disk_space(CheckContext &context);

// merge_checks.cpp: tables that several tasks fill
Result<Finding> check_merged_tables(CheckContext &context);

// settings_checks.cpp: do the settings of single tables fit them
Result<Finding> check_table_settings(CheckContext &context);

// destination_checks.cpp
Result<Finding> check_encoding(CheckContext &context);
Result<Finding> check_collation(CheckContext &context);
Result<Finding> check_bookkeeping_schema(CheckContext &context);
Result<Finding> check_write_privileges(CheckContext &context);
Result<Finding> check_replica_triggers(CheckContext &context);
Result<Finding> check_extension_versions(CheckContext &context);
Result<Finding> check_destination_create(CheckContext &context);
Result<Finding> check_session_replication_role(CheckContext &context);
Result<Finding> check_replication_origins(CheckContext &context);
Result<Finding> check_destination_tables(CheckContext &context);
Result<Finding> check_pg_dump(CheckContext &context);
Result<Finding> check_extensions_available(CheckContext &context);
Result<Finding> check_roles(CheckContext &context);

}  // namespace walferry
