// SPDX-License-Identifier: PostgreSQL
#include "verify/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <future>
#include <unordered_map>

#include "pq/array.h"

namespace walferry {

namespace {

constexpr int row_seed = 0;
constexpr int key_seed = 1;

// A bucket has some dozens of rows of ordinary size, as long as that makes not too many buckets.
constexpr std::uint64_t bucket_bytes = 4096;
constexpr std::uint64_t buckets_min = 16;
constexpr std::uint64_t buckets_max = 131072;
// Rows of one side whose keys and hashes are fetched at a time, and candidates at which the search ends.
constexpr std::int64_t portion_rows = 500'000;
constexpr std::size_t candidates_max = 100'000;

__extension__ typedef __int128 Wide;

struct Bucket {
    std::int64_t rows = 0;
    std::uint64_t sum = 0;
    bool operator==(const Bucket &) const = default;
};
using Buckets = std::vector<Bucket>;

std::uint64_t bucket_count(std::uint64_t bytes) {
    return std::bit_ceil(std::clamp(bytes / bucket_bytes, buckets_min, buckets_max));
}

// The sum's last 64 bits. Sums of 64-bit numbers leave room in 128 bits for more rows than a table may have.
std::uint64_t parse_sum(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    Wide value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    return static_cast<std::uint64_t>(negative ? -value : value);
}

std::string bucket_of(const SideShape &side, std::uint64_t buckets, bool same_encoding) {
    const auto hash = side.key.empty() ? hash_of(row_text(side, same_encoding), row_seed)
                                       : hash_of(key_text(side, same_encoding), key_seed);
    return fmt::format("({} & {})::pg_catalog.int4", hash, buckets - 1);
}

Result<Buckets> read_buckets(pq::Connection &connection, const SideShape &side, std::uint64_t buckets,
                             bool same_encoding, const ReadSide &read_side) {
    const std::string select = fmt::format(
        "SELECT bucket, pg_catalog.count(*), pg_catalog.sum(hash) FROM (SELECT {} AS bucket, {} AS hash FROM {} AS t WHERE ",
        bucket_of(side, buckets, same_encoding), hash_of(row_text(side, same_encoding), row_seed), side.rows);
    Buckets out(buckets);
    WF_TRY(read_side(connection, side, [&](const Piece &piece) -> Result<std::uint64_t> {
        WF_ASSIGN(const pq::Rows rows, connection.exec(select + piece.condition + ") AS r GROUP BY bucket"));
        std::int64_t count = 0;
        for (int row = 0; row < rows.count(); ++row) {
            Bucket &bucket = out[static_cast<std::size_t>(rows.integer(row, 0))];
            bucket.rows += rows.integer(row, 1);
            bucket.sum += parse_sum(rows.view(row, 2));
            count += rows.integer(row, 1);
        }
        return static_cast<std::uint64_t>(count);
    }));
    return out;
}

// Per key the row's hash; without a key, per hash the number of rows.
using RowSums = std::unordered_map<std::string, std::string>;

constexpr char separator = '\0';  // which no value holds

std::string joined(const pq::Rows &rows, int row, int columns) {
    std::string out;
    for (int column = 0; column < columns; ++column) {
        out += rows.view(row, column);
        out += separator;
    }
    return out;
}

KeyValues split(std::string_view joined_key) {
    KeyValues key;
    for (std::size_t end = 0; (end = joined_key.find(separator)) != std::string_view::npos;) {
        key.emplace_back(joined_key.substr(0, end));
        joined_key.remove_prefix(end + 1);
    }
    return key;
}

// `all_rows`: about so many are read to find the wanted ones.
Result<RowSums> read_rows(pq::Connection &connection, const SideShape &side, std::uint64_t buckets,
                          const std::vector<std::string> &wanted, std::int64_t all_rows, bool same_encoding,
                          const ReadSide &read_side) {
    const auto hash = hash_of(row_text(side, same_encoding), row_seed);
    std::string columns;
    for (const KeyColumn &column : side.key) columns += column.name + ", ";
    std::string select =
        side.key.empty() ? fmt::format("SELECT {}, pg_catalog.count(*)", hash) : "SELECT " + columns + hash;
    select += fmt::format(" FROM {} AS t WHERE {} = ANY ($1::pg_catalog.int4[]) AND ", side.rows,
                          bucket_of(side, buckets, same_encoding));
    RowSums out;
    WF_TRY(read_side(connection, side, [&](const Piece &piece) -> Result<std::uint64_t> {
        WF_ASSIGN(const pq::Rows rows,
                  connection.exec(select + piece.condition + (side.key.empty() ? " GROUP BY 1" : ""),
                                  {pq::array_literal(wanted)}));
        const int key_columns = rows.columns() - 1;
        for (int row = 0; row < rows.count(); ++row) {
            std::string &sum = out[joined(rows, row, key_columns)];
            sum = side.key.empty() ? std::to_string(std::strtoll(sum.c_str(), nullptr, 10) + rows.integer(row, 1))
                                   : rows.text(row, key_columns);
        }
        return static_cast<std::uint64_t>(piece.share * static_cast<double>(all_rows));
    }));
    return out;
}

void add_differing(RowSums source, const RowSums &destination, std::set<KeyValues> &keys) {
    for (const auto &[key, sum] : destination) {
        const auto found = source.find(key);
        if (found == source.end() || found->second != sum) keys.insert(split(key));
        if (found != source.end()) source.erase(found);
    }
    for (const auto &[key, sum] : source) keys.insert(split(key));
}

template <class Read>
auto read_both(pq::Connection &source, pq::Connection &destination, const TableShape &shape, Read read) {
    auto other_side = std::async(std::launch::async, [&] { return read(destination, shape.destination); });
    auto first = read(source, shape.source);
    return std::pair{std::move(first), other_side.get()};
}

TableSum total(const Buckets &buckets) {
    TableSum out;
    for (const Bucket &bucket : buckets) {
        out.rows += bucket.rows;
        out.checksum += bucket.sum;
    }
    return out;
}

}  // namespace

Result<Candidates> find_candidates(pq::Connection &source, pq::Connection &destination, const TableShape &shape,
                                   std::uint64_t bytes, bool same_encoding, const ReadSide &read_side) {
    const auto count = bucket_count(bytes);
    auto sums = read_both(source, destination, shape, [&](pq::Connection &connection, const SideShape &side) {
        return read_buckets(connection, side, count, same_encoding, read_side);
    });
    WF_ASSIGN(const Buckets source_buckets, std::move(sums.first));
    WF_ASSIGN(const Buckets destination_buckets, std::move(sums.second));
    Candidates out{total(source_buckets), total(destination_buckets), {}, false};
    for (std::size_t next = 0; next < count;) {
        std::vector<std::string> wanted;
        for (std::int64_t rows = 0; next < count && rows < portion_rows; ++next) {
            if (source_buckets[next] == destination_buckets[next]) continue;
            wanted.push_back(std::to_string(next));
            rows += std::max(source_buckets[next].rows, destination_buckets[next].rows);
        }
        if (wanted.empty()) break;
        if (out.keys.size() >= candidates_max) {
            out.more = true;
            break;
        }
        auto rows = read_both(source, destination, shape, [&](pq::Connection &connection, const SideShape &side) {
            const TableSum &sum = connection.side() == Side::source ? out.source : out.destination;
            return read_rows(connection, side, count, wanted, sum.rows, same_encoding, read_side);
        });
        WF_ASSIGN(RowSums at_source, std::move(rows.first));
        WF_ASSIGN(const RowSums at_destination, std::move(rows.second));
        add_differing(std::move(at_source), at_destination, out.keys);
    }
    while (out.keys.size() > candidates_max) {
        out.keys.erase(std::prev(out.keys.end()));
        out.more = true;
    }
    return out;
}

}  // namespace walferry
