// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include <algorithm>

#include "config/connections.h"
#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"
#include "schema/pg_tool.h"
#include "schema/sections.h"

namespace walferry {

namespace {

// How many tables one statement asks whether they hold rows.
constexpr std::size_t tables_per_statement = 200;

struct Existing {
    std::vector<std::string> present;  // quoted
    std::vector<std::string> missing;
    std::vector<std::string> to_be_empty;  // of those that are present
};

// Which of the selected tables' names the destination has, as relations of whatever kind. Merged ones are looked at apart.
Result<Existing> find_existing(CheckContext &context) {
    std::vector<std::string> empty;
    std::vector<Table> tables;
    std::vector<std::uint32_t> relids;
    for (const Table &table : context.tables) relids.push_back(table.relid);
    WF_ASSIGN(const TableSections sections, find_sections(*context.source, context.task, relids));
    for (const Table &table : context.tables) {
        const auto section = sections.find(table.relid);
        if (section != sections.end() && section->second != nullptr && !section->second->merge.empty()) continue;
        tables.push_back(table);
        const auto existing = conflict_policy(context.task, sections, table.relid).existing_rows;
        empty.emplace_back(existing == ExistingRows::refuse ? "t" : "f");
    }
    auto params = destination_arrays(tables);
    params.emplace_back(pq::array_literal(empty));
    WF_ASSIGN(
        const pq::Rows rows,
        context.destination->exec(
            "SELECT pg_catalog.format('%I.%I', wanted.s, wanted.t), c.oid IS NOT NULL, wanted.empty"
            " FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[], $3::pg_catalog.bool[]) AS wanted (s, t, empty)"
            " LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)"
            " ON n.nspname = wanted.s AND c.relname = wanted.t ORDER BY 1",
            params));
    Existing out;
    for (int row = 0; row < rows.count(); ++row) {
        (rows.boolean(row, 1) ? out.present : out.missing).push_back(rows.text(row, 0));
        if (rows.boolean(row, 1) && rows.boolean(row, 2)) out.to_be_empty.push_back(rows.text(row, 0));
    }
    return out;
}

Result<std::vector<std::string>> tables_with_rows(pq::Connection &destination, const std::vector<std::string> &quoted) {
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin < quoted.size(); begin += tables_per_statement) {
        const auto end = std::min(begin + tables_per_statement, quoted.size());
        std::string sql;
        for (auto i = begin; i < end; ++i) {
            if (i > begin) sql += " UNION ALL ";
            sql += fmt::format("SELECT {} WHERE EXISTS (SELECT FROM ONLY {})", i, quoted[i]);
        }
        WF_ASSIGN(const pq::Rows rows, destination.exec(sql));
        for (int row = 0; row < rows.count(); ++row) {
            out.push_back(quoted[static_cast<std::size_t>(rows.integer(row, 0))]);
        }
    }
    return out;
}

// Those of `names` for which the destination has no row in `catalog`.
Result<std::vector<std::string>> absent(pq::Connection &destination, const std::vector<std::string> &names,
                                        const std::string &catalog, const std::string &column) {
    return read_values(destination,
                       "SELECT w FROM pg_catalog.unnest($1::pg_catalog.text[]) AS wanted (w) WHERE NOT EXISTS"
                       " (SELECT FROM pg_catalog." +
                           catalog + " AS c WHERE c." + column + " = w) ORDER BY 1",
                       {pq::array_literal(names)});
}

// Can text in the source's encoding be converted by the destination? The setting is put back.
Result<bool> converts(pq::Connection &destination, const std::string &encoding) {
    const auto set = destination.exec("SET client_encoding = " + destination.quote_literal(encoding));
    if (!set && set.error().kind != ErrorKind::server) return fail(set.error());
    WF_TRY(destination.exec("SET client_encoding = 'UTF8'"));
    return set.has_value();
}

std::string account(CheckContext &context) {
    return context.destination->quote_identifier(PQuser(context.destination->raw()));
}

}  // namespace

