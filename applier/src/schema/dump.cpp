// SPDX-License-Identifier: PostgreSQL
#include "schema/dump.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "pq/array.h"
#include "pq/conninfo.h"
#include "schema/child_process.h"
#include "schema/pg_tool.h"
#include "schema/script.h"
#include "schema/sections.h"
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

// Relations that the patterns leave out, merged tables, and the views that lean on one of them (through whatever views are in
// between). {0}: whether a table c.oid is merged, {1}: d.refobjid.
constexpr const char *excluded_relations_sql = R"(
WITH RECURSIVE excluded AS (
    SELECT c.oid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
      AND (NOT walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                                pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
           OR (c.relkind IN ('r', 'p') AND {0})
           OR (c.relkind = 'S' AND EXISTS (
               SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND {1})))
      -- a serial's sequence comes with its table
      AND NOT (c.relkind = 'S' AND EXISTS (
          SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_catalog.pg_class'::regclass
            AND NOT {1}
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

// Foreign keys of tables that come, to tables that don't, and how pg_dump calls a comment on one.
const char *const dangling_foreign_keys_sql = R"(
SELECT k.oid, pg_catalog.format('COMMENT %s CONSTRAINT %I ON %I ', n.nspname, k.conname, c.relname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = ANY ($1::oid[]))";

// How many entries a part has at most. Each takes some locks until its transaction ends.
constexpr std::size_t part_entries_max = 1000;
constexpr std::size_t entry_locks = 6;

// As pg_dump and pg_restore take it: nothing in it is a wildcard.
std::string exact_pattern(std::string_view name) {
    std::string out = "\"";
    for (char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

struct Exclusions {
    std::vector<std::string> relations;  // as pg_dump patterns
    std::set<std::string> foreign_keys;  // OIDs
    std::vector<std::string> comments;   // on those: how their entries begin
};

Result<Exclusions> find_exclusions(pq::Connection &source, const Task &task) {
    WF_ASSIGN(const auto relations, excluded_relations(source, task));
    Exclusions exclusions;
    std::vector<std::string> relids;
    for (const auto &relation : relations) {
        exclusions.relations.push_back(exact_pattern(relation.schema) + "." + exact_pattern(relation.name));
        relids.push_back(std::to_string(relation.relid));
    }
    WF_ASSIGN(const pq::Rows keys, source.exec(dangling_foreign_keys_sql, {pq::array_literal(relids)}));
    for (int row = 0; row < keys.count(); ++row) {
        exclusions.foreign_keys.insert(keys.text(row, 0));
        exclusions.comments.push_back(keys.text(row, 1));
    }
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

bool is_excluded(const Entry &entry, const Exclusions &exclusions) {
    if (entry.rest.starts_with("FK CONSTRAINT ")) return exclusions.foreign_keys.contains(entry.oid);
    return std::any_of(exclusions.comments.begin(), exclusions.comments.end(),
                       [&](const std::string &comment) { return entry.rest.starts_with(comment); });
}

// "-- Name: t; Type: TABLE; Schema: public; Owner: o" as the list has it: "TABLE public t".
std::string listed_as(std::string_view header) {
    static constexpr std::string_view labels[] = {"-- Name: ", "; Type: ", "; Schema: ", "; Owner: "};
    std::string_view fields[3];
    if (!header.starts_with(labels[0])) return {};
    std::size_t at = labels[0].size();
    for (std::size_t i = 0; i < 3; ++i) {
        const auto end = header.find(labels[i + 1], at);
        if (end == std::string_view::npos) return {};
        fields[i] = header.substr(at, end - at);
        at = end + labels[i + 1].size();
    }
    return fmt::format("{} {} {}", fields[1], fields[2], fields[0]);
}

// What comes into a schema that is there already goes into it, as several tasks may fill one.
std::string with_shared_schemas(const std::string &script) {
    static constexpr std::string_view create_schema = "CREATE SCHEMA ";
    std::string out;
    std::string listed;  // the entry that the line is of
    for (std::string_view rest = script; !rest.empty();) {
        const std::string_view line = take_line(rest);
        if (line.starts_with("-- Name: ")) listed = listed_as(line);
        if (line.starts_with(create_schema) && listed.starts_with("SCHEMA - ")) {
            out += create_schema;
            out += "IF NOT EXISTS ";
            out += line.substr(create_schema.size());
        } else {
            out += line;
        }
    }
    return out;
}

// Cuts a script in front of entries, which begin with a comment of three lines. What looks like one inside of a function's
// body passes for a beginning only if it names an entry that is still to come; then the cut leaves an incomplete statement,
// which the server refuses.
std::vector<std::string> cut_into_parts(const std::string &script, const std::vector<Entry> &entries,
                                        std::size_t part_entries) {
    std::vector<std::string> parts(1);
    std::vector<std::string>
        settings;          // that pg_restore makes for some of the entries, and of which later ones rely on the last
    std::size_t next = 0;  // entry
    std::size_t in_part = part_entries;  // so that the first entry begins a part
    std::string line_before;
    for (std::string_view rest = script; !rest.empty();) {
        const std::string line(take_line(rest));
        if (line_before == "--\n") {
            const std::string listed = listed_as(line);
            auto found = entries.end();
            if (!listed.empty()) {
                found = std::find_if(entries.begin() + static_cast<std::ptrdiff_t>(next), entries.end(),
                                     [&](const Entry &entry) { return (entry.rest + " ").starts_with(listed + " "); });
            }
            if (found != entries.end()) {
                next = static_cast<std::size_t>(found - entries.begin()) + 1;
                if (in_part++ >= part_entries) {
                    in_part = 1;
                    parts.emplace_back();
                    for (const auto &setting : settings) parts.back() += setting;
                }
            }
        }
        if (parts.size() > 1 &&
            line.starts_with("SET default_table")) {  // default_tablespace, default_table_access_method
            const auto name_of = [](const std::string &setting) { return setting.substr(0, setting.find('=')); };
            std::erase_if(settings, [&](const auto &earlier) { return name_of(earlier) == name_of(line); });
            settings.push_back(line);
        }
        parts.back() += line;
        line_before = line;
    }
    return parts;
}
struct Dump {
    std::string script;
    std::vector<Entry> entries;
};

// Of everything, or, as pg_dump's patterns, of single tables.
Result<Dump> dump(pq::Connection &source, pq::Connection &destination, const Task &task, const std::string &snapshot,
                  const std::vector<std::string> &only) {
    const auto version = tool_version(source, destination);
    WF_ASSIGN(const std::string pg_dump, find_pg_tool(task, "pg_dump", version));
    WF_ASSIGN(const std::string pg_restore, find_pg_tool(task, "pg_restore", version));
    WF_ASSIGN(const auto settings, known_settings(destination));
    WF_ASSIGN(Exclusions exclusions, find_exclusions(source, task));
    if (!only.empty()) exclusions.relations.clear();  // they are not among the task's, as yet

    const TemporaryFolder folder;
    if (!folder.valid())
        return fail(ErrorKind::state, "can't make a temporary folder", "Set TMPDIR to one that can be written.");
    const std::string archive = folder.file("schema.dump");

    WF_ASSIGN(pq::Conninfo info, pq::Conninfo::parse(task.source_conninfo, "source.conninfo"));
    const std::string password = info.take_password();
    info.set("application_name", "walferry " + task.name + ": schema");

    std::vector<std::string> command = {pg_dump,
                                        "--format=custom",
                                        "--schema-only",
                                        "--no-publications",
                                        "--no-subscriptions",
                                        "--exclude-schema=walferry",
                                        "--snapshot=" + snapshot,
                                        "--file=" + archive,
                                        "--dbname=" + info.text(),
                                        "--no-password"};
    for (const auto &table : only) command.push_back("--table=" + table);
    std::vector<std::string> restore = {pg_restore, archive};
    for (auto *arguments : {&command, &restore}) {
        if (!task.owners) arguments->emplace_back("--no-owner");
        if (!task.grants) arguments->emplace_back("--no-privileges");
    }
    for (const auto &relation : exclusions.relations) command.push_back("--exclude-table=" + relation);
    WF_TRY(run_tool(command, password));

    auto list_arguments = restore;
    list_arguments.emplace_back("--list");
    WF_ASSIGN(const std::string list, run_tool(list_arguments, {}));
    std::vector<Entry> entries = parse_list(list);
    std::erase_if(entries,
                  [&](const Entry &entry) { return is_own_extension(entry) || is_excluded(entry, exclusions); });
    // An index of a partition that is attached already can't be made: it has come by that, from the parent's. One that is
    // there before is taken for it.
    const auto attaches = [](const Entry &entry) {
        return entry.rest.starts_with("TABLE ATTACH ") ? 1 : entry.rest.starts_with("INDEX ATTACH ") ? 2 : 0;
    };
    if (!only.empty()) {
        std::stable_sort(entries.begin(), entries.end(),
                         [&](const Entry &a, const Entry &b) { return attaches(a) < attaches(b); });
    }
    const std::string list_file = folder.file("list");
    std::ofstream file(list_file, std::ios::trunc);
    for (const Entry &entry : entries) file << entry.line << '\n';
    file.close();
    if (!file) return fail(ErrorKind::state, "can't write " + list_file);
    restore.push_back("--use-list=" + list_file);
    restore.emplace_back("--file=-");
    WF_ASSIGN(const std::string script, run_tool(restore, {}));
    return Dump{with_shared_schemas(fit_script(script, settings)), std::move(entries)};
}

}  // namespace

Result<std::vector<ExcludedRelation>> excluded_relations(pq::Connection &source, const Task &task) {
    WF_ASSIGN(const pq::Rows rows, source.exec(fmt::format(excluded_relations_sql, is_merged_sql(task, "c.oid"),
                                                           is_merged_sql(task, "d.refobjid")),
                                               {hex_patterns(task.include), hex_patterns(task.exclude)}));
    std::vector<ExcludedRelation> out;
    for (int row = 0; row < rows.count(); ++row) {
        out.push_back({static_cast<std::uint32_t>(rows.integer(row, 2)), rows.text(row, 0), rows.text(row, 1)});
    }
    return out;
}

Result<std::vector<std::string>> dump_schema(pq::Connection &source, pq::Connection &destination, const Task &task,
                                             const std::string &snapshot, std::size_t locks) {
    WF_ASSIGN(const Dump dumped, dump(source, destination, task, snapshot, {}));
    auto parts = cut_into_parts(dumped.script, dumped.entries,
                                std::clamp<std::size_t>(locks / entry_locks, 1, part_entries_max));
    // pg_dump takes for granted that every database has one.
    if (parts.size() > 1 && task.names.schema("public") != "public")
        parts[1] = "CREATE SCHEMA IF NOT EXISTS public;\n" + parts[1];
    return parts;
}

Result<std::string> dump_tables(pq::Connection &source, pq::Connection &destination, const Task &task,
                                const std::string &snapshot,
                                const std::vector<std::pair<std::string, std::string>> &tables) {
    std::vector<std::string> only;
    std::set<std::string> schemas;
    for (const auto &[schema, name] : tables) {
        only.push_back(exact_pattern(schema) + "." + exact_pattern(name));
        schemas.insert(exact_pattern(schema));
    }
    WF_ASSIGN(const Dump dumped, dump(source, destination, task, snapshot, only));
    std::string script;
    for (const auto &schema : schemas) script += "CREATE SCHEMA IF NOT EXISTS " + schema + ";\n";
    return script + dumped.script;
}

}  // namespace walferry
