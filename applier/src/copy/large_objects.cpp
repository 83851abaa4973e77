// SPDX-License-Identifier: PostgreSQL
#include "copy/large_objects.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/failpoint.h"
#include "pq/array.h"
#include "precheck/names.h"

namespace walferry {

namespace {

constexpr int piece_bytes = 1 << 20;
// Of one round trip.
constexpr std::size_t batch_bytes = 1 << 20;
// Of one transaction. Changing an owner or a comment locks the object: not more than the lock table surely has room for.
constexpr std::uint64_t transaction_objects = 1000;
constexpr std::uint64_t transaction_bytes = 64 << 20;

// $1 OIDs, $2 offsets, $3 content. The piece at 0 makes its object, and fails if there is one.
const char *const write_sql =
    "SELECT count(CASE at WHEN 0 THEN lo_from_bytea(oid, data)::text ELSE lo_put(oid, at, data)::text END)"
    " FROM unnest($1::oid[], $2::bigint[], $3::bytea[]) AS piece (oid, at, data)";

// For object o with the task's owner: the statements that give it, its privileges, its comment. Privileges are granted by whom they
// were, and in their order, which gives the same ACL.
const char *const owner_sql = "format('ALTER LARGE OBJECT %s OWNER TO %I;', o.oid, pg_get_userbyid(o.lomowner))";
const char *const grants_with_owner_sql = R"(
    CASE WHEN o.lomacl IS NOT NULL THEN
        format('REVOKE ALL ON LARGE OBJECT %s FROM %I;', o.oid, pg_get_userbyid(o.lomowner)) || coalesce((
            SELECT string_agg(CASE WHEN a.grantor = o.lomowner THEN format('%s;', a.statement)
                                   ELSE format('SET LOCAL ROLE %I; %s; RESET ROLE;', pg_get_userbyid(a.grantor), a.statement)
                              END, '' ORDER BY a.number)
            FROM granted a), '')
    END)";
// The owner is the account then, which has its own privileges.
const char *const grants_without_owner_sql =
    "(SELECT string_agg(a.statement || ';', '' ORDER BY a.number) FROM granted a WHERE a.grantee <> o.lomowner)";
const char *const comment_sql = R"((
    SELECT format('COMMENT ON LARGE OBJECT %s IS %L;', o.oid, d.description) FROM pg_description d
    WHERE d.classoid = 'pg_largeobject'::regclass AND d.objoid = o.oid AND d.objsubid = 0))";

// The pieces of all objects above an OID: OID, offset, content, and with the first one the object's statements. An object is
// opened for its size, and closed again before the next one is: the server looks for a free descriptor from the first on.
std::string read_sql(const Task &task, const std::string &last_oid) {
    std::string statements = comment_sql;
    if (task.grants)
        statements = fmt::format("{}, {}", task.owners ? grants_with_owner_sql : grants_without_owner_sql, statements);
    if (task.owners) statements = fmt::format("{}, {}", owner_sql, statements);
    return fmt::format(R"(COPY (
SELECT o.oid, piece.at, lo_get(o.oid, piece.at, {0}),
       CASE piece.at WHEN 0 THEN (
           WITH granted AS (
               SELECT a.grantor, a.grantee, a.number,
                      format('GRANT %s ON LARGE OBJECT %s TO %s%s', a.privilege_type, o.oid,
                             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                             CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END) AS statement
               FROM aclexplode(o.lomacl) WITH ORDINALITY AS a (grantor, grantee, privilege_type, is_grantable, number))
           SELECT concat({1}))
       END
FROM (SELECT oid, lomowner, lomacl, lo_lseek64(descriptor, 0, 2) AS size, lo_close(descriptor)
      FROM (SELECT oid, lomowner, lomacl, lo_open(oid, x'40000'::integer) AS descriptor
            FROM pg_largeobject_metadata WHERE oid > {2} ORDER BY oid OFFSET 0) AS opened OFFSET 0) AS o
CROSS JOIN LATERAL generate_series(0, greatest(o.size - 1, 0), {0}) AS piece (at)
) TO STDOUT (FORMAT binary))",
                       piece_bytes, statements, last_oid);
}

// Elements of one type as they come from a COPY, each with its length, as the binary form of an array.
class BinaryArray {
public:
    explicit BinaryArray(Oid type) : type_(type) { clear(); }

