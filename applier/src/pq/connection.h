// One connection to a server: our thin, owning layer over libpq, suited to what walferry needs and no more.
//
// Thread: a Connection belongs to one thread at a time. Waits are interruptible: when the stop flag is set, a running
// statement is cancelled and the call returns ErrorKind::interrupted.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "pq/rows.h"

namespace walferry::pq {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct ConnectOptions {
    std::string conninfo;          // libpq URI or key=value; passwords, service files and TLS as libpq has them
    Side side = Side::none;        // for error messages
    std::string application_name;  // what pg_stat_activity shows
    bool replication = false;      // a walsender for the database: simple statements only
    Settings settings;             // SET after connecting
    std::string origin = {};       // if not empty, what is written has a replication origin of this name (pq/origin.h)
    const StopFlag *stop = nullptr;  // may be null: then nothing interrupts; else must outlive the connection
};

// A parameter in text form; nothing is NULL.
using Param = std::optional<std::string>;

class Connection {
public:
    static Result<Connection> open(const ConnectOptions &options);

    // One or more statements, without parameters; the answer is the last one's. A row-returning statement gives text.
    Result<Rows> exec(const std::string &sql);

    // One statement with parameters $1... in text form.
    Result<Rows> exec(const std::string &sql, std::span<const Param> params);
    Result<Rows> exec(const std::string &sql, std::initializer_list<Param> params) {
        return exec(sql, std::span<const Param>(params.begin(), params.size()));
    }

    // One statement with parameters in binary form, each cast to its type there: $1::bytea. The answer is text.
    Result<Rows> exec_binary(const std::string &sql, std::span<const std::string_view> params);

    // COPY ... TO STDOUT: start, then rows until nothing comes.
    Result<void> start_copy_out(const std::string &sql);
    Result<std::optional<CopyData>> copy_row();

    // COPY ... FROM STDIN: start, put bytes (cut anywhere), finish; finish gives the number of rows.
    Result<void> start_copy_in(const std::string &sql);
    Result<void> put_copy(std::string_view bytes);
    Result<std::uint64_t> finish_copy_in();

    // Don't let libpq wait by itself when the server takes no more: what is sent is kept until flush(), which every
    // sender must call before libpq's buffer grows large.
    Result<void> set_nonblocking(bool nonblocking);
    // Send what is kept; waits interruptibly, and takes in what the server sends meanwhile, so neither waits for the other.
    Result<void> flush();

    // Wait until the socket can be read (or for at most `timeout_ms`, -1: for ever). False on a time-out.
    Result<bool> wait_readable(int timeout_ms);

    // Quoted by libpq for this connection's encoding.
    std::string quote_identifier(std::string_view name) const;
    std::string quote_literal(std::string_view text) const;
    // "schema"."name"
    std::string quote_qualified(std::string_view schema, std::string_view name) const {
        return quote_identifier(schema) + "." + quote_identifier(name);
    }

    int server_version() const { return PQserverVersion(connection_.get()); }  // 150020
    Side side() const { return side_; }
    PGconn *raw() const { return connection_.get(); }

    // The next answer in a stream of them, null between statements and at the end; waits interruptibly.
    Result<PGresult *> next_result();

private:
    struct Finish {
        void operator()(PGconn *connection) const { PQfinish(connection); }
    };

    Connection(PGconn *connection, Side side, const StopFlag *stop)
        : connection_(connection), side_(side), stop_(stop) {}

    Result<Rows> last_result();
    Result<void> cancel_if_stopped();
    Result<short> wait_socket(short events, int timeout_ms);
    Result<void> send_gathered_copy();
    Result<void> send_copy(std::string_view bytes);

    std::unique_ptr<PGconn, Finish> connection_;
    Side side_;
    const StopFlag *stop_;
    bool cancelled_ = false;
    std::string copy_data_;  // put, and not sent yet
};

}  // namespace walferry::pq
