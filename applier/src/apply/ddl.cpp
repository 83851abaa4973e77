// SPDX-License-Identifier: PostgreSQL
#include "apply/ddl.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "apply/created_objects.h"
#include "apply/source_settings.h"
#include "base/failpoint.h"
#include "base/lsn.h"
#include "checkpoint/ddl_history.h"
#include "checkpoint/source_columns.h"
#include "pq/array.h"
#include "pq/error.h"
#include "schema/mirror.h"
#include "schema/plain_form.h"
#include "wire.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds retry_pause{200};
constexpr const char *foreign_key_violation = "23503";

// Relations that a CASCADE could reach, and those of them that are gone.
const char *const relations_sql = R"(
SELECT c.oid, ARRAY[n.nspname::text, c.relname::text]::text, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema')";
const char *const gone_relations_sql = R"(
SELECT place FROM unnest($1::oid[]) WITH ORDINALITY AS r (oid, place)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.oid))";

const char *const any_relation_sql = R"(
SELECT EXISTS (SELECT FROM unnest($1::text[]) AS o (names)
               JOIN pg_catalog.pg_class c ON c.relname = (names::text[])[2]
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = (names::text[])[1]
               WHERE pg_catalog.cardinality(names::text[]) = 2)
    OR NOT EXISTS (SELECT FROM unnest($1::text[]) AS o (names) WHERE pg_catalog.cardinality(names::text[]) = 2))";

// Constraints that the rows of a rewritten table needn't hold, as they don't at the source: how to take them away, and how
// to bring them back.
const char *const unchecked_constraints_sql = R"(
SELECT pg_catalog.format('ALTER TABLE ONLY %s DROP CONSTRAINT %I', $1::text, conname),
       pg_catalog.format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', $1::text, conname,
                         pg_catalog.pg_get_constraintdef(oid)),
       pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, $1::text,
                         pg_catalog.obj_description(oid, 'pg_constraint'))
FROM pg_catalog.pg_constraint
WHERE conrelid = pg_catalog.to_regclass($1) AND contype = 'c' AND NOT convalidated AND coninhcount = 0)";

// Who holds a lock on one of the relations, whose names are qualified and quoted.
const char *const blockers_sql = R"(
SELECT DISTINCT pg_catalog.format('pid %s (%s, %s, %s): %s', l.pid, a.usename, a.application_name, a.state, a.query)
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.relation IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS r (name)))";

const char *const find_index_sql = R"(
SELECT i.indisvalid, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE ARRAY[n.nspname::text, c.relname::text] = $1::text[])";

// The link of a partition, if the objects are a table and its partition.
const char *const find_partition_sql = R"(
SELECT i.inhdetachpending,
       pg_catalog.format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', i.inhparent::regclass, i.inhrelid::regclass)
FROM pg_catalog.pg_inherits i
WHERE i.inhparent IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS r (name))
  AND i.inhrelid IN (SELECT pg_catalog.to_regclass(name) FROM unnest($1::text[]) AS r (name)))";

// The check constraints $1 (schema, table, constraint) of partitions: how to make them of the bounds.
const char *const bounds_as_check_sql = R"(
SELECT pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s)', relid, name,
                         pg_catalog.pg_get_partition_constraintdef(relid))
FROM (SELECT (names::text[])[3] AS name,
             pg_catalog.to_regclass(pg_catalog.format('%I.%I', (names::text[])[1], (names::text[])[2])) AS relid
      FROM unnest($1::text[]) AS o (names)) o
WHERE pg_catalog.pg_get_partition_constraintdef(relid) IS NOT NULL)";

class DdlRun {
public:
    DdlRun(Session &session, const Ddl &ddl, const DdlOptions &options)
        : session_(session),
          ddl_(ddl),
          options_(options),
          mirror_(options.names, connection_of(session)),
          settings_(session, ddl, options.policy),
          created_(session, ddl) {
        if (options.names.empty()) return;
        for (const std::string &statement : ddl.statements) scope_.texts.emplace_back(statement);
        scope_.texts.emplace_back(ddl.statement);
        scope_.schemas = ddl.search_path;
        for (const RewrittenTable &table : ddl.rewritten) scope_.texts.emplace_back(table.name);
        for (const DdlObject &object : ddl.objects) {
            scope_.texts.emplace_back(object.names);
            scope_.schemas.push_back(object.schema);
            scope_.relations.push_back({object.schema, object.name});
        }
    }

