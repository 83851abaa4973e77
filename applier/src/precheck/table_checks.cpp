// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include "copy/large_objects.h"
#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"
#include "schema/lock_table.h"

namespace walferry {

namespace {

std::string relids(const std::vector<Table> &tables) {
    std::vector<std::string> out;
    for (const auto &table : tables) out.push_back(std::to_string(table.relid));
    return pq::array_literal(out);
}

// The quoted names of the selected tables for which `condition` (on c: pg_class, n: pg_namespace) holds.
Result<std::vector<std::string>> tables_where(CheckContext &context, const std::string &condition) {
    return read_values(*context.source,
                       "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND (" +
                           condition + ") ORDER BY 1",
                       {relids(context.tables)});
}

std::string account(CheckContext &context) { return context.source->quote_identifier(PQuser(context.source->raw())); }

// pg_dump locks them all for its time, which nothing can keep it from: partitioned tables are among them.
const char *const dumped_tables_sql = R"(
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
  AND walferry.selects(c.oid, $1, $2))";

// Routines in languages whose bodies the server reads when they run.
const char *const bodies_sql = R"(
SELECT p.oid::pg_catalog.regprocedure::text, pg_catalog.concat(p.prosrc, ' ', p.proconfig)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry') AND p.prosqlbody IS NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1)";

}  // namespace

Result<Finding> check_source_locks(CheckContext &context) {
    const auto &task = context.task;
    WF_ASSIGN(const std::size_t locks, lock_table_size(*context.source));
    WF_ASSIGN(const pq::Rows rows,
              context.source->exec(dumped_tables_sql, {joined_patterns(task.include), joined_patterns(task.exclude)}));
    const auto tables = static_cast<std::size_t>(rows.integer(0, 0));
    const auto found = fmt::format("{} tables, room for {} locks", tables, locks);
    if (!task.schema_stage || context.record || tables <= locks) return good(found);
    WF_ASSIGN(const std::string setting, read_value(*context.source, "SHOW max_locks_per_transaction"));
    const auto wanted = (tables * 5 / 4 / locks + 1) * std::stoul(setting);
    const std::string sql = fmt::format("ALTER SYSTEM SET max_locks_per_transaction = {}", wanted);
    return mended_by(bad(found, "pg_dump locks all tables at once while it reads their definitions.",
                         sql + "; and restart the source. Or several tasks, each for some of the schemas."),
                     Side::source, {sql}, false);
}

Result<Finding> check_tables_selected(CheckContext &context) {
    Task plain = context.task;  // settings have a check of their own
    plain.tables.clear();
    WF_ASSIGN(context.tables, selected_tables(*context.source, plain));
    WF_ASSIGN(context.quoted, tables_where(context, "true"));
    if (context.tables.empty()) {
        return bad("none", "The patterns select no table of the source's database.",
                   "Change \"include\" or \"exclude\" in [objects]; patterns are schema.table, as in psql.");
    }
    return good(fmt::format("{} tables", context.tables.size()));
}

Result<Finding> check_patterns(CheckContext &context) {
    const auto unmatched = unmatched_patterns(*context.source, context.task);
    if (!unmatched) return bad(unmatched.error().message, unmatched.error().detail, unmatched.error().hint);
    if (unmatched->empty()) return good("each matches something");
    const auto found = "nothing is matched by " + shortened(*unmatched);
    if (context.record) return note(found, "It was checked when the task began; what it matched may be gone since.");
    if (context.task.allow_unmatched) return note(found, "Tables that come later may be.");
    return bad(
        found, "Perhaps a name is mistyped: then something is missing, or what was to be held back isn't.",
        "Correct the pattern in [objects] or [[tables]]. If it is for tables to come, set \"allow_unmatched\" in "
        "[objects] to true.");
}

