// SPDX-License-Identifier: PostgreSQL
#include "verify/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/bookkeeping.h"
#include "pq/array.h"
#include "schema/tables.h"
#include "verify/object_comparison.h"
#include "verify/pace.h"
#include "verify/record.h"
#include "verify/sequence_comparison.h"
#include "verify/table_jobs.h"
#include "verify/table_verifier.h"

namespace walferry {

namespace {

const char *const only_destination_sql = R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'walferry' AND n.nspname = ANY ($1::pg_catalog.text[])
  AND NOT EXISTS (SELECT FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS known (s, t)
                  WHERE known.s = n.nspname AND known.t = c.relname)
ORDER BY 1)";

// Without the extension (no such schema, no such function) nothing says which tables the task takes.
Error explain(Error error) {
    if (error.sqlstate != "3F000" && error.sqlstate != "42883") return error;
    error.kind = ErrorKind::state;
    return std::move(error).with_hint("The source's database needs the extension: CREATE EXTENSION walferry;");
}

class Verifier {
public:
    Verifier(pq::Connection source, pq::Connection destination, const Task &task, const VerifyOptions &options,
             const StopFlag &stop)
        : source_(std::move(source)),
          destination_(std::move(destination)),
          task_(task),
          options_(options),
          stop_(stop) {}

    Result<Comparison> compare() {
        auto selected = selected_tables(source_, task_);
        if (!selected) return fail(explain(std::move(selected).error()));
        Comparison out;
        WF_TRY(note_state(out));
        WF_ASSIGN(const auto tables, wanted_tables(*selected, out));
        WF_ASSIGN(const auto record, VerificationRecord::open(task_, what(), stop_));
        if (!record->problem().empty()) out.notes.push_back(record->problem());
        if (!record->began().empty()) {
            out.notes.push_back("goes on with the comparison that began at " + record->began());
        }
        Pace pace(options_.rates, stop_);
        WF_ASSIGN(out.tables, compare_tables(task_, tables, options_.jobs, pace, *record));
        std::sort(out.tables.begin(), out.tables.end(), [](const auto &a, const auto &b) { return a.table < b.table; });
        if (!of_everything()) return out;
        WF_TRY(compare_objects(source_, destination_, task_, stop_, out));
        if (!task_.local) WF_TRY(compare_sequences(source_, destination_, task_, stop_, out));
        WF_TRY(note_other_tables(*selected, out));
        std::vector<std::uint32_t> relids;
        for (const Table &table : *selected) relids.push_back(table.relid);
        WF_TRY(record->end(out, relids));
        return out;
    }

private:
    bool of_everything() const { return options_.tables.empty() && options_.objects; }

    VerificationRecord::Of what() const {
        if (!options_.record) return VerificationRecord::Of::nothing;
        if (!of_everything()) return VerificationRecord::Of::some_tables;
        return options_.anew ? VerificationRecord::Of::everything_anew : VerificationRecord::Of::everything;
    }

    Result<void> note_state(Comparison &out) {
        WF_ASSIGN(const auto record, find_task(destination_, task_.name));
        if (!record) return {};
        WF_ASSIGN(const bool running, is_running(destination_, task_.name));
        if (!running && record->phase != Phase::done) {
            out.notes.emplace_back("the task is not running: what it has not applied yet differs");
        }
        return {};
    }

    // Those that are not copied yet can't be equal.
    Result<std::vector<Table>> wanted_tables(const std::vector<Table> &selected, Comparison &out) {
        std::vector<Table> tables = selected;
        if (!options_.tables.empty()) {
            tables.clear();
            for (const auto &wanted : options_.tables) {
                const auto found = std::find_if(selected.begin(), selected.end(), [&](const Table &table) {
                    return table.schema == wanted.first && table.name == wanted.second;
                });
                if (found == selected.end()) {
                    return fail(ErrorKind::state,
                                fmt::format("{} is not among the task's tables",
                                            source_.quote_qualified(wanted.first, wanted.second)),
                                "A partitioned table's rows are in its partitions: name those.");
                }
                tables.push_back(*found);
            }
        }
        WF_ASSIGN(const bool begun, bookkeeping_exists(destination_));
        if (!begun) return tables;
        WF_ASSIGN(const auto states, list_tables(destination_, task_.name));
        std::set<std::uint32_t> copying;
        for (const TableState &state : states) {
            if (state.state != "ready") copying.insert(state.relid);
        }
        std::erase_if(tables, [&](const Table &table) {
            if (!copying.contains(table.relid)) return false;
            out.notes.push_back(fmt::format("{}: not compared, it is still to be copied",
                                            source_.quote_qualified(table.schema, table.name)));
            return true;
        });
        return tables;
    }

    Result<void> note_other_tables(const std::vector<Table> &selected, Comparison &out) {
        WF_ASSIGN(const pq::Rows rows, destination_.exec(only_destination_sql, destination_arrays(selected)));
        for (int row = 0; row < rows.count(); ++row) {
            out.notes.push_back(fmt::format("{}: at the destination, but the task doesn't take it", rows.view(row, 0)));
        }
        return {};
    }

    pq::Connection source_;
    pq::Connection destination_;
    const Task &task_;
    const VerifyOptions &options_;
    const StopFlag &stop_;
};

}  // namespace

bool Comparison::equal() const {
    return objects.empty() &&
           std::all_of(tables.begin(), tables.end(), [](const TableComparison &table) { return table.equal(); });
}

const char *to_string(RowFault fault) {
    switch (fault) {
        case RowFault::missing:
            return "missing";
        case RowFault::extra:
            return "extra";
        case RowFault::differing:
            break;
    }
    return "differing";
}

Result<Comparison> verify(const Task &task, const VerifyOptions &options, const StopFlag &stop) {
    WF_ASSIGN(pq::Connection source, open_for_verify(task, Side::source, stop));
    WF_ASSIGN(pq::Connection destination, open_for_verify(task, Side::destination, stop));
    return Verifier(std::move(source), std::move(destination), task, options, stop).compare();
}

}  // namespace walferry
