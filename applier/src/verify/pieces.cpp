// SPDX-License-Identifier: PostgreSQL
#include "verify/pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace walferry {

namespace {

using std::chrono::steady_clock;

// An eighth of the table: each piece answers with its own sums of all buckets.
constexpr double piece_bytes_min = 8e6;
constexpr double piece_bytes_max = 128e6;
constexpr double pieces_min = 8;
// Where the rates are limited, a piece takes so long, and the first one is small, as nobody knows its rows yet.
constexpr double limited_piece_seconds = 2;
constexpr double first_limited_piece_bytes = 1e6;
constexpr std::chrono::seconds snapshot_time_max{30};

class PieceReader {
public:
    PieceReader(pq::Connection &connection, const SideShape &side, Pace &pace, const ReadPiece &read)
        : connection_(connection),
          side_(side),
          throttle_(pace.of(connection.side())),
          stop_(pace.stop()),
          read_(read) {}

    Result<void> run() {
        while (!done_) {
            WF_TRY(connection_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
            if (auto done = read_under_one_snapshot(); !done) {
                (void)connection_.exec("ROLLBACK");
                return done;
            }
            WF_TRY(connection_.exec("COMMIT"));
            WF_TRY(wait());
        }
        return {};
    }

private:
    Result<void> read_under_one_snapshot() {
        WF_TRY(look_at_size());
        const auto end = steady_clock::now() + snapshot_time_max;
        while (true) {
            const double bytes = piece_bytes();
            const auto blocks = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(bytes / block_bytes_));
            const Piece piece = next_piece(blocks);
            WF_ASSIGN(const std::uint64_t rows, read_(piece));
            const double read_bytes = piece.share * table_bytes_;
            rows_per_byte_ = static_cast<double>(rows) / std::max(1.0, read_bytes);
            throttle_.spend(rows, static_cast<std::uint64_t>(read_bytes));
            done_ = piece.done >= 1;
            if (done_ || steady_clock::now() + throttle_.debt() >= end) return {};
            WF_TRY(wait());
        }
    }

    Result<void> look_at_size() {
        WF_ASSIGN(const pq::Rows rows,
                  connection_.exec("SELECT pg_catalog.pg_relation_size(t), pg_catalog.pg_table_size(t),"
                                   " pg_catalog.current_setting('block_size')::pg_catalog.int8"
                                   " FROM pg_catalog.to_regclass($1::pg_catalog.text) AS t",
                                   {side_.name}));
        blocks_ = static_cast<std::uint64_t>(rows.integer(0, 0) / rows.integer(0, 2));
        table_bytes_ = static_cast<double>(rows.integer(0, 1));
        block_bytes_ = std::max(1.0, table_bytes_ / static_cast<double>(std::max<std::uint64_t>(1, blocks_)));
        return {};
    }

    double piece_bytes() const {
        double bytes = std::clamp(table_bytes_ / pieces_min, piece_bytes_min, piece_bytes_max);
        const Rates rates = throttle_.rates();
        if (rates == Rates{}) return bytes;
        if (rates.bytes > 0) bytes = std::min(bytes, static_cast<double>(rates.bytes) * limited_piece_seconds);
        if (rates.rows > 0) {
            bytes = std::min(bytes, rows_per_byte_ > 0
                                        ? static_cast<double>(rates.rows) * limited_piece_seconds / rows_per_byte_
                                        : first_limited_piece_bytes);
        }
        return bytes;
    }

    Piece next_piece(std::uint64_t blocks) {
        Piece piece;
        const std::uint64_t first = next_block_;
        next_block_ += blocks;
        const bool last = next_block_ >= blocks_;
        const auto all = static_cast<double>(std::max<std::uint64_t>(1, blocks_));
        piece.condition = first == 0 ? "true" : fmt::format("t.ctid >= '({},0)'::pg_catalog.tid", first);
        if (!last) piece.condition += fmt::format(" AND t.ctid < '({},0)'::pg_catalog.tid", next_block_);
        piece.done = last ? 1 : static_cast<double>(next_block_) / all;
        piece.share = std::max(0.0, piece.done - std::min(1.0, static_cast<double>(first) / all));
        return piece;
    }

    Result<void> wait() const {
        throttle_.wait_for_rates(stop_);
        if (stop_.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        return {};
    }

    pq::Connection &connection_;
    const SideShape &side_;
    Throttle &throttle_;
    const StopFlag &stop_;
    const ReadPiece &read_;
    std::uint64_t blocks_ = 0;
    double table_bytes_ = 0;  // with TOAST
    double block_bytes_ = 1;  // with its part of that
    double rows_per_byte_ = 0;
    std::uint64_t next_block_ = 0;
    bool done_ = false;
};

}  // namespace

Result<void> read_in_pieces(pq::Connection &connection, const SideShape &side, Pace &pace, const ReadPiece &read) {
    return PieceReader(connection, side, pace, read).run();
}

}  // namespace walferry
