// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "config/pattern.h"
#include "config/task.h"
#include "config/task_file.h"
#include "config/task_keys.h"
#include "pq/conninfo.h"

namespace walferry {

namespace {

bool is_name(std::string_view text, std::size_t length_max) {
    return !text.empty() && text.size() <= length_max && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// [throttle] of the stream, the copy or verify.
Result<void> read_rates(const TaskFile &file, const std::string &of, Rates &rates) {
    constexpr std::uint64_t max = 1'000'000'000;
    WF_TRY(read_number<std::uint64_t>(file, "throttle", of + "_rows", 0, max, rates.rows));
    std::uint64_t megabytes = 0;
    WF_TRY(read_number<std::uint64_t>(file, "throttle", of + "_mb", 0, max, megabytes));
    rates.bytes = megabytes * 1'000'000;
    return {};
}

Result<void> read_http(const TaskFile &file, Task &task) {
    WF_TRY(read_text(file, "http", "token_file", task.http_token_file));
    const auto *node = file.value("http", "listen");
    if (node == nullptr) return {};
    WF_TRY(read_text(file, "http", "listen", task.http_listen));
    const std::string_view listen = task.http_listen;
    const auto colon = listen.rfind(':');
    const auto digits = colon == std::string_view::npos ? std::string_view{} : listen.substr(colon + 1);
    unsigned port = 65536;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    if (whole && port <= 65535 && colon > 0 && listen.find_first_of(", \t") == std::string_view::npos) return {};
    return file.refuse(
        node->source(),
        fmt::format("\"listen\" must be ADDRESS:PORT, such as 127.0.0.1:9187, not \"{}\"", task.http_listen));
}

Result<void> read_alerts(const TaskFile &file, AlertOptions &alerts) {
    WF_TRY(read_text(file, "alerts", "command", alerts.command));
    WF_TRY(read_text(file, "alerts", "webhook", alerts.webhook));
    if (!alerts.webhook.empty() && !alerts.webhook.starts_with("http://") && !alerts.webhook.starts_with("https://")) {
        return file.refuse(file.value("alerts", "webhook")->source(), "\"webhook\" must be a URL: http:// or https://");
    }
    constexpr std::int64_t max = 315'360'000;
    WF_TRY(read_number<std::int64_t>(file, "alerts", "lag_seconds", 0, max, alerts.lag_seconds));
    WF_TRY(read_number<std::int64_t>(file, "alerts", "lag_for_seconds", 0, max, alerts.lag_for_seconds));
    WF_TRY(read_megabytes(file, "alerts", "slot_retained_mb", 0, std::uint64_t{1} << 40, alerts.slot_retained_bytes));
    return read_number<std::int64_t>(file, "alerts", "window_seconds", 0, max, alerts.window_seconds);
}

Result<void> read_stages(const TaskFile &file, Task &task) {
    const auto *node = file.value("task", "stages");
    if (node == nullptr) return {};
    task.schema_stage = task.copy_stage = task.stream_stage = false;
    WF_TRY(read_texts(file, "stages", node, [&](const std::string &stage, const toml::node &place) -> Result<void> {
        static const std::vector<std::string_view> names = {"schema", "copy", "stream"};
        bool *const stages[] = {&task.schema_stage, &task.copy_stage, &task.stream_stage};
        const auto known = std::find(names.begin(), names.end(), stage);
        if (known == names.end()) {
            return file.refuse(place.source(), fmt::format("unknown stage \"{}\"{}; stages are {}", stage,
                                                           did_you_mean(stage, names), fmt::join(names, ", ")));
        }
        bool &wanted = *stages[known - names.begin()];
        if (wanted) return file.refuse(place.source(), fmt::format("stage \"{}\" is listed twice", stage));
        wanted = true;
        return {};
    }));
    if (task.schema_stage || task.copy_stage || task.stream_stage) return {};
    return file.refuse(node->source(), "\"stages\" is empty: a task needs one at least");
}

Result<void> read_name(const TaskFile &file, Task &task) {
    static constexpr std::size_t length_max = 40;  // leaves room for it in a slot's name
    const auto *node = file.value("task", "name");
    task.name = std::filesystem::path(file.path()).stem().string();
    WF_TRY(read_text(file, "task", "name", task.name));
    if (is_name(task.name, length_max)) return {};
    const auto allowed = fmt::format("a-z, 0-9 and _ only, 1 to {} of them", length_max);
    if (node != nullptr) {
        return file.refuse(node->source(), fmt::format("\"{}\" can't name a task: {}", task.name, allowed));
    }
    return file.refuse({}, fmt::format("the file's name can't name the task ({}): set \"name\" in [task]", allowed));
}

Result<void> read_conninfo(const TaskFile &file, std::string_view section, std::string &conninfo) {
    const auto *node = file.value(section, "conninfo");
    if (node == nullptr) return file.refuse_missing(section, "conninfo");
    WF_TRY(read_text(file, section, "conninfo", conninfo));
    if (conninfo.find_first_not_of(" \t\n") == std::string::npos) {
        return file.refuse(node->source(), fmt::format("\"conninfo\" in [{}] is empty", section));
    }
    const auto what = fmt::format("\"conninfo\" in [{}]", section);
    const auto parsed = pq::Conninfo::parse(conninfo, what);
    if (!parsed) {
        auto refused = file.refuse(node->source(), parsed.error().message);
        refused.value().hint = parsed.error().hint;
        return refused;
    }
    if (!parsed->get("replication").empty()) {
        return file.refuse(node->source(), what + " sets replication, which walferry sets where it is needed");
    }
    return {};
}

Result<void> read_slot(const TaskFile &file, Task &task) {
    task.slot = "walferry_" + task.name;
    WF_TRY(read_text(file, "source", "slot", task.slot));
    if (is_name(task.slot, 63)) return {};
    return file.refuse(file.value("source", "slot")->source(),
                       fmt::format("\"{}\" can't name a slot: a-z, 0-9 and _ only, 1 to 63 of them", task.slot));
}

enum class Origin { any, local };
const char *to_string(Origin origin) { return origin == Origin::any ? "any" : "local"; }

Result<void> read_origin(const TaskFile &file, Task &task) {
    auto origin = Origin::any;
    WF_TRY(read_choice(file, file.value("source", "origin"), "origin", {Origin::any, Origin::local}, origin));
    task.local = origin == Origin::local;
    return {};
}

Result<void> check_pattern(const TaskFile &file, const std::string &pattern, const toml::node &place) {
    const auto fault = pattern_fault(pattern);
    if (fault.empty()) return {};
    return file.refuse(place.source(), fmt::format("pattern \"{}\" {}", pattern, fault));
}

Result<void> read_patterns(const TaskFile &file, std::string_view key, std::vector<std::string> &patterns) {
    const auto *node = file.value("objects", key);
    if (node == nullptr) return {};
    patterns.clear();
    return read_texts(file, key, node, [&](const std::string &pattern, const toml::node &place) -> Result<void> {
        WF_TRY(check_pattern(file, pattern, place));
        patterns.push_back(pattern);
        return {};
    });
}

Result<void> read_objects(const TaskFile &file, Task &task) {
    WF_TRY(read_patterns(file, "include", task.include));
    WF_TRY(read_patterns(file, "exclude", task.exclude));
    WF_TRY(read_boolean(file, "objects", "allow_unmatched", task.allow_unmatched));
    if (!task.include.empty()) return {};
    return file.refuse(file.value("objects", "include")->source(),
                       "\"include\" is empty: the task would take no table");
}

Result<void> read_map(const TaskFile &file, Task &task) {
    const auto *node = file.value("map", "schemas");
    std::vector<std::pair<std::string, std::string>> schemas;
    WF_TRY(read_pairs(file, "schemas", node, "a table: { shop = \"store\", \"app_*\" = \"tenant_*\" }", schemas));
    for (auto &[source, destination] : schemas) {
        const auto fault = task.names.add_schema(source, destination);
        if (!fault.empty()) return file.refuse(node->source(), fmt::format("\"schemas\" in [map]: {}", fault));
    }
    return {};
}

// Leaves alone what the section doesn't say.
Result<void> read_conflict(const TaskFile &file, const toml::table &section, ConflictPolicy &policy) {
    using enum ConflictAction;
    for (std::size_t i = 0; i < conflict_kind_count; ++i) {
        const auto kind = static_cast<ConflictKind>(i);
        ConflictAction action = policy.action(kind);
        const auto *node = section.get(to_string(kind));
        if (kind == ConflictKind::insert_exists || kind == ConflictKind::update_missing) {
            WF_TRY(read_choice(file, node, to_string(kind), {stop, overwrite, skip, quarantine}, action));
        } else {
            WF_TRY(read_choice(file, node, to_string(kind), {stop, skip, quarantine}, action));
        }
        policy.set(kind, action);
    }
    return read_choice(file, section.get("existing_rows"), "existing_rows",
                       {ExistingRows::refuse, ExistingRows::keep, ExistingRows::replace}, policy.existing_rows);
}

Result<void> read_table_conflict(const TaskFile &file, const toml::node *node, const Task &task,
                                 TableSettings &settings) {
    if (node == nullptr) return {};
    const auto *section = node->as_table();
    if (section == nullptr) return file.refuse_type(*node, "conflict", "a table: { insert_exists = \"skip\" }");
    settings.conflict = task.conflict;
    return read_conflict(file, *section, *settings.conflict);
}

// Requires: operations and set are read.
Result<void> read_merge(const TaskFile &file, const toml::table &table, TableSettings &settings) {
    const auto *merge = table.get("merge");
    if (merge == nullptr) return {};
    WF_TRY(read_pairs(file, "merge", merge, "a table: { source_id = \"'s1'\" }", settings.merge));
    if (settings.merge.empty()) return file.refuse(merge->source(), "\"merge\" names no column");
    for (const auto &[column, constant] : settings.merge) {
        const bool is_set = std::any_of(settings.set.begin(), settings.set.end(),
                                        [&](const auto &setting) { return setting.first == column; });
        if (is_set) return file.refuse(merge->source(), fmt::format("\"{}\" is in \"set\" and \"merge\"", column));
    }
    const auto &operations = settings.operations;
    if (!operations.empty() && std::find(operations.begin(), operations.end(), "ddl") == operations.end()) return {};
    return file.refuse(
        merge->source(),
        "a merged table needs \"operations\" without \"ddl\": [\"insert\", \"update\", \"delete\", "
        "\"truncate\"]. The destination's table is nobody's copy: you make it, and change it when one of "
        "the sources' changes");
}

// Requires: [conflict] is read.
Result<TableSettings> read_table(const TaskFile &file, const Task &task, const toml::table &table) {
    static const std::vector<std::string_view> operations = {"insert", "update", "delete", "truncate", "ddl"};
    TableSettings settings;
    const auto *name = table.get("name");
    if (name == nullptr) return file.refuse(table.source(), "key \"name\" is missing in [[tables]]");
    WF_ASSIGN(settings.name, text_of(file, "name", *name));
    WF_TRY(check_pattern(file, settings.name, *name));
    const auto read_list = [&](std::string_view key, std::vector<std::string> &list,
                               const std::vector<std::string_view> *known) {
        return read_texts(file, key, table.get(key),
                          [&](const std::string &text, const toml::node &place) -> Result<void> {
                              if (known != nullptr && std::find(known->begin(), known->end(), text) == known->end()) {
                                  return file.refuse(place.source(),
                                                     fmt::format("unknown operation \"{}\"{}; operations are {}", text,
                                                                 did_you_mean(text, *known), fmt::join(*known, ", ")));
                              }
                              if (std::find(list.begin(), list.end(), text) != list.end()) {
                                  return file.refuse(place.source(), fmt::format("\"{}\" is listed twice", text));
                              }
                              list.push_back(text);
                              return {};
                          });
    };
    WF_TRY(read_list("operations", settings.operations, &operations));
    WF_TRY(read_list("columns", settings.columns, nullptr));
    for (const auto *list : {table.get("operations"), table.get("columns")}) {
        if (list != nullptr && list->as_array()->empty()) return file.refuse(list->source(), "the list is empty");
    }
    if (const auto *where = table.get("where"); where != nullptr) {
        WF_ASSIGN(settings.where, text_of(file, "where", *where));
    }
    WF_TRY(read_pairs(file, "set", table.get("set"), "a table: { column = \"expression\" }", settings.set));
    WF_TRY(read_merge(file, table, settings));
    WF_TRY(read_table_conflict(file, table.get("conflict"), task, settings));
    return settings;
}

// `rename` and `rename_columns`, which go by a name and not by a pattern. Requires: [map] is read.
Result<void> read_names(const TaskFile &file, const toml::table &table, const std::string &pattern, NameMap &names) {
    const auto *rename = table.get("rename");
    const auto *columns = table.get("rename_columns");
    if (rename == nullptr && columns == nullptr) return {};
    const auto source = exact_name(pattern);
    if (!source) {
        return file.refuse(
            table.get("name")->source(),
            fmt::format("\"rename\" and \"rename_columns\" are for one table: \"{}\" is a pattern", pattern));
    }
    TableNames rule{{source->first, source->second}, {}, {}};
    if (rename != nullptr) {
        WF_ASSIGN(const std::string text, text_of(file, "rename", *rename));
        const auto destination = exact_name(text);
        if (!destination) {
            return file.refuse(rename->source(),
                               fmt::format("\"rename\" must be a table's name or schema.table, not \"{}\"", text));
        }
        rule.destination = QualifiedName{destination->first, destination->second};
    }
    WF_TRY(read_pairs(file, "rename_columns", columns, "a table: { mail = \"email\" }", rule.columns));
    const auto fault = names.add_table(std::move(rule));
    if (!fault.empty()) return file.refuse((rename != nullptr ? rename : columns)->source(), fault);
    return {};
}

Result<void> read_tables(const TaskFile &file, Task &task) {
    const auto *tables = file.root()["tables"].as_array();
    if (tables == nullptr) return {};
    std::vector<std::string> named;
    for (const auto &node : *tables) {
        const toml::table &table = *node.as_table();
        WF_ASSIGN(TableSettings settings, read_table(file, task, table));
        if (std::find(named.begin(), named.end(), settings.name) != named.end()) {
            return file.refuse(node.source(), fmt::format("table \"{}\" has two sections", settings.name));
        }
        named.push_back(settings.name);
        WF_TRY(read_names(file, table, settings.name, task.names));
        const bool names_alone = std::all_of(table.begin(), table.end(), [](const auto &entry) {
            return entry.first.str() == "name" || entry.first.str().starts_with("rename");
        });
        if (names_alone && table.size() > 1) continue;  // what is sent of it is what the source has
        task.tables.push_back(std::move(settings));
    }
    return {};
}

// Requires: [schema] is read.
Result<void> read_ddl(const TaskFile &file, Task &task) {
    DdlPolicy &ddl = task.ddl;
    if (task.grants) ddl.set(DdlClass::grants, DdlAction::replicate);
    if (task.owners) ddl.set(DdlClass::owners, DdlAction::replicate);
    for (std::size_t i = 0; i < ddl_class_count; ++i) {
        const auto ddl_class = static_cast<DdlClass>(i);
        DdlAction action = ddl.action(ddl_class);
        WF_TRY(read_choice(file, file.value("ddl", to_string(ddl_class)), to_string(ddl_class),
                           {DdlAction::replicate, DdlAction::skip, DdlAction::stop}, action));
        ddl.set(ddl_class, action);
    }
    ddl.role = task.owners ? DdlRole::preserve : DdlRole::applier;
    WF_TRY(read_choice(file, file.value("ddl", "role"), "role", {DdlRole::preserve, DdlRole::applier}, ddl.role));
    WF_TRY(read_number<std::int64_t>(file, "ddl", "lock_timeout_seconds", 1, 3600, ddl.lock_timeout_seconds));
    return read_number<std::int64_t>(file, "ddl", "lock_retry_seconds", 0, 315'360'000, ddl.lock_retry_seconds);
}

Result<Task> read_values(const TaskFile &file) {
    Task task;
    task.file = file.path();
    WF_TRY(read_name(file, task));
    WF_TRY(read_stages(file, task));
    WF_TRY(read_conninfo(file, "source", task.source_conninfo));
    WF_TRY(read_slot(file, task));
    WF_TRY(read_megabytes(file, "source", "decoding_memory_mb", 1, 1 << 20, task.decoding_memory_bytes));
    WF_TRY(read_conninfo(file, "destination", task.destination_conninfo));
    WF_TRY(read_objects(file, task));
    WF_TRY(read_map(file, task));
    if (const auto *conflict = file.section("conflict")) WF_TRY(read_conflict(file, *conflict, task.conflict));
    WF_TRY(read_tables(file, task));
    WF_TRY(read_boolean(file, "schema", "owners", task.owners));
    WF_TRY(read_boolean(file, "schema", "grants", task.grants));
    WF_TRY(read_text(file, "schema", "pg_bin", task.pg_bin));
    WF_TRY(read_number(file, "copy", "jobs", 1, 64, task.copy_jobs));
    WF_TRY(read_number<std::int64_t>(file, "copy", "yield_seconds", 0, 86'400, task.copy_yield_seconds));
    // They belong to no schema. As pg_dump has it: they come with a whole database, whatever is left out of that.
    task.large_objects = std::find(task.include.begin(), task.include.end(), "*.*") != task.include.end();
    WF_TRY(read_boolean(file, "copy", "large_objects", task.large_objects));
    task.apply_workers = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
    WF_TRY(read_number(file, "apply", "workers", 1, 64, task.apply_workers));
    WF_TRY(read_megabytes(file, "apply", "buffer_mb", 4, 4096, task.buffer_bytes));
    WF_TRY(read_boolean(file, "apply", "streaming", task.streaming));
    WF_TRY(read_text(file, "apply", "spool_folder", task.spool_folder));
    WF_TRY(read_megabytes(file, "apply", "spool_mb", 1, 1 << 30, task.spool_bytes));
    // The upper bound, ten years, keeps sums with points in time from overflowing.
    WF_TRY(
        read_number<std::int64_t>(file, "retry", "connection_seconds", 0, 315'360'000, task.retry_connection_seconds));
    WF_TRY(read_number<std::int64_t>(file, "retry", "transient_seconds", 0, 315'360'000, task.retry_transient_seconds));
    WF_TRY(read_boolean(file, "source", "failover", task.failover));
    WF_TRY(read_origin(file, task));
    WF_TRY(read_number<std::int64_t>(file, "source", "heartbeat_seconds", 0, 86'400, task.heartbeat_seconds));
    WF_TRY(read_rates(file, "stream", task.stream_rates));
    WF_TRY(read_rates(file, "copy", task.copy_rates));
    WF_TRY(read_rates(file, "verify", task.verify_rates));
    WF_TRY(read_text(file, "control", "socket", task.control_socket));
    WF_TRY(read_http(file, task));
    WF_TRY(read_alerts(file, task.alerts));
    WF_TRY(read_ddl(file, task));
    return task;
}

}  // namespace

Result<Task> parse_task(std::string_view text, const std::string &path) {
    WF_ASSIGN(const TaskFile file, TaskFile::parse(text, path));
    WF_TRY(check_keys(file));
    return read_values(file);
}

Result<Task> read_task(const std::string &path) {
    const auto unreadable = [&] {
        return fail(ErrorKind::config, fmt::format("{}: {}", path, std::strerror(errno)),
                    "Name the task file (TOML) as the command's argument.");
    };
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in) return unreadable();
    std::ostringstream text;
    text << in.rdbuf();  // fails on an empty file too
    if (!text && errno != 0) return unreadable();
    return parse_task(text.str(), path);
}

}  // namespace walferry
