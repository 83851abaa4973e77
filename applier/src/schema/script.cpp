// SPDX-License-Identifier: PostgreSQL
#include "schema/script.h"

#include <algorithm>
#include <regex>
#include <string_view>

namespace walferry {

namespace {

bool is_psql_command(std::string_view line) {
    return line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
}

// "SET name = value;"
bool sets_unknown(std::string_view line, const std::set<std::string> &known) {
    static constexpr std::string_view set = "SET ";
    if (!line.starts_with(set)) return false;
    line.remove_prefix(set.size());
    return !known.contains(std::string(line.substr(0, line.find(' '))));
}

// The line of a column's options; nothing if none is left.
std::string without_attver(const std::string &line) {
    static const std::regex first("\\(pg_attver=[0-9]+(, )?");
    static const std::regex later(", pg_attver=[0-9]+");
    const auto rest = std::regex_replace(std::regex_replace(line, first, "("), later, "");
    return rest.ends_with("SET ();\n") ? std::string() : rest;
}

bool sets_column_options(std::string_view line) {
    return (line.starts_with("ALTER TABLE ONLY ") || line.starts_with("ALTER FOREIGN TABLE ONLY ")) &&
           line.find(" ALTER COLUMN ") != std::string_view::npos && line.find("pg_attver=") != std::string_view::npos;
}

}  // namespace

Result<std::set<std::string>> known_settings(pq::Connection &connection) {
    WF_ASSIGN(const pq::Rows rows, connection.exec("SELECT name FROM pg_catalog.pg_settings"));
    std::set<std::string> names;
    for (int row = 0; row < rows.count(); ++row) names.insert(rows.text(row, 0));
    return names;
}

std::string_view take_line(std::string_view &rest) {
    const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(line.size());
    return line;
}

std::string fit_script(const std::string &script, const std::set<std::string> &known) {
    std::string out;
    bool before_objects = true;
    for (std::string_view rest = script; !rest.empty();) {
        const std::string_view line = take_line(rest);
        if (line.starts_with("-- Name: ")) before_objects = false;
        if (is_psql_command(line) || (before_objects && sets_unknown(line, known))) continue;
        if (sets_column_options(line)) {
            out += without_attver(std::string(line));
        } else {
            out += line;
        }
    }
    return out;
}

}  // namespace walferry