Result<Finding> check_mapped_names(CheckContext &context) {
    if (context.task.names.empty()) return good("every object keeps its name");
    const auto checked = check_names(*context.source, context.task);
    if (!checked && checked.error().kind != ErrorKind::state) return fail(checked.error());
    if (!checked)
        return bad(checked.error().message, "One of them would be in the other's place.", checked.error().hint);
    WF_ASSIGN(const pq::Rows bodies, context.source->exec(bodies_sql));
    std::vector<std::string> concerned;
    for (int row = 0; row < bodies.count(); ++row) {
        if (context.task.names.may_concern(bodies.view(row, 1))) concerned.push_back(bodies.text(row, 0));
    }
    if (concerned.empty() || !context.task.schema_stage) return good("no two objects arrive at one name");
    return warning(
        fmt::format("the bodies of {} routines may have mapped names: {}", concerned.size(), shortened(concerned)),
        "A body is text and arrives as it is; for applied changes it doesn't run.",
        "Have them find their tables by search_path, or change them at the destination before it is used.");
}

Result<Finding> check_select_privileges(CheckContext &context) {
    WF_ASSIGN(const std::vector<std::string> refused,
              tables_where(context,
                           "NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
                           " OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')"));
    if (refused.empty()) return good("all tables can be read");
    WF_ASSIGN(const std::vector<std::string> schemas,
              read_values(*context.source,
                          "SELECT DISTINCT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c"
                          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                          " WHERE c.oid = ANY ($1::pg_catalog.oid[])"
                          " AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')",
                          {relids(context.tables)}));
    auto remedy = shortened_lines(schemas, "GRANT USAGE ON SCHEMA {} TO " + account(context) + ";");
    if (!remedy.empty()) remedy += '\n';
    remedy += shortened_lines(refused, "GRANT SELECT ON {} TO " + account(context) + ";");
    auto statements = for_each_name(schemas, "GRANT USAGE ON SCHEMA {} TO " + account(context));
    for (auto &sql : for_each_name(refused, "GRANT SELECT ON {} TO " + account(context))) {
        statements.push_back(std::move(sql));
    }
    return mended_by(bad(fmt::format("{} tables can't be read: {}", refused.size(), shortened(refused)),
                         "The copy and verify read every selected table.", remedy),
                     Side::source, std::move(statements));
}

Result<Finding> check_sequence_privileges(CheckContext &context) {
    const auto &task = context.task;
    // A sequence that belongs to a column follows its table, another one its own name.
    WF_ASSIGN(const std::vector<std::string> refused,
              read_values(*context.source,
                          "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_sequence s"
                          " JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid"
                          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                          " LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                          " AND d.objid = c.oid AND d.deptype IN ('a', 'i')"
                          " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                          " WHERE c.relpersistence = 'p' AND n.nspname <> 'walferry'"
                          " AND NOT pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')"
                          " AND walferry.selects(COALESCE(d.refobjid, c.oid), $1, $2) ORDER BY 1",
                          {joined_patterns(task.include), joined_patterns(task.exclude)}));
    if (refused.empty()) return good("all sequences can be read");
    return mended_by(bad(fmt::format("{} sequences can't be read: {}", refused.size(), shortened(refused)),
                         "Their values are set at the destination.",
                         shortened_lines(refused, "GRANT SELECT ON SEQUENCE {} TO " + account(context) + ";")),
                     Side::source, for_each_name(refused, "GRANT SELECT ON SEQUENCE {} TO " + account(context)));
}

Result<Finding> check_row_security(CheckContext &context) {
    WF_ASSIGN(const std::vector<std::string> hidden, tables_where(context, "pg_catalog.row_security_active(c.oid)"));
    if (hidden.empty()) return good("no policy hides rows from the account");
    return mended_by(bad(fmt::format("policies apply to {} tables: {}", hidden.size(), shortened(hidden)),
                         "The copy would miss rows, so it refuses to read these tables.",
                         fmt::format("ALTER ROLE {} BYPASSRLS;", account(context))),
                     Side::source, {fmt::format("ALTER ROLE {} BYPASSRLS", account(context))});
}

