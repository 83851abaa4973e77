// SPDX-License-Identifier: PostgreSQL
#include "verify/object_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/bookkeeping.h"
#include "pq/array.h"
#include "schema/dump.h"
#include "schema/mirror.h"
#include "verify/object_query.h"
#include "verify/stream_position.h"

namespace walferry {

namespace {

constexpr int looks_max = 10;
constexpr int lock_timeout_ms = 5000;

struct Object {
    std::string tag;
    std::string parent;
    std::string definition;
    std::string create;
    std::string drop;
};
using ObjectName = std::pair<std::string, std::string>;  // kind, name
using Objects = std::map<ObjectName, Object>;

Result<Objects> read_objects(pq::Connection &connection, const std::vector<ExcludedRelation> &excluded, bool owners) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const auto &relation : excluded) {
        schemas.push_back(relation.schema);
        names.push_back(relation.name);
    }
    WF_ASSIGN(const pq::Rows rows, connection.exec(objects_sql, {pq::array_literal(schemas), pq::array_literal(names),
                                                                 std::string(owners ? "t" : "f")}));
    Objects out;
    for (int row = 0; row < rows.count(); ++row) {
        out[{rows.text(row, 0), rows.text(row, 3)}] = {rows.text(row, 1), rows.text(row, 2),
                                                       settled_definition(rows.text(row, 4)), rows.text(row, 5),
                                                       rows.text(row, 6)};
    }
    return out;
}

// Under their names at the source. Nobody else sees them so: the transaction ends without a trace.
Result<Objects> read_objects_here(pq::Connection &destination, const Task &task,
                                  const std::vector<ExcludedRelation> &excluded) {
    if (task.names.empty()) return read_objects(destination, excluded, task.owners);
    WF_TRY(destination.exec("BEGIN"));
    Objects out;
    auto read = in_mirror(destination, task.names, lock_timeout_ms, [&]() -> Result<void> {
        WF_ASSIGN(out, read_objects(destination, excluded, task.owners));
        return {};
    });
    WF_TRY(destination.exec("ROLLBACK"));
    if (!read) return fail(std::move(read).error());
    return out;
}

std::vector<std::string> remedy(const Object &source, const Object *destination) {
    if (source.create.empty()) return {};
    if (destination == nullptr || destination->drop.empty()) return {source.create};
    return {destination->drop, source.create};
}

struct Look {
    std::map<ObjectName, ObjectDifference> differences;
    std::map<ObjectName, std::string> tags;
    std::vector<std::string> only_here;
};

Look compare(const Objects &source, const Objects &destination) {
    std::set<std::string> at_source;
    std::set<std::string> at_destination;
    for (const auto &[name, object] : source) at_source.insert(name.second);
    for (const auto &[name, object] : destination) at_destination.insert(name.second);
    Look look;
    for (const auto &[name, object] : source) {
        const auto found = destination.find(name);
        const bool there = found != destination.end();
        if (there && found->second.definition == object.definition) continue;
        // What lacks the whole lacks its parts too.
        if (!object.parent.empty() && !at_destination.contains(object.parent)) continue;
        look.differences[name] = {name.first, name.second, object.definition, there ? found->second.definition : "",
                                  remedy(object, there ? &found->second : nullptr)};
        look.tags[name] = object.tag;
    }
    for (const auto &[name, object] : destination) {
        if (source.contains(name) || object.parent.empty() || !at_source.contains(object.parent)) continue;
        look.only_here.push_back(fmt::format("{} {}: at the destination alone", name.first, name.second));
    }
    return look;
}

// One that is printed by servers of different versions may look different and be the same.
bool is_printed_alike(const ObjectName &name, bool same_major) {
    return same_major || (name.first != "view" && name.first != "materialized view" && name.first != "rule");
}

}  // namespace

std::string settled_definition(const std::string &definition) {
    // (ARRAY['a'::character varying, 'b'::character varying])::text[]
    // ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
    static const std::string begin = "(ARRAY[";
    static const std::string end = "])::text[]";
    std::string out;
    std::size_t at = 0;
    while (true) {
        const auto open = definition.find(begin, at);
        const auto close = open == std::string::npos ? open : definition.find(end, open);
        if (close == std::string::npos) return out + definition.substr(at);
        out += definition.substr(at, open - at) + "ARRAY[(";
        bool quoted = false;
        for (std::size_t i = open + begin.size(); i < close; ++i) {
            if (definition[i] == '\'') quoted = !quoted;
            if (!quoted && definition.compare(i, 2, ", ") == 0) {
                out += ")::text, (";
                ++i;
            } else {
                out += definition[i];
            }
        }
        out += ")::text]";
        at = close + end.size();
    }
}

Result<void> compare_objects(pq::Connection &source, pq::Connection &destination, const Task &task,
                             const StopFlag &stop, Comparison &out) {
    if (!task.schema_stage) {
        out.notes.emplace_back("objects are not compared: the task has no stage \"schema\"");
        return {};
    }
    WF_ASSIGN(const auto record, find_task(destination, task.name));
    if (record && record->phase < Phase::copy) {
        out.notes.emplace_back("objects are not compared: they are still to be made");
        return {};
    }
    StreamPosition position(source, destination, task, stop);
    Look look;
    for (int i = 0; i < looks_max; ++i) {
        WF_TRY(position.see_applied());
        WF_ASSIGN(const auto excluded, excluded_relations(source, task));
        WF_ASSIGN(const Objects at_source, read_objects(source, excluded, task.owners));
        if (i > 0) WF_TRY(position.catch_up());
        WF_ASSIGN(const Objects at_destination, read_objects_here(destination, task, excluded));
        Look now = compare(at_source, at_destination);
        // What is the same at two looks stays.
        const bool settled = std::all_of(now.differences.begin(), now.differences.end(), [&](const auto &difference) {
            const auto before = look.differences.find(difference.first);
            return before != look.differences.end() && before->second.source == difference.second.source &&
                   before->second.destination == difference.second.destination;
        });
        look = std::move(now);
        if (settled) break;
    }
    const bool same_major = source.server_version() / 10000 == destination.server_version() / 10000;
    for (auto &[name, difference] : look.differences) {
        const bool replicated = task.ddl.action(look.tags[name], false) == DdlAction::replicate;
        if (replicated && (difference.destination.empty() || is_printed_alike(name, same_major))) {
            out.objects.push_back(std::move(difference));
        } else {
            out.notes.push_back(fmt::format(
                "{} {}: not as at the source, {}", name.first, name.second,
                replicated ? "as far as servers of two versions can tell" : "which the task doesn't replicate"));
        }
    }
    out.notes.insert(out.notes.end(), look.only_here.begin(), look.only_here.end());
    return {};
}

}  // namespace walferry
