// SPDX-License-Identifier: PostgreSQL
#include "verify/repair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "checkpoint/bookkeeping.h"
#include "checkpoint/table_requests.h"
#include "config/connections.h"
#include "pq/transaction.h"
#include "schema/mirror.h"
#include "schema/plain_form.h"
#include "verify/row_repair.h"

namespace walferry {

namespace {

// Above, a table is copied again, which is faster than row by row.
constexpr std::size_t rows_one_by_one_max = 10'000;

constexpr int lock_timeout_ms = 5000;

enum class Way { nothing, rows, recopy, by_hand };

Way way_for(const TableComparison &table) {
    if (!table.problem.empty()) return Way::by_hand;
    if (table.more_rows || table.rows.size() > rows_one_by_one_max) return Way::recopy;
    if (table.rows.empty()) return Way::nothing;
    return table.key.empty() ? Way::recopy : Way::rows;
}

const char *deed(RowFault fault) {
    switch (fault) {
        case RowFault::missing:
            return "insert";
        case RowFault::extra:
            return "delete";
        case RowFault::differing:
            break;
    }
    return "rewrite";
}

std::string plan_for(const TableComparison &table) {
    switch (way_for(table)) {
        case Way::nothing:
            break;
        case Way::by_hand:
            return fmt::format("by hand: {}: {}\n", table.table, table.problem);
        case Way::recopy:
            return fmt::format("copy again: {}{}\n", table.table,
                               table.key.empty() ? ", which has no key" : ", of which too many rows differ");
        case Way::rows: {
            std::string out;
            for (const RowDifference &row : table.rows) {
                out += fmt::format("{} {} ({}) = ({})\n", deed(row.fault), table.table, fmt::join(table.key, ", "),
                                   fmt::join(row.key, ", "));
            }
            return out;
        }
    }
    return {};
}

std::string plan_for(const ObjectDifference &object) {
    if (object.remedy.empty()) return fmt::format("by hand: {} {}\n", object.kind, object.name);
    return fmt::format("{};\n", fmt::join(object.remedy, ";\n"));
}

class Mending {
public:
    Mending(const Task &task, const StopFlag &stop, pq::Connection destination,
            const std::function<void(const std::string &)> &print)
        : task_(task), stop_(stop), destination_(std::move(destination)), print_(print) {}

    Result<void> run(const Comparison &comparison) {
        for (const TableComparison &table : comparison.tables) {
            const Way way = way_for(table);
            if (way == Way::rows) WF_TRY(mend_rows(table));
            if (way == Way::recopy) WF_TRY(copy_again(table));
        }
        for (const ObjectDifference &object : comparison.objects) WF_TRY(mend_object(object));
        return {};
    }

private:
    Result<void> mend_rows(const TableComparison &table) {
        WF_ASSIGN(const RowRepair done, repair_rows(task_, table, stop_));
        print_(fmt::format("{}: {} rows mended{}\n", table.table, done.mended,
                           done.healed > 0 ? fmt::format(", {} have arrived by themselves", done.healed) : ""));
        for (const auto &failure : done.failed) print_(fmt::format("not mended: {}\n", failure));
        return {};
    }

    Result<void> copy_again(const TableComparison &table) {
        const auto performed =
            ask_for_table(destination_, task_.name, {TableAction::recopy, table.schema, table.name, {}}, stop_);
        if (!performed && performed.error().kind != ErrorKind::state) return fail(performed.error());
        if (!performed) {
            print_(fmt::format("not mended: {}\n", performed.error().text()));
            return {};
        }
        if (!*performed) {
            print_(fmt::format("{}: the task's next run copies it again\n", table.table));
            return {};
        }
        while (true) {
            WF_ASSIGN(const auto states, list_tables(destination_, task_.name));
            const bool copying = std::any_of(states.begin(), states.end(), [&](const TableState &state) {
                return state.schema == table.schema && state.name == table.name && state.state != "ready";
            });
            if (!copying) break;
            WF_ASSIGN(const bool running, is_running(destination_, task_.name));
            if (!running) return fail(ErrorKind::state, "the task has stopped while " + table.table + " was copied");
            if (stop_.wait_for(std::chrono::milliseconds(200)))
                return fail(ErrorKind::interrupted, "stopped by request");
        }
        print_(fmt::format("{}: copied again\n", table.table));
        return {};
    }

    // Remedies speak of objects by their names at the source.
    Result<void> run_remedy(const std::string &statement) {
        if (task_.names.empty()) {
            WF_TRY(destination_.exec(statement));
            return {};
        }
        return pq::in_transaction(destination_, [&] {
            return in_mirror(destination_, task_.names, lock_timeout_ms, [&]() -> Result<void> {
                WF_TRY(destination_.exec(without_concurrently(statement)));
                return {};
            });
        });
    }

    Result<void> mend_object(const ObjectDifference &object) {
        for (const std::string &statement : object.remedy) {
            const auto done = run_remedy(statement);
            if (done) continue;
            if (done.error().kind != ErrorKind::server && done.error().kind != ErrorKind::conflict &&
                !done.error().sqlstate.starts_with("55")) {
                return fail(done.error());
            }
            print_(fmt::format("not mended: {} {}: {}\n", object.kind, object.name, done.error().text()));
            return {};
        }
        return {};
    }

    const Task &task_;
    const StopFlag &stop_;
    pq::Connection destination_;
    const std::function<void(const std::string &)> &print_;
};

}  // namespace

Result<Comparison> repair(const Task &task, const RepairOptions &options, const StopFlag &stop,
                          const std::function<void(const std::string &)> &print) {
    VerifyOptions anew = options.verify;
    anew.anew = true;
    WF_ASSIGN(Comparison found, verify(task, anew, stop));
    bool anything = false;
    for (const TableComparison &table : found.tables) {
        print(plan_for(table));
        anything |= way_for(table) == Way::rows || way_for(table) == Way::recopy;
    }
    for (const ObjectDifference &object : found.objects) {
        print(plan_for(object));
        anything |= !object.remedy.empty();
    }
    if (options.dry_run || !anything) return found;
    auto settings = control_connection(task, Side::destination, "repair", &stop);
    settings.settings.emplace_back(
        "lock_timeout", std::to_string(lock_timeout_ms));  // who waits for a table's lock holds the stream up
    if (task.local) settings.origin = origin_name(task);
    WF_ASSIGN(auto destination, pq::Connection::open(settings));
    Mending mending(task, stop, std::move(destination), print);
    WF_TRY(mending.run(found));
    return verify(task, anew, stop);
}

}  // namespace walferry
