// SPDX-License-Identifier: PostgreSQL
#include "schema/dump.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "pq/conninfo.h"
#include "schema/child_process.h"
#include "schema/pg_tool.h"
#include "schema/tables.h"

namespace walferry {

namespace {

// A folder of our own that is gone when we are done.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "walferry.XXXXXX").string();
        if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    bool valid() const { return !path_.empty(); }
    std::string file(const std::string &name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

// Relations that the patterns leave out, and the views that lean on one of them (through whatever views are in between).
const char *const excluded_relations_sql = R"(
WITH RECURSIVE excluded AS (
    SELECT c.oid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
      AND NOT walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                               pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
      -- a serial's sequence comes with its table
      AND NOT (c.relkind = 'S' AND EXISTS (
          SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_catalog.pg_class'::regclass
            AND walferry.selects(d.refobjid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                                 pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))))
    UNION
    SELECT r.ev_class
    FROM excluded e
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = e.oid
                                AND d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.deptype = 'n'
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
)
SELECT n.nspname, c.relname, c.oid
FROM excluded e
JOIN pg_catalog.pg_class c ON c.oid = e.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'i')";

// Foreign keys of tables that come, to tables that don't.
const char *const dangling_foreign_keys_sql = R"(
SELECT oid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = ANY ($1::oid[]))";

struct Exclusions {
    std::vector<std::string> relations;  // as pg_dump patterns
    std::set<std::string> foreign_keys;  // OIDs
};

Result<Exclusions> find_exclusions(pq::Connection &source, const Task &task) {
    WF_ASSIGN(const pq::Rows rows,
              source.exec(excluded_relations_sql, {hex_patterns(task.include), hex_patterns(task.exclude)}));
    Exclusions exclusions;
    const auto pattern = [](std::string_view name) {  // quoted: nothing in it is a wildcard
        std::string out = "\"";
        for (char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
        return out + "\"";
    };
    std::string relids = "{";
    for (int row = 0; row < rows.count(); ++row) {
        exclusions.relations.push_back(pattern(rows.view(row, 0)) + "." + pattern(rows.view(row, 1)));
        if (row > 0) relids += ',';
        relids += rows.view(row, 2);
    }
    WF_ASSIGN(const pq::Rows keys, source.exec(dangling_foreign_keys_sql, {relids + "}"}));
    for (int row = 0; row < keys.count(); ++row) exclusions.foreign_keys.insert(keys.text(row, 0));
    return exclusions;
}

Result<std::string> run_tool(const std::vector<std::string> &arguments, const std::string &password) {
    std::vector<std::pair<std::string, std::string>> environment;
    if (!password.empty()) environment.emplace_back("PGPASSWORD", password);
    WF_ASSIGN(ProcessOutput result, run_process(arguments, environment));
    if (result.exit_code == 0) return std::move(result.output);
    while (!result.errors.empty() && result.errors.back() == '\n') result.errors.pop_back();
    Error error{ErrorKind::state, Side::source, {}, {}, {}, {}, {}};
    error.message = fmt::format("{} failed with exit code {}", std::filesystem::path(arguments[0]).filename().string(),
                                result.exit_code);
    error.detail = result.errors;
    error.hint = "The source account must be able to read the definition of every selected object.";
    return fail(std::move(error));
}

// An entry of `pg_restore --list`: "215; 1259 16385 TABLE public t owner".
struct Entry {
    std::string line;
    std::string oid;   // of the object in the catalog, "0" if it has none of its own
    std::string rest;  // from the kind on
};

std::vector<Entry> parse_list(const std::string &list) {
    std::vector<Entry> entries;
    std::istringstream lines(list);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == ';') continue;
        std::istringstream fields(line);
        std::string dump_id;
        std::string table_oid;
        Entry entry;
        fields >> dump_id >> table_oid >> entry.oid;
        std::getline(fields >> std::ws, entry.rest);
        entry.line = line;
        entries.push_back(std::move(entry));
    }
    return entries;
}

