// SPDX-License-Identifier: PostgreSQL
#include "compare.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace walferry::testing {

namespace {

// Table and the query for its rows. Where two values of a type print alike and differ (xml, whose output function
// rewrites the declaration), the stored text is taken.
const char *const tables_query = R"(
SELECT format('%I.%I', n.nspname, c.relname),
       'SELECT ROW(' || coalesce(string_agg(
           quote_ident(a.attname) || CASE a.atttypid WHEN 'xml'::regtype THEN '::text'
                                                     WHEN 'xml[]'::regtype THEN '::text[]' ELSE '' END,
           ', ' ORDER BY a.attnum), '')
       || format(')::text COLLATE "C" FROM ONLY %I.%I ORDER BY 1', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('walferry', 'information_schema') AND n.nspname !~ '^pg_'
 GROUP BY n.nspname, c.relname)";

const char *const sequences_query = R"(
SELECT format('%I.%I', schemaname, sequencename),
       format('SELECT last_value || '' '' || is_called FROM %I.%I', schemaname, sequencename)
  FROM pg_sequences WHERE schemaname <> 'walferry')";

using Queries = std::map<std::string, std::string>;

Queries queries(Session &session, const char *query) {
    const auto rows = session.exec(query);
    Queries found;
    for (int i = 0; i < rows.count(); ++i) found.emplace(rows.text(i, 0), rows.text(i, 1));
    return found;
}

std::string compare_names(const Queries &source, const Queries &destination) {
    constexpr int named_max = 5;
    std::string differences;
    int count = 0;
    for (const auto &[name, query] : source) {
        if (destination.contains(name) || ++count > named_max) continue;
        differences += name + " is missing at the destination\n";
    }
    for (const auto &[name, query] : destination) {
        if (source.contains(name) || ++count > named_max) continue;
        differences += name + " is at the destination alone\n";
    }
    if (count > named_max) differences += "and " + std::to_string(count - named_max) + " more on one side alone\n";
    return differences;
}

std::string shortened(const std::string &row) {
    constexpr std::size_t shown = 400;
    if (row.size() <= shown) return row;
    return row.substr(0, shown) + "... (" + std::to_string(row.size()) + " bytes)";
}

// Rows of both sides are read in step. Behind the first difference a stretch of each is compared as a multiset, so
// that one missing row is reported as such and not as a shift of all that follow.
class RowComparison {
public:
    RowComparison(Session &source, Session &destination) : source_(source), destination_(destination) {}

    std::string run(const std::string &name, const std::string &source_query, const std::string &destination_query) {
        must(source_.connection().start_copy_out("COPY (" + source_query + ") TO STDOUT"));
        must(destination_.connection().start_copy_out("COPY (" + destination_query + ") TO STDOUT"));
        std::map<std::string, int> surplus;  // above 0: more often at the source
        std::optional<std::string> left = "";
        std::optional<std::string> right = "";
        while (true) {
            if (left) left = next(source_);
            if (right) right = next(destination_);
            if (!left && !right) break;
            if (surplus.empty() && left == right) continue;
            if (surplus.size() > distinct_max) continue;  // enough, but the rows must be read to the end
            if (left) count(surplus, *left, 1);
            if (right) count(surplus, *right, -1);
        }
        return describe(name, surplus);
    }

private:
    static constexpr std::size_t distinct_max = 2000;

    static std::optional<std::string> next(Session &session) {
        auto row = must(session.connection().copy_row());
        if (!row) return std::nullopt;
        return std::string(row->view());
    }

    static void count(std::map<std::string, int> &surplus, const std::string &row, int by) {
        const auto place = surplus.try_emplace(row, 0).first;
        place->second += by;
        if (place->second == 0) surplus.erase(place);
    }

    static std::string describe(const std::string &name, const std::map<std::string, int> &surplus) {
        std::ostringstream text;
        int differing = 0;
        for (const auto &[row, times] : surplus) {
            if (++differing > 5) continue;
            text << name << ": " << std::abs(times)
                 << (times > 0 ? " more at the source: " : " more at the destination: ") << shortened(row)
                 << (row.ends_with('\n') ? "" : "\n");
        }
        if (differing > 5) text << name << ": and " << differing - 5 << " more differing rows, at least\n";
        return text.str();
    }

    Session &source_;
    Session &destination_;
};

bool is_walferrys_own(const std::string &line) {
    return line.find("EXTENSION walferry") != std::string::npos ||
           line.find("EXTENSION IF NOT EXISTS walferry") != std::string::npos;
}

// Some minors note this for themselves as an option of each column, and pg_dump of an older one doesn't know.
std::string without_attver(std::string line) {
    const auto begin = line.find("pg_attver=");
    if (begin == std::string::npos || line.find(" SET (") == std::string::npos) return line;
    auto end = line.find_first_not_of("0123456789", begin + 10);
    if (line.compare(end, 2, ", ") == 0) end += 2;
    line.erase(begin, end - begin);
    return line.ends_with(" SET ();") ? std::string() : line;
}