    Result<void> run(bool begun) {
        const bool outside = (ddl_.flags & WF_DDL_OUTSIDE) != 0 && !begun && !concerns_mapped_names();
        if (!begun && !outside) WF_TRY(session_.send("BEGIN"));
        WF_ASSIGN(const std::optional<Outcome> settled, settle_without_running());
        if (outside && !settled) WF_TRY(run_outside());
        if (outside) WF_TRY(session_.send("BEGIN"));
        if (!outside && !settled) WF_TRY(run_inside());
        const Outcome outcome = settled.value_or(Outcome{"applied", ddl_.note});
        if (!outcome.reason.empty()) {
            spdlog::warn("DDL {} is {}: {}: {}", ddl_.id, outcome.state, outcome.reason, ddl_.statement);
        } else {
            spdlog::info("DDL {}: {}", ddl_.id, ddl_.statement);
        }
        for (const RewrittenTable &table : ddl_.rewritten) WF_TRY(session_.drop_staged_rows(table.relid));
        if (settled) {
            const bool applied = outcome.state == "applied";
            const char operation = applied ? 'C' : 'D';
            const char *sql = applied ? add_source_columns_sql : remove_source_columns_sql;
            if (concerns_columns(operation)) WF_TRY(in_mirror([&] { return note_columns(operation, sql); }));
        }
        WF_TRY(session_.query(record_ddl_sql, record(outcome.state, outcome.reason)));
        failpoint("ddl_recorded");
        return session_.forget_tables();
    }

    // The task has stopped in front of the statement: best effort, as the server may be what has failed.
    void record_failure(const Error &error) {
        if (!session_.roll_back("ROLLBACK")) return;
        (void)session_.query_outside(record_ddl_sql, record("failed", error.message));
    }

    Error explain(Error error) const {
        error.kind = ErrorKind::conflict;
        error.message = fmt::format("DDL statement {} can't be applied: {}", ddl_.id, error.message);
        return std::move(error)
            .with_context(fmt::format("{}, by {} at {} in the source's WAL: {}", ddl_.tag, ddl_.role,
                                      Lsn{ddl_.lsn}.text(), ddl_.statement))
            .with_hint(fmt::format(
                "Nothing of its transaction is applied. Correct the cause and run \"walferry run {1}\" again; or "
                "leave the statement out: \"walferry ddl skip {1} {0}\"; or do it by hand and say so: "
                "\"walferry ddl done {1} {0}\".",
                ddl_.id, options_.task_file));
    }

private:
    struct Outcome {
        std::string state;
        std::string reason;
    };

    static MirrorConnection connection_of(Session &session) {
        return {[&session](const std::string &sql, std::span<const pq::Param> params) {
                    return session.query(sql, params);
                },
                [&session](std::string_view name) { return session.quote_identifier(name); },
                [&session](std::string_view text) { return session.quote_literal(text); }};
    }

    template <class Work>
    Result<void> in_mirror(Work &&work) {
        WF_TRY(mirror_.enter(static_cast<int>(options_.policy.lock_timeout_seconds * 1000), &scope_));
        WF_TRY(work());
        return mirror_.leave();
    }

    // Of what can't run in a transaction, whose text names all that it is about, if not in full.
    bool concerns_mapped_names() const {
        const NameMap &names = options_.names;
        if (names.empty()) return false;
        const auto is_mapped = [&](const DdlObject &object) {
            const QualifiedName name{object.schema, object.name};
            return !object.schema.empty() && names.relation(name) != name;
        };
        return names.may_concern(ddl_.statement) ||
               std::any_of(ddl_.search_path.begin(), ddl_.search_path.end(),
                           [&](const auto &schema) { return names.schema(schema) != schema; }) ||
               std::any_of(ddl_.statements.begin(), ddl_.statements.end(),
                           [&](const auto &statement) { return names.may_concern(statement); }) ||
               std::any_of(ddl_.objects.begin(), ddl_.objects.end(), is_mapped);
    }