bool is_own_extension(const Entry &entry) {
    return entry.rest.starts_with("EXTENSION - walferry ") || entry.rest.starts_with("COMMENT - EXTENSION walferry ");
}

// Foreign keys, and comments on constraints, since the constraint may be a foreign key.
bool is_constraint_entry(const Entry &entry) {
    if (entry.rest.starts_with("FK CONSTRAINT ")) return true;
    return entry.rest.starts_with("COMMENT ") && entry.rest.find(" CONSTRAINT ") != std::string::npos;
}

// Newer minors of pg_restore wrap a script in psql's \restrict and \unrestrict, which no server understands.
std::string without_psql_commands(const std::string &script) {
    std::string out;
    std::size_t at = 0;
    while (at < script.size()) {
        const std::size_t end = std::min(script.find('\n', at), script.size() - 1) + 1;
        const std::string_view line(script.data() + at, end - at);
        if (!line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ")) out += line;
        at = end;
    }
    return out;
}

}  // namespace

Result<SchemaScripts> dump_schema(pq::Connection &source, const Task &task) {
    const int major = source.server_version() / 10000;
    WF_ASSIGN(const std::string pg_dump, find_pg_tool(task, "pg_dump", major));
    WF_ASSIGN(const std::string pg_restore, find_pg_tool(task, "pg_restore", major));
    WF_ASSIGN(const Exclusions exclusions, find_exclusions(source, task));

    const TemporaryFolder folder;
    if (!folder.valid())
        return fail(ErrorKind::state, "can't make a temporary folder", "Set TMPDIR to one that can be written.");
    const std::string archive = folder.file("schema.dump");

    WF_ASSIGN(pq::Conninfo info, pq::Conninfo::parse(task.source_conninfo, "source.conninfo"));
    const std::string password = info.take_password();
    info.set("application_name", "walferry " + task.name + ": schema");

    std::vector<std::string> dump = {pg_dump,
                                     "--format=custom",
                                     "--schema-only",
                                     "--no-publications",
                                     "--no-subscriptions",
                                     "--exclude-schema=walferry",
                                     "--file=" + archive,
                                     "--dbname=" + info.text(),
                                     "--no-password"};
    if (!task.owners) dump.emplace_back("--no-owner");
    if (!task.grants) dump.emplace_back("--no-privileges");
    for (const auto &relation : exclusions.relations) dump.push_back("--exclude-table=" + relation);
    WF_TRY(run_tool(dump, password));

    const auto section = [&](const std::string &name, auto &&wanted) -> Result<std::string> {
        std::vector<std::string> restore = {pg_restore, "--section=" + name, archive};
        if (!task.owners) restore.emplace_back("--no-owner");
        if (!task.grants) restore.emplace_back("--no-privileges");
        auto list_arguments = restore;
        list_arguments.emplace_back("--list");
        WF_ASSIGN(const std::string list, run_tool(list_arguments, {}));
        const std::string list_file = folder.file("list");
        std::ofstream file(list_file, std::ios::trunc);
        bool any = false;
        for (const Entry &entry : parse_list(list)) {
            if (is_own_extension(entry) || !wanted(entry)) continue;
            file << entry.line << '\n';
            any = true;
        }
        file.close();
        if (!file) return fail(ErrorKind::state, "can't write " + list_file);
        if (!any) return std::string{};
        restore.push_back("--use-list=" + list_file);
        restore.emplace_back("--file=-");
        WF_ASSIGN(const std::string script, run_tool(restore, {}));
        return without_psql_commands(script);
    };

    SchemaScripts scripts;
    WF_ASSIGN(scripts.tables, section("pre-data", [](const Entry &) { return true; }));
    WF_ASSIGN(scripts.indexes, section("post-data", [](const Entry &entry) { return !is_constraint_entry(entry); }));
    WF_ASSIGN(scripts.constraints, section("post-data", [&](const Entry &entry) {
                  return is_constraint_entry(entry) && !exclusions.foreign_keys.contains(entry.oid);
              }));
    return scripts;
}

}  // namespace walferry
