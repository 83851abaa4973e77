// SPDX-License-Identifier: PostgreSQL
#include "observe/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "config/connections.h"
#include "observe/text_table.h"
#include "pq/array.h"
#include "schema/dump.h"
#include "schema/sequences.h"
#include "schema/tables.h"

namespace walferry {

namespace {

// $1, $2 the patterns joined; $3 the include patterns one by one; $4 the settings of tables. A sequence of a column goes by its
// table.
const char *const relations_sql = R"(
SELECT c.oid, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
              WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'foreign table' END,
       pg_catalog.format('%I.%I', n.nspname, c.relname),
       CASE WHEN d.refobjid IS NULL THEN by_pattern.pattern
            ELSE 'with ' || (SELECT pg_catalog.format('%I.%I', tn.nspname, t.relname) FROM pg_catalog.pg_class t
                             JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace WHERE t.oid = d.refobjid) END,
       c.relkind, c.relpersistence, s.settings,
       COALESCE(walferry.selects(COALESCE(d.refobjid, c.oid), $1, $2), false), n.nspname, c.relname,
       (SELECT tn.nspname FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        WHERE t.oid = d.refobjid),
       (SELECT t.relname FROM pg_catalog.pg_class t WHERE t.oid = d.refobjid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
LEFT JOIN LATERAL (SELECT p FROM unnest($3::pg_catalog.text[]) WITH ORDINALITY AS u (p, place)
                   WHERE walferry.selects(c.oid, p, '') ORDER BY place LIMIT 1) AS by_pattern (pattern) ON true
LEFT JOIN LATERAL walferry.table_settings(c.oid, $4) AS s ON c.relkind IN ('r', 'p')
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")";

// What comes whatever the patterns are: tables may need it.
const char *const others_sql = R"(
SELECT kind, name, nspname, local_name FROM (
    SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type' WHEN 'c' THEN 'composite type'
           ELSE 'type' END AS kind, t.oid, 'pg_catalog.pg_type'::pg_catalog.regclass AS class, n.nspname,
           pg_catalog.format('%I.%I', n.nspname, t.typname) AS name, pg_catalog.quote_ident(t.typname) AS local_name
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r', 'b', 'c') AND t.typelem = 0
      AND (t.typrelid = 0 OR (SELECT relkind FROM pg_catalog.pg_class WHERE oid = t.typrelid) = 'c')
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, p.oid,
           'pg_catalog.pg_proc'::pg_catalog.regclass, n.nspname,
           pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
           pg_catalog.format('%I(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace) o
WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'walferry')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL
SELECT 'extension', pg_catalog.quote_ident(extname), NULL, NULL FROM pg_catalog.pg_extension WHERE extname NOT IN ('plpgsql', 'walferry')
ORDER BY 1, 2)";

std::string quoted_list(const nlohmann::json &list) {
    std::string out;
    for (const auto &item : list) out += (out.empty() ? "" : ", ") + item.get<std::string>();
    return out;
}

// The extension's JSON, as one reads it.
std::string describe_settings(std::string_view settings) {
    const auto json = nlohmann::json::parse(settings, nullptr, false);
    if (!json.is_object()) return std::string(settings);
    std::string out;
    const auto add = [&](const std::string &text) { out += (out.empty() ? "" : "; ") + text; };
    if (json.contains("where")) add("where " + json["where"].get<std::string>());
    if (json.contains("columns")) add("columns " + quoted_list(json["columns"]));
    for (const char *key : {"set", "merge"}) {
        if (!json.contains(key)) continue;
        const std::string verb = std::string_view(key) == "merge" ? "merged as " : "";
        for (const auto &[column, expression] : json[key].items()) {
            add(verb + column + " = " + expression.get<std::string>());
        }
    }
    if (json.contains("operations")) add("only " + quoted_list(json["operations"]));
    return out;
}

// Not its definition, but its rows come.
bool is_merged(const pq::Rows &rows, int row) {
    const auto json = nlohmann::json::parse(rows.view(row, 6), nullptr, false);
    return json.is_object() && json.contains("merge");
}

std::string mode_of(const pq::Rows &rows, int row) {
    const char kind = rows.view(row, 4)[0];
    if (!rows.null(row, 6)) return describe_settings(rows.view(row, 6));
    if (kind == 'p') return "rows are its partitions'";
    if (kind == 'r') return rows.view(row, 5) == "u" ? "definition alone: unlogged" : "all rows";
    if (kind == 'S') return "value";
    return "definition";
}

QualifiedName destination_of(const NameMap &names, const pq::Rows &rows, int row) {
    std::optional<QualifiedName> owner;
    if (!rows.null(row, 11)) owner = QualifiedName{rows.text(row, 10), rows.text(row, 11)};
    return sequence_destination(names, {rows.text(row, 8), rows.text(row, 9)}, owner);
}

// As SQL writes them.
Result<std::vector<std::string>> quoted_by_server(pq::Connection &source, const std::vector<QualifiedName> &names) {
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT pg_catalog.quote_ident(s) || '.' || pg_catalog.quote_ident(t)"
                                               " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (s, t, place)"
                                               " ORDER BY place",
                                               name_arrays(names)));
    std::vector<std::string> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back(rows.text(row, 0));
    return out;
}

}  // namespace

