// SPDX-License-Identifier: PostgreSQL
#include "schema/sequences.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pq/array.h"
#include "schema/sections.h"
#include "schema/tables.h"

namespace walferry {

namespace {

// Nobody shall slip in a view, whose functions would run as us, in the place of a sequence that we have just found. Minor
// releases from before 2024-08 lack the setting.
const char *const no_views =
    "PERFORM pg_catalog.set_config(name, 'view, foreign-table', true) FROM pg_catalog.pg_settings"
    " WHERE name = 'restrict_nonsystem_relation_kind';";

constexpr int polling_lock_timeout_ms = 100;
constexpr int no_lock_timeout_ms = 0;
// How often a sequence may be used just as it is to be set. Each such use brings it on, so this ends by itself.
constexpr int busy_rounds_max = 1000;

__extension__ typedef __int128 Wide;  // a value and an increment

Wide next_value(const SequenceValue &value, std::int64_t increment) {
    return Wide{value.last_value} + (value.is_called ? increment : 0);
}

// What a block of PL/pgSQL has left in its cursor.
Result<pq::Rows> run_block(pq::Connection &connection, const std::string &block) {
    // As a literal, as a name in it may hold any dollar quote. Both statements are one transaction: the cursor lives in it.
    return connection.exec("DO " + connection.quote_literal(block) + "; FETCH ALL FROM walferry_sequences");
}

// The sequences that `list` gives (relid, name), with their values: `answer`, a query that finds them as `state` (relid,
// last_value, is_called), both NULL for one that another session has locked.
//
// A sequence is read itself, since pg_sequence_last_value tells nothing of one that is not called; and in a subtransaction
// that is undone, which gives its lock back before the next one is waited for.
Result<pq::Rows> read_sequences(pq::Connection &connection, const std::string &list, const std::string &answer,
                                int lock_timeout_ms) {
    return run_block(connection, fmt::format(R"(
DECLARE
    answer refcursor := 'walferry_sequences';
    item record;
    value record;
    relids oid[] := '{{}}';
    last_values bigint[] := '{{}}';
    calls boolean[] := '{{}}';
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', '{}', true);
    {}
    FOR item IN {} LOOP
        BEGIN
            EXECUTE 'SELECT last_value, is_called FROM ' || item.name INTO value;
            RAISE SQLSTATE 'WF000';
        EXCEPTION
            WHEN SQLSTATE 'WF000' THEN
                relids := relids || item.relid;
                last_values := last_values || value.last_value;
                calls := calls || value.is_called;
            WHEN lock_not_available THEN
                relids := relids || item.relid;
                last_values := last_values || NULL::bigint;
                calls := calls || NULL::boolean;
            WHEN undefined_table THEN
                NULL;
        END;
    END LOOP;
    OPEN answer FOR
        WITH state (relid, last_value, is_called) AS (SELECT * FROM unnest(relids, last_values, calls)) {};
END)",
                                             lock_timeout_ms, no_views, list, answer));
}

Result<pq::Rows> read_source(pq::Connection &source, const Task &task, int lock_timeout_ms) {
    const auto patterns = [](const std::vector<std::string> &list) {
        return fmt::format("pg_catalog.convert_from(pg_catalog.decode('{}', 'hex'), 'UTF8')", hex_patterns(list));
    };
    return read_sequences(
        source,
        fmt::format(R"(
        SELECT c.oid AS relid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                                        AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::regclass
        WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname <> 'walferry'
          AND walferry.selects(coalesce(d.refobjid, c.oid), {}, {}) AND NOT {})",
                    patterns(task.include), patterns(task.exclude), is_merged_sql(task, "d.refobjid")),
        R"(
        SELECT n.nspname, c.relname, state.last_value, state.is_called, tn.nspname, t.relname
        FROM state
        JOIN pg_catalog.pg_class c ON c.oid = state.relid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                                        AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
        LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace)",
        lock_timeout_ms);
}

// Per row of the source's, where it arrives.
std::vector<QualifiedName> destinations(const NameMap &map, const pq::Rows &there) {
    std::vector<QualifiedName> out;
    for (int row = 0; row < there.count(); ++row) {
        std::optional<QualifiedName> table;
        if (!there.null(row, 5)) table = QualifiedName{there.text(row, 4), there.text(row, 5)};
        out.push_back(sequence_destination(map, {there.text(row, 0), there.text(row, 1)}, table));
    }
    return out;
}

