// SPDX-License-Identifier: PostgreSQL
#include "run/table_requests.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "checkpoint/table_requests.h"
#include "config/connections.h"
#include "pq/array.h"
#include "pq/error.h"
#include "pq/transaction.h"
#include "schema/dump.h"
#include "schema/mirror.h"
#include "schema/source_snapshot.h"
#include "schema/tables.h"

namespace walferry {

namespace {

constexpr int attempts_max = 20;

// The table, and all that belongs to it if it is partitioned; parents first.
const char *const find_tables_sql = R"(
SELECT c.oid, c.relkind, n.nspname, c.relname,
       walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($3, 'hex'), 'UTF8'),
                        pg_catalog.convert_from(pg_catalog.decode($4, 'hex'), 'UTF8'))
FROM (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')) AS wanted
LEFT JOIN LATERAL pg_catalog.pg_partition_tree(wanted.oid) AS tree ON true
JOIN pg_catalog.pg_class c ON c.oid = coalesce(tree.relid, wanted.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY coalesce(tree.level, 0), c.oid)";

struct FoundTable {
    std::uint32_t relid = 0;
    bool holds_rows = false;  // it is not partitioned
    std::string schema;
    std::string name;
    bool selected = false;
};

Result<std::vector<FoundTable>> find_tables(pq::Connection &source, const Task &task, const TableRequest &request) {
    WF_ASSIGN(const pq::Rows rows,
              source.exec(find_tables_sql,
                          {request.schema, request.name, hex_patterns(task.include), hex_patterns(task.exclude)}));
    std::vector<FoundTable> found;
    for (int row = 0; row < rows.count(); ++row) {
        found.push_back({static_cast<std::uint32_t>(rows.integer(row, 0)), rows.view(row, 1) == "r", rows.text(row, 2),
                         rows.text(row, 3), rows.boolean(row, 4)});
    }
    return found;
}

Error refusal(std::string message, std::string hint = {}) {
    return {ErrorKind::state, Side::none, {}, std::move(message), {}, std::move(hint), {}};
}

class Performance {
public:
    Performance(TaskSession &session, TableRequest request, const std::function<Result<void>(Lsn)> &stream_until)
        : session_(session),
          request_(std::move(request)),
          stream_until_(stream_until),
          task_(with_requested_tables(session.original, session.record)) {}

    Result<void> run() {
        WF_ASSIGN(tables_, find_tables(session_.source, task_, request_));
        if (tables_.empty()) return fail(refusal("there is no such table at the source"));
        const bool add_them = request_.action == TableAction::add;
        std::erase_if(tables_, [&](const FoundTable &table) { return table.selected == add_them; });
        if (tables_.empty()) {
            return fail(
                refusal(add_them ? "it is among the task's tables already" : "it is not among the task's tables"));
        }
        for (const FoundTable &table : tables_)
            patterns_.push_back(session_.source.quote_qualified(table.schema, table.name));
        if (add_them) return add();
        return request_.action == TableAction::remove ? remove() : recopy();
    }

private:
    // In one transaction of a session of its own.
    template <class Work>
    Result<void> commit(Work &&work) {
        auto options = apply_connection(session_.task, "tables", session_.encoding, &session_.stop);
        WF_ASSIGN(auto connection, pq::Connection::open(options));
        return pq::in_transaction(connection, [&]() -> Result<void> {
            WF_TRY(work(connection));
            return finish_table_request(connection, session_.task.name, request_, patterns_);
        });
    }

    Result<void> set_pending(pq::Connection &connection) {
        for (const FoundTable &table : tables_) {
            if (!table.holds_rows) continue;
            WF_TRY(connection.exec(set_pending_sql,
                                   {session_.task.name, std::to_string(table.relid), table.schema, table.name}));
        }
        return set_phase(connection, session_.task.name, Phase::copy);
    }

    // What the copy completes besides is for these tables alone, if all others are complete.
    void note_copied() {
        if (session_.record.phase == Phase::stream) session_.copied_again.emplace();
        if (!session_.copied_again) return;
        for (const FoundTable &table : tables_) session_.copied_again->push_back(table.relid);
    }

    Result<void> recopy() {
        std::vector<std::uint32_t> relids;
        for (const FoundTable &table : tables_) relids.push_back(table.relid);
        WF_ASSIGN(const auto known, selected_tables(session_.source, task_, &relids, Sizes::leave_zero));
        WF_TRY(commit([&](pq::Connection &connection) -> Result<void> {
            for (const FoundTable &table : tables_) {
                const auto found = std::find_if(known.begin(), known.end(),
                                                [&](const Table &other) { return other.relid == table.relid; });
                if (found != known.end()) WF_TRY(connection.exec(empty_table_sql(connection, *found)));
            }
            return set_pending(connection);
        }));
        note_copied();
        return {};
    }

    Result<void> remove() {
        return commit([&](pq::Connection &connection) -> Result<void> {
            for (const FoundTable &table : tables_) WF_TRY(delete_table(connection, session_.task.name, table.relid));
            return {};
        });
    }

    Result<void> add() {
        WF_ASSIGN(const Task after, task_with_tables());
        WF_TRY(check_names(session_.source, after));
        WF_ASSIGN(const auto found, find_tables(session_.source, after, request_));
        if (!std::all_of(found.begin(), found.end(), [](const FoundTable &table) { return table.selected; })) {
            return fail(refusal("the task's exclude patterns leave it out", "Begin the task anew with others."));
        }
        for (int attempt = 0; attempt < attempts_max; ++attempt) {
            WF_ASSIGN(const bool added, try_to_add(after));
            if (added) {
                note_copied();
                return {};
            }
            if (session_.stop.wait_for(std::chrono::milliseconds(200))) {
                return fail(ErrorKind::interrupted, "stopped by request");
            }
        }
        return fail(refusal("its definition keeps changing, or its lock is held, at the source", "Ask again later."));
    }

    Result<Task> task_with_tables() {
        WF_ASSIGN(const pq::Rows utf8,
                  session_.source.exec("SELECT pg_catalog.encode(pg_catalog.convert_to(p, 'UTF8'), 'hex')"
                                       " FROM unnest($1::text[]) WITH ORDINALITY AS t (p, place) ORDER BY place",
                                       {pq::array_literal(patterns_)}));
        TaskRecord record = session_.record;
        for (int row = 0; row < utf8.count(); ++row) {
            const std::string pattern = from_hex(utf8.view(row, 0));
            record.added_utf8 += (record.added_utf8.empty() ? "" : ",") + pattern;
            std::string removed = "," + record.removed_utf8 + ",";
            const auto at = removed.find("," + pattern + ",");
            if (at == std::string::npos) continue;
            removed.erase(at, pattern.size() + 1);
            record.removed_utf8 = removed.size() < 2 ? "" : removed.substr(1, removed.size() - 2);
        }
        return with_requested_tables(session_.original, record);
    }

    // False: something has come between.
    Result<bool> try_to_add(const Task &after) {
        WF_ASSIGN(auto source, open_for_snapshot(session_.task, "tables", session_.encoding, &session_.stop));
        const auto snapshot = begin_snapshot(source, patterns_);
        if (!snapshot) {
            if (pq::is_lock(snapshot.error())) return false;
            return fail(snapshot.error());
        }
        std::string script;
        if (session_.task.schema_stage) {
            WF_ASSIGN(const std::string exported, export_snapshot(source));
            std::vector<std::pair<std::string, std::string>> names;
            std::vector<std::uint32_t> relids;
            for (const FoundTable &table : tables_) relids.push_back(table.relid);
            WF_ASSIGN(const auto tables, selected_tables(source, after, &relids, Sizes::leave_zero));
            for (const FoundTable &table : tables_) {
                const auto merged = std::find_if(tables.begin(), tables.end(), [&](const Table &other) {
                    return other.relid == table.relid && !other.part.empty();
                });
                if (merged == tables.end()) names.emplace_back(table.schema, table.name);
            }
            if (!names.empty()) {
                WF_ASSIGN(script, dump_tables(source, session_.destination, after, exported, names));
            }
            WF_ASSIGN(const std::string added, added_columns_sql(source, tables));
            script += added;
        }
        WF_ASSIGN(const bool changed, ddl_since(session_.source, *snapshot));
        if (changed) return false;
        WF_TRY(stream_until_(snapshot->lsn));
        if (session_.stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        WF_TRY(commit([&](pq::Connection &connection) -> Result<void> {
            if (!script.empty()) {
                WF_TRY(in_mirror(connection, session_.task.names, 0, [&]() -> Result<void> {
                    WF_TRY(connection.exec(script));
                    return {};
                }));
            }
            return set_pending(connection);
        }));
        return true;
    }

    TaskSession &session_;
    const TableRequest request_;
    const std::function<Result<void>(Lsn)> &stream_until_;
    const Task task_;
    std::vector<FoundTable> tables_;     // that it is about
    std::vector<std::string> patterns_;  // their names, quoted and qualified, which are patterns too
};

}  // namespace

Task with_requested_tables(Task task, const TaskRecord &record) {
    if (!record.added_utf8.empty()) task.include.push_back(record.added_utf8);
    if (!record.removed_utf8.empty()) task.exclude.push_back(record.removed_utf8);
    return task;
}

Result<void> perform_table_requests(TaskSession &session, const std::function<Result<void>(Lsn)> &stream_until) {
    WF_ASSIGN(auto requests, list_table_requests(session.destination, session.task.name));
    for (TableRequest &request : requests) {
        if (!request.error.empty()) continue;
        const std::string what =
            fmt::format("table {}: {}.{}", to_string(request.action), request.schema, request.name);
        auto done = Performance(session, request, stream_until).run();
        if (done) {
            spdlog::info("{}", what);
            WF_ASSIGN(auto record, find_task(session.destination, session.task.name));
            if (record) session.record = std::move(*record);
            continue;
        }
        if (done.error().kind == ErrorKind::interrupted || done.error().kind == ErrorKind::transient) return done;
        request.error = done.error().text();
        spdlog::warn("{}: can't be done: {}", what, request.error);
        WF_TRY(fail_table_request(session.destination, session.task.name, request));
    }
    return {};
}

}  // namespace walferry
