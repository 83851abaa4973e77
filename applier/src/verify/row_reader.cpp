// SPDX-License-Identifier: PostgreSQL
#include "verify/row_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "pq/array.h"

namespace walferry {

namespace {

constexpr std::size_t keys_per_statement = 500;
constexpr int shown_characters = 200;

Result<void> read_by_key(pq::Connection &connection, const SideShape &side, const std::vector<KeyValues> &keys,
                         bool same_encoding, RowLooks &out) {
    std::string sql = "SELECT ";
    for (const KeyColumn &column : side.key) sql += column.name + ", ";
    sql += "pg_catalog.concat(t.xmin, ' ', t.ctid)";
    for (const std::string &value : side.values) {
        SideShape alone;
        alone.values = {value};
        sql += ", " + hash_of(row_text(alone, same_encoding), 0);
    }
    sql += " FROM " + keys_join(side);
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql, key_params(side, keys)));
    const int key_columns = static_cast<int>(side.key.size());
    for (int row = 0; row < rows.count(); ++row) {
        KeyValues key;
        for (int column = 0; column < key_columns; ++column) key.push_back(rows.text(row, column));
        RowLook look;
        look.version = rows.text(row, key_columns);
        for (int column = key_columns + 1; column < rows.columns(); ++column) {
            look.hashes.push_back(rows.text(row, column));
        }
        out.insert_or_assign(std::move(key), std::move(look));
    }
    return {};
}

Result<void> read_by_hash(pq::Connection &connection, const SideShape &side, const std::vector<KeyValues> &keys,
                          bool same_encoding, RowLooks &out) {
    std::vector<std::string> hashes;
    for (const KeyValues &key : keys) hashes.push_back(key[0]);
    const std::string text = row_text(side, same_encoding);
    const std::string hash = hash_of(text, 0);
    WF_ASSIGN(
        const pq::Rows rows,
        connection.exec(
            fmt::format("SELECT {}, pg_catalog.string_agg(pg_catalog.concat(t.xmin, ' ', t.ctid), ',' ORDER BY t.ctid),"
                        " pg_catalog.count(*), pg_catalog.left(pg_catalog.min(ROW({})::pg_catalog.text), {})"
                        " FROM {} AS t WHERE {} = ANY ($1::pg_catalog.int8[]) GROUP BY 1",
                        hash, fmt::join(side.values, ", "), shown_characters, side.rows, hash),
            {pq::array_literal(hashes)}));
    for (int row = 0; row < rows.count(); ++row) {
        out.insert_or_assign({rows.text(row, 0)}, RowLook{rows.text(row, 1), {rows.text(row, 2)}, rows.text(row, 3)});
    }
    return {};
}

}  // namespace

Result<RowLooks> read_looks(pq::Connection &connection, const SideShape &side, const std::vector<KeyValues> &keys,
                            bool same_encoding) {
    RowLooks out;
    if (side.key.empty()) {
        WF_TRY(read_by_hash(connection, side, keys, same_encoding, out));
        return out;
    }
    for (std::size_t begin = 0; begin < keys.size(); begin += keys_per_statement) {
        const auto end = std::min(begin + keys_per_statement, keys.size());
        const std::vector<KeyValues> part(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                                          keys.begin() + static_cast<std::ptrdiff_t>(end));
        WF_TRY(read_by_key(connection, side, part, same_encoding, out));
    }
    return out;
}

std::string keys_join(const SideShape &side) {
    std::string arrays;
    std::string names;
    std::string condition;
    for (std::size_t i = 0; i < side.key.size(); ++i) {
        const KeyColumn &column = side.key[i];
        arrays += fmt::format("{}${}::pg_catalog.text[]", i > 0 ? ", " : "", i + 1);
        names += fmt::format("{}k{}", i > 0 ? ", " : "", i);
        condition +=
            fmt::format("{}{} {} keys.k{}::{}", i > 0 ? " AND " : "", column.name, column.equality, i, column.type);
    }
    return fmt::format("unnest({}) AS keys ({}) JOIN {} AS t ON {}", arrays, names, side.rows, condition);
}

std::vector<pq::Param> key_params(const SideShape &side, const std::vector<KeyValues> &keys) {
    std::vector<pq::Param> params;
    for (std::size_t i = 0; i < side.key.size(); ++i) {
        std::vector<std::string> values;
        for (const KeyValues &key : keys) values.push_back(key[i]);
        params.emplace_back(pq::array_literal(values));
    }
    return params;
}

}  // namespace walferry
