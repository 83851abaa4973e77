// One worker's session at the destination: changes go out as statements in libpq's pipeline mode, their answers are read
// later, and every statement is held to what was expected of it: one row for each change.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "apply/batch.h"
#include "apply/destination_table.h"
#include "apply/fold.h"
#include "apply/statement.h"
#include "base/error.h"
#include "decode/change.h"
#include "pq/connection.h"
#include "pq/pipeline.h"

namespace walferry {

// Who sees to it that a statement is about as many rows as changes.
enum class RowCheck {
    answer,     // commit() waits for its answer: cheap for many rows
    statement,  // it fails by itself: a round trip less
};

// Thread: its worker's. Changes must live until their answers are read: until settle(), commit() or roll_back().
class Session {
public:
    // `options`: a data connection to the destination. Takes the task's worker lock (checkpoint/bookkeeping.h). `names` must
    // outlive it.
    static Result<std::unique_ptr<Session>> open(pq::ConnectOptions options, std::string task, const NameMap &names);

    // What the destination has for the table. Requires: no answer is owed. The result lives as long as the session.
    Result<const DestinationTable *> find_table(const Relation &relation);

    // Fold the group, which must outlive the result, for tables as they are here: those whose triggers fire, and those that
    // `exact` names, stay in source order. Requires: no transaction is open, or nothing in it has failed.
    Result<FoldedGroup> fold_group(const Group &group, const std::function<bool(const Relation &)> &exact);

    // One statement without parameters that returns nothing.
    Result<void> send(const std::string &sql);
    // A change by a statement of its own, in its place.
    Result<void> send_change(const Change &change, RowCheck check);
    // The same; an error says which change it was.
    Result<void> send_explained(const Change &change, const Transaction &transaction);
    // The row that has the change's key, of its new tuple, as PostgreSQL prints rows; nothing: there is none. Reads all answers.
    // Requires: the change's relation has key columns.
    Result<std::optional<std::string>> find_row(const Change &change);
    // An error of this change's with all that is to be said about it.
    Error explained(Error error, const Change &change, const Transaction &transaction) {
        return explain(std::move(error), {change.relation, &change, &transaction, {}, nullptr});
    }
    // Net changes of tables, free or held ones, in the cheapest form.
    Result<void> send_net(const std::vector<FoldedTable> &tables, NetChanges FoldedTable::*part, RowCheck check);
    // Read all answers that are owed.
    Result<void> settle();
    // One statement, in the open transaction if there is one; reads all answers.
    Result<pq::Rows> query(const std::string &sql, std::span<const pq::Param> params = {});
    Result<pq::Rows> query(const std::string &sql, std::initializer_list<pq::Param> params) {
        return query(sql, std::span<const pq::Param>(params.begin(), params.size()));
    }
    Result<pq::Rows> query(const std::string &sql, const std::vector<Oid> &types, const pq::RawParams &params);
    // One statement that no transaction may hold, or that is to be one of its own. Requires: none is open.
    Result<pq::Rows> query_outside(const std::string &sql, std::span<const pq::Param> params = {});
    // A COPY ... FROM STDIN in the open transaction, whose data `put` gives to the connection; returns the number of rows.
    Result<std::uint64_t> copy_in(const std::string &sql, const std::function<Result<void>(pq::Connection &)> &put);
    // Forget all that is known of tables: a DDL statement has changed something.
    Result<void> forget_tables();

    // Rows of a rewrite wait in a temporary table for the statement that they belong to.
    struct StagedRows {
        std::uint32_t relid = 0;  // of the table at the source
        std::string name;         // of the temporary table, quoted and qualified
        std::string columns;      // quoted, with commas
    };
    const std::vector<StagedRows> &staged_rows() const { return staged_rows_; }
    // Those of a table are used up, or of no use.
    Result<void> drop_staged_rows(std::uint32_t relid);

    int backend_pid() const { return PQbackendPID(connection_.raw()); }
    std::string quote_identifier(std::string_view name) const { return connection_.quote_identifier(name); }
    std::string quote_literal(std::string_view text) const { return connection_.quote_literal(text); }
    std::string quote_qualified(std::string_view schema, std::string_view name) const {
        return connection_.quote_qualified(schema, name);
    }

    // Move the checkpoint from `old_lsn` to the transaction's end and commit, in the round trip of what was sent before if
    // that checks itself; reads all answers. Errors: ErrorKind::state
    // when the stored position is not `old_lsn`.
    Result<void> commit(Lsn old_lsn, const Transaction &transaction);
    // After an error, undo what was sent since BEGIN, or since the savepoint.
    Result<void> roll_back(const std::string &sql = "ROLLBACK");

    // The table whose change caused the last error, if one did.
    const Relation *failed_relation() const { return failed_relation_; }

private:
    struct Prepared {
        Statement statement;
        std::string name;
        bool self_checking = false;
        bool confirmed = false;  // the server has it
    };
    struct PreparedBatch {
        BatchStatement statement;  // $2, if it is self-checking: how many rows
        std::string name;
        bool self_checking = false;
        bool confirmed = false;
    };
    struct Table {
        DestinationTable destination;
        std::map<std::string, Prepared, std::less<>> statements;    // by shape
        std::map<std::string, PreparedBatch, std::less<>> batches;  // by shape
    };
    // An answer that the server owes.
    struct Owed {
        const Relation *relation = nullptr;        // whose it is; null: ours
        const Change *change = nullptr;            // if it is about a single one
        const Transaction *transaction = nullptr;  // and is to be explained
        std::optional<std::uint64_t> rows;         // how many it must be about
        bool *confirms = nullptr;                  // the statement that it prepared
    };

    Session(pq::ConnectOptions options, std::string task, const NameMap &names, pq::Connection connection)
        : options_(std::move(options)),
          task_(std::move(task)),
          names_(names),
          connection_(std::move(connection)),
          pipeline_(connection_) {}
    Result<void> set_up();
    bool has_origin() const { return !options_.origin.empty(); }
    Result<void> prepare();
    int prepared_answers() const;

    Result<Table *> table_of(const Relation &relation);
    Result<DestinationTable> find_destination(const Relation &relation);
    Result<Prepared *> find_statement(const Change &change, Table &table, RowCheck check);
    Result<PreparedBatch *> find_batch(const Change &change, Table &table, RowCheck check);
    Result<void> send_list(const std::vector<Change> &changes, RowCheck check);
    Result<void> send_shape(std::span<const Change *const> changes, Table &table, RowCheck check);
    Result<void> send_batch(const PreparedBatch &batch, std::uint64_t rows, const Relation &relation);
    Result<void> copy(std::span<const NetChanges *const> tables);
    Result<void> copy_rows(const std::vector<Change> &inserts);
    Result<void> leave_pipeline();
    Result<void> send_single(const Change &change, const Transaction *transaction, RowCheck check);
    Result<void> send_truncate(const Change &change, const Transaction *transaction);
    Result<void> owe(Owed owed);
    Result<void> read_owed(std::size_t leave);
    Error explain(Error error, const Owed &owed);

    const pq::ConnectOptions options_;
    const std::string task_;
    const NameMap &names_;
    pq::Connection connection_;
    pq::Pipeline pipeline_;
    std::unordered_map<const Relation *, Table> tables_;
    std::vector<StagedRows> staged_rows_;
    std::size_t next_statement_ = 0;
    std::deque<Owed> owed_;
    const Relation *failed_relation_ = nullptr;
    // Scratch space, kept from change to change.
    ChangeValues values_;
    std::string shape_;
    pq::RawParams params_;
    RowArray array_;
    std::string copy_data_;
};

}  // namespace walferry
