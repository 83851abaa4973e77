// Compares one table after the other, over two connections of its own.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"
#include "verify/comparison.h"
#include "verify/settle.h"
#include "verify/stream_position.h"
#include "verify/table_shape.h"

namespace walferry {

// Thread: one. `task` and `stop` must outlive it.
class TableVerifier {
public:
    static Result<std::unique_ptr<TableVerifier>> open(const Task &task, const StopFlag &stop);

    Result<TableComparison> compare(const Table &table);

private:
    TableVerifier(const Task &task, const StopFlag &stop, pq::Connection source, pq::Connection destination)
        : names_(task.names),
          source_(std::move(source)),
          destination_(std::move(destination)),
          position_(source_, destination_, task, stop) {}
    Result<bool> try_to_compare(const TableShape &shape, TableComparison &out);

    const NameMap &names_;
    pq::Connection source_;
    pq::Connection destination_;
    StreamPosition position_;
    bool same_encoding_ = true;
    std::size_t looked_at_ = 0;  // candidates of the last table, for the log
};

// A connection of verify's, which writes nothing.
Result<pq::Connection> open_for_verify(const Task &task, Side side, const StopFlag &stop);

}  // namespace walferry