    void add(std::string_view value) {
        append_integer<std::int32_t>(bytes_, static_cast<std::int32_t>(value.size()));
        bytes_ += value;
        overwrite_integer<std::int32_t>(bytes_, count_at, ++count_);
    }
    void clear() {
        count_ = 0;
        bytes_.clear();
        for (const std::uint32_t field : {1U, 0U, type_, 0U, 1U}) append_integer(bytes_, field);  // of one dimension
    }
    std::int32_t count() const { return count_; }
    std::string_view bytes() const { return bytes_; }

private:
    static constexpr std::size_t count_at = 12;

    Oid type_;
    std::int32_t count_ = 0;
    std::string bytes_;
};

struct Piece {
    std::string_view oid_bytes;
    std::string_view at_bytes;
    std::string_view data;
    std::string_view statements;
    std::uint32_t oid = 0;
    std::int64_t at = 0;
};

// A row of COPY's binary form; nothing at the end. Header and trailer may come with a row or alone.
Result<std::optional<Piece>> parse_piece(std::string_view message) {
    static constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
    static constexpr std::size_t header_bytes = signature.size() + 8;  // flags, length of what follows: none
    if (message.starts_with(signature)) message.remove_prefix(std::min(header_bytes, message.size()));
    ByteReader reader(message);
    if (reader.remaining() == 0 || reader.read<std::int16_t>() != 4) return std::nullopt;
    std::array<std::string_view, 4> fields;
    for (auto &field : fields) {
        const auto length = reader.read<std::int32_t>();
        if (length > 0) field = reader.read_bytes(static_cast<std::size_t>(length));
    }
    if (reader.failed()) return fail(ErrorKind::bug, "a large object's piece can't be read");
    return Piece{fields[0],
                 fields[1],
                 fields[2],
                 fields[3],
                 ByteReader(fields[0]).read<std::uint32_t>(),
                 ByteReader(fields[1]).read<std::int64_t>()};
}

// Writes pieces in the order in which they come, and commits between objects.
class Writer {
public:
    Writer(pq::Connection &destination, const Task &task) : destination_(destination), task_(task) {}

    Result<void> add(const Piece &piece) {
        if (piece.at == 0) {
            if (objects_here_ >= transaction_objects || bytes_here_ >= transaction_bytes) WF_TRY(commit());
            if (piece.oid <= last_oid_)
                return fail(ErrorKind::bug, "large objects don't come in the order of their OIDs");
            last_oid_ = piece.oid;
            statements_ += piece.statements;
            ++objects_here_;
            ++objects_;
        }
        oids_.add(piece.oid_bytes);
        offsets_.add(piece.at_bytes);
        data_.add(piece.data);
        bytes_here_ += piece.data.size();
        bytes_ += piece.data.size();
        return data_.bytes().size() < batch_bytes ? Result<void>{} : write();
    }

    Result<void> commit() {
        if (objects_here_ == 0) return {};
        WF_TRY(write());
        WF_TRY(destination_.exec(statements_ +
                                 fmt::format("INSERT INTO walferry.large_object (task, last_oid) VALUES ({}, {})"
                                             " ON CONFLICT (task) DO UPDATE SET last_oid = excluded.last_oid",
                                             destination_.quote_literal(task_.name), last_oid_)));
        failpoint("large_objects_before_commit");
        WF_TRY(destination_.exec("COMMIT"));
        failpoint("large_objects_after_commit");
        statements_.clear();
        objects_here_ = bytes_here_ = 0;
        open_ = false;
        return {};
    }

