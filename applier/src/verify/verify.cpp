// SPDX-License-Identifier: PostgreSQL
#include "verify/verify.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>
#include <utility>

#include "config/connections.h"
#include "pq/array.h"
#include "pq/connection.h"
#include "schema/tables.h"

namespace walferry {

namespace {

using TableName = std::pair<std::string, std::string>;  // schema, table

struct Column {
    std::string name;
    std::string cast;  // stored_cast_sql's answer
};

// What is compared of one table.
struct Subject {
    TableName name;
    std::string display;
    std::vector<Column> columns;  // all, generated ones too: their values must come out alike
};

const std::string source_columns_sql = std::string(R"(
SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), a.attname, )") +
                                       stored_cast_sql + R"(
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = ANY ($1::pg_catalog.oid[])
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum)";

const char *const destination_columns_sql = R"(
SELECT n.nspname, c.relname, a.attname
FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS wanted (schema_name, table_name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name AND c.relkind = 'r'
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)";

const char *const only_destination_sql = R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'walferry' AND n.nspname = ANY ($1::pg_catalog.text[])
  AND NOT EXISTS (SELECT FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS known (s, t)
                  WHERE known.s = n.nspname AND known.t = c.relname)
ORDER BY 1)";

Result<std::vector<Subject>> read_subjects(pq::Connection &source, const std::vector<Table> &tables) {
    std::vector<std::string> relids;
    for (const auto &table : tables) relids.push_back(std::to_string(table.relid));
    WF_ASSIGN(const pq::Rows rows, source.exec(source_columns_sql, {pq::array_literal(relids)}));
    std::vector<Subject> subjects;
    for (int row = 0; row < rows.count(); ++row) {
        TableName name{rows.text(row, 0), rows.text(row, 1)};
        if (subjects.empty() || subjects.back().name != name) {
            subjects.push_back({std::move(name), rows.text(row, 2), {}});
        }
        if (!rows.null(row, 3)) subjects.back().columns.push_back({rows.text(row, 3), rows.text(row, 4)});
    }
    return subjects;
}

// The subjects' names as two parameters, side by side.
std::vector<pq::Param> name_params(const std::vector<Subject> &subjects) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const auto &subject : subjects) {
        schemas.push_back(subject.name.first);
        names.push_back(subject.name.second);
    }
    return {pq::array_literal(schemas), pq::array_literal(names)};
}

// The columns of those tables that the destination has.
using ColumnSets = std::map<TableName, std::set<std::string>>;

Result<ColumnSets> read_destination_columns(pq::Connection &destination, const std::vector<Subject> &subjects) {
    WF_ASSIGN(const pq::Rows rows, destination.exec(destination_columns_sql, name_params(subjects)));
    ColumnSets out;
    for (int row = 0; row < rows.count(); ++row) {
        auto &columns = out[{rows.text(row, 0), rows.text(row, 1)}];
        if (!rows.null(row, 2)) columns.insert(rows.text(row, 2));
    }
    return out;
}

// Why the destination's table can't be read like the source's, in words; empty if it can.
std::string shape_difference(const Subject &subject, const ColumnSets &at_destination) {
    const auto found = at_destination.find(subject.name);
    if (found == at_destination.end()) return "the destination has no such table";
    auto extra = found->second;
    std::vector<std::string> missing;
    for (const auto &column : subject.columns) {
        if (extra.erase(column.name) == 0) missing.push_back(column.name);
    }
    if (!missing.empty()) return fmt::format("the destination lacks columns: {}", fmt::join(missing, ", "));
    if (!extra.empty()) return fmt::format("only the destination has columns: {}", fmt::join(extra, ", "));
    return {};
}

// One row per table: count and sum of hashes. A sum doesn't depend on the order of rows and, unlike XOR, sees pairs.
std::string sum_sql(const pq::Connection &connection, const Subject &subject, bool same_encoding) {
    std::string row = "ROW(";
    for (const auto &column : subject.columns) {
        if (row.size() > 4) row += ", ";
        row += "t." + connection.quote_identifier(column.name) + column.cast;
    }
    row += ")::pg_catalog.text";
    if (!same_encoding) row = "pg_catalog.encode(pg_catalog.convert_to(" + row + ", 'UTF8'), 'hex')";
    return "SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(pg_catalog.hashtextextended(" + row +
           ", 0)::pg_catalog.numeric), 0) FROM ONLY " +
           connection.quote_qualified(subject.name.first, subject.name.second) + " AS t";
}

