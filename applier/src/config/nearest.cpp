// SPDX-License-Identifier: PostgreSQL
#include "config/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace walferry {

namespace {

// Levenshtein's distance, one row of its table at a time.
std::size_t edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.size() > 64) return {};
    std::string_view best;
    std::size_t best_edits = std::min<std::size_t>(2, word.size() / 2) + 1;
    for (const auto candidate : known) {
        const auto needed = edits(word, candidate);
        if (needed >= best_edits) continue;
        best = candidate;
        best_edits = needed;
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
    const auto guess = nearest(word, known);
    return guess.empty() ? std::string{} : fmt::format("; did you mean \"{}\"?", guess);
}

}  // namespace walferry
