// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/hex.h"
#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

const char *const named_sql = R"(
SELECT s.name, t.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM unnest($1::pg_catalog.oid[]) AS t (oid)
JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
     walferry.table_settings(t.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS s
WHERE s.name IS NOT NULL ORDER BY 1, 3)";

// What the extension says of one table's settings: an error, if they don't fit it.
const char *const sent_sql = R"(
SELECT (walferry.sent_rows($1::pg_catalog.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))).condition)";

// Columns that the destination needs a value for, and gets none.
const char *const unfilled_sql = R"(
SELECT pg_catalog.format('%s.%I', $3::text, a.attname)
FROM walferry.sent_rows($1::pg_catalog.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS r
JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attname <> ALL (r.columns))";

struct NamedTable {
    std::string oid;
    std::string name;  // quoted and qualified
};

struct Faults {
    std::vector<std::string> settings;  // what is wrong with each, with its place
    std::vector<std::string> unfilled;  // columns
};

Result<void> look_at(pq::Connection &source, const std::string &option, const NamedTable &table, Faults &faults) {
    const auto sent = source.exec(sent_sql, {table.oid, option});
    if (!sent && sent.error().kind != ErrorKind::server) return fail(sent.error());
    if (!sent) {
        Error error = sent.error();
        // The server names the setting, in the first line, where the message alone would not.
        const std::string setting = error.context.substr(0, error.context.find('\n'));
        std::string text = setting.starts_with('"') ? setting + ": " + error.message : error.message;
        for (const auto &more : {error.detail, error.hint}) text += more.empty() ? "" : "\n" + more;
        faults.settings.push_back(std::move(text));
        return {};
    }
    WF_ASSIGN(const std::vector<std::string> unfilled,
              read_values(source, unfilled_sql, {table.oid, option, table.name}));
    faults.unfilled.insert(faults.unfilled.end(), unfilled.begin(), unfilled.end());
    return {};
}

}  // namespace

Result<Finding> check_table_settings(CheckContext &context) {
    const auto &settings = context.task.tables;
    if (tables_option(settings) == no_tables) return good("no table has any");
    const std::string option = to_hex(tables_option(settings));
    std::vector<std::string> oids;
    for (const Table &table : context.tables) oids.push_back(std::to_string(table.relid));
    const auto named = context.source->exec(named_sql, {pq::array_literal(oids), option});
    if (!named) return bad(named.error().message, named.error().detail, named.error().hint);
    Faults faults;
    for (int row = 0; row < named->count(); ++row) {
        WF_TRY(look_at(*context.source, option, {named->text(row, 1), named->text(row, 2)}, faults));
    }
    if (!faults.settings.empty()) {
        const std::string &first = faults.settings.front();
        const auto more = faults.settings.size() - 1;
        return bad(first.substr(0, first.find('\n')) + (more > 0 ? fmt::format(", and {} more", more) : ""),
                   fmt::format("{}", fmt::join(faults.settings, "\n")), "Correct [[tables]] in the task file.");
    }
    if (!faults.unfilled.empty()) {
        return bad("NOT NULL columns without a default would get no value: " + shortened(faults.unfilled),
                   "A column that is not among \"columns\" has its default at the destination.",
                   "Add them to \"columns\"; to hide their values, give them another one in \"set\": { column = "
                   "\"'hidden'\" }.");
    }
    return good(fmt::format("those of {} tables", named->count()));
}

}  // namespace walferry