Result<TaskObjects> read_task_objects(const Task &task, const StopFlag &stop) {
    WF_ASSIGN(auto source, pq::Connection::open(control_connection(task, Side::source, "objects", &stop)));
    TaskObjects out;
    WF_ASSIGN(out.unmatched, unmatched_patterns(source, task));
    WF_ASSIGN(const auto excluded, excluded_relations(source, task));
    std::set<std::string> left_out;
    for (const auto &relation : excluded) left_out.insert(source.quote_qualified(relation.schema, relation.name));
    WF_ASSIGN(const pq::Rows relations,
              source.exec(relations_sql, {joined_patterns(task.include), joined_patterns(task.exclude),
                                          pq::array_literal(task.include), tables_option(task.tables)}));
    std::vector<QualifiedName> destinations;
    for (int row = 0; row < relations.count(); ++row) {
        destinations.push_back(destination_of(task.names, relations, row));
    }
    WF_ASSIGN(const auto arrives_as, quoted_by_server(source, destinations));
    for (int row = 0; row < relations.count(); ++row) {
        const std::string name = relations.text(row, 2);
        if (!relations.boolean(row, 7) || (left_out.contains(name) && !is_merged(relations, row))) {
            out.left_out.push_back(name);
        } else {
            out.objects.push_back({relations.text(row, 1), name, relations.text(row, 3), mode_of(relations, row),
                                   arrives_as[static_cast<std::size_t>(row)]});
        }
    }
    if (!task.schema_stage) return out;
    WF_ASSIGN(const pq::Rows others, source.exec(others_sql));
    std::vector<QualifiedName> schemas;  // an extension is in none
    for (int row = 0; row < others.count(); ++row) schemas.push_back({task.names.schema(others.view(row, 2)), ""});
    WF_ASSIGN(const auto quoted, quoted_by_server(source, schemas));
    for (int row = 0; row < others.count(); ++row) {
        const std::string &schema = quoted[static_cast<std::size_t>(row)];  // as a prefix: shop.""
        out.objects.push_back(
            {others.text(row, 0), others.text(row, 1), "with the schema", "definition",
             others.null(row, 2) ? others.text(row, 1) : schema.substr(0, schema.size() - 2) + others.text(row, 3)});
    }
    return out;
}

std::string objects_as_text(const TaskObjects &objects) {
    // No such column where all keep their names.
    const bool renames = std::any_of(objects.objects.begin(), objects.objects.end(),
                                     [](const TaskObject &object) { return object.arrives_as != object.name; });
    std::vector<std::vector<std::string>> lines;
    const auto add = [&](const TaskObject &object) {
        lines.push_back({object.kind, object.name, object.why, object.mode});
        if (renames) lines.back().insert(lines.back().begin() + 2, object.arrives_as);
    };
    add({"kind", "name", "why", "what comes", "arrives as"});
    for (const TaskObject &object : objects.objects) add(object);
    std::string out = text_table(lines);
    for (const auto &pattern : objects.unmatched) out += fmt::format("pattern {} matches nothing\n", pattern);
    for (const auto &relation : objects.left_out) out += fmt::format("left out: {}\n", relation);
    return out;
}

std::string objects_as_json(const TaskObjects &objects) {
    auto list = nlohmann::ordered_json::array();
    for (const TaskObject &object : objects.objects) {
        list.push_back({{"kind", object.kind},
                        {"name", object.name},
                        {"arrives_as", object.arrives_as},
                        {"why", object.why},
                        {"mode", object.mode}});
    }
    const nlohmann::ordered_json report = {
        {"objects", std::move(list)}, {"unmatched", objects.unmatched}, {"left_out", objects.left_out}};
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walferry