Result<Finding> check_encoding(CheckContext &context) {
    WF_ASSIGN(const std::string source, read_value(*context.source, "SHOW server_encoding"));
    WF_ASSIGN(const std::string destination, read_value(*context.destination, "SHOW server_encoding"));
    const auto found = fmt::format("source {}, destination {}", source, destination);
    const std::string recreate = fmt::format("Create the destination's database with ENCODING '{}'.", source);
    if (source == destination && source != "SQL_ASCII") return good(found);
    if (source == "SQL_ASCII" || destination == "SQL_ASCII") {
        return warning(found,
                       "SQL_ASCII bytes are neither checked nor converted; what isn't valid text in the other "
                       "encoding stops the task.",
                       source == destination ? std::string{} : recreate);
    }
    WF_ASSIGN(const bool possible, converts(*context.destination, source));
    if (!possible) return bad(found, "PostgreSQL has no conversion between the two.", recreate);
    if (destination == "UTF8") return note(found, "The destination converts; UTF8 holds every character.");
    return warning(found, "The destination converts; a character that it lacks stops the task.", recreate);
}

Result<Finding> check_collation(CheckContext &context) {
    // The ICU locale's column has had two names; before 17 the version of C is none.
    static const std::string name_sql =
        "SELECT pg_catalog.concat_ws(', ', datcollate, datctype, CASE datlocprovider WHEN 'i' THEN 'ICU '"
        " || COALESCE(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') WHEN 'b' THEN 'builtin' END)"
        " FROM pg_catalog.pg_database d WHERE datname = pg_catalog.current_database()";
    static const std::string version_sql =
        "SELECT COALESCE(datcollversion, 'none') FROM pg_catalog.pg_database"
        " WHERE datname = pg_catalog.current_database()";
    WF_ASSIGN(const std::string source, read_value(*context.source, name_sql));
    WF_ASSIGN(const std::string destination, read_value(*context.destination, name_sql));
    if (source != destination) {
        return warning(fmt::format("source {}, destination {}", source, destination),
                       "Text sorts in another order there, and lower() and the like may give other values.",
                       "Create the destination's database with the LC_COLLATE and LC_CTYPE of the source's.");
    }
    WF_ASSIGN(const std::string source_version, read_value(*context.source, version_sql));
    WF_ASSIGN(const std::string destination_version, read_value(*context.destination, version_sql));
    if (source_version == destination_version) return good(source);
    return warning(
        fmt::format("{}: version {} at the source, {} at the destination", source, source_version, destination_version),
        "Some strings sort in another order there. Indexes are built anew, so they are right; what has the "
        "order of text in it, as partition bounds and the results of ORDER BY, may come out otherwise.",
        "Look at range-partitioned tables with text keys; \"walferry verify\" compares all rows.");
}

// Where the extension or another account has made the schema already.
Result<Finding> check_bookkeeping_schema(CheckContext &context) {
    WF_ASSIGN(const bool refused,
              read_boolean(*context.destination,
                           "SELECT NOT pg_catalog.has_schema_privilege(oid, 'CREATE, USAGE')"
                           " OR NOT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace"
                           " WHERE nspname = 'walferry'"));
    if (!refused || context.record) return good("no obstacle");
    const std::string sql = "GRANT CREATE, USAGE ON SCHEMA walferry TO " + account(context);
    return mended_by(
        bad("schema walferry exists, and is another account's", "The task's tables are made there.", sql + ";"),
        Side::destination, {sql});
}

// Of tables that somebody else has made.
Result<Finding> check_write_privileges(CheckContext &context) {
    if (context.task.schema_stage) return good("the task makes its tables");
    WF_ASSIGN(const Existing existing, find_existing(context));
    WF_ASSIGN(
        const std::vector<std::string> refused,
        read_values(
            *context.destination,
            "SELECT name FROM unnest($1::pg_catalog.text[]) AS name"
            " WHERE NOT (pg_catalog.has_table_privilege(name, 'SELECT')"
            " AND pg_catalog.has_table_privilege(name, 'INSERT') AND pg_catalog.has_table_privilege(name, 'UPDATE')"
            " AND pg_catalog.has_table_privilege(name, 'DELETE')) ORDER BY 1",
            {pq::array_literal(existing.present)}));
    if (refused.empty()) return good("all tables can be written");
    const std::string grant = "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO " + account(context);
    return mended_by(bad(fmt::format("{} tables can't be written: {}", refused.size(), shortened(refused)),
                         "Changes are applied to them.", shortened_lines(refused, grant + ";")),
                     Side::destination, for_each_name(refused, grant));
}