// Servers of two versions print one query in different ways.
bool begins_query(const std::string &line) {
    return line.starts_with("CREATE VIEW") || line.starts_with("CREATE MATERIALIZED VIEW") ||
           line.starts_with("CREATE RULE");
}

void replace(std::string &line, const std::string &what, const std::string &by) {
    if (const auto at = line.find(what); at != std::string::npos) line.replace(at, what.size(), by);
}

// From 18 on NOT NULL is a constraint with a name, which children inherit; from 17 on tables have the privilege MAINTAIN.
std::string of_any_version(std::string line) {
    if (line.starts_with("    ") || line.starts_with("CREATE DOMAIN ")) {
        const auto not_null = line.find(" NOT NULL");
        const auto constraint = line.rfind(" CONSTRAINT ", not_null);
        if (not_null != std::string::npos) {
            const auto begin = constraint == std::string::npos ? not_null : constraint;
            line.erase(begin, not_null + 9 - begin);
        }
        if (not_null == 3 || constraint == 3) return {};  // of a table
        if (line.ends_with(",")) line.pop_back();
    }
    if (line.starts_with("GRANT ") || line.starts_with("REVOKE ")) {
        replace(line, "MAINTAIN,", "");
        replace(line, "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON", "ALL ON");
    }
    return line;
}

std::vector<std::string> schema_lines(const std::string &conninfo) {
    std::istringstream dump(dumped_schema(conninfo, {"--no-owner", "--no-privileges", "--encoding=UTF8"}));
    std::vector<std::string> lines;
    for (std::string line; std::getline(dump, line);) {
        const bool noise = line.empty() || line.starts_with("--") || line.starts_with("\\restrict") ||
                           line.starts_with("\\unrestrict") || line.starts_with("SET client_encoding");
        if (!noise && !is_walferrys_own(line)) lines.push_back(line);
    }
    return lines;
}

std::string context(const std::vector<std::string> &lines, std::size_t at) {
    std::string text;
    for (std::size_t i = at < 3 ? 0 : at - 3; i < std::min(at + 3, lines.size()); ++i) {
        text += (i == at ? "  > " : "    ") + lines[i] + "\n";
    }
    return text;
}

}  // namespace

std::string compare_rows(const Sides &sides) {
    Session source(sides.source);
    Session destination(sides.destination);
    const auto source_tables = queries(source, tables_query);
    const auto destination_tables = queries(destination, tables_query);
    if (source_tables.empty()) return "the source has no tables: nothing is compared\n";
    auto differences = compare_names(source_tables, destination_tables);
    for (const auto &[name, query] : source_tables) {
        const auto twin = destination_tables.find(name);
        if (twin == destination_tables.end()) continue;
        differences += RowComparison(source, destination).run(name, query, twin->second);
    }
    return differences;
}

std::string compare_sequences(const Sides &sides) {
    Session source(sides.source);
    Session destination(sides.destination);
    const auto source_sequences = queries(source, sequences_query);
    const auto destination_sequences = queries(destination, sequences_query);
    auto differences = compare_names(source_sequences, destination_sequences);
    for (const auto &[name, query] : source_sequences) {
        if (!destination_sequences.contains(name)) continue;
        const auto left = source.value(query);
        const auto right = destination.value(query);
        if (left != right) differences += name + ": " + left + " at the source, " + right + " at the destination\n";
    }
    return differences;
}

std::string dumped_schema(const std::string &conninfo, const std::vector<std::string> &options) {
    std::vector<std::string> command = {"pg_dump", "--schema-only", "--exclude-schema=walferry",
                                        "--dbname=" + conninfo};
    command.insert(command.end(), options.begin(), options.end());
    std::istringstream dump(run_or_throw(command));
    std::string text;
    bool in_query = false;
    for (std::string line; std::getline(dump, line);) {
        if (in_query) {
            in_query = !line.ends_with(";");
            continue;
        }
        in_query = !same_version() && !line.ends_with(";") && begins_query(line);
        line = without_attver(std::move(line));
        if (!same_version()) line = of_any_version(std::move(line));
        if (!line.empty()) text += line + "\n";
    }
    return text;
}

std::string compare_schema(const Sides &sides) {
    const auto source = schema_lines(sides.source);
    const auto destination = schema_lines(sides.destination);
    const auto [left, right] = std::mismatch(source.begin(), source.end(), destination.begin(), destination.end());
    if (left == source.end() && right == destination.end()) return {};
    return "schemas differ; at the source:\n" + context(source, static_cast<std::size_t>(left - source.begin())) +
           "at the destination:\n" + context(destination, static_cast<std::size_t>(right - destination.begin()));
}

std::string compare(const Sides &sides) {
    return compare_schema(sides) + compare_rows(sides) + compare_sequences(sides);
}

}  // namespace walferry::testing
