// SPDX-License-Identifier: PostgreSQL
#include "apply/source_settings.h"

#include <fmt/format.h>

#include <utility>

#include "pq/array.h"

namespace walferry {

namespace {

const char *const set_settings_sql =
    "SELECT pg_catalog.set_config(name, value, $3::bool)"
    " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (name, value, place) ORDER BY place";
const char *const read_settings_sql =
    "SELECT pg_catalog.current_setting(name, true)"
    " FROM unnest($1::text[]) WITH ORDINALITY AS s (name, place) ORDER BY place";

}  // namespace

void SourceSettings::add(std::string name, std::string value) {
    names_.push_back(std::move(name));
    values_.push_back(std::move(value));
}

// The role comes last, and is given back first.
void SourceSettings::collect() {
    names_.clear();
    values_.clear();
    std::string path;
    for (const auto &schema : ddl_.search_path) {
        if (!path.empty()) path += ", ";
        path += session_.quote_identifier(schema);
    }
    add("search_path", path.empty() ? "\"\"" : path);
    for (const auto &[name, value] : ddl_.settings) add(name, value);
    add("lock_timeout", fmt::format("{}s", policy_.lock_timeout_seconds));
    add("check_function_bodies", "off");
    // Those of an apply session are for finding single rows.
    for (const char *name : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"}) add(name, "on");
    add("plan_cache_mode", "auto");
    if (policy_.role == DdlRole::preserve) add("role", ddl_.role);
}

Result<void> SourceSettings::set(const std::vector<std::string> &names, const std::vector<std::string> &values,
                                 bool local) {
    WF_TRY(session_.query(set_settings_sql,
                          {pq::array_literal(names), pq::array_literal(values), local ? "true" : "false"}));
    return {};
}

Result<void> SourceSettings::enter(bool local) {
    collect();
    WF_ASSIGN(const pq::Rows ours, session_.query(read_settings_sql, {pq::array_literal(names_)}));
    our_names_.clear();
    our_values_.clear();
    for (int row = ours.count() - 1; row >= 0; --row) {
        if (ours.null(row, 0)) continue;  // of a module that isn't loaded here
        our_names_.push_back(names_[static_cast<std::size_t>(row)]);
        our_values_.push_back(ours.text(row, 0));
    }
    return set(names_, values_, local);
}

Result<void> SourceSettings::leave(bool local) { return set(our_names_, our_values_, local); }

}  // namespace walferry
