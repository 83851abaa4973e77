// Gives the destination's objects the names that they have at the source, for as long as something runs that speaks of them by
// these: pg_dump's script, a DDL statement, a comparison of definitions. All of it in one transaction, so nobody else ever
// sees it.
//
//   enter   schemas, then tables with a rule, then columns get their names at the source. What isn't the source's and would
//           be taken for it, as its name is one of the source's, is hidden under another name.
//   ...     the transaction's own work; it may create, rename and drop whatever it likes
//   leave   what is there now goes where its name says, and what was hidden gets its name back
//
// References between objects are by OID, so views, constraints, defaults and triggers follow by themselves. A schema's new name
// takes no lock of its tables; a table with a rule is locked (ACCESS EXCLUSIVE) until the transaction ends.
//
// Needs what ALTER ... RENAME needs: ownership of what is renamed, CREATE in the database.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/name_map.h"
#include "pq/connection.h"

namespace walferry {

// What the work in the mirror is about; the rest keeps its names, which takes no locks.
struct MirrorScope {
    std::vector<SearchedText> texts;       // may have any name as a word
    std::vector<std::string> schemas;      // by their names at the source
    std::vector<QualifiedName> relations;  // likewise

    bool needs_schema(std::string_view name) const;
    bool needs_table(const TableNames &rule, const QualifiedName &destination) const;
};

// A connection, however it is wrapped.
struct MirrorConnection {
    // One statement in the open transaction.
    std::function<Result<pq::Rows>(const std::string &sql, std::span<const pq::Param> params)> run;
    // As libpq quotes for it.
    std::function<std::string(std::string_view name)> quote_identifier;
    std::function<std::string(std::string_view text)> quote_literal;
};
MirrorConnection mirror_connection(pq::Connection &connection);

// Thread: its session's.
class Mirror {
public:
    // `names` must outlive it.
    Mirror(const NameMap &names, MirrorConnection connection) : names_(names), connection_(std::move(connection)) {}

    // Requires: a transaction is open, which enters once at a time. Others that enter wait until it ends. With nothing mapped these
    // do nothing. `lock_timeout_ms`: for each lock of a table; 0: as long as it takes. `scope`: null for everything.
    // After an error the transaction has to go back to where it was before enter().
    Result<void> enter(int lock_timeout_ms, const MirrorScope *scope);
    Result<void> leave();

private:
    struct Rename {
        std::string from;
        std::string to;
    };
    struct Moved {
        QualifiedName from;  // in the names of schemas at that moment
        QualifiedName to;
        std::vector<Rename> columns;
    };
    struct FoundTable {
        std::size_t rule = 0;  // of names_.tables()
        std::string schema_oid;
        bool has_children = false;
        std::vector<std::string> columns;
    };
    struct Schema {
        std::string oid;
        std::string name;
    };

    Result<std::vector<Schema>> list_schemas();
    std::vector<Schema> schemas_in(const MirrorScope &scope, const std::vector<Schema> &schemas) const;
    Result<std::vector<FoundTable>> find_tables(const std::vector<QualifiedName> &wanted);
    Result<void> hide_relations(const std::vector<Moved> &moves);
    Result<void> rename_schemas(const std::vector<Rename> &renames, const std::vector<Schema> &schemas);
    Result<void> move_tables(const std::vector<Moved> &moves);
    Result<void> run_all(const std::vector<std::string> &statements);
    std::string quoted(std::string_view name) const { return connection_.quote_identifier(name); }
    std::string quoted(const QualifiedName &name) const { return quoted(name.schema) + "." + quoted(name.name); }

    const NameMap &names_;
    const MirrorConnection connection_;
    int lock_timeout_ms_ = 0;
    std::set<std::string> untouched_schemas_;  // OIDs of those that keep their names
    std::vector<Rename> hidden_schemas_;       // from: the name that hides it
    std::vector<Moved> hidden_relations_;      // likewise; `to`'s schema by its name at the source
};

// `work`, a function of nothing that returns Result<void>, in an open transaction of the connection.
template <class Work>
Result<void> in_mirror(pq::Connection &connection, const NameMap &names, int lock_timeout_ms, Work &&work) {
    Mirror mirror(names, mirror_connection(connection));
    WF_TRY(mirror.enter(lock_timeout_ms, nullptr));
    WF_TRY(work());
    return mirror.leave();
}

}  // namespace walferry
