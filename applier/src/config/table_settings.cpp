// SPDX-License-Identifier: PostgreSQL
#include "config/table_settings.h"

#include <nlohmann/json.hpp>

namespace walferry {

namespace {

std::string as_option(const nlohmann::ordered_json &sections) {
    return sections.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

template <class Wanted>
std::string names_option(const std::vector<TableSettings> &tables, Wanted wanted) {
    auto option = nlohmann::ordered_json::array();
    for (const TableSettings &table : tables) {
        if (wanted(table)) option.push_back({{"name", table.name}});
    }
    return as_option(option);
}

}  // namespace

std::string tables_option(const std::vector<TableSettings> &tables) {
    auto option = nlohmann::ordered_json::array();
    for (const TableSettings &table : tables) {
        if (!table.concerns_source()) continue;
        nlohmann::ordered_json settings = {{"name", table.name}};
        if (!table.operations.empty()) settings["operations"] = table.operations;
        if (!table.columns.empty()) settings["columns"] = table.columns;
        if (table.where) settings["where"] = *table.where;
        for (const auto &[column, expression] : table.set) settings["set"][column] = expression;
        for (const auto &[column, constant] : table.merge) settings["merge"][column] = constant;
        option.push_back(std::move(settings));
    }
    return as_option(option);
}

std::string destination_sections_option(const std::vector<TableSettings> &tables) {
    return names_option(tables, [](const TableSettings &table) { return table.concerns_destination(); });
}

std::string merge_sections_option(const std::vector<TableSettings> &tables) {
    return names_option(tables, [](const TableSettings &table) { return !table.merge.empty(); });
}

}  // namespace walferry
