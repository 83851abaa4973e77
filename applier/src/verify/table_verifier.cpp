// SPDX-License-Identifier: PostgreSQL
#include "verify/table_verifier.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "pq/error.h"
#include "verify/piece_size.h"
#include "verify/pieces.h"

namespace walferry {

namespace {

// How often a table is compared anew that changed its definition meanwhile, or more than can be told apart.
constexpr int attempts_max = 5;
// Compared in one piece, unless the rates are limited.
constexpr std::uint64_t small_bytes_max = 8'000'000;
// Of a piece, for the number of buckets.
constexpr std::uint64_t piece_bytes = 64'000'000;
// With so many differing rows, the rest of the table is not looked at.
constexpr std::size_t differing_rows_max = 100'000;
constexpr std::uint64_t random_reads_bytes_max = 1'000'000'000;
const char *const correlation_min = "0.5";

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

void add(const TableSum &more, std::optional<TableSum> &sum) {
    if (!sum) sum.emplace();
    sum->rows += more.rows;
    sum->checksum += more.checksum;
}

}  // namespace

Result<pq::Connection> open_for_verify(const Task &task, Side side, const StopFlag &stop) {
    auto options = control_connection(task, side, "verify", &stop);
    options.settings.emplace_back("synchronous_commit", "local");  // of what only flushes the log
    return pq::Connection::open(options);
}

Result<std::unique_ptr<TableVerifier>> TableVerifier::open(const Task &task, Pace &pace) {
    WF_ASSIGN(auto source, open_for_verify(task, Side::source, pace.stop()));
    WF_ASSIGN(auto destination, open_for_verify(task, Side::destination, pace.stop()));
    WF_ASSIGN(const pq::Rows here, source.exec("SHOW server_encoding"));
    WF_ASSIGN(const pq::Rows there, destination.exec("SHOW server_encoding"));
    const bool same = here.view(0, 0) == there.view(0, 0);
    std::unique_ptr<TableVerifier> verifier(new TableVerifier(task, pace, std::move(source), std::move(destination)));
    verifier->same_encoding_ = same;
    return verifier;
}

Result<TableComparison> TableVerifier::compare(const Table &table, std::optional<PartialComparison> begun,
                                               const SavePart &save) {
    looked_at_ = 0;
    pieces_ = 0;
    bytes_ = table.bytes;
    bytes_shown_ = 0;
    WF_TRY(pace_.wait());  // for the table before
    WF_ASSIGN(TableComparison out, try_until_settled(table, std::move(begun), save));
    show_done(static_cast<double>(bytes_));
    std::sort(out.rows.begin(), out.rows.end(),
              [](const RowDifference &a, const RowDifference &b) { return a.key < b.key; });
    spdlog::debug("verify: {}: {}, {} pieces read, {} rows looked at", out.table, out.equal() ? "equal" : "different",
                  pieces_, looked_at_);
    return out;
}

Result<TableComparison> TableVerifier::try_until_settled(const Table &table, std::optional<PartialComparison> begun,
                                                         const SavePart &save) {
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
            const auto compared = try_to_compare(table, shape, std::exchange(begun, std::nullopt), save, out);
            if (compared && (*compared || last)) return out;
            if (compared) continue;
            const Error &error = compared.error();
            if (error.kind == ErrorKind::transient || error.kind == ErrorKind::interrupted) return fail(error);
            out.problem = fmt::format("can't be read: {}", error.text());
            if (!pq::is_missing(error)) return out;
        }
        if (last) return out;  // else it may be DDL that has arrived on one side
    }
}

