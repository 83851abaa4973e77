// SPDX-License-Identifier: PostgreSQL
#include "schema/mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "pq/array.h"
#include "schema/tables.h"

namespace walferry {

namespace {

const char *const lock_sql =
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('walferry mirror', 0))";

const char *const schemas_sql = R"(
SELECT oid, nspname FROM pg_catalog.pg_namespace
WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'walferry') ORDER BY oid)";

// Per table and column of the wanted ones that are there.
const char *const tables_sql = R"(
SELECT w.place, n.oid, a.attname, c.relhassubclass
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema_name, table_name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.table_name AND c.relkind IN ('r', 'p', 'f')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY w.place, a.attnum)";

const char *const occupants_sql = R"(
SELECT w.place, c.oid
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema_name, relation_name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relation_name)";

// Statements as literals, with the lock_timeout of the transaction put back.
constexpr const char *block_sql = R"(
DECLARE
    timeout text := pg_catalog.current_setting('lock_timeout');
    statement text;
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', '{}', true);
    FOREACH statement IN ARRAY {}::text[] LOOP
        EXECUTE statement;
    END LOOP;
    PERFORM pg_catalog.set_config('lock_timeout', timeout, true);
END)";

std::string hiding_name(std::size_t number) { return fmt::format("walferry_hidden_{}", number); }
std::string passing_name(std::size_t number) { return fmt::format("walferry_passing_{}", number); }

}  // namespace

MirrorConnection mirror_connection(pq::Connection &connection) {
    return {[&connection](const std::string &sql, std::span<const pq::Param> params) {
                return params.empty() ? connection.exec(sql) : connection.exec(sql, params);
            },
            [&connection](std::string_view name) { return connection.quote_identifier(name); },
            [&connection](std::string_view text) { return connection.quote_literal(text); }};
}

bool MirrorScope::needs_schema(std::string_view name) const {
    return std::find(schemas.begin(), schemas.end(), name) != schemas.end() ||
           std::any_of(texts.begin(), texts.end(), [&](const auto &text) { return text.mentions(name); });
}

bool MirrorScope::needs_table(const TableNames &rule, const QualifiedName &destination) const {
    if (std::find(relations.begin(), relations.end(), rule.source) != relations.end()) return true;
    return std::any_of(texts.begin(), texts.end(), [&](const auto &text) {
        return text.mentions(rule.source.name) || text.mentions(destination.name) ||
               std::any_of(rule.columns.begin(), rule.columns.end(),
                           [&](const auto &column) { return text.mentions(column.first); });
    });
}

Result<std::vector<Mirror::Schema>> Mirror::list_schemas() {
    WF_ASSIGN(const pq::Rows rows, connection_.run(schemas_sql, {}));
    std::vector<Schema> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back({rows.text(row, 0), rows.text(row, 1)});
    return out;
}

Result<std::vector<Mirror::FoundTable>> Mirror::find_tables(const std::vector<QualifiedName> &wanted) {
    std::vector<FoundTable> out;
    if (wanted.empty()) return out;
    WF_ASSIGN(const pq::Rows rows, connection_.run(tables_sql, name_arrays(wanted)));
    for (int row = 0; row < rows.count(); ++row) {
        const auto rule = static_cast<std::size_t>(rows.integer(row, 0)) - 1;
        if (out.empty() || out.back().rule != rule) out.push_back({rule, rows.text(row, 1), rows.boolean(row, 3), {}});
        if (!rows.null(row, 2)) out.back().columns.push_back(rows.text(row, 2));
    }
    return out;
}

Result<void> Mirror::run_all(const std::vector<std::string> &statements) {
    if (statements.empty()) return {};
    const auto block =
        fmt::format(block_sql, lock_timeout_ms_, connection_.quote_literal(pq::array_literal(statements)));
    WF_TRY(connection_.run("DO " + connection_.quote_literal(block), {}));
    return {};
}