Result<Finding> check_replica_identity(CheckContext &context) {
    std::vector<std::string> relids_without;
    for (const auto &table : context.tables) {
        if (!table.has_identity) relids_without.push_back(std::to_string(table.relid));
    }
    if (relids_without.empty()) return good("every table has one");
    WF_ASSIGN(const std::vector<std::string> names,
              tables_where(context, "c.oid = ANY ('" + pq::array_literal(relids_without) + "'::pg_catalog.oid[])"));
    return mended_by(warning(fmt::format("{} tables have none: {}", names.size(), shortened(names)),
                             "INSERT and TRUNCATE are replicated; an UPDATE or DELETE of such a table stops the task.",
                             shortened_lines(names, "ALTER TABLE {} REPLICA IDENTITY FULL;")),
                     Side::source, for_each_name(names, "ALTER TABLE {} REPLICA IDENTITY FULL"));
}

Result<Finding> check_unlogged_tables(CheckContext &context) {
    // The patterns never select one, so those are named that stand beside selected tables.
    WF_ASSIGN(const std::vector<std::string> names,
              read_values(*context.source,
                          "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
                          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                          " WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND c.relnamespace IN"
                          " (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = ANY ($1::pg_catalog.oid[]))"
                          " ORDER BY 1",
                          {relids(context.tables)}));
    if (names.empty()) return good("none in the schemas of selected tables");
    return mended_by(warning(fmt::format("{} in the schemas of selected tables: {}", names.size(), shortened(names)),
                             "Unlogged tables write no WAL: neither their rows nor their changes are replicated.",
                             shortened_lines(names, "ALTER TABLE {} SET LOGGED;")),
                     Side::source, for_each_name(names, "ALTER TABLE {} SET LOGGED"), false);
}

Result<Finding> check_large_objects(CheckContext &context) {
    const auto &task = context.task;
    WF_ASSIGN(const std::string count,
              read_value(*context.source, "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata"));
    if (count == "0") return good("none");
    if (!task.copy_stage || !task.large_objects) {
        return warning(count + ", not copied",
                       "Columns that name them (oid, lo) keep numbers without content. Logical decoding carries none.",
                       task.copy_stage ? "Set \"large_objects\" in [copy] to true, or copy them apart: pg_dump -b."
                                       : "Copy them apart: pg_dump -b.");
    }
    WF_ASSIGN(const std::vector<std::string> refused, unreadable_large_objects(*context.source));
    if (!refused.empty()) {
        auto remedy = shortened_lines(refused, "GRANT SELECT ON LARGE OBJECT {} TO " + account(context) + ";");
        remedy += fmt::format(
            "\nor, as a superuser, for all there are and will be: ALTER ROLE {} SET lo_compat_privileges = on;",
            account(context));
        return mended_by(bad(fmt::format("{} of {} can't be read: {}", refused.size(), count, shortened(refused)),
                             "The copy reads every large object.", remedy),
                         Side::source,
                         for_each_name(refused, "GRANT SELECT ON LARGE OBJECT {} TO " + account(context)));
    }
    if (!context.record) {
        WF_ASSIGN(const std::vector<std::string> taken, colliding_large_objects(*context.source, *context.destination));
        if (!taken.empty()) {
            return bad(
                fmt::format("the destination has some of the same OIDs: {}", shortened(taken)),
                "The copy makes each with the source's OID, and never over one that is there.",
                "If they are of no use: SELECT lo_unlink(oid) FROM pg_largeobject_metadata; at the destination. Else "
                "set \"large_objects\" in [copy] to false.");
        }
    }
    if (!task.stream_stage) return good(count + ", they come with the copy");
    return warning(
        count + ", they come with the copy; later changes to them don't",
        "Logical decoding carries none: what is written to them after the copy does not arrive.",
        "Keep such data in bytea columns, or write no large objects from the copy to the switch. Or copy them again "
        "at the switch: SELECT lo_unlink(oid) FROM pg_largeobject_metadata; at the destination, then pg_dump "
        "--data-only -b --exclude-table='*' of the source into it.");
}

}  // namespace walferry