Result<TableSum> read_sum(pq::Connection &connection, const Subject &subject, bool same_encoding) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sum_sql(connection, subject, same_encoding)));
    return TableSum{rows.integer(0, 0), rows.text(0, 1)};
}

// An error that concerns the whole comparison, not one table.
bool ends_comparison(const Result<TableSum> &sum) {
    return !sum && (sum.error().kind == ErrorKind::transient || sum.error().kind == ErrorKind::interrupted);
}

// Without the extension (no such schema, no such function) nothing says which tables the task takes.
Error explain(Error error) {
    if (error.sqlstate != "3F000" && error.sqlstate != "42883") return error;
    error.kind = ErrorKind::state;
    return std::move(error).with_hint("The source's database needs the extension: CREATE EXTENSION walferry;");
}

std::string describe(const TableComparison &table) {
    if (table.source->rows != table.destination->rows) {
        const auto more = table.source->rows - table.destination->rows;
        return more > 0 ? fmt::format("the destination lacks {} rows", more)
                        : fmt::format("the destination has {} rows too many", -more);
    }
    return table.source->checksum == table.destination->checksum ? std::string{} : "the contents differ";
}

class Verifier {
public:
    Verifier(pq::Connection source, pq::Connection destination, const Task &task)
        : source_(std::move(source)), destination_(std::move(destination)), task_(task) {}

    Result<Comparison> compare() {
        WF_TRY(compare_encodings());
        auto tables = selected_tables(source_, task_);
        if (!tables) return fail(explain(std::move(tables).error()));
        WF_ASSIGN(const std::vector<Subject> subjects, read_subjects(source_, *tables));
        WF_ASSIGN(const ColumnSets columns, read_destination_columns(destination_, subjects));
        Comparison out;
        for (const auto &subject : subjects) {
            WF_ASSIGN(TableComparison table, compare_table(subject, shape_difference(subject, columns)));
            spdlog::debug("verify: {}: {}", table.table, table.difference.empty() ? "equal" : table.difference);
            out.tables.push_back(std::move(table));
        }
        WF_TRY(note_other_tables(subjects, out));
        return out;
    }

private:
    Result<void> compare_encodings() {
        WF_ASSIGN(const pq::Rows source, source_.exec("SHOW server_encoding"));
        WF_ASSIGN(const pq::Rows destination, destination_.exec("SHOW server_encoding"));
        same_encoding_ = source.view(0, 0) == destination.view(0, 0);
        return {};
    }

    Result<TableComparison> compare_table(const Subject &subject, std::string difference) {
        TableComparison table{subject.display, {}, {}, std::move(difference)};
        if (!table.difference.empty()) return table;
        auto other_side =
            std::async(std::launch::async, [&] { return read_sum(destination_, subject, same_encoding_); });
        const auto source = read_sum(source_, subject, same_encoding_);
        const auto destination = other_side.get();
        for (const auto *sum : {&source, &destination}) {
            if (ends_comparison(*sum)) return fail(sum->error());
            if (!*sum) table.difference = fmt::format("can't be read: {}", sum->error().text());
        }
        if (source) table.source = *source;
        if (destination) table.destination = *destination;
        if (source && destination) table.difference = describe(table);
        return table;
    }

    Result<void> note_other_tables(const std::vector<Subject> &subjects, Comparison &out) {
        WF_ASSIGN(const pq::Rows rows, destination_.exec(only_destination_sql, name_params(subjects)));
        for (int row = 0; row < rows.count(); ++row) {
            out.notes.push_back(fmt::format("{}: at the destination, but the task doesn't take it", rows.view(row, 0)));
        }
        return {};
    }

    pq::Connection source_;
    pq::Connection destination_;
    const Task &task_;
    bool same_encoding_ = true;
};

}  // namespace

bool Comparison::equal() const {
    return std::all_of(tables.begin(), tables.end(),
                       [](const TableComparison &table) { return table.difference.empty(); });
}

Result<Comparison> verify(const Task &task, const StopFlag &stop) {
    WF_ASSIGN(pq::Connection source, pq::Connection::open(control_connection(task, Side::source, "verify", &stop)));
    WF_ASSIGN(pq::Connection destination,
              pq::Connection::open(control_connection(task, Side::destination, "verify", &stop)));
    return Verifier(std::move(source), std::move(destination), task).compare();
}

}  // namespace walferry