// False: too much was under way to say anything.
Result<bool> TableVerifier::try_to_compare(const Table &table, const TableShape &shape,
                                           std::optional<PartialComparison> begun, const SavePart &save,
                                           TableComparison &out) {
    WF_TRY(prefer_index(false));
    WF_ASSIGN(const bool ranges, has_ranges(shape));
    const bool one_piece = is_small(shape) && !begun;
    WF_ASSIGN(const std::string basis, one_piece ? Result<std::string>() : basis_of(table, shape));
    bool whole = true;
    if (ranges) {
        KeyRange first;
        if (begun && begun->basis == basis && begun->found.key == out.key) {
            spdlog::info("verify: {} goes on from ({}) = ({})", out.table, fmt::join(out.key, ", "),
                         fmt::join(begun->next, ", "));
            out = std::move(begun->found);
            if (out.source) pace_.add_rows(static_cast<std::uint64_t>(out.source->rows));
            first.from = std::move(begun->next);
        }
        WF_ASSIGN(whole, compare_by_ranges(shape, basis, std::move(first), save, out));
    } else {
        WF_ASSIGN(whole, compare_at_once(shape, out));
    }
    if (!whole || one_piece) return whole;
    // Emptied, copied again, rewritten or altered meanwhile?
    WF_ASSIGN(const auto now, read_shapes(source_, destination_, names_, {table}));
    if (now.empty()) return false;
    WF_ASSIGN(const std::string basis_now, basis_of(table, now[0]));
    return basis_now == basis;
}

Result<bool> TableVerifier::compare_at_once(const TableShape &shape, TableComparison &out) {
    const auto read_side = [&](pq::Connection &connection, const SideShape &side, const ReadPiece &read_piece) {
        return read_in_pieces(connection, side, pace_, [&](const Piece &piece) -> Result<std::uint64_t> {
            auto rows = read_piece(piece);
            if (connection.side() == Side::source) show_done(piece.done * static_cast<double>(bytes_));
            return rows;
        });
    };
    WF_ASSIGN(const Candidates candidates,
              find_candidates(source_, destination_, shape, shape.bytes, same_encoding_, read_side));
    ++pieces_;
    pace_.add_rows(static_cast<std::uint64_t>(candidates.source.rows));
    return add_found(shape, candidates, out);
}

Result<bool> TableVerifier::compare_by_ranges(const TableShape &shape, const std::string &basis, KeyRange range,
                                              const SavePart &save, TableComparison &out) {
    const bool at_once = is_small(shape) && !range.from;
    if (!at_once) WF_TRY(prefer_index(true));
    WF_ASSIGN(const double row_bytes, at_once ? Result<double>(1.0) : row_bytes_of(shape));
    PieceSize size(pace_.rates(), row_bytes);
    if (out.source) show_done(static_cast<double>(out.source->rows) * row_bytes, When::earlier);
    while (true) {
        if (!at_once) {
            WF_ASSIGN(range.to, find_bound(source_, shape.source, range.from, size.rows()));
        }
        WF_ASSIGN(const bool whole, compare_range(shape, range, row_bytes, size, out));
        if (!whole) return false;
        if (!range.to || out.more_rows) return true;
        show_done(static_cast<double>(out.source->rows) * row_bytes);
        range.from = std::move(range.to);
        WF_TRY(save({out, *range.from, basis}));
        WF_TRY(pace_.wait());
    }
}

// False: too much was under way in it.
Result<bool> TableVerifier::compare_range(const TableShape &shape, const KeyRange &range, double row_bytes,
                                          PieceSize &size, TableComparison &out) {
    const auto read_side = [&](pq::Connection &connection, const SideShape &side,
                               const ReadPiece &read_piece) -> Result<void> {
        WF_ASSIGN(const std::uint64_t rows, read_piece({condition_of(connection, side, range), 1, 1}));
        pace_.of(connection.side()).spend(rows, static_cast<std::uint64_t>(static_cast<double>(rows) * row_bytes));
        return {};
    };
    const std::uint64_t bytes = range.to ? piece_bytes : shape.bytes;
    for (int attempt = 1;; ++attempt) {
        const auto begin = std::chrono::steady_clock::now();
        WF_ASSIGN(const Candidates candidates,
                  find_candidates(source_, destination_, shape, bytes, same_encoding_, read_side));
        size.took(std::chrono::steady_clock::now() - begin);  // without what is waited for the stream
        ++pieces_;
        WF_ASSIGN(const bool whole, add_found(shape, candidates, out));
        if (whole) {
            pace_.add_rows(static_cast<std::uint64_t>(candidates.source.rows));
            return true;
        }
        if (attempt == attempts_max) return false;
        WF_TRY(position_.catch_up());
    }
}

