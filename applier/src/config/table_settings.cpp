// SPDX-License-Identifier: PostgreSQL
#include "config/table_settings.h"

#include <nlohmann/json.hpp>

namespace walferry {

std::string tables_option(const std::vector<TableSettings> &tables) {
    if (tables.empty()) return {};
    auto option = nlohmann::ordered_json::array();
    for (const TableSettings &table : tables) {
        nlohmann::ordered_json settings = {{"name", table.name}};
        if (!table.operations.empty()) settings["operations"] = table.operations;
        if (!table.columns.empty()) settings["columns"] = table.columns;
        if (table.where) settings["where"] = *table.where;
        for (const auto &[column, expression] : table.set) settings["set"][column] = expression;
        option.push_back(std::move(settings));
    }
    return option.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace walferry