Result<pq::Rows> read_destination(pq::Connection &destination, const Task &task,
                                  const std::vector<QualifiedName> &wanted, int lock_timeout_ms) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const QualifiedName &sequence : wanted) {
        schemas.push_back(sequence.schema);
        names.push_back(sequence.name);
    }
    return read_sequences(destination,
                          fmt::format(R"(
        SELECT c.oid AS relid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
        FROM unnest({}::text[], {}::text[]) AS wanted (schema_name, sequence_name)
        JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema_name
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.sequence_name AND c.relkind = 'S')",
                                      destination.quote_literal(pq::array_literal(schemas)),
                                      destination.quote_literal(pq::array_literal(names))),
                          fmt::format(R"(
        SELECT n.nspname, c.relname, state.last_value, state.is_called, last_set.last_value, last_set.is_called,
               s.seqstart, s.seqincrement, s.seqmin, s.seqmax, state.relid
        FROM state
        JOIN pg_catalog.pg_class c ON c.oid = state.relid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_sequence s ON s.seqrelid = state.relid
        LEFT JOIN walferry.sequence last_set ON last_set.task = {} AND last_set.relid = state.relid)",
                                      destination.quote_literal(task.name)),
                          lock_timeout_ms);
}

SequenceValue value_at(const pq::Rows &rows, int row, int column) {
    return {rows.integer(row, column), rows.boolean(row, column + 1)};
}

// `changes`: rows of VALUES: name, relid, the new value, the value that it must have still. Returns how many were set.
Result<std::size_t> write_sequences(pq::Connection &destination, const Task &task, const std::string &changes,
                                    int lock_timeout_ms) {
    WF_ASSIGN(const pq::Rows done, run_block(destination, fmt::format(R"(
DECLARE
    answer refcursor := 'walferry_sequences';
    change record;
    value record;
    done bigint := 0;
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', '{}', true);
    {}
    FOR change IN SELECT * FROM (VALUES {}) AS v (name, relid, last_value, is_called, seen_value, seen_called) LOOP
        BEGIN
            EXECUTE 'SELECT last_value, is_called FROM ' || change.name INTO value;
            IF value.last_value = change.seen_value AND value.is_called = change.seen_called THEN
                INSERT INTO walferry.sequence AS known (task, relid, last_value, is_called)
                VALUES ({}, change.relid, change.last_value, change.is_called)
                ON CONFLICT (task, relid) DO UPDATE
                SET last_value = excluded.last_value, is_called = excluded.is_called;
                PERFORM pg_catalog.setval(change.name::regclass, change.last_value, change.is_called);
                done := done + 1;
            END IF;
        EXCEPTION
            WHEN undefined_table OR lock_not_available OR numeric_value_out_of_range THEN
                NULL;  -- dropped, locked or altered since we looked
        END;
    END LOOP;
    OPEN answer FOR SELECT done;
END)",
                                                                      lock_timeout_ms, no_views, changes,
                                                                      destination.quote_literal(task.name))));
    return static_cast<std::size_t>(done.integer(0, 0));
}

tl::unexpected<Error> explain(Error error, const char *privileges) {
    if (error.sqlstate != "42501") return fail(std::move(error));
    error.kind = ErrorKind::state;
    const std::string hint =
        fmt::format("GRANT {} ON SEQUENCE ... TO the account of {}.conninfo, and USAGE on its schema.", privileges,
                    to_string(error.side));
    return fail(std::move(error).with_hint(hint));
}

