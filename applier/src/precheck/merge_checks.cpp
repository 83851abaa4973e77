// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pq/array.h"
#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

// $1 a table, $2 columns. Those of them that it lacks.
const char *const lacking_sql = R"(
SELECT w FROM unnest($2::pg_catalog.text[]) AS u (w)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = w AND a.attnum > 0 AND NOT a.attisdropped))";

// Its unique indexes in which a row of one source may meet one of another's: those without a column of $2.
const char *const colliding_sql = R"(
SELECT pg_catalog.format('%I of %s', c.relname, $1::text)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisunique
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) AND a.attname = ANY ($2::text[])))";

const char *const writable_sql = R"(
SELECT pg_catalog.has_table_privilege($1::text, 'SELECT') AND pg_catalog.has_table_privilege($1::text, 'INSERT')
   AND pg_catalog.has_table_privilege($1::text, 'UPDATE') AND pg_catalog.has_table_privilege($1::text, 'DELETE'))";

struct Faults {
    std::vector<std::string> unfit;      // tables, and why
    std::vector<std::string> holding;    // tables that hold rows of this source's already
    std::vector<std::string> colliding;  // indexes
};

Result<void> look_at(CheckContext &context, const Table &table, Faults &faults) {
    pq::Connection &destination = *context.destination;
    WF_ASSIGN(const pq::Rows there, destination.exec("SELECT name, pg_catalog.to_regclass(name) IS NOT NULL"
                                                     " FROM pg_catalog.format('%I.%I', $1::text, $2::text) AS f (name)",
                                                     {table.destination.schema, table.destination.name}));
    const std::string name = there.text(0, 0);
    const auto unfit = [&](const std::string &why) { faults.unfit.push_back(name + ": " + why); };
    if (!there.boolean(0, 1)) {
        unfit("it does not exist");
        return {};
    }
    WF_ASSIGN(const auto lacking,
              read_values(destination, lacking_sql, {name, pq::array_literal(table.destination_columns)}));
    if (!lacking.empty()) {
        unfit(fmt::format("it lacks {}", fmt::join(lacking, ", ")));
        return {};
    }
    if (const auto types = check_column_types(destination, {table}); !types) {
        unfit(types.error().message);
        return {};
    }
    WF_ASSIGN(const pq::Rows writable, destination.exec(writable_sql, {name}));
    if (!writable.boolean(0, 0)) {
        unfit("the account may not write it");
        return {};
    }
    std::vector<std::string> part;
    for (const std::size_t column : table.part_columns) part.push_back(table.destination_columns[column]);
    WF_ASSIGN(const auto colliding, read_values(destination, colliding_sql, {name, pq::array_literal(part)}));
    faults.colliding.insert(faults.colliding.end(), colliding.begin(), colliding.end());
    const bool begins_empty = !context.record && context.task.copy_stage;
    if (!begins_empty || table.conflict.existing_rows != ExistingRows::refuse) return {};
    WF_ASSIGN(const pq::Rows rows, destination.exec(fmt::format("SELECT EXISTS (SELECT FROM ONLY {}{})", name,
                                                                part_clause("WHERE", table.part))));
    if (rows.boolean(0, 0)) faults.holding.push_back(name + part_clause("WHERE", table.part));
    return {};
}

}  // namespace

Result<Finding> check_merged_tables(CheckContext &context) {
    if (!context.task.merges()) return good("none");
    WF_ASSIGN(std::vector<Table> tables, selected_tables(*context.source, context.task, nullptr, Sizes::leave_zero));
    std::erase_if(tables, [](const Table &table) { return table.part.empty(); });
    Faults faults;
    for (const Table &table : tables) WF_TRY(look_at(context, table, faults));
    if (!faults.unfit.empty()) {
        return bad(
            shortened(faults.unfit), "A table into which several tasks merge their rows is made by you.",
            "Make it at the destination as the source's is, with the columns of \"merge\", in its primary key too.");
    }
    if (!faults.holding.empty()) {
        return bad(fmt::format("{} hold rows of this source's: {}", faults.holding.size(), shortened(faults.holding)),
                   "The copy would mix the source's rows with them. Where you want that: conflict.existing_rows.",
                   shortened_lines(faults.holding, "DELETE FROM {};"));
    }
    if (!faults.colliding.empty()) {
        return warning(fmt::format("unique without a column of \"merge\": {}", shortened(faults.colliding)),
                       "A row of one source that has the key of another one's is a conflict, at which the task stops.",
                       "Add the column to the index, if the sources' keys may be the same.");
    }
    return good(fmt::format("{} tables, which fit", tables.size()));
}

}  // namespace walferry
