// SPDX-License-Identifier: PostgreSQL
#include "config/task_keys.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/conflict_policy.h"
#include "config/ddl_policy.h"

namespace walferry {

namespace {

using Words = std::vector<std::string_view>;

struct KnownSection {
    std::string_view name;
    Words keys;
};

// [ddl]: each class of statements, then the rest.
Words ddl_keys() {
    Words keys;
    for (std::size_t i = 0; i < ddl_class_count; ++i) keys.emplace_back(to_string(static_cast<DdlClass>(i)));
    keys.insert(keys.end(), {"role", "lock_timeout_seconds", "lock_retry_seconds"});
    return keys;
}

// [conflict], and the key `conflict` of a table.
Words conflict_keys() {
    Words keys;
    for (std::size_t i = 0; i < conflict_kind_count; ++i) keys.emplace_back(to_string(static_cast<ConflictKind>(i)));
    keys.emplace_back("existing_rows");
    return keys;
}

const std::vector<KnownSection> &known_sections() {
    static const std::vector<KnownSection> sections = {
        {"task", {"name", "stages"}},
        {"source", {"conninfo", "slot", "decoding_memory_mb", "heartbeat_seconds", "failover", "origin"}},
        {"destination", {"conninfo"}},
        {"objects", {"include", "exclude", "allow_unmatched"}},
        {"map", {"schemas"}},
        {"schema", {"owners", "grants", "pg_bin"}},
        {"copy", {"jobs", "yield_seconds", "large_objects"}},
        {"apply", {"workers", "buffer_mb", "streaming", "spool_folder", "spool_mb"}},
        {"ddl", ddl_keys()},
        {"conflict", conflict_keys()},
        {"throttle", {"stream_rows", "stream_mb", "copy_rows", "copy_mb", "verify_rows", "verify_mb"}},
        {"retry", {"connection_seconds", "transient_seconds"}},
        {"control", {"socket"}},
        {"http", {"listen", "token_file"}},
        {"alerts", {"command", "webhook", "lag_seconds", "lag_for_seconds", "slot_retained_mb", "window_seconds"}},
    };
    return sections;
}

// [[tables]]: a section for each table.
const KnownSection &tables_section() {
    static const KnownSection section = {
        "tables", {"name", "operations", "columns", "where", "set", "merge", "rename", "rename_columns", "conflict"}};
    return section;
}

Result<void> check_section(const TaskFile &file, const KnownSection &section, const toml::table &table) {
    for (const auto &[key, node] : table) {
        if (std::find(section.keys.begin(), section.keys.end(), key.str()) != section.keys.end()) continue;
        return file.refuse(key.source(), fmt::format("unknown key \"{}\" in [{}]{}", key.str(), section.name,
                                                     did_you_mean(key.str(), section.keys)));
    }
    return {};
}

Result<void> check_tables(const TaskFile &file, const toml::key &key, const toml::node &node) {
    const auto *tables = node.as_array();
    if (tables == nullptr || !tables->is_homogeneous(toml::node_type::table)) {
        return file.refuse(key.source(), "\"tables\" has a section for each table: write [[tables]]");
    }
    for (const auto &element : *tables) {
        const toml::table &table = *element.as_table();
        WF_TRY(check_section(file, tables_section(), table));
        const auto *conflict = table["conflict"].as_table();
        if (conflict != nullptr) WF_TRY(check_section(file, {"tables.conflict", conflict_keys()}, *conflict));
    }
    return {};
}

}  // namespace

Result<void> check_keys(const TaskFile &file) {
    Words names;
    for (const auto &section : known_sections()) names.push_back(section.name);
    names.push_back(tables_section().name);
    for (const auto &[key, node] : file.root()) {
        if (key.str() == tables_section().name) {
            WF_TRY(check_tables(file, key, node));
            continue;
        }
        const auto known = std::find(names.begin(), names.end(), key.str());
        if (known == names.end() && node.is_table()) {
            return file.refuse(key.source(),
                               fmt::format("unknown section [{}]{}", key.str(), did_you_mean(key.str(), names)));
        }
        if (known == names.end()) {
            return file.refuse(key.source(), fmt::format("key \"{}\" stands outside of a section; sections are {}",
                                                         key.str(), fmt::join(names, ", ")));
        }
        if (!node.is_table()) {
            return file.refuse(key.source(), fmt::format("\"{}\" is a section: write [{}]", key.str(), key.str()));
        }
        const auto &section = known_sections()[static_cast<std::size_t>(known - names.begin())];
        WF_TRY(check_section(file, section, *node.as_table()));
    }
    return {};
}

}  // namespace walferry