Result<std::vector<SequencePair>> read_pairs(pq::Connection &source, pq::Connection &destination, const Task &task,
                                             int lock_timeout_ms) {
    if (task.local) return std::vector<SequencePair>{};  // both sides give out numbers of their own
    auto read = read_source(source, task, lock_timeout_ms);
    if (!read) return explain(std::move(read).error(), "SELECT");
    const pq::Rows &there = *read;
    std::vector<SequencePair> pairs;
    if (there.count() == 0) return pairs;
    const auto wanted = destinations(task.names, there);
    auto found = read_destination(destination, task, wanted, lock_timeout_ms);
    if (!found) return explain(std::move(found).error(), "SELECT, UPDATE");
    const pq::Rows &here = *found;

    std::map<std::pair<std::string_view, std::string_view>, int> by_name;
    for (int row = 0; row < here.count(); ++row) by_name[{here.view(row, 0), here.view(row, 1)}] = row;
    for (int row = 0; row < there.count(); ++row) {
        const QualifiedName &name = wanted[static_cast<std::size_t>(row)];
        SequencePair pair;
        pair.name = {there.text(row, 0), there.text(row, 1)};
        pair.destination = name;
        if (!there.null(row, 2)) pair.source = value_at(there, row, 2);
        if (const auto twin = by_name.find({name.schema, name.name}); twin != by_name.end()) {
            const int at = twin->second;
            pair.relid_there = static_cast<std::uint32_t>(here.integer(at, 10));
            if (!here.null(at, 2)) {
                pair.here = DestinationSequence{
                    value_at(here, at, 2), here.null(at, 4) ? std::nullopt : std::optional(value_at(here, at, 4)),
                    here.integer(at, 6),   here.integer(at, 7),
                    here.integer(at, 8),   here.integer(at, 9)};
            }
        }
        pairs.push_back(std::move(pair));
    }
    return pairs;
}

Result<SequenceRound> run_round(pq::Connection &source, pq::Connection &destination, const Task &task,
                                int lock_timeout_ms) {
    WF_ASSIGN(const std::vector<SequencePair> pairs, read_pairs(source, destination, task, lock_timeout_ms));
    SequenceRound round;
    std::string changes;
    std::size_t changed = 0;
    for (const SequencePair &pair : pairs) {
        if (pair.state() == SequenceState::locked) ++round.busy;
        if (pair.state() != SequenceState::to_be_set) continue;
        const std::string quoted = destination.quote_qualified(pair.destination.schema, pair.destination.name);
        changes += fmt::format("{}({}, {}::oid, {}::bigint, {}, {}::bigint, {})", changed == 0 ? "" : ", ",
                               destination.quote_literal(quoted), pair.relid_there, pair.source->last_value,
                               pair.source->is_called, pair.here->now.last_value, pair.here->now.is_called);
        ++changed;
    }
    if (changed == 0) return round;
    auto written = write_sequences(destination, task, changes, lock_timeout_ms);
    if (!written) return explain(std::move(written).error(), "SELECT, UPDATE");
    round.set = *written;
    round.busy += changed - *written;
    return round;
}

}  // namespace

QualifiedName sequence_destination(const NameMap &map, const QualifiedName &sequence,
                                   const std::optional<QualifiedName> &table) {
    QualifiedName out = map.relation(sequence);
    if (table) out.schema = map.relation(*table).schema;
    return out;
}

bool is_to_be_set(const DestinationSequence &here, const SequenceValue &source) {
    if (here.now == source) return false;
    // Its definition has changed at the source, and the stream has yet to bring that.
    if (source.last_value < here.min || source.last_value > here.max) return false;
    const bool as_we_left_it = here.last_set && here.now == *here.last_set;
    // As it was made, or as a RESTART that was replicated leaves it.
    const bool unused = here.now == SequenceValue{here.start, false};
    if (as_we_left_it || unused) return true;
    const Wide next_here = next_value(here.now, here.increment);
    const Wide next_there = next_value(source, here.increment);
    return here.increment > 0 ? next_there > next_here : next_there < next_here;
}

SequenceState SequencePair::state() const {
    if (relid_there == 0) return SequenceState::missing;
    if (!source || !here) return SequenceState::locked;
    if (here->now == *source) return SequenceState::equal;
    return is_to_be_set(*here, *source) ? SequenceState::to_be_set : SequenceState::left_alone;
}

Result<std::vector<SequencePair>> list_sequences(pq::Connection &source, pq::Connection &destination,
                                                 const Task &task) {
    return read_pairs(source, destination, task, polling_lock_timeout_ms);
}

Result<SequenceRound> follow_sequences(pq::Connection &source, pq::Connection &destination, const Task &task) {
    return run_round(source, destination, task, polling_lock_timeout_ms);
}

Result<std::size_t> set_sequences(pq::Connection &source, pq::Connection &destination, const Task &task) {
    std::size_t set = 0;
    for (int i = 0; i < busy_rounds_max; ++i) {
        WF_ASSIGN(const SequenceRound round, run_round(source, destination, task, no_lock_timeout_ms));
        set += round.set;
        if (round.busy == 0) return set;
    }
    return fail(ErrorKind::state, "sequences at the destination are being used without a pause",
                "Stop what uses them there until the task has set them.");
}

}  // namespace walferry