// Through a name of its own, whatever goes to one that is taken as yet.
Result<void> Mirror::rename_schemas(const std::vector<Rename> &renames, const std::vector<Schema> &schemas) {
    std::set<std::string_view> taken;
    for (const Schema &schema : schemas) taken.insert(schema.name);
    std::vector<std::string> first;
    std::vector<std::string> then;
    const auto rename = [this](const std::string &from, const std::string &to) {
        return "ALTER SCHEMA " + quoted(from) + " RENAME TO " + quoted(to);
    };
    for (std::size_t i = 0; i < renames.size(); ++i) {
        const auto &[from, to] = renames[i];
        if (taken.contains(to)) {
            first.push_back(rename(from, passing_name(i)));
            then.push_back(rename(passing_name(i), to));
        } else {
            first.push_back(rename(from, to));
        }
    }
    first.insert(first.end(), then.begin(), then.end());
    return run_all(first);
}

Result<void> Mirror::move_tables(const std::vector<Moved> &moves) {
    std::vector<std::string> statements;
    const auto alter = [this](const QualifiedName &name) { return "ALTER TABLE " + quoted(name) + " "; };
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const auto &[from, to, columns] = moves[i];
        for (std::size_t j = 0; j < columns.size(); ++j) {
            statements.push_back(alter(from) + "RENAME COLUMN " + quoted(columns[j].from) + " TO " +
                                 quoted(passing_name(j)));
        }
        for (std::size_t j = 0; j < columns.size(); ++j) {
            statements.push_back(alter(from) + "RENAME COLUMN " + quoted(passing_name(j)) + " TO " +
                                 quoted(columns[j].to));
        }
        if (from == to) continue;
        statements.push_back(alter(from) + "RENAME TO " + quoted(passing_name(i)));
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const auto &[from, to, columns] = moves[i];
        if (from == to) continue;
        if (from.schema != to.schema) {
            statements.push_back(alter({from.schema, passing_name(i)}) + "SET SCHEMA " + quoted(to.schema));
        }
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const auto &[from, to, columns] = moves[i];
        if (from == to) continue;
        statements.push_back(alter({to.schema, passing_name(i)}) + "RENAME TO " + quoted(to.name));
    }
    return run_all(statements);
}

// Whatever stands where a table is to go, and goes nowhere itself.
Result<void> Mirror::hide_relations(const std::vector<Moved> &moves) {
    hidden_relations_.clear();
    if (moves.empty()) return {};
    std::vector<QualifiedName> wanted;
    for (const Moved &move : moves) wanted.push_back(move.to);
    WF_ASSIGN(const pq::Rows rows, connection_.run(occupants_sql, name_arrays(wanted)));
    std::vector<std::string> statements;
    for (int row = 0; row < rows.count(); ++row) {
        const QualifiedName &name = moves[static_cast<std::size_t>(rows.integer(row, 0)) - 1].to;
        if (std::any_of(moves.begin(), moves.end(), [&](const Moved &move) { return move.from == name; })) continue;
        const QualifiedName hidden{name.schema, hiding_name(hidden_relations_.size())};
        statements.push_back("ALTER TABLE " + quoted(name) + " RENAME TO " + quoted(hidden.name));
        hidden_relations_.push_back({hidden, name, {}});
    }
    return run_all(statements);
}

// With those that have a name which one of these is to get.
std::vector<Mirror::Schema> Mirror::schemas_in(const MirrorScope &scope, const std::vector<Schema> &schemas) const {
    std::vector<Schema> out;
    std::vector<Schema> rest;
    std::set<std::string> free;  // names that have to be
    const auto take = [&](const Schema &schema) {
        out.push_back(schema);
        if (const auto source = names_.source_schema(schema.name)) free.insert(*source);
    };
    for (const Schema &schema : schemas) {
        const auto source = names_.source_schema(schema.name);
        if (scope.needs_schema(schema.name) || (source && scope.needs_schema(*source))) {
            take(schema);
        } else {
            rest.push_back(schema);
        }
    }
    for (std::size_t before = 0; before != out.size();) {
        before = out.size();
        std::erase_if(rest, [&](const Schema &schema) {
            if (!free.contains(schema.name)) return false;
            take(schema);
            return true;
        });
    }
    return out;
}