Result<Finding> check_replica_triggers(CheckContext &context) {
    WF_ASSIGN(
        const pq::Rows rows,
        context.source->exec("SELECT pg_catalog.format('%I ON %I.%I', g.tgname, n.nspname, c.relname),"
                             " pg_catalog.format('ALTER TABLE %I.%I ENABLE TRIGGER %I', n.nspname, c.relname, g.tgname)"
                             " FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid"
                             " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                             " WHERE pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY ($1::pg_catalog.text[])"
                             " AND g.tgenabled IN ('A', 'R') AND NOT g.tgisinternal ORDER BY 1",
                             {pq::array_literal(context.quoted)}));
    std::vector<std::string> found;
    std::vector<std::string> statements;
    for (int row = 0; row < rows.count(); ++row) {
        found.push_back(rows.text(row, 0));
        statements.push_back(rows.text(row, 1));
    }
    if (found.empty()) return good("none fires for replicated changes");
    return mended_by(
        warning(fmt::format("{} fire for replicated changes: {}", found.size(), shortened(found)),
                "They run at the destination as well (ENABLE ALWAYS, REPLICA): what they write comes twice if "
                "it is replicated too.",
                "At the source, if that is not meant:\n" + shortened_lines(statements, "{};")),
        Side::source, statements, false);
}

Result<Finding> check_extension_versions(CheckContext &context) {
    if (!context.task.schema_stage) return good("not needed without the stage \"schema\"");
    static const std::string sql =
        "SELECT pg_catalog.concat(name, ' ', version) FROM (SELECT extname AS name, extversion AS version"
        " FROM pg_catalog.pg_extension WHERE extname NOT IN ('plpgsql', 'walferry')) AS e ORDER BY 1";
    WF_ASSIGN(const std::vector<std::string> used, read_values(*context.source, sql));
    WF_ASSIGN(
        const std::vector<std::string> different,
        read_values(
            *context.destination,
            "SELECT u FROM unnest($1::pg_catalog.text[]) AS u"
            " JOIN pg_catalog.pg_available_extensions a ON a.name = pg_catalog.split_part(u, ' ', 1)"
            " WHERE COALESCE(a.installed_version, a.default_version) <> pg_catalog.split_part(u, ' ', 2) ORDER BY 1",
            {pq::array_literal(used)}));
    if (different.empty()) return good(used.empty() ? "the source uses none" : "the same on both sides");
    return warning("other versions at the destination than " + shortened(different),
                   "Their types and functions may differ there.",
                   "Bring both sides to one version: ALTER EXTENSION ... UPDATE; at the source.");
}

Result<Finding> check_destination_create(CheckContext &context) {
    WF_ASSIGN(const bool allowed, read_boolean(*context.destination,
                                               "SELECT pg_catalog.has_database_privilege("
                                               "pg_catalog.current_database(), 'CREATE')"));
    if (allowed) return good("allowed");
    const std::string sql =
        fmt::format("GRANT CREATE ON DATABASE {} TO {}",
                    context.destination->quote_identifier(PQdb(context.destination->raw())), account(context));
    return mended_by(bad("not allowed", "The task keeps its position in tables of a schema of its own.", sql + ";"),
                     Side::destination, {sql});
}

Result<Finding> check_session_replication_role(CheckContext &context) {
    const auto set = context.destination->exec("SET session_replication_role = replica");
    if (!set) {
        if (set.error().sqlstate != "42501") return fail(set.error());
        const std::string sql = fmt::format("GRANT SET ON PARAMETER session_replication_role TO {}", account(context));
        const bool grantable = context.destination->server_version() >= 150000;
        auto finding =
            bad("may not be set", "Triggers and foreign keys would run a second time for replicated changes.",
                grantable ? "As a superuser: " + sql + ";"
                          : "Use a superuser: before PostgreSQL 15 nobody else may set it.");
        if (!grantable) return finding;
        return mended_by(std::move(finding), Side::destination, {sql});
    }
    WF_TRY(context.destination->exec("RESET session_replication_role"));
    return good("may be set");
}