    std::vector<pq::Param> record(const std::string &state, const std::string &reason) const {
        return {options_.task,
                std::to_string(ddl_.id),
                Lsn{ddl_.lsn}.text(),
                std::to_string(ddl_.captured),
                ddl_.role,
                ddl_.tag,
                ddl_.statement,
                state,
                reason.empty() ? pq::Param{} : pq::Param{reason}};
    }

    bool concerns_columns(char operation) const {
        return std::any_of(ddl_.objects.begin(), ddl_.objects.end(), [operation](const DdlObject &object) {
            return object.operation == operation && object.type.starts_with("table");
        });
    }

    // Requires: the objects have their names at the source.
    Result<void> note_columns(char operation, const char *sql) {
        if (!concerns_columns(operation)) return {};
        std::vector<std::string> types;
        std::vector<std::string> names;
        for (const DdlObject &object : ddl_.objects) {
            if (object.operation != operation || !object.type.starts_with("table")) continue;
            types.push_back(object.type);
            names.push_back(object.names);
        }
        WF_TRY(session_.query(sql, {options_.task, pq::array_literal(types), pq::array_literal(names)}));
        return {};
    }

    // If it is not to be run.
    Result<std::optional<Outcome>> settle_without_running() {
        if ((ddl_.flags & WF_DDL_SKIP) != 0) return Outcome{"skipped", ddl_.note};
        WF_ASSIGN(const pq::Rows decided, session_.query(ddl_decision_sql, {options_.task, std::to_string(ddl_.id),
                                                                            Lsn{ddl_.lsn}.text(), ddl_.statement}));
        if (decided.count() > 0) {
            return decided.view(0, 0) == "done" ? Outcome{"applied", "by the operator"}
                                                : Outcome{"skipped", "by the operator's decision"};
        }
        if ((ddl_.flags & WF_DDL_STOP) != 0) return fail(ErrorKind::conflict, ddl_.note);
        if (options_.left_out != nullptr) return Outcome{"skipped", options_.left_out};
        const auto ddl_class = ddl_class_of(ddl_.tag, (ddl_.flags & WF_DDL_OWNER) != 0);
        switch (options_.policy.action(ddl_class)) {
            case DdlAction::replicate:
                return std::optional<Outcome>{};
            case DdlAction::skip:
                return Outcome{"skipped", fmt::format("{} = \"skip\" in [ddl]", to_string(ddl_class))};
            case DdlAction::stop:
                break;
        }
        return fail(ErrorKind::conflict, ddl_class == DdlClass::other
                                             ? "a statement of this kind is never applied"
                                             : fmt::format("{} = \"stop\" in [ddl]", to_string(ddl_class)));
    }

    // --- in its transaction

    Result<void> run_inside() {
        auto deadline = steady_clock::now() + seconds(options_.policy.lock_retry_seconds);
        bool emptied = false;
        while (true) {
            failpoint("ddl_before");
            WF_TRY(session_.query("SAVEPOINT ddl"));
            auto done = run_once();
            if (done) return session_.send("RELEASE SAVEPOINT ddl");
            const bool foreign_key = done.error().sqlstate == foreign_key_violation;
            if (!pq::is_lock(done.error()) && !foreign_key && !ddl_.tag.starts_with("DROP ")) return done;
            WF_TRY(session_.roll_back("ROLLBACK TO SAVEPOINT ddl"));
            if (foreign_key) {
                if (emptied) return done;
                WF_ASSIGN(emptied, options_.copy_again());
                if (!emptied) return done;
                continue;
            }
            if (!pq::is_lock(done.error())) {
                WF_ASSIGN(const bool absent, drops_nothing());
                if (!absent) return done;
                spdlog::warn("DDL {}: what it drops is not here", ddl_.id);
                return session_.send("RELEASE SAVEPOINT ddl");
            }
            WF_TRY(wait_for_lock(std::move(done).error(), deadline));
        }
    }

    // As with an index that CREATE INDEX CONCURRENTLY has failed to make at the source: it was never made here.
    Result<bool> drops_nothing() {
        std::vector<std::string> names;
        for (const DdlObject &object : ddl_.objects) {
            if (object.operation == 'D') names.push_back(object.names);
        }
        bool any = false;
        WF_TRY(in_mirror([&]() -> Result<void> {
            WF_ASSIGN(const pq::Rows rows, session_.query(any_relation_sql, {pq::array_literal(names)}));
            any = rows.boolean(0, 0);
            return {};
        }));
        return !names.empty() && !any;
    }

