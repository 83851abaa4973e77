// SPDX-License-Identifier: PostgreSQL
#include "slot/timeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "config/connections.h"

namespace walferry {

namespace {

// A standby's own timeline is its primary's, which it may not have reached yet.
const char *const current_sql = R"(
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
    ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::pg_catalog."bit"(32)::pg_catalog.int4 END)";

Result<std::string> read_history(const Task &task, std::int64_t timeline, const StopFlag *stop) {
    auto options = control_connection(task, Side::source, "timeline", stop);
    options.replication = true;
    options.settings.clear();
    WF_ASSIGN(auto connection, pq::Connection::open(options));
    WF_ASSIGN(const pq::Rows rows, connection.exec(fmt::format("TIMELINE_HISTORY {}", timeline)));
    return rows.count() == 0 ? std::string{} : rows.text(0, 1);
}

Result<void> remember(pq::Connection &destination, const Task &task, std::int64_t timeline) {
    WF_TRY(
        destination.exec("INSERT INTO walferry.source_timeline (task, timeline) VALUES ($1, $2)"
                         " ON CONFLICT (task) DO UPDATE SET timeline = excluded.timeline",
                         {task.name, std::to_string(timeline)}));
    return {};
}

}  // namespace

const char *const create_source_timeline_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.source_timeline (
    task text PRIMARY KEY,
    timeline integer NOT NULL
);
)";

std::optional<Lsn> end_of_timeline(std::string_view history, std::int64_t timeline) {
    std::istringstream lines{std::string(history)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::int64_t number = 0;
        std::string end;
        if (fields >> number >> end && number == timeline) {
            if (const auto lsn = Lsn::parse(end)) return *lsn;
        }
    }
    return std::nullopt;
}

Result<void> follow_timeline(pq::Connection &source, pq::Connection &destination, const Task &task, Lsn held,
                             const StopFlag *stop) {
    WF_ASSIGN(const pq::Rows current, source.exec(current_sql));
    if (current.null(0, 0)) return {};
    const std::int64_t now = current.integer(0, 0);
    WF_ASSIGN(const pq::Rows remembered,
              destination.exec("SELECT timeline FROM walferry.source_timeline WHERE task = $1", {task.name}));
    if (remembered.count() == 0) return remember(destination, task, now);
    const std::int64_t before = remembered.integer(0, 0);
    if (before == now) return {};
    WF_ASSIGN(const std::string history, read_history(task, now, stop));
    const auto end = end_of_timeline(history, before);
    if (end && *end >= held) {
        spdlog::info("the source was promoted: timeline {}, which left {} at {}", now, before, end->text());
        return remember(destination, task, now);
    }
    return fail(Error{
        ErrorKind::state,
        Side::source,
        {},
        end ? fmt::format("the source is on timeline {}, which left timeline {} at {}, but the destination holds "
                          "changes of that up to {}",
                          now, before, end->text(), held.text())
            : fmt::format("the source is on timeline {}, which does not come from timeline {}, where the task was", now,
                          before),
        "A standby was promoted that lacks changes which the destination has: synchronized_standby_slots keeps that from "
        "happening.",
        "Take the tables over as they are and repair what differs, as docs/operations.md says (\"After a failover\"); or "
        "begin anew: walferry cleanup, empty the destination, walferry run.",
        {}});
}

}  // namespace walferry