// Each session that writes takes one (pq/origin.h).
Result<Finding> check_replication_origins(CheckContext &context) {
    const Task &task = context.task;
    if (!task.local) return good("not used: \"origin\" in [source] is not \"local\"");
    WF_ASSIGN(const std::vector<std::string> refused,
              read_values(*context.destination,
                          "SELECT oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc"
                          " WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace"
                          " AND proname IN ('pg_replication_origin_create', 'pg_replication_origin_session_setup',"
                          " 'pg_replication_origin_xact_setup', 'pg_replication_origin_drop')"
                          " AND NOT pg_catalog.has_function_privilege(oid, 'EXECUTE') ORDER BY 1"));
    if (!refused.empty()) {
        const std::string sql =
            fmt::format("GRANT EXECUTE ON FUNCTION {} TO {}", fmt::join(refused, ", "), account(context));
        return mended_by(bad(fmt::format("may not be used: {}", fmt::join(refused, ", ")),
                             "By its origin a change is known that must not go back to where it came from.",
                             "As a superuser: " + sql + ";"),
                         Side::destination, {sql});
    }
    const auto sessions = task.apply_workers + (task.streaming ? 1 : 0) + (task.copy_stage ? task.copy_jobs + 1 : 0) +
                          2;  // one for tables that the operator asks for, one for repair
    const std::string setting =
        context.destination->server_version() >= 180000 ? "max_active_replication_origins" : "max_replication_slots";
    WF_ASSIGN(const pq::Rows rows,
              context.destination->exec(
                  "SELECT pg_catalog.current_setting($2)::int, (SELECT count(*) FROM pg_catalog.pg_replication_origin"
                  " WHERE NOT pg_catalog.starts_with(roname, $1 || '_'))",
                  {origin_name(task), setting}));
    const auto room = rows.integer(0, 0) - rows.integer(0, 1);
    const auto found =
        fmt::format("{} wanted, {} of {} free", sessions, std::max<std::int64_t>(room, 0), rows.integer(0, 0));
    if (room >= sessions) return good(found);
    const std::string sql =
        fmt::format("ALTER SYSTEM SET {} = {}", setting, rows.integer(0, 1) + static_cast<std::int64_t>(sessions));
    return mended_by(
        warning(found, "Each session that writes takes one; the task stops when there is none left.",
                fmt::format("At the destination: {}; then restart it. Or lower apply.workers and copy.jobs.", sql)),
        Side::destination, {sql}, false);
}

Result<Finding> check_destination_tables(CheckContext &context) {
    if (context.record) return good("the task has begun: it knows its tables");
    WF_ASSIGN(const Existing existing, find_existing(context));
    if (context.task.schema_stage) {
        if (existing.present.empty()) return good("none exists");
        return bad(fmt::format("{} exist already: {}", existing.present.size(), shortened(existing.present)),
                   "The stage \"schema\" creates them, and never over something that is there.",
                   "Drop or rename them at the destination, or leave \"schema\" out of \"stages\" in [task].");
    }
    if (!existing.missing.empty()) {
        return bad(fmt::format("{} do not exist: {}", existing.missing.size(), shortened(existing.missing)),
                   "Without the stage \"schema\" the destination must have every selected table.",
                   "Create them, add \"schema\" to \"stages\" in [task], or exclude them in [objects].");
    }
    if (!context.task.copy_stage) return good("all exist");
    WF_ASSIGN(const std::vector<std::string> filled, tables_with_rows(*context.destination, existing.to_be_empty));
    if (filled.empty())
        return good(existing.to_be_empty.size() == existing.present.size()
                        ? "all exist and are empty"
                        : "all exist, and are empty where they have to be");
    return mended_by(bad(fmt::format("{} hold rows: {}", filled.size(), shortened(filled)),
                         "The copy would mix the source's rows with them. Where you want that: conflict.existing_rows.",
                         shortened_lines(filled, "TRUNCATE {};")),
                     Side::destination, for_each_name(filled, "TRUNCATE {}"), false);
}

