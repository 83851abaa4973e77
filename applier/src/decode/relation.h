// A source table as the stream describes it. Immutable: a changed table is a new Relation.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace walferry {

struct Column {
    std::string name;
    bool key = false;  // part of the replica identity
    bool primary_key = false;
    bool generated = false;  // sent because it is part of the key; the destination computes it
    bool identity_always = false;
    bool not_null = false;
    bool binary = true;  // else text
    std::uint32_t type = 0;
    std::string type_schema;
    std::string type_name;
    std::int32_t typmod = -1;
    std::string collation_schema;
    std::string collation_name;
    std::string
        part;  // the value in all rows, a constant in SQL, by which they are told from other sources'; empty: none
};

enum class RelationKind {
    table,
    ddl_log,  // walferry.ddl_log: an inserted row is a DDL statement (decode/ddl.h)
    rewrite,  // a table's rows as a DDL statement has computed them anew; the statement follows
};

struct Relation {
    std::uint32_t relid = 0;
    RelationKind kind = RelationKind::table;
    bool omits_columns = false;  // the table has others, which don't come
    std::uint32_t rewrites = 0;  // of a rewrite: the table's relid
    std::string schema;          // in the source's encoding
    std::string name;
    char replica_identity = 'd';  // pg_class.relreplident
    std::vector<Column> columns;
    std::size_t key_columns = 0;   // how many have `key`
    bool identity_hashed = false;  // changes carry ConflictKeys::identity
    std::size_t unique_keys = 0;   // and this many hashes of other unique indexes

    // Of the table whose rows the changes are about.
    std::uint32_t table_relid() const { return kind == RelationKind::rewrite ? rewrites : relid; }
    std::string qualified_name() const { return schema + "." + name; }  // for messages, not for SQL
};

}  // namespace walferry