    // Returns to have it tried again.
    Result<void> wait_for_lock(Error error, steady_clock::time_point &deadline) {
        options_.recall();
        WF_ASSIGN(const std::string blockers, find_blockers());
        if (options_.copying()) deadline = steady_clock::now() + seconds(options_.policy.lock_retry_seconds);
        if (steady_clock::now() >= deadline) {
            return fail(std::move(error).with_detail(blockers.empty() ? "Who holds the lock can't be seen."
                                                                      : "The lock is held by " + blockers + "."));
        }
        spdlog::warn("DDL {} waits for a lock{}: {}", ddl_.id, blockers.empty() ? "" : " that is held by " + blockers,
                     ddl_.statement);
        if (options_.stop.wait_for(retry_pause)) return fail(ErrorKind::interrupted, "stopped by request");
        return {};
    }

    // As they are called here.
    std::vector<std::string> relation_names() const {
        std::vector<std::string> names;
        for (const DdlObject &object : ddl_.objects) {
            if (object.schema.empty() || object.name.empty()) continue;
            const auto [schema, name] = options_.names.relation(object.schema, object.name);
            names.push_back(session_.quote_qualified(schema, name));
        }
        return names;
    }

    Result<std::string> find_blockers() {
        WF_ASSIGN(const pq::Rows rows, session_.query(blockers_sql, {pq::array_literal(relation_names())}));
        std::string blockers;
        for (int row = 0; row < rows.count(); ++row) blockers += (row > 0 ? "; " : "") + rows.text(row, 0);
        return blockers;
    }

    Result<void> run_once() {
        return in_mirror([this] { return run_under_source_names(); });
    }

    Result<void> run_under_source_names() {
        for (const RewrittenTable &table : ddl_.rewritten) {
            if (table.rows_needed) WF_TRY(session_.query("DELETE FROM ONLY " + table.name));
        }
        failpoint("ddl_emptied");
        WF_TRY(created_.look_before());
        std::optional<pq::Rows> relations;
        if (may_reach_others()) {
            WF_ASSIGN(relations, session_.query(relations_sql));
        }
        WF_TRY(settings_.enter(true));
        const bool plain = (ddl_.flags & WF_DDL_OUTSIDE) != 0;
        if (plain) WF_TRY(keep_bounds());
        for (const auto &statement : ddl_.statements) {
            WF_TRY(session_.query(plain ? without_concurrently(statement) : statement));
        }
        WF_TRY(settings_.leave(true));
        if (relations) WF_TRY(check_dropped(*relations));
        failpoint("ddl_executed");
        WF_TRY(refill());
        failpoint("ddl_refilled");
        WF_TRY(created_.name_as_at_source());
        return note_columns('C', add_source_columns_sql);
    }

    // DETACH PARTITION CONCURRENTLY leaves the bounds as a check constraint, the plain form doesn't.
    Result<void> keep_bounds() {
        std::vector<std::string> names;
        for (const DdlObject &object : ddl_.objects) {
            if (object.operation == 'C' && object.type == "table constraint") names.push_back(object.names);
        }
        WF_ASSIGN(const pq::Rows checks, session_.query(bounds_as_check_sql, {pq::array_literal(names)}));
        for (int row = 0; row < checks.count(); ++row) WF_TRY(session_.query(checks.text(row, 0)));
        return {};
    }

    // A CASCADE drops what depends on its object here, which may be more than what depended on it at the source.
    bool may_reach_others() const {
        const bool drops = std::any_of(ddl_.objects.begin(), ddl_.objects.end(),
                                       [](const DdlObject &object) { return object.operation == 'D'; });
        std::string text = ddl_.statement;
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
        return drops && text.find("cascade") != std::string::npos;
    }

