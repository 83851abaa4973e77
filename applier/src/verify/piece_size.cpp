// SPDX-License-Identifier: PostgreSQL
#include "verify/piece_size.h"

#include <algorithm>

namespace walferry {

namespace {

constexpr double rows_first = 20'000;  // nobody knows yet how long they take
constexpr double rows_least = 1000;
constexpr double rows_most = 500'000;
constexpr double piece_seconds = 1;
constexpr double growth_max = 4;
constexpr double earned_seconds = 2;

}  // namespace

PieceSize::PieceSize(const Rates &rates, double row_bytes) : rows_max_(rows_most) {
    if (rates.rows > 0) rows_max_ = std::min(rows_max_, static_cast<double>(rates.rows) * earned_seconds);
    if (rates.bytes > 0) {
        rows_max_ = std::min(rows_max_, static_cast<double>(rates.bytes) * earned_seconds / std::max(1.0, row_bytes));
    }
    rows_max_ = std::max(1.0, rows_max_);
    set(rows_first);
}

void PieceSize::took(std::chrono::duration<double> time) {
    const double factor = piece_seconds / std::max(1e-6, time.count());
    set(static_cast<double>(rows_) * std::clamp(factor, 1 / growth_max, growth_max));
}

void PieceSize::set(double rows) {
    rows_ = static_cast<std::uint64_t>(std::clamp(rows, std::min(rows_least, rows_max_), rows_max_));
}

}  // namespace walferry
