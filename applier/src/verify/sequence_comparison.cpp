// SPDX-License-Identifier: PostgreSQL
#include "verify/sequence_comparison.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/bookkeeping.h"
#include "pq/array.h"
#include "schema/sections.h"
#include "schema/sequences.h"
#include "schema/tables.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{25};  // two rounds of the task, and some
constexpr milliseconds look_again{500};

// The last value is NULL for one that nobody has called.
const char *const source_sql = R"(
SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement > 0,
       pg_catalog.pg_sequence_last_value(c.oid), tn.nspname, t.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                                AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE c.relpersistence = 'p' AND n.nspname <> 'walferry'
  AND walferry.selects(coalesce(d.refobjid, c.oid), pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')))";

const char *const destination_sql = R"(
SELECT wanted.display, pg_catalog.pg_sequence_last_value(c.oid), pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[], $3::pg_catalog.text[])
     AS wanted (schema_name, sequence_name, display)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.sequence_name AND c.relkind = 'S')";

struct SourceSequence {
    QualifiedName destination;
    bool ascending = true;
    std::int64_t last_value = 0;
};
using Sequences = std::map<std::string, SourceSequence>;

// Those that were called.
Result<Sequences> read_source(pq::Connection &source, const Task &task) {
    WF_ASSIGN(const pq::Rows rows, source.exec(source_sql + (" AND NOT " + is_merged_sql(task, "d.refobjid")),
                                               {hex_patterns(task.include), hex_patterns(task.exclude)}));
    Sequences out;
    for (int row = 0; row < rows.count(); ++row) {
        if (rows.null(row, 4)) continue;
        std::optional<QualifiedName> table;
        if (!rows.null(row, 6)) table = QualifiedName{rows.text(row, 5), rows.text(row, 6)};
        out[rows.text(row, 2)] = {sequence_destination(task.names, {rows.text(row, 0), rows.text(row, 1)}, table),
                                  rows.boolean(row, 3), rows.integer(row, 4)};
    }
    return out;
}

struct DestinationSequenceValue {
    std::string name;  // quoted and qualified
    std::optional<std::int64_t> last_value;
};
using Values = std::map<std::string, DestinationSequenceValue>;  // by the name at the source

Result<Values> read_destination(pq::Connection &destination, const Sequences &wanted) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    std::vector<std::string> displays;
    for (const auto &[display, sequence] : wanted) {
        schemas.push_back(sequence.destination.schema);
        names.push_back(sequence.destination.name);
        displays.push_back(display);
    }
    WF_ASSIGN(const pq::Rows rows,
              destination.exec(destination_sql,
                               {pq::array_literal(schemas), pq::array_literal(names), pq::array_literal(displays)}));
    Values out;
    for (int row = 0; row < rows.count(); ++row) {
        out[rows.text(row, 0)] = {
            rows.text(row, 2), rows.null(row, 1) ? std::optional<std::int64_t>{} : std::optional{rows.integer(row, 1)}};
    }
    return out;
}

bool is_behind(const SourceSequence &source, const std::optional<std::int64_t> &here) {
    if (!here) return true;
    return source.ascending ? *here < source.last_value : *here > source.last_value;
}

}  // namespace

Result<void> compare_sequences(pq::Connection &source, pq::Connection &destination, const Task &task,
                               const StopFlag &stop, Comparison &out) {
    WF_ASSIGN(Sequences behind, read_source(source, task));
    const auto deadline = steady_clock::now() + patience;
    Values here;
    while (true) {
        WF_ASSIGN(here, read_destination(destination, behind));
        WF_ASSIGN(const Sequences now, read_source(source, task));
        std::erase_if(behind, [&](const auto &entry) {
            const auto &[name, sequence] = entry;
            const auto found = here.find(name);
            if (found == here.end()) return true;  // there is no such sequence: an object's difference
            const auto current = now.find(name);
            // One that has gone back at the source, restarted or round, begins anew.
            const bool went_back = current == now.end() || is_behind(sequence, current->second.last_value);
            return went_back || !is_behind(sequence, found->second.last_value);
        });
        if (behind.empty()) return {};
        WF_ASSIGN(const bool begun, bookkeeping_exists(destination));
        const auto running = begun ? is_running(destination, task.name) : Result<bool>(false);
        if (!running) return fail(running.error());
        if (!*running || steady_clock::now() >= deadline) break;
        if (stop.wait_for(look_again)) return fail(ErrorKind::interrupted, "stopped by request");
    }
    for (const auto &[name, sequence] : behind) {
        const auto &[name_here, value] = here[name];
        out.objects.push_back({"sequence value",
                               name,
                               std::to_string(sequence.last_value),
                               value ? std::to_string(*value) : "never called",
                               {fmt::format("SELECT pg_catalog.setval({}, {})", destination.quote_literal(name_here),
                                            sequence.last_value)}});
    }
    return {};
}

}  // namespace walferry