Result<void> Mirror::enter(int lock_timeout_ms, const MirrorScope *scope) {
    if (names_.empty()) return {};
    lock_timeout_ms_ = lock_timeout_ms;
    hidden_schemas_.clear();
    untouched_schemas_.clear();
    WF_TRY(connection_.run(lock_sql, {}));
    std::vector<QualifiedName> wanted;
    for (const TableNames &rule : names_.tables()) wanted.push_back(names_.relation(rule.source));
    WF_ASSIGN(auto tables, find_tables(wanted));
    WF_ASSIGN(const auto schemas, list_schemas());
    auto concerned = schemas;
    if (scope != nullptr) {
        MirrorScope wider = *scope;
        // A statement about a table may show the columns of one above it, whose name it lacks.
        std::erase_if(tables, [&](const FoundTable &table) {
            const TableNames &rule = names_.tables()[table.rule];
            const bool inherited = table.has_children && !rule.columns.empty();
            if (!inherited && !scope->needs_table(rule, wanted[table.rule])) return true;
            wider.schemas.push_back(rule.source.schema);
            return false;
        });
        concerned = schemas_in(wider, schemas);
    }
    std::vector<Rename> renames;
    std::map<std::string, std::string> now;  // by OID
    for (const Schema &schema : schemas) {
        now[schema.oid] = schema.name;
        untouched_schemas_.insert(schema.oid);
    }
    for (const Schema &schema : concerned) {
        untouched_schemas_.erase(schema.oid);
        const auto source = names_.source_schema(schema.name);
        const auto to = source ? *source : hiding_name(hidden_schemas_.size());
        if (!source) hidden_schemas_.push_back({to, schema.name});
        if (to != schema.name) renames.push_back({schema.name, to});
        now[schema.oid] = to;
    }
    WF_TRY(rename_schemas(renames, schemas));
    std::vector<Moved> moves;
    for (const FoundTable &table : tables) {
        const TableNames &rule = names_.tables()[table.rule];
        Moved move{{now.at(table.schema_oid), wanted[table.rule].name}, rule.source, {}};
        for (const auto &[source, destination] : rule.columns) {
            if (source == destination || std::count(table.columns.begin(), table.columns.end(), destination) == 0)
                continue;
            move.columns.push_back({destination, source});
        }
        if (move.from != move.to || !move.columns.empty()) moves.push_back(std::move(move));
    }
    WF_TRY(hide_relations(moves));
    return move_tables(moves);
}

Result<void> Mirror::leave() {
    if (names_.empty()) return {};
    std::vector<QualifiedName> wanted;
    for (const TableNames &rule : names_.tables()) wanted.push_back(rule.source);
    WF_ASSIGN(auto tables, find_tables(wanted));
    std::erase_if(tables, [&](const FoundTable &table) { return untouched_schemas_.contains(table.schema_oid); });
    WF_ASSIGN(const auto schemas, list_schemas());
    std::vector<Rename> renames;
    std::set<std::string> there;
    for (const Schema &schema : schemas) {
        if (untouched_schemas_.contains(schema.oid)) {
            there.insert(schema.name);
            continue;
        }
        const auto hidden = std::find_if(hidden_schemas_.begin(), hidden_schemas_.end(),
                                         [&](const Rename &rename) { return rename.from == schema.name; });
        const auto to = hidden == hidden_schemas_.end() ? names_.schema(schema.name) : hidden->to;
        if (to != schema.name) renames.push_back({schema.name, to});
        if (!there.insert(to).second) {
            return fail(ErrorKind::conflict,
                        fmt::format("two schemas would have the name \"{}\" at the destination", to),
                        "Give one of them another name in [map].");
        }
    }
    WF_TRY(rename_schemas(renames, schemas));
    std::vector<Moved> moves;
    std::vector<std::string> missing;
    for (const FoundTable &table : tables) {
        const TableNames &rule = names_.tables()[table.rule];
        const QualifiedName to = names_.relation(rule.source);
        Moved move{{names_.schema(rule.source.schema), rule.source.name}, to, {}};
        for (const auto &[source, destination] : rule.columns) {
            if (source == destination || std::count(table.columns.begin(), table.columns.end(), source) == 0) continue;
            move.columns.push_back({source, destination});
        }
        if (there.insert(to.schema).second) missing.push_back("CREATE SCHEMA " + quoted(to.schema));
        if (move.from != move.to || !move.columns.empty()) moves.push_back(std::move(move));
    }
    WF_TRY(run_all(missing));
    WF_TRY(move_tables(moves));
    for (Moved &hidden : hidden_relations_) {
        hidden.from.schema = names_.schema(hidden.from.schema);
        hidden.to.schema = hidden.from.schema;
    }
    return move_tables(hidden_relations_);
}

}  // namespace walferry
