// Compares one table after the other, over two connections of its own: by ranges of the key (key_range.h), or as it lies on disk (pieces.h).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"
#include "verify/candidates.h"
#include "verify/comparison.h"
#include "verify/key_range.h"
#include "verify/pace.h"
#include "verify/piece_size.h"
#include "verify/settle.h"
#include "verify/stream_position.h"
#include "verify/table_shape.h"

namespace walferry {

// Keeps what is found of a table that isn't through yet.
using SavePart = std::function<Result<void>(const PartialComparison &)>;

// Thread: one. `task` and `pace` must outlive it.
class TableVerifier {
public:
    static Result<std::unique_ptr<TableVerifier>> open(const Task &task, Pace &pace);

    // `begun`: what an earlier comparison, which was stopped, had found.
    Result<TableComparison> compare(const Table &table, std::optional<PartialComparison> begun, const SavePart &save);

private:
    TableVerifier(const Task &task, Pace &pace, pq::Connection source, pq::Connection destination)
        : task_name_(task.name),
          names_(task.names),
          pace_(pace),
          source_(std::move(source)),
          destination_(std::move(destination)),
          position_(source_, destination_, task, pace.stop()) {}

    Result<TableComparison> try_until_settled(const Table &table, std::optional<PartialComparison> begun,
                                              const SavePart &save);
    Result<bool> try_to_compare(const Table &table, const TableShape &shape, std::optional<PartialComparison> begun,
                                const SavePart &save, TableComparison &out);
    Result<bool> compare_at_once(const TableShape &shape, TableComparison &out);
    Result<bool> compare_by_ranges(const TableShape &shape, const std::string &basis, KeyRange range,
                                   const SavePart &save, TableComparison &out);
    Result<std::string> basis_of(const Table &table, const TableShape &shape);
    Result<bool> compare_range(const TableShape &shape, const KeyRange &range, double row_bytes, PieceSize &size,
                               TableComparison &out);
    Result<bool> add_found(const TableShape &shape, const Candidates &candidates, TableComparison &out);
    Result<bool> has_ranges(const TableShape &shape);
    Result<void> prefer_index(bool prefer);
    Result<double> row_bytes_of(const TableShape &shape);
    bool is_small(const TableShape &shape) const;
    void show_done(double bytes, When when = When::now);

    const std::string &task_name_;
    const NameMap &names_;
    Pace &pace_;
    pq::Connection source_;
    pq::Connection destination_;
    StreamPosition position_;
    bool same_encoding_ = true;
    bool prefers_index_ = false;
    // Of the table under way.
    std::size_t looked_at_ = 0;  // candidates, for the log
    std::uint64_t pieces_ = 0;
    std::uint64_t bytes_ = 0;        // of it, on the source's disk
    std::uint64_t bytes_shown_ = 0;  // of them, in `pace_`
};

// A connection of verify's, which writes nothing.
Result<pq::Connection> open_for_verify(const Task &task, Side side, const StopFlag &stop);

}  // namespace walferry