    Result<void> check_dropped(const pq::Rows &before) {
        std::vector<std::string> oids;
        for (int row = 0; row < before.count(); ++row) oids.push_back(before.text(row, 0));
        WF_ASSIGN(const pq::Rows gone, session_.query(gone_relations_sql, {pq::array_literal(oids)}));
        for (int row = 0; row < gone.count(); ++row) {
            const auto at = static_cast<int>(gone.integer(row, 0)) - 1;
            const bool expected = std::any_of(ddl_.objects.begin(), ddl_.objects.end(), [&](const DdlObject &object) {
                return object.operation == 'D' && object.names == before.view(at, 1);
            });
            if (!expected) {
                return fail(ErrorKind::conflict,
                            "its CASCADE would drop " + before.text(at, 2) + ", which nothing at the source was");
            }
        }
        return {};
    }

    Result<void> refill() {
        for (const RewrittenTable &table : ddl_.rewritten) {
            if (!table.rows_needed) continue;
            WF_ASSIGN(const pq::Rows unchecked, session_.query(unchecked_constraints_sql, {table.name}));
            for (int row = 0; row < unchecked.count(); ++row) WF_TRY(session_.query(unchecked.text(row, 0)));
            for (const Session::StagedRows &rows : session_.staged_rows()) {
                if (rows.relid != table.relid) continue;
                WF_TRY(session_.query(fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
                                                  table.name, rows.columns, rows.columns, rows.name)));
            }
            for (int row = 0; row < unchecked.count(); ++row) {
                WF_TRY(session_.query(unchecked.text(row, 1)));
                WF_TRY(session_.query(unchecked.text(row, 2)));
            }
        }
        return {};
    }

    // --- outside of a transaction

    // Whether it has been done before, as by a process that was killed then.
    Result<bool> is_done_outside() {
        for (const DdlObject &object : ddl_.objects) {
            if (object.type != "index") continue;
            WF_ASSIGN(const pq::Rows rows, session_.query(find_index_sql, {object.names}));
            if (object.operation == 'D') return rows.count() == 0;
            if (rows.count() == 0) return false;
            if (rows.boolean(0, 0)) return true;
            // What is left of an attempt.
            WF_TRY(session_.query_outside("DROP INDEX CONCURRENTLY " + rows.text(0, 1)));
            return false;
        }
        if (ddl_.tag != "ALTER TABLE") return false;
        WF_ASSIGN(const pq::Rows rows, session_.query(find_partition_sql, {pq::array_literal(relation_names())}));
        if (rows.count() == 0) return true;
        if (!rows.boolean(0, 0)) return false;
        WF_TRY(session_.query_outside(rows.text(0, 1)));
        return true;
    }

    Result<void> run_outside() {
        auto deadline = steady_clock::now() + seconds(options_.policy.lock_retry_seconds);
        failpoint("ddl_outside_before");
        while (true) {
            WF_TRY(created_.look_before());
            WF_ASSIGN(const bool done, is_done_outside());
            if (done) return {};
            WF_TRY(settings_.enter(false));
            Result<void> ran;
            for (const auto &statement : ddl_.statements) {
                auto rows = session_.query_outside(statement);
                if (!rows) ran = fail(std::move(rows).error());
                if (!ran) break;
            }
            // Ends what is open at most; the settings were set outside of it.
            if (!ran) WF_TRY(session_.roll_back("ROLLBACK"));
            WF_TRY(settings_.leave(false));
            failpoint("ddl_outside_executed");
            if (ran) return created_.name_as_at_source();
            if (!pq::is_lock(ran.error())) return ran;
            WF_TRY(wait_for_lock(std::move(ran).error(), deadline));
        }
    }

    Session &session_;
    const Ddl &ddl_;
    const DdlOptions &options_;
    Mirror mirror_;
    MirrorScope scope_;
    SourceSettings settings_;
    CreatedObjects created_;
};

// What is nobody's fault, or not the statement's.
bool may_pass(const Error &error) {
    return error.kind == ErrorKind::interrupted || error.kind == ErrorKind::bug ||
           (error.kind == ErrorKind::transient && !pq::is_lock(error));
}

}  // namespace

Result<void> apply_ddl(Session &session, const Ddl &ddl, bool begun, const DdlOptions &options) {
    DdlRun run(session, ddl, options);
    auto done = run.run(begun);
    if (done || may_pass(done.error())) return done;
    run.record_failure(done.error());
    return fail(run.explain(std::move(done).error()));
}

}  // namespace walferry
