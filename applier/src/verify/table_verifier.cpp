// SPDX-License-Identifier: PostgreSQL
#include "verify/table_verifier.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "config/connections.h"
#include "pq/error.h"
#include "verify/candidates.h"

namespace walferry {

namespace {

// How often a table is compared anew that changed its definition meanwhile, or more than can be told apart.
constexpr int attempts_max = 5;

RowDifference describe(const TableShape &shape, const KeyValues &key, const Difference &found) {
    RowDifference out;
    out.key = key;
    const auto count = [](const std::optional<RowLook> &look) {
        return look ? std::strtoll(look->hashes[0].c_str(), nullptr, 10) : 0;
    };
    if (shape.key.empty()) {
        const auto surplus = count(found.source) - count(found.destination);
        out.fault = surplus > 0 ? RowFault::missing : RowFault::extra;
        out.count = std::abs(surplus);
        out.key = {found.source ? found.source->text : found.destination->text};
        return out;
    }
    if (!found.source || !found.destination) {
        out.fault = found.source ? RowFault::missing : RowFault::extra;
        return out;
    }
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        if (found.source->hashes[i] != found.destination->hashes[i]) out.columns.push_back(shape.columns[i]);
    }
    return out;
}

}  // namespace

Result<pq::Connection> open_for_verify(const Task &task, Side side, const StopFlag &stop) {
    auto options = control_connection(task, side, "verify", &stop);
    options.settings.emplace_back("synchronous_commit", "local");  // of what only flushes the log
    return pq::Connection::open(options);
}

Result<std::unique_ptr<TableVerifier>> TableVerifier::open(const Task &task, const StopFlag &stop) {
    WF_ASSIGN(auto source, open_for_verify(task, Side::source, stop));
    WF_ASSIGN(auto destination, open_for_verify(task, Side::destination, stop));
    WF_ASSIGN(const pq::Rows here, source.exec("SHOW server_encoding"));
    WF_ASSIGN(const pq::Rows there, destination.exec("SHOW server_encoding"));
    const bool same = here.view(0, 0) == there.view(0, 0);
    std::unique_ptr<TableVerifier> verifier(new TableVerifier(task, stop, std::move(source), std::move(destination)));
    verifier->same_encoding_ = same;
    return verifier;
}

Result<TableComparison> TableVerifier::compare(const Table &table) {
    TableComparison out;
    for (int attempt = 1;; ++attempt) {
        if (attempt > 1) WF_TRY(position_.catch_up());  // so that less is under way
        WF_ASSIGN(const auto shapes, read_shapes(source_, destination_, names_, {table}));
        out = {};
        out.schema = table.schema;
        out.name = table.name;
        out.table = shapes.empty() ? source_.quote_qualified(table.schema, table.name) : shapes[0].display;
        if (shapes.empty()) return out;  // dropped meanwhile
        const TableShape &shape = shapes[0];
        for (const std::size_t place : shape.key) out.key.push_back(shape.columns[place]);
        out.problem = shape.problem;
        const bool last = attempt == attempts_max;
        if (out.problem.empty()) {
            const auto compared = try_to_compare(shape, out);
            if (compared && (*compared || last)) break;
            if (compared) continue;
            const Error &error = compared.error();
            if (error.kind == ErrorKind::transient || error.kind == ErrorKind::interrupted) return fail(error);
            out.problem = fmt::format("can't be read: {}", error.text());
            if (!pq::is_missing(error)) break;
        }
        if (last) break;  // else it may be DDL that has arrived on one side
    }
    spdlog::debug("verify: {}: {}, {} rows looked at", out.table, out.equal() ? "equal" : "different", looked_at_);
    return out;
}

// False: too much was under way to say anything.
Result<bool> TableVerifier::try_to_compare(const TableShape &shape, TableComparison &out) {
    WF_ASSIGN(const Candidates candidates, find_candidates(source_, destination_, shape, same_encoding_));
    looked_at_ = candidates.keys.size();
    out.source = candidates.source;
    out.destination = candidates.destination;
    WF_ASSIGN(const Settled settled, settle(source_, destination_, position_, shape, candidates.keys, same_encoding_));
    for (const auto &[key, found] : settled.differing) out.rows.push_back(describe(shape, key, found));
    out.undecided = settled.undecided;
    out.more_rows = candidates.more;
    return !candidates.more || !settled.differing.empty();
}

}  // namespace walferry
