// How many rows of a table are compared at a time: as many as take about a second, and no more than the rates earn in two.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>

#include "base/throttle.h"

namespace walferry {

// Thread: one.
class PieceSize {
public:
    // `row_bytes`: of a row of the table on disk, about.
    PieceSize(const Rates &rates, double row_bytes);

    std::uint64_t rows() const { return rows_; }  // 1 at least
    // One of rows() was read in this time, without what was waited for.
    void took(std::chrono::duration<double> time);

private:
    void set(double rows);

    double rows_max_;
    std::uint64_t rows_ = 1;
};

}  // namespace walferry
