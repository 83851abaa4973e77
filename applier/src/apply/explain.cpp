// SPDX-License-Identifier: PostgreSQL
#include "apply/explain.h"

#include <fmt/format.h>

#include "apply/statement.h"
#include "pq/pipeline.h"

namespace walferry {

namespace {

std::string describe(const Transaction &transaction) {
    std::string text = fmt::format("source transaction {}", transaction.xid);
    // Of one that is applied ahead of its commit that isn't known.
    if (transaction.commit_lsn.valid()) text += " committed at " + transaction.commit_lsn.text();
    return text;
}

std::string describe_key(const Change &change, const DestinationTable &table, const pq::ConnectOptions &options) {
    const bool from_old = change.old_kind != OldTuple::none;
    if (change.kind == ChangeKind::truncate || (change.kind == ChangeKind::remove && !from_old)) return {};
    auto reading = options;
    reading.origin.clear();
    auto connection = pq::Connection::open(reading);
    if (!connection) return {};
    ChangeValues values;
    values.split(change);
    std::string items;
    std::vector<Oid> types;
    pq::RawParams params;
    const auto &columns = change.relation->columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!columns[i].key && !columns[i].primary_key) continue;
        const Value &value = from_old ? values.old_row[i] : values.new_row[i];
        types.push_back(table.columns[i].type);
        params.add(value.null() ? nullptr : value.data, value.null() ? 0 : value.length, columns[i].binary);
        if (!items.empty()) items += " || ', ' || ";
        items += fmt::format("{} || pg_catalog.quote_nullable(${}::text)",
                             connection->quote_literal(columns[i].name + " = "), types.size());
    }
    if (types.empty()) return {};
    const pq::Rows rows(PQexecParams(connection->raw(), ("SELECT " + items).c_str(), static_cast<int>(types.size()),
                                     types.data(), params.values.data(), params.lengths.data(), params.formats.data(),
                                     0));
    return rows.count() == 1 ? " (" + rows.text(0, 0) + ")" : std::string{};
}

}  // namespace

const char *operation_name(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::insert:
            return "INSERT";
        case ChangeKind::update:
            return "UPDATE";
        case ChangeKind::remove:
            return "DELETE";
        case ChangeKind::truncate:
            return "TRUNCATE";
    }
    return "";
}

Error explain_change(Error error, const Change &change, const Transaction &transaction, const DestinationTable *table,
                     const pq::ConnectOptions &options) {
    if (error.kind == ErrorKind::server) error.kind = ErrorKind::conflict;
    std::string where = fmt::format("{} of table {}", operation_name(change.kind), change.relation->qualified_name());
    if (error.kind == ErrorKind::conflict && table != nullptr) where += describe_key(change, *table, options);
    where += ", " + describe(transaction);
    return std::move(error).with_context(where);
}

Error explain_commit(Error error, const Transaction &transaction) {
    if (error.kind == ErrorKind::server) error.kind = ErrorKind::conflict;
    return std::move(error).with_context("COMMIT of " + describe(transaction));
}

Error no_identity(const Change &change) {
    return Error{ErrorKind::conflict,
                 Side::source,
                 {},
                 "table " + change.relation->qualified_name() + " has no replica identity",
                 fmt::format("Without one, the source's log does not tell which row this {} changed.",
                             operation_name(change.kind)),
                 "At the source, add a primary key or run ALTER TABLE ... REPLICA IDENTITY FULL, so that later changes "
                 "can be replicated. This one can't be: begin the task anew (walferry cleanup, empty the "
                 "destination, walferry run), or exclude the table.",
                 {}};
}

Error wrong_row_count(std::uint64_t count) {
    return Error{ErrorKind::conflict,
                 Side::destination,
                 count == 0 ? no_such_row : "",
                 count == 0 ? "the row that the source changed does not exist here"
                            : fmt::format("{} rows answer to the one row that the source changed", count),
                 "The destination was written to by somebody else, or a trigger there interferes.",
                 "Make the row as the source had it before this change, and start again.",
                 {}};
}

}  // namespace walferry
