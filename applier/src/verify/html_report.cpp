// SPDX-License-Identifier: PostgreSQL
#include "verify/html_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "verify/report.h"

namespace walferry {

namespace {

constexpr std::size_t rows_shown_max = 200;  // of a table; --json has all

// Light and dark as the dashboard (http/page/dashboard.css).
constexpr std::string_view head = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root {
  --page: #f4f6f8; --card: #ffffff; --ink: #14212b; --soft: #5b6b78; --line: #dde3e8;
  --good: #17734a; --bad: #b3261e; --warn: #8a5a00; --good-back: #e2f4ea; --bad-back: #fbe9e7; --warn-back: #fdf1d8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f161c; --card: #18222b; --ink: #e8eef2; --soft: #93a3b0; --line: #2a3742;
    --good: #63d297; --bad: #ff8a80; --warn: #f3c15c; --good-back: #14352a; --bad-back: #3d1c1b; --warn-back: #3a2e12;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 20px; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 20px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 18px 0 6px; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: 13px; margin: 4px 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; margin-top: 16px; overflow-x: auto; }
.verdict { border-left: 5px solid var(--good); background: var(--good-back); }
.verdict.bad { border-color: var(--bad); background: var(--bad-back); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 12px; font-weight: 600; background: var(--good-back); color: var(--good); }
.badge.bad { background: var(--bad-back); color: var(--bad); }
.badge.warn { background: var(--warn-back); color: var(--warn); }
code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
</style>
)";

std::string escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string rows_of(const std::optional<TableSum> &sum) { return sum ? fmt::format("{}", sum->rows) : "–"; }

const char *badge_kind(const TableComparison &table) {
    if (!table.equal()) return "badge bad";
    return table.undecided > 0 ? "badge warn" : "badge";
}

std::string tables_part(const Comparison &comparison) {
    std::vector<const TableComparison *> tables;
    for (const TableComparison &table : comparison.tables) tables.push_back(&table);
    std::stable_partition(tables.begin(), tables.end(), [](const TableComparison *table) { return !table->equal(); });
    std::string out =
        "<section><h2>Tables</h2><table><thead><tr><th>table</th><th class=\"number\">rows at the source</th>"
        "<th class=\"number\">at the destination</th><th>verdict</th></tr></thead><tbody>\n";
    for (const TableComparison *table : tables) {
        out += fmt::format(
            "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td><span class=\"{}\">{}</span></td></tr>\n",
            escaped(table->table), rows_of(table->source), rows_of(table->destination), badge_kind(*table),
            escaped(verdict_of(*table)));
    }
    return out + "</tbody></table></section>\n";
}

std::string row_part(const TableComparison &table, const RowDifference &row) {
    const std::string fault =
        row.count > 1 ? fmt::format("{} × {}", row.count, to_string(row.fault)) : std::string(to_string(row.fault));
    return fmt::format("<tr><td>{}</td><td><code>{}</code></td><td>{}</td></tr>\n", fault,
                       escaped(table.key.empty() ? fmt::format("{}", fmt::join(row.key, ""))
                                                 : fmt::format("({})", fmt::join(row.key, ", "))),
                       escaped(fmt::format("{}", fmt::join(row.columns, ", "))));
}

std::string rows_part(const Comparison &comparison) {
    std::string out;
    for (const TableComparison &table : comparison.tables) {
        if (table.rows.empty()) continue;
        out += fmt::format(
            "<h3>{}</h3><table><thead><tr><th>row</th><th>{}</th><th>columns that differ</th></tr></thead><tbody>\n",
            escaped(table.table),
            table.key.empty() ? "its text" : escaped(fmt::format("({})", fmt::join(table.key, ", "))));
        for (std::size_t i = 0; i < std::min(table.rows.size(), rows_shown_max); ++i) {
            out += row_part(table, table.rows[i]);
        }
        out += "</tbody></table>\n";
        if (table.rows.size() > rows_shown_max) {
            out += fmt::format("<p class=\"note\">and {} more</p>\n", table.rows.size() - rows_shown_max);
        }
    }
    return out.empty() ? out : "<section><h2>Rows</h2>" + out + "</section>\n";
}

std::string objects_part(const Comparison &comparison) {
    if (comparison.objects.empty()) return {};
    std::string out =
        "<section><h2>Definitions and sequences</h2><table><thead><tr><th>object</th><th>at the source</th>"
        "<th>at the destination</th><th>remedy</th></tr></thead><tbody>\n";
    for (const ObjectDifference &object : comparison.objects) {
        const auto definition = [](const std::string &text) {
            return text.empty() ? "<span class=\"note\">none</span>" : "<code>" + escaped(text) + "</code>";
        };
        std::string remedy;
        for (const std::string &statement : object.remedy) remedy += statement + ";\n";
        out += fmt::format("<tr><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(object.kind),
                           escaped(object.name), definition(object.source), definition(object.destination),
                           remedy.empty() ? "by hand" : "<pre>" + escaped(remedy) + "</pre>");
    }
    return out + "</tbody></table></section>\n";
}

std::string notes_part(const Comparison &comparison) {
    if (comparison.notes.empty()) return {};
    std::string out = "<section><h2>Notes</h2>";
    for (const std::string &note : comparison.notes) out += "<p class=\"note\">" + escaped(note) + "</p>\n";
    return out + "</section>\n";
}

std::string verdict_part(const Comparison &comparison) {
    const auto tables = static_cast<std::size_t>(
        std::count_if(comparison.tables.begin(), comparison.tables.end(), [](const auto &t) { return !t.equal(); }));
    if (comparison.equal()) {
        return fmt::format(
            "<section class=\"verdict\"><h2>Nothing differs</h2><p class=\"note\">{} tables compared</p></section>\n",
            comparison.tables.size());
    }
    return fmt::format(
        "<section class=\"verdict bad\" role=\"alert\"><h2>{} of {} tables and {} other objects differ</h2>"
        "<p class=\"note\"><code>walferry repair --dry-run FILE</code> lists what is to be done, <code>walferry repair FILE</code> does it.</p>"
        "</section>\n",
        tables, comparison.tables.size(), comparison.objects.size());
}

}  // namespace

std::string comparison_as_html(const Comparison &comparison, const std::string &task,
                               std::chrono::system_clock::time_point time) {
    std::string out(head);
    out += fmt::format("<title>walferry verify: {0}</title>\n</head>\n<body>\n<h1>walferry verify: {0}</h1>\n",
                       escaped(task));
    out += fmt::format("<p class=\"note\">ended at {:%Y-%m-%d %H:%M:%S} UTC</p>\n",
                       fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(time)));
    out += verdict_part(comparison) + tables_part(comparison) + rows_part(comparison) + objects_part(comparison) +
           notes_part(comparison);
    return out + "</body>\n</html>\n";
}

}  // namespace walferry
