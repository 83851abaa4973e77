// SPDX-License-Identifier: PostgreSQL
#include "verify/stored_table.h"

#include <nlohmann/json.hpp>

#include "base/hex.h"

namespace walferry {

namespace {

using nlohmann::json;

constexpr int version = 1;

json stored_sum(const std::optional<TableSum> &sum) {
    if (!sum) return nullptr;
    return {sum->rows, sum->checksum};
}

std::optional<TableSum> restored_sum(const json &value) {
    if (value.is_null()) return std::nullopt;
    return TableSum{value.at(0).get<std::int64_t>(), value.at(1).get<std::uint64_t>()};
}

json as_json(const TableComparison &table) {
    auto rows = json::array();
    for (const RowDifference &row : table.rows) rows.push_back({row.fault, row.key, row.columns, row.count});
    return {{"version", version},
            {"schema", table.schema},
            {"name", table.name},
            {"table", table.table},
            {"key", table.key},
            {"source", stored_sum(table.source)},
            {"destination", stored_sum(table.destination)},
            {"rows", std::move(rows)},
            {"more_rows", table.more_rows},
            {"undecided", table.undecided},
            {"problem", table.problem}};
}

TableComparison from_json(const json &in) {
    TableComparison out;
    out.schema = in.at("schema");
    out.name = in.at("name");
    out.table = in.at("table");
    out.key = in.at("key").get<std::vector<std::string>>();
    out.source = restored_sum(in.at("source"));
    out.destination = restored_sum(in.at("destination"));
    for (const json &row : in.at("rows")) {
        out.rows.push_back({row.at(0).get<RowFault>(), row.at(1).get<std::vector<std::string>>(),
                            row.at(2).get<std::vector<std::string>>(), row.at(3).get<std::int64_t>()});
    }
    out.more_rows = in.at("more_rows");
    out.undecided = in.at("undecided");
    out.problem = in.at("problem");
    return out;
}

std::string as_text(const json &value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

}  // namespace

std::string stored(const TableComparison &table) { return as_text(as_json(table)); }

std::string stored(const PartialComparison &table) {
    json out = as_json(table.found);
    // Byte for byte, whatever the encoding.
    out["next"] = json::array();
    for (const std::string &value : table.next) out["next"].push_back(to_hex(value));
    out["basis"] = table.basis;
    return as_text(out);
}

std::optional<TableComparison> restored(const std::string &text) {
    try {
        const json in = json::parse(text);
        if (in.at("version") != version) return std::nullopt;
        return from_json(in);
    } catch (const json::exception &) {
        return std::nullopt;
    }
}

std::optional<PartialComparison> restored_part(const std::string &text) {
    try {
        const json in = json::parse(text);
        if (in.at("version") != version) return std::nullopt;
        PartialComparison out{from_json(in), {}, in.at("basis")};
        for (const json &value : in.at("next")) out.next.push_back(from_hex(value.get<std::string>()));
        return out;
    } catch (const json::exception &) {
        return std::nullopt;
    }
}

}  // namespace walferry
