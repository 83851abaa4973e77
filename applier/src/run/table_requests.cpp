// SPDX-License-Identifier: PostgreSQL
#include "run/table_requests.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "checkpoint/table_requests.h"
#include "config/connections.h"
#include "pq/error.h"
#include "pq/transaction.h"
#include "schema/dump.h"
#include "schema/source_snapshot.h"
#include "schema/tables.h"

namespace walferry {

namespace {

constexpr int attempts_max = 20;

const char *const find_table_sql = R"(
SELECT c.oid, c.relkind, c.relispartition,
       walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($3, 'hex'), 'UTF8'),
                        pg_catalog.convert_from(pg_catalog.decode($4, 'hex'), 'UTF8'))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2)";

struct FoundTable {
    std::uint32_t relid = 0;
    bool plain = false;  // neither partitioned nor a partition
    bool selected = false;
};

Result<std::optional<FoundTable>> find_table(pq::Connection &source, const Task &task, const TableRequest &request) {
    WF_ASSIGN(const pq::Rows rows,
              source.exec(find_table_sql,
                          {request.schema, request.name, hex_patterns(task.include), hex_patterns(task.exclude)}));
    if (rows.count() == 0) return std::nullopt;
    return FoundTable{static_cast<std::uint32_t>(rows.integer(0, 0)), rows.view(0, 1) == "r" && !rows.boolean(0, 2),
                      rows.boolean(0, 3)};
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
          task_(with_requested_tables(session.original, session.record)),
          pattern_(session.source.quote_qualified(request_.schema, request_.name)) {}

    Result<void> run() {
        WF_ASSIGN(const auto found, find_table(session_.source, task_, request_));
        if (!found) return fail(refusal("there is no such table at the source"));
        relid_ = found->relid;
        if (request_.action == TableAction::add) {
            if (found->selected) return fail(refusal("it is among the task's tables already"));
            if (!found->plain)
                return fail(refusal("only tables that are neither partitioned nor partitions can be added"));
            return add();
        }
        if (!found->selected) return fail(refusal("it is not among the task's tables"));
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
            return finish_table_request(connection, session_.task.name, request_, pattern_);
        });
    }

    Result<void> set_pending(pq::Connection &connection) {
        WF_TRY(connection.exec(set_pending_sql,
                               {session_.task.name, std::to_string(relid_), request_.schema, request_.name}));
        return set_phase(connection, session_.task.name, Phase::copy);
    }

    Result<void> recopy() {
        return commit([&](pq::Connection &connection) -> Result<void> {
            // Not TRUNCATE, which a foreign key may forbid; the copy does that where it can.
            WF_TRY(connection.exec("DELETE FROM ONLY " + pattern_));
            return set_pending(connection);
        });
    }

    Result<void> remove() {
        return commit([&](pq::Connection &connection) { return delete_table(connection, session_.task.name, relid_); });
    }

    Result<void> add() {
        Task after = task_;
        if (("," + session_.record.removed + ",").find("," + pattern_ + ",") != std::string::npos) {
            after = session_.original;
        } else {
            WF_ASSIGN(
                const pq::Rows utf8,
                session_.source.exec("SELECT pg_catalog.encode(pg_catalog.convert_to($1, 'UTF8'), 'hex')", {pattern_}));
            after.include.push_back(from_hex(utf8.view(0, 0)));
            WF_ASSIGN(const auto found, find_table(session_.source, after, request_));
            if (!found || !found->selected) {
                return fail(refusal("the task's exclude patterns leave it out", "Begin the task anew with others."));
            }
        }
        for (int attempt = 0; attempt < attempts_max; ++attempt) {
            WF_ASSIGN(const bool added, try_to_add(after));
            if (added) return {};
            if (session_.stop.wait_for(std::chrono::milliseconds(200))) {
                return fail(ErrorKind::interrupted, "stopped by request");
            }
        }
        return fail(refusal("its definition keeps changing, or its lock is held, at the source", "Ask again later."));
    }

    // False: something has come between.
    Result<bool> try_to_add(const Task &after) {
        WF_ASSIGN(auto source, open_for_snapshot(session_.task, "tables", session_.encoding, &session_.stop));
        const auto snapshot = begin_snapshot(source, {pattern_});
        if (!snapshot) {
            if (pq::is_lock(snapshot.error())) return false;
            return fail(snapshot.error());
        }
        std::string script;
        if (session_.task.schema_stage) {
            WF_ASSIGN(const std::string exported, export_snapshot(source));
            WF_ASSIGN(script, dump_table(source, after, exported, request_.schema, request_.name));
            const std::vector<std::uint32_t> only = {relid_};
            WF_ASSIGN(const auto tables, selected_tables(source, after, &only));
            WF_ASSIGN(const std::string added, added_columns_sql(source, tables));
            script += added;
        }
        WF_ASSIGN(const bool changed, ddl_since(session_.source, *snapshot));
        if (changed) return false;
        WF_TRY(stream_until_(snapshot->lsn));
        if (session_.stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        WF_TRY(commit([&](pq::Connection &connection) -> Result<void> {
            if (!script.empty()) WF_TRY(connection.exec(script));
            return set_pending(connection);
        }));
        return true;
    }

    TaskSession &session_;
    const TableRequest request_;
    const std::function<Result<void>(Lsn)> &stream_until_;
    const Task task_;
    const std::string pattern_;  // quoted and qualified, which is a pattern too
    std::uint32_t relid_ = 0;
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
