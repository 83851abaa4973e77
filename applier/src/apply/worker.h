// Applies groups to the destination, each group of whole transactions as one destination transaction.
//
// The timeline of one, every line in pipeline mode:
//
//   BEGIN, changes ...     sent; answers read as they come: an error or a row count other than 1 ends it here
//   (piece by piece, for a transaction that is too big for a group)
//   checkpoint, COMMIT     sent when every change was answered for; the checkpoint's compare-and-set fails if somebody
//                          else has moved it, so a second applier can't commit
//   COMMIT's answer        only now is applied_lsn raised and the frames let go
//
// Invariants:
//   1. The checkpoint moves in the transaction that holds the changes up to it: a crash at any point loses and repeats
//      nothing.
//   2. When a group of several transactions fails, they are applied again one by one, so that the destination ends
//      exactly before the one that can't be applied.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "apply/destination_table.h"
#include "apply/statement.h"
#include "base/error.h"
#include "base/ring.h"
#include "base/stop.h"
#include "checkpoint/positions.h"
#include "pq/connection.h"
#include "pq/pipeline.h"
#include "schedule/group.h"

namespace walferry {

// Thread: its own for run(). References must outlive it.
class Worker {
public:
    // `options`: a data connection to the destination. `checkpoint`: the stored position.
    Worker(pq::ConnectOptions options, std::string task, Lsn checkpoint, Ring<Group> &groups, Doorbell &bell,
           Positions &positions);
    ~Worker();

    // Until stop is requested (ring the doorbell then; what is not committed is rolled back), or a change can't be
    // applied: ErrorKind::conflict, with the change in its context.
    Result<void> run(const StopFlag &stop);

private:
    struct Prepared {
        Statement statement;
        std::string name;
    };
    struct Table {
        DestinationTable destination;
        std::map<std::string, Prepared, std::less<>> statements;  // by shape
    };
    // One connection with what was prepared on it.
    struct Session {
        explicit Session(pq::Connection opened) : connection(std::move(opened)), pipeline(connection) {}
        pq::Connection connection;
        pq::Pipeline pipeline;
        std::unordered_map<const Relation *, Table> tables;
        std::size_t next_statement = 0;
    };
    // An answer that the server owes.
    struct Owed {
        const Change *change = nullptr;                 // whose it is; null: ours
        const GroupTransaction *transaction = nullptr;  // null with it
        bool counts_row = false;                        // it must be about one row
    };

    Result<void> connect();
    Result<void> apply(const Group &group);
    Result<void> apply_transactions(const Group &group, std::size_t first, std::size_t last, bool begin, bool commit);
    Result<void> send_change(const Change &change, const GroupTransaction &transaction);
    Result<void> send_truncate(const Change &change, const GroupTransaction &transaction);
    Result<Table *> find_table(const Relation &relation);
    Result<Prepared *> find_statement(const Change &change, Table &table, const GroupTransaction &transaction);
    Result<void> read_owed(std::size_t leave);
    Result<void> commit(const GroupTransaction &last);
    Error explain_commit(Error error, const GroupTransaction &last);
    Error explain(Error error, const Change &change, const GroupTransaction &transaction);
    std::string describe_key(const Change &change);

    const pq::ConnectOptions options_;
    const std::string task_;
    Lsn checkpoint_;
    Ring<Group> &groups_;
    Doorbell &bell_;
    Positions &positions_;

    // Being applied. When that fails it stays: its frames say that something is not applied, until all threads have ended.
    std::unique_ptr<const Group> group_;
    std::unique_ptr<Session> session_;
    std::deque<Owed> owed_;
    std::uint64_t changes_sent_ = 0;  // of the destination transaction under way
    // Scratch space, kept from change to change.
    ChangeValues values_;
    std::string shape_;
    pq::RawParams params_;
};

}  // namespace walferry