Result<Finding> check_pg_dump(CheckContext &context) {
    PgToolVersion version{15, 15};
    if (context.source)
        version = tool_version(*context.source, context.destination ? *context.destination : *context.source);
    std::string found;
    for (const char *tool : {"pg_dump", "pg_restore"}) {
        const auto path = find_pg_tool(context.task, tool, version);
        if (!path) {
            return bad(path.error().message, "The stage \"schema\" reads definitions with it.", path.error().hint);
        }
        found += (found.empty() ? "" : ", ") + *path;
    }
    return good(found);
}

Result<Finding> check_extensions_available(CheckContext &context) {
    if (!context.task.schema_stage) return good("not needed without the stage \"schema\"");
    WF_ASSIGN(const std::vector<std::string> used,
              read_values(*context.source,
                          "SELECT extname FROM pg_catalog.pg_extension"
                          " WHERE extname NOT IN ('plpgsql', 'walferry') ORDER BY 1"));
    WF_ASSIGN(const std::vector<std::string> missing,
              absent(*context.destination, used, "pg_available_extensions", "name"));
    if (missing.empty()) return good(used.empty() ? "the source uses none" : "all can be had: " + shortened(used));
    return bad("not at the destination: " + shortened(missing), "The source's objects may need them.",
               "Install their files on the destination's machine: contrib modules are in Debian's package "
               "postgresql-<major>, others in packages of their own (apt-cache search postgresql-).");
}

Result<Finding> check_roles(CheckContext &context) {
    const auto &task = context.task;
    if (!task.schema_stage || (!task.owners && !task.grants)) {
        return good("not needed: neither owners nor grants are copied");
    }
    const std::string kinds = std::string(task.owners ? "o" : "") + (task.grants ? "a" : "");
    std::vector<std::string> relids;
    for (const auto &table : context.tables) relids.push_back(std::to_string(table.relid));
    // The bootstrap superuser is in no dependency, so the owners of tables and large objects are asked for apart.
    WF_ASSIGN(
        const std::vector<std::string> used,
        read_values(*context.source,
                    "SELECT r.rolname FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid"
                    " WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass"
                    " AND d.dbid = (SELECT oid FROM pg_catalog.pg_database"
                    "               WHERE datname = pg_catalog.current_database())"
                    " AND pg_catalog.strpos($1, d.deptype::pg_catalog.text) > 0"
                    " UNION SELECT r.rolname FROM pg_catalog.pg_class c"
                    " JOIN pg_catalog.pg_roles r ON r.oid = c.relowner"
                    " WHERE pg_catalog.strpos($1, 'o') > 0 AND c.oid = ANY ($2::pg_catalog.oid[])"
                    " UNION SELECT r.rolname FROM pg_catalog.pg_largeobject_metadata m"
                    " JOIN pg_catalog.pg_roles r ON r.oid = m.lomowner"
                    " WHERE pg_catalog.strpos($1, 'o') > 0 AND $3",
                    {kinds, pq::array_literal(relids), task.copy_stage && task.large_objects ? "t" : "f"}));
    WF_ASSIGN(const std::vector<std::string> missing, absent(*context.destination, used, "pg_roles", "rolname"));
    if (missing.empty()) return good(fmt::format("all {} exist at the destination", used.size()));
    std::vector<std::string> quoted;
    for (const auto &role : missing) quoted.push_back(context.destination->quote_identifier(role));
    return mended_by(
        bad("not at the destination: " + shortened(missing), "Objects are to belong or be granted to them.",
            "On the source's machine: pg_dumpall --roles-only, and run what is missing at the destination; "
            "or set \"owners\" and \"grants\" in [schema] to false."),
        Side::destination, for_each_name(quoted, "CREATE ROLE {}"), false);
}

}  // namespace walferry