// False: too much was under way to say anything, and nothing is added.
Result<bool> TableVerifier::add_found(const TableShape &shape, const Candidates &candidates, TableComparison &out) {
    looked_at_ += candidates.keys.size();
    WF_ASSIGN(const Settled settled, settle(source_, destination_, position_, shape, candidates.keys, same_encoding_));
    const bool told = !candidates.more || !settled.differing.empty();
    out.problem = told ? "" : "so many rows change at once that nothing can be told: compare it at a quieter time";
    if (!told) return false;
    for (const auto &[key, found] : settled.differing) out.rows.push_back(describe(shape, key, found));
    out.undecided += settled.undecided;
    out.more_rows = candidates.more || out.rows.size() >= differing_rows_max;
    add(candidates.source, out.source);
    add(candidates.destination, out.destination);
    return true;
}

// Which columns are compared, and what has brought the rows where they are. With another text, what was read before says nothing.
Result<std::string> TableVerifier::basis_of(const Table &table, const TableShape &shape) {
    std::string basis = fmt::format("{} {}: {} and {}", shape.source.file, shape.destination.file,
                                    fmt::join(shape.source.values, ", "), fmt::join(shape.destination.values, ", "));
    WF_ASSIGN(const bool begun, bookkeeping_exists(destination_));
    if (!begun) return basis;
    WF_ASSIGN(const pq::Rows copy, destination_.exec("SELECT snapshot FROM walferry.table_state"
                                                     " WHERE task = $1 AND relid = $2",
                                                     {task_name_, std::to_string(table.relid)}));
    return copy.count() == 0 ? basis : basis + " " + copy.text(0, 0);
}

// By ranges, rows that lie anywhere on disk are read from anywhere, and each page as often as a piece has a row of it. That does no harm as
// long as memory holds them all.
Result<bool> TableVerifier::has_ranges(const TableShape &shape) {
    if (!shape.ordered || shape.bytes <= random_reads_bytes_max) return shape.ordered;
    WF_ASSIGN(const pq::Rows rows,
              source_.exec("SELECT pg_catalog.abs(correlation) < $4::pg_catalog.float4 FROM pg_catalog.pg_stats"
                           " WHERE schemaname = $1 AND tablename = $2 AND attname = $3 AND NOT inherited",
                           {shape.schema, shape.name, shape.columns[shape.key[0]], correlation_min}));
    return rows.count() == 0 || !rows.boolean(0, 0);
}

// For ranges, whatever the statistics say: a table that was never analyzed would else be read as a whole for each.
Result<void> TableVerifier::prefer_index(bool prefer) {
    if (std::exchange(prefers_index_, prefer) == prefer) return {};
    for (pq::Connection *connection : {&source_, &destination_}) {
        WF_TRY(connection->exec(prefer ? "SET enable_seqscan = off" : "RESET enable_seqscan"));
    }
    return {};
}

// As the planner expects them, who knows how many pages there are, and of a row filter what it lets through.
Result<double> TableVerifier::row_bytes_of(const TableShape &shape) {
    WF_ASSIGN(const pq::Rows plan, source_.exec("EXPLAIN (FORMAT JSON) SELECT FROM " + shape.source.rows + " AS t"));
    const auto json = nlohmann::json::parse(plan.view(0, 0), nullptr, false);
    if (!json.is_array()) return 1;
    const double rows = json.at(0).at("Plan").value("Plan Rows", 1.0);
    return std::max(1.0, static_cast<double>(shape.bytes) / std::max(1.0, rows));
}

bool TableVerifier::is_small(const TableShape &shape) const {
    return shape.bytes <= small_bytes_max && pace_.rates() == Rates{};
}

void TableVerifier::show_done(double bytes, When when) {
    const auto done = std::min(bytes_, static_cast<std::uint64_t>(bytes));
    if (done <= bytes_shown_) return;  // it is read once more
    pace_.add_bytes(done - std::exchange(bytes_shown_, done), when);
}

}  // namespace walferry