    std::uint64_t objects() const { return objects_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    Result<void> write() {
        if (data_.count() == 0) return {};
        if (!open_) {
            // The next phase is noted by a commit that waits for the disk, and so for all of these.
            WF_TRY(destination_.exec(
                "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL session_replication_role = replica"));
            open_ = true;
        }
        WF_TRY(destination_.exec_binary(write_sql, std::array{oids_.bytes(), offsets_.bytes(), data_.bytes()}));
        oids_.clear();
        offsets_.clear();
        data_.clear();
        return {};
    }

    pq::Connection &destination_;
    const Task &task_;
    // The batch.
    BinaryArray oids_{26};
    BinaryArray offsets_{20};
    BinaryArray data_{17};
    // The transaction.
    bool open_ = false;
    std::string statements_;
    std::uint64_t objects_here_ = 0;
    std::uint64_t bytes_here_ = 0;
    // All.
    std::uint32_t last_oid_ = 0;
    std::uint64_t objects_ = 0;
    std::uint64_t bytes_ = 0;
};

Result<void> copy_pieces(pq::Connection &source, Writer &writer, const std::string &sql) {
    WF_TRY(source.exec("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
    WF_TRY(source.start_copy_out(sql));
    while (true) {
        WF_ASSIGN(const auto message, source.copy_row());
        if (!message) break;
        WF_ASSIGN(const auto piece, parse_piece(message->view()));
        if (piece) WF_TRY(writer.add(*piece));
    }
    WF_TRY(writer.commit());
    WF_TRY(source.exec("COMMIT"));
    return {};
}

Result<std::vector<std::string>> oids(pq::Connection &connection, const std::string &sql,
                                      std::initializer_list<pq::Param> params = {}) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql, params));
    std::vector<std::string> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back(rows.text(row, 0));
    return out;
}

}  // namespace

Result<std::vector<std::string>> unreadable_large_objects(pq::Connection &source) {
    if (source.server_version() >= 180000) {
        return oids(source,
                    "SELECT oid FROM pg_catalog.pg_largeobject_metadata"
                    " WHERE NOT pg_catalog.has_largeobject_privilege(oid, 'SELECT') ORDER BY oid");
    }
    return oids(source, R"(
SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m
WHERE NOT pg_catalog.current_setting('lo_compat_privileges')::boolean
  AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) AS a
                  WHERE a.privilege_type = 'SELECT'
                    AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))
ORDER BY m.oid)");
}

Result<std::vector<std::string>> colliding_large_objects(pq::Connection &source, pq::Connection &destination,
                                                         const std::string &last_oid) {
    WF_ASSIGN(const std::vector<std::string> here,
              oids(destination, "SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid > $1::oid", {last_oid}));
    if (here.empty()) return here;
    return oids(source, "SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = ANY ($1::oid[]) ORDER BY oid",
                {pq::array_literal(here)});
}

Result<void> copy_large_objects(pq::Connection &source, pq::Connection &destination, const Task &task) {
    WF_ASSIGN(const pq::Rows known,
              destination.exec("SELECT last_oid FROM walferry.large_object WHERE task = $1", {task.name}));
    const std::string last_oid = known.count() == 0 ? "0" : known.text(0, 0);
    WF_ASSIGN(const pq::Rows some,
              source.exec("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata WHERE oid > $1::oid", {last_oid}));
    if (some.view(0, 0) == "0") return {};
    WF_ASSIGN(const std::vector<std::string> taken, colliding_large_objects(source, destination, last_oid));
    if (!taken.empty()) {
        return fail(
            Error{ErrorKind::state,
                  Side::destination,
                  {},
                  "large objects exist already: " + shortened(taken),
                  {},
                  "If they are of no use, remove them: SELECT lo_unlink(oid) FROM pg_largeobject_metadata; or copy "
                  "none: set \"large_objects\" in [copy] to false.",
                  {}});
    }

    spdlog::info("copying {} large objects", some.view(0, 0));
    Writer writer(destination, task);
    if (auto copied = copy_pieces(source, writer, read_sql(task, last_oid)); !copied) {
        (void)destination.exec("ROLLBACK");
        Error error = std::move(copied).error();
        if (error.sqlstate == "42501" && error.side == Side::source) {
            error.kind = ErrorKind::state;
            error.hint = "GRANT SELECT ON LARGE OBJECT ... TO the account of source.conninfo.";
        } else if (error.sqlstate == "42501" || error.sqlstate == "42704") {
            error.kind = ErrorKind::state;
            error = std::move(error).with_hint(
                "Make the destination account a member of the objects' owners, which must exist here; or set \"owners\" and "
                "\"grants\" in [schema] to false.");
        }
        return fail(std::move(error).with_context("copying large objects"));
    }
    spdlog::info("copied {} large objects, {:.1f} MB", writer.objects(), static_cast<double>(writer.bytes()) / 1e6);
    return {};
}

}  // namespace walferry
